"""The versions of a prompt, and the history page that restores them."""

import tracemalloc
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from organizations.history import MAX_VERSIONS
from organizations.models import Prompt, User
from organizations.models.prompt import INSTRUCTIONS_LENGTH
from tests.support import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def prompt(admin: User) -> Prompt:
    prompt: Prompt = factories.PromptFactory.create(
        organization=admin.organization, instructions="First"
    )
    return prompt


def _history_url(prompt: Prompt) -> str:
    return f"/admin/organizations/prompt/{prompt.pk}/history/"


def _restore(client: Client, prompt: Prompt, record: Any, version: str = "") -> Any:
    body = {"record": record.history_id, "version": version or prompt.row_version}
    return client.post(f"{_history_url(prompt)}restore/", body, follow=True)


@pytest.mark.parametrize(
    ("field", "value", "version"),
    [
        ("instructions", "Second", 2),
        ("model", "small", 2),
        ("temperature", 0.1, 2),
        ("maxTokens", 99, 2),
        ("name", "Another", 1),
        ("isActive", False, 1),
        ("instructions", "First", 1),
    ],
)
def test_a_change_of_the_models_input_is_a_new_version(
    api_client: APIClient, prompt: Prompt, field: str, value: Any, version: int
) -> None:
    response = api_client.patch(f"/api/prompts/{prompt.pk}", {field: value})
    assert response.json()["data"]["version"] == version
    prompt.refresh_from_db()
    assert prompt.version == version


def test_a_client_cannot_set_the_version(api_client: APIClient, prompt: Prompt) -> None:
    response = api_client.patch(f"/api/prompts/{prompt.pk}", {"version": 9})
    assert response.json()["data"]["version"] == 1


def test_saves_of_stale_rows_use_each_version_once(prompt: Prompt) -> None:
    stale = Prompt.objects.get(pk=prompt.pk)
    prompt.instructions = "Second"
    prompt.save()
    stale.model = "small"
    stale.save(update_fields=["model"])
    assert list(prompt.history.order_by("history_id").values_list("version", flat=True)) == [
        1,
        2,
        3,
    ]


def test_restoring_an_earlier_version_is_a_new_version(
    session_client: Client, prompt: Prompt
) -> None:
    first = prompt.history.get()
    prompt.name, prompt.instructions, prompt.temperature = "Renamed", "Second", 0.1
    prompt.save()
    page = session_client.get(_history_url(prompt)).content.decode()
    assert page.count("Restore this version") == 1
    response = _restore(session_client, prompt, first)
    assert "Version 1 is restored, as version 3." in response.content.decode()
    prompt.refresh_from_db()
    assert (prompt.name, prompt.instructions, prompt.temperature) == ("Renamed", "First", 0.7)
    assert prompt.version == 3


def test_long_values_are_cut_around_their_first_difference(
    session_client: Client, prompt: Prompt
) -> None:
    text = " ".join(f"{number:04}" for number in range(INSTRUCTIONS_LENGTH // 5))
    for instructions in (text, text.replace("2000", "other"), "Short"):
        prompt.instructions = instructions
        prompt.save()
    page = session_client.get(_history_url(prompt))
    (short,), (middle,), *_ = (version.changes for version in page.context["versions"])
    assert short.new == "Short"
    assert short.old.startswith("0000 0001")
    assert short.old.endswith("…")
    assert middle.old.startswith("…")
    assert "1999 2000 2001" in middle.old
    assert middle.new.startswith("…")
    assert "1999 other 2001" in middle.new
    first = prompt.history.order_by("history_id")[1]
    _restore(session_client, prompt, first)
    prompt.refresh_from_db()
    assert prompt.instructions == text


def test_the_history_of_many_long_versions_is_a_small_page_of_little_memory(
    session_client: Client, prompt: Prompt
) -> None:
    record = prompt.history.get()
    values = {
        field.attname: getattr(record, field.attname)
        for field in record._meta.concrete_fields
        if not field.primary_key
    }
    records = []
    for version in range(2, MAX_VERSIONS + 2):
        text = f"{version:04}" + "Don't <b>guess</b> a visitor's name 🌍. " * INSTRUCTIONS_LENGTH
        values |= {"instructions": text[:INSTRUCTIONS_LENGTH], "version": version}
        records.append(type(record)(**values))
    type(record).objects.bulk_create(records)
    del records
    session_client.get(_history_url(prompt))
    tracemalloc.start()
    try:
        page = session_client.get(_history_url(prompt)).content
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert page.count(b"Restore this version") == MAX_VERSIONS
    assert len(page) < 300_000
    # The texts take 80 kB each, 8 MB in all.
    assert peak < 4_000_000


def test_a_prompt_without_recorded_versions_has_an_empty_history(
    session_client: Client, prompt: Prompt
) -> None:
    prompt.history.all().delete()
    assert b"No changes recorded." in session_client.get(_history_url(prompt)).content


def test_a_prompt_that_was_changed_meanwhile_is_not_restored(
    session_client: Client, prompt: Prompt
) -> None:
    first, opened = prompt.history.get(), prompt.row_version
    prompt.instructions = "Second"
    prompt.save()
    response = _restore(session_client, prompt, first, version=opened)
    assert "Nothing was restored" in response.content.decode()
    prompt.refresh_from_db()
    assert prompt.instructions == "Second"


def test_getting_the_url_of_the_button_shows_the_history(
    session_client: Client, prompt: Prompt
) -> None:
    response = session_client.get(f"{_history_url(prompt)}restore/")
    assert response.headers["Location"] == _history_url(prompt)


@pytest.mark.parametrize("record_id", ["", "x", "9" * 30, "-1"])
def test_an_unknown_version_is_not_found(
    session_client: Client, prompt: Prompt, record_id: str
) -> None:
    body = {"record": record_id, "version": prompt.row_version}
    assert session_client.post(f"{_history_url(prompt)}restore/", body).status_code == 404


def test_a_sales_rep_cannot_restore_a_version(client: Client, prompt: Prompt) -> None:
    rep = factories.UserFactory.create(organization=prompt.organization, access_role="SALES_REP")
    client.force_login(rep)
    first = prompt.history.get()
    prompt.instructions = "Second"
    prompt.save()
    assert b"Restore this version" not in client.get(_history_url(prompt)).content
    assert _restore(client, prompt, first).status_code == 403


def test_a_version_of_another_organization_cannot_be_restored(
    session_client: Client, prompt: Prompt
) -> None:
    other = factories.PromptFactory.create(instructions="Secret")
    assert _restore(session_client, prompt, other.history.get()).status_code == 404
    assert _restore(session_client, other, other.history.get()).status_code == 404
