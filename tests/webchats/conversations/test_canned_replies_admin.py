"""The admin pages of canned replies."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from organizations.models import User
from tests.support import factories
from webchats.conversations.models import CannedReply

pytestmark = pytest.mark.django_db

LIST = "/admin/conversations/cannedreply/"
ADD = f"{LIST}add/"
FORM = {"shortcut": "/Hours", "title": "Opening hours", "text": "From {visitor.name|10} to 19."}


def test_a_reply_is_created_and_its_shortcut_is_unique(session_client: Client, admin: User) -> None:
    assert session_client.post(ADD, FORM).status_code == 302
    reply = CannedReply.objects.get()
    assert (reply.organization_id, reply.shortcut) == (admin.organization_id, "hours")
    errors = session_client.post(ADD, FORM).context["adminform"].errors
    assert list(errors) == ["shortcut"]
    text = {"text": "{rep.nam} of {webchat.nam}, {vistor.name}"}
    errors = session_client.post(ADD, FORM | text).context["adminform"].errors
    unknown = "Unknown variables {rep.nam}, {webchat.nam}, {vistor.name}. Use one of:"
    assert errors["text"][0].startswith(unknown)
    page = session_client.get(LIST, {"q": "opening"}).content.decode()
    assert "/hours" in page
    assert "From {visitor.name|10} to 19." in page


def test_a_sales_rep_reads_replies_and_cannot_import(client: Client, admin: User) -> None:
    reply = factories.CannedReplyFactory.create(organization=admin.organization)
    rep = factories.UserFactory.create(organization=admin.organization, access_role="SALES_REP")
    client.force_login(rep)
    assert client.get(f"{LIST}{reply.pk}/change/").status_code == 200
    assert client.post(ADD, FORM).status_code == 403
    assert client.get(f"{LIST}import/").status_code == 403


@pytest.mark.parametrize("format_name", ["csv", "json"])
def test_the_sample_and_the_export_can_be_imported(
    session_client: Client, admin: User, format_name: str
) -> None:
    reply = factories.CannedReplyFactory.create(organization=admin.organization)
    action = {"action": f"export_{format_name}", "_selected_action": [reply.pk]}

    def check(response: Any) -> Any:
        """Return the context of the page with the report."""
        content = b"".join(response.streaming_content)
        file = SimpleUploadedFile(f"in.{format_name}", content)
        return session_client.post(f"{LIST}import/", {"file": file, "update": "on"}).context

    assert check(session_client.post(LIST, action))["report"].unchanged == 1
    context = check(session_client.get(f"{LIST}import/sample.{format_name}"))
    assert context["report"].created == 1
    session_client.post(f"{LIST}import/confirm/", {"pending": context["pending"].pk})
    assert CannedReply.objects.filter(shortcut="hours").exists()
