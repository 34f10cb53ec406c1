"""The password hasher."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

from webchat_project.api.exceptions import DependencyUnavailable
from webchat_project.limited_lock import LimitedLock

#: The most callers that wait while a password is hashed. The other threads serve requests.
MAX_WAITING: Final = 4
#: How many more may wait at an address from which they have signed in before. Sign-in attempts from
#: a thousand addresses could lock all other users out.
RESERVED: Final = 2


class HasherBusy(DependencyUnavailable):
    """A password was not hashed, because too many callers wait."""

    log_message = "A password was not hashed"
    client_message = "Too many people are signing in. Try again in a moment."


_one_at_a_time: Final = LimitedLock(MAX_WAITING, HasherBusy, reserved=RESERVED)
_is_preferred: Final = ContextVar("is_preferred", default=False)


@contextmanager
def prefer(is_preferred: bool) -> Iterator[None]:
    """Set whether passwords that are hashed in the block have the ``RESERVED`` places."""
    token = _is_preferred.set(is_preferred)
    try:
        yield
    finally:
        _is_preferred.reset(token)


class OneAtATimeArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, t=2, p=1.

    A process hashes one password at a time, and raises ``HasherBusy`` if too many callers wait.
    Otherwise the memory for parallel sign-ins would grow with the number of threads, most of all
    for former hashes, which need 100 MiB each. Django replaces them at the next sign-in of their
    user.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        encode = partial(super().encode, password, salt)
        return _one_at_a_time.run(encode, is_preferred=_is_preferred.get())

    def verify(self, password: str, encoded: str) -> bool:
        verify = partial(super().verify, password, encoded)
        return _one_at_a_time.run(verify, is_preferred=_is_preferred.get())
