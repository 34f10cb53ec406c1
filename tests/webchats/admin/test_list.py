"""The list of webchats: search, filters, number of queries."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import LIST

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("harbour shop", {"Shop Harbour", "Shop"}),  # All words, in any order and field.
        ('"shop harbour"', {"Shop Harbour"}),
        ("'", {"O'Neill"}),
        ("meadow", set()),
    ],
)
def test_the_search_finds_rows_with_all_words_or_the_quoted_phrase(
    session_client: Client, admin: User, text: str, expected: set[str]
) -> None:
    factories.WebchatFactory.create(user=admin, name="Shop Harbour")
    factories.WebchatFactory.create(user=admin, name="Shop", description="at the harbour")
    factories.WebchatFactory.create(user=admin, name="O'Neill")
    response = session_client.get(LIST, {"q": text})
    assert {row.name for row in response.context["cl"].result_list} == expected


def test_filters_offer_only_the_prompts_of_the_organizations_webchats(
    session_client: Client, admin: User, other_admin: User
) -> None:
    used = factories.PromptFactory.create(organization=admin.organization, name="Used")
    for _ in range(2):
        factories.WebchatFactory.create(user=admin, prompt=used)
    other = factories.WebchatFactory.create(user=admin, name="Other one")
    factories.WebchatFactory.create(user=other_admin, prompt__name="Theirs")
    page = session_client.get(LIST, {"prompt__id__exact": used.pk}).content.decode()
    assert "Used" in page
    assert "Theirs" not in page
    assert other.name not in page


def test_the_filter_by_state_has_the_labels_of_the_list(
    session_client: Client, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, name="Active")
    factories.WebchatFactory.create(user=admin, name="Retired", is_enabled=False)
    enabled = session_client.get(LIST, {"is_enabled__exact": "1"}).content.decode()
    assert "Active" in enabled
    assert "Retired" not in enabled
    assert re.search(r">\s*Enabled\s*</a>", enabled)
    assert re.search(r">\s*Disabled\s*</a>", enabled)


def test_the_number_of_queries_of_the_list_is_constant(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def create(count: int) -> None:
        pipeline = factories.PipelineFactory.create(organization=admin.organization)
        for _ in range(count):
            factories.WebchatFactory.create(user=admin, pipeline=pipeline)

    create(2)
    session_client.get(LIST)
    # Session, user, organization, choices of two filters, two counts, rows.
    with django_assert_num_queries(8):
        session_client.get(LIST)
    create(10)
    with django_assert_num_queries(8):
        session_client.get(LIST)
