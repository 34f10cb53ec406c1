"""Which sessions of open streams must be checked again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webchats.conversations.live.webchats import OpenWebchats, Terms
from webchats.conversations.sessions import Session

NOW = timezone.now()
TERMS = Terms("a", "o", True, ["example.com"], None)
CHANGED = TERMS._replace(is_enabled=False)


def session(days: int = 7) -> Session:
    return Session("a", "v", "https://example.com", NOW, NOW + timedelta(days=days))


@pytest.fixture
def webchats() -> OpenWebchats:
    """The open webchats, with two streams of one."""
    webchats = OpenWebchats()
    webchats.add(session(), TERMS)
    webchats.add(session(3), TERMS)
    return webchats


def test_sessions_are_checked_once_after_a_change(webchats: OpenWebchats) -> None:
    assert [webchats.update({"a": terms}) for terms in (TERMS, CHANGED, CHANGED)] == [
        set(),
        {"a"},
        set(),
    ]


def test_sessions_that_were_checked_with_different_terms_are_checked_again(
    webchats: OpenWebchats,
) -> None:
    webchats.add(session(), CHANGED)
    assert webchats.update({"a": CHANGED}) == {"a"}
    assert webchats.update({"a": CHANGED}) == set()


def test_a_stream_that_comes_while_the_terms_are_read_is_checked(webchats: OpenWebchats) -> None:
    """It may know newer ones than those that were read."""
    webchats.add(session(), CHANGED)
    assert webchats.update({"a": TERMS}) == {"a"}
    assert webchats.update({"a": CHANGED}) == {"a"}


def test_a_deleted_webchat_is_reported_until_its_streams_have_ended(
    webchats: OpenWebchats,
) -> None:
    assert webchats.update({"a": None}) == {"a"}
    assert webchats.update({"a": None}) == {"a"}
    for _ in range(2):
        webchats.remove("a")
    assert webchats.update({"a": None}) == set()
    assert webchats.ids() == ()


def test_the_first_expiry_is_known(webchats: OpenWebchats) -> None:
    assert webchats.first_expiry == NOW + timedelta(days=3)
