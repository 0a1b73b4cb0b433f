"""The texts of what is handed out, in both languages: one dictionary each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from analysis.coverage.figures import Definition
from analysis.coverage.measures.meanings import Meaning
from geo.networks import Network
from maps.pages import Language, read_words

FOLDER: Final = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Words:
    """What a reader of one language reads."""

    language: Language = "zh"

    def __call__(self, key: str, **blanks: object) -> str:
        text = read_words(self.language, FOLDER)[key]
        return text.format_map(blanks) if blanks else text

    @property
    def other(self) -> "Words":
        return Words("en" if self.language == "zh" else "zh")

    def name_of(self, definition: Definition) -> str:
        return definition.zh if self.language == "zh" else definition.en[0].upper() + definition.en[1:]

    def text_of(self, meaning: Meaning) -> str:
        return meaning.zh if self.language == "zh" else meaning.en

    def level_of(self, network: Network, code: str | None) -> str:
        """A level's name; its code where it has none in this language, or the network no longer has the level."""
        for level in network.levels:
            if level.code == code:
                return (level.name if self.language == "zh" else level.name_en) or level.code
        return code or ""
