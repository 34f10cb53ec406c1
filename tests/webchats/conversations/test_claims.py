"""Two representatives who claim a conversation at the same time."""

from typing import Any

import pytest

from organizations.models import User
from tests.support.clients import log_in, token_client
from tests.support.threads import run_at_once
from tests.webchats.conversations.inbox.conftest import write
from webchats.conversations.models import Message
from webchats.models import Webchat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("claim", ["take over", "assign to me"])
def test_one_of_two_claims_wins_and_the_other_one_gets_409(
    webchat: Webchat, rep: User, admin: User, claim: str
) -> None:
    conversation = write(webchat)
    reps = [rep, admin]
    sessions = [log_in(user) for user in reps]

    def act(number: int) -> Any:
        if claim == "take over":
            path = f"/api/conversations/{conversation.pk}/take-over"
            return token_client(reps[number]).post(path)
        values = {"assignee": reps[number].pk, "former": ""}
        path = f"/admin/inbox/{conversation.pk}/assign/"
        return sessions[number].post(path, values, headers={"HX-Request": "true"})

    responses = run_at_once(2, act)
    winner, loser = sorted(range(2), key=lambda number: responses[number].status_code)
    assert [responses[number].status_code for number in (winner, loser)] == [200, 409]
    conversation.refresh_from_db()
    assert conversation.assignee == reps[winner]
    refusal = f"{reps[winner].get_full_name()} is the assignee now."
    assert refusal in responses[loser].content.decode()
    assert Message.objects.filter(event="joined").count() == (claim == "take over")
