"""Settings of the webchats that are wrong or dangerous: ``manage.py check`` reports them."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages
from django.utils.module_loading import import_string

# By name: the bucket's module brings boto3, which a service with a folder need not load.
BUCKET = "webchats.icons.s3.S3IconStorage"
FOLDER = "webchats.icons.local.SignedFileStorage"

#: SigV4 signs for seven days at the most.
LONGEST_LIFE = 7 * 24 * 3600
SHORTEST_LIFE = 60


def check_icon_storage(**_: Any) -> list[CheckMessage]:
    """``STORAGES["icons"]``, without asking the storage."""
    configured = settings.STORAGES.get("icons", {})
    options = configured.get("OPTIONS", {})
    backend = configured.get("BACKEND", "")
    try:
        import_string(backend)
    except ImportError as error:
        return [Error(f'STORAGES["icons"] cannot be loaded: {error}.', id="webchats.E001")]
    if backend == BUCKET:
        return [*_check_life(options.get("querystring_expire", 3600)), *_check_s3(options)]
    if backend == FOLDER:
        return [*_check_life(options.get("url_seconds", 3600)), *_check_folder()]
    message = f'STORAGES["icons"] must be {BUCKET} or {FOLDER}.'
    return [Error(message, id="webchats.E001")]


def _check_life(seconds: int) -> list[CheckMessage]:
    if SHORTEST_LIFE <= seconds <= LONGEST_LIFE:
        return []
    return [
        Error(
            f"Signed URLs of icons live for {seconds} seconds.",
            hint=f"Set ICON_URL_SECONDS to {SHORTEST_LIFE}–{LONGEST_LIFE} (seven days, the "
            "longest that an S3 service signs for).",
            id="webchats.E002",
        )
    ]


def _check_s3(options: dict[str, Any]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    if not options.get("access_key") or not options.get("secret_key"):
        found.append(
            Error(
                "There is a bucket for the icons, but no credentials for it.",
                hint="Set ICONS_S3_ACCESS_KEY_ID and ICONS_S3_SECRET_ACCESS_KEY.",
                id="webchats.E003",
            )
        )
    if (options.get("default_acl") or "private") != "private" or not options.get(
        "querystring_auth", True
    ):
        found.append(
            Error(
                "The icons' bucket is public.",
                hint="Leave out default_acl and querystring_auth: signed URLs open the icons.",
                id="webchats.E004",
            )
        )
    if str(options.get("endpoint_url") or "").startswith("http:") and not settings.DEBUG:
        found.append(
            Warning(
                "The icons' bucket is reached without encryption.",
                hint="Begin ICONS_S3_ENDPOINT_URL with https://.",
                id="webchats.W001",
            )
        )
    return found


def _check_folder() -> list[CheckMessage]:
    try:
        folder = Path(storages["icons"].location)  # type: ignore[attr-defined]
    except ImproperlyConfigured as error:
        return [Error(str(error), id="webchats.E001")]
    # It is made when the first icon is stored.
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"Icons cannot be stored: {existing} is no folder that can be written.",
            hint="Set ICONS_ROOT to a folder of the service's own, or use a bucket.",
            id="webchats.E005",
        )
    ]
