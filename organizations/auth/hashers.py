"""The password hasher."""

from threading import Lock
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

#: Held while a password is hashed.
_one_at_a_time: Final = Lock()


class OneAtATimeArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with the parameters of OWASP's Password Storage Cheat Sheet: 19 MiB, t=2, p=1.

    A process hashes one password at a time. Otherwise the memory for parallel sign-ins would grow
    with the number of threads, most of all for former hashes, which need 100 MiB each. Django
    replaces them at the next sign-in of their user.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _one_at_a_time:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _one_at_a_time:
            return super().verify(password, encoded)
