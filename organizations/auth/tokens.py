"""Access tokens (JWT), the keys that sign tokens, and the claims that a token must have."""

import re
from functools import cache, lru_cache
from typing import Final, Self, cast

from django.conf import settings
from jwt.exceptions import InvalidSignatureError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import (
    ExpiredTokenError,
    TokenBackendError,
    TokenError,
)
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.utils import get_md5_hash_password

from organizations.models import User
from webchat_project.api.compiled_queries import CompiledGet, Placeholder
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchat_project.observability.security_log import SecurityEvent, log_event

#: Seconds since 1970 until the end of the year 9999, the last one of ``datetime``.
_MAX_EPOCH: Final = 253_402_300_799
_USER_ID: Final = re.compile(OBJECT_ID_PATTERN)
#: A UUID in hexadecimal; in refresh tokens after the one of the family and a dot.
_JTI: Final = re.compile(r"[0-9a-f.]{32,65}")


class InvalidCredential(AuthenticationFailed):
    """Any invalid credential. The response does not reveal the reason."""

    default_detail = "Invalid or expired token"
    default_code = "invalid_token"


def invalid_credential(
    kind: str, reason: str = "invalid", **fields: str | None
) -> InvalidCredential:
    """Log the reason for rejecting a credential and return the exception to raise.

    ``kind`` is ``access_token``, ``refresh_token`` or ``api_key``. ``reason`` is ``invalid``,
    ``expired``, ``unknown``, or ``ended`` for a credential that is no longer valid.
    """
    log_event(SecurityEvent.BAD_CREDENTIAL, kind=kind, reason=reason, **fields)
    return InvalidCredential()


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


class UserToken(tokens.Token):
    """A token of a user. The current key signs it; the current and the former keys verify it."""

    @property
    def token_backend(self) -> TokenBackend:
        return _backend_for(settings.SIMPLE_JWT["SIGNING_KEY"], *settings.JWT_SIGNING_KEY_FALLBACKS)

    @classmethod
    def parse(cls, encoded: str) -> Self:
        """Return the verified token. Raise ``InvalidCredential`` for any other text."""
        try:
            # Annotated as Token | None in the library, which documents an encoded token.
            return cls(cast("tokens.Token", encoded))
        except TokenError as error:
            reason = "expired" if isinstance(error, ExpiredTokenError) else "invalid"
            raise invalid_credential(f"{cls.token_type}_token", reason) from None

    def add_claims(self, user: User) -> None:
        """Add the user's organization and role to the payload."""
        self.payload.update(organization_id=user.organization_id, role=user.role.value)


class AccessToken(UserToken, tokens.AccessToken):
    """A short-lived JWT that authenticates requests.

    The role is a claim for clients only: permissions use the role in the database.
    """

    @classmethod
    def for_user(cls, user: tokens.AuthUser) -> Self:
        """Return a new token for ``user`` with their organization and role."""
        assert isinstance(user, User)
        token = super().for_user(user)
        token.add_claims(user)
        return token


@cache
def _compiled_get() -> CompiledGet[User]:
    """Return the query for a user by id.

    Each request of an API client runs it. CPU time of reading a webchat, without divided by with:
    1.3.
    """
    return CompiledGet(User.objects.filter(pk=Placeholder("pk")))


def get_unrevoked_user(token: tokens.Token) -> User:
    """Return the active user to whom the token was issued.

    Raise ``InvalidCredential`` if the user is deleted or inactive, has moved to another
    organization, or has changed their password (``SIMPLE_JWT["CHECK_REVOKE_TOKEN"]``).
    """
    user = _compiled_get()(pk=token["user_id"])
    if (
        user is None
        or not user.is_active
        or token.get("organization_id") != user.organization_id
        or token.get(api_settings.REVOKE_TOKEN_CLAIM) != get_md5_hash_password(user.password)
    ):
        raise invalid_credential(f"{token.token_type}_token", "ended", user=token["user_id"])
    return user
