"""Icons of an import: keys that stand in the file, and image files that it names."""

import logging
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from django.core.exceptions import ValidationError
from django.db import DatabaseError

from organizations.models import Organization
from webchats.icons.cleanup import delete_unused
from webchats.icons.images import read_image
from webchats.icons.keys import IconNotFound
from webchats.icons.references import validate_icon
from webchats.icons.storage import StorageUnavailable, content_key, icon_storage
from webchats.models import Webchat

logger = logging.getLogger(__name__)

#: Of a file: beyond, the system itself raises.
_LONGEST_NAME: Final = 60
#: So many keys are remembered, be they good or not: a file may name as many as it has rows.
_REMEMBERED: Final = 1 << 15
_FIELD: Final[Any] = Webchat._meta.get_field("icon")


class IconFiles:
    """Reads the cells of ``icon``. What it stores is removed again unless ``keep`` is called.

    A cell that is the name of a file in ``folder`` means its image, stored once however many rows
    name it; every other cell is a key or a signed URL, as everywhere.
    """

    def __init__(self, organization: Organization, folder: Path | None, *, store: bool) -> None:
        self._organization = organization
        self._folder = folder
        self._store = store
        self._keys: dict[str, str] = {}
        self._put: list[str] = []
        self._is_good = lru_cache(maxsize=_REMEMBERED)(_is_good)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for key in self._put:
            try:
                # Another import may have met the same image since.
                delete_unused(key)
            except (StorageUnavailable, DatabaseError) as failure:
                logger.warning("Left for sweep_icons: %s (%s)", key, failure)

    def keep(self) -> None:
        """The rows that refer to them are written."""
        self._put.clear()

    def key_of(self, cell: Any) -> str:
        """The key that the cell means; raises ``ValidationError``."""
        path = self._path(cell)
        if path is None:
            key: str = _FIELD.clean(cell, None)
            return key
        if path.name not in self._keys:
            self._keys[path.name] = self._stored(path)
        return self._keys[path.name]

    def check(self, key: str, organization_id: str) -> None:
        """Validate each key once: the lock of ``validate_icon`` keeps the result valid."""
        if not self._is_good(key, organization_id):
            raise IconNotFound

    def _path(self, cell: Any) -> Path | None:
        # A bare name: neither a way out of the folder nor a key.
        if self._folder is None or not isinstance(cell, str):
            return None
        if len(cell) > _LONGEST_NAME or {"/", "\\", "\0"} & set(cell):
            return None
        path = self._folder / cell
        is_inside = path.is_file() and path.resolve().parent == self._folder.resolve()
        return path if cell and is_inside else None

    def _stored(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                image = read_image(file)
        except OSError as error:
            raise ValidationError(f"{path.name}: {error.strerror}.", code="unreadable") from None
        key = content_key(self._organization.pk, image)
        if icon_storage().exists(key):
            return key
        # Where nothing will be written the image is only looked at.
        if not self._store:
            return ""
        self._put.append(key)
        icon_storage().put(key, image.content, image.content_type)
        return key


def _is_good(key: str, organization_id: str) -> bool:
    try:
        validate_icon(key, organization_id)
    except ValidationError:
        return False
    return True
