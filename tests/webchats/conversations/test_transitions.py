"""The table of transitions, as the documentation of conversations states it."""

import pytest

from webchats.conversations.transitions import TRANSITIONS, Action, Handler, next_handler

AI, WAITING, REP = Handler.AI, Handler.WAITING, Handler.REP


def test_every_action_has_a_row() -> None:
    assert TRANSITIONS.keys() == set(Action)


@pytest.mark.parametrize(
    ("action", "after"),
    [
        # The handler after the action, if it was the AI, nobody, or a representative before.
        (Action.VISITOR_MESSAGE, (AI, WAITING, REP)),
        (Action.REP_MESSAGE, (REP, REP, REP)),
        (Action.TAKE_OVER, (REP, REP, REP)),
        (Action.GIVE_BACK, (AI, AI, AI)),
        (Action.HAND_OVER, (WAITING, WAITING, REP)),
        (Action.ASK_FOR_PERSON, (WAITING, WAITING, REP)),
        (Action.ASSIGNEE_DEACTIVATED, (AI, WAITING, WAITING)),
    ],
)
def test_an_action_leads_to_the_documented_handler(
    action: Action, after: tuple[Handler, Handler, Handler]
) -> None:
    assert tuple(next_handler(before, action) for before in (AI, WAITING, REP)) == after
