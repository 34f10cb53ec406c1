"""References to rows of organizations in documents."""

from types import SimpleNamespace
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from organizations.models import Pipeline, Prompt, Stage, User
from organizations.tenancy.models import TenantScoped
from organizations.tenancy.serializers import TenantRelatedField
from tests.support import factories

pytestmark = pytest.mark.django_db


class ReferenceSerializer(serializers.Serializer[Any]):
    anyPrompt = TenantRelatedField(source="any_prompt", queryset=Prompt.objects.all())
    activePrompt = TenantRelatedField(
        source="active_prompt", queryset=Prompt.objects.filter(is_active=True)
    )


class OuterSerializer(serializers.Serializer[Any]):
    reference = ReferenceSerializer()


def build_context(user: User) -> dict[str, Any]:
    return {"request": SimpleNamespace(user=user)}


def test_two_fields_of_one_model_keep_their_own_querysets(admin: User) -> None:
    inactive = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    data = {"anyPrompt": inactive.pk, "activePrompt": inactive.pk}
    # Twice, because the second validation could use a cached queryset.
    for _ in range(2):
        serializer = ReferenceSerializer(data=data, context=build_context(admin))
        assert not serializer.is_valid()
        assert serializer.errors.keys() == {"activePrompt"}


def test_a_stored_reference_is_kept_without_a_query(
    admin: User, django_assert_num_queries: Any
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    stored = SimpleNamespace(any_prompt_id=prompt.pk, active_prompt_id=prompt.pk)
    data = {"anyPrompt": prompt.pk, "activePrompt": prompt.pk}
    serializer = ReferenceSerializer(stored, data=data, context=build_context(admin))
    with django_assert_num_queries(0):
        serializer.is_valid(raise_exception=True)
    assert serializer.validated_data == {}


def test_a_nested_reference_is_not_compared_with_the_outer_row(admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    outer = SimpleNamespace(any_prompt_id=prompt.pk, active_prompt_id=prompt.pk)
    data = {"reference": {"anyPrompt": prompt.pk, "activePrompt": prompt.pk}}
    serializer = OuterSerializer(outer, data=data, context=build_context(admin))
    serializer.is_valid(raise_exception=True)
    assert serializer.validated_data == {
        "reference": {"any_prompt": prompt, "active_prompt": prompt}
    }


@pytest.mark.parametrize("value", ["", "x", "0" * 24, 7, None, ["0" * 24]])
def test_it_rejects_anything_but_the_id_of_a_row(admin: User, value: object) -> None:
    field = TenantRelatedField(queryset=Prompt.objects.all())
    serializer: serializers.Serializer[Any] = serializers.Serializer(context=build_context(admin))
    field.bind("prompt", serializer)
    with pytest.raises(ValidationError):
        field.run_validation(value)


def test_it_rejects_a_row_of_another_organization_like_an_unknown_one(
    admin: User, other_admin: User
) -> None:
    other = factories.PromptFactory.create(organization=other_admin.organization)
    errors = []
    for row_id in (other.pk, "0" * 24):
        data = {"anyPrompt": row_id, "activePrompt": row_id}
        serializer = ReferenceSerializer(data=data, context=build_context(admin))
        assert not serializer.is_valid()
        errors.append(serializer.errors)
    assert errors[0] == errors[1]


@pytest.mark.parametrize("model", [Pipeline, Prompt, Stage])
def test_the_compiled_query_of_a_reference_finds_the_rows_of_the_plain_one(
    model: type[TenantScoped], admin: User, other_admin: User, superuser: User
) -> None:
    for user in (admin, other_admin):
        factories.PromptFactory.create(organization=user.organization)
        factories.StageFactory.create(pipeline__organization=user.organization)

    def find(queryset: Any, user: User, pk: str) -> dict[str, object]:
        field = TenantRelatedField(queryset=queryset)
        serializer: serializers.Serializer[Any] = serializers.Serializer(
            context=build_context(user)
        )
        field.bind("row", serializer)
        try:
            row = field.run_validation(pk)
        except ValidationError as error:
            return {"error": error.detail}
        return {column.attname: getattr(row, column.attname) for column in model._meta.fields}

    manager = model._default_manager
    found = []
    for user in (admin, other_admin, superuser):
        for pk in (*manager.values_list("pk", flat=True), "0" * 24):
            compiled = find(manager, user, pk)
            assert compiled == find(manager.all(), user, pk)
            found.append("error" not in compiled)
    # Each member finds one of the two rows, the superuser both.
    assert found == [True, False, False, False, True, False, True, True, False] or found == [
        False,
        True,
        False,
        True,
        False,
        False,
        True,
        True,
        False,
    ]
