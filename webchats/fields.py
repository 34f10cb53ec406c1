"""Model fields of webchats: allowed domains, and the storage key of an icon."""

from typing import Unpack

from django.core.exceptions import ValidationError
from django.db import models

from organizations.options import FieldOptions
from organizations.storage_keys import MAX_LENGTH
from webchats.domains import MAX_ENTRIES, canonicalize_all
from webchats.icons.keys import IconNotFound, key_from


class AllowedDomainsField(models.JSONField[list[str], list[str]]):
    """A list of entries in the canonical form of ``webchats.domains``."""

    #: What read-only pages show instead of an empty list.
    empty_label = "Every site"

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        options.setdefault("default", list)
        options.setdefault("blank", True)
        super().__init__(**options)

    def clean(self, value: object, model_instance: models.Model | None) -> list[str]:
        """Return the canonical entries.

        Raise ``ValidationError`` with one error per invalid entry. Its ``params["index"]`` is the
        position in ``value``, from 0.
        """
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise ValidationError("Must be a list of strings.", code="invalid")
        if len(value) > MAX_ENTRIES:
            raise ValidationError(
                f"Ensure this field has no more than {MAX_ENTRIES} entries.", code="max_length"
            )
        entries, errors = canonicalize_all(value)
        if errors:
            raise ValidationError(
                [
                    ValidationError(error.message, code=error.code, params={"index": index})
                    for index, error in errors.items()
                ]
            )
        return entries


class IconKeyField(models.CharField[str, str]):
    """The storage key of an icon, or an empty string.

    Accepts the key or a signed URL of it. The model checks the owner and that the object exists.
    """

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        options.setdefault("max_length", MAX_LENGTH)
        options.setdefault("blank", True)
        options.setdefault("default", "")
        super().__init__(**options)

    def clean(self, value: object, model_instance: models.Model | None) -> str:
        """Return the key. Raise ``ValidationError`` for any other text or type."""
        if value in ("", None):
            return ""
        if not isinstance(value, str):
            raise IconNotFound
        key: str = super().clean(key_from(value), model_instance)
        return key
