"""Rows that are used by more webchats than an error counts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.apps import apps
from django.db.models import RESTRICT, ForeignKey
from django.db.models.signals import post_init
from django.test import Client
from rest_framework.test import APIClient

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories
from webchat_project.api.exceptions import MAX_USES
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

USES = 1_500


@contextmanager
def loaded_webchats() -> Iterator[list[str]]:
    """Yield the ids of the webchats that are loaded within the block, without other columns."""
    keys: list[str] = []

    def note(instance: Webchat, **_: object) -> None:
        assert "description" not in instance.__dict__
        keys.append(instance.__dict__["id"])

    post_init.connect(note, sender=Webchat)
    try:
        yield keys
    finally:
        post_init.disconnect(note, sender=Webchat)


@pytest.fixture
def owner(admin: User, prompt: Prompt, stage: Stage) -> User:
    """The owner of many webchats, which all use the prompt and the stage."""
    owner: User = factories.UserFactory.create(organization=admin.organization)
    row = factories.WebchatFactory.build(
        user=owner, prompt=prompt, pipeline=stage.pipeline, pipeline_stage=stage, entry_stage=stage
    )
    values = {
        field.attname: getattr(row, field.attname)
        for field in Webchat._meta.concrete_fields
        if not field.primary_key
    }
    Webchat.objects.bulk_create(Webchat(**values) for _ in range(USES))
    return owner


@pytest.mark.usefixtures("owner")
def test_deletion_of_a_prompt_in_use_reads_as_many_webchats_as_the_error_counts(
    api_client: APIClient, prompt: Prompt
) -> None:
    with loaded_webchats() as keys:
        response = api_client.delete(f"/api/prompts/{prompt.pk}")
    assert response.status_code == 409
    assert response.json()["code"] == "in_use"
    assert "in use by more than 1,000 webchats" in response.json()["error"]
    assert len(keys) == MAX_USES + 1


@pytest.mark.usefixtures("owner")
def test_update_without_a_stage_in_use_reads_as_many_webchats_as_the_error_counts(
    api_client: APIClient, pipeline: Pipeline
) -> None:
    with loaded_webchats() as keys:
        response = api_client.patch(f"/api/pipelines/{pipeline.pk}", {"stages": []})
    assert response.status_code == 409
    assert "more than 1,000 webchats" in response.json()["error"]
    assert len(keys) <= 2 * (MAX_USES + 1), "for pipeline_stage and entry_stage"


def test_delete_page_of_an_owner_reads_as_many_webchats_as_it_counts(
    session_client: Client, owner: User
) -> None:
    with loaded_webchats() as keys:
        page = session_client.get(f"/admin/organizations/user/{owner.pk}/delete/")
    assert "<li>and more than 990 more</li>" in page.content.decode()
    assert len(keys) <= 2 * (MAX_USES + 1) + 10, "for user and created_by, and ten names"


def test_every_foreign_key_that_restricts_reads_a_limited_number_of_rows() -> None:
    unlimited = [
        str(field)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.remote_field.on_delete is RESTRICT
    ]
    assert not unlimited
