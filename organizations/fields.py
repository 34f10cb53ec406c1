"""Model fields that bring a value into the one form it is stored in, at every door alike."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models

from organizations.colors import canonical, validate_color
from webchat_project.api.object_ids import LENGTH, new_object_id, validate_object_id

#: The longest name of a row, in characters.
NAME_LENGTH = 120


def validate_encodable(value: str) -> None:
    """Refuse halves of surrogate pairs: JSON can carry them, UTF-8 and so the database cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValidationError(
            "Surrogate characters are not allowed.", code="surrogate_characters_not_allowed"
        ) from None


STORABLE: list[Callable[[Any], None]] = [ProhibitNullCharactersValidator(), validate_encodable]


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


class TrimmedCharField(models.CharField[str, str]):
    """Short text without white space at its ends; never NULL."""

    default_validators = STORABLE

    def to_python(self, value: Any) -> Any:
        return _trimmed(super().to_python(value))


class TrimmedTextField(models.TextField[str, str]):
    """Text of several lines without white space at its ends, ``max_length`` at the most.

    Unlike Django's own, the length is a rule of the model and not of its form alone.
    """

    default_validators = STORABLE

    @cached_property
    def validators(self) -> list[Callable[[Any], None]]:
        if self.max_length is None:
            return [*super().validators]
        return [*super().validators, MaxLengthValidator(self.max_length)]

    def to_python(self, value: Any) -> Any:
        return _trimmed(super().to_python(value))


class EmailAddressField(models.EmailField[str, str]):
    """An e-mail address in lower case, so that nobody can sign up twice by spelling."""

    def to_python(self, value: Any) -> Any:
        value = _trimmed(super().to_python(value))
        return value.lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        return super().get_prep_value(self.to_python(value))


class ObjectIdField(models.CharField[str, str]):
    """A primary key that is an ObjectId, generated when the row is made."""

    default_validators = [validate_object_id]

    def __init__(self, **options: Any) -> None:
        options["max_length"] = LENGTH
        options.setdefault("default", new_object_id)
        options.setdefault("editable", False)
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        del options["max_length"]
        return name, path, arguments, options


class ColorField(models.CharField[str, str]):
    """A hex colour (CSS Color 4, section 5.2, without alpha)."""

    default_validators = [validate_color]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        options["max_length"] = 7
        super().__init__(*arguments, **options)

    def deconstruct(self) -> Any:
        name, path, arguments, options = super().deconstruct()
        del options["max_length"]
        return name, path, arguments, options

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return canonical(value.strip()) if isinstance(value, str) else value
