"""API keys: long-lived credentials for machines."""

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
    """A long-lived credential for a machine.

    Requests with the key are made as ``user``. Deleting or deactivating the user ends the key.
    Only a SHA-256 digest of the secret is stored. A slow hash, as for passwords, is not needed: the
    secret has 256 random bits.
    """

    SECRET_PREFIX = API_KEY_PREFIX

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    user_id: str
    name = TrimmedCharField(max_length=NAME_LENGTH)
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    #: The secret of a key that ``generate_secret`` was called on. It is not a column.
    secret: str | None = None

    class Meta:
        verbose_name = "API key"
        verbose_name_plural = "API keys"
        ordering = ("-created_at", "-id")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def hash_secret(secret: str) -> str:
        """Return the SHA-256 digest of ``secret``, in hexadecimal."""
        return hashlib.sha256(secret.encode()).hexdigest()

    def generate_secret(self) -> None:
        """Set ``secret`` to a new random secret, with its ``prefix`` and ``digest``."""
        self.secret = self.SECRET_PREFIX + secrets.token_urlsafe(32)
        self.prefix, self.digest = self.secret[:12], self.hash_secret(self.secret)

    def clean(self) -> None:
        """Reject a new key that has already expired."""
        if self._state.adding and self.is_expired():
            raise ValidationError({"expires_at": ValidationError("Must be in the future.", "past")})

    def is_expired(self) -> bool:
        """Return whether ``expires_at`` has passed; a key without it never expires."""
        return self.expires_at is not None and self.expires_at <= timezone.now()
