"""Encryption of all API keys with the first key of ``AI_KEYS``."""

from dataclasses import dataclass, field

from organizations.ai import encryption
from organizations.models import AiProvider


@dataclass
class Rotation:
    """The number of encrypted API keys, and the ids of the providers whose key was not."""

    rotated: int = 0
    failed: list[str] = field(default_factory=list)


def rotate_api_keys() -> Rotation:
    """Encrypt every stored API key with the first key of ``AI_KEYS``.

    A key that is changed at the same time keeps its new value.
    """
    result = Rotation()
    for provider in AiProvider.objects.exclude(encrypted_api_key="").iterator():
        former = provider.encrypted_api_key
        try:
            encrypted = encryption.rotate(former)
        except encryption.CannotDecrypt:
            result.failed.append(provider.pk)
            continue
        rows = AiProvider.objects.filter(pk=provider.pk, encrypted_api_key=former)
        result.rotated += rows.update(encrypted_api_key=encrypted)
    return result
