"""The password hasher."""

from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

from webchat_project.api.exceptions import DependencyUnavailable
from webchat_project.limited_lock import LimitedLock

#: The most callers that wait while a password is hashed. The other threads serve requests.
MAX_WAITING: Final = 4


class HasherBusy(DependencyUnavailable):
    """A password was not hashed, because too many callers wait."""

    log_message = "A password was not hashed"
    client_message = "Too many people are signing in. Try again in a moment."


_one_at_a_time: Final = LimitedLock(MAX_WAITING, HasherBusy)


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
        with _one_at_a_time.hold():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _one_at_a_time.hold():
            return super().verify(password, encoded)
