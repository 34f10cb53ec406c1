"""Warnings about webchats of other apps, whose own panels of the overview describe them.

An app registers functions in ``AppConfig.ready()``, as dotted paths: its models are not loaded yet.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from django.db.models import Q
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.models import User

#: Returns the condition of the webchats that a user is warned of.
GetCondition: TypeAlias = "Callable[[User], Q]"

#: The title and the dotted path of a ``GetCondition``, by code.
_warnings: dict[str, tuple[str, str]] = {}


def register_warning(code: str, title: str, get_condition: str) -> None:
    """Add a warning, which the figure of the overview and the filter of the list include."""
    _warnings[code] = title, get_condition


def get_registered_titles() -> dict[str, str]:
    """Return the titles by code."""
    return {code: title for code, (title, _) in _warnings.items()}


def get_registered_conditions(user: "User") -> dict[str, Q]:
    """Return the conditions for a user by code."""
    return {
        code: cast("GetCondition", import_string(path))(user)
        for code, (_, path) in _warnings.items()
    }
