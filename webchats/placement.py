"""Where do the new contacts of a webchat go? The one place that answers."""

from django.core.exceptions import ValidationError

from organizations.models import Pipeline, Stage

#: How many stages an error names.
_NAMED = 20


def entry_stage_of(
    *, pipeline: Pipeline | None, pipeline_stage: Stage | None, initial_stage: str
) -> Stage | None:
    """The stage that new contacts enter; ``None`` without a pipeline, where ``initial_stage`` is
    only the contact's status label.

    A ``pipeline_stage`` decides; else ``initial_stage`` names an active stage of the pipeline, by
    name or slug in any case. Raises ``ValidationError`` keyed by the field that is wrong.
    """
    if pipeline is None:
        if pipeline_stage is None:
            return None
        message = "A stage can be given only together with the pipeline it belongs to."
        raise ValidationError({"pipeline_stage": ValidationError(message, "invalid")})
    if pipeline_stage is not None:
        if pipeline_stage.pipeline_id == pipeline.pk:
            return pipeline_stage
        message = "This is not a stage of the pipeline."
        raise ValidationError({"pipeline_stage": ValidationError(message, "does_not_exist")})
    active = [stage for stage in pipeline.stages.all() if stage.is_active]
    named: Stage | None = next((s for s in active if s.has_name_or_slug(initial_stage)), None)
    if named is not None:
        return named
    names = ", ".join(stage.name for stage in active[:_NAMED]) or "none"
    message = f"The pipeline has no active stage of this name. Its active stages: {names}."
    raise ValidationError({"initial_stage": ValidationError(message, "does_not_exist")})
