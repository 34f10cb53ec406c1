"""Sessions and passwords of the admin site."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from organizations.models import User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def is_signed_in(client: Client) -> bool:
    return client.get("/admin/").status_code == 200


def client_with_session(value: str) -> Client:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = value
    return client


def test_logout_invalidates_the_session(session_client: Client) -> None:
    cookie = session_client.cookies[settings.SESSION_COOKIE_NAME].value
    assert is_signed_in(client_with_session(cookie))
    session_client.post(reverse("admin:logout"))
    assert not is_signed_in(client_with_session(cookie))


def test_login_changes_the_session_key(admin: User) -> None:
    admin.set_password(PASSWORD)
    admin.save()
    client = Client()
    session = client.session
    session["fixated"] = True
    session.save()
    fixated = str(session.session_key)
    client.cookies[settings.SESSION_COOKIE_NAME] = fixated
    client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
    assert is_signed_in(client)
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != fixated
    assert not is_signed_in(client_with_session(fixated))


def test_session_ends_after_twelve_hours_even_if_in_use(session_client: Client) -> None:
    start = timezone.now()
    for hours in range(1, 12):
        with time_machine.travel(start + timedelta(hours=hours)):
            assert is_signed_in(session_client), hours
    with time_machine.travel(start + timedelta(hours=12, minutes=1)):
        assert not is_signed_in(session_client)


@pytest.mark.parametrize("change", ["password", "deactivation", "deletion"])
def test_session_ends_when_its_user_changes(
    session_client: Client, admin: User, change: str
) -> None:
    assert is_signed_in(session_client)
    if change == "password":
        admin.set_password("another password")
        admin.save()
    elif change == "deactivation":
        User.objects.update(is_active=False)
    else:
        admin.delete()
    assert not is_signed_in(session_client)


def set_password(client: Client, user: User, password: str) -> int:
    """Submit the form, and return the status of the response."""
    fields = {"password1": password, "password2": password, "usable_password": "true"}
    response = client.post(f"/admin/organizations/user/{user.pk}/password/", fields)
    return response.status_code


@pytest.mark.parametrize("weak", ["short", "password123", "1234567890123", "{email}"])
def test_weak_password_is_refused(
    session_client: Client, admin: User, rep: User, weak: str
) -> None:
    password = weak.format(email=rep.email)
    before = rep.password
    assert set_password(session_client, rep, password) == 200
    rep.refresh_from_db()
    assert rep.password == before


def test_strong_password_is_accepted(session_client: Client, rep: User) -> None:
    assert set_password(session_client, rep, PASSWORD) == 302
    rep.refresh_from_db()
    assert rep.check_password(PASSWORD)
