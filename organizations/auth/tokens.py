"""Access and refresh tokens (JWT), and the keys that sign them."""

from functools import lru_cache
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.crypto import constant_time_compare
from jwt.exceptions import InvalidSignatureError
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenBackendError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from organizations.models import User
from webchat_project.observability.security_log import SecurityEvent, log_event


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


class InvalidCredential(AuthenticationFailed):
    """Any bad credential: the answer does not tell which part of it was wrong."""

    default_detail = "Invalid or expired token"
    default_code = "invalid_token"


def refused(kind: str, reason: str = "invalid", **known: str | None) -> InvalidCredential:
    """The error for a bad credential, which the log is told more of than the caller."""
    log_event(SecurityEvent.BAD_CREDENTIAL, kind=kind, reason=reason, **known)
    return InvalidCredential()


def reason_of(error: TokenError) -> str:
    return "expired" if isinstance(error, ExpiredTokenError) else "invalid"


def _claims_of(user: User) -> dict[str, str | None]:
    return {
        "organization_id": user.organization_id,
        "role": user.role.value,
        # Changes with the password, and with it every older token ends.
        "session": user.get_session_auth_hash(),
    }


def owner_of(token: tokens.Token) -> User:
    """The active user the token was issued to.

    Raises ``InvalidCredential`` where the user is gone or deactivated, has moved to another
    organization or has another password since.
    """
    user: User | None = User.objects.filter(pk=str(token.get("user_id", ""))).first()
    if (
        user is None
        or not user.is_active
        or token.get("organization_id") != user.organization_id
        or not _is_of_the_session(token, user)
    ):
        raise refused(f"{token.token_type}_token", "ended", user=user.pk if user else None)
    return user


def _is_of_the_session(token: tokens.Token, user: User) -> bool:
    # As Django does for sessions: a changed SECRET_KEY ends none while the former one is known.
    known = chain([user.get_session_auth_hash()], user.get_session_auth_fallback_hash())
    claim = str(token.get("session"))
    return any(constant_time_compare(claim, session) for session in known)


class AccessToken(SignedByTheRing, tokens.AccessToken):
    """A short-lived JWT that says who calls. The role is a claim for the client's eyes only: the
    service reads it from the database at each request."""

    @classmethod
    def for_user(cls, user: Any) -> "AccessToken":
        """A token for ``user``, with their organization and role."""
        token = super().for_user(user)
        token.payload.update(_claims_of(user))
        return token


class RefreshToken(SignedByTheRing, tokens.RefreshToken):
    """A JWT that buys one new pair of tokens.

    The library keeps issued refresh tokens in clear; here only their ids are stored, so that who
    reads the database cannot sign in with what is found there.
    """

    access_token_class = AccessToken

    @classmethod
    def for_user(cls, user: Any) -> "RefreshToken":
        """A token for ``user``, recorded as issued."""
        token = cls()
        token.payload.update(user_id=user.pk, **_claims_of(user))
        OutstandingToken.objects.create(
            user=user,
            jti=token["jti"],
            token="",
            created_at=token.current_time,
            expires_at=datetime_from_epoch(token["exp"]),
        )
        return token

    def check_blacklist(self) -> None:
        """Refuse a token that was used: whoever comes with it has it from somewhere."""
        try:
            super().check_blacklist()
        except TokenError:
            raise self._reused() from None

    def _reused(self) -> InvalidCredential:
        log_event(SecurityEvent.REFRESH_TOKEN_REUSED, user=self.get("user_id"))
        return InvalidCredential()

    def revoke(self) -> None:
        """End the token. Raises ``InvalidCredential`` if it was ended before: of two calls with
        one token only one succeeds."""
        try:
            with transaction.atomic():
                issued = OutstandingToken.objects.get(jti=self["jti"])
                BlacklistedToken.objects.create(token=issued)
        except OutstandingToken.DoesNotExist:
            raise refused("refresh_token", "unknown", user=self.get("user_id")) from None
        except IntegrityError:
            raise self._reused() from None


def issue_pair(user: User) -> dict[str, str]:
    """Sign ``user`` in: a fresh access and refresh token under the API's names."""
    return {
        "token": str(AccessToken.for_user(user)),
        "refreshToken": str(RefreshToken.for_user(user)),
    }


def read_refresh_token(raw: str) -> tuple[RefreshToken, User]:
    """A live refresh token and its owner; raises ``InvalidCredential`` for any other text."""
    try:
        token = RefreshToken(raw)  # type: ignore[arg-type]
    except TokenError as error:
        raise refused("refresh_token", reason_of(error)) from None
    return token, owner_of(token)
