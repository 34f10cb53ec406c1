"""Icons of an import: keys that stand in the file, and image files that it names."""

import logging
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from django.core.exceptions import ValidationError

from organizations.models import Organization
from webchats import icons
from webchats.models import Webchat
from webchats.storages import StorageUnavailable

logger = logging.getLogger(__name__)

#: Of a file: beyond, the system itself raises.
_LONGEST_NAME: Final = 60
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for key in filter(None, self._keys.values()):
            try:
                icons.icon_storage().delete(key)
            except StorageUnavailable as failure:
                logger.warning("Left for sweep_icons: %s (%s)", key, failure)

    def keep(self) -> None:
        """The rows that refer to them are written."""
        self._keys.clear()

    def key_of(self, cell: Any) -> str:
        """The key that the cell means; raises ``ValidationError``."""
        path = self._path(cell)
        if path is None:
            key: str = _FIELD.clean(cell, None)
            return key
        if path.name not in self._keys:
            self._keys[path.name] = self._stored(path)
        return self._keys[path.name]

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
                image = icons.read_image(file)
        except OSError as error:
            raise ValidationError(f"{path.name}: {error.strerror}.", code="unreadable") from None
        # Where nothing will be written the image is only looked at.
        return icons.store_image(self._organization.pk, image) if self._store else ""
