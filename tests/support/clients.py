"""Test clients that are authenticated as a user."""

from typing import Any

from django.test import Client
from rest_framework.test import APIClient

from organizations.auth.tokens import AccessToken
from organizations.models import User


def token_client(user: User | None, **options: Any) -> APIClient:
    """Return a client of the API that sends an access token of the user, or none without a user.

    ``options`` are the arguments of ``APIClient``.
    """
    client = APIClient(**options)
    if user is not None:
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {AccessToken.for_user(user)}")
    return client


def log_in(user: User) -> Client:
    """Return a client with a session of the user, as the admin site requires."""
    client = Client()
    client.force_login(user)
    return client
