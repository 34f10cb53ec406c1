"""The field ``icon`` of the API: keys and signed URLs, ownership, attacks.

Tests with the fixture ``storage`` run with a folder and with a real S3 server.
"""

import json
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from organizations.models import User
from tests.support import factories, object_storage
from tests.support.icons import store_icon
from tests.support.images import image_bytes, image_upload
from webchats.icons.images import read_image
from webchats.icons.storage import IconStorage, signed_url
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

NOT_FOUND = {
    "error": "Invalid value for: icon.",
    "code": "validation_error",
    "details": [
        {
            "field": "icon",
            "code": "does_not_exist",
            "message": "Icon not found. Send a key from POST /api/upload or an icon URL from this "
            "API.",
        },
    ],
}


def build_document(admin: User, **fields: Any) -> dict[str, Any]:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    colors = dict.fromkeys(("backgroundColor", "primaryColor", "secondaryColor"), "#112233")
    required = {"name": "x", "promptId": prompt.pk, "allowedDomains": [], "initialStage": "new"}
    return {**colors, **required, **fields}


def test_the_documents_url_opens_the_uploaded_icon(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    uploaded = api(admin).post("/api/upload", {"files": [image_upload()]}, format="multipart")
    key = uploaded.json()["files"][0]["key"]
    created = api(admin).post("/api/webchats", build_document(admin, icon=key))
    assert created.status_code == 201, created.json()
    row = Webchat.objects.get()
    assert row.icon == key
    url = created.json()["data"]["icon"]
    assert url.startswith("http")
    response = fetch(url)
    assert response.status == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Content-Disposition"].startswith("inline")
    assert response.content == read_image(image_upload()).content
    assert 0 < int(response.headers["Cache-Control"].split("max-age=")[1].split(",")[0]) <= 3600


def test_a_url_with_one_character_changed_is_rejected(
    admin: User, storage: IconStorage, fetch: Any
) -> None:
    key = store_icon(admin.organization_id)
    other = store_icon(admin.organization_id)
    url = signed_url(key)
    assert fetch(url).status == 200
    for changed in (
        url.replace(key, other),
        url.replace(".png", ".jpg"),
        url[:-1] + ("0" if url[-1] != "0" else "1"),
        url.replace("xpires=", "xpires=9"),
        url.partition("?")[0],
        url.replace("ignature=", "ignature=%00"),
    ):
        assert changed != url
        assert fetch(changed).status == 403


def hours_ago(hours: float) -> time_machine.travel:
    """Set the clock of this process back, but not that of the S3 server, so that URLs expire."""
    return time_machine.travel(datetime.now(UTC) - timedelta(hours=hours))


def test_a_url_expires(admin: User, storage: IconStorage, fetch: Any) -> None:
    key = store_icon(admin.organization_id)
    with hours_ago(2):
        url = signed_url(key)
    assert fetch(url).status == 403


def test_a_document_that_is_sent_back_keeps_its_icon(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, storage_calls: list[str]
) -> None:
    Webchat.objects.filter(pk=webchat.pk).update(icon=store_icon(admin.organization_id))
    before = Webchat.objects.get().icon
    storage_calls.clear()
    for method in ("put", "patch"):
        document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
        response = getattr(api(admin), method)(f"/api/webchats/{webchat.pk}", document)
        assert response.status_code == 200
        old, new = document["icon"], response.json()["data"]["icon"]
        assert new.partition("?")[0] == old.partition("?")[0]
        assert Webchat.objects.get().icon == before
    # An unchanged icon is not looked up.
    assert storage_calls == []


def test_an_unchanged_icon_does_not_lock_the_organization(
    api: Any, admin: User, storage: IconStorage
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, icon=store_icon(admin.organization_id))
    client = api(admin)
    document = client.get(f"/api/webchats/{webchat.pk}").json()["data"]

    def reads_the_organization(icon: str) -> bool:
        with CaptureQueriesContext(connection) as queries:
            response = client.put(f"/api/webchats/{webchat.pk}", {**document, "icon": icon})
        assert response.status_code == 200
        return any('FROM "organizations_organization"' in query["sql"] for query in queries)

    assert not reads_the_organization(document["icon"])
    assert not reads_the_organization(webchat.icon)
    assert reads_the_organization(store_icon(admin.organization_id))


def test_an_expired_url_can_be_sent_back(
    api: Any,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    fetch: Any,
    set_url_lifetime: Callable[[int], None],
) -> None:
    key = store_icon(admin.organization_id)
    Webchat.objects.filter(pk=webchat.pk).update(icon=key)
    with hours_ago(2):
        document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert fetch(document["icon"]).status == 403
    set_url_lifetime(7200)
    response = api(admin).put(f"/api/webchats/{webchat.pk}", document)
    assert response.status_code == 200
    assert Webchat.objects.get().icon == key
    assert fetch(response.json()["data"]["icon"]).status == 200


def test_a_url_without_signature_is_accepted_as_its_key(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage
) -> None:
    key = store_icon(admin.organization_id)
    url = signed_url(key).partition("?")[0]
    response = api(admin).patch(f"/api/webchats/{webchat.pk}", {"icon": url})
    assert response.status_code == 200
    assert Webchat.objects.get().icon == key


@pytest.mark.parametrize("empty", [None, ""])
def test_null_or_empty_removes_the_icon(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, empty: Any
) -> None:
    Webchat.objects.filter(pk=webchat.pk).update(icon=store_icon(admin.organization_id))
    response = api(admin).put(f"/api/webchats/{webchat.pk}", {"icon": empty})
    assert response.json()["data"]["icon"] is None
    assert Webchat.objects.get().icon == ""


# --- Attacks ---


def invalid_icons(own: str, other: str) -> dict[str, Any]:
    """Return invalid values of ``icon`` by a description. ``own`` and ``other`` are valid keys."""
    own_prefix, name = own.rsplit("/", 1)
    other_path = other.removeprefix("orgs/")
    url = signed_url(own)
    absolute = url if url.startswith("http") else f"http://testserver{url}"
    parts = urllib.parse.urlsplit(absolute)
    bucket = object_storage.BUCKET
    return {
        "another's key": other,
        "another's signed URL": signed_url(other),
        "parent directories": f"{own_prefix}/../../{other_path}",
        "a parent directory": f"{own_prefix}/../webchat/{name}",
        "encoded parent directories": f"{own_prefix}/%2e%2e/%2e%2e/{other_path}",
        "encoded slashes": own.replace("/", "%2F"),
        "doubly encoded": f"{own_prefix}/%252e%252e/{name}",
        "an encoded letter in a URL": absolute.replace("webchat", "%77ebchat"),
        "parent directories in a URL": absolute.replace(own, f"{own_prefix}/../../{other_path}"),
        "a double slash": own.replace("/webchat/", "//webchat/"),
        "a leading slash": f"/{own}",
        "a backslash": own.replace("/", "\\"),
        "a NUL": f"{own}\x00",
        "a line break": f"{own}\n",
        "a leading space": f" {own}",
        "a surrogate": f"{own}\ud800",
        "upper case": own.upper(),
        "full-width letters": own.replace("orgs", "ｏｒｇｓ"),
        "another host": absolute.replace(parts.netloc, "evil.example"),
        "our host as user-info": absolute.replace("://", f"://{parts.netloc}@evil.example/"),
        "user-info": absolute.replace("://", "://user:secret@"),
        "our host as a label": absolute.replace(parts.netloc, f"{parts.netloc}.evil.example"),
        "no scheme": absolute.removeprefix("http:").replace(parts.netloc, "evil.example"),
        "another scheme": absolute.replace("http:", "ftp:"),
        "a file URL": f"file:///{own}",
        "a file URL with our host": f"file://{parts.netloc}{parts.path}",
        "a javascript URL": f"javascript:{absolute}",
        "a data URL": "data:image/png;base64,AAAA",
        "another bucket": absolute.replace(parts.path, f"/others/{own}"),
        "a bucket with our prefix": absolute.replace(parts.path, f"/{bucket}s/{own}"),
        "no bucket": absolute.replace(parts.path, f"/{own}"),
        "a malformed host": "http://[::1/icons/" + own,
        "only our host": f"{parts.scheme}://{parts.netloc}",
        "unknown": f"{own_prefix}/{'0' * 32}.png",
        "an object of another kind": own.replace("/webchat/", "/exports/"),
        "not an icon": f"{own_prefix}/notes.txt",
        "a directory": f"{own_prefix}/",
        "a file name": "icon.png",
        "very long": "a" * 100_000,
        "a number": 7,
        "a list": [own],
        "an object": {"key": own},
        "true": True,
    }


NAMES = list(invalid_icons("orgs/x/webchat/y.png", "orgs/z/webchat/y.png"))


@pytest.mark.parametrize("name", NAMES)
def test_every_invalid_icon_returns_the_same_error_without_a_request_elsewhere(
    api: Any,
    admin: User,
    other_admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
    name: str,
) -> None:
    own, other = store_icon(admin.organization_id), store_icon(other_admin.organization_id)
    # These objects exist: the error has another reason.
    prefix = own.rsplit("/", 1)[0]
    storage.put(f"{prefix}/notes.txt", b"text", "text/plain")
    storage.put(own.replace("/webchat/", "/exports/"), image_bytes(), "image/png")
    icon = invalid_icons(own, other)[name]
    storage_calls.clear()
    as_json = "application/json"
    change, new = json.dumps({"icon": icon}), json.dumps(build_document(admin, icon=icon))
    for response in (
        api(admin).patch(f"/api/webchats/{webchat.pk}", change, content_type=as_json),
        api(admin).post("/api/webchats", new, content_type=as_json),
    ):
        assert response.status_code == 400
        assert response.json() == NOT_FOUND
    assert Webchat.objects.get().icon == ""
    assert all(f"orgs/{admin.organization_id}/webchat/" in call for call in storage_calls)
    assert not any(str(other_admin.organization_id) in call for call in storage_calls)
    assert storage.exists(other)


def test_a_superuser_cannot_use_an_icon_of_another_organization(
    api: Any,
    superuser: User,
    admin: User,
    other_admin: User,
    webchat: Webchat,
    storage: IconStorage,
) -> None:
    client, url = api(superuser), f"/api/webchats/{webchat.pk}"
    own, other = store_icon(admin.organization_id), store_icon(other_admin.organization_id)
    assert client.patch(url, {"icon": other}).json() == NOT_FOUND
    assert client.patch(url, {"icon": own}).status_code == 200


def test_the_error_of_the_icon_is_reported_with_all_others(
    api: Any, admin: User, webchat: Webchat
) -> None:
    response = api(admin).patch(f"/api/webchats/{webchat.pk}", {"icon": "x", "name": ""})
    assert {detail["field"] for detail in response.json()["details"]} == {"icon", "name"}


def test_the_database_rejects_a_key_of_another_organization(
    webchat: Webchat, other_admin: User
) -> None:
    key = f"orgs/{other_admin.organization_id}/webchat/x.png"
    with pytest.raises(IntegrityError), transaction.atomic():
        Webchat.objects.filter(pk=webchat.pk).update(icon=key)
    organization = webchat.organization
    organization.default_icon = key
    with pytest.raises(IntegrityError), transaction.atomic():
        organization.save()


def test_a_sales_rep_cannot_change_icons(
    api: Any,
    rep: User,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
) -> None:
    client, url = api(rep), f"/api/webchats/{webchat.pk}/icon"
    body: dict[str, SimpleUploadedFile] = {"file": image_upload()}
    upload = {"files": [image_upload()]}
    assert client.put(url, body, format="multipart").status_code == 403
    assert client.delete(url).status_code == 403
    assert client.post("/api/upload", upload, format="multipart").status_code == 403
    assert api(None).put(url, body, format="multipart").status_code == 401
    assert storage_calls == []


def test_the_icon_of_another_organizations_webchat_returns_404(
    api: Any, other_admin: User, webchat: Webchat, storage: IconStorage, storage_calls: list[str]
) -> None:
    client, url = api(other_admin), f"/api/webchats/{webchat.pk}/icon"
    assert client.put(url, {"file": image_upload()}, format="multipart").status_code == 404
    assert client.delete(url).status_code == 404
    assert storage_calls == []
    assert Webchat.objects.get().icon == ""
