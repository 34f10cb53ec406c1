"""The commands that export and erase a person."""

import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.support import factories
from webchats.conversations import services
from webchats.conversations.models import Contact, Erasure
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(webchat: Webchat) -> Contact:
    """The contact of a conversation with one message."""
    sent = services.send_visitor_message(
        webchat=webchat, visitor_id="a" * 32, text="Hello", client_key="1"
    )
    return sent.message.conversation.contact


def run(name: str, contact: Contact, **options: Any) -> str:
    output = StringIO()
    options = {"organization": contact.organization_id, **options}
    call_command(name, contact.pk, **options, stdout=output)
    return output.getvalue()


def test_export_writes_an_archive(contact: Contact, tmp_path: Path) -> None:
    file = tmp_path / "person.zip"
    assert run("export_person", contact, output=file) == f"wrote {file}\n"
    with zipfile.ZipFile(file) as archive:
        assert "contact.json" in archive.namelist()


def test_erasure_deletes_and_counts(contact: Contact) -> None:
    expected = f"erased {contact.pk}: 1 conversations, 2 messages\n"
    assert run("erase_person", contact) == expected
    assert not Contact.objects.exists()
    erasure = Erasure.objects.get()
    assert (erasure.state, erasure.requested_by) == ("done", None)


@pytest.mark.parametrize("command", ["export_person", "erase_person"])
def test_contact_of_another_organization_is_unknown(contact: Contact, command: str) -> None:
    other = factories.OrganizationFactory.create()
    with pytest.raises(CommandError, match="has no contact with the id"):
        run(command, contact, organization=other.pk)
    assert Contact.objects.exists()
