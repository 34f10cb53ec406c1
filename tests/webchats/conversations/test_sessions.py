"""Tickets and session tokens of visitors."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pytest_django import Settings
from rest_framework.exceptions import NotFound

from webchats.conversations.errors import SessionExpired, WebchatDisabled
from webchats.conversations.sessions import (
    Session,
    check_session,
    issue_ticket,
    read_token,
    start_session,
    verify_session,
)

SITE, OTHER_SITE = "https://shop.example.com", "https://other.example.com"
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Webchat:
    """The attributes of a webchat that its sessions depend on."""

    pk: str = "a" * 24
    is_enabled: bool = True
    allowed_domains: list[str] = field(
        default_factory=lambda: ["shop.example.com", "other.example.com"]
    )
    sessions_valid_from: datetime | None = None


WEBCHAT = Webchat()
OTHER_WEBCHAT = Webchat(pk="b" * 24)


def start(webchat: Webchat = WEBCHAT, site: str | None = SITE, token: str | None = None) -> Session:
    return start_session(webchat, issue_ticket(webchat, site), token)


# --- Tickets ---


@pytest.mark.parametrize("origin", [None, "", "null", "https://evil.test", "https://example.com"])
def test_only_an_allowed_page_gets_a_ticket(origin: str | None) -> None:
    with pytest.raises(NotFound):
        issue_ticket(WEBCHAT, origin)


def test_a_disabled_webchat_has_no_tickets() -> None:
    with pytest.raises(NotFound):
        issue_ticket(replace(WEBCHAT, is_enabled=False), SITE)


@pytest.mark.parametrize("origin", [None, "null", "https://any.test", "x" * 10_000, "\xff\r\n"])
def test_every_page_gets_a_ticket_without_allowed_domains(origin: str | None) -> None:
    webchat = replace(WEBCHAT, allowed_domains=[])
    session = start(webchat, origin)
    assert verify_session(webchat, session.token) == session
    assert len(session.token) < 1_000


def test_a_ticket_makes_a_new_visitor_each_time_within_a_minute() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        ticket = issue_ticket(WEBCHAT, SITE)
        visitors = {start_session(WEBCHAT, ticket).visitor_id for _ in range(3)}
        clock.shift(60)
        visitors.add(start_session(WEBCHAT, ticket).visitor_id)
        assert len(visitors) == 4
        clock.shift(1)
        with pytest.raises(NotFound):
            start_session(WEBCHAT, ticket)


def test_a_ticket_is_refused_when_its_webchat_no_longer_accepts_it() -> None:
    ticket = issue_ticket(WEBCHAT, SITE)
    for webchat in (
        OTHER_WEBCHAT,
        replace(WEBCHAT, is_enabled=False),
        replace(WEBCHAT, allowed_domains=["other.example.com"]),
    ):
        with pytest.raises(NotFound):
            start_session(webchat, ticket)


@pytest.mark.parametrize("ticket", ["", "x", "a.b.c", "é", "\x00", "." * 50, "e30.1.x"])
def test_a_text_that_is_no_ticket_is_refused(ticket: str) -> None:
    with pytest.raises(NotFound):
        start_session(WEBCHAT, ticket)


def test_a_token_is_no_ticket_and_a_ticket_is_no_token() -> None:
    with pytest.raises(NotFound):
        start_session(WEBCHAT, start().token)
    with pytest.raises(SessionExpired):
        verify_session(WEBCHAT, issue_ticket(WEBCHAT, SITE))


# --- Tokens ---


def test_a_session_is_bound_to_webchat_visitor_and_origin_for_seven_days() -> None:
    with time_machine.travel(NOW, tick=False):
        session = verify_session(WEBCHAT, start().token)
    assert (session.webchat_id, session.origin) == (WEBCHAT.pk, SITE)
    assert (session.issued_at, session.expires_at) == (NOW, NOW + 7 * DAY)
    assert len(session.visitor_id) == 32
    assert int(session.visitor_id, 16)


def test_the_lifetime_of_a_session_is_a_setting(settings: Settings) -> None:
    settings.WIDGET_SESSION_DAYS = 2
    with time_machine.travel(NOW, tick=False):
        assert start().expires_at == NOW + 2 * DAY


def test_a_session_expires() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        session = start()
        clock.move_to(session.expires_at - MICROSECOND)
        verify_session(WEBCHAT, session.token)
        clock.move_to(session.expires_at)
        for check in (
            lambda: verify_session(WEBCHAT, session.token),
            lambda: check_session(WEBCHAT, session),
        ):
            with pytest.raises(SessionExpired):
                check()


def test_a_changed_token_is_refused() -> None:
    token = start().token
    for index in range(0, len(token), 9):
        changed = f"{token[:index]}{'A' if token[index] != 'A' else 'B'}{token[index + 1 :]}"
        with pytest.raises(SessionExpired):
            verify_session(WEBCHAT, changed)


@pytest.mark.parametrize("token", ["", "x", "a.b", "é", "\x00", "." * 50, "e30.x"])
def test_a_text_that_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(SessionExpired):
        read_token(WEBCHAT.pk, token)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"pk": OTHER_WEBCHAT.pk}, SessionExpired),
        ({"allowed_domains": ["other.example.com"]}, SessionExpired),
        ({"allowed_domains": ["other.example.com"], "is_enabled": False}, SessionExpired),
        ({"sessions_valid_from": NOW + MICROSECOND}, SessionExpired),
        ({"is_enabled": False}, WebchatDisabled),
    ],
)
def test_a_session_ends_with_a_change_of_its_webchat(
    changes: dict[str, object], error: type[Exception]
) -> None:
    with time_machine.travel(NOW, tick=False):
        token = start().token
        with pytest.raises(error):
            verify_session(replace(WEBCHAT, **changes), token)  # type: ignore[arg-type] # by name


def test_a_session_continues_where_every_site_may_embed_the_webchat() -> None:
    assert verify_session(replace(WEBCHAT, allowed_domains=[]), start().token)


def test_a_session_without_an_origin_ends_when_domains_are_listed() -> None:
    token = start(replace(WEBCHAT, allowed_domains=[]), None).token
    with pytest.raises(SessionExpired):
        verify_session(WEBCHAT, token)


def test_the_webchat_of_a_session_is_deleted() -> None:
    with pytest.raises(WebchatDisabled):
        check_session(None, start())


def test_sessions_survive_a_rotation_of_the_secret_key(settings: Settings) -> None:
    token, ticket = start().token, issue_ticket(WEBCHAT, SITE)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key"
    verify_session(WEBCHAT, token)
    start_session(WEBCHAT, ticket)
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(SessionExpired):
        verify_session(WEBCHAT, token)


# --- Renewal ---


def test_a_renewed_session_keeps_the_visitor_and_takes_the_origin_of_the_ticket() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        first = start()
        clock.shift(DAY)
        renewed = start(site=OTHER_SITE, token=first.token)
    assert renewed.visitor_id == first.visitor_id
    assert renewed.origin == OTHER_SITE
    assert renewed.expires_at == first.expires_at + DAY


def test_a_session_can_be_renewed_when_its_origin_has_left_the_list() -> None:
    first = start()
    webchat = replace(WEBCHAT, allowed_domains=["other.example.com"])
    assert start(webchat, OTHER_SITE, first.token).visitor_id == first.visitor_id


def test_an_expired_session_can_be_renewed_for_seven_days() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        first = start()
        clock.move_to(first.expires_at + 7 * DAY - MICROSECOND)
        assert start(token=first.token).visitor_id == first.visitor_id
        clock.move_to(first.expires_at + 7 * DAY)
        assert start(token=first.token).visitor_id != first.visitor_id


def test_an_ended_session_is_not_renewed() -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        first = start()
        webchat = replace(WEBCHAT, sessions_valid_from=NOW + MICROSECOND)
        clock.shift(DAY)
        second = start(webchat, token=first.token)
        assert second.visitor_id != first.visitor_id
        verify_session(webchat, second.token)


def test_a_session_of_another_webchat_is_not_renewed() -> None:
    first = start(OTHER_WEBCHAT)
    assert start(token=first.token).visitor_id != first.visitor_id


@pytest.mark.parametrize("token", ["", "x", "a.b", "\ud800"])
def test_a_text_in_place_of_the_old_token_makes_a_new_visitor(token: str) -> None:
    assert start(token=token).visitor_id
