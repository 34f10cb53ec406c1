"""Authentication of API requests by ``Authorization: Bearer <token>``."""

from datetime import timedelta
from typing import Final

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from organizations.auth.tokens import AccessToken, get_unrevoked_user, invalid_credential
from organizations.models import ApiKey, User

#: The precision of ``last_used_at``, so that not every request with a key writes to the database.
LAST_USED_PRECISION: Final = timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """Authenticates with an access token (JWT) or an API key, in one query each."""

    def authenticate(self, request: Request) -> tuple[User, AccessToken | ApiKey] | None:
        """Return the user and the credential, or ``None`` without a Bearer header.

        Raise ``InvalidCredential`` for an invalid credential.
        """
        scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        credential = credential.strip()
        if credential.startswith(ApiKey.SECRET_PREFIX):
            return self._authenticate_api_key(credential)
        token = AccessToken.parse(credential)
        return get_unrevoked_user(token), token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 response (RFC 6750, section 3)."""
        return 'Bearer realm="api"'

    def _authenticate_api_key(self, secret: str) -> tuple[User, ApiKey]:
        keys = ApiKey.objects.select_related("user")
        key = keys.filter(digest=ApiKey.hash_secret(secret)).first()
        if key is None:
            raise invalid_credential("api_key", api_key=None)
        if (
            key.is_expired()
            or not key.user.is_active
            or key.user.organization_id != key.organization_id
        ):
            raise invalid_credential("api_key", "ended", api_key=key.pk)
        now = timezone.now()
        if key.last_used_at is None or now - key.last_used_at >= LAST_USED_PRECISION:
            ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        return key.user, key
