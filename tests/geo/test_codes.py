from hypothesis import given
from hypothesis import strategies as st

from geo.codes import natural_key


def test_digits_compare_as_numbers() -> None:
    codes = ["10", "9", "a10", "a9", "a9b", "", "10a", "A9"]
    assert sorted(codes, key=natural_key) == ["", "9", "10", "10a", "A9", "a9", "a9b", "a10"]


def test_codes_that_read_alike_keep_a_fixed_order() -> None:
    assert sorted(["7", "007", "07"], key=natural_key) == sorted(["07", "7", "007"], key=natural_key)
    assert natural_key("7")[0] == natural_key("007")[0]


@given(st.integers(0, 10**30), st.integers(0, 10**30))
def test_numbers_of_any_length_are_ordered_like_numbers(a: int, b: int) -> None:
    assert (natural_key(str(a)) < natural_key(str(b))) == (a < b)


@given(st.text(), st.text(), st.text())
def test_the_order_is_total(a: str, b: str, c: str) -> None:
    ordered = sorted([a, b, c], key=natural_key)
    assert ordered == sorted([c, a, b], key=natural_key)
    assert (natural_key(a) == natural_key(b)) == (a == b)


def test_a_code_of_five_thousand_digits_is_ordered() -> None:
    assert natural_key("9" * 5000) < natural_key("1" + "0" * 5000)
