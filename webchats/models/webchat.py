"""The webchat: the configuration of one chat widget."""

from collections.abc import Callable
from typing import ClassVar, Final, Unpack

from django.core.exceptions import ValidationError
from django.db import models

from organizations import constraints
from organizations.fields import NAME_LENGTH, TrimmedCharField, TrimmedTextField
from organizations.history import ChangeHistory
from organizations.models import Prompt, User
from organizations.options import SaveOptions
from organizations.tenancy.models import TenantModel, require_organization
from organizations.tenancy.on_delete import restrict_counted
from webchats.fields import AllowedDomainsField
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.icons.keys import is_icon_key
from webchats.icons.references import validate_icon_key
from webchats.models.appearance import Appearance
from webchats.models.placement import PLACEMENT_FIELDS, Placement
from webchats.models.querysets import WebchatManager
from webchats.models.stored_values import StoredValues
from webchats.widget.response_cache import invalidate_on_commit

DESCRIPTION_LENGTH: Final = 2_000


class Webchat(Appearance, Placement, StoredValues, TenantModel):
    """The configuration of one chat widget.

    ``full_clean()`` converts the values to their stored form, validates them and sets
    ``entry_stage``. The constraints of the database enforce the same rules.
    """

    # Django would create two indexes for each reference to a text key. See ``Meta.indexes``.
    user = models.ForeignKey(
        User,
        on_delete=restrict_counted,
        db_index=False,
        related_name="webchats",
        editable=False,
        verbose_name="owner",
    )
    user_id: str
    created_by = models.ForeignKey(
        User, on_delete=restrict_counted, db_index=False, related_name="+", editable=False
    )
    created_by_id: str

    name = TrimmedCharField(
        max_length=NAME_LENGTH, help_text="For your team. Visitors never see it."
    )
    description = TrimmedTextField(
        max_length=DESCRIPTION_LENGTH, blank=True, default="", help_text="Notes for your team."
    )
    allowed_domains = AllowedDomainsField(
        help_text=(
            "Sites that may embed the widget: example.com, *.example.com, "
            "https://example.com:8443. If empty, every site may embed it."
        )
    )
    is_enabled = models.BooleanField(
        default=True,
        verbose_name="enabled",
        help_text="The widget is active and accepts new sessions.",
    )

    #: Sessions of visitors that were issued earlier are not valid. See ``services.end_sessions``.
    sessions_valid_from = models.DateTimeField(null=True, editable=False)

    prompt = models.ForeignKey(
        Prompt,
        on_delete=restrict_counted,
        db_index=False,
        related_name="webchats",
        help_text="The instructions for automatic answers.",
    )
    prompt_id: str
    is_autopilot = models.BooleanField(
        default=False,
        verbose_name="autopilot",
        help_text="Automatic answers are sent without a representative's approval.",
    )
    is_auto_assigned = models.BooleanField(
        default=False,
        db_default=False,
        verbose_name="automatic assignment",
        help_text=(
            "Conversations that wait for a person are assigned in turn to members who are online "
            "and not away."
        ),
    )

    objects: ClassVar[WebchatManager["Webchat"]] = WebchatManager()
    history = ChangeHistory()
    hidden_in_history = TenantModel.hidden_in_history | {"entry_stage"}

    #: The fields that the validation of a field depends on. While one of them is invalid, errors of
    #: the field are not reported.
    validation_dependencies: ClassVar[dict[str, set[str]]] = {
        "prompt": {"organization"},
        "pipeline": {"organization"},
        "icon": {"organization"},
        "pipeline_stage": {"organization", "pipeline"},
        "initial_stage": {"organization", "pipeline", "pipeline_stage"},
    }

    #: Raises ``ValidationError`` for a key that the organization cannot use. Bulk imports replace
    #: it with a memoized function.
    check_icon: Callable[[str, str], None] = staticmethod(validate_icon_key)

    class Meta:
        verbose_name = "webchat"
        verbose_name_plural = "webchats"
        ordering = ("-created_at", "-id")
        # One for each filter and ordering of the list, so that a page is read from an index.
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="webchat_newest"),
            models.Index(fields=("organization", "-updated_at", "-id"), name="webchat_changed"),
            models.Index(fields=("organization", "name", "id"), name="webchat_by_name"),
            models.Index(fields=("prompt", "-created_at", "-id"), name="webchat_of_prompt"),
            models.Index(fields=("pipeline", "-created_at", "-id"), name="webchat_of_pipeline"),
            models.Index(
                fields=("organization", "-created_at", "-id"),
                condition=models.Q(is_enabled=False),
                name="webchat_disabled",
            ),
            models.Index(
                fields=("organization", "-created_at", "-id"),
                condition=models.Q(is_autopilot=True),
                name="webchat_on_autopilot",
            ),
            *(
                models.Index(fields=(name,), name=f"webchat_of_{name}")
                for name in ("user", "created_by", "pipeline_stage", "entry_stage")
            ),
        )
        constraints = (
            *Appearance.Meta.constraints,
            constraints.length_between("name", 1, NAME_LENGTH),
            constraints.length_between("description", 0, DESCRIPTION_LENGTH),
            constraints.length_between("initial_stage", 1, NAME_LENGTH),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(pipeline_stage=None) | models.Q(pipeline__isnull=False),
                name="webchat_stage_only_with_pipeline",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def icon_or_default(self) -> str:
        """The storage key of the icon that visitors see; empty without one."""
        return self.icon or self.organization.default_icon

    # --- Validation ---

    def clean(self) -> None:
        """Validate the rules that span fields and rows, and set ``entry_stage``.

        References are only validated when they change: a prompt that was deactivated later does not
        block other changes.
        """
        changed = self.changed_columns()
        errors: dict[str, list[ValidationError]] = {}
        for validate, columns in (
            (self._clean_icon, {"icon"}),
            (self._clean_prompt, {"prompt_id"}),
            (self.clean_placement, {"pipeline_id", "pipeline_stage_id", "initial_stage"}),
        ):
            if changed & columns:
                try:
                    validate()
                except ValidationError as error:
                    error.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def _clean_prompt(self) -> None:
        # The field has reported a missing prompt.
        if self.prompt_id:
            try:
                require_organization(self.prompt, self.organization_id)
            except ValidationError as error:
                raise ValidationError({"prompt": error}) from None
            if not self.prompt.is_active:
                message = "The prompt is not active. Activate it, or select another prompt."
                raise ValidationError({"prompt": ValidationError(message, "inactive")})

    def _clean_icon(self) -> None:
        # The field has reported a text that is not a key.
        if self.icon and is_icon_key(self.icon):
            try:
                self.check_icon(self.icon, self.organization_id)
            except ValidationError as error:
                raise ValidationError({"icon": error}) from None

    # --- Writes ---

    def save(self, **options: Unpack[SaveOptions]) -> None:
        """Save the row. Save ``entry_stage`` with the placement, and delete a replaced icon."""
        update_fields = options.get("update_fields")
        names = None if update_fields is None else set(update_fields)
        if names and names & PLACEMENT_FIELDS:
            names.add("entry_stage")
        replaced_icon = self._stored.get("icon") if names is None or "icon" in names else None
        options["update_fields"] = names
        super().save(**options)
        invalidate_on_commit(self.pk)
        if replaced_icon and replaced_icon != self.icon:
            delete_unused_on_commit([str(replaced_icon)])

    def delete(
        self, using: str | None = None, keep_parents: bool = False
    ) -> tuple[int, dict[str, int]]:
        """Delete the row, and its icon on commit."""
        webchat_id = self.pk
        deleted = super().delete(using, keep_parents)
        invalidate_on_commit(webchat_id)
        delete_unused_on_commit([self.icon])
        return deleted
