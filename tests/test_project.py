"""What stands at the door of the project: settings, checks, the lock file."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "k9" * 40 + "-a-key-of-the-tests",
    "ALLOWED_HOSTS": "chat.example.com",
    "TRUSTED_PROXIES": "1",
    "CACHE_URL": "redis://127.0.0.1:6379/0",
}


@pytest.fixture(scope="module")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the collected static files."""
    folder = str(tmp_path_factory.mktemp("static"))
    manage("collectstatic", "--noinput", **PRODUCTION, STATIC_ROOT=folder).check_returncode()
    return folder


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return manage("check", "--deploy", "--fail-level", "WARNING", **environment)


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *arguments]
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name in ("PATH", "HOME", "DATABASE_URL", "LANG")
    }
    return subprocess.run(
        command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False
    )


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_by_plain_http_to_who_calls_by_address(
    path: str, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["chat.example.com"]
    assert Client().get(path, headers={"host": "10.0.0.7:8000"}).status_code == 200
    assert Client().get("/", headers={"host": "10.0.0.7:8000"}).status_code == 400


def test_production_settings_pass_the_deployment_check(static_files: str) -> None:
    result = check(**PRODUCTION, STATIC_ROOT=static_files)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("setting", "value", "found"),
    [
        ("DEBUG", "true", "security.W018"),
        ("CACHE_URL", "locmemcache://", "webchat_project.W002"),
        ("TRUSTED_PROXIES", "0", "webchat_project.W003"),
        ("RATE_LIMIT_ADDRESS", "many", "webchat_project.E001"),
        ("RATE_LIMIT_SIGN_IN", "5/fortnight", "webchat_project.E001"),
        ("JWT_SIGNING_KEY", "short", "organizations.E002"),
        ("JWT_SIGNING_KEY_FALLBACKS", "short", "organizations.E002"),
        ("ACCESS_TOKEN_MINUTES", "100000", "organizations.W001"),
        ("SECRET_KEY", "short", "security.W009"),
        ("ALLOWED_HOSTS", "", "security.W020"),
        ("SECRET_KEY", "   # make one: " + "k9" * 40, "webchat_project.E002"),
        ("MAX_BODY_BYTES", "-5", "webchat_project.E003"),
        ("TRUSTED_PROXIES", "-1", "webchat_project.E003"),
        ("SESSION_HOURS", "0", "webchat_project.E003"),
        ("STATIC_ROOT", "/nonexistent", "webchat_project.W001"),
        ("LOG_FORMAT", "xml", "observability.E001"),
        ("METRICS_TOKEN", "short", "observability.E002"),
        ("SENTRY_DSN", "nonsense", "observability.E003"),
        ("METRICS_TOKEN", "a-token-of-enough-characters", "observability.W001"),
    ],
)
def test_a_dangerous_setting_is_named(setting: str, value: str, found: str) -> None:
    result = check(**PRODUCTION | {setting: value})
    assert result.returncode == 1
    assert found in result.stderr


def test_production_does_not_start_without_a_secret_key() -> None:
    result = check(**{name: v for name, v in PRODUCTION.items() if name != "SECRET_KEY"})
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr


def settings_with(expression: str, **environment: str) -> str:
    script = f"from django.conf import settings; print({expression})"
    result = manage("shell", "-v0", "-c", script, **environment)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_an_empty_variable_is_not_set() -> None:
    empty = dict.fromkeys(
        ("DATABASE_URL", "CACHE_URL", "TRUSTED_PROXIES", "MAX_BODY_BYTES", "LOG_LEVEL", "DEBUG"), ""
    )
    assert settings_with("settings.DEBUG, settings.MAX_BODY_BYTES", **empty) == "True 1048576"


def test_the_databases_own_options_are_kept_beside_ours() -> None:
    url = "postgres://u:p@db.example.com/w?options=-c%20statement_timeout%3D9000&sslmode=require"
    said = settings_with("settings.DATABASES['default']['OPTIONS']", DATABASE_URL=url)
    options = ast.literal_eval(said)
    assert options["options"].split(" -c ") == [
        "-c plan_cache_mode=force_custom_plan",
        "random_page_cost=1.1",
        "statement_timeout=9000",
    ]
    assert options["sslmode"] == "require"


def test_a_list_may_have_blanks_after_its_commas() -> None:
    hosts = settings_with("settings.ALLOWED_HOSTS", ALLOWED_HOSTS="a.example.com, b.example.com")
    assert hosts == "['a.example.com', 'b.example.com']"


@pytest.mark.parametrize("key", ["$abc" + "k9" * 30, "a$b" + "k9" * 30])
def test_a_secret_key_may_have_any_sign(key: str) -> None:
    assert settings_with("settings.SECRET_KEY", SECRET_KEY=key) == key


def test_the_example_of_settings_does_not_run_with_the_secret_left_empty(tmp_path: Path) -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    result = check(**dict(pairs))
    assert result.returncode != 0
    assert "SECRET_KEY" in result.stderr


def test_the_settings_run_with_nothing_set() -> None:
    command = [sys.executable, "manage.py", "check"]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


@pytest.mark.django_db
def test_the_migrations_say_all_that_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_lock_file_names_public_hosts_only() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}
