"""What the benchmark ``inbox_reps`` does in a process of the service.

``python -m tests.benchmarks.inbox_traffic seed REPS CONVERSATIONS`` creates an organization, and
prints the cookies of its representatives and the ids of its conversations as JSON.
``… send WEBCHAT CONVERSATIONS RATE SECONDS`` stores messages of visitors, as the web process does,
and prints their number.
"""

import json
import os
import random
import sys
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

from django.conf import settings  # noqa: E402 - after django.setup()
from django.utils import timezone  # noqa: E402
from django.utils.crypto import get_random_string  # noqa: E402

from tests.support import factories  # noqa: E402
from tests.support.clients import log_in  # noqa: E402
from webchats.conversations import services  # noqa: E402
from webchats.conversations.models import Conversation, Message  # noqa: E402
from webchats.models import Webchat  # noqa: E402

#: Messages of a conversation before the measurement.
MESSAGES = 40


def seed(reps: int, conversations: int) -> dict[str, object]:
    """Create open conversations that wait for a person, and representatives."""
    user = factories.UserFactory.create(email="admin@shop.example")
    webchat = factories.WebchatFactory.create(user=user)
    ids = []
    for number in range(conversations):
        _send(webchat, number, "Where is my order?")
        ids.append(Conversation.objects.get(webchat=webchat, visitor_id=f"{number:032x}").pk)
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            conversation_id=pk,
            organization_id=webchat.organization_id,
            sequence=sequence,
            author="visitor" if sequence % 2 else "rep",
            text="I ordered the green tent two weeks ago, and it has not arrived yet.",
            created_at=now - timedelta(minutes=MESSAGES - sequence),
        )
        for pk in ids
        for sequence in range(2, MESSAGES + 1)
    )
    Conversation.objects.filter(pk__in=ids).update(last_sequence=MESSAGES)
    cookies = []
    for number in range(reps):
        rep = factories.UserFactory.create(
            email=f"rep{number}@shop.example",
            organization=user.organization,
            access_role="SALES_REP",
        )
        name = settings.SESSION_COOKIE_NAME
        cookies.append({name: log_in(rep).cookies[name].value})
    return {"webchat": webchat.pk, "conversations": ids, "cookies": cookies}


def send(webchat_id: str, conversations: int, rate: float, seconds: float) -> dict[str, float]:
    """Send ``rate`` messages per second, each in a random one of the first conversations."""
    webchat = Webchat.objects.select_related("organization").get(pk=webchat_id)
    # The same messages in every run.
    source = random.Random(1)
    started = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - started) < seconds:
        if sent >= passed * rate:
            time.sleep(1 / rate / 2)
            continue
        _send(webchat, source.randrange(conversations), "Is there any news about my order?")
        sent += 1
    return {"messages": sent, "seconds": passed}


def _send(webchat: Webchat, number: int, text: str) -> None:
    services.send_visitor_message(
        webchat=webchat,
        visitor_id=f"{number:032x}",
        text=text,
        client_key=get_random_string(32),
        contact={"name": f"Visitor {number}"},
    )


def main() -> None:
    """Run the command of the arguments."""
    command, *arguments = sys.argv[1:]
    if command == "seed":
        reps, conversations = map(int, arguments)
        print(json.dumps(seed(reps, conversations)))
    else:
        webchat_id, count, rate, seconds = arguments
        print(json.dumps(send(webchat_id, int(count), float(rate), float(seconds))))


if __name__ == "__main__":
    main()
