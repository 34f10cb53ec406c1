"""Who calls? ``Authorization: Bearer <token>``, where the token is a JWT or an API key."""

from datetime import timedelta
from functools import cache
from itertools import chain
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.exceptions import ExpiredTokenError, TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from organizations.models import ApiKey, User
from organizations.security_events import SecurityEvent, log_event
from organizations.signing_keys import SignedByTheRing
from organizations.statements import RowStatement, Statement, Value, columns_of

#: ``last_used_at`` is as exact as this, so that a busy key does not cost a write per request.
LAST_USED_PRECISION = timedelta(minutes=1)


class InvalidCredential(AuthenticationFailed):
    """Any bad credential: the answer does not tell which part of it was wrong."""

    default_detail = "Invalid or expired token"
    default_code = "invalid_token"


def _refused(kind: str, reason: str = "invalid", **known: str | None) -> InvalidCredential:
    """The error for a bad credential, which the log is told more of than the caller."""
    log_event(SecurityEvent.BAD_CREDENTIAL, kind=kind, reason=reason, **known)
    return InvalidCredential()


def _reason(error: TokenError) -> str:
    return "expired" if isinstance(error, ExpiredTokenError) else "invalid"


def _claims_of(user: User) -> dict[str, str | None]:
    return {
        "organization_id": user.organization_id,
        "role": user.role.value,
        # Changes with the password, and with it every older token ends.
        "session": user.get_session_auth_hash(),
    }


# (Compiled at the first request: the models must be loaded.)
@cache
def _user_statement() -> RowStatement[User]:
    return RowStatement(User.objects.order_by().filter(pk=Value("id")))


@cache
def _key_statement() -> Statement:
    keys = ApiKey.objects.order_by().filter(digest=Value("digest"))
    of_user = (f"user__{name}" for name in columns_of(User))
    return Statement(keys.values_list(*columns_of(ApiKey), *of_user))


def _key_of_digest(digest: str) -> ApiKey | None:
    """The key, with its user."""
    names = columns_of(ApiKey)
    for row in _key_statement().rows(digest=digest):
        key = ApiKey.from_db(None, names, row[: len(names)])
        key.user = User.from_db(None, columns_of(User), row[len(names) :])
        return key
    return None


def _owner_of(token: tokens.Token) -> User:
    """The active user the token was issued to.

    Raises ``InvalidCredential`` where the user is gone or deactivated, has moved to another
    organization or has another password since.
    """
    user = _user_statement().first(id=str(token.get("user_id", "")))
    if (
        user is None
        or not user.is_active
        or token.get("organization_id") != user.organization_id
        or not _is_of_the_session(token, user)
    ):
        raise _refused(f"{token.token_type}_token", "ended", user=user.pk if user else None)
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
            raise _refused("refresh_token", "unknown", user=self.get("user_id")) from None
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
        raise _refused("refresh_token", _reason(error)) from None
    return token, _owner_of(token)


class BearerAuthentication(BaseAuthentication):
    """One query for either kind of credential (and, for a key, one write a minute)."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        """The caller; ``None`` without the header, ``InvalidCredential`` for a bad one."""
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        credential = credential.strip()
        if credential.startswith(ApiKey.SECRET_PREFIX):
            return self._by_api_key(credential)
        return self._by_access_token(credential)

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401 (RFC 6750, section 3)."""
        return 'Bearer realm="api"'

    def _by_access_token(self, raw: str) -> tuple[User, AccessToken]:
        try:
            token = AccessToken(raw)  # type: ignore[arg-type]
        except TokenError as error:
            raise _refused("access_token", _reason(error)) from None
        return _owner_of(token), token

    def _by_api_key(self, secret: str) -> tuple[User, ApiKey]:
        key = _key_of_digest(ApiKey.digest_of(secret))
        if (
            key is None
            or key.is_expired()
            or not key.user.is_active
            or key.user.organization_id != key.organization_id
        ):
            reason = "ended" if key else "invalid"
            raise _refused("api_key", reason, api_key=key.pk if key else None)
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at >= LAST_USED_PRECISION:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key
