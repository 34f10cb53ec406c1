"""The pipeline and stage that new contacts of a webchat enter."""

from typing import Final

from django.core.exceptions import ValidationError
from django.db import models

from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.models import Pipeline, Stage
from organizations.models.pipeline import require_stage_of_pipeline
from organizations.tenancy.models import require_organization
from organizations.tenancy.on_delete import restrict_counted

#: The fields that determine the entry stage.
PLACEMENT_FIELDS: Final = frozenset({"pipeline", "pipeline_stage", "initial_stage"})

#: The maximum number of stages that an error message lists.
_MAX_LISTED: Final = 20


class Placement(models.Model):
    """Abstract base of ``Webchat``: the fields that place new contacts in a pipeline."""

    pipeline = models.ForeignKey(
        Pipeline,
        on_delete=restrict_counted,
        db_index=False,
        null=True,
        blank=True,
        related_name="webchats",
        help_text="The pipeline for new contacts.",
    )
    pipeline_id: str | None
    pipeline_stage = models.ForeignKey(
        Stage,
        on_delete=restrict_counted,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text="Where new contacts start. If empty, “Initial stage” is used.",
    )
    pipeline_stage_id: str | None
    initial_stage = TrimmedCharField(
        max_length=NAME_LENGTH,
        help_text=(
            "The status of new contacts. With a pipeline but no stage, the name or slug of one of "
            "its active stages."
        ),
    )
    entry_stage = models.ForeignKey(
        Stage,
        on_delete=restrict_counted,
        db_index=False,
        null=True,
        editable=False,
        related_name="webchats",
        help_text="Where new contacts start, computed from the three fields above.",
    )
    entry_stage_id: str | None
    #: A column of ``TenantModel``.
    organization_id: str

    class Meta:
        abstract = True

    def clean_placement(self) -> None:
        """Validate the pipeline and its stage, and set ``entry_stage``.

        Raise ``ValidationError`` by field.
        """
        if self.pipeline is not None:
            try:
                require_organization(self.pipeline, self.organization_id)
            except ValidationError as error:
                raise ValidationError({"pipeline": error}) from None
        self.set_entry_stage()

    def set_entry_stage(self) -> None:
        """Set the stage that new contacts enter, ``None`` without a pipeline.

        ``pipeline_stage`` takes precedence. Without it, ``initial_stage`` is the name or slug of an
        active stage, ignoring case. Raise ``ValidationError`` by field if there is no such stage.
        """
        if self.pipeline_stage is None:
            self.entry_stage = self._find_initial_stage(self.pipeline) if self.pipeline else None
            return
        try:
            require_stage_of_pipeline(self.pipeline_stage, self.pipeline_id)
        except ValidationError as error:
            raise ValidationError({"pipeline_stage": error}) from None
        self.entry_stage = self.pipeline_stage

    def _find_initial_stage(self, pipeline: Pipeline) -> Stage:
        # Bulk imports have prefetched the stages.
        active = [stage for stage in pipeline.stages.all() if stage.is_active]
        for stage in active:
            if stage.has_name_or_slug(self.initial_stage):
                return stage
        names = ", ".join(stage.name for stage in active[:_MAX_LISTED]) or "none"
        message = f"The pipeline has no active stage with this name. Active stages: {names}."
        error = ValidationError(message, "does_not_exist")
        raise ValidationError({"initial_stage": error})
