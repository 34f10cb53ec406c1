"""``python -m tests.benchmarks.live_data VISITORS``: visitors with sessions, for ``live``.

It fills the database of ``DATABASE_URL``, which it migrates if it is empty, and prints their ids
and tokens as JSON. Each visitor has a conversation with one message.
"""

import json
import os
import sys
from datetime import timedelta
from typing import Any, Final

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from organizations.models import ApiKey  # noqa: E402
from tests.support import factories  # noqa: E402
from webchats.conversations.models import Contact, Conversation, Message  # noqa: E402
from webchats.conversations.sessions import Session  # noqa: E402
from webchats.models import Webchat  # noqa: E402

SITE: Final = "https://example.com"
_BATCH: Final = 2_000


def fill(visitors: int) -> dict[str, Any]:
    """Insert the rows, and return an API key, the webchat, and id, token and conversation."""
    if Webchat._meta.db_table not in connection.introspection.table_names():
        call_command("migrate", verbosity=0)
    user = factories.UserFactory.create()
    prompt = factories.PromptFactory.create(organization=user.organization, is_active=False)
    webchat = factories.WebchatFactory.create(
        user=user, prompt=prompt, allowed_domains=["example.com", "*.example.org"]
    )
    key = ApiKey(organization=user.organization, user=user, name="Benchmark")
    key.generate_secret()
    key.save()
    return {
        "key": key.secret,
        "webchat": webchat.pk,
        "visitors": [
            row for start in range(0, visitors, _BATCH) for row in _add(webchat, start, visitors)
        ],
    }


def _add(webchat: Webchat, start: int, visitors: int) -> list[dict[str, str]]:
    now, numbers = timezone.now(), range(start, min(start + _BATCH, visitors))
    owner: Any = {"organization": webchat.organization}
    contacts = [
        Contact(webchat=webchat, first_seen_at=now, last_seen_at=now, **owner) for _ in numbers
    ]
    Contact.objects.bulk_create(contacts)
    conversations = [
        Conversation(
            webchat=webchat,
            contact=contact,
            visitor_id=f"{number:032x}",
            handler="waiting",
            last_sequence=1,
            last_message_at=now,
            last_message_author="visitor",
            **owner,
        )
        for number, contact in zip(numbers, contacts, strict=True)
    ]
    Conversation.objects.bulk_create(conversations)
    # As those of most visitors who have a panel open.
    ids = [row.pk for row in conversations]
    Conversation.objects.filter(pk__in=ids).update(updated_at=now - timedelta(hours=1))
    Message.objects.bulk_create(
        Message(conversation=row, sequence=1, author="visitor", text="Hello", **owner)
        for row in conversations
    )
    return [
        {
            "visitor": row.visitor_id,
            "conversation": row.pk,
            "token": Session(webchat.pk, row.visitor_id, SITE, now, now + timedelta(days=7)).token,
        }
        for row in conversations
    ]


if __name__ == "__main__":
    print(json.dumps(fill(int(sys.argv[1]))))
