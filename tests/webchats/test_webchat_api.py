"""The webchat's document over the API."""

import json
from typing import Any

import pytest

from organizations.models import User
from tests import factories
from webchats.models import Webchat


@pytest.mark.django_db
def test_an_admin_creates_a_webchat(api: Any, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization)
    body = {
        "name": "x",
        "backgroundColor": "#fff",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": prompt.pk,
        "allowedDomains": [],
        "initialStage": "new",
    }
    answer = api(admin).post("/api/webchats", body)
    assert answer.status_code == 201, json.dumps(answer.json())
    assert Webchat.objects.get().background_color == "#ffffff"
