"""Fixtures for every test: users of each role, clients, storages of icons, an empty cache."""

import gc
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpHeaders
from django.test import Client
from pytest_django import DjangoDbBlocker, Settings
from rest_framework.test import APIClient
from rest_framework.throttling import SimpleRateThrottle

from organizations.models import Organization, User
from tests.support import factories, flush, object_storage
from tests.support.clients import log_in, token_client
from webchats.icons.storage import IconStorage, icon_storage
from webchats.models import Webchat

#: Benchmarks are not tests: ``python -m tests.benchmarks`` runs them.
collect_ignore = ["benchmarks"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Collect the tests of a real model only if their path is given."""
    is_given = any("tests/model" in argument for argument in config.args)
    return True if collection_path.name == "model" and not is_given else None


def pytest_xdist_auto_num_workers() -> int:
    """Return two workers a core: half of the time, a test waits for a process or a database."""
    return (os.cpu_count() or 1) * 2


#: Tests that start many servers and other processes.
SERVER_TESTS = "deployment"
#: Other tests that take long, because they wait for processes.
SLOW_TESTS = [
    "api/test_openapi.py",
    "api/test_concurrency.py",
    "organizations/jobs/test_processes.py",
    "webchats/imports/test_processes.py",
    "test_demo.py",
    "test_hops.py",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that none is left at the end.

    Each worker gets an equal part of the list. The first begins with the servers, and the second
    with the other slow tests.
    """
    folder = Path(__file__).parent
    servers = [item for item in items if item.path.is_relative_to(folder / SERVER_TESTS)]
    slow = [item for item in items if item.path in {folder / path for path in SLOW_TESTS}]
    first = {*servers, *slow}
    rest = [item for item in items if item not in first]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = max(0, len(items) // workers - len(servers)) if workers > 1 else 0
    items[:] = [*servers, *rest[:size], *slow, *rest[size:]]


def pytest_collection() -> None:
    """Collect no garbage while tests are collected: that takes a tenth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave the collected tests and modules, a million objects, to no garbage collection."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_configure() -> None:
    """Use a fast password hasher, flush and S3 client, and a file as the SQLite database."""
    flush.install()
    object_storage.share_sessions()
    # Argon2 is slow by design.
    fast = "django.contrib.auth.hashers.MD5PasswordHasher"
    settings.PASSWORD_HASHERS = [fast, *settings.PASSWORD_HASHERS]
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        # Django's default is a database in memory, which other connections cannot share.
        file = Path(database["NAME"]).with_name("test.sqlite3")
        database.setdefault("TEST", {})["NAME"] = str(file)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Create the test database, and end other sessions before it is dropped.

    A thread or a server of a test may have left a connection open, and PostgreSQL drops no
    database that is in use.
    """
    yield
    if connection.vendor != "postgresql":
        return
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connection.close()


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Empty the cache, so that throttles start at zero in each test."""
    cache.clear()


@pytest.fixture(autouse=True)
def _icons_in_tmp_path(settings: Settings, tmp_path: Path) -> None:
    """Store icons in the temporary folder of the test."""
    options = {"location": str(tmp_path / "icons"), "url_seconds": 3600}
    icons = {"BACKEND": "webchats.icons.local.LocalIconStorage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}


@pytest.fixture(scope="session")
def s3_server() -> Iterator[object_storage.S3Server]:
    """An S3 server with an empty bucket, which starts at the first use."""
    with object_storage.running_s3() as server:
        yield server


@pytest.fixture(scope="session")
def s3_options(s3_server: object_storage.S3Server) -> dict[str, Any]:
    """The options of ``S3IconStorage`` for the S3 server."""
    return {
        "bucket_name": object_storage.BUCKET,
        "endpoint_url": s3_server.endpoint,
        "region_name": "auto",
        "access_key": object_storage.ACCESS_KEY,
        "secret_key": s3_server.secret,
        "querystring_expire": 3600,
        "timeout": 3,
    }


@pytest.fixture
def s3(settings: Settings, s3_options: dict[str, Any]) -> IconStorage:
    """The storage of icons, on the S3 server."""
    icons = {"BACKEND": "webchats.icons.s3.S3IconStorage", "OPTIONS": dict(s3_options)}
    settings.STORAGES = {**settings.STORAGES, "icons": icons}
    return icon_storage()


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest) -> IconStorage:
    """The storage of icons. A test that uses this fixture runs once for each backend."""
    if request.param == "s3":
        request.getfixturevalue("s3")
    return icon_storage()


@pytest.fixture
def set_url_lifetime(settings: Settings) -> Callable[[int], None]:
    """``set_url_lifetime(10)`` makes signed URLs expire after 10 seconds."""

    def change(seconds: int) -> None:
        icons = settings.STORAGES["icons"]
        name = "url_seconds" if "url_seconds" in icons["OPTIONS"] else "querystring_expire"
        changed = {**icons, "OPTIONS": {**icons["OPTIONS"], name: seconds}}
        settings.STORAGES = {**settings.STORAGES, "icons": changed}

    return change


@pytest.fixture
def storage_calls(storage: IconStorage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the storage's methods, each as the name and first argument: ``exists orgs/…``.

    The list grows while the test runs.
    """
    calls: list[str] = []

    def record(name: str) -> None:
        method = getattr(storage, name)

        @wraps(method)
        def wrapper(*arguments: Any) -> Any:
            calls.append(f"{name} {arguments[0] if arguments else ''}")
            return method(*arguments)

        monkeypatch.setattr(storage, name, wrapper)

    for name in ("put", "exists", "delete", "objects", "check_connection"):
        record(name)
    return calls


class FetchedResponse(NamedTuple):
    """The response to a request for a URL."""

    status: int
    content: bytes
    headers: HttpHeaders | Message


@pytest.fixture
def fetch() -> Callable[[str], FetchedResponse]:
    """``fetch(url)`` requests a URL without a credential, as an ``<img>`` does.

    A URL of this site goes to Django's test client, any other over the network.
    """

    def get(url: str) -> FetchedResponse:
        origin = "http://testserver"
        if url.startswith((origin, "/")):
            # A streaming response also has ``getvalue``, but the type stubs do not declare it.
            response: Any = Client().get(url.removeprefix(origin))
            return FetchedResponse(response.status_code, response.getvalue(), response.headers)
        try:
            with urllib.request.urlopen(url, timeout=10) as opened:
                return FetchedResponse(opened.status, opened.read(), opened.headers)
        except urllib.error.HTTPError as error:
            with error:
                return FetchedResponse(error.code, error.read(), error.headers)

    return get


@pytest.fixture
def throttle_rates(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """``throttle_rates(address="2/min")`` changes the rate of a scope."""

    def change(**rates: str) -> None:
        changed = {**SimpleRateThrottle.THROTTLE_RATES, **rates}
        monkeypatch.setattr(SimpleRateThrottle, "THROTTLE_RATES", changed)

    return change


@pytest.fixture
def organization(db: None) -> Organization:
    """The organization of ``admin`` and ``rep``."""
    return factories.OrganizationFactory.create()


@pytest.fixture
def admin(organization: Organization) -> User:
    """An administrator, who may read and write."""
    return factories.UserFactory.create(organization=organization, access_role="ADMIN")


@pytest.fixture
def rep(organization: Organization) -> User:
    """A sales representative, who may only read."""
    return factories.UserFactory.create(organization=organization, access_role="SALES_REP")


@pytest.fixture
def other_admin(db: None) -> User:
    """An administrator of another organization."""
    return factories.UserFactory.create(access_role="ADMIN")


@pytest.fixture
def superuser(db: None) -> User:
    """A superuser, who belongs to no organization and may read and write all of them."""
    return factories.SuperuserFactory.create()


@pytest.fixture
def webchat(admin: User) -> Webchat:
    """A webchat of the organization of ``admin``, without an icon, allowed on no domain."""
    return factories.WebchatFactory.create(user=admin)


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """``api(user)`` returns an authenticated client of the API; ``api(None)`` an anonymous one."""
    return token_client


@pytest.fixture
def api_client(admin: User) -> APIClient:
    """A client of the API, authenticated as ``admin`` by an access token."""
    return token_client(admin)


@pytest.fixture
def session_client(admin: User) -> Client:
    """A client of the admin site, logged in as ``admin``."""
    return log_in(admin)
