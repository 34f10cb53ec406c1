"""The public configurations of widgets that were asked for lately, ready to be sent.

A widget on a busy page is asked for many times a second, and changes once a month. Each process
remembers what it sent for ``SECONDS``; the answer's ``Age`` takes them off the minute for which a
browser keeps it, so that a saved change still shows within that minute.
"""

import gzip
import hashlib
import time
from typing import Final, NamedTuple, Self

#: How long a process remembers.
SECONDS: Final = 10
#: How many configurations; when there are more, all are forgotten.
_MOST: Final = 5_000


class ReadyConfig(NamedTuple):
    """A configuration as it is sent, and who may have it."""

    #: Where the service was asked: an icon's URL may begin with it.
    address: str
    allowed_domains: list[str]
    body: bytes
    compressed: bytes
    #: Weak (RFC 9110, section 8.8.1).
    etag: str
    made_at: float

    @classmethod
    def of(cls, body: bytes, *, version: bytes, address: str, allowed_domains: list[str]) -> Self:
        """The configuration whose JSON is ``body``, as of now. Bodies of one ``version`` can stand
        for each other: their ``ETag`` is the same."""
        return cls(
            address,
            allowed_domains,
            body,
            gzip.compress(body, mtime=0),
            f'W/"{hashlib.sha256(version).hexdigest()[:32]}"',
            time.time(),
        )

    @property
    def age(self) -> int:
        """Whole seconds since it was made."""
        return int(time.time() - self.made_at)


_ready: dict[str, ReadyConfig] = {}


def remember(webchat_id: str, ready: ReadyConfig) -> None:
    """Keep it for ``SECONDS``."""
    if len(_ready) >= _MOST:
        _ready.clear()
    _ready[webchat_id] = ready


def find(webchat_id: str, address: str) -> ReadyConfig | None:
    """What is remembered of the webchat as asked for at this address, if it is not too old."""
    ready = _ready.get(webchat_id)
    if ready is None or ready.address != address:
        return None
    return ready if 0 <= time.time() - ready.made_at < SECONDS else None


def forget(webchat_id: str) -> None:
    """Forget a webchat that was changed. (Other processes do so in ``SECONDS``.)"""
    _ready.pop(webchat_id, None)
