"""Icons of an import: storage keys, URLs and names of image files."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.core.exceptions import ValidationError
from django.db import DatabaseError

from organizations.models import Organization
from webchats.icons.cleanup import delete_unused
from webchats.icons.images import read_image
from webchats.icons.keys import IconNotFound
from webchats.icons.references import validate_icon_key
from webchats.icons.storage import StorageUnavailable, content_key, icon_storage
from webchats.models import Webchat

logger = logging.getLogger(__name__)

#: The operating system raises an error for a much longer file name.
_MAX_NAME_LENGTH: Final = 60
_CACHED_KEYS: Final = 1 << 15
_FIELD: Final = Webchat._meta.get_field("icon")


class ImportIcons:
    """Converts the cells of ``icon`` to storage keys.

    A cell with the name of a file in ``folder`` refers to that image, which is stored once for all
    rows. Every other cell is a key or a signed URL, as in the API. Unless ``store`` is set, images
    are validated but not stored.
    """

    def __init__(self, organization: Organization, folder: Path | None, *, store: bool) -> None:
        self._organization = organization
        self._folder = folder
        self._store = store
        self._keys: dict[Path, str] = {}
        self._stored: list[str] = []
        self._is_valid = lru_cache(maxsize=_CACHED_KEYS)(_is_valid)

    def get_key(self, cell: object) -> str:
        """Return the key for a cell, ``""`` for an image that is not stored.

        Raise ``ValidationError`` for an invalid key, URL or image.
        """
        path = self._find_file(cell)
        if path is None:
            key: str = _FIELD.clean(cell, None)
            return key
        if path not in self._keys:
            self._keys[path] = self._store_image(path)
        return self._keys[path]

    def validate(self, key: str, organization_id: str) -> None:
        """Raise ``IconNotFound`` as ``validate_icon_key`` does.

        The result for each key is cached: ``validate_icon_key`` acquires a lock that keeps it valid
        until the end of the transaction.
        """
        if not self._is_valid(key, organization_id):
            raise IconNotFound

    def discard(self) -> None:
        """Delete the images that were stored for rows that have been rolled back."""
        for key in self._stored:
            try:
                # Another import may have stored rows with the same image.
                delete_unused(key)
            except (StorageUnavailable, DatabaseError) as error:
                logger.warning("Icon %s is left for sweep_icons: %s", key, error)

    def _find_file(self, cell: object) -> Path | None:
        """Return the path of a file directly inside the folder, or ``None``."""
        if self._folder is None or not isinstance(cell, str):
            return None
        if len(cell) > _MAX_NAME_LENGTH or {"/", "\\", "\0"} & set(cell):
            return None
        path = self._folder / cell
        is_inside = path.is_file() and path.resolve().parent == self._folder.resolve()
        return path if is_inside else None

    def _store_image(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                image = read_image(file)
        except OSError as error:
            raise ValidationError(f"{path.name}: {error.strerror}.", code="unreadable") from None
        key = content_key(self._organization.pk, image)
        if icon_storage().exists(key):
            return key
        if not self._store:
            return ""
        self._stored.append(key)
        icon_storage().put(key, image.content, image.content_type)
        return key


def _is_valid(key: str, organization_id: str) -> bool:
    try:
        validate_icon_key(key, organization_id)
    except ValidationError:
        return False
    return True
