"""The demo: the command ``manage.py demo``, its rows and its sample site."""

import json
import os
import re
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from django.test import Client
from django.utils import timezone

from organizations.jobs import queue
from organizations.models import Prompt, Stage
from tests.support import event_loops
from tests.support.demo import run_demo, running_demo
from webchats import demo, examples
from webchats.conversations.demo import seed_conversations
from webchats.conversations.demo_canned_replies import seed_canned_replies
from webchats.conversations.demo_knowledge import ANSWERS, seed_knowledge
from webchats.conversations.knowledge.builtin import find_best
from webchats.conversations.knowledge.phrases import refusal
from webchats.conversations.knowledge.selection import select_sources
from webchats.conversations.models import (
    CannedReply,
    Contact,
    Conversation,
    KnowledgeEntry,
    Message,
)
from webchats.conversations.replies.engine import make_reply
from webchats.conversations.services import send_visitor_message
from webchats.demo_shop import (
    BOOTS,
    EXAMPLE_QUESTIONS,
    OPENING_HOURS,
    PACK,
    PACK_SIZE,
    RETURN_DAYS,
    SHIPPING,
    TENT,
)
from webchats.models import Webchat


def rows() -> str:
    """Return all rows of the project as JSON."""
    output = StringIO()
    call_command("dumpdata", "organizations", "webchats", stdout=output)
    return output.getvalue()


def without_token(output: str) -> str:
    return re.sub(r"Bearer [\w.-]+", "Bearer …", output)


@pytest.fixture(scope="module")
def demo_process() -> Iterator[ExitStack]:
    """What ends the running demo when it is closed."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
def served(demo_process: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The address of a running demo, and its output."""
    return demo_process.enter_context(running_demo(tmp_path_factory.mktemp("demo")))


@pytest.mark.django_db
def test_seeding_twice_changes_nothing(settings: Any) -> None:
    settings.DEBUG = True
    first, second = StringIO(), StringIO()
    call_command("demo", "--seed-only", stdout=first)
    before = rows()
    call_command("demo", "--seed-only", stdout=second)
    assert "The demo is ready." in first.getvalue()
    assert without_token(second.getvalue()) == without_token(first.getvalue())
    assert rows() == before
    assert examples.PROMPT_ID in before
    assert demo.WEBCHAT_ID in before


@pytest.mark.django_db
def test_seeding_creates_a_deleted_webchat_again() -> None:
    demo.seed()
    Webchat.objects.all().delete()
    Stage.objects.update(is_active=False)
    demo.seed()
    assert Webchat.objects.get().pk == demo.WEBCHAT_ID


@pytest.mark.django_db
def test_seeding_creates_no_webchat_with_an_inactive_prompt() -> None:
    demo.seed()
    Webchat.objects.all().delete()
    Prompt.objects.update(is_active=False)
    demo.seed()
    assert not Webchat.objects.exists()


@pytest.mark.django_db
def test_the_inbox_of_the_demo_has_conversations() -> None:
    user = demo.seed()
    for _ in range(2):
        seed_conversations(user)
    conversations = Conversation.objects.for_user(user)
    assert conversations.count() == 4
    assert {conversations.open().count(), conversations.waiting().count()} == {3, 2}
    assert all(row.last_message_at <= timezone.now() for row in conversations)


@pytest.mark.django_db
def test_the_board_of_the_demo_has_contacts_in_every_stage() -> None:
    user = demo.seed()
    for _ in range(2):
        seed_conversations(user)
    contacts = Contact.objects.for_user(user)
    by_stage = contacts.values_list("stage__name").annotate(Count("pk")).order_by("stage__position")
    assert list(by_stage) == [("New", 4), ("Qualified", 3), ("Won", 2)]
    for contact in contacts:
        moves = list(contact.moves.order_by("to_stage__position"))
        times = [move.at for move in moves]
        assert times == sorted(times)
        assert (contact.first_seen_at, contact.stage_entered_at) == (times[0], times[-1])
        change = contact.history.latest()
        assert (change.history_date, change.history_user) == (times[-1], moves[-1].moved_by)


@pytest.mark.django_db
def test_a_demo_without_its_webchat_has_no_conversations() -> None:
    user = demo.seed()
    Webchat.objects.all().delete()
    seed_conversations(user)
    assert not Conversation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_widget_of_the_demo_answers_and_calls_a_person_after_two_unknown_questions(
    settings: Any,
) -> None:
    settings.AI_DEBOUNCE_SECONDS = 0
    user = demo.seed()
    for _ in range(2):
        seed_conversations(user)
        seed_knowledge(user)
        seed_canned_replies(user)
    assert CannedReply.objects.for_user(user).count() == 5
    assert KnowledgeEntry.objects.for_user(user).count() == len(ANSWERS)
    # Nobody has asked for answers in the sample conversations.
    assert queue.claim(["reply"]) == []
    webchat = Webchat.objects.get()

    def ask(text: str) -> Message:
        sent = send_visitor_message(
            webchat=webchat, visitor_id="f" * 32, text=text, client_key=text
        ).message
        (job,) = queue.claim(["reply"])
        event_loops.run(make_reply(job))
        queue.complete(job)
        last = Message.objects.filter(conversation=sent.conversation, sequence__gt=sent.sequence)
        return last.latest("sequence")

    assert "two to three working days" in ask("How long does the delivery take?").text
    unknown = ask("Who won the match yesterday?")
    assert (unknown.author, unknown.text) == ("ai", refusal("en"))
    assert ask("What is the capital of France?").event == "handed_over"


#: What a visitor of the sample site asks, and a part of the answer.
QUESTIONS = {
    "Is the ridge tent waterproof?": "keeps rain and wind out",
    "waterproof?": "keeps rain and wind out",
    "How much does the ridge tent weigh?": TENT.weight,
    "What does the tent cost?": TENT.price,
    "how much for the tent": TENT.price,
    "Price of the ridge 2?": TENT.price,
    "Does it fit 3 people?": "for two people",
    "How do I set up the tent?": "puts it up in four minutes",
    "What tents do you sell?": TENT.name,
    "How heavy is the alpine pack?": PACK.weight,
    "How much is the backpack?": PACK.price,
    "Can I use the Alpine 45 on a plane?": PACK_SIZE,
    "Are the boots waterproof?": "feet dry",
    "How much do the trail boots cost?": BOOTS.price,
    "Which sizes do you have for the boots?": "sizes 36 to 48",
    "Do you resole my boots for free?": "for free",
    "How do I return it?": f"within {RETURN_DAYS} days",
    "Can I send it back?": f"within {RETURN_DAYS} days",
    "When will I get my refund?": "three working days after",
    "Where is my order?": "follows the parcel",
    "My package has not arrived yet": "follows the parcel",
    "Can I cancel my order?": "until we send it",
    "When will it be delivered?": "two to three working days",
    "How long is shipping?": "two to three working days",
    "How much is shipping?": SHIPPING,
    "Do you deliver to Norway?": "every country",
    "Do you ship to Switzerland?": "every country",
    "Can I pay with PayPal?": "bank transfer",
    "Is there a warranty?": "free for two years",
    "Do you have it in green?": "green",
    "Is the tent in stock?": "in stock",
    "Where is your store?": OPENING_HOURS,
    "When are you open?": OPENING_HOURS,
}


@pytest.mark.django_db
def test_the_demo_answers_questions_about_its_sample_site(client: Client, settings: Any) -> None:
    settings.DEBUG = True
    user = demo.seed()
    seed_knowledge(user)
    prompt = Prompt.objects.get()

    def answer(question: str) -> str:
        source = find_best(select_sources(prompt, question), question)
        return source.answer if source else ""

    answers = {question: (answer(question), part) for question, part in QUESTIONS.items()}
    wrong = {key: both for key, both in answers.items() if both[1] not in both[0]}
    assert wrong == {}
    assert answer("Who won the match yesterday?") == ""
    page = client.get("/demo").content.decode()
    assert all(question in page and answer(question) for question in EXAMPLE_QUESTIONS)


def test_every_printed_address_works(served: tuple[str, str]) -> None:
    address, output = served
    urls = re.findall(r"^ .* (http://\S+)$", output, re.MULTILINE)
    paths = ["/admin/", "/admin/inbox/", "/demo", "/api/docs"]
    assert urls == [address + path for path in paths]
    for url in (*urls, f"{address}/"):
        with urllib.request.urlopen(url, timeout=10) as response:
            assert response.status == 200, url


def test_printed_curl_command_creates_the_documented_webchat(served: tuple[str, str]) -> None:
    address, output = served
    if shutil.which("curl") is None:
        assert "CI" not in os.environ, "curl is not installed"
        pytest.skip("curl is not installed")
    command = output[output.index("curl --request POST") :].split("\n'\n")[0] + "\n'"
    assert f"--url {address}/api/webchats" in command
    response = subprocess.run(
        ["bash", "-c", f"{command} --silent --write-out '\n%{{http_code}}'"],
        capture_output=True,
        text=True,
        check=True,
    )
    body, status = response.stdout.rsplit("\n", 1)
    assert status == "201", response.stdout
    stored = json.loads(body)
    assert stored["message"] == "Webchat configuration created"
    assert stored["data"].keys() == examples.DOCUMENT.keys()
    assert stored["data"].items() >= examples.REQUEST.items()


# The last test with ``served``, as it ends the demo.
def test_a_message_and_its_answer_arrive_on_a_stream_which_ends_with_the_demo(
    served: tuple[str, str], demo_process: ExitStack
) -> None:
    address, _ = served
    widget = f"{address}/widget/{demo.WEBCHAT_ID}"
    ticket = post_json(f"{widget}/ticket", {}, Origin=address)["ticket"]
    token = post_json(f"{widget}/session", {"ticket": ticket})["token"]
    authorization = {"Authorization": f"Bearer {token}"}
    stream = urllib.request.urlopen(
        urllib.request.Request(f"{address}/live/widget/{demo.WEBCHAT_ID}", None, authorization),
        timeout=30,
    )
    post_json(f"{widget}/messages", {"clientKey": "1", "text": "Hello"}, **authorization)
    lines = iter(stream.readline, b"event: state\n")
    assert any(b'"text":"Hello"' in line for line in lines)
    # The worker answers in the same process.
    assert any(b'"author":"ai"' in line for line in stream)
    demo_process.close()
    assert b'data: {"reason":"shutdown"}' in stream.read()


def post_json(url: str, body: dict[str, str], **headers: str) -> Any:
    content = json.dumps(body).encode()
    headers["Content-Type"] = "application/json"
    with urllib.request.urlopen(urllib.request.Request(url, content, headers)) as response:
        return json.load(response)


def test_a_taken_port_is_reported_before_anything_is_printed(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run_demo(tmp_path, "--port", str(port))
    assert (result.returncode, result.stdout) == (1, "")
    message = f"CommandError: Port {port} is already in use. Choose another one: --port 8080.\n"
    assert result.stderr == message
    assert not (tmp_path / "demo.sqlite3").exists()


@pytest.mark.parametrize("port", ["0", "99999"])
def test_a_port_that_does_not_exist_is_refused(settings: Any, port: str) -> None:
    settings.DEBUG = True
    # Without the marker, a query would fail.
    with pytest.raises(CommandError, match=r"^--port must be between 1 and 65535\.$"):
        call_command("demo", "--port", port)


def test_demo_refuses_to_run_in_production(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(CommandError, match="requires DEBUG"):
        call_command("demo", "--seed-only")


@pytest.mark.django_db
def test_only_development_has_the_sample_site(settings: Any) -> None:
    demo.seed()
    assert Client().get("/demo").status_code == 404
    settings.DEBUG = True
    assert demo.WEBCHAT_ID in Client().get("/demo").content.decode()


@pytest.mark.django_db
def test_the_sample_site_explains_why_it_shows_no_widget(settings: Any) -> None:
    settings.DEBUG = True
    demo.seed()
    Webchat.objects.update(is_enabled=False)
    assert "is disabled" in Client().get("/demo").content.decode()
    Webchat.objects.all().delete()
    page = Client().get("/demo").content.decode()
    assert "was deleted" in page
    assert "<script" not in page
