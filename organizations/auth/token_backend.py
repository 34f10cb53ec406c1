"""The keys that sign tokens, and the claims that a token must have."""

import re
from functools import lru_cache
from typing import Final

from django.conf import settings
from jwt.exceptions import InvalidSignatureError
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError

from webchat_project.api.object_ids import OBJECT_ID_PATTERN

#: Seconds since 1970 until the end of the year 9999, the last one of ``datetime``.
_MAX_EPOCH: Final = 253_402_300_799
_USER_ID: Final = re.compile(OBJECT_ID_PATTERN)
#: A UUID in hexadecimal; in refresh tokens after the one of the family and a dot.
_JTI: Final = re.compile(r"[0-9a-f.]{32,65}")


class RotatingTokenBackend(TokenBackend):
    """A token backend that also verifies signatures of former keys.

    The algorithm comes from the settings, never from the token.
    """

    def __init__(self, key: str, *former_keys: str) -> None:
        super().__init__(
            settings.SIMPLE_JWT["ALGORITHM"], key, issuer=settings.SIMPLE_JWT["ISSUER"]
        )
        self._fallback = RotatingTokenBackend(*former_keys) if former_keys else None

    def decode(self, token: tokens.Token, verify: bool = True) -> dict[str, object]:
        """Return the payload.

        Raise ``TokenBackendError`` if no key has signed the token, or if ``datetime`` or the
        database could not represent one of its claims.
        """
        try:
            payload = super().decode(token, verify)
        except TokenBackendError as error:
            if self._fallback is None or not isinstance(error.__cause__, InvalidSignatureError):
                raise
            return self._fallback.decode(token, verify)
        expires_at, user_id = payload.get("exp"), payload.get("user_id")
        if (
            not isinstance(expires_at, int)
            or expires_at > _MAX_EPOCH
            or not _JTI.fullmatch(str(payload.get("jti")))
            or not isinstance(user_id, str)
            or not _USER_ID.fullmatch(user_id)
        ):
            raise TokenBackendError("Token is invalid")
        return payload


@lru_cache(maxsize=8)
def _backend_for(*keys: str) -> RotatingTokenBackend:
    return RotatingTokenBackend(*keys)


class RotatingKeysMixin(tokens.Token):
    """A token that the current key signs and that the current and the former keys verify."""

    @property
    def token_backend(self) -> TokenBackend:
        return _backend_for(settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_SIGNING_KEY_FALLBACKS)
