"""System checks of the settings for language models."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cryptography.fernet import Fernet
from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from organizations.ai import encryption
from organizations.ai.addresses import AddressRefused, parse_endpoint
from organizations.models import AiProvider
from organizations.models.ai_provider import VENDOR_URLS, ProviderKind

_HOST_AND_PORT: Final = re.compile(r"([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}")


def check_settings(**_: object) -> list[checks.CheckMessage]:
    """Report invalid settings of language models: ``organizations.E003`` to ``E006``."""
    return [*_check_keys(), *_check_addresses(), *_check_default()]


def _check_keys() -> Iterator[checks.CheckMessage]:
    for position, key in enumerate(settings.AI_KEYS, start=1):
        try:
            Fernet(key)
        except ValueError:
            yield checks.Error(
                f"Key {position} of AI_KEYS is not 32 bytes in URL-safe Base64.",
                hint="Generate a key with the command in .env.example.",
                id="organizations.E003",
            )


def _check_addresses() -> Iterator[checks.CheckMessage]:
    for address in settings.AI_ALLOWED_ADDRESSES:
        if not _HOST_AND_PORT.fullmatch(address):
            yield checks.Error(
                f"AI_ALLOWED_ADDRESSES contains {address!r}, which is not host:port.",
                hint="Write a host and a port without a scheme: llama:8080, [fd00::1]:8000.",
                id="organizations.E004",
            )


def _check_default() -> Iterator[checks.CheckMessage]:
    """Check the provider of the deployment."""
    if settings.AI_KIND not in ProviderKind.values:
        yield checks.Error(
            f"AI_KIND is {settings.AI_KIND!r}.",
            hint=f"Use one of: {', '.join(ProviderKind.values)}.",
            id="organizations.E005",
        )
        return
    kind = ProviderKind(settings.AI_KIND)
    if kind == ProviderKind.BUILTIN:
        return
    if not settings.AI_MODEL:
        yield checks.Error(
            "AI_MODEL is empty, but AI_KIND is not builtin.",
            hint="Set AI_MODEL to the name of a model of the provider.",
            id="organizations.E005",
        )
    if not settings.AI_API_KEY and not settings.AI_BASE_URL:
        yield checks.Error(
            "AI_API_KEY is empty, but the provider needs one.",
            hint="Set AI_API_KEY, or AI_BASE_URL to an endpoint that needs none.",
            id="organizations.E005",
        )
    try:
        parse_endpoint(settings.AI_BASE_URL or VENDOR_URLS[kind])
    except AddressRefused:
        yield checks.Error(
            "AI_BASE_URL has no https, or is malformed.",
            hint="Use https, or list its host:port in AI_ALLOWED_ADDRESSES.",
            id="organizations.E006",
        )


def check_stored_keys(
    *, databases: Sequence[str] | None = None, **_: object
) -> list[checks.CheckMessage]:
    """Report API keys that cannot be decrypted: ``organizations.W002``.

    It runs with ``manage.py check --database default``.
    """
    if not databases:
        return []
    providers = AiProvider.objects.exclude(encrypted_api_key="")
    try:
        wrong = [row.pk for row in providers.iterator() if not can_decrypt(row)]
    except DatabaseError:
        # Before the first migration, which runs this check, too.
        return []
    if not wrong:
        return []
    return [
        checks.Warning(
            f"AI_KEYS cannot decrypt the API keys of {len(wrong)} AI providers: "
            f"{', '.join(wrong[:10])}.",
            hint="Restore the former key at the end of AI_KEYS, or enter the API keys again.",
            id="organizations.W002",
        )
    ]


def can_decrypt(provider: AiProvider) -> bool:
    """Return whether ``AI_KEYS`` has the key of the provider's API key."""
    try:
        encryption.decrypt(provider.encrypted_api_key, provider.organization_id)
    except encryption.CannotDecrypt:
        return False
    return True
