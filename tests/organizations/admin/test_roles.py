"""Permissions of the roles on the admin site."""

import pytest
from django.urls import reverse

from organizations.admin.site import site
from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, Prompt, User
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations.models import Erasure

pytestmark = pytest.mark.django_db


def test_sales_rep_can_view_what_the_role_allows_and_add_nothing(rep: User) -> None:
    client = log_in(rep)
    for model in site._registry:
        may_view = role_allows(rep.role, Operation.VIEW, model)
        assert may_view or model is Erasure
        assert client.get(list_url(model)).status_code == (200 if may_view else 403)
        assert client.get(f"{list_url(model)}add/").status_code == 403
        assert client.post(f"{list_url(model)}add/", {"name": "x"}).status_code == 403


def test_sales_rep_cannot_change_delete_or_run_actions(rep: User) -> None:
    client = log_in(rep)
    prompt = factories.PromptFactory.create(organization=rep.organization, name="Before")
    webchat = factories.WebchatFactory.create(user=rep, prompt=prompt)
    for row in (prompt, webchat):
        url = f"{list_url(type(row))}{row.pk}/"
        assert client.get(f"{url}change/").status_code == 200
        assert client.post(f"{url}change/", {"name": "After"}).status_code == 403
        assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403
    client.post(list_url(type(webchat)), {"action": "disable", "_selected_action": [webchat.pk]})
    webchat.refresh_from_db()
    assert webchat.name != "After"
    assert webchat.is_enabled
    preview = reverse("admin:webchats_webchat_preview_change", args=[webchat.pk])
    assert client.post(preview, {}).status_code == 403


def test_superuser_must_choose_the_organization_of_a_new_row(
    superuser: User, organization: Organization
) -> None:
    client = log_in(superuser)
    body = {"name": "P", "instructions": "I", "temperature": "1", "max_tokens": "10"}
    response = client.post(reverse("admin:organizations_prompt_add"), body)
    assert "organization" in response.context["adminform"].errors
    client.post(
        reverse("admin:organizations_prompt_add"), {**body, "organization": organization.pk}
    )
    assert Prompt.objects.get(name="P").organization_id == organization.pk


def test_admin_can_change_but_not_add_or_delete_an_organization(admin: User) -> None:
    client = log_in(admin)
    url = f"{list_url(Organization)}{admin.organization_id}/"
    values = {"name": "Renamed", "assistant_name": "Ava", "time_zone": "UTC"}
    client.post(f"{url}change/", values)
    assert Organization.objects.get(pk=admin.organization_id).public_title == "Ava"
    assert client.post(f"{list_url(Organization)}add/", {"name": "x"}).status_code == 403
    assert client.post(f"{url}delete/", {"post": "yes"}).status_code == 403


def test_prompt_of_a_webchat_cannot_be_deleted(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, name="Sales chat")
    url = f"{list_url(type(webchat.prompt))}{webchat.prompt.pk}/delete/"
    response = log_in(admin).post(url, {"post": "yes"})
    assert "Sales chat" in response.content.decode()
    assert type(webchat.prompt).objects.filter(pk=webchat.prompt.pk).exists()


def test_delete_page_of_a_prompt_names_ten_of_its_webchats(admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    factories.WebchatFactory.create_batch(12, user=admin, prompt=prompt)
    url = f"{list_url(Prompt)}{prompt.pk}/delete/"
    page = log_in(admin).get(url).content.decode()
    assert page.count("<li>Webchat: ") == 10
    assert "<li>and 2 more</li>" in page
