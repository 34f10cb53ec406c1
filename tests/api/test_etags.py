"""Optimistic concurrency: ``ETag`` of a document, and ``If-Match`` of a write."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from organizations.models import User
from tests.api.errors import assert_error
from tests.api.test_fast_reads import plain_reads
from tests.support import factories
from tests.support.images import image_upload
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(webchat: Webchat) -> str:
    """The path of a webchat."""
    return f"/api/webchats/{webchat.pk}"


@pytest.fixture
def outdated(api_client: APIClient, path: str) -> str:
    """The ETag of the webchat before its last change."""
    etag: str = api_client.get(path).headers["ETag"]
    assert api_client.put(path, {"statusText": "By somebody else"}).status_code == 200
    return etag


def put_icon(client: APIClient, path: str, headers: dict[str, str] | None = None) -> Any:
    return client.put(f"{path}/icon", {"file": image_upload()}, format="multipart", headers=headers)


def test_reads_and_writes_return_the_same_etag_for_a_version(
    api_client: APIClient, path: str
) -> None:
    for write in (
        lambda: api_client.put(path, {"name": "New"}),
        lambda: api_client.patch(path, {"name": "Newer"}),
        lambda: put_icon(api_client, path),
        lambda: api_client.delete(f"{path}/icon"),
    ):
        response = write()
        assert response.status_code == 200
        assert response.headers["ETag"] == api_client.get(path).headers["ETag"]
        with plain_reads():
            assert response.headers["ETag"] == api_client.get(path).headers["ETag"]


def test_create_returns_the_etag(api_client: APIClient, admin: User) -> None:
    response = api_client.post("/api/prompts", {"name": "x", "instructions": "y"})
    assert response.status_code == 201
    read = api_client.get(response.headers["Location"])
    assert read.headers["ETag"] == response.headers["ETag"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_update_of_the_current_version_is_written(
    api_client: APIClient, path: str, method: str
) -> None:
    etag = api_client.get(path).headers["ETag"]
    response = getattr(api_client, method)(path, {"name": "New"}, headers={"if-match": etag})
    assert response.status_code == 200
    assert response.headers["ETag"] != etag


def test_outdated_write_gets_412_and_changes_nothing(
    api_client: APIClient, path: str, outdated: str
) -> None:
    before = api_client.get(path).json()
    headers = {"if-match": outdated}
    for response in (
        api_client.put(path, {"name": "New"}, headers=headers),
        api_client.patch(path, {"name": "New"}, headers=headers),
        # A wrong value does not matter: the client has to read the document again.
        api_client.put(path, {"name": ""}, headers=headers),
        api_client.delete(path, headers=headers),
        put_icon(api_client, path, headers=headers),
        api_client.delete(f"{path}/icon", headers=headers),
    ):
        body = assert_error(response, 412, "precondition_failed")
        assert "The row has changed" in body["error"]
    assert api_client.get(path).json() == before


def test_outdated_write_without_if_match_is_written(
    api_client: APIClient, path: str, outdated: str
) -> None:
    data = api_client.put(path, {"name": "New"}).json()["data"]
    assert (data["name"], data["statusText"]) == ("New", "By somebody else")


@pytest.mark.parametrize(
    "template",
    ['"{}"', '"0", "{}"', 'W/"{}"', '"{}-gzip"', "{}", "*"],
    ids=["strong", "list", "weakened by nginx", "suffixed by Apache", "unquoted", "any"],
)
def test_current_version_is_found_in_every_form_of_if_match(
    api_client: APIClient, path: str, template: str
) -> None:
    version = api_client.get(path).headers["ETag"].strip('"')
    response = api_client.put(path, {"name": "New"}, headers={"if-match": template.format(version)})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "if_match", ["", '""', '"0"', '"', "nonsense", ",", '"é"', "W/", '"*"', 'W/"*"']
)
def test_any_other_if_match_gets_412(api_client: APIClient, path: str, if_match: str) -> None:
    response = api_client.put(path, {"name": "New"}, headers={"if-match": if_match})
    assert_error(response, 412, "precondition_failed")


def test_unknown_or_foreign_row_gets_404_before_its_version_is_compared(
    api: Any, other_admin: User, path: str
) -> None:
    assert_error(
        api(other_admin).put(path, {"name": "x"}, headers={"if-match": '"0"'}), 404, "not_found"
    )


def test_pipeline_has_a_new_version_when_only_its_stages_change(
    api_client: APIClient, admin: User
) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    path = f"/api/pipelines/{pipeline.pk}"
    etag = api_client.get(path).headers["ETag"]
    body = {"stages": [{"name": "New"}]}
    changed = api_client.put(path, body, headers={"if-match": etag})
    assert changed.status_code == 200
    assert_error(api_client.put(path, body, headers={"if-match": etag}), 412, "precondition_failed")


def test_list_has_no_etag(api_client: APIClient, webchat: Webchat) -> None:
    assert "ETag" not in api_client.get("/api/webchats").headers
