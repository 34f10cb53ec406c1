"""What callers ask again and again, compiled once for the members of every organization."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from webchat_project.api.statements import Compiled, Value

_Thing = TypeVar("_Thing")

_compiled = Compiled()


class AnyMember:
    """Stands for a member of whichever organization asks: see ``TenantQuerySet.for_user``."""

    is_superuser = False
    organization_id = Value("organization_id")


def compiled_for(
    user: Any, question: tuple[Hashable, ...], make: Callable[[Any], _Thing]
) -> _Thing:
    """What answers the question for callers of the user's kind, members or superusers.

    ``make`` gets the caller to compile it for, and must put nothing else of the user's into it. A
    statement in it is run with ``organization_id`` as the user's own.
    """
    caller = user if user.is_superuser else AnyMember
    return _compiled.get((caller is AnyMember, *question), lambda: make(caller))
