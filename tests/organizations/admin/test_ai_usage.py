"""The page with the usage of the AI."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from organizations.models import AiUsage, User
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db

URL = reverse("admin:organizations_prompt_usage")


def add_call(user: User, name: str, tokens: int, days_ago: int = 0) -> None:
    """Store a settled call of a new prompt."""
    prompt = factories.PromptFactory.create(organization=user.organization, name=name)
    now = timezone.now()
    row = AiUsage.objects.create(
        organization_id=str(user.organization_id),
        provider_name="Model",
        model="small",
        prompt=prompt,
        purpose="reply",
        estimate=1,
        input_tokens=tokens,
        output_tokens=1,
        expires_at=now,
        settled_at=now,
    )
    AiUsage.objects.filter(pk=row.pk).update(created_at=now - timedelta(days=days_ago))


def test_usage_is_shown_by_prompt_and_month(admin: User, other_admin: User) -> None:
    with time_machine.travel("2030-05-15T12:00:00Z", tick=False):
        add_call(admin, "<Sales>", 99)
        add_call(admin, "Support", 49, days_ago=31)
        add_call(admin, "Old", 49, days_ago=400)
        add_call(other_admin, "Theirs", 5)
        page = log_in(admin).get(URL).content.decode()
    assert "&lt;Sales&gt;" in page
    assert "May 2030" in page
    assert "April 2030" in page
    assert page.count('height="120"') == 1
    assert page.count('height="60"') == 1
    assert "style=" not in page
    assert "Theirs" not in page
    assert "Old" not in page


def test_superuser_chooses_the_organization(superuser: User, admin: User) -> None:
    add_call(admin, "Sales", 99)
    client = log_in(superuser)
    assert "Sales" not in client.get(URL).content.decode()
    page = client.get(URL, {"organization": admin.organization_id}).content.decode()
    assert "Sales" in page
    assert client.get(URL, {"organization": "0" * 24}).status_code == 404


def test_another_organization_cannot_be_chosen(admin: User, other_admin: User) -> None:
    add_call(other_admin, "Theirs", 99)
    page = log_in(admin).get(URL, {"organization": other_admin.organization_id}).content.decode()
    assert "Theirs" not in page
    assert "No calls in the last year." in page
    assert Client().get(URL).status_code == 302


def test_sales_rep_sees_no_usage(rep: User) -> None:
    client = log_in(rep)
    assert client.get(URL).status_code == 403
    prompt = factories.PromptFactory.create(organization=rep.organization)
    for page in (
        reverse("admin:organizations_prompt_changelist"),
        reverse("admin:organizations_prompt_change", args=[prompt.pk]),
    ):
        assert URL not in client.get(page).content.decode()
