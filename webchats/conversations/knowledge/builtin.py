"""The built-in provider: it quotes the organization's own answers. It is no AI model.

It streams what a model would, ``sources:`` line included, so that everything after it is the same.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from organizations.ai.client import ModelRequest
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta
from webchats.conversations.knowledge import phrases
from webchats.conversations.knowledge.selection import Source
from webchats.conversations.knowledge.words import find_words, share_of_words
from webchats.conversations.models.message import MAX_TEXT_LENGTH

#: The share of the question's words that an entry must contain.
_MIN_SHARE: Final = 0.34
#: Up to this share, the answer may be to another question, which stands above it.
_MAX_UNSURE: Final = 0.5
#: The question's words in the questions of an entry count more than those in its answer.
_ANSWER_WEIGHT: Final = 0.6
#: Words that appear at a time, and the seconds until the next ones.
_WORDS_AT_ONCE: Final = 6
_PAUSE: Final = 0.04
_GREETINGS: Final = frozenset(
    {
        "hello",
        "hi",
        "hey",
        "hallo",
        "moin",
        "servus",
        "salut",
        "bonjour",
        "hola",
        "buenas",
        "olá",
        "oi",
        "ciao",
        "buongiorno",
        "hoi",
    }
)
_THANKS: Final = frozenset(
    {
        "thanks",
        "thank",
        "danke",
        "dankeschön",
        "merci",
        "gracias",
        "obrigado",
        "obrigada",
        "grazie",
        "bedankt",
        "dank",
    }
)
#: A longer text is a question, even if it begins with a greeting.
_MAX_COURTESY_WORDS: Final = 4


class BuiltinClient:
    """A ``ModelClient`` for one question. ``language`` is a language tag."""

    def __init__(self, sources: Sequence[Source], *, language: str) -> None:
        self._sources = sources
        self._language = language

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelEvent]:
        """Yield the best answer to the last turn of the visitor, or ``sources: none``."""
        question = request.turns[-1].text if request.turns else ""
        # Thousands of short entries take a while, in which the event loop has others to serve.
        for text in await asyncio.to_thread(self._texts, question):
            yield TextDelta(text)
            await asyncio.sleep(_PAUSE)
        yield End(EndReason.STOP)

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    def _texts(self, question: str) -> list[str]:
        if reply := self._courtesy(question):
            return ["sources: courtesy\n", reply]
        source = find_best(self._sources, question)
        if source is None:
            return ["sources: none\n"]
        answer = source.answer
        titled = f"**{source.title}**\n\n{answer}"
        is_unsure = _rate(source, find_words(question)) <= _MAX_UNSURE
        if is_unsure and len(titled) <= MAX_TEXT_LENGTH:
            answer = titled
        words = re.findall(r"\S+\s*", answer)
        parts = range(0, len(words), _WORDS_AT_ONCE)
        texts = ["".join(words[start : start + _WORDS_AT_ONCE]) for start in parts]
        return [f"sources: {source.number}\n", *texts]

    def _courtesy(self, question: str) -> str:
        words = re.findall(r"[^\W\d_]+", question.lower())
        if not 0 < len(words) <= _MAX_COURTESY_WORDS or "?" in question:
            return ""
        if _THANKS & set(words):
            return phrases.thanks(self._language)
        is_greeting = bool(_GREETINGS & set(words)) and not set(find_words(question)) - _GREETINGS
        return phrases.courtesy(self._language) if is_greeting else ""


def find_best(sources: Sequence[Source], question: str) -> Source | None:
    """Return the source that answers the question best, or ``None`` if none does."""
    words = find_words(question)
    best = max(sources, key=lambda source: _rate(source, words), default=None)
    return best if best is not None and _rate(best, words) >= _MIN_SHARE else None


def _rate(source: Source, words: Sequence[str]) -> float:
    """Return how well the source answers a question with these words, from 0 to 1."""
    in_questions = share_of_words(words, source.questions)
    return max(in_questions, _ANSWER_WEIGHT * share_of_words(words, source.answer))
