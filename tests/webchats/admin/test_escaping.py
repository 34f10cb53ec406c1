"""Hostile strings on the pages of a webchat."""

import pytest
from django.test import Client
from django.utils.html import escape

from organizations.models import User
from tests.webchats.admin.pages import ADD, LIST, PREVIEW, FormData
from webchats.models import Webchat

pytestmark = pytest.mark.django_db


HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe",
    "😀" * 20,
    "w" * 1000,
    "{{ 7*7 }}{% now 'Y' %}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_are_escaped_on_every_page(
    session_client: Client, admin: User, form_data: FormData, text: str
) -> None:
    session_client.post(ADD, form_data(name=text[:120], description=text, starter_message=text))
    webchat = Webchat.objects.get()
    pages = (
        LIST,
        "/admin/",
        *(f"{LIST}{webchat.pk}/{page}/" for page in ("change", "history", "delete")),
    )
    for page in pages:
        response = session_client.get(page)
        assert response.status_code == 200
        assert b"<script>alert" not in response.content
        assert b"<img src=x" not in response.content
    assert escape(text[:120]) in session_client.get(LIST).content.decode()
    preview = session_client.post(PREVIEW, form_data(starter_message=text)).json()
    assert "<script>alert" not in preview["html"]
    assert "<img src=x" not in preview["html"]
