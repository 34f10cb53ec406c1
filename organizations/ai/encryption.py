"""Encryption at rest, with the keys in ``AI_KEYS``.

The first key encrypts, and all of them decrypt, so that ``manage.py rotate_ai_keys`` can replace a
key without a break. The ciphertext contains the organization's id: copied to a row of another
organization, it cannot be decrypted.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings

_NO_KEYS: Final = (
    "The service has no AI_KEYS, so no API key can be stored. Ask its operator to set it."
)
_WRONG_KEY: Final = (
    "The stored API key cannot be decrypted with AI_KEYS. Restore the key of AI_KEYS that encrypted"
    " it, or enter the API key again."
)


class NoEncryptionKey(Exception):
    """``AI_KEYS`` is empty, so nothing can be encrypted."""

    def __init__(self) -> None:
        super().__init__(_NO_KEYS)


class CannotDecrypt(Exception):
    """The ciphertext was made with another key, or for another organization."""

    def __init__(self) -> None:
        super().__init__(_WRONG_KEY)


@lru_cache(maxsize=4)
def _key_ring(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _current_key_ring() -> MultiFernet:
    """Raise ``NoEncryptionKey`` without keys, and ``ValueError`` for a malformed one."""
    keys: Sequence[str] = settings.AI_KEYS
    if not keys:
        raise NoEncryptionKey
    return _key_ring(tuple(keys))


def encrypt(text: str, organization_id: str) -> str:
    """Return the ciphertext. Raise ``NoEncryptionKey`` without keys."""
    return _current_key_ring().encrypt(f"{organization_id}:{text}".encode()).decode()


def decrypt(ciphertext: str, organization_id: str) -> str:
    """Return the text. Raise ``CannotDecrypt`` for another key or another organization."""
    try:
        owner, _, text = _current_key_ring().decrypt(ciphertext).decode().partition(":")
    except (InvalidToken, NoEncryptionKey, ValueError):
        # Without a cause: its traceback would lead to the ciphertext.
        raise CannotDecrypt from None
    if owner != organization_id:
        raise CannotDecrypt
    return text


def rotate(ciphertext: str) -> str:
    """Return the ciphertext of the same text with the first key.

    Raise ``CannotDecrypt`` if none of the keys made it.
    """
    try:
        return _current_key_ring().rotate(ciphertext).decode()
    except (InvalidToken, ValueError):
        raise CannotDecrypt from None
