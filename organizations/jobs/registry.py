"""The kinds of jobs, and the tasks that workers repeat.

An app registers functions in ``AppConfig.ready()``, as dotted paths: only workers import them.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.jobs.queue import ClaimedJob

Handler: TypeAlias = "Callable[[ClaimedJob], Awaitable[None]]"


class PeriodicTask(NamedTuple):
    """A function that each worker calls regularly, in a thread that may use the database.

    Several workers may call it at the same time.
    """

    function: str
    #: Seconds between two calls.
    interval: float


_handlers: dict[str, str] = {}
_periodic_tasks: list[PeriodicTask] = []


def register_job(kind: str, handler: str) -> None:
    """Let workers run jobs of ``kind``. ``handler`` is the dotted path of an async function.

    The handler may be called several times for a job, so it must determine the remaining work. It
    raises ``RetryLater`` to be called again. After any other exception it is called again with
    growing delays.
    """
    _handlers[kind] = handler


def register_periodic_task(function: str, interval: float) -> None:
    """Let workers call the function, a dotted path, every ``interval`` seconds."""
    _periodic_tasks.append(PeriodicTask(function, interval))


def registered_kinds() -> list[str]:
    """Return the kinds of jobs that have a handler."""
    return list(_handlers)


def get_handler(kind: str) -> Handler:
    """Return the handler of a kind."""
    return cast("Handler", import_string(_handlers[kind]))


def periodic_tasks() -> list[PeriodicTask]:
    """Return the registered tasks."""
    return list(_periodic_tasks)
