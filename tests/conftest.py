"""Fixtures of every test: three people, a client for each, a clean cache."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken
from organizations.models import Organization, User
from tests.support import factories, object_storage
from webchats.icons import icon_storage
from webchats.icons.storage import IconStorage


def pytest_configure() -> None:
    """SQLite in a file, as in real use: Django's own choice for tests is memory."""
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        file = Path(database["NAME"]).with_name("test.sqlite3")
        database.setdefault("TEST", {})["NAME"] = str(file)


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    """Rate limits count from nothing in each test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def _icons_in_a_folder(settings: Settings, tmp_path: Path) -> None:
    """Icons are kept in a folder of the test."""
    options = {"location": str(tmp_path / "icons"), "url_seconds": 3600}
    icons = {"BACKEND": "webchats.icons.local.SignedFileStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}


@pytest.fixture(scope="session")
def s3_options() -> Iterator[dict[str, Any]]:
    """The options of ``S3IconStorage`` for a real server, which is started at the first use."""
    with object_storage.running_s3() as (endpoint, secret):
        yield {
            "bucket_name": object_storage.BUCKET,
            "endpoint_url": endpoint,
            "region_name": "auto",
            "access_key": object_storage.ACCESS_KEY,
            "secret_key": secret,
            "querystring_expire": 3600,
            "timeout": 3,
        }


@pytest.fixture
def s3(settings: Settings, s3_options: dict[str, Any]) -> IconStorage:
    """Icons are kept on the S3 server."""
    icons = {"BACKEND": "webchats.icons.s3.S3IconStorage", "OPTIONS": dict(s3_options)}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}
    return icon_storage()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest) -> IconStorage:
    """Each test that asks for it runs on both storages."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    return icon_storage()


@pytest.fixture
def url_seconds(settings: Settings) -> Callable[[int], None]:
    """``url_seconds(10)`` gives signed URLs another life, as an operator would."""

    def change(seconds: int) -> None:
        icons = settings.STORAGES["icons"]
        name = "url_seconds" if "url_seconds" in icons["OPTIONS"] else "querystring_expire"
        changed = {**icons, "OPTIONS": {**icons["OPTIONS"], name: seconds}}
        settings.STORAGES = {**settings.STORAGES, "icons": changed}

    return change


@pytest.fixture
def asked(storage: IconStorage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the storage was asked while the test ran, such as ``exists orgs/…``."""
    said: list[str] = []

    def listen(name: str) -> None:
        method = getattr(storage, name)

        def wrapper(*arguments: Any) -> Any:
            said.append(f"{name} {arguments[0] if arguments else ''}")
            return method(*arguments)

        monkeypatch.setattr(storage, name, wrapper)

    for name in ("put", "exists", "delete", "objects", "check"):
        listen(name)
    return said


class Fetched(NamedTuple):
    """What came of opening a URL."""

    status: int
    content: bytes
    headers: Any


@pytest.fixture
def fetch() -> Callable[[str], Fetched]:
    """``fetch(url)`` opens a URL without a credential, as an ``<img>`` does."""

    def get(url: str) -> Fetched:
        own = "http://testserver"
        if url.startswith((own, "/")):
            answer: Any = Client().get(url.removeprefix(own))
            content = answer.getvalue()
            return Fetched(answer.status_code, content, answer.headers)
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return Fetched(response.status, response.read(), response.headers)
        except urllib.error.HTTPError as refused:
            with refused:
                return Fetched(refused.code, refused.read(), refused.headers)

    return get


@pytest.fixture
def organization(db: None) -> Organization:
    """The organization of ``admin`` and ``rep``."""
    return factories.OrganizationFactory.create()


@pytest.fixture
def admin(organization: Organization) -> User:
    """May read and write."""
    return factories.UserFactory.create(organization=organization, access_role="ADMIN")


@pytest.fixture
def rep(organization: Organization) -> User:
    """May read."""
    return factories.UserFactory.create(organization=organization, access_role="SALES_REP")


@pytest.fixture
def stranger(db: None) -> User:
    """An administrator of another organization."""
    return factories.UserFactory.create(access_role="ADMIN")


@pytest.fixture
def superuser(db: None) -> User:
    """Belongs to no organization and sees all."""
    return factories.SuperuserFactory.create()


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """``api(user)`` is a client signed in as the user; ``api(None)`` has no credential."""

    def client(user: User | None, **options: Any) -> APIClient:
        made = APIClient(**options)
        if user is not None:
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
        return made

    return client
