"""The buttons on the page of a contact, such as *Merge* and *Export*.

Modules register functions in ``AppConfig.ready()``, as dotted paths: models are not loaded yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.models import User
    from webchats.conversations.models import Contact


@dataclass(frozen=True)
class ContactAction:
    """A link on the page of a contact, which opens the page of the action."""

    label: str
    url: str
    #: Whether the action deletes something.
    is_destructive: bool = False


GetContactAction: TypeAlias = "Callable[[User, Contact], ContactAction | None]"

_actions: list[str] = []


def register_contact_action(get_action: str) -> None:
    """Add a button. ``get_action`` is the dotted path of a ``GetContactAction``.

    The function returns ``None`` for users who may not do it, and for contacts to which it does
    not apply.
    """
    _actions.append(get_action)


def get_contact_actions(user: "User", contact: "Contact") -> list[ContactAction]:
    """Return the buttons for a user and a contact, in the order of their registration."""
    found = (cast("GetContactAction", import_string(path))(user, contact) for path in _actions)
    return [action for action in found if action is not None]
