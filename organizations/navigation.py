"""Pages in the admin site's navigation that are not lists of a model.

An app registers functions in ``AppConfig.ready()``, as dotted paths: its models are not loaded yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias, cast

from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from organizations.models import User


@dataclass(frozen=True)
class NavItem:
    """A link in the navigation, below the link to the overview."""

    #: Names the icon (the symbol ``nav-<name>`` of ``admin/base_site.html``) and the badge.
    name: str
    label: str
    url: str
    #: The number in the badge, such as ``3`` or ``99+``. Empty: no badge.
    count: str = ""
    #: What is counted, for screen readers.
    count_label: str = ""


GetNavItem: TypeAlias = "Callable[[User], NavItem | None]"

_items: list[str] = []


def register_nav_item(get_item: str) -> None:
    """Add a link. ``get_item`` is the dotted path of a ``GetNavItem``.

    The function returns ``None`` for users who may not open the page.
    """
    _items.append(get_item)


def get_nav_items(
    user: "User", known: Mapping[str, NavItem | None] = MappingProxyType({})
) -> list[NavItem]:
    """Return the links for a user, in the order of their registration.

    ``known`` has links that need not be made again, by the path of their function.
    """
    items = (
        known[path] if path in known else cast("GetNavItem", import_string(path))(user)
        for path in _items
    )
    return [item for item in items if item is not None]
