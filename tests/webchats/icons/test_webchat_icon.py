"""The icon in the webchat's document: what goes in, what comes out, whose it is.

Every test that asks for ``storage`` runs on a folder and on a real S3 server.
"""

import json
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest
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

REFUSED = {
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


def stored(user: User) -> str:
    """The key of an icon of the user's organization."""
    assert user.organization_id is not None
    return store_icon(user.organization_id)


def body(admin: User, **fields: Any) -> dict[str, Any]:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    colors = dict.fromkeys(("backgroundColor", "primaryColor", "secondaryColor"), "#112233")
    required = {"name": "x", "promptId": prompt.pk, "allowedDomains": [], "initialStage": "new"}
    return {**colors, **required, **fields}


def test_an_uploaded_icon_opens_by_the_documents_url(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    uploaded = api(admin).post("/api/upload", {"files": [image_upload()]}, format="multipart")
    key = uploaded.json()["files"][0]["key"]
    made = api(admin).post("/api/webchats", body(admin, icon=key))
    assert made.status_code == 201, made.json()
    row = Webchat.objects.get()
    assert row.icon == key
    url = made.json()["data"]["icon"]
    assert url.startswith("http")
    got = fetch(url)
    assert got.status == 200
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"].startswith("inline")
    assert got.content == read_image(image_upload()).content
    assert 0 < int(got.headers["Cache-Control"].split("max-age=")[1].split(",")[0]) <= 3600


def test_a_url_with_one_character_changed_is_refused(
    admin: User, storage: IconStorage, fetch: Any
) -> None:
    key = stored(admin)
    other = stored(admin)
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


def test_a_url_expires(
    admin: User, storage: IconStorage, fetch: Any, set_url_lifetime: Callable[[int], None]
) -> None:
    key = stored(admin)
    set_url_lifetime(1)
    url = signed_url(key)
    wait_for_the_clock(1.2)
    assert fetch(url).status == 403


def wait_for_the_clock(seconds: float) -> None:
    """The S3 server's clock cannot be turned."""
    time.sleep(seconds)


def test_a_document_put_back_keeps_its_icon(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, storage_calls: list[str]
) -> None:
    Webchat.objects.filter(pk=webchat.pk).update(icon=stored(admin))
    before = Webchat.objects.get().icon
    storage_calls.clear()
    for method in ("put", "patch"):
        document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
        answer = getattr(api(admin), method)(f"/api/webchats/{webchat.pk}", document)
        assert answer.status_code == 200
        assert answer.json()["data"]["icon"].partition("?")[0] == document["icon"].partition("?")[0]
        assert Webchat.objects.get().icon == before
    # An icon that stays needs no question.
    assert storage_calls == []


def test_who_puts_the_same_icon_back_makes_nobody_of_the_organization_wait(
    api: Any, admin: User, storage: IconStorage
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, icon=stored(admin))
    client = api(admin)
    document = client.get(f"/api/webchats/{webchat.pk}").json()["data"]

    def asks_for_the_organization(icon: str) -> bool:
        with CaptureQueriesContext(connection) as queries:
            answer = client.put(f"/api/webchats/{webchat.pk}", {**document, "icon": icon})
        assert answer.status_code == 200
        return any('FROM "organizations_organization"' in query["sql"] for query in queries)

    assert not asks_for_the_organization(document["icon"])
    assert not asks_for_the_organization(webchat.icon)
    assert asks_for_the_organization(stored(admin))


def test_a_url_that_has_expired_or_had_another_life_is_put_back(
    api: Any,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    fetch: Any,
    set_url_lifetime: Callable[[int], None],
) -> None:
    key = stored(admin)
    Webchat.objects.filter(pk=webchat.pk).update(icon=key)
    set_url_lifetime(1)
    document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
    wait_for_the_clock(1.2)
    assert fetch(document["icon"]).status == 403
    set_url_lifetime(7200)
    answer = api(admin).put(f"/api/webchats/{webchat.pk}", document)
    assert answer.status_code == 200
    assert Webchat.objects.get().icon == key
    assert fetch(answer.json()["data"]["icon"]).status == 200


def test_an_expired_url_of_another_icon_of_ours_is_taken_as_its_key(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage
) -> None:
    key = stored(admin)
    url = signed_url(key).partition("?")[0]
    answer = api(admin).patch(f"/api/webchats/{webchat.pk}", {"icon": url})
    assert answer.status_code == 200
    assert Webchat.objects.get().icon == key


@pytest.mark.parametrize("nothing", [None, ""])
def test_null_or_empty_removes_the_icon(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, nothing: Any
) -> None:
    Webchat.objects.filter(pk=webchat.pk).update(icon=stored(admin))
    answer = api(admin).put(f"/api/webchats/{webchat.pk}", {"icon": nothing})
    assert answer.json()["data"]["icon"] is None
    assert Webchat.objects.get().icon == ""


# --- Attacks ---


def attacks(own: str, other: str) -> dict[str, Any]:
    """What is no icon of ours, by what is wrong with it. ``own`` and ``other`` are good keys."""
    own_prefix, name = own.rsplit("/", 1)
    other_path = other.removeprefix("orgs/")
    url = signed_url(own)
    absolute = url if url.startswith("http") else f"http://testserver{url}"
    parts = urllib.parse.urlsplit(absolute)
    bucket = object_storage.BUCKET
    return {
        "another's key": other,
        "another's signed URL": signed_url(other),
        "a step up": f"{own_prefix}/../../{other_path}",
        "a step up with another name": f"{own_prefix}/../webchat/{name}",
        "an encoded step up": f"{own_prefix}/%2e%2e/%2e%2e/{other_path}",
        "encoded slashes": own.replace("/", "%2F"),
        "doubly encoded": f"{own_prefix}/%252e%252e/{name}",
        "an encoded letter in a URL": absolute.replace("webchat", "%77ebchat"),
        "a step up in a URL": absolute.replace(own, f"{own_prefix}/../../{other_path}"),
        "a double slash": own.replace("/webchat/", "//webchat/"),
        "a slash before": f"/{own}",
        "a backslash": own.replace("/", "\\"),
        "a null byte": f"{own}\x00",
        "a line end": f"{own}\n",
        "a blank before": f" {own}",
        "a surrogate": f"{own}\ud800",
        "upper case": own.upper(),
        "full-width letters": own.replace("orgs", "ｏｒｇｓ"),
        "another host": absolute.replace(parts.netloc, "evil.example"),
        "our host as user": absolute.replace("://", f"://{parts.netloc}@evil.example/"),
        "user-info": absolute.replace("://", "://user:secret@"),
        "our host as a label": absolute.replace(parts.netloc, f"{parts.netloc}.evil.example"),
        "no scheme": absolute.removeprefix("http:").replace(parts.netloc, "evil.example"),
        "another scheme": absolute.replace("http:", "ftp:"),
        "a file": f"file:///{own}",
        "a file of ours": f"file://{parts.netloc}{parts.path}",
        "script": f"javascript:{absolute}",
        "data": "data:image/png;base64,AAAA",
        "another bucket": absolute.replace(parts.path, f"/others/{own}"),
        "a bucket of like name": absolute.replace(parts.path, f"/{bucket}s/{own}"),
        "no bucket": absolute.replace(parts.path, f"/{own}"),
        "a bad address": "http://[::1/icons/" + own,
        "only our host": f"{parts.scheme}://{parts.netloc}",
        "unknown": f"{own_prefix}/{'0' * 32}.png",
        "of another kind": own.replace("/webchat/", "/exports/"),
        "not an icon": f"{own_prefix}/notes.txt",
        "a folder": f"{own_prefix}/",
        "no key": "icon.png",
        "very long": "a" * 100_000,
        "a number": 7,
        "a list": [own],
        "an object": {"key": own},
        "true": True,
    }


@pytest.mark.parametrize("name", list(attacks("orgs/x/webchat/y.png", "orgs/z/webchat/y.png")))
def test_what_is_no_icon_of_ours_gets_one_answer_and_is_not_looked_for(
    api: Any,
    admin: User,
    other_admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
    name: str,
) -> None:
    own, other = stored(admin), stored(other_admin)
    # They exist: the answer is not for want of an object.
    prefix = own.rsplit("/", 1)[0]
    storage.put(f"{prefix}/notes.txt", b"text", "text/plain")
    storage.put(own.replace("/webchat/", "/exports/"), image_bytes(), "image/png")
    attack = attacks(own, other)[name]
    storage_calls.clear()
    as_json = "application/json"
    change, new = json.dumps({"icon": attack}), json.dumps(body(admin, icon=attack))
    for answer in (
        api(admin).patch(f"/api/webchats/{webchat.pk}", change, content_type=as_json),
        api(admin).post("/api/webchats", new, content_type=as_json),
    ):
        assert answer.status_code == 400
        assert answer.json() == REFUSED
    assert Webchat.objects.get().icon == ""
    assert all(f"orgs/{admin.organization_id}/webchat/" in question for question in storage_calls)
    assert not any(str(other_admin.organization_id) in question for question in storage_calls)
    assert storage.exists(other)


def test_the_superuser_gives_each_webchat_icons_of_its_own_organization(
    api: Any,
    superuser: User,
    admin: User,
    other_admin: User,
    webchat: Webchat,
    storage: IconStorage,
) -> None:
    url = f"/api/webchats/{webchat.pk}"
    assert api(superuser).patch(url, {"icon": stored(other_admin)}).json() == REFUSED
    assert api(superuser).patch(url, {"icon": stored(admin)}).status_code == 200


def test_all_field_errors_come_with_the_icons(api: Any, admin: User, webchat: Webchat) -> None:
    answer = api(admin).patch(f"/api/webchats/{webchat.pk}", {"icon": "x", "name": ""})
    assert {detail["field"] for detail in answer.json()["details"]} == {"icon", "name"}


def test_the_database_refuses_anothers_key_by_itself(webchat: Webchat, other_admin: User) -> None:
    key = f"orgs/{other_admin.organization_id}/webchat/x.png"
    with pytest.raises(IntegrityError), transaction.atomic():
        Webchat.objects.filter(pk=webchat.pk).update(icon=key)
    organization = webchat.organization
    organization.default_icon = key
    with pytest.raises(IntegrityError), transaction.atomic():
        organization.save()


def test_a_rep_may_look_and_not_touch(
    api: Any,
    rep: User,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
) -> None:
    client, url = api(rep), f"/api/webchats/{webchat.pk}/icon"
    sent: dict[str, SimpleUploadedFile] = {"file": image_upload()}
    assert client.put(url, sent, format="multipart").status_code == 403
    assert client.delete(url).status_code == 403
    assert (
        client.post("/api/upload", {"files": [image_upload()]}, format="multipart").status_code
        == 403
    )
    assert api(None).put(url, sent, format="multipart").status_code == 401
    assert storage_calls == []


def test_anothers_webchat_gets_no_icon(
    api: Any, other_admin: User, webchat: Webchat, storage: IconStorage, storage_calls: list[str]
) -> None:
    client, url = api(other_admin), f"/api/webchats/{webchat.pk}/icon"
    assert client.put(url, {"file": image_upload()}, format="multipart").status_code == 404
    assert client.delete(url).status_code == 404
    assert storage_calls == []
    assert Webchat.objects.get().icon == ""
