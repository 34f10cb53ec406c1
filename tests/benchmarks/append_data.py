"""``python -m tests.benchmarks.append_data VISITORS``: conversations to write in, for ``append``.

It adds them to the database of ``DATABASE_URL``, which ``tests.benchmarks.dataset`` has filled, and
prints their webchat, ids and tokens as JSON. A representative answers in each of them.
"""

import json
import os
import secrets
import sys
from datetime import timedelta
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.utils import timezone  # noqa: E402

from organizations.models import User  # noqa: E402
from webchats.conversations.models import Contact, Conversation, Message  # noqa: E402
from webchats.conversations.sessions import Session  # noqa: E402
from webchats.models import Webchat  # noqa: E402


def fill(visitors: int) -> dict[str, Any]:
    """Insert a conversation for each visitor, with one message, in a webchat of the first tenant.

    Assignees are in the order of the access tokens that ``tests.benchmarks.tokens`` prints.
    """
    now = timezone.now()
    webchat = Webchat.objects.filter(organization__name="Organization 0", is_enabled=True)[0]
    owner: Any = {"organization_id": webchat.organization_id}
    members = list(User.objects.filter(**owner).order_by("pk"))
    contacts = [
        Contact(
            webchat=webchat, name=f"Visitor {number}", first_seen_at=now, last_seen_at=now, **owner
        )
        for number in range(visitors)
    ]
    Contact.objects.bulk_create(contacts)
    conversations = [
        Conversation(
            webchat=webchat,
            contact=contact,
            # Not those of the first attempt, whose conversations are open.
            visitor_id=secrets.token_hex(16),
            handler="rep",
            assignee=members[number % len(members)],
            last_sequence=1,
            last_message_at=now,
            last_message_author="visitor",
            **owner,
        )
        for number, contact in enumerate(contacts)
    ]
    Conversation.objects.bulk_create(conversations)
    Message.objects.bulk_create(
        Message(conversation=row, sequence=1, author="visitor", text="Hello", **owner)
        for row in conversations
    )
    origin, end = webchat.allowed_domains[0], now + timedelta(days=7)
    return {
        "webchat": webchat.pk,
        "conversations": [row.pk for row in conversations],
        "sessions": [
            Session(webchat.pk, row.visitor_id, origin, now, end).token for row in conversations
        ],
    }


if __name__ == "__main__":
    print(json.dumps(fill(int(sys.argv[1]))))
