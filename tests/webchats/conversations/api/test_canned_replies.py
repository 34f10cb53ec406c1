"""The API of canned replies."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.api.errors import assert_error
from tests.support import factories
from tests.support.responses import error_codes
from webchats.conversations.models import CannedReply

pytestmark = pytest.mark.django_db

PATH = "/api/canned-replies"
BODY = {"shortcut": "hours", "title": "Opening hours", "text": "Hello {visitor.name|there}."}


def test_reply_is_created_read_updated_and_deleted(api_client: APIClient, admin: User) -> None:
    response = api_client.post(PATH, BODY | {"shortcut": " /Hours ", "text": " a\nb "})
    assert response.status_code == 201
    assert response.json()["message"] == "Canned reply created"
    document = response.json()["data"]
    expected = {**BODY, "text": "a\nb", "organizationId": admin.organization_id}
    assert document.items() >= expected.items()
    path = response.headers["Location"]
    assert api_client.get(path).json()["data"] == document
    changed = api_client.patch(path, {"title": "When we are open"}).json()["data"]
    assert (changed["title"], changed["shortcut"]) == ("When we are open", "hours")
    assert api_client.put(path, {"shortcut": "hours", "text": "c"}).json()["data"]["text"] == "c"
    assert CannedReply.objects.get().history.count() == 3
    assert api_client.delete(path).status_code == 200
    assert api_client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("shortcut", "", "blank"),
        ("shortcut", "two words", "invalid"),
        ("shortcut", "a/b", "invalid"),
        ("shortcut", "a" * 41, "max_length"),
        ("title", "", "blank"),
        ("title", "a" * 121, "max_length"),
        ("text", "a" * 4_001, "max_length"),
        ("text", "\0", "null_characters_not_allowed"),
        ("text", "Hello {visitor.nmae}", "unknown_variable"),
        ("text", "Hello {Rep.Name|me}", "unknown_variable"),
        ("text", "Hello {visitor.name or you}", "unknown_variable"),
        ("text", "Hello {vistor.name|you}", "unknown_variable"),
    ],
)
def test_it_rejects_invalid_value(api_client: APIClient, name: str, value: Any, code: str) -> None:
    assert error_codes(api_client.post(PATH, BODY | {name: value})) == {name: code}
    assert not CannedReply.objects.exists()


def test_braces_without_a_variable_are_text(api_client: APIClient) -> None:
    text = "Use {curly} braces, {a.b} or {}, { visitor.name | there }."
    assert api_client.post(PATH, BODY | {"text": text}).json()["data"]["text"] == text


def test_shortcut_is_unique_in_the_organization(api_client: APIClient, admin: User) -> None:
    factories.CannedReplyFactory.create(shortcut="hours")
    own = factories.CannedReplyFactory.create(organization=admin.organization, shortcut="return")
    assert api_client.post(PATH, BODY).status_code == 201
    assert error_codes(api_client.post(PATH, BODY | {"shortcut": "/HOURS"})) == {
        "shortcut": "unique"
    }
    response = api_client.patch(f"{PATH}/{own.pk}", {"shortcut": "hours"})
    assert error_codes(response) == {"shortcut": "unique"}


def test_list_is_ordered_by_shortcut_paged_by_cursor_and_searched(
    api_client: APIClient, admin: User, django_assert_num_queries: Any
) -> None:
    for shortcut, title, text in (
        ("return", "Send back", "60 days"),
        ("hours", "Opening", "Ten"),
        ("pay", "Payment", "By card"),
    ):
        factories.CannedReplyFactory.create(
            organization=admin.organization, shortcut=shortcut, title=title, text=text
        )

    def found(query: str) -> list[str]:
        response = api_client.get(f"{PATH}?{query}")
        return [document["shortcut"] for document in response.json()["data"]]

    # The user and the page.
    with django_assert_num_queries(2):
        first = api_client.get(f"{PATH}?limit=2").json()
    assert [document["shortcut"] for document in first["data"]] == ["hours", "pay"]
    assert found(f"limit=2&cursor={first['pagination']['next']}") == ["return"]
    assert found("search=TURN") == ["return"]
    assert found("search=opening") == ["hours"]
    assert found("search=card") == ["pay"]


def test_number_of_replies_of_an_organization_is_limited(
    api_client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CannedReply, "max_per_organization", 1)
    assert api_client.post(PATH, BODY).status_code == 201
    response = api_client.post(PATH, BODY | {"shortcut": "other"})
    error = assert_error(response, 400, "validation_error")
    assert error["details"][0]["code"] == "limit_reached"


@pytest.mark.parametrize(("role", "status"), [("DEPARTMENT_HEAD", 201), ("SALES_REP", 403)])
def test_department_heads_write_replies_and_sales_reps_read_them(
    api: Any, admin: User, role: str, status: int
) -> None:
    user = factories.UserFactory.create(organization=admin.organization, access_role=role)
    assert api(user).post(PATH, BODY).status_code == status
    assert api(user).get(PATH).status_code == 200
