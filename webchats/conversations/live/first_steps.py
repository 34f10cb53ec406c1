"""The first step of an awaitable, which is often all of it, without a task."""

from collections.abc import Awaitable, Generator
from typing import Any


def take_first_step(awaitable: Awaitable[None]) -> Awaitable[None] | None:
    """Run ``awaitable`` until it waits. Return its rest for a task; ``None`` if it is complete.

    An exception is raised by the rest. The first step must not depend on the current task.
    """
    steps = awaitable.__await__()
    try:
        waits_for = next(steps)
    except StopIteration:
        return None
    except Exception as error:  # noqa: BLE001 - raised by the rest
        return _fail(error)
    return _Rest(waits_for, steps)


class _Rest:
    """The steps after the first one, which waits for ``waits_for``."""

    __slots__ = ("_steps", "_waits_for")

    def __init__(self, waits_for: Any, steps: Generator[Any, None, None]) -> None:
        self._waits_for = waits_for
        self._steps = steps

    def __await__(self) -> Generator[Any, None, None]:
        yield self._waits_for
        yield from self._steps


async def _fail(error: Exception) -> None:
    raise error
