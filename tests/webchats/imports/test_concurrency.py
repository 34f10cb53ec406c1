"""Limits of concurrent imports and exports: one of an organization, and few of a process."""

import gc
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import (
    LIST,
    check_again,
    check_file,
    confirm,
    import_as_updates,
    run_action,
)
from tests.webchats.imports.files import export_content, to_csv
from webchats.imports.concurrency import MAX_EXPORTS, MAX_IMPORTS, import_slot
from webchats.imports.exporter import export_response
from webchats.models import Webchat

SAME = "Another import of this organization is running. Try again when it has finished."


@pytest.fixture
def post(api: Any, admin: User) -> Any:
    """``post()`` imports a file of one row by the API."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")

    def send() -> Any:
        file = SimpleUploadedFile("in.csv", to_csv({}).encode())
        return api(admin).post("/api/webchats/import", {"file": file}, format="multipart")

    return send


@pytest.mark.django_db
def test_a_second_import_of_an_organization_returns_503(post: Any, admin: User) -> None:
    with import_slot(str(admin.organization_id)):
        response = post()
    assert (response.status_code, response.json()) == (503, {"error": SAME, "code": "unavailable"})
    assert int(response.headers["Retry-After"]) > 0
    assert not Webchat.objects.exists()
    assert post().status_code == 200


@pytest.mark.django_db
def test_imports_of_other_organizations_leave_threads_of_the_process(post: Any) -> None:
    with ExitStack() as others:
        for number in range(MAX_IMPORTS):
            others.enter_context(import_slot(str(number)))
        assert post().json()["error"] == "Other imports are running. Try again in a minute."
    assert post().status_code == 200


@pytest.mark.django_db
def test_a_file_that_another_import_delays_is_kept_and_checked_again(
    session_client: Client, admin: User, post: Any
) -> None:
    with import_slot(str(admin.organization_id)):
        response = check_file(session_client, to_csv({}), skip_invalid="on")
    assert SAME in response.content.decode()
    assert 'value="Check again"' in response.content.decode()
    checked = check_again(session_client, response)
    assert checked.context["pending"].skip_invalid
    assert confirm(session_client, checked).headers["Location"] == LIST
    assert Webchat.objects.count() == 1


@pytest.mark.django_db
def test_an_import_that_another_one_delays_can_be_confirmed_again(
    session_client: Client, admin: User, post: Any
) -> None:
    checked = check_file(session_client, to_csv({}))
    with import_slot(str(admin.organization_id)):
        delayed = confirm(session_client, checked)
    assert SAME in delayed.content.decode()
    assert 'value="Import"' in delayed.content.decode()
    assert confirm(session_client, delayed).headers["Location"] == LIST
    assert Webchat.objects.count() == 1


@pytest.mark.django_db
def test_a_check_as_updates_that_another_import_delays_can_be_repeated(
    session_client: Client, admin: User, post: Any
) -> None:
    confirm(session_client, check_file(session_client, to_csv({})))
    assert admin.organization
    exported = export_content(admin.organization, "csv").decode().replace("true", "false")
    refused = check_file(session_client, exported)
    with import_slot(str(admin.organization_id)):
        delayed = import_as_updates(session_client, refused)
    assert SAME in delayed.content.decode()
    assert check_again(session_client, delayed).context["report"].updated == 1


class TestExports:
    """An export holds a thread until the client has read it."""

    @pytest.fixture
    def open_export(self, api: Any) -> Iterator[Any]:
        """``open_export(user)`` requests an export without reading it. The test's end does."""
        responses = []

        def send(user: User) -> Any:
            responses.append(api(user).get("/api/webchats/export?format=csv"))
            return responses[-1]

        yield send
        for response in responses:
            response.getvalue()

    @pytest.mark.django_db
    def test_a_second_one_of_an_organization_returns_503(
        self, open_export: Any, admin: User
    ) -> None:
        running = open_export(admin)
        response = open_export(admin)
        assert (response.status_code, response.json()) == (
            503,
            {"error": SAME.replace("import", "export"), "code": "unavailable"},
        )
        assert int(response.headers["Retry-After"]) > 0
        running.getvalue()
        assert open_export(admin).getvalue()
        assert open_export(admin).status_code == 200

    @pytest.mark.django_db
    def test_those_of_other_organizations_leave_threads_of_the_process(
        self, open_export: Any, admin: User
    ) -> None:
        users = factories.UserFactory.create_batch(MAX_EXPORTS)
        running = [open_export(user) for user in users]
        assert {response.status_code for response in running} == {200}
        response = open_export(admin)
        assert response.json()["error"] == "Other exports are running. Try again in a minute."
        running[0].getvalue()
        assert open_export(admin).status_code == 200

    @pytest.mark.django_db
    def test_an_action_of_the_admin_site_counts(
        self, open_export: Any, session_client: Client, admin: User
    ) -> None:
        webchat = factories.WebchatFactory.create(user=admin)
        running = open_export(admin)
        response = run_action(session_client, "export_csv", webchat)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        running.getvalue()
        assert run_action(session_client, "export_csv", webchat).getvalue()

    @pytest.mark.django_db
    def test_one_that_is_never_closed_does_not_count(self, open_export: Any, admin: User) -> None:
        export_response(Webchat.objects.all(), "csv", user=admin)
        gc.collect()
        assert open_export(admin).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_an_import_of_another_process_is_not_waited_for(post: Any, admin: User) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time.")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute(
            "SELECT 1 FROM organizations_organization WHERE id = %s FOR NO KEY UPDATE",
            [admin.organization_id],
        )
        assert post().json()["error"] == SAME
        other.rollback()
    assert post().status_code == 200
