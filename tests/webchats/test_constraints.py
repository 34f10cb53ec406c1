"""The database itself refuses what the rules refuse, whoever writes."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.utils import DataError

from organizations.models import Organization, Pipeline, Prompt, Stage, User
from tests.support import factories
from webchats.models import COLOR_FIELDS, Webchat

pytestmark = pytest.mark.django_db

WRONG: list[tuple[Any, str, Any]] = [
    *((Webchat, name, value) for name in COLOR_FIELDS for value in ("red", "#FFF", "#FFFFFF\n")),
    (Webchat, "name", ""),
    (Webchat, "name", "a" * 121),
    (Webchat, "description", "a" * 2001),
    (Webchat, "starter_message", "a" * 1001),
    (Webchat, "status_text", "a" * 201),
    (Webchat, "csat_thank_you_message", "a" * 501),
    (Webchat, "initial_stage", ""),
    (Webchat, "initial_stage", "a" * 121),
    (Webchat, "position", "center"),
    (Webchat, "offset_x", 999),
    (Webchat, "offset_x", -1),
    (Webchat, "offset_y", 201),
    (Webchat, "z_index", 0),
    (Webchat, "prompt_id", None),
    (Prompt, "temperature", 2.5),
    (Prompt, "max_tokens", 0),
    (Prompt, "name", ""),
    (Prompt, "instructions", "a" * 20_001),
    (Pipeline, "name", ""),
    (Stage, "color", "red"),
    (Stage, "slug", ""),
    (User, "access_role", "OWNER"),
    (User, "access_role", "SUPERADMIN"),
    (User, "organization_id", None),
]


def row_of(model: Any) -> Any:
    made: Any = getattr(factories, f"{model.__name__}Factory")
    return made.create()


@pytest.mark.parametrize(("model", "column", "value"), WRONG, ids=lambda v: str(v)[:30])
def test_raw_sql_cannot_store_it(model: Any, column: str, value: Any) -> None:
    row = row_of(model)
    statement = f'UPDATE {model._meta.db_table} SET "{column}" = %s WHERE id = %s'
    # PostgreSQL says "too long for the type" by another error than "breaks the constraint".
    with (
        pytest.raises((IntegrityError, DataError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [value, row.pk])
    before = getattr(row, column)
    row.refresh_from_db()
    assert getattr(row, column) == before


FIELD_RULES = [
    entry for entry in WRONG if entry[2] is not None and entry[1] != "slug" and entry[2] != "#FFF"
]


@pytest.mark.parametrize(("model", "column", "value"), FIELD_RULES, ids=lambda v: str(v)[:30])
def test_a_full_clean_says_the_same_in_words(model: Any, column: str, value: Any) -> None:
    row = row_of(model)
    setattr(row, column, value)
    if value == "#FFFFFF\n":
        row.full_clean()  # white space at the ends is trimmed, not refused
        assert getattr(row, column) == "#FFFFFF"
        return
    with pytest.raises(ValidationError) as refused:
        row.full_clean()
    assert column in refused.value.message_dict


def test_a_stage_needs_its_pipeline() -> None:
    webchat = factories.WebchatFactory.create()
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        Webchat.objects.update(pipeline_stage=stage)


def test_an_organization_has_one_default_pipeline() -> None:
    first = factories.PipelineFactory.create(is_default=True)
    factories.PipelineFactory.create(organization=first.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        Pipeline.objects.filter(organization=first.organization).update(is_default=True)


@pytest.mark.parametrize("fields", [{"name": "NEW", "slug": "x"}, {"name": "x", "slug": "new"}])
def test_a_pipeline_has_a_stages_name_and_slug_once(fields: dict[str, str]) -> None:
    stage = factories.StageFactory.create(name="New", slug="new")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.StageFactory.create(pipeline=stage.pipeline, **fields)


def test_an_email_is_stored_in_lower_case_and_once() -> None:
    factories.UserFactory.create(email="Somebody@Example.com")
    assert User.objects.get().email == "somebody@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.UserFactory.create(email="SOMEBODY@example.com")


def test_an_organization_goes_with_all_that_is_its(admin: User, other_admin: User) -> None:
    for user in (admin, other_admin):
        pipeline = factories.PipelineFactory.create(organization=user.organization)
        stage = factories.StageFactory.create(pipeline=pipeline)
        factories.WebchatFactory.create(
            user=user, pipeline=pipeline, pipeline_stage=stage, entry_stage=stage
        )
        factories.ApiKeyFactory.create(user=user)
    assert admin.organization is not None
    admin.organization.delete()
    assert list(Organization.objects.all()) == [other_admin.organization]
    for model in (Webchat, Prompt, Pipeline, Stage, User):
        assert model._default_manager.count() == 1


def test_checking_a_webchat_does_not_ask_the_database_about_its_columns(
    admin: User, django_assert_num_queries: Any
) -> None:
    webchat = Webchat.objects.get(pk=factories.WebchatFactory.create(user=admin).pk)
    relations = {field.name for field in Webchat._meta.fields if field.is_relation}
    with django_assert_num_queries(0):
        webchat.full_clean(exclude=relations)
