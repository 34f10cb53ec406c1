"""System checks of the settings that belong to webchats: icons and the widget."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004 - Django's name
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, storages
from django.utils.module_loading import import_string

# Dotted paths, since importing the bucket's module loads boto3, which a folder does not need.
BUCKET: Final = "webchats.icons.s3.S3IconStorage"
FOLDER: Final = "webchats.icons.local.LocalIconStorage"

_BACKEND_HINT: Final = f"Set its BACKEND to {BUCKET} or {FOLDER}."

MIN_URL_SECONDS: Final = 60
#: The longest lifetime that SigV4 allows.
MAX_URL_SECONDS: Final = 7 * 24 * 3600
#: The ``max-age`` of the widget's configuration.
MAX_CACHE_SECONDS: Final = 60


def check_icon_storage(**_: object) -> list[CheckMessage]:
    """Check ``STORAGES["icons"]`` without accessing the storage."""
    configured = settings.STORAGES.get("icons", {})
    options = configured.get("OPTIONS", {})
    backend = configured.get("BACKEND", "")
    try:
        import_string(backend)
    except ImportError as error:
        return [
            Error(
                f'STORAGES["icons"] cannot be loaded: {error}.',
                hint=_BACKEND_HINT,
                id="webchats.E001",
            )
        ]
    if backend == BUCKET:
        seconds = options.get("querystring_expire", 3600)
        return [*_check_url_seconds(seconds), *_check_bucket(options)]
    if backend == FOLDER:
        return [*_check_url_seconds(options.get("url_seconds", 3600)), *_check_folder()]
    return [
        Error(
            f'STORAGES["icons"] has the unsupported BACKEND {backend!r}.',
            hint=_BACKEND_HINT,
            id="webchats.E001",
        )
    ]


def check_widget_config_cache(**_: object) -> list[CheckMessage]:
    """Check the lifetime of the widget's response cache.

    A response must not outlive its ``max-age``, nor the icon's signed URL in it.
    """
    longest = min(MAX_CACHE_SECONDS, settings.ICON_URL_SECONDS // 6)
    if 0 <= settings.WIDGET_CONFIG_CACHE_SECONDS <= longest:
        return []
    return [
        Error(
            f"WIDGET_CONFIG_CACHE_SECONDS is {settings.WIDGET_CONFIG_CACHE_SECONDS}.",
            hint=f"Set it to 0–{longest}: at most {MAX_CACHE_SECONDS}, and a sixth of "
            "ICON_URL_SECONDS.",
            id="webchats.E006",
        )
    ]


def _check_url_seconds(seconds: int) -> list[CheckMessage]:
    if MIN_URL_SECONDS <= seconds <= MAX_URL_SECONDS:
        return []
    return [
        Error(
            f"Signed URLs of icons are valid for {seconds} seconds.",
            hint=f"Set ICON_URL_SECONDS to {MIN_URL_SECONDS}–{MAX_URL_SECONDS}. S3 services allow "
            "seven days at most.",
            id="webchats.E002",
        )
    ]


def _check_bucket(options: Mapping[str, object]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not options.get("access_key") or not options.get("secret_key"):
        found.append(
            Error(
                "The bucket for icons has no credentials.",
                hint="Set ICONS_S3_ACCESS_KEY_ID and ICONS_S3_SECRET_ACCESS_KEY.",
                id="webchats.E003",
            )
        )
    if (options.get("default_acl") or "private") != "private" or not options.get(
        "querystring_auth", True
    ):
        found.append(
            Error(
                "The bucket for icons is public.",
                hint="Remove default_acl and querystring_auth. Icons are opened by signed URLs.",
                id="webchats.E004",
            )
        )
    if str(options.get("endpoint_url") or "").startswith("http:") and not settings.DEBUG:
        found.append(
            Warning(
                "The bucket for icons is accessed without encryption.",
                hint="Set ICONS_S3_ENDPOINT_URL to an https:// URL.",
                id="webchats.W001",
            )
        )
    return found


def _check_folder() -> list[CheckMessage]:
    try:
        storage = storages["icons"]
    except ImproperlyConfigured as error:
        return [Error(str(error), id="webchats.E001")]
    assert isinstance(storage, FileSystemStorage)
    folder = Path(storage.location)
    # The folder is created with the first icon.
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"Icons cannot be stored: {existing} is not a writable directory.",
            hint="Set ICONS_ROOT to a directory that the service can write to, or use a bucket.",
            id="webchats.E005",
        )
    ]
