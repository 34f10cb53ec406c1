"""Pipelines and their ordered stages."""

import itertools
from collections.abc import Iterable
from typing import ClassVar, Final, Self

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.text import slugify

from organizations import constraints
from organizations.colors import STORED_PATTERN
from organizations.fields import NAME_LENGTH, ColorField, TrimmedCharField
from organizations.history import ChangeHistory
from organizations.tenancy.defaults import ModelWithDefault
from organizations.tenancy.models import TenantQuerySet, TenantScoped

#: The maximum number of stages of a pipeline.
MAX_STAGES: Final = 100

#: Error messages for a value that another stage of the pipeline has, by field.
DUPLICATE_STAGE: Final = {
    "id": "Another stage of this pipeline has this id.",
    "name": "Another stage of this pipeline has this name.",
    "slug": "Another stage of this pipeline has this slug.",
}


class Pipeline(ModelWithDefault):
    """The stages that a contact passes through. An organization has at most one default."""

    #: With ``MAX_STAGES`` each: forms offer the stages of all.
    max_per_organization = 50

    name = TrimmedCharField(max_length=NAME_LENGTH)
    is_default = models.BooleanField(
        default=False,
        verbose_name="default",
        help_text="This replaces the current default pipeline.",
    )

    history = ChangeHistory()

    class Meta:
        ordering = ("name", "id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="pipeline_newest"),
        )
        constraints = (
            constraints.length_between("name", 1, NAME_LENGTH),
            models.UniqueConstraint(
                "organization",
                condition=models.Q(is_default=True),
                name="one_default_pipeline_per_organization",
            ),
        )

    def __str__(self) -> str:
        return self.name


class StageQuerySet(TenantQuerySet["Stage"]):
    """Stages of pipelines, with a filter for active ones."""

    def active(self) -> Self:
        """Return the stages that new contacts may enter."""
        return self.filter(is_active=True)


StageManager = models.Manager.from_queryset(StageQuerySet)


class Stage(TenantScoped):
    """A step of a pipeline. Stages are ordered by ``position``, starting at 0."""

    tenant_path = "pipeline__organization_id"

    pipeline = models.ForeignKey(Pipeline, on_delete=models.CASCADE, related_name="stages")
    pipeline_id: str
    name = TrimmedCharField(max_length=NAME_LENGTH)
    slug = TrimmedCharField(
        max_length=NAME_LENGTH,
        blank=True,
        default="",
        validators=[
            RegexValidator(
                r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z",
                message="Use lower-case letters, digits and single hyphens, such as in-progress.",
            )
        ],
        help_text="If empty, it is made from the name.",
    )
    color = ColorField(default="#6B7280")
    is_active = models.BooleanField(default=True, verbose_name="active")
    position = models.PositiveIntegerField(default=0, editable=False)

    objects: ClassVar[StageManager["Stage"]] = StageManager()

    class Meta:
        ordering = ("position", "id")
        constraints = (
            constraints.length_between("name", 1, NAME_LENGTH),
            constraints.length_between("slug", 1, NAME_LENGTH),
            constraints.matches("color", STORED_PATTERN),
            models.UniqueConstraint(
                "pipeline",
                Lower("name"),
                name="stage_name_once_per_pipeline",
                violation_error_message=DUPLICATE_STAGE["name"],
            ),
            models.UniqueConstraint(
                fields=("pipeline", "slug"),
                name="stage_slug_once_per_pipeline",
                violation_error_message=DUPLICATE_STAGE["slug"],
            ),
        )

    def __str__(self) -> str:
        return self.name

    def has_name_or_slug(self, text: str) -> bool:
        """Return whether ``text`` is the stage's name or slug, ignoring case."""
        return text.casefold() in (self.name.casefold(), self.slug)

    def clean(self) -> None:
        """Generate a slug if it is empty."""
        if not self.slug:
            siblings = Stage.objects.filter(pipeline_id=self.pipeline_id).exclude(pk=self.pk)
            self.slug = self.unused_slug(siblings.values_list("slug", flat=True))

    def unused_slug(self, used: Iterable[str]) -> str:
        """Return a slug made from the name that is not in ``used``.

        A name without Latin letters and digits gives ``stage-<id>``. A used slug gets a number.
        """
        taken = set(used)
        slug = slugify(self.name)[: NAME_LENGTH - 4].strip("-") or f"stage-{self.pk}"
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        return next(free for free in itertools.chain([slug], numbered) if free not in taken)

    def duplicate_fields(self, others: "Iterable[Stage]") -> list[str]:
        """Return which of ``name`` and ``slug`` duplicate a value of ``others``.

        The database constraints compare with stored stages. This compares stages of one pipeline
        before they are saved together.
        """
        names, slugs = set(), set()
        for other in others:
            names.add(other.name.casefold())
            slugs.add(other.slug)
        is_duplicate = {"name": self.name.casefold() in names, "slug": self.slug in slugs}
        return [field for field, duplicate in is_duplicate.items() if duplicate]


def require_stage_of_pipeline(stage: Stage, pipeline_id: str | None) -> None:
    """Raise ``ValidationError`` unless the stage is one of the pipeline's."""
    if pipeline_id is None:
        message = "A stage requires its pipeline. Select the pipeline, or remove the stage."
        raise ValidationError(message, "invalid")
    if stage.pipeline_id != pipeline_id:
        message = "The stage does not belong to the pipeline. Select one of its stages."
        raise ValidationError(message, "does_not_exist")
