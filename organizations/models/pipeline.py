"""Pipelines and their ordered stages."""

import itertools
from collections.abc import Collection
from typing import Any, ClassVar, Self

from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.text import slugify
from simple_history.models import HistoricalRecords

from organizations import constraints
from organizations.colors import STORED_PATTERN
from organizations.fields import NAME_LENGTH, ColorField, TrimmedCharField
from organizations.tenancy.models import TenantModel, TenantQuerySet, TenantScoped

MAX_STAGES = 100


class Pipeline(TenantModel):
    """The way of a contact, in ordered stages. An organization has one default at the most."""

    name = TrimmedCharField(max_length=NAME_LENGTH)
    is_default = models.BooleanField(
        default=False,
        verbose_name="default",
        help_text="Setting it here takes it from the pipeline that had it.",
    )

    history = HistoricalRecords()

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

    def validate_constraints(self, exclude: Any = None) -> None:
        """Leave out the default flag: saving takes it from the pipeline that had it."""
        super().validate_constraints(exclude={*(exclude or ()), "is_default"})

    @transaction.atomic
    def save(self, *arguments: Any, **options: Any) -> None:
        """Save; a new default takes the flag from the old one."""
        if self.is_default:
            others = Pipeline.objects.for_organization(self.organization_id).exclude(pk=self.pk)
            others.filter(is_default=True).update(is_default=False, updated_at=timezone.now())
        super().save(*arguments, **options)


class StageQuerySet(TenantQuerySet["Stage"]):
    """Stages of pipelines."""

    def active(self) -> Self:
        """Those that new contacts may enter."""
        return self.filter(is_active=True)


StageManager = models.Manager.from_queryset(StageQuerySet)


class Stage(TenantScoped):
    """A step of a pipeline; ``position`` orders them."""

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
                message="A slug is lower-case letters and digits, with single hyphens between.",
            )
        ],
        help_text="Made from the name when left empty.",
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
                violation_error_message="The pipeline already has a stage of this name.",
            ),
            models.UniqueConstraint(
                fields=("pipeline", "slug"),
                name="stage_slug_once_per_pipeline",
                violation_error_message="The pipeline already has a stage with this slug.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def is_called(self, text: str) -> bool:
        """Whether ``text`` is the stage's name or slug, compared without case."""
        return text.casefold() in (self.name.casefold(), self.slug)

    def clean(self) -> None:
        """Give the stage a slug where it has none."""
        if not self.slug:
            siblings = Stage.objects.filter(pipeline_id=self.pipeline_id).exclude(pk=self.pk)
            self.slug = self.free_slug(set(siblings.values_list("slug", flat=True)))

    def free_slug(self, taken: set[str]) -> str:
        """A slug made from the name, or from the id if the name has no Latin letter; numbered
        where it is ``taken``."""
        slug = slugify(self.name)[: NAME_LENGTH - 4].strip("-") or f"stage-{self.pk}"
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        return next(free for free in itertools.chain([slug], numbered) if free not in taken)

    def clashes(self, others: "Collection[Stage]") -> list[str]:
        """The fields whose values one of ``others``, stages of the same pipeline, has already.

        The constraints know only what is stored; this is for stages that are saved together.
        """
        names = {other.name.casefold() for other in others}
        taken = {"name": self.name.casefold() in names}
        taken["slug"] = self.slug in {other.slug for other in others}
        return [field for field, is_taken in taken.items() if is_taken]
