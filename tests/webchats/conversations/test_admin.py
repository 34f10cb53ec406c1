"""Contacts in the admin site, and deletion of the pipelines and stages that they are in."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from organizations.models import Pipeline, Stage, User
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations.admin import contact_filters
from webchats.conversations.models import Contact
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(webchat: Webchat) -> Contact:
    """A contact in a stage."""
    stage = factories.StageFactory.create(
        pipeline__organization=webchat.organization, name="New", pipeline__name="Sales"
    )
    return factories.ContactFactory.create(
        webchat=webchat, name="Ada", stage=stage, pipeline=stage.pipeline, page_title="Tents"
    )


def read_text(response: Any) -> str:
    """Return the text of a page, without tags."""
    assert response.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def url(contact: Contact) -> str:
    return f"/admin/conversations/contact/{contact.pk}/change/"


def test_list_shows_and_finds_contacts(session_client: Client, contact: Contact) -> None:
    other = factories.ContactFactory.create(webchat=contact.webchat, name="Eve", phone="+49 30")
    path = "/admin/conversations/contact/"
    assert "Sales · New" in read_text(session_client.get(path))
    found = read_text(session_client.get(f"{path}?q=49"))
    assert "Eve" in found
    assert "Ada" not in found
    by_stage = read_text(session_client.get(f"{path}?stage__id__exact={contact.stage_id}"))
    assert "Ada" in by_stage
    assert other.phone not in by_stage


def test_sales_rep_moves_a_contact_and_cannot_change_the_visitors_values(
    rep: User, contact: Contact
) -> None:
    stage = factories.StageFactory.create(pipeline__organization=contact.organization)
    body = {"name": "Ada L", "stage": stage.pk, "page_title": "Mine", "status": "warm"}
    client = log_in(rep)
    assert client.post(url(contact), body).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.stage, contact.pipeline) == ("Ada L", stage, stage.pipeline)
    assert contact.page_title == "Tents"
    history = client.get(url(contact).replace("change", "history"))
    assert f"New → {stage}" in read_text(history) or f"New {stage}" in read_text(history)
    assert client.get("/admin/conversations/contact/add/").status_code == 403
    assert client.post(url(contact).replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_page_links_to_the_conversations_of_the_contact(
    session_client: Client, contact: Contact
) -> None:
    own = factories.ConversationFactory.create(
        webchat=contact.webchat, contact=contact, last_message_preview="<b>Hi"
    )
    other = factories.ConversationFactory.create(webchat=contact.webchat)
    page = session_client.get(url(contact)).content.decode()
    assert f'<a href="/admin/inbox/{own.pk}/">&lt;b&gt;Hi</a>' in page
    assert other.pk not in page


def test_saving_without_a_change_of_the_stage_keeps_the_pipeline(
    session_client: Client, contact: Contact
) -> None:
    Contact.objects.filter(pk=contact.pk).update(stage=None)
    assert session_client.post(url(contact), {"name": "Ada L"}).status_code == 302
    contact.refresh_from_db()
    assert (contact.name, contact.pipeline) == ("Ada L", Pipeline.objects.get())


def test_form_offers_the_current_stage_and_the_active_ones_of_its_pipeline(
    session_client: Client, contact: Contact
) -> None:
    assert contact.stage is not None
    Stage.objects.update(is_active=False)
    active = factories.StageFactory.create(pipeline=contact.stage.pipeline, name="Won")
    inactive = factories.StageFactory.create(pipeline=active.pipeline, is_active=False)
    other = factories.StageFactory.create(pipeline__organization=contact.organization)
    page = session_client.get(url(contact)).content.decode()
    assert f'<option value="{contact.stage.pk}" selected>New</option>' in page
    assert f'<option value="{active.pk}">Won</option>' in page
    assert inactive.pk not in page
    assert other.pk not in page


def test_another_pipeline_needs_one_of_its_stages(session_client: Client, contact: Contact) -> None:
    stage = factories.StageFactory.create(pipeline__organization=contact.organization)
    # Without scripts, the form still has the stage of the former pipeline.
    body = {"pipeline": stage.pipeline_id, "stage": contact.stage_id or ""}
    page = session_client.post(url(contact), body).content.decode()
    assert "The stage does not belong to the pipeline. Select one of its stages." in page
    assert f'<option value="{stage.pk}">' in page
    session_client.post(url(contact), {**body, "stage": ""})
    contact.refresh_from_db()
    assert (contact.pipeline, contact.stage) == (stage.pipeline, None)


def test_delete_pages_of_pipeline_and_stage_name_their_contacts(
    session_client: Client, contact: Contact
) -> None:
    pipeline = f"/admin/organizations/pipeline/{contact.pipeline_id}"
    page = read_text(session_client.get(f"{pipeline}/delete/"))
    assert "“Sales” is in use and cannot be deleted. It is used by: Contact: Ada" in page
    factories.ContactFactory.create(
        webchat=contact.webchat, stage=contact.stage, pipeline=contact.pipeline
    )
    stage = contact.stage
    assert stage is not None
    body = {
        "name": "Sales",
        "stages-TOTAL_FORMS": "1",
        "stages-INITIAL_FORMS": "1",
        "stages-0-id": stage.pk,
        "stages-0-pipeline": stage.pipeline_id,
        "stages-0-name": stage.name,
        "stages-0-slug": stage.slug,
        "stages-0-color": stage.color,
        "stages-0-DELETE": "on",
    }
    page = read_text(session_client.post(f"{pipeline}/change/", body))
    assert "“New” is in use by 2 contacts. Keep this stage." in page
    assert Stage.objects.get() == stage


LIST = "/admin/conversations/contact/"


def test_list_is_filtered_by_last_visit_and_by_conversations(
    session_client: Client, contact: Contact
) -> None:
    past = timezone.now() - timedelta(days=40)
    factories.ContactFactory.create(webchat=contact.webchat, name="Eve", last_seen_at=past)
    factories.ConversationFactory.create(webchat=contact.webchat, contact=contact)

    def found(query: str) -> set[str]:
        text = read_text(session_client.get(f"{LIST}?{query}"))
        return {name for name in ("Ada", "Eve") if f" {name} " in text}

    assert found("seen=1") == found("conversations=open") == {"Ada"}
    assert found("seen=earlier") == found("conversations=none") == {"Eve"}
    assert found("seen=x&conversations=x") == {"Ada", "Eve"}


def test_filters_offer_the_rows_of_the_organization_and_none_of_others(
    session_client: Client, contact: Contact
) -> None:
    factories.StageFactory.create(pipeline__name="Foreign", name="Foreign")
    factories.StageFactory.create(pipeline=contact.pipeline, name="Won", position=9_999)
    text = read_text(session_client.get(LIST))
    assert "Sales: New Sales: Won" in text
    assert "Foreign" not in text


def test_list_counts_a_limited_number_of_contacts(
    session_client: Client, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.ContactFactory.create(webchat=contact.webchat, name="Eve")
    assert "2 contacts" in read_text(session_client.get(LIST))
    assert "No contacts match" in read_text(session_client.get(f"{LIST}?q=nobody"))
    monkeypatch.setattr(contact_filters, "MAX_COUNTED", 1)
    text = read_text(session_client.get(LIST))
    assert "The first 1 contacts. Search or filter to find others." in text
    assert "2 contacts" not in text
