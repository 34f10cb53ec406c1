"""The credentials of staff: access tokens, staff tokens and API keys."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework_simplejwt.utils import datetime_from_epoch

from organizations.auth.authentication import BearerAuthentication
from organizations.auth.roles import Operation, role_allows
from organizations.auth.tokens import AccessToken, get_unrevoked_user
from organizations.models import ApiKey, User
from webchats.conversations.live.tokens import PREFIX, parse_staff_token
from webchats.conversations.models import Conversation


@dataclass(frozen=True, slots=True)
class StaffCredential:
    """A valid credential of a user who may see conversations."""

    user: User
    #: ``None`` for an API key, whose expiry ``load_user`` checks.
    expires_at: datetime | None
    #: Return the user as they are now, or raise ``AuthenticationFailed``.
    load_user: Callable[[], User]

    @property
    def is_api_key(self) -> bool:
        """Whether a machine uses the credential."""
        return self.expires_at is None

    def is_valid(self) -> bool:
        """Return whether the credential is still valid for the same organization."""
        if self.expires_at is not None and self.expires_at <= timezone.now():
            return False
        try:
            user = self.load_user()
        except AuthenticationFailed:
            return False
        return user.organization_id == self.user.organization_id and _may_view(user)


def authenticate(bearer_token: str) -> StaffCredential:
    """Return the credential of a request.

    Raise ``NotAuthenticated``, ``InvalidCredential``, or ``PermissionDenied`` if the role does not
    allow to see conversations.
    """
    if not bearer_token:
        raise NotAuthenticated
    if bearer_token.startswith(ApiKey.SECRET_PREFIX):
        credential = _from_api_key(bearer_token)
    elif bearer_token.startswith(PREFIX):
        credential = _from_token(parse_staff_token(bearer_token))
    else:
        credential = _from_token(AccessToken.parse(bearer_token))
    if not _may_view(credential.user):
        raise PermissionDenied
    return credential


def _may_view(user: User) -> bool:
    return role_allows(user.role, Operation.VIEW, Conversation)


def _from_token(token: AccessToken) -> StaffCredential:
    def load_user() -> User:
        return get_unrevoked_user(token)

    return StaffCredential(load_user(), datetime_from_epoch(token["exp"]), load_user)


def _from_api_key(secret: str) -> StaffCredential:
    def load_user() -> User:
        # The only attribute that the class uses.
        request: Any = SimpleNamespace(headers={"Authorization": f"Bearer {secret}"})
        authenticated = BearerAuthentication().authenticate(request)
        assert authenticated is not None
        return authenticated[0]

    return StaffCredential(load_user(), None, load_user)
