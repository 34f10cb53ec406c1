"""Actions on several webchats: enable, disable, duplicate."""

import pytest
from django.test import Client

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from tests.webchats.admin.pages import run_action
from webchats.admin import actions
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


def test_webchats_are_disabled_and_enabled(session_client: Client, admin: User) -> None:
    rows = [factories.WebchatFactory.create(user=admin) for _ in range(2)]
    run_action(session_client, "disable", *rows)
    assert not Webchat.objects.enabled().exists()
    assert rows[0].history.first().history_user == admin
    response = run_action(session_client, "enable", *rows)
    assert Webchat.objects.enabled().count() == 2
    assert "2 webchats enabled." in response.content.decode()


def test_a_duplicate_is_disabled_and_has_another_name(session_client: Client, admin: User) -> None:
    icon = store_icon(admin.organization_id)
    row = factories.WebchatFactory.create(
        user=admin, name="x" * 120, allowed_domains=["example.com"], icon=icon
    )
    response = run_action(session_client, "duplicate", row)
    assert "1 webchat duplicated. The copy is disabled." in response.content.decode()
    copy = Webchat.objects.exclude(pk=row.pk).get()
    assert copy.name == "x" * 113 + " (copy)"
    assert (copy.is_enabled, copy.allowed_domains, copy.icon) == (False, ["example.com"], icon)
    assert (copy.user, copy.created_by, copy.organization_id) == (admin, admin, row.organization_id)


def test_the_message_counts_the_duplicates(session_client: Client, admin: User) -> None:
    webchats = factories.WebchatFactory.create_batch(2, user=admin)
    response = run_action(session_client, "duplicate", *webchats)
    message = "2 webchats duplicated. The copies are disabled."
    assert message in response.content.decode()


def test_no_webchat_of_too_many_is_duplicated(
    session_client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_DUPLICATES", 1)
    webchats = factories.WebchatFactory.create_batch(2, user=admin)
    response = run_action(session_client, "duplicate", *webchats)
    assert "Nothing was duplicated: at most 1 " in response.content.decode()
    assert Webchat.objects.count() == 2


def test_a_webchat_that_cannot_be_duplicated_is_reported_with_its_error(
    session_client: Client, admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    row = factories.WebchatFactory.create(user=admin, prompt=prompt)
    response = run_action(session_client, "duplicate", row)
    assert "was not duplicated: The prompt is not active." in response.content.decode()
    assert Webchat.objects.count() == 1
