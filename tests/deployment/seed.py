"""Fill the database of ``DATABASE_URL`` and print credentials and ids of its rows as JSON.

Usage: ``python -m tests.deployment.seed WEBCHATS``, the number of webchats of each organization.
Rows are created through the API, so that history, refresh tokens and last uses exist as well.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - after django.setup()
from django.test import Client  # noqa: E402

from tests.deployment.service import HOST  # noqa: E402
from tests.support import factories  # noqa: E402

PASSWORD = "a password set before the backup"
REQUIRED = {
    "backgroundColor": "#FFF",
    "primaryColor": "#1F2937",
    "secondaryColor": "#3B82F6",
    "initialStage": "new",
}


def main(webchats: int) -> dict[str, Any]:
    """Create two organizations; return the credentials of one and the ids of its rows.

    Keys: ``email``, ``password``, ``key`` (an API key), ``refresh`` (a refresh token),
    ``webchats`` (ids) and ``body`` (a body for ``POST /api/webchats``, without a name).
    """
    call_command("migrate", verbosity=0)
    factories.SuperuserFactory.create(password=PASSWORD)
    members = [factories.UserFactory.create(password=PASSWORD) for _ in range(2)]
    filled = [_fill_organization(user.email, webchats) for user in members]
    return {"email": members[0].email, "password": PASSWORD, **filled[0]}


def _fill_organization(email: str, webchats: int) -> dict[str, Any]:
    tokens = _post(_client(), "/api/auth/login", {"email": email, "password": PASSWORD})
    client = _client(tokens["token"])
    key = _post(client, "/api/api-keys", {"name": "Machine"})["data"]["key"]
    machine = _client(key)
    prompt = _post(client, "/api/prompts", {"name": "Friendly", "instructions": "Be brief. — ü 🌍"})
    stages = [{"name": "New", "color": "#AABBCC"}, {"name": "Won"}]
    pipeline = _post(client, "/api/pipelines", {"name": "Sales", "stages": stages})["data"]
    ids = [
        _post(
            machine,
            "/api/webchats",
            {
                **REQUIRED,
                "name": f"Shop {position} ‘ö’",
                "promptId": prompt["data"]["_id"],
                "allowedDomains": ["example.com", f"*.shop{position}.example.com"],
                "pipelineId": pipeline["_id"] if position % 2 else None,
            },
        )["data"]["_id"]
        for position in range(webchats)
    ]
    for id_ in ids:
        client.put(f"/api/webchats/{id_}", {"offsetX": 7}, content_type="application/json")
    body = {**REQUIRED, "promptId": prompt["data"]["_id"], "allowedDomains": []}
    return {"key": key, "refresh": tokens["refreshToken"], "webchats": ids, "body": body}


def _client(credential: str = "") -> Client:
    return Client(headers={"host": HOST, "authorization": f"Bearer {credential}"})


def _post(client: Client, path: str, body: Any) -> Any:
    response = client.post(path, body, content_type="application/json")
    assert response.status_code in (200, 201), response.content
    return response.json()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
