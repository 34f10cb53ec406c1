"""Ids of rows: a MongoDB ObjectId as 24 lower-case hexadecimal characters.

The layout is that of the BSON specification: four bytes with the seconds since 1970, five random
bytes per process, and three bytes of a counter. Ids of one process sort by time.
"""

import itertools
import os
import secrets
import time

from django.core.validators import RegexValidator

LENGTH = 24
#: Not anchored, for URL patterns and JSON schemas.
OBJECT_ID_PATTERN = r"[0-9a-f]{24}"

validate_object_id = RegexValidator(
    rf"\A{OBJECT_ID_PATTERN}\Z",
    message="An id is 24 lower-case hexadecimal characters.",
    code="invalid",
)


class _Generator:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Choose the random part and the first number of the counter."""
        self.process = secrets.token_hex(5)
        self.counter = itertools.count(secrets.randbelow(1 << 24))

    def __call__(self) -> str:
        return f"{int(time.time()):08x}{self.process}{next(self.counter) & 0xFFFFFF:06x}"


_generator = _Generator()
# Forked workers would generate the same ids.
os.register_at_fork(after_in_child=_generator.reset)


def new_object_id() -> str:
    """Return a new id, unique across calls and processes."""
    return _generator()
