"""Texts that representatives insert into their messages."""

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from organizations import constraints
from organizations.fields import NAME_LENGTH, TEXT_VALIDATORS, TrimmedCharField, TrimmedTextField
from organizations.history import ChangeHistory
from organizations.tenancy.models import TenantModel
from webchats.conversations.models.message import MAX_TEXT_LENGTH

SHORTCUT_LENGTH: Final = 40
#: The error of a shortcut that another reply of the organization has.
DUPLICATE_SHORTCUT: Final = "Another canned reply has this shortcut. Choose another one."
#: The variables of a text, such as ``{visitor.name}`` or ``{visitor.name|there}``.
VARIABLES: Final = (
    "visitor.name",
    "visitor.email",
    "rep.name",
    "webchat.name",
    "organization.name",
)
#: A variable with its name, and the default after ``|`` or ``None``.
VARIABLE: Final = re.compile(
    r"\{\s*(" + "|".join(map(re.escape, VARIABLES)) + r")\s*(?:\|([^{}]*))?\}"
)
_SUBJECTS: Final = "|".join(sorted({name.partition(".")[0] for name in VARIABLES}))
_ATTRIBUTES: Final = "|".join(sorted({name.partition(".")[2] for name in VARIABLES}))
#: What looks like a variable, in any case: a known subject with any attribute, or the reverse.
_SIMILAR: Final = re.compile(
    rf"\{{\s*(?:(?:{_SUBJECTS})\.[^{{}}]*|\w+\.(?:{_ATTRIBUTES})\s*(?:\|[^{{}}]*)?)\}}",
    re.IGNORECASE,
)


def validate_variables(text: str) -> None:
    """Raise ``ValidationError`` for a variable with an unknown name, such as a misspelled one."""
    similar = (match[0] for match in _SIMILAR.finditer(text))
    unknown = [variable[:100] for variable in similar if not VARIABLE.fullmatch(variable)]
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in VARIABLES)
        noun = "variables" if len(unknown) > 1 else "variable"
        message = f"Unknown {noun} {', '.join(unknown[:5])}. Use one of: {known}."
        raise ValidationError(message, "unknown_variable")


class ShortcutField(TrimmedCharField):
    """What representatives type after ``/``: in lower case, without the ``/``."""

    default_validators = [
        *TEXT_VALIDATORS,
        RegexValidator(
            r"\A[\w-]+\Z", message="Use letters, digits, hyphens and underscores, such as hours."
        ),
    ]

    def to_python(self, value: object) -> str | None:
        text = super().to_python(value)
        return text.removeprefix("/").lower() if text else text


class CannedReply(TenantModel):
    """A text with a shortcut, which is unique in the organization."""

    max_per_organization = 500

    shortcut = ShortcutField(
        max_length=SHORTCUT_LENGTH,
        help_text="Typed after / in the inbox, such as hours. In lower case, without spaces.",
    )
    title = TrimmedCharField(max_length=NAME_LENGTH)
    text = TrimmedTextField(
        max_length=MAX_TEXT_LENGTH,
        validators=[validate_variables],
        help_text=(
            "Variables: "
            + ", ".join(f"{{{name}}}" for name in VARIABLES)
            + ". The text after | is the default for a missing value: {visitor.name|there}."
        ),
    )

    history = ChangeHistory()

    class Meta:
        verbose_name = "canned reply"
        verbose_name_plural = "canned replies"
        ordering = ("shortcut", "id")
        constraints = (
            constraints.length_between("shortcut", 1, SHORTCUT_LENGTH),
            constraints.length_between("title", 1, NAME_LENGTH),
            constraints.length_between("text", 1, MAX_TEXT_LENGTH),
            models.UniqueConstraint(
                fields=("organization", "shortcut"), name="canned_reply_shortcut_once"
            ),
        )

    def __str__(self) -> str:
        return f"/{self.shortcut}"

    def clean(self) -> None:
        """Reject a shortcut that another reply of the organization has.

        The constraint is not validated for forms and documents, which leave out the organization.
        """
        super().clean()
        others = CannedReply.objects.for_organization(self.organization_id).exclude(pk=self.pk)
        if others.filter(shortcut=self.shortcut).exists():
            raise ValidationError({"shortcut": ValidationError(DUPLICATE_SHORTCUT, "unique")})
