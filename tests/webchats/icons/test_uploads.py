"""Uploading icons over the API, on a folder and on a real S3 server."""

from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile

from organizations.models import User
from tests.support.images import decode_image, image_bytes, image_upload
from webchats.icons.images import MAX_BYTES, read_image
from webchats.icons.keys import is_icon_key
from webchats.icons.storage import IconStorage, signed_url
from webchats.models import Webchat
from webchats.services import set_default_icon

pytestmark = pytest.mark.django_db


def put_icon(api: Any, user: User, webchat: Webchat, file: Any) -> Any:
    return api(user).put(f"/api/webchats/{webchat.pk}/icon", {"file": file}, format="multipart")


def post_files(api: Any, user: User, files: list[Any], **fields: Any) -> Any:
    return api(user).post("/api/upload", {"files": files, **fields}, format="multipart")


def test_an_icon_is_put_and_removed(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, fetch: Any
) -> None:
    answer = put_icon(api, admin, webchat, image_upload())
    assert answer.status_code == 200, answer.json()
    assert answer.json()["message"] == "Webchat configuration updated"
    webchat.refresh_from_db()
    assert is_icon_key(webchat.icon)
    assert webchat.icon.startswith(f"orgs/{admin.organization_id}/webchat/")
    assert fetch(answer.json()["data"]["icon"]).content == storage_content(webchat.icon)

    answer = api(admin).delete(f"/api/webchats/{webchat.pk}/icon")
    assert (answer.status_code, answer.json()["data"]["icon"]) == (200, None)
    webchat.refresh_from_db()
    assert webchat.icon == ""


def storage_content(key: str) -> bytes:
    with storages["icons"].open(key) as file:
        content: bytes = file.read()
    return content


def test_every_uploaded_file_is_answered_in_its_order(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    files = [
        image_upload(image_bytes("JPEG"), "photo.jpg", "image/jpeg"),
        image_upload(name="../../b.png"),
    ]
    answer = post_files(api, admin, files)
    assert answer.status_code == 200
    first, second = answer.json()["files"]
    assert (first["name"], first["type"]) == ("photo.jpg", "image/jpeg")
    assert (second["name"], second["type"]) == ("b.png", "image/png")
    for file in (first, second):
        assert set(file) == {"key", "type", "name", "size", "signedUrl", "bucket"}
        got = fetch(file["signedUrl"])
        assert (got.status, len(got.content)) == (200, file["size"])
        assert got.headers["Content-Type"] == file["type"]
        assert file["bucket"] == storage.bucket_name


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("icon.exe", "application/x-msdownload"),
        ("icon.svg", "image/svg+xml"),
        ("icon", ""),
        ("index.html", "text/html"),
        ("icon.png", "image/png"),
    ],
)
def test_name_and_type_that_are_sent_play_no_part(
    api: Any, admin: User, storage: IconStorage, fetch: Any, name: str, content_type: str
) -> None:
    answer = post_files(api, admin, [image_upload(image_bytes("JPEG"), name, content_type)])
    [file] = answer.json()["files"]
    assert file["key"].endswith(".jpg")
    assert fetch(file["signedUrl"]).headers["Content-Type"] == "image/jpeg"


def test_what_follows_the_image_is_not_served(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    polyglot = image_bytes() + b"<script>alert(1)</script>"
    [file] = post_files(api, admin, [image_upload(polyglot)]).json()["files"]
    got = fetch(file["signedUrl"])
    assert b"script" not in got.content
    assert decode_image(got.content).size == (64, 48)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_image", "not a PNG, JPEG"),
        (b"", "empty", "empty"),
        (image_bytes(size=(200, 200))[:200], "damaged_image", "damaged"),
        (image_bytes() + b"\x00" * MAX_BYTES, "file_too_large", "1,048,576 bytes"),
        (image_bytes(size=(4097, 1)), "image_too_large", "4,096 pixels"),
    ],
)
def test_a_bad_image_is_refused_by_the_rule_it_breaks(
    api: Any,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
    content: bytes,
    code: str,
    words: str,
) -> None:
    answer = put_icon(api, admin, webchat, image_upload(content))
    assert answer.status_code == 400
    [detail] = answer.json()["details"]
    assert (detail["field"], detail["code"]) == ("file", code)
    assert words in detail["message"]

    answer = post_files(api, admin, [image_upload(), image_upload(content)])
    assert answer.status_code == 400
    [detail] = answer.json()["details"]
    assert (detail["field"], detail["code"]) == ("files.1", code)
    # One is bad, none is stored.
    assert storage_calls == []
    webchat.refresh_from_db()
    assert webchat.icon == ""


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "file"),
        ({"file": "text"}, "file"),
        ({"picture": image_upload()}, "file"),
    ],
)
def test_the_file_must_be_there(
    api: Any, admin: User, webchat: Webchat, fields: dict[str, Any], field: str
) -> None:
    answer = api(admin).put(f"/api/webchats/{webchat.pk}/icon", fields, format="multipart")
    assert answer.status_code == 400
    assert [detail["field"] for detail in answer.json()["details"]] == [field]


def test_one_to_ten_files_are_taken(api: Any, admin: User) -> None:
    small = image_bytes(size=(1, 1))
    assert post_files(api, admin, [image_upload(small) for _ in range(10)]).status_code == 200
    for files in ([], [image_upload(small) for _ in range(11)]):
        answer = post_files(api, admin, files)
        assert answer.status_code == 400
        assert [detail["field"] for detail in answer.json()["details"]] == ["files"]


def test_hundreds_of_parts_are_refused(api: Any, admin: User) -> None:
    answer = post_files(api, admin, [image_upload(b"x") for _ in range(101)])
    assert answer.status_code == 400
    assert set(answer.json()) >= {"error", "code"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"nonsense", "multipart/form-data", 400),
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_malformed_upload_is_answered_in_the_error_shape(
    api: Any, admin: User, webchat: Webchat, body: bytes, content_type: str, status: int
) -> None:
    client, url = api(admin), f"/api/webchats/{webchat.pk}/icon"
    for answer in (
        client.put(url, body, content_type=content_type),
        client.post("/api/upload", body, content_type=content_type),
    ):
        assert answer.status_code == status
        assert set(answer.json()) >= {"error", "code"}


def test_files_may_be_larger_than_documents(api: Any, admin: User, settings: Any) -> None:
    whole = image_bytes()
    largest = whole + b"\x00" * (MAX_BYTES - len(whole))
    # Twice as much as JSON may be.
    assert post_files(api, admin, [image_upload(largest), image_upload(largest)]).status_code == 200
    files = [SimpleUploadedFile("a.png", b"x" * settings.MAX_UPLOAD_BYTES)]
    answer = post_files(api, admin, files)
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")
    answer = api(admin).post("/api/webchats", {"name": "x" * settings.MAX_BODY_BYTES})
    assert answer.status_code == 413


def test_a_superuser_says_whose_the_images_become(
    api: Any, superuser: User, admin: User, other_admin: User, storage: IconStorage
) -> None:
    answer = post_files(api, superuser, [image_upload()])
    assert [detail["field"] for detail in answer.json()["details"]] == ["organizationId"]
    answer = post_files(api, superuser, [image_upload()], organizationId=admin.organization_id)
    assert answer.json()["files"][0]["key"].startswith(f"orgs/{admin.organization_id}/webchat/")
    # A member's are the own organization's, as everywhere: who else is named is not read.
    for named in (other_admin.organization_id, admin.organization_id, "0" * 24):
        answer = post_files(api, other_admin, [image_upload()], organizationId=named)
        own = f"orgs/{other_admin.organization_id}/webchat/"
        assert answer.json()["files"][0]["key"].startswith(own)


def test_the_organizations_icon_stands_in_for_a_missing_one(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, fetch: Any
) -> None:
    assert webchat.public_icon == ""
    set_default_icon(
        organization=webchat.organization, image=read_image(image_upload(image_bytes("WEBP")))
    )
    url = signed_url(Webchat.objects.get().public_icon)
    assert fetch(url).headers["Content-Type"] == "image/webp"
    # The document tells the webchat's own.
    document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert document["icon"] is None
    put_icon(api, admin, webchat, image_upload())
    row = Webchat.objects.get()
    assert row.icon
    assert row.public_icon == row.icon
