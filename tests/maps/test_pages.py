"""The pages' words, templates and files: both languages complete, one place for colours, nothing from elsewhere."""

import re

import pytest

from maps.pages import LANGUAGES, STATIC, Language, choose_language, read_words, render_page

TEMPLATES = STATIC.parent / "templates"
MODULES = sorted(STATIC.rglob("*.js"))
PAGES = [
    TEMPLATES / f"{name}.html"
    for name in ("frame", "brand", "front", "login", "start", "phone", "wall", "planner", "coverage", "unit")
]
ROUTES = STATIC.parent.parent / "api" / "pages" / "pages.py"


def blanks(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_both_languages_have_the_same_keys_and_blanks() -> None:
    zh, en = read_words("zh"), read_words("en")
    assert list(zh) == list(en)
    assert {key: blanks(text) for key, text in zh.items()} == {key: blanks(text) for key, text in en.items()}
    assert all(text.strip() for words in (zh, en) for text in words.values())


def test_english_is_english_but_for_the_way_back() -> None:
    chinese = {key for key, text in read_words("en").items() if re.search(r"[\u4e00-\u9fff]", text)}
    assert chinese == {"language"}


@pytest.mark.parametrize("file", [*MODULES, *PAGES], ids=lambda file: file.name)
def test_every_text_that_is_asked_for_is_there(file: object) -> None:
    source = file.read_text("utf-8")  # type: ignore[attr-defined]
    asked = set(re.findall(r"""\bt\(\s*["']([a-z_.]+)["']\s*[,)]""", source))
    assert asked <= set(read_words("zh"))


def test_no_text_is_kept_that_nobody_asks_for() -> None:
    sources = "\n".join(file.read_text("utf-8") for file in [*MODULES, *PAGES, ROUTES])
    asked = set(re.findall(r"""["'`]([a-z][a-z0-9_.]*)["'`]""", sources))
    made = tuple(re.findall(r"""t\([`"]([a-z_]+(?:\.[a-z_]+)*\.)(?:\$\{|" ~)""", sources))
    spare = [
        key
        for key in read_words("zh")
        if not {key, key.removesuffix(".note"), key.removesuffix(".text")} & asked
        and not key.startswith(made)
    ]
    assert spare == []


def test_colours_are_written_in_the_tokens_alone() -> None:
    for file in [*STATIC.rglob("*.css"), *MODULES]:
        if file.name != "tokens.css":
            source = re.sub(r"getElementById\(.*?\)|href=\"#\w+\"", "", file.read_text("utf-8"))
            assert not re.search(r"#[0-9a-fA-F]{3,8}\b(?!-)|rgba?\(|hsla?\(", source), file.name


def test_pages_have_no_script_or_style_of_their_own_and_load_nothing_from_elsewhere() -> None:
    for file in PAGES:
        source = file.read_text("utf-8")
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", source), file.name
    for file in [*PAGES, *MODULES, *STATIC.rglob("*.css")]:
        source = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?:|[\"'(]//", source), file.name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_renders_in_both_languages(language: Language) -> None:
    frame = {"zone": "Asia/Shanghai", "other_url": "/?lang=en", "login": "w&1"}
    pages = {
        "login": {"next": "/", "problem": "wrong"},
        "start": {"granted": False, "doors": [], "networks": []},
        "wall": {"sees_movement": True, "sees_cases": False, "sees_hotspots": True},
        "phone": {"fix_days": "30"},
        "planner": {"plans": True, "plans_all": True},
        "unit": {"unit_id": "0"},
    }
    for name, values in pages.items():
        page = render_page(name, language, **frame, **values)
        assert f'data-language="{language}"' in page
        assert "w&1" not in page


@pytest.mark.parametrize(
    ("asked", "kept", "accepted", "chosen"),
    [
        ("en", "zh", "zh-CN", "en"),
        (None, "en", "zh-CN", "en"),
        ("xx", "yy", "fr, en-GB;q=0.8, zh;q=0.5", "en"),
        (None, None, "ZH-tw,en", "zh"),
        (None, None, "", "zh"),
        (None, None, "de", "zh"),
    ],
)
def test_the_language_is_asked_for_kept_accepted_or_the_settings(
    asked: str | None, kept: str | None, accepted: str, chosen: str
) -> None:
    assert choose_language(asked, kept, accepted, "zh") == chosen
