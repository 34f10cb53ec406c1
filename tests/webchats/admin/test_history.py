"""The history of a webchat."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import ADD, LIST, FormData, change_url
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def test_the_history_lists_old_and_new_values(
    session_client: Client, admin: User, api: Any, form_data: FormData
) -> None:
    session_client.post(ADD, form_data(name="First", allowed_domains="a.example"))
    webchat = Webchat.objects.get()
    session_client.post(change_url(webchat), form_data(name="Second", allowed_domains="a.example"))
    head = factories.UserFactory.create(organization=admin.organization, full_name="Hedy")
    response = api(head).patch(
        f"/api/webchats/{webchat.pk}", {"allowedDomains": ["a.example", "b.example"]}
    )
    assert response.status_code == 200
    versions = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"]
    assert [(v.verb, v.user) for v in versions] == [
        ("Changed", head),
        ("Changed", admin),
        ("Created", admin),
    ]
    (domains,), (name,), () = (version.changes for version in versions)
    assert (domains.field, domains.old, domains.new) == (
        "allowed domains",
        "a.example",
        "a.example\nb.example",
    )
    assert (name.field, name.old, name.new) == ("name", "First", "Second")


def test_the_history_shows_names_of_rows_and_yes_or_no(
    session_client: Client, admin: User, form_data: FormData
) -> None:
    session_client.post(ADD, form_data())
    webchat = Webchat.objects.get()
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Better")
    session_client.post(change_url(webchat), form_data(prompt=prompt.pk, is_enabled=None))
    newest = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"][0]
    values = {change.field: (change.old, change.new) for change in newest.changes}
    assert values == {"enabled": ("yes", "no"), "prompt": (str(webchat.prompt), "Better")}


def test_an_update_over_the_api_writes_only_the_fields_of_the_request(
    api: Any, admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, name="Before")
    Webchat.objects.filter(pk=webchat.pk).update(description="Changed elsewhere")
    api(admin).patch(f"/api/webchats/{webchat.pk}", {"name": "After"})
    webchat.refresh_from_db()
    assert (webchat.name, webchat.description) == ("After", "Changed elsewhere")


def test_the_history_of_a_deleted_user_has_no_name(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    gone = factories.UserFactory.create(organization=admin.organization)
    webchat.history.update(history_user=gone)
    gone.delete()
    (version,) = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"]
    assert (version.verb, version.user) == ("Created", None)


def test_a_version_has_indexes_for_its_row_its_time_and_its_user() -> None:
    table = Webchat.history.model._meta.db_table
    with connection.cursor() as cursor:
        constraints = connection.introspection.get_constraints(cursor, table)
    indexed = {tuple(each["columns"]) for each in constraints.values() if each["index"]}
    assert indexed == {("id",), ("history_date",), ("history_user_id",)}
