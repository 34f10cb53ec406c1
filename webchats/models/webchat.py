"""The webchat: the configuration of one chat widget."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from organizations import constraints
from organizations.colors import STORED_PATTERN
from organizations.fields import ColorField, TrimmedCharField, TrimmedTextField
from organizations.models import Pipeline, Prompt, Stage, User
from organizations.tenancy.models import DOES_NOT_EXIST, TenantModel, TenantQuerySet
from webchats.fields import AllowedDomainsField, IconKeyField
from webchats.icons.cleanup import delete_unused_on_commit
from webchats.icons.keys import is_icon_key
from webchats.icons.references import validate_icon
from webchats.placement import entry_stage_of
from webchats.search import containing
from webchats.widget.response_cache import invalidate_on_commit

NAME_LENGTH = 120
DESCRIPTION_LENGTH = 2_000
STARTER_MESSAGE_LENGTH = 1_000
STATUS_TEXT_LENGTH = 200
THANK_YOU_LENGTH = 500
#: CSS pixels between the launcher and the edges of the window.
OFFSET = (0, 200)
#: CSS's ``z-index`` is a signed integer of 32 bits in every browser.
Z_INDEX = (1, 2_147_483_647)

#: Ends the name of a duplicate.
_COPY = " (copy)"

COLOR_NAMES = (
    "background_color",
    "primary_color",
    "secondary_color",
    "header_text_color",
    "status_text_color",
    "timestamp_color",
    "csat_background_color",
    "csat_text_color",
)


class Position(models.TextChoices):
    """The corner of the window that the launcher stands in."""

    BOTTOM_RIGHT = "bottom-right"
    BOTTOM_LEFT = "bottom-left"
    TOP_RIGHT = "top-right"
    TOP_LEFT = "top-left"


class WebchatQuerySet(TenantQuerySet["Webchat"]):
    """Webchats of organizations."""

    def enabled(self) -> Self:
        """Those that are active and take new sessions."""
        return self.filter(is_enabled=True)

    def containing(self, text: str) -> Self:
        """Those with the text in their name or description."""
        return self.filter(containing(text)) if text else self

    def update(self, **values: Any) -> int:
        """Change them all, as Django's own."""
        updated = super().update(**values)
        invalidate_on_commit()
        return updated

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete them, and their icons after the commit."""
        keys = list(self.order_by().exclude(icon="").values_list("icon", flat=True))
        deleted = super().delete()
        invalidate_on_commit()
        delete_unused_on_commit(keys)
        return deleted

    # As Django's own: not a method of the manager, and in no template.
    update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


def _within(bounds: tuple[int, int]) -> list[Any]:
    return [MinValueValidator(bounds[0]), MaxValueValidator(bounds[1])]


WebchatManager = models.Manager.from_queryset(WebchatQuerySet)


class Webchat(TenantModel):
    """The configuration of one chat widget.

    ``full_clean()`` brings the values into their stored form and raises for what the document's
    rules refuse; the database's constraints hold the same rules against everybody else.
    """

    # (Django's own index of a reference to a text is two. ``Meta.indexes`` has one for each.)
    user = models.ForeignKey(
        User,
        on_delete=models.RESTRICT,
        db_index=False,
        related_name="webchats",
        editable=False,
        verbose_name="owner",
    )
    user_id: str
    created_by = models.ForeignKey(
        User, on_delete=models.RESTRICT, db_index=False, related_name="+", editable=False
    )
    created_by_id: str

    name = TrimmedCharField(
        max_length=NAME_LENGTH, help_text="What your team calls it. Visitors never see it."
    )
    description = TrimmedTextField(
        max_length=DESCRIPTION_LENGTH, blank=True, default="", help_text="Notes for your team."
    )

    #: A storage key, never a URL; empty: none.
    icon = IconKeyField(editable=False)

    background_color = ColorField(help_text="The chat panel's background.")
    primary_color = ColorField(help_text="The header and the buttons.")
    secondary_color = ColorField(help_text="The bubbles that the visitor sends.")
    header_text_color = ColorField(default="#FFFFFF", help_text="Text in the header.")
    status_text_color = ColorField(default="#6B7280", help_text="The status line.")
    timestamp_color = ColorField(default="#9CA3AF", help_text="The messages' time-stamps.")
    csat_background_color = ColorField(
        default="#F3F4F6", verbose_name="survey background", help_text="The survey's background."
    )
    csat_text_color = ColorField(
        default="#111827", verbose_name="survey text", help_text="Text in the survey."
    )

    starter_message = TrimmedTextField(
        max_length=STARTER_MESSAGE_LENGTH,
        blank=True,
        default="",
        help_text="The greeting that a visitor sees before they write.",
    )
    status_text = TrimmedCharField(
        max_length=STATUS_TEXT_LENGTH,
        blank=True,
        default="",
        help_text="The line under the title, such as “We typically reply within minutes”.",
    )
    csat_thank_you_message = TrimmedTextField(
        max_length=THANK_YOU_LENGTH,
        blank=True,
        default="",
        verbose_name="thank-you message",
        help_text="What a visitor reads after answering the survey.",
    )

    allowed_domains = AllowedDomainsField(
        help_text=(
            "Who may embed the widget: example.com, *.example.com, https://example.com:8443. "
            "An empty list lets every site embed it."
        )
    )
    is_enabled = models.BooleanField(
        default=True,
        verbose_name="enabled",
        help_text="The widget is active and takes new sessions.",
    )

    prompt = models.ForeignKey(
        Prompt,
        on_delete=models.RESTRICT,
        db_index=False,
        related_name="webchats",
        help_text="What the AI is told before it answers.",
    )
    prompt_id: str
    is_autopilot = models.BooleanField(
        default=False,
        verbose_name="autopilot",
        help_text="The AI answers without a representative's approval.",
    )

    pipeline = models.ForeignKey(
        Pipeline,
        on_delete=models.RESTRICT,
        db_index=False,
        null=True,
        blank=True,
        related_name="webchats",
        help_text="The pipeline that new contacts are placed into.",
    )
    pipeline_id: str | None
    pipeline_stage = models.ForeignKey(
        Stage,
        on_delete=models.RESTRICT,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="The stage they enter; without it, the initial stage names it.",
    )
    pipeline_stage_id: str | None
    initial_stage = TrimmedCharField(
        max_length=NAME_LENGTH,
        help_text=(
            "The contact's status. With a pipeline but no stage chosen above, the name or slug "
            "of one of its active stages."
        ),
    )
    entry_stage = models.ForeignKey(
        Stage,
        on_delete=models.RESTRICT,
        db_index=False,
        null=True,
        editable=False,
        related_name="webchats",
        help_text="Where new contacts really go, as the three fields before decide it.",
    )
    entry_stage_id: str | None

    position = models.CharField(
        max_length=12, choices=Position.choices, default=Position.BOTTOM_RIGHT
    )
    offset_x = models.IntegerField(
        default=24,
        validators=_within(OFFSET),
        verbose_name="horizontal offset",
        help_text="Pixels from the left or right edge.",
    )
    offset_y = models.IntegerField(
        default=24,
        validators=_within(OFFSET),
        verbose_name="vertical offset",
        help_text="Pixels from the top or bottom edge.",
    )
    z_index = models.IntegerField(
        default=9999,
        validators=_within(Z_INDEX),
        verbose_name="z-index",
        help_text="What the widget stands above: the greater number is in front.",
    )

    objects: ClassVar[WebchatManager["Webchat"]] = WebchatManager()
    history = HistoricalRecords()
    #: Follows from other fields.
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

    class Meta:
        verbose_name = "webchat"
        verbose_name_plural = "webchats"
        ordering = ("-created_at", "-id")
        indexes = (
            # Each is a list that can be asked for, in its order: a page of it is read without the
            # rest, however many webchats there are. The two conditions are those of the few.
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
            *(constraints.matches(name, STORED_PATTERN) for name in COLOR_NAMES),
            constraints.own_storage_key("icon", "organization"),
            constraints.length_between("name", 1, NAME_LENGTH),
            constraints.length_between("description", 0, DESCRIPTION_LENGTH),
            constraints.length_between("starter_message", 0, STARTER_MESSAGE_LENGTH),
            constraints.length_between("status_text", 0, STATUS_TEXT_LENGTH),
            constraints.length_between("csat_thank_you_message", 0, THANK_YOU_LENGTH),
            constraints.length_between("initial_stage", 1, NAME_LENGTH),
            constraints.one_of("position", Position.values),
            constraints.between("offset_x", *OFFSET),
            constraints.between("offset_y", *OFFSET),
            constraints.between("z_index", *Z_INDEX),
            constraints.DatabaseCheckConstraint(
                condition=models.Q(pipeline_stage=None) | models.Q(pipeline__isnull=False),
                name="webchat_stage_only_with_pipeline",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Self:
        """Remember the references as they are stored: see ``_is_new``."""
        row = super().from_db(db, field_names, values, **options)
        row._stored = dict(zip(field_names, values, strict=False))
        return row

    _stored: dict[str, Any] = {}

    def _is_new(self, *columns: str) -> bool:
        """Whether one of the columns differs from the stored row. What was valid when it was
        chosen (a prompt that has been deactivated since) does not block other changes."""
        return any(
            column not in self._stored or self._stored[column] != getattr(self, column)
            for column in columns
        )

    #: Who makes many rows in one transaction gives them one that asks once for each key.
    check_icon: Callable[[str, str], None] = staticmethod(validate_icon)

    @property
    def public_icon(self) -> str:
        """The storage key of the icon that visitors see; empty without one."""
        return self.icon or self.organization.default_icon

    def duplicate(self, *, by: User) -> "Webchat":
        """An unsaved copy, switched off, which belongs to ``by``."""
        kept = [f.attname for f in self._meta.concrete_fields if f.editable or f.name == "icon"]
        copy = Webchat(
            organization_id=self.organization_id,
            user=by,
            created_by=by,
            **{name: getattr(self, name) for name in kept},
        )
        copy.name = f"{self.name[: NAME_LENGTH - len(_COPY)]}{_COPY}"
        copy.is_enabled = False
        return copy

    def clean(self) -> None:
        """Check what spans fields and rows, and decide where new contacts go."""
        errors: dict[str, Any] = {}
        if self.prompt_id and self._is_new("prompt_id"):
            self._check(errors, self._check_prompt)
        if self.icon and self._is_new("icon"):
            self._check(errors, self._check_icon)
        if self._is_new("pipeline_id", "pipeline_stage_id", "initial_stage"):
            self._check(errors, self._place)
        if errors:
            raise ValidationError(errors)

    @staticmethod
    def _check(errors: dict[str, Any], rule: Callable[[], None]) -> None:
        try:
            rule()
        except ValidationError as error:
            error.update_error_dict(errors)

    def _check_prompt(self) -> None:
        self._check_owner("prompt")
        if not self.prompt.is_active:
            raise ValidationError({"prompt": ValidationError("It is not active.", "inactive")})

    def _check_icon(self) -> None:
        # What is no key has been refused by the field.
        if is_icon_key(self.icon):
            try:
                self.check_icon(self.icon, self.organization_id)
            except ValidationError as error:
                raise ValidationError({"icon": error}) from None

    def _place(self) -> None:
        if self.pipeline is not None:
            self._check_owner("pipeline")
        self.entry_stage = entry_stage_of(
            pipeline=self.pipeline,
            pipeline_stage=self.pipeline_stage,
            initial_stage=self.initial_stage,
        )

    def _check_owner(self, name: str) -> None:
        row = getattr(self, name)
        if row.organization_id != self.organization_id:
            # Another organization's row is answered like one that does not exist.
            message = DOES_NOT_EXIST.format(kind=row._meta.verbose_name)
            raise ValidationError({name: ValidationError(message, "does_not_exist")})

    def save(self, *arguments: Any, **options: Any) -> None:
        """Save; where the placement is written, its outcome is written with it."""
        columns = options.get("update_fields")
        if columns is not None and {"pipeline", "pipeline_stage", "initial_stage"} & set(columns):
            options["update_fields"] = {*columns, "entry_stage"}
        super().save(*arguments, **options)
        invalidate_on_commit(self.pk)
        if columns is None or "icon" in columns:
            self._release_replaced_icon()

    def _release_replaced_icon(self) -> None:
        stored = self._stored.get("icon", "")
        self._stored = {**self._stored, "icon": self.icon}
        if stored != self.icon:
            delete_unused_on_commit([stored])

    def delete(self, *arguments: Any, **options: Any) -> tuple[int, dict[str, int]]:
        """Delete, and the icon after the commit."""
        webchat_id = self.pk
        deleted = super().delete(*arguments, **options)
        invalidate_on_commit(webchat_id)
        delete_unused_on_commit([self.icon])
        return deleted
