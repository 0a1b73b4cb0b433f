"""The pages of the product: templates, and their words in both languages from one dictionary each."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final, Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
STATIC: Final = Path(__file__).parent / "static"
HTML_LANGUAGE: Final[Mapping[Language, str]] = {"zh": "zh-CN", "en": "en"}


@cache
def read_words(language: Language, folder: Path = STATIC / "words") -> Mapping[str, str]:
    """Every text by its key: of the pages, whose modules in the browser read the same files, or of another folder."""
    words: dict[str, str] = json.loads((folder / f"{language}.json").read_text("utf-8"))
    return words


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("maps", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render_page(name: str, language: Language, **values: object) -> str:
    """The page `templates/<name>.html`; `t(key, **values)` inside it gives a text in the page's language."""
    words = read_words(language)

    def say(key: str, **blanks: object) -> str:
        return words[key].format_map(blanks) if blanks else words[key]

    other: Language = "en" if language == "zh" else "zh"
    return (
        _templates()
        .get_template(f"{name}.html")
        .render(
            t=say, language=language, other_language=other, html_language=HTML_LANGUAGE[language], **values
        )
    )


def choose_language(asked: str | None, kept: str | None, accepted: str, fallback: Language) -> Language:
    """The page's language: what the address asks for, else what the browser kept, else what it accepts.

    `accepted` is an Accept-Language header; its order is taken as its preference.
    """
    for wish in (asked, kept):
        if wish in LANGUAGES:
            return wish
    for part in accepted.split(","):
        wish = part.partition(";")[0].strip().lower().partition("-")[0]
        if wish in LANGUAGES:
            return wish
    return fallback
