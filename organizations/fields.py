"""Model fields that normalize their values.

Normalization happens in ``to_python``, so it applies in the API, the admin site, imports and
``Model.full_clean()`` alike.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Unpack

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from organizations.colors import SHORT_LENGTH, expand_short_color, validate_color
from organizations.options import FieldOptions
from webchat_project.api.object_ids import LENGTH, new_object_id, validate_object_id

#: The maximum length of a row's name, in characters.
NAME_LENGTH = 120


def validate_encodable(value: str) -> None:
    """Raise ``ValidationError`` for lone surrogates.

    JSON can contain them, but UTF-8, and therefore the database, cannot.
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            "Surrogate characters are not allowed.", code="surrogate_characters_not_allowed"
        ) from None


#: Validators that reject text that the database cannot store.
TEXT_VALIDATORS: list[Callable[[str], None]] = [
    ProhibitNullCharactersValidator(),
    validate_encodable,
]


class TrimmedCharField(models.CharField[str, str]):
    """A ``CharField`` without leading and trailing white space."""

    default_validators = TEXT_VALIDATORS

    def to_python(self, value: object) -> str | None:
        text: str | None = super().to_python(value)
        return text.strip() if text else text


class TrimmedTextField(models.TextField[str, str]):
    """A ``TextField`` without leading and trailing white space.

    ``max_length`` is enforced by the model. Django enforces it in forms only.
    """

    default_validators = TEXT_VALIDATORS

    @cached_property
    def validators(self) -> list[Callable[..., None]]:
        if self.max_length is None:
            return [*super().validators]
        return [*super().validators, MaxLengthValidator(self.max_length)]

    def to_python(self, value: object) -> str | None:
        text: str | None = super().to_python(value)
        return text.strip() if text else text


class EmailAddressField(models.EmailField[str, str]):
    """An e-mail address in lower case, so that it is unique regardless of case."""

    def to_python(self, value: object) -> str | None:
        text: str | None = super().to_python(value)
        return text.strip().lower() if text else text

    def get_prep_value(self, value: object) -> str | None:
        prepared: str | None = super().get_prep_value(self.to_python(value))
        return prepared


class ObjectIdField(models.CharField[str, str]):
    """A primary key with a generated ObjectId: 24 lower-case hexadecimal characters."""

    default_validators = [validate_object_id]

    def __init__(self, **kwargs: Unpack[FieldOptions]) -> None:
        kwargs["max_length"] = LENGTH
        kwargs.setdefault("default", new_object_id)
        kwargs.setdefault("editable", False)
        super().__init__(**kwargs)

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the type of the column, and of foreign keys to it: ``varchar`` by its full name.

        On PostgreSQL, Django adds a second index, for ``LIKE``, to each indexed column whose type
        starts with ``varchar``. Nothing searches for a part of an id.
        """
        return f"character varying({LENGTH})"


class ColorField(models.CharField[str, str]):
    """A hex color (CSS Color 4, section 5.2, without alpha), stored as ``#RRGGBB``."""

    default_validators = [validate_color]

    def __init__(self, **kwargs: Unpack[FieldOptions]) -> None:
        kwargs["max_length"] = 7
        super().__init__(**kwargs)

    def to_python(self, value: object) -> str | None:
        text: str | None = super().to_python(value)
        if not text:
            return text
        color = text.strip()
        return expand_short_color(color) if len(color) == SHORT_LENGTH else color
