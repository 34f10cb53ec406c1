"""Uploads over the API, to a folder and to a real S3 server."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from threading import Event
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from organizations.models import User
from tests.support.images import decode_image, image_bytes, image_upload
from webchats.icons import serializers
from webchats.icons.forms import IconFileField
from webchats.icons.images import MAX_BYTES, MAX_WAITING, DecoderBusy, read_image, sanitize_image
from webchats.icons.keys import is_icon_key
from webchats.icons.storage import IconStorage, signed_url
from webchats.models import Webchat
from webchats.services import set_default_icon

pytestmark = pytest.mark.django_db


def put_icon(api: Any, user: User, webchat: Webchat, file: Any) -> Any:
    return api(user).put(f"/api/webchats/{webchat.pk}/icon", {"file": file}, format="multipart")


def post_files(api: Any, user: User, files: list[Any], **fields: Any) -> Any:
    return api(user).post("/api/upload", {"files": files, **fields}, format="multipart")


def test_an_icon_is_uploaded_and_removed(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, fetch: Any
) -> None:
    response = put_icon(api, admin, webchat, image_upload())
    assert response.status_code == 200, response.json()
    assert response.json()["message"] == "Webchat configuration updated"
    webchat.refresh_from_db()
    assert is_icon_key(webchat.icon)
    assert webchat.icon.startswith(f"orgs/{admin.organization_id}/webchat/")
    assert fetch(response.json()["data"]["icon"]).content == storage_content(webchat.icon)

    response = api(admin).delete(f"/api/webchats/{webchat.pk}/icon")
    assert (response.status_code, response.json()["data"]["icon"]) == (200, None)
    webchat.refresh_from_db()
    assert webchat.icon == ""


def storage_content(key: str) -> bytes:
    with storages["icons"].open(key) as file:
        content: bytes = file.read()
    return content


def test_the_response_lists_the_files_in_the_order_of_the_request(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    files = [
        image_upload(image_bytes("JPEG"), "photo.jpg", "image/jpeg"),
        image_upload(name="../../b.png"),
    ]
    response = post_files(api, admin, files)
    assert response.status_code == 200
    first, second = response.json()["files"]
    assert (first["name"], first["type"]) == ("photo.jpg", "image/jpeg")
    assert (second["name"], second["type"]) == ("b.png", "image/png")
    for file in (first, second):
        assert set(file) == {"key", "type", "name", "size", "signedUrl", "bucket"}
        fetched = fetch(file["signedUrl"])
        assert (fetched.status, len(fetched.content)) == (200, file["size"])
        assert fetched.headers["Content-Type"] == file["type"]
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
def test_the_name_and_type_of_an_upload_are_ignored(
    api: Any, admin: User, storage: IconStorage, fetch: Any, name: str, content_type: str
) -> None:
    response = post_files(api, admin, [image_upload(image_bytes("JPEG"), name, content_type)])
    [file] = response.json()["files"]
    assert file["key"].endswith(".jpg")
    assert fetch(file["signedUrl"]).headers["Content-Type"] == "image/jpeg"


def test_trailing_bytes_are_not_served(
    api: Any, admin: User, storage: IconStorage, fetch: Any
) -> None:
    polyglot = image_bytes() + b"<script>alert(1)</script>"
    [file] = post_files(api, admin, [image_upload(polyglot)]).json()["files"]
    fetched = fetch(file["signedUrl"])
    assert b"script" not in fetched.content
    assert decode_image(fetched.content).size == (64, 48)


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
def test_an_invalid_image_is_rejected_with_its_reason(
    api: Any,
    admin: User,
    webchat: Webchat,
    storage: IconStorage,
    storage_calls: list[str],
    content: bytes,
    code: str,
    words: str,
) -> None:
    response = put_icon(api, admin, webchat, image_upload(content))
    assert response.status_code == 400
    [detail] = response.json()["details"]
    assert (detail["field"], detail["code"]) == ("file", code)
    assert words in detail["message"]

    response = post_files(api, admin, [image_upload(), image_upload(content)])
    assert response.status_code == 400
    [detail] = response.json()["details"]
    assert (detail["field"], detail["code"]) == ("files.1", code)
    # One invalid image: none is stored.
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
def test_the_file_is_required(
    api: Any, admin: User, webchat: Webchat, fields: dict[str, Any], field: str
) -> None:
    response = api(admin).put(f"/api/webchats/{webchat.pk}/icon", fields, format="multipart")
    assert response.status_code == 400
    assert [detail["field"] for detail in response.json()["details"]] == [field]


def test_one_to_ten_files_are_accepted(api: Any, admin: User) -> None:
    small = image_bytes(size=(1, 1))
    assert post_files(api, admin, [image_upload(small) for _ in range(10)]).status_code == 200
    for files in ([], [image_upload(small) for _ in range(11)]):
        response = post_files(api, admin, files)
        assert response.status_code == 400
        assert [detail["field"] for detail in response.json()["details"]] == ["files"]


def test_no_image_is_decoded_if_there_are_too_many(
    api: Any, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serializers, "read_image", lambda _: pytest.fail("An image was read"))
    response = post_files(api, admin, [image_upload(b"x") for _ in range(11)])
    (detail,) = response.json()["details"]
    assert (detail["field"], detail["code"]) == ("files", "max_length")


def test_upload_gets_503_while_three_others_wait(
    api: Any, admin: User, webchat: Webchat, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding_may_end, image, open_image = Event(), image_bytes(), Image.open

    def open_slowly(*args: Any, **kwargs: Any) -> Image.Image:
        decoding_may_end.wait(20)
        return open_image(*args, **kwargs)

    monkeypatch.setattr(Image, "open", open_slowly)
    form = IconFileField()
    with ThreadPoolExecutor(MAX_WAITING + 2) as threads:
        others = [threads.submit(sanitize_image, image) for _ in range(MAX_WAITING + 2)]
        try:
            refused, waiting = wait(others, timeout=10, return_when=FIRST_COMPLETED)
            response = put_icon(api, admin, webchat, image_upload())
            with pytest.raises(ValidationError, match="Try again in a moment"):
                form.clean(image_upload())
        finally:
            decoding_may_end.set()
    assert [type(other.exception()) for other in refused] == [DecoderBusy]
    assert {other.result().extension for other in waiting} == {"png"}
    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "Other images are being uploaded." in response.json()["error"]
    assert put_icon(api, admin, webchat, image_upload()).status_code == 200


def test_more_than_100_parts_are_rejected(api: Any, admin: User) -> None:
    response = post_files(api, admin, [image_upload(b"x") for _ in range(101)])
    assert response.status_code == 400
    assert set(response.json()) >= {"error", "code"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/json", 415),
        (b"nonsense", "multipart/form-data", 400),
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nContent-Disposition: form-data; name=", "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_malformed_upload_returns_the_error_shape(
    api: Any, admin: User, webchat: Webchat, body: bytes, content_type: str, status: int
) -> None:
    client, url = api(admin), f"/api/webchats/{webchat.pk}/icon"
    for response in (
        client.put(url, body, content_type=content_type),
        client.post("/api/upload", body, content_type=content_type),
    ):
        assert response.status_code == status
        assert set(response.json()) >= {"error", "code"}


def test_files_can_be_larger_than_json(api: Any, admin: User, settings: Any) -> None:
    image = image_bytes()
    largest = image + b"\x00" * (MAX_BYTES - len(image))
    # Twice the limit of a JSON body.
    assert post_files(api, admin, [image_upload(largest), image_upload(largest)]).status_code == 200
    files = [SimpleUploadedFile("a.png", b"x" * settings.MAX_UPLOAD_BYTES)]
    response = post_files(api, admin, files)
    assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
    response = api(admin).post("/api/webchats", {"name": "x" * settings.MAX_BODY_BYTES})
    assert response.status_code == 413


def test_a_superuser_chooses_the_organization_of_an_upload(
    api: Any, superuser: User, admin: User, other_admin: User, storage: IconStorage
) -> None:
    response = post_files(api, superuser, [image_upload()])
    assert [detail["field"] for detail in response.json()["details"]] == ["organizationId"]
    response = post_files(api, superuser, [image_upload()], organizationId=admin.organization_id)
    assert response.json()["files"][0]["key"].startswith(f"orgs/{admin.organization_id}/webchat/")
    # For members ``organizationId`` is ignored.
    for organization_id in (other_admin.organization_id, admin.organization_id, "0" * 24):
        response = post_files(api, other_admin, [image_upload()], organizationId=organization_id)
        own = f"orgs/{other_admin.organization_id}/webchat/"
        assert response.json()["files"][0]["key"].startswith(own)


def test_the_default_icon_is_public_if_the_webchat_has_no_icon(
    api: Any, admin: User, webchat: Webchat, storage: IconStorage, fetch: Any
) -> None:
    assert webchat.icon_or_default == ""
    set_default_icon(
        organization=webchat.organization, image=read_image(image_upload(image_bytes("WEBP")))
    )
    url = signed_url(Webchat.objects.get().icon_or_default)
    assert fetch(url).headers["Content-Type"] == "image/webp"
    # The response of the API has the webchat's own icon.
    document = api(admin).get(f"/api/webchats/{webchat.pk}").json()["data"]
    assert document["icon"] is None
    put_icon(api, admin, webchat, image_upload())
    row = Webchat.objects.get()
    assert row.icon
    assert row.icon_or_default == row.icon


def test_the_error_of_a_missing_file_names_the_field_that_was_sent(api: Any, admin: User) -> None:
    response = api(admin).post("/api/upload", {"file": image_upload()}, format="multipart")
    (detail,) = response.json()["details"]
    assert detail["message"] == 'This field is required. You sent "file": the name is "files".'
