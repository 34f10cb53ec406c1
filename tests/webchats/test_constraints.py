"""Database constraints and model validation enforce the same rules."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.utils import DataError

from organizations.models import Organization, Pipeline, Prompt, Stage, User
from tests.support import factories
from webchats.conversations.models import Conversation
from webchats.models import COLOR_FIELDS, Webchat

pytestmark = pytest.mark.django_db

INVALID: list[tuple[Any, str, Any]] = [
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
    (Conversation, "rating_score", 6),
    (Conversation, "closed_by", "nobody"),
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


def create(model: Any) -> Any:
    factory: Any = getattr(factories, f"{model.__name__}Factory")
    return factory.create()


@pytest.mark.parametrize(("model", "column", "value"), INVALID, ids=lambda v: str(v)[:30])
def test_database_rejects_invalid_value(model: Any, column: str, value: Any) -> None:
    row = create(model)
    statement = f'UPDATE {model._meta.db_table} SET "{column}" = %s WHERE id = %s'
    # PostgreSQL raises DataError for a value that is too long for the column type.
    with (
        pytest.raises((IntegrityError, DataError)),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [value, row.pk])
    before = getattr(row, column)
    row.refresh_from_db()
    assert getattr(row, column) == before


VALIDATED_BY_FIELD = [
    case for case in INVALID if case[2] is not None and case[1] != "slug" and case[2] != "#FFF"
]


@pytest.mark.parametrize(
    ("model", "column", "value"), VALIDATED_BY_FIELD, ids=lambda v: str(v)[:30]
)
def test_full_clean_rejects_invalid_value(model: Any, column: str, value: Any) -> None:
    row = create(model)
    setattr(row, column, value)
    if value == "#FFFFFF\n":
        row.full_clean()  # white space around a value is removed, not rejected
        assert getattr(row, column) == "#FFFFFF"
        return
    with pytest.raises(ValidationError) as error:
        row.full_clean()
    assert column in error.value.message_dict


def test_other_programs_can_check_the_sqlite_database() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite only.")
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as plain:
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_database_rejects_stage_without_pipeline() -> None:
    webchat = factories.WebchatFactory.create()
    stage = factories.StageFactory.create(pipeline__organization=webchat.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        Webchat.objects.update(pipeline_stage=stage)


def test_database_rejects_second_default_pipeline() -> None:
    first = factories.PipelineFactory.create(is_default=True)
    factories.PipelineFactory.create(organization=first.organization)
    with pytest.raises(IntegrityError), transaction.atomic():
        Pipeline.objects.filter(organization=first.organization).update(is_default=True)


@pytest.mark.parametrize("fields", [{"name": "NEW", "slug": "x"}, {"name": "x", "slug": "new"}])
def test_database_rejects_duplicate_name_or_slug_of_stage(fields: dict[str, str]) -> None:
    stage = factories.StageFactory.create(name="New", slug="new")
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.StageFactory.create(pipeline=stage.pipeline, **fields)


def test_email_is_stored_in_lower_case_and_unique() -> None:
    factories.UserFactory.create(email="Somebody@Example.com")
    assert User.objects.get().email == "somebody@example.com"
    with pytest.raises(IntegrityError), transaction.atomic():
        factories.UserFactory.create(email="SOMEBODY@example.com")


def test_deleting_an_organization_deletes_its_rows_only(admin: User, other_admin: User) -> None:
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


def test_validation_of_columns_makes_no_queries(
    admin: User, django_assert_num_queries: Any
) -> None:
    webchat = Webchat.objects.get(pk=factories.WebchatFactory.create(user=admin).pk)
    relations = {field.name for field in Webchat._meta.fields if field.is_relation}
    with django_assert_num_queries(0):
        webchat.full_clean(exclude=relations)
