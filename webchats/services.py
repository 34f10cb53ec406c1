"""Writes that mean more than one row's columns."""

from django.db import transaction

from organizations.models import Organization
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.icons.images import CleanImage
from webchats.icons.storage import store_image


def set_default_icon(*, organization: Organization, image: CleanImage | None) -> Organization:
    """Give the organization the icon that its widgets show without one of their own, or with
    ``None`` take it away; return the organization.

    Raises ``StorageUnavailable``, and then nothing is changed.
    """
    key = "" if image is None else store_image(organization.pk, image)
    with transaction.atomic():
        stored = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
        delete_unused_on_commit([stored.default_icon])
        organization.default_icon = key
        organization.save(update_fields=["default_icon", "updated_at"])
    return organization
