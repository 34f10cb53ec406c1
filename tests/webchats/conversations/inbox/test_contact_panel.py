"""The contact beside the thread: its form in the inbox."""

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import Pipeline, User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.conversations.inbox.conftest import Act
from webchats.conversations.models import Contact, Conversation

pytestmark = pytest.mark.django_db


@pytest.fixture
def pipeline(conversation: Conversation) -> Pipeline:
    """A pipeline of the conversation's organization, with stages."""
    pipeline: Pipeline = factories.PipelineFactory.create(organization=conversation.organization)
    return pipeline


def values_for(contact: Contact, **values: str) -> dict[str, str]:
    stored = {"name": contact.name, "email": contact.email, "phone": contact.phone, "stage": ""}
    named = {f"contact-{name}": value for name, value in (stored | values).items()}
    return {**named, "contact-version": contact.row_version}


def test_contact_is_edited_and_moved_beside_the_thread(
    act: Act, rep_client: Client, conversation: Conversation, pipeline: Pipeline
) -> None:
    page = reverse("inbox:conversation", args=[conversation.pk], query={"edit": "contact"})
    stage = factories.StageFactory.create(pipeline=pipeline)
    panel = rep_client.get(page).content.decode()
    assert f'<option value="{pipeline.pk}">' in panel
    # Those of a pipeline are loaded when it is selected.
    assert stage.pk not in panel
    moved = values_for(conversation.contact, name="Ada L", pipeline=pipeline.pk, stage=stage.pk)
    response = act("edit-contact", moved)
    assert response.status_code == 302
    contact = Contact.objects.get()
    assert (contact.name, contact.stage, contact.pipeline) == ("Ada L", stage, pipeline)
    assert contact.history.count() == 2


def test_invalid_contact_is_shown_with_the_typed_values(
    act: Act, conversation: Conversation
) -> None:
    values = values_for(conversation.contact, email="no <address>", phone="123")
    whole = act("edit-contact", values)
    part = act("edit-contact", values, headers={"HX-Request": "true"})
    for response in (whole, part):
        assert response.status_code == 422
        page = response.content.decode()
        assert 'value="no &lt;address&gt;"' in page
        assert 'value="123"' in page
        assert 'role="alert"' in page
    assert part.headers["HX-Retarget"] == f"#edit-contact-{conversation.pk}"
    assert Contact.objects.get().phone == ""


def test_change_of_a_colleague_is_not_overwritten_unseen(
    act: Act, conversation: Conversation
) -> None:
    values = values_for(conversation.contact, name="Mine")
    theirs = Contact.objects.get()
    theirs.name = "Theirs"
    theirs.save()
    response = act("edit-contact", values)
    assert response.status_code == 422
    assert "save again" in response.content.decode()
    assert Contact.objects.get().name == "Theirs"


@pytest.mark.parametrize("stage_of", ["other organization", "nothing"])
def test_contact_cannot_be_moved_to_a_foreign_stage(
    act: Act, conversation: Conversation, stage_of: str
) -> None:
    foreign = factories.StageFactory.create()
    stage = foreign.pk if stage_of == "other organization" else "0" * 24
    response = act("edit-contact", values_for(conversation.contact, stage=stage))
    assert response.status_code == 422
    assert Contact.objects.get().stage != foreign


def test_contact_of_another_organization_does_not_exist(
    other_admin: User, conversation: Conversation
) -> None:
    url = reverse("inbox:edit-contact", args=[conversation.pk])
    response = log_in(other_admin).post(url, values_for(conversation.contact, name="Mine"))
    assert response.status_code == 404
    assert Contact.objects.get().name != "Mine"


def test_other_forms_keep_the_contact_open(rep_client: Client, conversation: Conversation) -> None:
    query = {"state": "open", "panel": "contact", "edit": "contact"}
    url = reverse("inbox:read", args=[conversation.pk], query=query)
    response = rep_client.post(url, {"sequence": 1}, headers={"HX-Request": "true"})
    page = response.content.decode()
    assert "has-contact" in page
    assert 'name="contact-name"' in page
