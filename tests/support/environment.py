"""Load settings from environment variables in the running process."""

import os
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import global_settings, settings
from django.test import override_settings

ROOT = Path(__file__).resolve().parents[2]
#: Variables of a production process that passes ``check --deploy``, except ``STATIC_ROOT``.
PRODUCTION = {
    "DEBUG": "false",
    "SECRET_KEY": "k9" * 40 + "-a-key-of-the-tests",
    "ALLOWED_HOSTS": "chat.example.com",
    "TRUSTED_PROXIES": "1",
    "DATABASE_URL": "postgres://webchats@127.0.0.1/webchats",
    "CACHE_URL": "redis://127.0.0.1:6379/0",
}


def load_settings(**environment: str) -> dict[str, Any]:
    """Return the settings by name for exactly these variables, including Django's defaults."""
    with mock.patch.dict(os.environ, environment, clear=True):
        module = runpy.run_path(str(ROOT / "webchat_project/settings.py"))
    names = {**vars(global_settings), **module}
    return {name: value for name, value in names.items() if name.isupper()}


@contextmanager
def settings_from(**environment: str) -> Iterator[None]:
    """Override the settings by those for these variables, except for the database."""
    loaded = load_settings(**environment)
    changed = {
        name: value
        for name, value in loaded.items()
        if name != "DATABASES" and value != getattr(settings, name, None)
    }
    with mock.patch.dict(os.environ), override_settings(**changed):
        # The browser tests set it for their session, and a system check refuses it.
        os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
        yield
