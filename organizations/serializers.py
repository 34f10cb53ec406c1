"""Documents of prompts, pipelines with their stages, and API keys."""

import copy
from collections.abc import Iterable, Mapping

from django.db.models import F
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from organizations.models import MAX_STAGES, ApiKey, Pipeline, Prompt, Stage
from organizations.models.pipeline import DUPLICATE_STAGE
from organizations.tenancy.models import DOES_NOT_EXIST
from organizations.tenancy.serializers import TenantDocumentSerializer, TenantScopedSerializer
from webchat_project.api.fields import IdField
from webchat_project.api.names import Detail
from webchat_project.api.object_ids import validate_object_id


class PromptSerializer(TenantDocumentSerializer[Prompt]):
    """A prompt: instructions for the AI, with the settings of the language model."""

    class Meta:
        model = Prompt
        fields = (
            "_id",
            "organizationId",
            "name",
            "instructions",
            "model",
            "temperature",
            "maxTokens",
            "version",
            "providerId",
            "isActive",
            "createdAt",
            "updatedAt",
        )


class StageSerializer(TenantScopedSerializer[Stage]):
    """A stage of a pipeline. With ``_id`` it updates a stored stage, without ``_id`` it is new."""

    _id = IdField(source="id", required=False, allow_null=True, validators=[validate_object_id])

    class Meta:
        model = Stage
        fields = ("_id", "name", "slug", "color", "isActive")


class StageListSerializer(serializers.ListSerializer[Stage]):
    """The complete list of a pipeline's stages, in order."""

    child: StageSerializer
    #: The names in the entries that a stage does not have, such as ``0.colour``.
    ignored: list[str] = []
    default_error_messages = {"not_a_list": "Must be a list of stages."}

    def to_internal_value(self, data: object) -> list[Stage]:
        """Return the unsaved stages. Raise one ``ValidationError`` with the errors of all entries.

        Its detail is a list with a dictionary or list of errors for each entry.
        """
        entries = (
            data
            if isinstance(data, list) and len(data) <= MAX_STAGES
            else super().to_internal_value(data)  # Raises.
        )
        pipeline = getattr(self.parent, "instance", None)
        stored = {stage.pk: stage for stage in pipeline.stages.all()} if pipeline else {}
        stages: list[Stage] = []
        errors: list[Detail] = []
        self.ignored = []
        for position, entry in enumerate(entries):
            try:
                values, field_errors = self._read_entry(entry)
            except ValidationError as error:
                errors.append(error.detail)
                continue
            self.ignored += [f"{position}.{name}" for name in self.child.ignored]
            stage = _unsaved_stage(values, stored, stages)
            stage.position = position
            errors.append(_list_errors(stage, values, stored, stages) | field_errors)
            stages.append(stage)
        if any(errors):
            raise ValidationError(errors)
        return stages

    def _read_entry(self, entry: object) -> tuple[dict[str, object], dict[str, Detail]]:
        """Return the valid values of an entry by model field, and the errors of the others.

        Raise ``ValidationError`` for an entry that is not an object.
        """
        if entry is None:
            raise ValidationError([ErrorDetail("A stage may not be null.", "null")])
        if not isinstance(entry, dict):
            raise ValidationError([ErrorDetail("Must be a JSON object.", "invalid")])
        errors: dict[str, Detail] = {}
        try:
            values: dict[str, object] = self.run_child_validation(entry)
        except ValidationError as error:
            values = self.child.valid_values
            errors = dict(error.detail) if isinstance(error.detail, dict) else {}
        if values.get("id", "") is None:
            del values["id"]  # A null id is a new stage.
        return values, errors


def _unsaved_stage(
    values: Mapping[str, object], stored: Mapping[str, Stage], previous: Iterable[Stage]
) -> Stage:
    current = stored.get(str(values.get("id", "")))
    stage = copy.copy(current) if current else Stage()
    for name, value in values.items():
        setattr(stage, name, value)
    if not stage.slug:
        stage.slug = stage.unused_slug(other.slug for other in previous)
    return stage


def _list_errors(
    stage: Stage,
    values: Mapping[str, object],
    stored: Mapping[str, Stage],
    previous: Iterable[Stage],
) -> dict[str, Detail]:
    """Return the errors of a stage that depend on the list, by document name."""
    errors: dict[str, Detail] = {}
    duplicate = {field: [ErrorDetail(text, "unique")] for field, text in DUPLICATE_STAGE.items()}
    if "id" in values and values["id"] not in stored:
        message = DOES_NOT_EXIST.format(kind=Stage._meta.verbose_name)
        errors["_id"] = [ErrorDetail(message, "does_not_exist")]
    elif stage.pk in {other.pk for other in previous}:
        return {"_id": duplicate["id"]}
    errors |= {field: duplicate[field] for field in stage.duplicate_fields(previous)}
    if not stage.name:
        errors["name"] = [ErrorDetail("This field is required.", "required")]
    return errors


class PipelineSerializer(TenantDocumentSerializer[Pipeline]):
    """A pipeline with its stages in order.

    ``stages``, if sent, is the complete list. Stages that are not in it are deleted, unless a
    webchat uses one of them: then the request fails.
    """

    stages = StageListSerializer(
        child=StageSerializer(), required=False, allow_null=True, max_length=MAX_STAGES
    )

    class Meta:
        model = Pipeline
        fields = ("_id", "organizationId", "name", "isDefault", "stages", "createdAt", "updatedAt")

    def to_internal_value(self, data: object) -> dict[str, object]:
        """Return the valid values. Add the unknown names of stages to ``ignored``."""
        values = super().to_internal_value(data)
        stages = self.fields["stages"]
        assert isinstance(stages, StageListSerializer)
        self.ignored += [f"stages.{name}" for name in stages.ignored]
        return values

    def create(self, validated_data: dict[str, object]) -> Pipeline:
        """Save a pipeline and its stages."""
        stages = _pop_stages(validated_data)
        pipeline = super().create(validated_data)
        _save_stages(pipeline, stages)
        return pipeline

    def update(self, instance: Pipeline, validated_data: dict[str, object]) -> Pipeline:
        """Save the fields that were sent, and the stages if they were sent."""
        sends_stages = "stages" in validated_data
        stages = _pop_stages(validated_data)
        pipeline = super().update(instance, validated_data)
        if sends_stages:
            _save_stages(pipeline, stages)
        return pipeline


def _pop_stages(values: dict[str, object]) -> list[Stage]:
    """Remove the stages from the validated values and return them. ``null`` is an empty list."""
    stages = values.pop("stages", None)
    return stages if isinstance(stages, list) else []


def _save_stages(pipeline: Pipeline, stages: list[Stage]) -> None:
    """Replace the stages of the pipeline with ``stages``."""
    pipeline.stages.exclude(pk__in=[stage.pk for stage in stages]).delete()
    # Uniqueness is checked at each statement: with temporary values, two names can be swapped.
    pipeline.stages.update(name=F("id"), slug=F("id"))
    for stage in stages:
        stage.pipeline = pipeline
        stage.save()
    # The response must not contain stages that were prefetched before the change.
    getattr(pipeline, "_prefetched_objects_cache", {}).pop("stages", None)


class ApiKeySerializer(TenantDocumentSerializer[ApiKey]):
    """An API key without its secret."""

    class Meta:
        model = ApiKey
        fields: tuple[str, ...] = (
            "_id",
            "organizationId",
            "userId",
            "name",
            "prefix",
            "expiresAt",
            "lastUsedAt",
            "createdAt",
        )
        # A key makes requests as its user. Choosing another user would be impersonation.
        read_only_fields = ("userId",)

    def new_row(self) -> ApiKey:
        """Return an unsaved key of the current user."""
        key = super().new_row()
        key.user = self.context["request"].user
        return key


class NewApiKeySerializer(ApiKeySerializer):
    """A new API key with its secret in ``key``."""

    key = serializers.CharField(
        source="secret", read_only=True, help_text="The secret. It is not returned again."
    )

    class Meta(ApiKeySerializer.Meta):
        fields: tuple[str, ...] = (*ApiKeySerializer.Meta.fields, "key")

    def validate(self, attrs: dict[str, object]) -> dict[str, object]:
        """Reject a superuser: a key needs a user with an organization."""
        if self.context["request"].user.is_superuser:
            message = "Only a member of the organization can create a key for it."
            raise ValidationError({"organizationId": ErrorDetail(message, "invalid")})
        return attrs

    def create(self, validated_data: dict[str, object]) -> ApiKey:
        """Save a new key, whose ``secret`` is set."""
        self.validated_row.generate_secret()
        return super().create(validated_data)
