"""Refresh tokens (JWT): exchanged once, revoked as a family."""

from typing import Self, TypedDict
from uuid import uuid4

from django.db import IntegrityError, transaction
from rest_framework_simplejwt import tokens
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.utils import datetime_from_epoch

from organizations.auth.tokens import (
    AccessToken,
    InvalidCredential,
    UserToken,
    invalid_credential,
)
from organizations.models import User
from webchat_project.observability.security_log import SecurityEvent, log_event


class RefreshToken(UserToken, tokens.RefreshToken):
    """A JWT that can be exchanged once for a new pair of tokens.

    The tokens of one sign-in are a family. Their ``jti`` begins with the id of the family and a
    dot. A token that is used twice was probably stolen, so it ends the whole family (RFC 9700,
    section 4.14.2).
    """

    access_token_class = AccessToken

    @classmethod
    def for_user(cls, user: tokens.AuthUser, family: str = "") -> Self:
        """Return a new token for ``user`` and store its id as outstanding.

        ``family`` is that of the token it replaces, or empty for a new sign-in.

        ``BlacklistMixin.for_user`` would store the signed token, with which anyone who reads the
        database could sign in.
        """
        assert isinstance(user, User)
        token = super(tokens.BlacklistMixin, cls).for_user(user)
        token["jti"] = f"{family or uuid4().hex}.{token['jti']}"
        token.add_claims(user)
        OutstandingToken.objects.create(
            user=user,
            jti=token["jti"],
            token="",
            created_at=token.current_time,
            expires_at=datetime_from_epoch(token["exp"]),
        )
        return token

    @property
    def family(self) -> str:
        """Return the id that the tokens of one sign-in share."""
        family, _, _ = str(self["jti"]).partition(".")
        return family

    def check_blacklist(self) -> None:
        """Raise ``InvalidCredential`` for a token that was used before, and end its family."""
        try:
            super().check_blacklist()
        except TokenError:
            raise self._reused() from None

    def exchange(self, user: User) -> "TokenPair":
        """Revoke the token and return a new pair of the same family.

        If no pair can be issued, the token stays valid. Raises as ``revoke`` does.
        """
        try:
            with transaction.atomic():
                self._blacklist()
                return issue_token_pair(user, self.family)
        except _AlreadyRevoked:
            # Outside of the transaction, which is rolled back.
            raise self._reused() from None

    def revoke(self) -> None:
        """Blacklist the token.

        Raise ``InvalidCredential`` if it was never issued or is blacklisted already: of concurrent
        calls with one token, only one succeeds, and the others end the family.
        """
        try:
            self._blacklist()
        except _AlreadyRevoked:
            raise self._reused() from None

    def _blacklist(self) -> None:
        try:
            with transaction.atomic():
                issued = OutstandingToken.objects.get(jti=self["jti"])
                BlacklistedToken.objects.create(token=issued)
        except OutstandingToken.DoesNotExist:
            raise invalid_credential("refresh_token", "unknown", user=self["user_id"]) from None
        except IntegrityError:
            raise _AlreadyRevoked from None

    def _reused(self) -> InvalidCredential:
        log_event(SecurityEvent.REFRESH_TOKEN_REUSED, user=self["user_id"])
        valid = OutstandingToken.objects.filter(
            jti__startswith=f"{self.family}.", blacklistedtoken=None
        )
        # The insert waits for an exchange in progress, whose new token the next query finds.
        while issued := list(valid.all()):
            revoked = [BlacklistedToken(token=token) for token in issued]
            BlacklistedToken.objects.bulk_create(revoked, ignore_conflicts=True)
        return InvalidCredential()


class _AlreadyRevoked(Exception):
    """The refresh token is blacklisted."""


class TokenPair(TypedDict):
    """An access token and a refresh token, under their names in the API."""

    token: str
    refreshToken: str


def issue_token_pair(user: User, family: str = "") -> TokenPair:
    """Return a new access token and a new refresh token for ``user``.

    ``family`` is that of the refresh token which they replace, or empty for a new sign-in.
    """
    return {
        "token": str(AccessToken.for_user(user)),
        "refreshToken": str(RefreshToken.for_user(user, family)),
    }
