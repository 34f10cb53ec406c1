"""The model fields of a webchat that are more than text or a number."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

from organizations.storage_keys import MAX_LENGTH
from webchats import domains
from webchats.icons.keys import IconNotFound, key_from


class AllowedDomainsField(models.JSONField[Any, Any]):
    """A list of who may embed, each entry in the canonical form of ``webchats.domains``.

    A refused entry is named by its place: the error's ``params`` hold ``index``, counted from 0
    in the list as it was given.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", list)
        options.setdefault("blank", True)
        super().__init__(**options)

    def clean(self, value: Any, model_instance: models.Model | None) -> list[str]:
        """The canonical list; raises ``ValidationError`` with every refused entry."""
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise ValidationError("Must be a list of strings.", code="invalid")
        if len(value) > domains.MAX_ENTRIES:
            raise ValidationError(
                f"Ensure this field has no more than {domains.MAX_ENTRIES} entries.",
                code="max_length",
            )
        entries, refused = domains.canonical_list(value)
        if refused:
            raise ValidationError(
                [
                    ValidationError(error.message, code=error.code, params={"index": index})
                    for index, error in refused.items()
                ]
            )
        return entries


class IconKeyField(models.CharField[str, str]):
    """The storage key of an icon, given as the key or as a signed URL of it; empty: none.

    Whose it is, and whether it exists, is for the model to check, which knows the organization.
    """

    def __init__(self, **options: Any) -> None:
        options = {"max_length": MAX_LENGTH, "blank": True, "default": "", **options}
        super().__init__(**options)

    def clean(self, value: Any, model_instance: models.Model | None) -> str:
        """The key; raises ``ValidationError`` for what is neither a key nor a URL of ours."""
        if value in ("", None):
            return ""
        if not isinstance(value, str):
            raise IconNotFound
        key: str = super().clean(key_from(value), model_instance)
        return key
