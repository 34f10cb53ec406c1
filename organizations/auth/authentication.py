"""Authentication of API requests: ``Authorization: Bearer <token>``, a JWT or an API key."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError

from organizations.auth.tokens import AccessToken, owner_of, reason_of, refused
from organizations.models import ApiKey, User

#: ``last_used_at`` is as exact as this, so that a busy key does not cost a write per request.
LAST_USED_PRECISION = timedelta(minutes=1)


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
            raise refused("access_token", reason_of(error)) from None
        return owner_of(token), token

    def _by_api_key(self, secret: str) -> tuple[User, ApiKey]:
        keys = ApiKey.objects.select_related("user")
        key: ApiKey | None = keys.filter(digest=ApiKey.digest_of(secret)).first()
        if (
            key is None
            or key.is_expired()
            or not key.user.is_active
            or key.user.organization_id != key.organization_id
        ):
            reason = "ended" if key else "invalid"
            raise refused("api_key", reason, api_key=key.pk if key else None)
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at >= LAST_USED_PRECISION:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key
