"""The REST API of knowledge entries."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Prefetch, Subquery
from django.db.models.functions import Coalesce
from django_filters import rest_framework as django_filters
from drf_spectacular.utils import extend_schema
from rest_framework.fields import empty

from organizations.models import Prompt
from organizations.tenancy.large_responses import Bytes
from organizations.tenancy.models import DOES_NOT_EXIST
from organizations.tenancy.serializers import TenantDocumentSerializer
from organizations.tenancy.viewsets import TenantViewSet
from webchat_project.api.fields import IdField, ListField, StringField
from webchat_project.api.filters import (
    DocumentOrderingFilter,
    IdFilter,
    SearchFilter,
    StrictBooleanFilter,
)
from webchat_project.api.openapi_operations import request_examples, response_example
from webchats.conversations.api import examples
from webchats.conversations.models import KnowledgeEntry
from webchats.conversations.models.knowledge import MAX_WORDINGS, QUESTION_LENGTH

_MAX_PROMPTS: Final = Prompt.max_per_organization
_NOT_A_LIST: Final = "Must be a list of strings."
#: The number of an entry's prompts.
_LINKS: Final = Coalesce(
    Subquery(
        KnowledgeEntry.prompts.through.objects.filter(knowledgeentry=OuterRef("pk"))
        .values("knowledgeentry")
        .values_list(Count("pk"))
    ),
    0,
)
#: The ids of prompts. Their instructions are long.
_PROMPTS: Final = Prefetch("prompts", Prompt.objects.only("name"))


class PromptIdsField(ListField):
    """The ids of the prompts of an entry. ``KnowledgeSerializer`` finds the rows."""

    def __init__(self) -> None:
        super().__init__(
            child=IdField(),
            source="prompts",
            required=False,
            allow_null=True,
            max_length=_MAX_PROMPTS,
            error_messages={"not_a_list": _NOT_A_LIST},
            help_text="The prompts that use the entry. Empty: every prompt.",
        )

    def run_validation(self, data: object = empty) -> list[str]:
        """Return the ids. ``null`` means every prompt, as in an optional field."""
        ids: list[str] | None = super().run_validation(data)
        return ids or []

    def get_attribute(self, instance: KnowledgeEntry) -> list[str]:
        """Return the ids, in the order of the prompts' names."""
        return [prompt.pk for prompt in instance.prompts.all()]


class KnowledgeSerializer(TenantDocumentSerializer[KnowledgeEntry]):
    """A question with the organization's answer, which the AI quotes."""

    alsoAskedAs = ListField(
        child=StringField(max_length=QUESTION_LENGTH, allow_blank=True),
        source="also_asked_as",
        required=False,
        allow_null=True,
        max_length=MAX_WORDINGS,
        error_messages={"not_a_list": _NOT_A_LIST},
        help_text="Other wordings of the question.",
    )
    promptIds = PromptIdsField()

    class Meta:
        model = KnowledgeEntry
        fields = (
            "_id",
            "organizationId",
            "question",
            "alsoAskedAs",
            "answer",
            "link",
            "language",
            "isActive",
            "promptIds",
            "createdAt",
            "updatedAt",
        )

    def validate_row(
        self, row: KnowledgeEntry, values: Mapping[str, object], invalid: set[str]
    ) -> None:
        """Also validate the prompts, which must be of the row's organization.

        Django assigns the rows of a many-to-many relation after the save, so ``full_clean()`` does
        not validate them.
        """
        errors: dict[str, list[ValidationError]] = {}
        try:
            super().validate_row(row, values, invalid)
        except ValidationError as error:
            errors = error.error_dict
        if "prompts" in values and "organization" not in invalid:
            try:
                _validate_prompts(values["prompts"], row.organization_id)
            except ValidationError as error:
                errors["prompts"] = error.error_list
        if errors:
            raise ValidationError(errors)

    def create(self, validated_data: dict[str, object]) -> KnowledgeEntry:
        """Save the entry and its prompts."""
        entry = super().create(validated_data)
        return _set_prompts(entry, validated_data)

    def update(self, instance: KnowledgeEntry, validated_data: dict[str, object]) -> KnowledgeEntry:
        """Save the fields that were sent, and the prompts if they were sent."""
        entry = super().update(instance, validated_data)
        return _set_prompts(entry, validated_data)


def _validate_prompts(ids: object, organization_id: str) -> None:
    """Raise ``ValidationError`` with the index of each id that is no prompt of the organization."""
    assert isinstance(ids, list)
    prompts = Prompt.objects.for_organization(organization_id).filter(pk__in=ids)
    found = set(prompts.values_list("pk", flat=True))
    message = DOES_NOT_EXIST.format(kind=Prompt._meta.verbose_name)
    errors = [
        ValidationError(message, "does_not_exist", {"index": index})
        for index, pk in enumerate(ids)
        if pk not in found
    ]
    if errors:
        raise ValidationError(errors)


def _set_prompts(entry: KnowledgeEntry, values: dict[str, object]) -> KnowledgeEntry:
    ids = values.get("prompts")
    if isinstance(ids, list):
        entry.prompts.set(ids)
    return entry


class KnowledgeFilter(django_filters.FilterSet):
    """Filters and orderings of the list of knowledge entries."""

    search = SearchFilter(fields=("questions", "answer"))
    isActive = StrictBooleanFilter(field_name="is_active")
    promptId = IdFilter(field_name="prompts")
    ordering = DocumentOrderingFilter(
        fields={"created_at": "createdAt", "updated_at": "updatedAt", "question": "question"}
    )


@extend_schema(tags=["knowledge"])
@request_examples(create=examples.KNOWLEDGE_REQUEST, update={"isActive": False})
@response_example(examples.KNOWLEDGE)
class KnowledgeViewSet(TenantViewSet[KnowledgeEntry]):
    """Questions with the organization's answers. Automatic answers use the active ones."""

    queryset = KnowledgeEntry.objects.prefetch_related(_PROMPTS)
    serializer_class = KnowledgeSerializer
    filterset_class = KnowledgeFilter
    # The prompts of an entry take more memory than their ids.
    row_bytes = Bytes("answer") + Bytes("questions") + _LINKS * 500
