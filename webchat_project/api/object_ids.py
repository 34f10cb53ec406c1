"""What an id is: 24 lower-case hexadecimal characters, a MongoDB-style ObjectId.

The layout is that of the BSON specification: four bytes of seconds since 1970, five bytes that are
random for each process, three bytes of a counter. Ids made by one process therefore sort by time.
"""

import itertools
import os
import secrets
import time

from django.core.validators import RegexValidator

LENGTH = 24
#: For URL patterns and schemas: not anchored.
PATTERN = r"[0-9a-f]{24}"

validate_object_id = RegexValidator(
    rf"\A{PATTERN}\Z", message="An id is 24 lower-case hexadecimal characters.", code="invalid"
)


class _Generator:
    """The random part and the counter of this process."""

    def __init__(self) -> None:
        self.start_afresh()

    def start_afresh(self) -> None:
        self.process = secrets.token_hex(5)
        self.counter = itertools.count(secrets.randbelow(1 << 24))

    def __call__(self) -> str:
        return f"{int(time.time()):08x}{self.process}{next(self.counter) & 0xFFFFFF:06x}"


_generator = _Generator()


# Without this the workers that a server forks would hand out the same ids.
os.register_at_fork(after_in_child=_generator.start_afresh)


def new_object_id() -> str:
    """Return an id that no other process or call returns."""
    return _generator()
