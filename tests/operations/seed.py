"""Fill the database of ``DATABASE_URL`` with rows; prints what a caller needs, as JSON.

Usage: ``python -m tests.operations.seed NUMBER``, NUMBER being how many webchats each organization
gets. What it makes goes through the service's own doors, so that histories, refresh tokens and
last uses are there as in real use.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - after the set-up
from django.test import Client  # noqa: E402

from tests.operations.service import HOST  # noqa: E402
from tests.support import factories  # noqa: E402

PASSWORD = "a password of long ago"
REQUIRED = {
    "backgroundColor": "#FFF",
    "primaryColor": "#1F2937",
    "secondaryColor": "#3B82F6",
    "initialStage": "new",
}


def main(number: int) -> dict[str, Any]:
    """Make two organizations and return what one administrator has and knows."""
    call_command("migrate", verbosity=0)
    factories.SuperuserFactory.create(password=PASSWORD)
    members = [factories.UserFactory.create(password=PASSWORD) for _ in range(2)]
    made = [_fill(user.email, number) for user in members]
    return {"email": members[0].email, "password": PASSWORD, **made[0]}


def _fill(email: str, number: int) -> dict[str, Any]:
    """Make an organization's rows over the API; return a key, the webchats' ids and a new body."""
    signed_in = _sent(_client(), "/api/auth/login", {"email": email, "password": PASSWORD})
    client = _client(signed_in["token"])
    key = _sent(client, "/api/api-keys", {"name": "Machine"})["data"]["key"]
    machine = _client(key)
    prompt = _sent(client, "/api/prompts", {"name": "Friendly", "instructions": "Be brief. — ü 🌍"})
    stages = [{"name": "New", "color": "#AABBCC"}, {"name": "Won"}]
    pipeline = _sent(client, "/api/pipelines", {"name": "Sales", "stages": stages})["data"]
    chats = [
        _sent(
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
        for position in range(number)
    ]
    for chat in chats:
        client.put(f"/api/webchats/{chat}", {"offsetX": 7}, content_type="application/json")
    body = {**REQUIRED, "promptId": prompt["data"]["_id"], "allowedDomains": []}
    return {"key": key, "refresh": signed_in["refreshToken"], "webchats": chats, "body": body}


def _client(credential: str = "") -> Client:
    return Client(headers={"host": HOST, "authorization": f"Bearer {credential}"})


def _sent(client: Client, path: str, body: Any) -> Any:
    answer = client.post(path, body, content_type="application/json")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
