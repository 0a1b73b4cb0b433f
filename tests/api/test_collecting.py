"""How a service that is up goes through its garbage."""

import gc

from api.app import collecting_seldom


def test_what_stands_is_left_out_while_serving_and_everything_is_as_before_afterwards() -> None:
    before, frozen = gc.get_threshold(), gc.get_freeze_count()
    with collecting_seldom():
        assert gc.get_freeze_count() > max(frozen, 10_000)
        assert all(now > then for now, then in zip(gc.get_threshold(), before, strict=True))
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
