"""Stored icons for the tests."""

from io import BytesIO

from tests.support.images import image_bytes
from webchats.icons.images import read_image
from webchats.icons.storage import store_image


def store_icon(organization_id: str | None, content: bytes | None = None) -> str:
    """Store an icon of the organization, by default a valid one, and return its key."""
    assert organization_id is not None
    image = read_image(BytesIO(image_bytes() if content is None else content))
    return store_image(organization_id, image)
