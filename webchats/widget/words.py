"""The texts of the page in the iframe, by language."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

#: By language (ISO 639-1), then by name. ``{name}`` is a representative's name.
WORDS: Final[Mapping[str, Mapping[str, str]]] = json.loads(
    Path(__file__).with_name("words.json").read_text("utf-8")
)
DEFAULT_LANGUAGE: Final = "en"


def score_names(language: str) -> list[str]:
    """Return the names of the survey's scores in a known language, from the worst to the best."""
    return [WORDS[language][f"score_{score}"] for score in range(1, 6)]


def known_language(language: str) -> str:
    """Return the language of the texts for a language tag (BCP 47), or the default language."""
    primary = language.partition("-")[0].lower()
    return primary if primary in WORDS else DEFAULT_LANGUAGE
