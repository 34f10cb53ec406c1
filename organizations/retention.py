"""What an organization would lose by its retention settings.

The app whose rows are deleted registers a function in ``AppConfig.ready()``, as a dotted path.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.models import Organization

DescribeDue: TypeAlias = "Callable[[Organization], Sequence[str]]"

_functions: list[str] = []


def register_due_rows(function: str) -> None:
    """Add a function that describes the rows that the next run deletes: ``["3 contacts"]``.

    ``function`` is the dotted path of a ``DescribeDue``.
    """
    _functions.append(function)


def describe_due_rows(organization: "Organization") -> list[str]:
    """Return the rows that the next run deletes with the organization's current settings."""
    described: list[str] = []
    for path in _functions:
        described += cast("DescribeDue", import_string(path))(organization)
    return described
