"""Tenant isolation of the admin site: every URL is requested with another organization's rows."""

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from django.contrib.admin.options import ModelAdmin
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from organizations.admin.site import site
from organizations.models import AiProvider, ApiKey, Organization, Pipeline, Prompt, User
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations.models import CannedReply, Contact, Erasure, KnowledgeEntry
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db

SECRET = "Foreign-row"

#: A row of another organization by its model.
Rows: TypeAlias = dict[type[models.Model], Any]


@pytest.fixture
def foreign_rows(other_admin: User) -> Rows:
    """A row of another organization for each model, with ``SECRET`` in its name."""
    organization = other_admin.organization
    assert organization is not None
    Organization.objects.filter(pk=organization.pk).update(name=SECRET)
    other_admin.full_name = SECRET
    other_admin.email = f"{SECRET}@example.com"
    other_admin.save()
    prompt = factories.PromptFactory.create(organization=organization, name=SECRET)
    pipeline = factories.PipelineFactory.create(organization=organization, name=SECRET)
    factories.StageFactory.create(pipeline=pipeline, name=SECRET)
    return {
        Organization: organization,
        User: other_admin,
        Prompt: prompt,
        Pipeline: pipeline,
        AiProvider: factories.AiProviderFactory.create(organization=organization, name=SECRET),
        ApiKey: factories.ApiKeyFactory.create(user=other_admin, name=SECRET),
        Webchat: factories.WebchatFactory.create(
            user=other_admin, prompt=prompt, pipeline=pipeline, name=SECRET
        ),
        Contact: factories.ContactFactory.create(
            webchat__user=other_admin, name=SECRET, page_title=SECRET
        ),
        Erasure: factories.ErasureFactory.create(organization=organization),
        CannedReply: factories.CannedReplyFactory.create(organization=organization, title=SECRET),
        KnowledgeEntry: factories.KnowledgeEntryFactory.create(
            organization=organization, question=SECRET
        ),
        ImportRecord: factories.ImportRecordFactory.create(user=other_admin, file_name=SECRET),
    }


def walk_patterns(resolver: URLResolver) -> Iterator[URLPattern]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from walk_patterns(entry)
        else:
            yield entry


def admin_patterns() -> list[URLPattern]:
    (root,) = [
        entry
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLResolver) and entry.app_name == "admin"
    ]
    return list(walk_patterns(root))


def row_urls(foreign_rows: Rows) -> list[str]:
    """Return every admin URL that contains an id, with the id of a foreign row."""
    urls = []
    for model, row in foreign_rows.items():
        model_admin = site._registry[model]
        for pattern in model_admin.get_urls():
            if {"object_id", "id"} & {*pattern.pattern.converters}:
                assert isinstance(pattern, URLPattern)
                (argument,) = pattern.pattern.converters
                route = str(pattern.pattern).replace(f"<path:{argument}>", row.pk)
                urls.append(list_url(model) + route.replace(f"<{argument}>", row.pk))
    return urls


def test_every_registered_model_has_a_row(
    foreign_rows: Rows,
) -> None:
    assert set(site._registry) == set(foreign_rows)


def test_row_urls_include_every_url_with_an_id(foreign_rows: Rows) -> None:
    with_id = [
        entry
        for entry in admin_patterns()
        if "object_id" in entry.pattern.converters or "id" in entry.pattern.converters
    ]
    assert len(row_urls(foreign_rows)) == len(with_id) > 4 * len(foreign_rows)


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_url_shows_or_changes_rows_of_other_organizations(
    session_client: Client, foreign_rows: Rows, method: str
) -> None:
    before = {
        model: model._default_manager.filter(pk=row.pk).values()
        for model, row in foreign_rows.items()
    }
    stored = {model: list(rows) for model, rows in before.items()}
    for url in row_urls(foreign_rows):
        response = getattr(session_client, method)(
            url, {"post": "yes", "name": "Changed", "email": "x@example.com"}
        )
        assert response.status_code in (302, 403, 404, 405), (url, response.status_code)
        assert SECRET.encode() not in response.content, url
        if response.status_code == 302:
            # Django redirects from an unknown id to the index with a message.
            following = session_client.get(response.headers["Location"], follow=True)
            assert SECRET.encode() not in following.content, url
    assert {model: list(rows.all()) for model, rows in before.items()} == stored


def test_response_to_foreign_and_unknown_id_is_the_same(
    session_client: Client, foreign_rows: Rows
) -> None:
    for url, (model, row) in [
        (url, pair) for pair in foreign_rows.items() for url in row_urls(dict([pair]))
    ]:
        real = session_client.get(url)
        unknown = session_client.get(url.replace(row.pk, "0" * 24))
        assert real.status_code == unknown.status_code, (model, url)
        assert real.headers.get("Location", "").replace(row.pk, "") == unknown.headers.get(
            "Location", ""
        ).replace("0" * 24, "")


def test_no_list_search_or_filter_shows_foreign_rows(
    session_client: Client, foreign_rows: Rows
) -> None:
    for model, row in foreign_rows.items():
        url = list_url(model)
        queries = [
            "",
            f"?q={SECRET[:8]}",
            f"?id__exact={row.pk}",
            f"?organization__id__exact={row.pk}",
            f"?prompt__id__exact={foreign_rows[Prompt].pk}",
            f"?pipeline__id__exact={foreign_rows[Pipeline].pk}",
        ]
        for query in queries:
            response = session_client.get(url + query, follow=True)
            assert SECRET not in response.content.decode(), (url, query)


def test_no_form_offers_foreign_rows(session_client: Client, foreign_rows: Rows) -> None:
    for model, model_admin in site._registry.items():
        assert isinstance(model_admin, ModelAdmin)
        url = f"{list_url(model)}add/"
        assert SECRET.encode() not in session_client.get(url).content, url


def test_autocompletion_finds_own_rows_only(
    session_client: Client, admin: User, foreign_rows: Rows
) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Own")
    query = {"app_label": "webchats", "model_name": "webchat", "field_name": "prompt"}
    response = session_client.get(reverse("admin:autocomplete"), {**query, "term": ""})
    assert [row["text"] for row in response.json()["results"]] == ["Own"]
    for model_name, field in [
        ("webchat", "pipeline"),
        ("webchat", "user"),
        ("webchat", "organization"),
    ]:
        query = {
            "app_label": "webchats",
            "model_name": model_name,
            "field_name": field,
            "term": SECRET,
        }
        assert session_client.get(reverse("admin:autocomplete"), query).json()["results"] == []


def test_no_action_changes_foreign_rows(session_client: Client, foreign_rows: Rows) -> None:
    for model, row in foreign_rows.items():
        model_admin = site._registry[model]
        url = list_url(model)
        for action in ("delete_selected", *(model_admin.actions or ())):
            name = action if isinstance(action, str) else action.__name__
            body = {"action": name, "_selected_action": [row.pk], "post": "yes"}
            response = session_client.post(url, body, follow=True)
            assert SECRET.encode() not in response.getvalue()
            assert model._default_manager.filter(pk=row.pk).exists(), (model, action)
    assert Webchat.objects.count() == 2
    assert not Webchat.objects.filter(is_enabled=False).exists()


def test_preview_of_a_foreign_webchat_is_not_found(
    session_client: Client, foreign_rows: Rows
) -> None:
    row = foreign_rows[Webchat]
    response = session_client.post(
        reverse("admin:webchats_webchat_preview_change", args=[row.pk]), {}
    )
    assert response.status_code == 404


def test_preview_rejects_references_to_foreign_rows(
    session_client: Client, foreign_rows: Rows
) -> None:
    sent = {
        "prompt": foreign_rows[Prompt].pk,
        "pipeline": foreign_rows[Pipeline].pk,
        "organization": foreign_rows[Organization].pk,
        "user": foreign_rows[User].pk,
    }
    response = session_client.post(reverse("admin:webchats_webchat_preview_add"), sent)
    content = json.dumps(response.json())
    assert SECRET not in content
    assert {"prompt", "pipeline"} <= response.json()["errors"].keys()


@pytest.mark.parametrize("text", ["%00", "'../x", "0" * 25, "%F0%9F%98%80", "%ff"])
def test_malformed_id_or_query_does_not_cause_server_error(
    session_client: Client, text: str
) -> None:
    for model in site._registry:
        base = list_url(model)
        for url in (
            f"{base}{text}/change/",
            f"{base}?q={text}",
            f"{base}?is_active__exact={text}",
            f"{base}?prompt__id__exact={text}",
            f"{base}?p={text}",
            f"{base}?o={text}",
            f"{base}?password__startswith={text}",
            f"{base}add/?name={text}",
        ):
            assert session_client.get(url).status_code < 500, url
        body = {"action": "delete_selected", "_selected_action": ["\0"]}
        assert session_client.post(base, body).status_code < 500


def test_list_rejects_lookups_of_other_columns(session_client: Client) -> None:
    users = reverse("admin:organizations_user_changelist")
    assert session_client.get(f"{users}?password__startswith=argon2").status_code == 400
    keys = reverse("admin:organizations_apikey_changelist")
    assert session_client.get(f"{keys}?digest__startswith=0").status_code == 400


def test_anonymous_user_is_redirected_to_sign_in(
    foreign_rows: Rows,
) -> None:
    for url in [*row_urls(foreign_rows), reverse("admin:index")]:
        response = Client().get(url)
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("admin:login"))


def test_superuser_can_open_every_url(superuser: User, foreign_rows: Rows) -> None:
    client = log_in(superuser)
    statuses = {url: client.get(url).status_code for url in row_urls(foreign_rows)}
    assert {url: status for url, status in statuses.items() if status >= 500} == {}
    changes = [status for url, status in statuses.items() if url.endswith("/change/")]
    assert set(changes) == {200}


@pytest.mark.parametrize("lookup", ["prompt__id__regex=((((", "prompt__name__startswith=a"])
def test_filter_accepts_only_an_id(session_client: Client, lookup: str) -> None:
    response = session_client.get(f"/admin/webchats/webchat/?{lookup}")
    assert response.status_code in (302, 400)
