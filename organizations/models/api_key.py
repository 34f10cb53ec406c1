"""API keys: long-lived credentials of machines."""

import hashlib
import secrets

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.models.user import User
from organizations.tenancy.models import TenantModel
from webchat_project.observability.redaction import API_KEY_PREFIX


class ApiKey(TenantModel):
    """A long-lived credential of a machine. It acts as ``user`` and dies with them.

    The secret is random enough (256 bits) that a plain SHA-256 digest, and one indexed look-up,
    are safe: slow hashes are for passwords that people choose.
    """

    SECRET_PREFIX = API_KEY_PREFIX

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    user_id: str
    name = TrimmedCharField(max_length=NAME_LENGTH)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(secret: str) -> str:
        """What is stored instead of ``secret``."""
        return hashlib.sha256(secret.encode()).hexdigest()

    def set_new_secret(self) -> str:
        """Give the unsaved key a secret and return it: it cannot be had a second time."""
        secret = self.SECRET_PREFIX + secrets.token_urlsafe(32)
        self.prefix, self.digest = secret[:12], self.digest_of(secret)
        return secret

    def clean(self) -> None:
        """Refuse a new key that could never be used."""
        if self._state.adding and self.is_expired():
            raise ValidationError({"expires_at": ValidationError("Must be in the future.", "past")})

    def is_expired(self) -> bool:
        """Whether ``expires_at`` has passed; a key without one does not expire."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
