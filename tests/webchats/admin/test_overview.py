"""The overview, which is the first page of the admin site."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from organizations.models import User
from organizations.overview import Checklist
from tests.support import factories
from tests.support.clients import log_in
from webchats import warnings
from webchats.demo import WEBCHAT_ID
from webchats.models import Webchat
from webchats.models.last_load import LastLoad

pytestmark = pytest.mark.django_db

DOMAINS = ["a.example"]
UNREADABLE = {"header_text_color": "#888888", "primary_color": "#777777"}


def get_text(page: str) -> str:
    """Return the text of a page, with single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


def open_overview(client: Client) -> str:
    """Return the text of the overview."""
    return get_text(client.get("/admin/").content.decode())


def get_checklist(client: Client) -> Checklist:
    """Return the checklist of the overview."""
    checklist = client.get("/admin/").context["checklist"]
    assert isinstance(checklist, Checklist)
    return checklist


def load(webchat: Webchat, host: str) -> None:
    """Record that a page of ``host`` loaded the widget."""
    LastLoad.objects.create(webchat=webchat, host=host, loaded_at=timezone.now())


def test_the_overview_lists_the_organizations_webchats_that_need_attention(
    session_client: Client, admin: User, other_admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    factories.WebchatFactory.create(user=admin, name="Open to all")
    factories.WebchatFactory.create(
        user=admin, name="Asleep", prompt=prompt, is_autopilot=True, allowed_domains=DOMAINS
    )
    factories.WebchatFactory.create(user=other_admin, name="Theirs")
    text = open_overview(session_client)
    assert "2 webchats 2 enabled 2 need attention" in text
    assert "Every site may embed it 1 webchat" in text
    assert "Autopilot with an inactive prompt 1 webchat" in text
    assert "Theirs" not in text
    assert "just now" in text
    assert "0 minutes" not in text


def test_disabled_webchat_without_domains_needs_no_attention(
    session_client: Client, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, is_enabled=False, allowed_domains=[])
    assert "0 need attention" in open_overview(session_client)


def test_equal_warnings_are_one_group_that_links_to_the_list_of_its_webchats(
    session_client: Client, admin: User
) -> None:
    for number in range(5):
        factories.WebchatFactory.create(user=admin, name=f"Gray {number}", **UNREADABLE)
    factories.WebchatFactory.create(user=admin, allowed_domains=DOMAINS, name="Readable")
    response = session_client.get("/admin/")
    page = response.content.decode()
    text = get_text(page)
    assert "Hard to read: header text on primary 5 webchats" in text
    assert text.count("and 2 more") == 2  # One more group: every site may embed them.
    url = re.search(r'href="([^"]*\?warning=header_text_color)"', page)
    assert url
    rows = session_client.get(url[1]).context["cl"].result_list
    assert {row.name for row in rows} == {f"Gray {number}" for number in range(5)}


def test_default_colors_are_not_warned_of(session_client: Client, admin: User) -> None:
    factories.KnowledgeEntryFactory.create(organization=admin.organization)
    for color in ("#fff", "#9999AA"):
        factories.WebchatFactory.create(
            user=admin, allowed_domains=DOMAINS, background_color=color, status_text_color="#000"
        )
    text = open_overview(session_client)
    assert "0 need attention" in text
    assert "No issues found." in text


def test_a_default_color_on_another_background_is_warned_of(
    session_client: Client, admin: User
) -> None:
    factories.WebchatFactory.create(user=admin, allowed_domains=DOMAINS, background_color="#9999AA")
    assert "Hard to read: status text on background 1 webchat" in open_overview(session_client)


def test_figures_are_exact(session_client: Client, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    webchats = factories.WebchatFactory.build_batch(
        1_001, user=admin, organization=admin.organization, created_by=admin, prompt=prompt
    )
    Webchat.objects.bulk_create(webchats)
    assert "1,001 webchats 1,001 enabled 1,001 need attention" in open_overview(session_client)


def test_a_figure_of_which_not_all_colors_were_checked_is_a_lower_bound(
    session_client: Client, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.KnowledgeEntryFactory.create(organization=admin.organization)
    monkeypatch.setattr(warnings, "MAX_COMBINATIONS", 1)
    for color in ("#888888", "#888888", "#999999"):
        colors = {**UNREADABLE, "header_text_color": color}
        factories.WebchatFactory.create(user=admin, allowed_domains=DOMAINS, **colors)
    text = open_overview(session_client)
    assert "3 webchats 3 enabled 2+ need attention" in text
    assert "Hard to read: header text on primary 2+ webchats" in text


def test_a_superuser_sees_the_organization_of_each_webchat(
    superuser: User, admin: User, other_admin: User
) -> None:
    for user in (admin, other_admin):
        factories.WebchatFactory.create(user=user, name="Shop")
    text = open_overview(log_in(superuser))
    for user in (admin, other_admin):
        assert text.count(f"Shop {user.organization}") == 2


# --- The checklist ---


def test_the_checklist_names_the_next_step_until_a_public_site_loads_the_widget(
    session_client: Client, admin: User
) -> None:
    def next_step() -> Any:
        return getattr(get_checklist(session_client).next_step, "title", None)

    assert next_step() == "Write a prompt"
    prompt = factories.PromptFactory.create(organization=admin.organization)
    assert next_step() == "Create a webchat"
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt)
    assert next_step() == "Paste the snippet into your website"
    load(webchat, "localhost")
    assert next_step() == "See the widget on your public website"
    LastLoad.objects.update(host="shop.example")
    assert next_step() == "Create a pipeline"  # Optional.
    assert get_checklist(session_client).is_complete
    assert "Get started" not in open_overview(session_client)


def test_a_step_links_to_the_page_on_which_it_is_done(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    page = session_client.get("/admin/").content.decode()
    assert "Get started" in page
    assert 'href="/admin/organizations/pipeline/add/">Create a pipeline</a>' in page
    assert f'href="/admin/webchats/webchat/{webchat.pk}/change/#facts">Paste the snippet' in page


def test_last_step_links_to_the_webchat_that_was_last_loaded(
    session_client: Client, admin: User
) -> None:
    loaded, _ = (factories.WebchatFactory.create(user=admin) for _ in range(2))
    load(loaded, "localhost")
    page = session_client.get("/admin/").content.decode()
    assert f'href="/admin/webchats/webchat/{loaded.pk}/change/#facts">See the widget' in page


def test_the_checklist_is_complete_for_a_role_that_cannot_create_rows(rep: User) -> None:
    text = open_overview(log_in(rep))
    assert "Get started" not in text
    assert "No webchats yet." in text


def test_the_checklist_of_a_superuser_starts_with_an_organization(superuser: User) -> None:
    client = log_in(superuser)
    step = get_checklist(client).next_step
    assert step is not None
    assert step.title == "Create an organization"
    factories.OrganizationFactory.create()
    step = get_checklist(client).next_step
    assert step is not None
    assert step.title == "Create its first administrator"


def test_the_number_of_queries_of_the_overview_is_constant(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        factories.WebchatFactory.create(user=admin)
    session_client.get("/admin/")
    # Session, user, organization; colors, automatic answers, figures, one warning, recently
    # changed; the AI's panel; seven steps; waiting conversations.
    with django_assert_num_queries(37):
        session_client.get("/admin/")
    for _ in range(10):
        factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(37):
        session_client.get("/admin/")


@pytest.mark.parametrize("is_demo", [True, False])
def test_sample_site_is_linked_where_it_is_served(
    session_client: Client, admin: User, settings: Settings, is_demo: bool
) -> None:
    settings.DEBUG = is_demo
    webchat = factories.WebchatFactory.create(user=admin, pk=WEBCHAT_ID)
    pages = (reverse("admin:index"), reverse("admin:webchats_webchat_change", args=[webchat.pk]))
    link = f'href="{reverse("sample-site")}"'
    assert [link in session_client.get(page).content.decode() for page in pages] == [is_demo] * 2
