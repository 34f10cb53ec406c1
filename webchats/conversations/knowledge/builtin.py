"""The built-in provider: it quotes the organization's own answers. It is no AI model.

It streams the same format as a model, including the ``sources:`` line, for the same processing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Final

from organizations.ai.client import ModelRequest
from organizations.ai.events import End, EndReason, ModelEvent, TextDelta
from webchats.conversations.knowledge import phrases
from webchats.conversations.knowledge.history import SEPARATOR
from webchats.conversations.knowledge.selection import Source
from webchats.conversations.knowledge.words import find_words, share_of_words
from webchats.conversations.models.message import MAX_TEXT_LENGTH

#: The share of the question's words that an entry must contain.
_MIN_SHARE: Final = 0.34
#: Up to this share, the answer may be to another question, which is shown above it.
_MAX_UNSURE: Final = 0.5
#: The question's words in the questions of an entry count more than those in its answer.
_ANSWER_WEIGHT: Final = 0.6
#: More messages, or paragraphs, that have not been answered are one question.
_MAX_QUESTIONS: Final = 5
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
        """Yield the best answers to the last turn of the visitor, or ``sources: none``."""
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
        questions = question.split(SEPARATOR)
        if 1 < len(questions) <= _MAX_QUESTIONS and (answers := self._answer_each(questions)):
            return answers
        source = find_best(self._sources, question)
        if source is None:
            return ["sources: none\n"]
        is_unsure = _rate(source, find_words(question)) <= _MAX_UNSURE
        titled = _with_title(source.title, source.answer)
        answer = titled if is_unsure and len(titled) <= MAX_TEXT_LENGTH else source.answer
        return [f"sources: {source.number}\n", *_split(answer)]

    def _answer_each(self, questions: Sequence[str]) -> list[str]:
        """Return the answers to messages that were written one after the other, if there are any.

        What is no question needs a match that is sure.
        """
        sections: dict[str, str] = {}
        numbers = []
        for question in questions:
            is_question = "?" in question
            source = find_best(self._sources, question)
            if source and not is_question and _rate(source, find_words(question)) <= _MAX_UNSURE:
                source = None
            if source and source.title not in sections:
                sections[source.title] = source.answer
                numbers.append(str(source.number))
            elif is_question and not source:
                sections[question.strip()] = phrases.refusal(self._language)
        if not numbers:
            return []
        if len(sections) == 1:
            answer = next(iter(sections.values()))
        else:
            answer = SEPARATOR.join(_with_title(*section) for section in sections.items())
        if len(answer) > MAX_TEXT_LENGTH:
            return []
        return [f"sources: {', '.join(numbers)}\n", *_split(answer)]

    def _courtesy(self, question: str) -> str:
        words = re.findall(r"[^\W\d_]+", question.lower())
        if not 0 < len(words) <= _MAX_COURTESY_WORDS or "?" in question:
            return ""
        if _THANKS & set(words):
            return phrases.thanks(self._language)
        is_greeting = bool(_GREETINGS & set(words)) and not set(find_words(question)) - _GREETINGS
        return phrases.courtesy(self._language) if is_greeting else ""


def _with_title(title: str, answer: str) -> str:
    return f"**{title}**\n\n{answer}"


def _split(answer: str) -> list[str]:
    """Return the parts that appear one after the other."""
    words = re.findall(r"\S+\s*", answer)
    starts = range(0, len(words), _WORDS_AT_ONCE)
    return ["".join(words[start : start + _WORDS_AT_ONCE]) for start in starts]


def find_best(sources: Sequence[Source], question: str) -> Source | None:
    """Return the source that answers the question best, or ``None`` if none does."""
    words = find_words(question)
    best = max(sources, key=lambda source: _rate(source, words), default=None)
    return best if best is not None and _rate(best, words) >= _MIN_SHARE else None


def _rate(source: Source, words: Sequence[str]) -> float:
    """Return how well the source answers a question with these words, from 0 to 1."""
    in_questions = share_of_words(words, source.questions)
    return max(in_questions, _ANSWER_WEIGHT * share_of_words(words, source.answer))
