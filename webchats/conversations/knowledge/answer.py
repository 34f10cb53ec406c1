"""The answer in the output of a model: its sources, and the text that may be shown.

Where a prompt has knowledge, the first line names the sources of the answer::

    sources: 1, 3       the numbers of the sources of the answer
    sources: none       the sources do not answer the question
    sources: courtesy   a greeting or thanks, which needs no source

Nothing is shown before that line. Without it, the text is held until its end, and shown only if it
cites a number that was given, such as ``[1]``. All other text is replaced by a fixed sentence: a
model must not answer from its own knowledge.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from organizations.ai.text import has_visible
from webchats.conversations.knowledge.phrases import refusal
from webchats.conversations.knowledge.selection import Source
from webchats.conversations.serializers import SourceDocument

#: Characters in which the first line must end.
_MAX_FIRST_LINE: Final = 200
#: With markup that models add to the line, such as ``**Sources: 1**``.
_FIRST_LINE: Final = re.compile(r"[\s\ufeff>*_`#]*sources?[\s*_`]*:(?P<value>.*)", re.IGNORECASE)
_NAME: Final = "sources:"
_CITATION: Final = re.compile(r"\[(\d{1,4})\]")


class Outcome(StrEnum):
    """What an answer is."""

    ANSWER = "answer"
    COURTESY = "courtesy"
    #: The fixed sentence. Two in a row hand the conversation over.
    REFUSAL = "refusal"


@dataclass(frozen=True)
class Answer:
    """A complete answer. ``sources`` are those that it cites, for ``Message.sources``."""

    outcome: Outcome
    text: str
    sources: list[SourceDocument]


class AnswerParser:
    """Reads the text of one call as it arrives.

    With ``requires_sources``, an answer must cite a source. The default is whether there are any.
    """

    def __init__(
        self, sources: Sequence[Source], *, language: str, requires_sources: bool | None = None
    ) -> None:
        self._sources = {source.number: source for source in sources}
        self._requires_sources = bool(sources) if requires_sources is None else requires_sources
        self._language = language
        #: The text that waits for the end of the first line, or of all.
        self._held = ""
        self._shown = ""
        #: ``None`` until the first line has been read.
        self._outcome: Outcome | None = None
        self._cited: list[int] = []
        self._is_held_to_the_end = False

    @property
    def length(self) -> int:
        """Return the number of characters that are shown or held, without the line of sources."""
        return len(self._shown) + len(self._held)

    def feed(self, text: str) -> str:
        """Add text, and return the text that may be shown now, which can be empty."""
        if self._outcome is None:
            self._held += text
            if self._is_held_to_the_end or not self._read_first_line():
                return ""
            text, self._held = self._held, ""
        if self._outcome == Outcome.REFUSAL:
            return ""
        if not self._shown:
            text = text.lstrip()
        self._shown += text
        return text

    def finish(self) -> Answer:
        """Return the answer, after all text."""
        if self._outcome is None and not self._is_held_to_the_end and self._read_first_line("\n"):
            self._shown, self._held = self._held.strip(), ""
        if self._outcome is None:
            self._judge_held_text()
        text = self._shown.strip()
        if not has_visible(text) or self._outcome in (None, Outcome.REFUSAL):
            return Answer(Outcome.REFUSAL, refusal(self._language), [])
        return Answer(self._outcome, text, [self._document(number) for number in self._cited])

    def _read_first_line(self, end: str = "") -> bool:
        """Set the outcome by the first line, and keep the text after it in ``_held``.

        Return whether there is an outcome. ``end`` is added to the text: the last line has none.
        """
        start = self._held.lstrip()
        line, newline, rest = (start + end).partition("\n")
        match = _FIRST_LINE.match(line)
        if newline and match:
            self._set_outcome(match["value"])
            self._held = rest
        elif not self._requires_sources and not _may_become_first_line(
            line, is_complete=bool(newline)
        ):
            # Without knowledge, the line is not requested, and the model answers freely.
            self._outcome = Outcome.ANSWER
        elif newline or len(line) > _MAX_FIRST_LINE:
            self._is_held_to_the_end = True
        return self._outcome is not None

    def _set_outcome(self, value: str) -> None:
        words = re.findall(r"\w+", value.lower())
        numbers = dict.fromkeys(int(word) for word in words if word.isdecimal() and len(word) < 5)
        self._cited = [number for number in numbers if number in self._sources]
        if self._cited or not self._requires_sources:
            self._outcome = Outcome.ANSWER
        else:
            self._outcome = Outcome.COURTESY if words == ["courtesy"] else Outcome.REFUSAL

    def _judge_held_text(self) -> None:
        numbers = dict.fromkeys(int(number) for number in _CITATION.findall(self._held))
        self._cited = [number for number in numbers if number in self._sources]
        is_free = not self._requires_sources
        self._outcome = Outcome.ANSWER if self._cited or is_free else Outcome.REFUSAL
        self._shown = self._held

    def _document(self, number: int) -> SourceDocument:
        source = self._sources[number]
        return {"number": number, "title": source.title, "link": source.link}


def _may_become_first_line(line: str, *, is_complete: bool) -> bool:
    """Return whether the beginning of a line can be that of a line with sources."""
    start = re.sub(r"[\s\ufeff>*_`#]+", "", line).lower()
    if is_complete or len(line) > _MAX_FIRST_LINE:
        return False
    return start.startswith(_NAME) or _NAME.startswith(start)
