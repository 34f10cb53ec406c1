"""The texts of the page in the iframe, by language."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

Words = Mapping[str, Mapping[str, str]]


def _read(name: str) -> Words:
    words: Words = json.loads(Path(__file__).with_name(name).read_text("utf-8"))
    return words


#: By language (ISO 639-1), then by name. ``{name}`` is a representative's name.
WORDS: Final = _read("words.json")
#: Those of the survey, which is downloaded later.
SURVEY_WORDS: Final = _read("survey_words.json")
DEFAULT_LANGUAGE: Final = "en"
#: Names of texts that the page has in its elements. Its script does not need them.
_PAGE_WORDS: Final = frozenset(
    {
        "close",
        "end",
        "greeting",
        "human",
        "message",
        "messages",
        "newMessages",
        "options",
        "placeholder",
        "retry",
        "send",
        "transcript",
    }
)


def script_words(language: str) -> dict[str, str]:
    """Return the texts of a known language that the script of the page shows."""
    words = WORDS[language]
    return {name: text for name, text in words.items() if name not in _PAGE_WORDS}


def score_names(language: str) -> list[str]:
    """Return the names of the survey's scores in a known language, from the worst to the best."""
    return [SURVEY_WORDS[language][f"score_{score}"] for score in range(1, 6)]


def known_language(language: str) -> str:
    """Return the language of the texts for a language tag (BCP 47), or the default language."""
    primary = language.partition("-")[0].lower()
    return primary if primary in WORDS else DEFAULT_LANGUAGE
