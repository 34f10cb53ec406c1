"""The answers of an organization to the questions of its visitors."""

import re
from typing import ClassVar, Final, Self, Unpack

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from organizations import constraints
from organizations.fields import (
    TEXT_VALIDATORS,
    TrimmedCharField,
    TrimmedTextField,
)
from organizations.history import ChangeHistory
from organizations.models import Prompt
from organizations.options import FieldOptions, SaveOptions
from organizations.tenancy.models import TenantModel, TenantQuerySet
from organizations.tenancy.on_delete import restrict_last
from webchats.conversations.models.contact import LOCALE_LENGTH, URL_LENGTH

QUESTION_LENGTH: Final = 300
ANSWER_LENGTH: Final = 4_000
#: Other wordings of the question, each as long as a question.
MAX_WORDINGS: Final = 20
#: Schemes of a link. Widgets make links of no other.
LINK_SCHEMES: Final = ("http", "https", "mailto", "tel")

_LINK: Final = re.compile(
    r"\A(?:https?://[^\s/?#]+[^\s]*|mailto:[^\s@]+@[^\s@]+|tel:[+0-9()./-]+)\Z", re.IGNORECASE
)


def validate_link(value: str) -> None:
    """Raise ``ValidationError`` unless the value is a link with one of ``LINK_SCHEMES``."""
    if not _LINK.fullmatch(value):
        message = "Enter a link that begins with https://, http://, mailto: or tel:."
        raise ValidationError(message, "invalid")


class WordingsField(models.JSONField[list[str], list[str]]):
    """A list of questions: trimmed, without empty ones and duplicates, in order."""

    def __init__(self, **options: Unpack[FieldOptions]) -> None:
        options.setdefault("default", list)
        options.setdefault("blank", True)
        super().__init__(**options)

    def clean(self, value: object, model_instance: models.Model | None) -> list[str]:
        """Return the list. Raise ``ValidationError`` with the index of each invalid entry."""
        if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
            raise ValidationError("Must be a list of strings.", code="invalid")
        if len(value) > MAX_WORDINGS:
            message = f"Ensure this field has no more than {MAX_WORDINGS} entries."
            raise ValidationError(message, code="max_length")
        entries = list(dict.fromkeys(entry.strip() for entry in value if entry.strip()))
        errors = []
        for index, entry in enumerate(value):
            params = {"index": index}
            if len(entry.strip()) > QUESTION_LENGTH:
                message = f"Ensure this value has at most {QUESTION_LENGTH} characters."
                errors.append(ValidationError(message, "max_length", params))
            for validator in TEXT_VALIDATORS:
                try:
                    validator(entry)
                except ValidationError as error:
                    errors.append(ValidationError(error.message, error.code, params))
        if errors:
            raise ValidationError(errors)
        return entries


class KnowledgeQuerySet(TenantQuerySet["KnowledgeEntry"]):
    """Knowledge entries, with a filter for a prompt."""

    def for_prompt(self, prompt: Prompt) -> Self:
        """Return the active entries that the prompt may use, in the order of their creation.

        These are the organization's entries without prompts, and those of this prompt.
        """
        own = self.for_organization(prompt.organization_id).filter(is_active=True)
        links = KnowledgeEntry.prompts.through.objects.filter(knowledgeentry=models.OuterRef("pk"))
        is_for_all = ~models.Exists(links)
        is_for_prompt = models.Exists(links.filter(prompt=prompt.pk))
        return own.filter(is_for_all | is_for_prompt).order_by("created_at", "id")


KnowledgeManager = models.Manager.from_queryset(KnowledgeQuerySet)


class KnowledgeEntry(TenantModel):
    """A question with the organization's answer, which the AI quotes."""

    max_per_organization = 2_000
    hidden_in_history = TenantModel.hidden_in_history | {"questions"}
    use_hint = (
        "Without this prompt, every prompt would use these entries. Select other prompts for them, "
        "or delete them first."
    )

    question = TrimmedCharField(max_length=QUESTION_LENGTH)
    also_asked_as = WordingsField(
        help_text="Other wordings of the question, so that it is found by them, too."
    )
    answer = TrimmedTextField(max_length=ANSWER_LENGTH)
    link = TrimmedCharField(
        max_length=URL_LENGTH,
        blank=True,
        default="",
        validators=[validate_link],
        help_text="Shown below the answer: a page, an e-mail address (mailto:) or a number (tel:).",
    )
    language = TrimmedCharField(
        max_length=LOCALE_LENGTH,
        blank=True,
        default="",
        validators=[
            RegexValidator(
                r"\A[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*\Z",
                message="Enter a language tag such as en or pt-BR.",
            )
        ],
        help_text="A language tag such as en or pt-BR.",
    )
    is_active = models.BooleanField(default=True, verbose_name="active")
    prompts = models.ManyToManyField(
        Prompt,
        blank=True,
        related_name="knowledge",
        help_text="The prompts that use this entry. If empty, all prompts do.",
    )
    #: The question and its other wordings, for the search: see ``set_questions``.
    questions = models.TextField(editable=False, blank=True, default="")

    history = ChangeHistory(["questions"])

    objects: ClassVar[KnowledgeManager["KnowledgeEntry"]] = KnowledgeManager()

    class Meta:
        verbose_name = "knowledge entry"
        verbose_name_plural = "knowledge entries"
        ordering = ("question", "id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="knowledge_newest"),
        )
        constraints = (
            constraints.length_between("question", 1, QUESTION_LENGTH),
            constraints.length_between("answer", 1, ANSWER_LENGTH),
        )

    def __str__(self) -> str:
        return self.question

    def save(self, **options: Unpack[SaveOptions]) -> None:
        """Save the entry, with ``questions``."""
        self.set_questions()
        columns = options.get("update_fields")
        if columns is not None and {"question", "also_asked_as"} & set(columns):
            options["update_fields"] = [*columns, "questions"]
        super().save(**options)

    def set_questions(self) -> None:
        """Set ``questions``. Call it before ``bulk_create`` and ``bulk_update``."""
        self.questions = "\n".join([self.question, *self.also_asked_as])


# An entry without prompts is used by all of them. Django creates the table's model, with CASCADE.
KnowledgeEntry.prompts.through._meta.get_field("prompt").remote_field.on_delete = restrict_last
