"""What follows from the deactivation of a user.

An app registers functions in ``AppConfig.ready()``, as dotted paths: its models are not loaded yet.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    # Not the model of users, which imports this module.
    from django.contrib.auth.models import AbstractBaseUser

OnDeactivation: TypeAlias = "Callable[[AbstractBaseUser], None]"

_functions: list[str] = []


def register_on_deactivation(function: str) -> None:
    """Add a function that each save of a deactivated user calls, in its transaction.

    ``function`` is the dotted path of an ``OnDeactivation``. A second call must change nothing.
    """
    _functions.append(function)


def run_on_deactivation(user: "AbstractBaseUser") -> None:
    """Call the registered functions with a deactivated user."""
    for path in _functions:
        cast("OnDeactivation", import_string(path))(user)
