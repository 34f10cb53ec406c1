"""Signing in by e-mail and password, the same for the API and for the staff's site."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from webchat_project.observability.security_log import (
    SecurityEvent,
    account_digest,
    log_event,
)


class PasswordBackend(ModelBackend):
    """Django's own, which tells the log what came of each attempt."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **options: Any,
    ) -> Any:
        """The active user with this e-mail address and password, or ``None``."""
        user: Any = super().authenticate(request, username, password, **options)
        if user is not None:
            log_event(SecurityEvent.SIGNED_IN, user=user.pk, organization=user.organization_id)
        elif username:
            log_event(SecurityEvent.SIGN_IN_FAILED, account=account_digest(username))
        return user
