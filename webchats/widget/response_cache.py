"""The public configurations that were sent lately, ready to be sent again.

A widget on a busy page is asked for many times a second, and changes once a month. Each process
remembers what it answered for ``SECONDS``; the answer's ``Age`` takes them off the minute for which
a browser keeps it, so that a saved change still shows within that minute.
"""

import time
from typing import Final, NamedTuple

#: How long a process remembers.
SECONDS: Final = 10
#: After so many bytes all are forgotten: what nobody asks for any more goes with them.
_MOST: Final = 32 * 1024 * 1024
#: Bytes that an answer takes beside its body, about: its question and its headers.
_BESIDE: Final = 3_000

#: What an answer depends on beside the webchat: who asks, from where, and what they take.
Question = tuple[str | None, ...]


class ReadyConfig(NamedTuple):
    """An answer: a configuration, or that the browser has it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    #: Seconds since the epoch.
    made_at: float

    @property
    def age(self) -> int:
        """Whole seconds since it was made (RFC 9111, section 5.1)."""
        return int(time.time() - self.made_at)


class ReadyConfigs:
    """A process's memory."""

    def __init__(self) -> None:
        self._by_webchat: dict[str, dict[Question, ReadyConfig]] = {}
        self._bytes = 0

    def remember(self, webchat_id: str, question: Question, answer: ReadyConfig) -> None:
        """Keep it for ``SECONDS``."""
        if self._bytes >= _MOST:
            self.forget_all()
        self._bytes += len(answer.body) + _BESIDE
        self._by_webchat.setdefault(webchat_id, {})[question] = answer

    def find(self, webchat_id: str, question: Question) -> ReadyConfig | None:
        """What was answered to the question, if that is not too long ago."""
        answers = self._by_webchat.get(webchat_id)
        answer = None if answers is None else answers.get(question)
        if answer is None or not 0 <= time.time() - answer.made_at < SECONDS:
            return None
        return answer

    def forget(self, webchat_id: str) -> None:
        """Forget a webchat that was changed. (Other processes do so in ``SECONDS``.)"""
        self._by_webchat.pop(webchat_id, None)

    def forget_all(self) -> None:
        """Forget everything, since many were changed."""
        self._by_webchat.clear()
        self._bytes = 0


ready_configs: Final = ReadyConfigs()
