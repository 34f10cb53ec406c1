"""The visitor as a row that representatives work with."""

from typing import ClassVar, Final

from django.core.exceptions import ValidationError
from django.db import models

from organizations import constraints
from organizations.fields import (
    NAME_LENGTH,
    EmailAddressField,
    TrimmedCharField,
    TrimmedTextField,
)
from organizations.history import ChangeHistory
from organizations.models import Pipeline, Stage
from organizations.models.pipeline import require_stage_of_pipeline
from organizations.tenancy.models import TenantModel, require_organization
from organizations.tenancy.on_delete import restrict_counted
from webchats.conversations.phones import StrippedPhone
from webchats.models import Webchat
from webchats.models.stored_values import StoredValues

EMAIL_LENGTH: Final = 254
PHONE_LENGTH: Final = 40
#: URLs are stored without query and fragment, which can contain personal data or secrets.
URL_LENGTH: Final = 2_000
PAGE_TITLE_LENGTH: Final = 300
#: A language tag (BCP 47), such as ``pt-BR``.
LOCALE_LENGTH: Final = 35
#: The error of a new contact about whom nothing is known. A visitor's first message makes some.
NO_IDENTITY: Final = "Enter a name, an e-mail address or a phone number."


class Contact(StoredValues, TenantModel):
    """A person who has written in a widget, or whom a member or an import has added.

    A page view, an open panel or a session makes no contact: the first message does. The times of
    visits of a contact that was added are that of its creation. Visitor endpoints never search by
    contact, so that merging two contacts shows no visitor the words of another one.
    """

    webchat = models.ForeignKey(
        Webchat,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="contacts",
        help_text="The webchat of the first message.",
    )
    webchat_id: str | None
    name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    email = EmailAddressField(
        max_length=EMAIL_LENGTH, blank=True, default="", verbose_name="e-mail address"
    )
    phone = TrimmedCharField(max_length=PHONE_LENGTH, blank=True, default="")

    pipeline = models.ForeignKey(
        Pipeline, on_delete=restrict_counted, null=True, blank=True, related_name="contacts"
    )
    pipeline_id: str | None
    stage = models.ForeignKey(
        Stage,
        on_delete=restrict_counted,
        null=True,
        blank=True,
        related_name="contacts",
        db_index=False,
    )
    stage_id: str | None
    #: When the contact entered its stage. ``None`` without a stage, and for a contact that was in
    #: it before the column existed.
    stage_entered_at = models.DateTimeField(null=True, editable=False)
    status = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        help_text=(
            "Your own text. A new contact gets the webchat's initial stage; moves do not change it."
        ),
    )

    page_url = TrimmedTextField(max_length=URL_LENGTH, blank=True, default="", editable=False)
    page_title = TrimmedCharField(
        max_length=PAGE_TITLE_LENGTH, blank=True, default="", editable=False
    )
    referrer = TrimmedTextField(max_length=URL_LENGTH, blank=True, default="", editable=False)
    locale = TrimmedCharField(max_length=LOCALE_LENGTH, blank=True, default="", editable=False)
    first_seen_at = models.DateTimeField(editable=False)
    last_seen_at = models.DateTimeField(editable=False)

    history = ChangeHistory(excluded_fields=("stage_entered_at",))
    hidden_in_history = TenantModel.hidden_in_history | {
        "webchat",
        "page_url",
        "page_title",
        "referrer",
        "first_seen_at",
        "last_seen_at",
        "stage_entered_at",
    }

    #: See ``Webchat``.
    validation_dependencies: ClassVar[dict[str, set[str]]] = {
        "name": {"email", "phone"},
        "stage": {"pipeline"},
    }

    class Meta:
        ordering = ("-last_seen_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-last_seen_at", "-id"), name="contact_newest"),
            models.Index(fields=("stage", "-last_seen_at", "-id"), name="contact_of_stage"),
            # The board counts by these two, without reading the rows.
            models.Index(fields=("stage", "webchat"), name="contact_by_stage"),
            models.Index(
                fields=("organization", "-last_seen_at", "-id", "pipeline", "webchat"),
                condition=models.Q(stage=None),
                name="contact_without_stage",
            ),
            models.Index(fields=("organization", "email"), name="contact_by_email"),
            models.Index(
                "organization",
                StrippedPhone("phone"),
                condition=models.Q(phone__gt=""),
                name="contact_by_phone",
            ),
        )
        constraints = (
            constraints.length_between("name", 0, NAME_LENGTH),
            constraints.length_between("phone", 0, PHONE_LENGTH),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(stage=None) | models.Q(pipeline__isnull=False),
                name="contact_stage_only_with_pipeline",
            ),
        )

    def __str__(self) -> str:
        # The end of the id distinguishes visitors without a name.
        return self.name or self.email or self.phone or f"Visitor {self.pk[-4:]}"

    def stored_placement(self) -> tuple[str | None, str | None]:
        """Return the stored ids of pipeline and stage, both ``None`` for a new contact."""
        if self._state.adding:
            return None, None
        stored = self._stored
        pipeline_id = stored.get("pipeline_id", self.pipeline_id)
        stage_id = stored.get("stage_id", self.stage_id)
        assert pipeline_id is None or isinstance(pipeline_id, str)
        assert stage_id is None or isinstance(stage_id, str)
        return pipeline_id, stage_id

    @property
    def has_identity(self) -> bool:
        """Whether a name, an e-mail address or a phone number is known."""
        return bool(self.name or self.email or self.phone)

    def clean(self) -> None:
        """Validate pipeline and stage, and require that something is known of a new contact."""
        errors: dict[str, list[ValidationError]] = {}
        if self._state.adding and not self.has_identity:
            errors["name"] = [ValidationError(NO_IDENTITY, "missing")]
        try:
            self.clean_placement()
        except ValidationError as error:
            errors |= error.error_dict
        if errors:
            raise ValidationError(errors)

    def clean_placement(self) -> None:
        """Validate pipeline and stage if one of them changes.

        Raise ``ValidationError`` by field.
        """
        changed = self.changed_columns()
        if not changed & {"pipeline_id", "stage_id"}:
            return
        errors: dict[str, ValidationError] = {}
        try:
            if self.pipeline is not None:
                require_organization(self.pipeline, self.organization_id)
        except ValidationError as error:
            errors["pipeline"] = error
        try:
            if self.stage is not None:
                require_stage_of_pipeline(self.stage, self.pipeline_id)
                if "stage_id" in changed and not self.stage.is_active:
                    message = "The stage is not active. Activate it, or select another stage."
                    raise ValidationError(message, "inactive")
        except ValidationError as error:
            errors["stage"] = error
        if errors:
            raise ValidationError(errors)
