"""The keys of tokens: the newest signs, and those before it still verify, so that a key can be
changed without signing everybody out."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from jwt.exceptions import InvalidSignatureError
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError


class KeyRing(TokenBackend):
    """The token library's backend for several keys. The algorithm is ours, never the token's."""

    def __init__(self, key: str, *former: str) -> None:
        options = settings.SIMPLE_JWT
        super().__init__(options["ALGORITHM"], key, issuer=options["ISSUER"])
        # Each former key has a ring of its own, with those before it.
        self._former = KeyRing(*former) if former else None

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:
        """The payload of a token that one of the keys signed; ``TokenBackendError`` for others."""
        try:
            return super().decode(token, verify)
        except TokenBackendError as error:
            if self._former is None or not isinstance(error.__cause__, InvalidSignatureError):
                raise
        return self._former.decode(token, verify)


@lru_cache(maxsize=8)
def _ring(*keys: str) -> KeyRing:
    return KeyRing(*keys)


class SignedByTheRing:
    """A kind of token, for the token library's classes to be mixed with."""

    @property
    def token_backend(self) -> TokenBackend:
        """The library's hook."""
        return _ring(settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_SIGNING_KEY_FALLBACKS)
