"""Settings from environment variables."""

import os
import subprocess
import sys

import pytest

from tests.support.environment import PRODUCTION, ROOT, load_settings


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``manage.py check`` with exactly this environment."""
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_service_starts_without_any_variable() -> None:
    result = start()
    assert result.returncode == 0, result.stderr


def test_production_does_not_start_without_a_secret_key() -> None:
    result = start(**{name: v for name, v in PRODUCTION.items() if name != "SECRET_KEY"})
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr


def test_the_example_does_not_start_until_the_secret_key_is_filled_in() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    result = start(**dict(line.split("=", 1) for line in lines if line and line[0] != "#"))
    assert result.returncode == 1
    message, *more = result.stderr.splitlines()
    assert message.startswith("ImproperlyConfigured: SECRET_KEY is empty.")
    assert more == []


def test_an_empty_variable_is_ignored() -> None:
    names = ("CACHE_URL", "DATABASE_URL", "DEBUG", "LOG_LEVEL", "MAX_BODY_BYTES", "TRUSTED_PROXIES")
    assert load_settings(**dict.fromkeys(names, "")) == load_settings()


def test_database_options_in_the_url_are_kept() -> None:
    url = "postgres://u:p@db.example.com/w?options=-c%20statement_timeout%3D9000&sslmode=require"
    options = load_settings(DATABASE_URL=url)["DATABASES"]["default"]["OPTIONS"]
    assert options["options"].split(" -c ") == [
        "-c plan_cache_mode=force_custom_plan",
        "random_page_cost=1.1",
        "statement_timeout=10s",
        "lock_timeout=1s",
        "statement_timeout=9000",
    ]
    assert options["sslmode"] == "require"


def test_a_list_may_have_spaces_after_its_commas() -> None:
    loaded = load_settings(ALLOWED_HOSTS="a.example.com, b.example.com")
    assert loaded["ALLOWED_HOSTS"] == ["a.example.com", "b.example.com"]


@pytest.mark.parametrize("key", ["$abc" + "k9" * 30, "a$b" + "k9" * 30])
def test_a_secret_key_may_contain_a_dollar_sign(key: str) -> None:
    assert load_settings(SECRET_KEY=key)["SECRET_KEY"] == key


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", (False, "localhost", 25, "", False, False)),
        ("smtp://mail.example.com", (True, "mail.example.com", 25, "", False, False)),
        (
            "smtp+tls://me:p%40ss@mail.example.com",
            (True, "mail.example.com", 587, "p@ss", True, False),
        ),
        (
            "smtp+ssl://me:a$b@mail.example.com:2465",
            (True, "mail.example.com", 2465, "a$b", False, True),
        ),
    ],
)
def test_the_url_of_the_mail_server(url: str, expected: tuple[object, ...]) -> None:
    loaded = load_settings(EMAIL_URL=url)
    names = ("ENABLED", "HOST", "PORT", "HOST_PASSWORD", "USE_TLS", "USE_SSL")
    assert tuple(loaded[f"EMAIL_{name}"] for name in names) == expected
    assert loaded["EMAIL_TIMEOUT"] == 10


def test_links_in_emails_lead_to_the_first_host() -> None:
    assert load_settings()["BASE_URL"] == "http://localhost:8000"
    assert load_settings(**PRODUCTION)["BASE_URL"] == "https://chat.example.com"
    assert (
        load_settings(**PRODUCTION, BASE_URL="https://x.example/")["BASE_URL"]
        == "https://x.example"
    )
