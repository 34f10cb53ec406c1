"""The page of a webchat's form: sections, error summary, read-only values, warnings."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.models import Pipeline, User
from organizations.templatetags.change_form import ErrorLink, error_links, sections
from tests.organizations.admin.test_pipelines import stage_data
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in
from tests.webchats.admin.pages import ADD, FormData, change_url
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

REQUIRED = "This field is required."


@pytest.fixture
def invalid(session_client: Client, form_data: FormData) -> Any:
    """The response to a form with errors in three sections."""
    return session_client.post(
        ADD, form_data(name="", allowed_domains="foo\nbar", offset_x="x", offset_y="999")
    )


def get_links(response: Any) -> list[ErrorLink]:
    context = response.context
    return error_links(context["adminform"], context["inline_admin_formsets"])


def test_sections_have_links_with_the_numbers_of_their_errors(invalid: Any) -> None:
    found = sections(invalid.context["adminform"])
    assert {section.name: section.errors for section in found} == {
        "Identity": 1,
        "Appearance": 0,
        "Texts": 0,
        "Availability": 2,
        "Replies": 0,
        "Contacts": 0,
        "Placement": 2,
    }
    page = invalid.content.decode()
    for section in found:
        assert f'<a href="#{section.id}">{section.name}' in page
        assert f'id="{section.id}"' in page
    assert '<span class="section-errors">2<span class="visually-hidden"> errors</span>' in page


def test_a_new_form_without_a_prompt_to_choose_links_to_a_new_prompt(
    session_client: Client, admin: User, rep: User
) -> None:
    link = '<a href="/admin/organizations/prompt/add/">Add a prompt</a> first.'
    factories.PromptFactory.create(organization=admin.organization, is_active=False)
    factories.PromptFactory.create()
    assert link in session_client.get(ADD).content.decode()
    representative = log_in(rep)
    assert representative.get(ADD).status_code == 403
    assert link not in representative.get("/admin/").content.decode()
    factories.PromptFactory.create(organization=admin.organization)
    assert link not in session_client.get(ADD).content.decode()


def test_error_summary_links_to_each_invalid_field(invalid: Any) -> None:
    links = [(link.id, link.label) for link in get_links(invalid)]
    assert links == [
        ("id_name", "Name"),
        ("id_allowed_domains", "Allowed domains"),
        ("id_offset_x", "Horizontal offset"),
        ("id_offset_y", "Vertical offset"),
    ]
    page = invalid.content.decode()
    assert '<h2 id="errors-heading">Please correct 5 errors</h2>' in page
    assert f'<a href="#id_name">Name</a>: {REQUIRED}' in page
    assert get_links(invalid)[1].message.endswith("(and 1 more)")


def test_error_of_a_field_is_below_it_and_describes_it(invalid: Any) -> None:
    page = invalid.content.decode()
    assert page.index('id="id_name"') < page.index('id="id_name_error"')
    assert 'aria-describedby="id_name_helptext id_name_error"' in page


def test_error_summary_names_the_row_of_an_inline(admin: User) -> None:
    body = stage_data({"name": "New"}, {"name": "", "slug": "won"}, {"name": "new"})
    response = log_in(admin).post(f"{list_url(Pipeline)}add/", body)
    duplicate = "Another stage of this pipeline has this name."
    assert get_links(response) == [
        ErrorLink("id_stages-1-name", "stage 2, Name", REQUIRED),
        ErrorLink("id_stages-2-name", "stage 3, Name", duplicate),
    ]


def test_short_form_has_no_links_to_sections(session_client: Client) -> None:
    page = session_client.get("/admin/organizations/prompt/add/").content.decode()
    assert 'class="form-bar"' not in page


# --- An empty list of domains ---


@pytest.mark.parametrize(("domains", "hidden"), [([], ""), (["a.example"], " hidden")])
def test_empty_list_of_domains_has_a_warning(
    session_client: Client, admin: User, domains: list[str], hidden: str
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, allowed_domains=domains)
    page = session_client.get(change_url(webchat)).content.decode()
    assert f'id="every-site" role="status"{hidden}>Every site can embed this webchat' in page


# --- Read-only pages ---


def view_as_sales_rep(webchat: Webchat) -> str:
    rep = factories.UserFactory.create(organization=webchat.organization, access_role="SALES_REP")
    return log_in(rep).get(change_url(webchat)).content.decode()


def test_read_only_page_shows_domains_and_colors_for_people(admin: User) -> None:
    webchat = factories.WebchatFactory.create(
        user=admin, allowed_domains=["a.example", "*.b.example"], primary_color="#0A7F3F"
    )
    page = view_as_sales_rep(webchat)
    assert '<ul class="plain-list"><li>a.example</li><li>*.b.example</li></ul>' in page
    assert 'fill="#0A7F3F"/></svg> <code>#0A7F3F</code>' in page
    assert "[&quot;a.example" not in page
    assert "icon-yes.svg" not in page


def test_read_only_page_names_an_empty_list_of_domains(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, allowed_domains=[])
    assert '<div class="readonly">Every site</div>' in view_as_sales_rep(webchat)


def test_choice_of_prompts_does_not_load_their_instructions(
    session_client: Client, admin: User
) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Own")
    with CaptureQueriesContext(connection) as queries:
        page = session_client.get(ADD).content.decode()
    assert "Own" in page
    assert not [query for query in queries if "instructions" in query["sql"]]
