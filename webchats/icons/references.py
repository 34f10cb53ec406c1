"""References of rows to icons, and their validation.

``webchats.models`` registers the fields that store icon keys, because models import this package.
"""

from django.db import models, transaction

from organizations.models import Organization
from organizations.storage_keys import parse_organization_id
from webchats.icons.keys import IconNotFound
from webchats.icons.storage import icon_storage

_fields: dict[type[models.Model], str] = {}


def register_icon_field(model: type[models.Model], name: str) -> None:
    """Register the field of ``model`` that stores an icon key: see ``webchats.models``."""
    _fields[model] = name


def is_referenced(key: str) -> bool:
    """Return whether a row refers to the icon."""
    return any(
        model._default_manager.filter(**{name: key}).exists() for model, name in _fields.items()
    )


def lock_icons(organization_id: str) -> None:
    """Lock the organization's icons until the end of the transaction.

    To avoid deadlocks, acquire this lock before the lock of a webchat. It blocks imports and
    changes of icons, but no other writes to rows of the organization.
    """
    list(Organization.objects.select_for_update(no_key=True).filter(pk=organization_id))


def validate_icon_key(key: str, organization_id: str) -> None:
    """Raise ``IconNotFound`` unless the key names an existing object of the organization.

    Within a transaction the icons stay locked until its end, so that ``delete_unused`` cannot
    delete the object before the row is stored.
    """
    if parse_organization_id(key) != organization_id:
        raise IconNotFound
    if transaction.get_connection().in_atomic_block:
        lock_icons(organization_id)
    if not icon_storage().exists(key):
        raise IconNotFound
