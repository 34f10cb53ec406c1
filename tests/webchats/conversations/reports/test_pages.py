"""The report in the admin site: links, tenancy and roles, periods, empty states."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.models import Organization, User
from tests.support import factories
from tests.support.clients import log_in
from tests.support.report_data import create_conversations
from webchats.conversations.models import Conversation
from webchats.conversations.reports.definitions import DEFINITIONS
from webchats.conversations.reports.pages.form import find_dates
from webchats.conversations.reports.retained import retain
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

PAGE = "/admin/reports/"
BEHIND = "/admin/reports/conversations/"
START = datetime(2030, 5, 6, tzinfo=UTC)
WEEK = "from=2030-05-06&to=2030-05-12"


@pytest.fixture
def conversations(admin: User, rep: User) -> list[Conversation]:
    """Twenty conversations of a week from Monday on, in two webchats."""
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Sales")
    webchats = factories.WebchatFactory.create_batch(2, user=admin, prompt=prompt)
    return create_conversations(webchats, [admin, rep], prompt, first=START, days=7, count=20)


def get(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200, url
    return response.content.decode()


def download(client: Client, url: str) -> tuple[str, bytes]:
    """Return the name of the file and its content."""
    response: Any = client.get(url)
    assert response.status_code == 200, url
    # Read to its end, so that the organization can export again.
    return response["Content-Disposition"].split('"')[1], response.getvalue()


def find_links(html: str) -> dict[str, str]:
    """Return the visible and hidden text of the links to lists of conversations, by URL."""
    pattern = rf'<a href="({re.escape(BEHIND)}[^"]*)"[^>]*>(.*?)</a>'
    found = re.findall(pattern, html, re.DOTALL)
    return {unescape(url): unescape(re.sub(r"<[^>]+>", "", text)) for url, text in found}


def count_listed(html: str) -> int:
    match = re.search(r"<strong>([\d,]+) conversations?</strong>", html)
    assert match is not None
    return int(match[1].replace(",", ""))


def test_number_of_every_link_is_the_number_of_conversations_behind_it(
    session_client: Client, conversations: list[Conversation]
) -> None:
    retain(Conversation.objects.filter(pk__in=[row.pk for row in conversations[:3]]))
    Conversation.objects.filter(pk__in=[row.pk for row in conversations[:3]]).delete()
    html = get(session_client, f"{PAGE}?{WEEK}")
    checked = 0
    for url, text in find_links(html).items():
        listed = get(session_client, url)
        number = re.search(r"\d+", text.partition(": ")[2] if text.startswith(":") else text)
        if "key=drafts_" in url or text.startswith("Show all"):
            assert count_listed(listed) > 0
            continue
        assert number is not None, text
        assert count_listed(listed) == int(number[0]), (url, text)
        checked += 1
    assert checked > 40


def test_report_is_of_the_users_organization_only(
    conversations: list[Conversation], other_admin: User, admin: User
) -> None:
    client = log_in(other_admin)
    # A member chooses no organization.
    for more in ("", f"&organization={admin.organization_id}"):
        assert "No conversations yet" in get(client, f"{PAGE}?{WEEK}{more}")
        assert not count_listed(get(client, f"{BEHIND}?{WEEK}&key=conversations{more}"))


@pytest.mark.parametrize("path", [PAGE, BEHIND])
def test_sales_rep_reads_no_report(path: str, rep: User, session_client: Client) -> None:
    client = log_in(rep)
    assert client.get(path).status_code == 403
    assert f'href="{PAGE}"' not in get(client, "/admin/")
    assert f'href="{PAGE}"' in get(session_client, "/admin/")


def test_department_head_reads_reports(admin: User, conversations: list[Conversation]) -> None:
    User.objects.filter(pk=admin.pk).update(access_role="DEPARTMENT_HEAD")
    assert "Conversations by day" in get(log_in(admin), f"{PAGE}?{WEEK}")


def test_superuser_chooses_an_organization(
    superuser: User, admin: User, conversations: list[Conversation]
) -> None:
    client = log_in(superuser)
    assert f'<option value="{admin.organization_id}"' in get(client, PAGE)
    html = get(client, f"{PAGE}?{WEEK}&organization={admin.organization_id}")
    assert "Conversations by day" in html
    for url in list(find_links(html))[:3]:
        assert count_listed(get(client, url)) > 0
    for path in (f"{PAGE}?organization={'0' * 24}", BEHIND):
        assert client.get(path).status_code == 404


def test_filter_of_another_organizations_row_is_the_same_error_as_an_unknown_one(
    session_client: Client, other_admin: User
) -> None:
    theirs = {
        "webchat": factories.WebchatFactory.create(user=other_admin).pk,
        "rep": other_admin.pk,
        "prompt": factories.PromptFactory.create(organization=other_admin.organization).pk,
    }
    for name, pk in theirs.items():
        pages = [get(session_client, f"{PAGE}?{name}={key}") for key in (pk, "0" * 24)]
        assert all(page.count("It does not exist, or no longer.") == 1 for page in pages)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("from=2030-02-30&to=2030-03-01", "Enter a date such as 2026-11-30."),
        ("from=01/02/2030&to=2030-03-01", "Enter a date such as 2026-11-30."),
        ("from=2030-03-01", "This field is required."),
        ("from=2030-03-02&to=2030-03-01", "The period ends before it begins."),
        ("from=2020-01-01&to=2030-01-01", "A period has at most 366 days."),
        ("from=0001-01-01&to=0001-01-02", "Enter dates of this century."),
        ("from=9999-12-30&to=9999-12-31", "Enter dates of this century."),
        ("version=two", "It does not exist, or no longer."),
        (f"version={10**30}", "It does not exist, or no longer."),
    ],
)
def test_invalid_period_or_filter_is_an_error_beside_its_field(
    session_client: Client, query: str, error: str
) -> None:
    html = get(session_client, f"{PAGE}?{query}")
    assert error in html
    assert "The report cannot be shown" in html
    assert "Back to the report" in get(session_client, f"{BEHIND}?{query}&key=conversations")


def test_versions_of_the_selected_prompt_can_be_chosen(session_client: Client, admin: User) -> None:
    prompts = [
        factories.PromptFactory.create(organization=admin.organization, version=version)
        for version in (2, 5)
    ]
    offered = [
        re.findall(r'value="(\d+)"', _version_field(get(session_client, f"{PAGE}?prompt={key}")))
        for key in (prompts[0].pk, prompts[1].pk, "")
    ]
    assert offered == [["2", "1"], ["5", "4", "3", "2", "1"], ["5", "4", "3", "2", "1"]]
    assert "Choose a prompt, too." in get(session_client, f"{PAGE}?version=5")


def _version_field(html: str) -> str:
    return html.partition('<select name="version"')[2].partition("</select>")[0]


def test_unknown_preset_gives_the_report_of_the_last_30_days(admin: User) -> None:
    with time_machine.travel(START, tick=False):
        html = get(log_in(admin), f"{PAGE}?period=last_century")
    assert "7 April – 6 May 2030" in html


@pytest.mark.parametrize(
    "key",
    [
        "",
        "users",
        "day=tomorrow",
        "hour=8-1",
        "hour=1",
        "rating=6",
        "rating=x",
        "prompt=1",
    ],
)
def test_unknown_number_is_not_found(session_client: Client, key: str) -> None:
    response = session_client.get(BEHIND, {"from": "2030-05-06", "to": "2030-05-12", "key": key})
    assert response.status_code == 404


def test_names_of_another_organizations_rows_are_in_no_heading(
    session_client: Client, other_admin: User
) -> None:
    webchat = factories.WebchatFactory.create(user=other_admin, name="Theirs")
    for key in (f"webchat={webchat.pk}", f"rep={other_admin.pk}"):
        html = get(session_client, f"{BEHIND}?{WEEK}&key={key}")
        assert "Theirs" not in html
        assert other_admin.email not in html
        assert count_listed(html) == 0


def test_days_are_those_of_the_organizations_time_zone(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    # The night in which clocks change in Berlin: the day has 23 hours.
    Organization.objects.filter(pk=admin.organization_id).update(time_zone="Europe/Berlin")
    for moment in ("2030-03-30T22:59", "2030-03-30T23:00", "2030-03-31T21:59", "2030-03-31T22:00"):
        start = datetime.fromisoformat(f"{moment}+00:00")
        factories.ConversationFactory.create(webchat=webchat, first_message_at=start)
    html = get(session_client, f"{PAGE}?from=2030-03-30&to=2030-04-01")
    texts = [text for url, text in find_links(html).items() if "key=day" in url]
    assert [text[0] for text in texts] == ["1", "2", "1"]
    url = next(url for url in find_links(html) if "day%3D2030-03-31" in url)
    listed = get(session_client, url)
    assert "31 Mar 2030, 00:00" in listed
    assert "31 Mar 2030, 23:59" in listed


def test_list_is_paged_and_counts_deleted_conversations(
    session_client: Client, admin: User, webchat: Webchat
) -> None:
    for minutes in range(53):
        start = START + timedelta(minutes=minutes)
        factories.ConversationFactory.create(webchat=webchat, first_message_at=start)
    oldest = Conversation.objects.filter(first_message_at__lt=START + timedelta(minutes=2))
    retain(oldest)
    oldest.delete()
    url = f"{BEHIND}?{WEEK}&key=conversations"
    html = get(session_client, url)
    assert count_listed(html) == 53
    assert "2 of them have been deleted after your organization" in html
    assert html.count("/admin/inbox/") >= 50
    next_page = re.search(r'rel="next" href="([^"]+)"', html)
    assert next_page is not None
    second = get(session_client, BEHIND + unescape(next_page[1]))
    assert "6 May 2030, 00:02" in second
    assert "6 May 2030, 00:03" not in second
    assert 'rel="next"' not in second
    for cursor in ("x", "2030-01-01~x", "9999-12-31T23:59:59-14:00~x"):
        assert get(session_client, f"{url}&cursor={cursor}").count('scope="row"') == 50


def test_filters_are_kept_by_links_and_presets(
    session_client: Client, conversations: list[Conversation]
) -> None:
    webchat = conversations[0].webchat
    assert webchat is not None
    html = get(session_client, f"{PAGE}?{WEEK}&webchat={webchat.pk}")
    count = Conversation.objects.filter(webchat=webchat).count()
    assert f'<p class="headline-value">{count}</p>' in html
    assert all(f"webchat={webchat.pk}" in url for url in find_links(html))
    assert f'href="?period=last_7&amp;webchat={webchat.pk}"' in html


def test_a_preset_holds_until_a_date_is_changed(admin: User) -> None:
    with time_machine.travel(START, tick=False):
        client = log_in(admin)
        dates = "from=2030-04-30&to=2030-05-06"
        html = get(client, f"{PAGE}?period=last_7&{dates}")
        assert '<input type="hidden" name="period" value="last_7">' in html
        html = get(client, f"{PAGE}?period=last_7&from=2030-04-01&to=2030-05-06")
    assert 'name="period"' not in html
    assert "1 April – 6 May 2030" in html


@pytest.mark.parametrize(
    ("preset", "dates"),
    [
        ("last_7", (date(2030, 2, 23), date(2030, 3, 1))),
        ("this_month", (date(2030, 3, 1), date(2030, 3, 1))),
        ("last_month", (date(2030, 2, 1), date(2030, 2, 28))),
    ],
)
def test_dates_of_presets(preset: str, dates: tuple[date, date]) -> None:
    assert find_dates(preset, date(2030, 3, 1)) == dates


def test_overview_has_the_figures_of_today_with_links(
    session_client: Client, admin: User, rep: User
) -> None:
    Organization.objects.filter(pk=admin.organization_id).update(time_zone="Asia/Tokyo")
    prompt = factories.PromptFactory.create(organization=admin.organization)
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt)
    # The day in Tokyo begins at 15:00 in UTC.
    begin = START + timedelta(hours=15)
    create_conversations([webchat], [admin], prompt, first=begin, days=1, count=9)
    yesterday = begin - timedelta(seconds=1)
    factories.ConversationFactory.create(webchat=webchat, first_message_at=yesterday)
    with time_machine.travel(begin + timedelta(hours=23), tick=False):
        html = get(log_in(admin), "/admin/")
        figures = re.findall(r'<li><a href="([^"]+)"><strong>([^<]+)</strong> ([^<]+)</a>', html)
        assert [label for _, _, label in figures][:3] == [
            "waiting now",
            "conversations today",
            "median first reply",
        ]
        assert figures[1][1] == "9"
        client = log_in(admin)
        listed = {label: count_listed(get(client, unescape(url))) for url, _, label in figures[1:5]}
        assert listed["conversations today"] == 9
        assert listed["with automatic answers"] == int(figures[4][1])
        assert f"of {next(number for label, number in listed.items() if 'rated' in label)}" in html
        assert "conversations today" not in get(log_in(rep), "/admin/")


def test_number_of_queries_does_not_depend_on_the_conversations(
    session_client: Client, admin: User, rep: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    webchats = factories.WebchatFactory.create_batch(2, user=admin, prompt=prompt)
    numbers = []
    for count in (5, 40):
        create_conversations(
            webchats, [admin, rep], prompt, first=START, days=7, count=count, seed=count
        )
        with CaptureQueriesContext(connection) as queries:
            get(session_client, f"{PAGE}?{WEEK}")
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] < 60


def test_documentation_has_the_definitions_of_the_page() -> None:
    text = " ".join((Path(settings.BASE_DIR) / "docs" / "reports.md").read_text().split())
    for definition in DEFINITIONS.values():
        assert definition in text


@pytest.mark.parametrize("name", ["csv", "xlsx"])
def test_buttons_download_the_figures_and_the_conversations(
    session_client: Client, conversations: list[Conversation], name: str
) -> None:
    html = get(session_client, f"{PAGE}?{WEEK}")
    listed = get(session_client, f"{BEHIND}?{WEEK}&key=with_ai")
    count = count_listed(listed)
    hrefs = [
        unescape(href)
        for page in (html, listed)
        for href in re.findall(rf'href="([^"]+/export/[^"]+format={name})"', page)
    ]
    files = [download(session_client, href) for href in hrefs]
    names = ["report", "conversations", "conversations"]
    period = "2030-05-06-to-2030-05-12"
    assert [file_name for file_name, _ in files] == [f"{each}-{period}.{name}" for each in names]
    if name == "csv":
        figures, everything, behind = (content for _, content in files)
        assert b"summary,conversations,,20,0" in figures
        assert [content.count(b"\n") - 1 for content in (everything, behind)] == [20, count]


def test_file_of_an_invalid_report_is_not_found(session_client: Client, admin: User) -> None:
    for path in (f"{PAGE}export/", f"{BEHIND}export/"):
        for query in ("", "format=csv&from=2030-05-06", "format=exe", "format=csv&webchat=1"):
            assert session_client.get(f"{path}?{query}").status_code == 404
    assert session_client.get(f"{BEHIND}export/?format=csv&key=users").status_code == 404
    User.objects.filter(pk=admin.pk).update(access_role="SALES_REP")
    for path in (f"{PAGE}export/", f"{BEHIND}export/"):
        assert session_client.get(f"{path}?format=csv").status_code == 403


def test_file_has_no_conversation_of_another_organization(
    conversations: list[Conversation], other_admin: User
) -> None:
    client = log_in(other_admin)
    url = f"{BEHIND}export/?{WEEK}&format=csv&key=conversations"
    assert download(client, url)[1].count(b"\n") == 1


def test_workbook_that_is_too_large_leads_back_to_the_report(
    session_client: Client, conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webchats.imports.exporter.MAX_WORKBOOK_BYTES", 100)
    url = f"{PAGE}conversations/export/?{WEEK}&format=xlsx"
    response = session_client.get(url, follow=True)
    assert response.redirect_chain == [(f"{PAGE}?{WEEK}", 302)]
    assert 'class="messagelist"' in response.content.decode()
    # The export has ended, so that another one can start.
    assert download(session_client, url.replace("xlsx", "csv"))[1].count(b"\n") == 21
