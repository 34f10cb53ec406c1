"""Organizations and users in the API, and their settings for conversations in the admin site."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from organizations.models import User

pytestmark = pytest.mark.django_db


def codes(response: Any) -> list[tuple[str, str]]:
    assert response.status_code == 400, response.content
    return [(detail["field"], detail["code"]) for detail in response.json()["details"]]


def test_administrator_changes_the_settings_of_the_organization(
    api_client: APIClient, admin: User
) -> None:
    path = f"/api/organizations/{admin.organization_id}"
    document = api_client.get(path).json()["data"]
    assert (document["maskCardNumbers"], document["inactivityHours"]) == (True, None)
    body = {"maskCardNumbers": False, "inactivityHours": 0, "assistantName": "Robin"}
    response = api_client.put(path, body)
    assert response.json()["data"].items() >= body.items()
    assert api_client.get(path).json()["data"].items() >= body.items()
    reset = api_client.put(path, {"inactivityHours": None, "maskCardNumbers": None}).json()["data"]
    assert (reset["maskCardNumbers"], reset["inactivityHours"]) == (True, None)
    for hours, code in ((-1, "min_value"), (8_761, "max_value"), ("1", "invalid")):
        response = api_client.put(path, {"inactivityHours": hours})
        assert codes(response) == [("inactivityHours", code)]


@pytest.mark.parametrize("name", ["Europe/Atlantis", "europe/berlin", "localtime", "../UTC", "+01"])
def test_an_unknown_time_zone_is_rejected(api_client: APIClient, admin: User, name: str) -> None:
    path = f"/api/organizations/{admin.organization_id}"
    assert api_client.get(path).json()["data"]["timeZone"] == "UTC"
    assert api_client.put(path, {"timeZone": "Europe/Berlin"}).json()["data"]["timeZone"] == (
        "Europe/Berlin"
    )
    assert codes(api_client.put(path, {"timeZone": name})) == [("timeZone", "invalid")]


def test_administrator_changes_display_names_but_not_accounts(
    api_client: APIClient, rep: User
) -> None:
    path = f"/api/users/{rep.pk}"
    body = {"displayName": " Sam ", "isActive": False, "accessRole": "ADMIN", "email": "x@y.z"}
    document = api_client.put(path, body).json()["data"]
    assert (document["displayName"], document["isActive"]) == ("Sam", True)
    assert (document["accessRole"], document["email"]) == ("SALES_REP", rep.email)
    rep.refresh_from_db()
    assert (rep.public_name, rep.is_active, rep.access_role) == ("Sam", True, "SALES_REP")


@pytest.mark.parametrize(
    ("display_name", "full_name", "public_name"),
    [("", "rep@example.com", "Team"), ("rep@example.com", "Sam Rep", "Sam"), ("Sam", "", "Sam")],
)
def test_public_name_is_no_email_address(
    display_name: str, full_name: str, public_name: str
) -> None:
    assert User(display_name=display_name, full_name=full_name).public_name == public_name


def test_list_of_users_is_searched_and_filtered(
    api_client: APIClient, admin: User, rep: User
) -> None:
    User.objects.filter(pk=rep.pk).update(display_name="Sam", is_active=False)
    for query, expected in {
        "ordering=createdAt": [admin.pk, rep.pk],
        "isActive=true": [admin.pk],
        "search=sam": [rep.pk],
    }.items():
        rows = api_client.get(f"/api/users?{query}").json()["data"]
        assert [row["_id"] for row in rows] == expected, query


def test_superuser_has_the_role_of_superusers_in_the_list(api: Any, superuser: User) -> None:
    (document,) = api(superuser).get("/api/users").json()["data"]
    assert (document["accessRole"], document["organizationId"]) == ("SUPERADMIN", None)


def test_settings_of_conversations_are_in_the_form_of_the_organization(
    session_client: Client, admin: User
) -> None:
    assert admin.organization is not None
    url = f"/admin/organizations/organization/{admin.organization_id}/change/"
    body = {"name": "Shop", "inactivity_hours": "48", "time_zone": "Asia/Tokyo"}
    assert session_client.post(url, body).status_code == 302
    organization = type(admin.organization).objects.get()
    assert (organization.inactivity_hours, organization.mask_card_numbers) == (48, False)
    assert organization.time_zone == "Asia/Tokyo"
