"""The overview, which is the first page of the admin site."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from organizations.models import User
from tests.support import factories

pytestmark = pytest.mark.django_db


def test_the_overview_lists_the_organizations_webchats_that_need_attention(
    session_client: Client, admin: User, other_admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    shared = {"user": admin, "timestamp_color": "#000000"}
    factories.WebchatFactory.create(**shared, name="Open to all")
    factories.WebchatFactory.create(
        **shared, prompt=prompt, is_autopilot=True, allowed_domains=["a.example"]
    )
    factories.WebchatFactory.create(user=other_admin, name="Theirs")
    page = session_client.get("/admin/").content.decode()
    assert "No allowed domains: every site may embed it." in page
    assert f"Autopilot uses “{prompt}”, which is inactive." in page
    assert "Theirs" not in page
    assert "<strong>2</strong> webchats" in page


def test_the_number_of_queries_of_the_overview_is_constant(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(6):
        session_client.get("/admin/")
    for _ in range(10):
        factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(6):
        session_client.get("/admin/")
