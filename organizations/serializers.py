"""The kernel's documents: prompts, pipelines with their stages, API keys, and signing in."""

import copy
from typing import Any

from django.contrib.auth import authenticate
from django.db.models import F
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, ErrorDetail, ValidationError

from organizations.auth.tokens import read_refresh_token
from organizations.models import MAX_STAGES, ApiKey, Pipeline, Prompt, Stage, User
from organizations.models.pipeline import DUPLICATE_STAGE
from organizations.tenancy.serializers import TenantDocumentSerializer, TenantScopedSerializer
from webchat_project.api.fields import IdField, StringField
from webchat_project.api.object_ids import validate_object_id

_NOT_SENT: Any = object()


class PromptSerializer(TenantDocumentSerializer[Prompt]):
    """What the AI is told, and with which model settings."""

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
            "isActive",
            "createdAt",
            "updatedAt",
        )


class StageListSerializer(serializers.ListSerializer[Any]):
    """The stages of a pipeline as they will stand, each complete and told apart from the others."""

    def to_internal_value(self, data: Any) -> list[Stage]:
        """The stages in their order; raises for all that is wrong with any of them."""
        if not isinstance(data, list) or len(data) > MAX_STAGES:
            super().to_internal_value(data)  # raises
        pipeline = getattr(self.parent, "instance", None)
        stored = {stage.pk: stage for stage in pipeline.stages.all()} if pipeline else {}
        stages: list[Stage] = []
        errors: list[Any] = []
        for position, entry in enumerate(data):
            values, wrong = self._read(entry)
            if values is not None:
                stage = self._stage(values, stored.get(values.get("id", "")), stages)
                stage.position = position
                wrong = {**self._errors_of(stage, values, stored, stages), **wrong}
                stages.append(stage)
            errors.append(wrong)
        if any(errors):
            raise ValidationError(errors)
        return stages

    def _read(self, entry: Any) -> tuple[dict[str, Any] | None, Any]:
        """What an entry says, as far as it can be read, and what is wrong with it."""
        if entry is None:
            return None, [ErrorDetail("A stage may not be null.", "null")]
        if not isinstance(entry, dict):
            return None, [ErrorDetail("Must be a JSON object.", "invalid")]
        wrong: Any = {}
        try:
            values = self.run_child_validation(entry)
        except ValidationError as error:
            child: Any = self.child
            values, wrong = child.readable, error.detail
        if values.get("id", "") is None:
            del values["id"]  # ``null`` is none: a new stage
        return values, wrong

    def _stage(self, values: dict[str, Any], stored: Stage | None, before: list[Stage]) -> Stage:
        stage = copy.copy(stored) if stored else Stage()
        for name, value in values.items():
            setattr(stage, name, value)
        if not stage.slug:
            stage.slug = stage.unused_slug({other.slug for other in before})
        return stage

    def _errors_of(
        self,
        stage: Stage,
        values: dict[str, Any],
        stored: dict[str, Stage],
        before: list[Stage],
    ) -> dict[str, Any]:
        errors: dict[str, Any] = {}
        duplicates = {
            field: [ErrorDetail(message, "unique")] for field, message in DUPLICATE_STAGE.items()
        }
        if "id" in values and values["id"] not in stored:
            errors["_id"] = [ErrorDetail("The pipeline has no such stage.", "does_not_exist")]
        elif stage.pk in {other.pk for other in before}:
            return {"_id": duplicates["id"]}
        errors |= {field: duplicates[field] for field in stage.duplicate_fields(before)}
        if not stage.name:
            errors["name"] = [ErrorDetail("This field is required.", "required")]
        return errors


class StageSerializer(TenantScopedSerializer[Stage]):
    """A step inside its pipeline. ``_id`` is sent back to keep a stage, left out for a new one."""

    _id = IdField(source="id", required=False, allow_null=True, validators=[validate_object_id])

    class Meta:
        model = Stage
        fields = ("_id", "name", "slug", "color", "isActive")
        list_serializer_class = StageListSerializer


class PipelineSerializer(TenantDocumentSerializer[Pipeline]):
    """A pipeline with its stages in order. ``stages``, when sent, is the whole list: a stage that
    is not in it is deleted, which is refused while a webchat uses it."""

    stages: Any = StageSerializer(
        many=True,
        required=False,
        allow_null=True,
        max_length=MAX_STAGES,  # type: ignore[call-arg]
    )

    class Meta:
        model = Pipeline
        fields = (
            "_id",
            "organizationId",
            "name",
            "isDefault",
            "stages",
            "createdAt",
            "updatedAt",
        )

    def create(self, validated_data: dict[str, Any]) -> Pipeline:
        """Save a pipeline and its stages."""
        stages = validated_data.pop("stages", None) or []
        pipeline = super().create(validated_data)
        self._write_stages(pipeline, stages)
        return pipeline

    def update(self, instance: Pipeline, validated_data: dict[str, Any]) -> Pipeline:
        """Save what was sent; the stages only if they were."""
        stages = validated_data.pop("stages", _NOT_SENT)
        pipeline = super().update(instance, validated_data)
        if stages is not _NOT_SENT:
            self._write_stages(pipeline, stages or [])
        return pipeline

    def _write_stages(self, pipeline: Pipeline, stages: list[Stage]) -> None:
        pipeline.stages.exclude(pk__in=[stage.pk for stage in stages]).delete()
        # Names and slugs are unique at each statement: step aside, so that two can be swapped.
        pipeline.stages.update(name=F("id"), slug=F("id"))
        for stage in stages:
            stage.pipeline = pipeline
            stage.save()
        # What was read before the change must not answer.
        getattr(pipeline, "_prefetched_objects_cache", {}).pop("stages", None)


class ApiKeySerializer(TenantDocumentSerializer[ApiKey]):
    """A machine's key. The secret itself is in the answer that makes it, and nowhere after."""

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
        # userId: a key acts as the one who made it; to choose another would lend their name.
        read_only_fields = ("userId",)


class NewApiKeySerializer(ApiKeySerializer):
    """A key that was just made, with its secret in ``key``."""

    key = serializers.CharField(read_only=True, help_text="The secret: shown this once.")

    class Meta(ApiKeySerializer.Meta):
        fields: tuple[str, ...] = (*ApiKeySerializer.Meta.fields, "key")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A key acts as its maker, inside its organization: a superuser has none."""
        if self.context["request"].user.is_superuser:
            message = "A key acts as a member of the organization: sign in as one to make it."
            raise ValidationError({"organizationId": ErrorDetail(message, "invalid")})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> ApiKey:
        """Save a new key; its ``key`` attribute holds the secret."""
        secret = self.checked_row.generate_secret()
        api_key = super().create(validated_data)
        api_key.key = secret  # type: ignore[attr-defined]
        return api_key


class SignedInUserSerializer(serializers.Serializer[User]):
    """Who has signed in."""

    id = serializers.CharField()
    email = serializers.CharField()
    fullName = serializers.CharField(source="full_name")
    organizationId = serializers.CharField(source="organization_id", allow_null=True)
    accessRole = serializers.CharField(source="role")


class LoginSerializer(serializers.Serializer[User]):
    """E-mail and password; ``validated_data["user"]`` is who they belong to."""

    email = StringField(max_length=254)
    password = StringField(trim_whitespace=False, max_length=1000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = authenticate(
            self.context["request"], username=attrs["email"], password=attrs["password"]
        )
        if user is None:
            raise AuthenticationFailed("Wrong e-mail address or password", "invalid_credentials")
        return {"user": user}


class RefreshSerializer(serializers.Serializer[User]):
    """A live refresh token; ``validated_data`` has it parsed, and its owner."""

    refreshToken = StringField(max_length=4000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        token, user = read_refresh_token(attrs["refreshToken"])
        return {"token": token, "user": user}


class TokenPairSerializer(serializers.Serializer[User]):
    """An access token and the refresh token that follows it."""

    token = serializers.CharField()
    refreshToken = serializers.CharField()


class LoginAnswerSerializer(TokenPairSerializer):
    """The answer to signing in."""

    user = SignedInUserSerializer()


class MessageSerializer(serializers.Serializer[User]):
    """One sentence."""

    message = serializers.CharField()
