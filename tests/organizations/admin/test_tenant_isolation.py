"""No address of the staff's site leads to another organization's rows: every one is walked."""

import json
from typing import Any

import pytest
from django.contrib.admin.options import ModelAdmin
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from organizations.admin.site import site
from organizations.models import ApiKey, Organization, Pipeline, Prompt, User
from tests.support import factories
from webchats.models import Webchat
from webchats.models.imports import ImportRecord

pytestmark = pytest.mark.django_db

SECRET = "Theirs-and-nobody-elses"


@pytest.fixture
def theirs(other_admin: User) -> dict[type[models.Model], Any]:
    """One row of the other organization for each model, named so that it can be found."""
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
        ApiKey: factories.ApiKeyFactory.create(user=other_admin, name=SECRET),
        Webchat: factories.WebchatFactory.create(
            user=other_admin, prompt=prompt, pipeline=pipeline, name=SECRET
        ),
        ImportRecord: factories.ImportRecordFactory.create(user=other_admin, file_name=SECRET),
    }


def _patterns(resolver: URLResolver) -> Any:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from _patterns(entry)
        else:
            yield entry


def _admin_patterns() -> list[URLPattern]:
    (root,) = [
        entry
        for entry in get_resolver().url_patterns
        if isinstance(entry, URLResolver) and entry.app_name == "admin"
    ]
    return list(_patterns(root))


def _row_addresses(theirs: dict[type[models.Model], Any]) -> list[str]:
    """Every named admin address that takes a row's id, with the id of the other's row."""
    addresses = []
    for model, row in theirs.items():
        model_admin = site._registry[model]
        for pattern in model_admin.get_urls():
            if pattern.pattern.converters and isinstance(pattern, URLPattern):
                (argument,) = pattern.pattern.converters
                prefix = reverse(
                    f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
                )
                route = str(pattern.pattern).replace(f"<path:{argument}>", row.pk)
                addresses.append(prefix + route.replace(f"<{argument}>", row.pk))
    return addresses


def test_every_registered_model_has_a_row_in_this_walk(
    theirs: dict[type[models.Model], Any],
) -> None:
    assert set(site._registry) == set(theirs)


def test_every_address_that_takes_an_id_is_walked(theirs: dict[type[models.Model], Any]) -> None:
    with_id = [
        p
        for p in _admin_patterns()
        if "object_id" in p.pattern.converters or "id" in p.pattern.converters
    ]
    assert len(_row_addresses(theirs)) == len(with_id) > 4 * len(theirs)


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_address_shows_or_changes_their_row(
    session_client: Client, theirs: dict[type[models.Model], Any], method: str
) -> None:
    before = {
        model: model._default_manager.filter(pk=row.pk).values() for model, row in theirs.items()
    }
    stored = {model: list(rows) for model, rows in before.items()}
    for address in _row_addresses(theirs):
        answer = getattr(session_client, method)(
            address, {"post": "yes", "name": "Mine now", "email": "x@example.com"}
        )
        assert answer.status_code in (302, 403, 404, 405), (address, answer.status_code)
        assert SECRET.encode() not in answer.content, address
        if answer.status_code == 302:
            # Django's answer to an id that does not exist: off to the first page with a message.
            following = session_client.get(answer.headers["Location"], follow=True)
            assert SECRET.encode() not in following.content, address
    assert {model: list(rows.all()) for model, rows in before.items()} == stored


def test_their_id_is_answered_like_one_that_does_not_exist(
    session_client: Client, theirs: dict[type[models.Model], Any]
) -> None:
    for address, (model, row) in [
        (a, pair) for pair in theirs.items() for a in _row_addresses(dict([pair]))
    ]:
        real = session_client.get(address)
        unknown = session_client.get(address.replace(row.pk, "0" * 24))
        assert real.status_code == unknown.status_code, (model, address)
        assert real.headers.get("Location", "").replace(row.pk, "") == unknown.headers.get(
            "Location", ""
        ).replace("0" * 24, "")


def test_no_list_search_or_filter_shows_them(
    session_client: Client, theirs: dict[type[models.Model], Any]
) -> None:
    for model, row in theirs.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        queries = [
            "",
            f"?q={SECRET[:8]}",
            f"?id__exact={row.pk}",
            f"?organization__id__exact={row.pk}",
        ]
        queries += [
            f"?prompt__id__exact={theirs[Prompt].pk}",
            f"?pipeline__id__exact={theirs[Pipeline].pk}",
        ]
        for query in queries:
            answer = session_client.get(address + query, follow=True)
            assert SECRET not in answer.content.decode(), (address, query)


def test_no_form_offers_them(session_client: Client, theirs: dict[type[models.Model], Any]) -> None:
    for model, model_admin in site._registry.items():
        assert isinstance(model_admin, ModelAdmin)
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        assert SECRET.encode() not in session_client.get(address).content, address


def test_autocompletion_finds_only_the_own_rows(
    session_client: Client, admin: User, theirs: dict[type[models.Model], Any]
) -> None:
    factories.PromptFactory.create(organization=admin.organization, name="Ours")
    question = {"app_label": "webchats", "model_name": "webchat", "field_name": "prompt"}
    answer = session_client.get(reverse("admin:autocomplete"), {**question, "term": ""})
    assert [row["text"] for row in answer.json()["results"]] == ["Ours"]
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


def test_no_action_touches_them(
    session_client: Client, theirs: dict[type[models.Model], Any]
) -> None:
    for model, row in theirs.items():
        model_admin = site._registry[model]
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for action in (*(model_admin.actions or ()), "delete_selected"):
            body = {"action": action, "_selected_action": [row.pk], "post": "yes"}
            answer = session_client.post(address, body, follow=True)
            assert SECRET.encode() not in answer.getvalue()
            assert model._default_manager.filter(pk=row.pk).exists(), (model, action)
    assert Webchat.objects.count() == 1
    assert Webchat.objects.get().is_enabled


def test_the_preview_of_their_webchat_does_not_exist(
    session_client: Client, theirs: dict[type[models.Model], Any]
) -> None:
    row = theirs[Webchat]
    answer = session_client.post(
        reverse("admin:webchats_webchat_preview_change", args=[row.pk]), {}
    )
    assert answer.status_code == 404


def test_the_preview_takes_none_of_their_rows(
    session_client: Client, theirs: dict[type[models.Model], Any]
) -> None:
    sent = {
        "prompt": theirs[Prompt].pk,
        "pipeline": theirs[Pipeline].pk,
        "organization": theirs[Organization].pk,
        "user": theirs[User].pk,
    }
    answer = session_client.post(reverse("admin:webchats_webchat_preview_add"), sent)
    said = json.dumps(answer.json())
    assert SECRET not in said
    assert {"prompt", "pipeline"} <= answer.json()["errors"].keys()


@pytest.mark.parametrize("text", ["%00", "'", "../x", "0" * 25, "%F0%9F%98%80", "%ff"])
def test_a_malformed_id_or_query_is_never_an_error_of_ours(
    session_client: Client, text: str
) -> None:
    for model in site._registry:
        base = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for address in (
            f"{base}{text}/change/",
            f"{base}?q={text}",
            f"{base}?is_active__exact={text}",
            f"{base}?prompt__id__exact={text}",
            f"{base}?p={text}",
            f"{base}?o={text}",
            f"{base}?password__startswith={text}",
            f"{base}add/?name={text}",
        ):
            assert session_client.get(address).status_code < 500, address
        body = {"action": "delete_selected", "_selected_action": ["\0"]}
        assert session_client.post(base, body).status_code < 500


def test_a_list_cannot_be_asked_about_columns_it_does_not_filter(session_client: Client) -> None:
    users = reverse("admin:organizations_user_changelist")
    assert session_client.get(f"{users}?password__startswith=argon2").status_code == 400
    keys = reverse("admin:organizations_apikey_changelist")
    assert session_client.get(f"{keys}?digest__startswith=0").status_code == 400


def test_who_is_not_signed_in_is_sent_to_sign_in(theirs: dict[type[models.Model], Any]) -> None:
    for address in [*_row_addresses(theirs), reverse("admin:index")]:
        answer = Client().get(address)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith(reverse("admin:login"))


def test_a_superuser_opens_every_address_of_every_row(
    superuser: User, theirs: dict[type[models.Model], Any]
) -> None:
    client = Client()
    client.force_login(superuser)
    answers = {address: client.get(address).status_code for address in _row_addresses(theirs)}
    assert {address: status for address, status in answers.items() if status >= 500} == {}
    changes = [status for address, status in answers.items() if address.endswith("/change/")]
    assert set(changes) == {200}


@pytest.mark.parametrize("lookup", ["prompt__id__regex=((((", "prompt__name__startswith=a"])
def test_a_filter_takes_an_id_and_nothing_else(session_client: Client, lookup: str) -> None:
    answer = session_client.get(f"/admin/webchats/webchat/?{lookup}")
    assert answer.status_code in (302, 400)
