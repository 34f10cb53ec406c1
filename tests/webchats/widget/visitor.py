"""Requests of a visitor's browser to the widget's public endpoints, without cookies."""

from typing import Final

from django.http import HttpResponse
from django.test import Client

from webchats.models import Webchat

#: A page on an allowed domain of the webchats in these tests.
SITE: Final = "https://shop.example.com"
ALLOWED_DOMAINS: Final = ["shop.example.com"]

#: All public endpoints, to be formatted with the id of a webchat.
PATHS: Final = ("/embed.js", "/widget/{}/config", "/widget/{}")


def get_config(webchat: Webchat, **headers: str) -> HttpResponse:
    """Request the public configuration."""
    return get(f"/widget/{webchat.pk}/config", **headers)


def get_frame(webchat: Webchat, **headers: str) -> HttpResponse:
    """Request the page in the iframe."""
    return get(f"/widget/{webchat.pk}", **headers)


def get(path: str, **headers: str) -> HttpResponse:
    """Send a GET request of an anonymous visitor."""
    response = Client().get(path, headers=headers)
    assert isinstance(response, HttpResponse)
    return response
