"""The list of webchats: search, filters, number of queries."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from organizations.models import User
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import LIST
from webchats.models import Webchat
from webchats.models.last_load import LastLoad

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


def get_names(client: Client, **query: str) -> set[str]:
    """Return the names of the webchats in the list."""
    return {row.name for row in client.get(LIST, query).context["cl"].result_list}


def create_loaded(user: User, name: str, days: int) -> Webchat:
    """Create a webchat whose widget was last loaded ``days`` ago."""
    webchat = factories.WebchatFactory.create(user=user, name=name)
    loaded_at = timezone.now() - timedelta(days=days)
    LastLoad.objects.create(webchat=webchat, host="shop.example", loaded_at=loaded_at)
    return webchat


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("recently", {"Shop"}), ("earlier", {"Campaign"}), ("never", {"Draft"})],
)
def test_webchats_are_filtered_by_their_last_load(
    session_client: Client, admin: User, choice: str, expected: set[str]
) -> None:
    create_loaded(admin, "Shop", days=1)
    create_loaded(admin, "Campaign", days=40)
    factories.WebchatFactory.create(user=admin, name="Draft")
    assert get_names(session_client, loaded=choice) == expected


def test_the_list_shows_and_sorts_by_the_last_load(session_client: Client, admin: User) -> None:
    loaded_at = datetime(2026, 3, 5, 9, 7, tzinfo=UTC)
    webchat = create_loaded(admin, "Shop", days=0)
    LastLoad.objects.update(loaded_at=loaded_at)
    create_loaded(admin, "Campaign", days=0)
    factories.WebchatFactory.create(user=admin, name="Draft")
    response = session_client.get(LIST, {"o": "7"})
    rows = [row.name for row in response.context["cl"].result_list]
    assert rows.index(webchat.name) < rows.index("Campaign")
    page = response.content.decode()
    assert "5 Mar 2026, 09:07</time>" in page
    assert '<td class="field-loaded">Never</td>' in page


@pytest.mark.parametrize(
    ("warning", "expected"),
    [
        ("any", {"Open", "Asleep", "Gray", "Survey", "No drafts"}),
        ("no_answers", {"No drafts"}),
        ("every_site", {"Open"}),
        ("inactive_prompt", {"Asleep"}),
        ("header_text_color", {"Gray"}),
        ("csat_text_color", {"Survey"}),
        ("unknown", set()),
    ],
)
def test_webchats_are_filtered_by_their_warnings(
    session_client: Client, admin: User, warning: str, expected: set[str]
) -> None:
    factories.KnowledgeEntryFactory.create(organization=admin.organization)
    inactive = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    limited = {"user": admin, "allowed_domains": ["a.example"]}
    factories.WebchatFactory.create(user=admin, name="Open")
    factories.WebchatFactory.create(**limited, name="Asleep", prompt=inactive, is_autopilot=True)
    factories.WebchatFactory.create(
        **limited, name="Gray", header_text_color="#888", primary_color="#777777"
    )
    pale = {**limited, "csat_text_color": "#CCCCCC"}
    factories.WebchatFactory.create(**pale, name="Survey")
    factories.WebchatFactory.create(**pale, name="No survey", is_survey_enabled=False)
    factories.WebchatFactory.create(**limited, name="No drafts", prompt=inactive)
    factories.WebchatFactory.create(
        **limited, name="Disabled", prompt=inactive, is_enabled=False, is_autopilot=False
    )
    assert get_names(session_client, warning=warning) == expected


def test_the_headings_of_filters_are_nouns(session_client: Client, admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    for number in range(4):
        prompt = factories.PromptFactory.create(organization=admin.organization)
        factories.WebchatFactory.create(
            user=admin, prompt=prompt, pipeline=pipeline if number % 2 else None
        )
    page = session_client.get(LIST).content.decode()
    headings = re.findall(r"<summary>(.*?)</summary>", page)
    titles = ["State", "Autopilot", "Prompt", "Pipeline", "Last loaded", "Needs attention"]
    assert headings == titles
    assert ">No pipeline</a>" in page


def test_numbers_have_separators(session_client: Client, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    webchats = factories.WebchatFactory.build_batch(
        1_001, user=admin, organization=admin.organization, created_by=admin, prompt=prompt
    )
    Webchat.objects.bulk_create(webchats)
    assert "1,001 webchats" in session_client.get(LIST).content.decode()


# --- Empty lists ---


def test_an_empty_list_explains_its_rows_and_links_to_the_form(
    session_client: Client, rep: User
) -> None:
    page = session_client.get(LIST).content.decode()
    assert "No webchats yet." in page
    assert "A webchat is a chat widget for your website" in page
    assert '<a class="button default" href="/admin/webchats/webchat/add/">Add webchat</a>' in page
    assert '<a class="button" href="/admin/webchats/webchat/import/">Import a file</a>' in page
    assert "/add/" not in log_in(rep).get(LIST).content.decode()


def test_a_search_without_a_match_offers_the_whole_list(
    session_client: Client, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin)
    page = session_client.get(LIST, {"q": "absent"}).content.decode()
    assert "No webchats match." in page
    assert '<a class="button" href="?">Show all webchats</a>' in page


def test_the_number_of_queries_of_the_list_is_constant(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def create(count: int) -> None:
        pipeline = factories.PipelineFactory.create(organization=admin.organization)
        for _ in range(count):
            factories.WebchatFactory.create(user=admin, pipeline=pipeline)

    create(2)
    session_client.get(LIST)
    # Session, user, organization, choices of two filters, two counts, rows with their last load,
    # waiting conversations.
    with django_assert_num_queries(9):
        session_client.get(LIST)
    create(10)
    with django_assert_num_queries(9):
        session_client.get(LIST)


@pytest.mark.parametrize("path", [LIST, "/admin/conversations/contact/"])
def test_search_for_many_short_words_has_one_subquery_of_the_newest_rows(
    session_client: Client, path: str
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert session_client.get(path, {"q": "a b c d"}).status_code == 200
    assert max(query["sql"].count("LIMIT 2000") for query in queries) == 1


def test_search_considers_the_first_ten_words(session_client: Client, admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="a b c d e f g h i j")
    assert get_names(session_client, q="a b c d e f g h i j" + " z" * 20)
    assert not get_names(session_client, q="a b c d e f g h i z")


def test_search_considers_the_first_200_characters(session_client: Client, admin: User) -> None:
    factories.WebchatFactory.create(user=admin, name="shop")
    assert get_names(session_client, q="shop" + " " * 196 + "absent")
