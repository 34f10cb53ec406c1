"""Sign-in attempts that are refused, and the owner of an account who is not locked out."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from unittest import mock

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from organizations.models import KnownAddress, User
from tests.support import factories
from tests.support.authentication import PASSWORD
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db

ATTACKER, OWNER, ELSEWHERE = "203.0.113.1", "198.51.100.7", "192.0.2.55"
NEW_PASSWORD = "a-long-enough-phrase"
START = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


def sign_in_to_api(address: str, email: str = "member@example.com", password: str = "wrong") -> int:
    """Return the status: 200, 401 for a wrong password, or 429."""
    body = {"email": email, "password": password}
    status: int = APIClient(REMOTE_ADDR=address).post("/api/auth/login", body).status_code
    return status


def sign_in_to_admin_site(
    address: str, email: str = "member@example.com", password: str = "wrong"
) -> int:
    """Return the status as the API does."""
    client = Client(REMOTE_ADDR=address)
    response = client.post("/admin/login/", {"username": email, "password": password})
    return {302: 200, 200: 401}.get(response.status_code, response.status_code)


SignIn = Callable[..., int]
INTERFACES = pytest.mark.parametrize("sign_in", [sign_in_to_api, sign_in_to_admin_site])


@pytest.fixture
def clock() -> Iterator[Any]:
    """A clock that only moves when the test shifts it."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def without_new_addresses(throttle_rates: Callable[..., None]) -> None:
    """Refuse the first attempts of new addresses above the limit of the account."""
    throttle_rates(sign_in_new_address="0/min")


def use_up_account(sign_in: SignIn = sign_in_to_api) -> None:
    """Use up the limit of the account, from two addresses."""
    statuses = [sign_in(f"203.0.113.{number % 2}") for number in range(10)]
    assert statuses == [401] * 10


@INTERFACES
@pytest.mark.parametrize("limit", ["sign_in_address", "address"])
def test_attempts_that_an_address_limit_refuses_do_not_count_on_accounts(
    member: User,
    sign_in: SignIn,
    limit: str,
    without_new_addresses: None,
    throttle_rates: Callable[..., None],
) -> None:
    throttle_rates(**{limit: "3/min"})
    victims = [member, *factories.UserFactory.create_batch(5, password=PASSWORD)]
    assert [sign_in(ATTACKER, "nobody@example.com") for _ in range(3)] == [401] * 3
    for victim in victims:
        assert [sign_in(ATTACKER, victim.email) for _ in range(12)] == [429] * 12
    for number, victim in enumerate(victims):
        assert sign_in(f"192.0.2.{number}", victim.email, PASSWORD) == 200


@INTERFACES
def test_owner_signs_in_from_a_known_address_while_others_guess(
    member: User, sign_in: SignIn, clock: Any, without_new_addresses: None
) -> None:
    assert sign_in(OWNER, password=PASSWORD) == 200
    clock.shift(timedelta(days=30))
    use_up_account(sign_in)
    assert sign_in(ELSEWHERE, password=PASSWORD) == 429
    assert sign_in(OWNER, password=PASSWORD) == 200


def test_known_address_of_one_interface_is_known_to_the_other(
    member: User, clock: Any, without_new_addresses: None
) -> None:
    assert sign_in_to_admin_site(OWNER, password=PASSWORD) == 200
    clock.shift(timedelta(minutes=5))
    use_up_account()
    assert sign_in_to_api(OWNER, " Member@EXAMPLE.com", PASSWORD) == 200


def test_ipv6_network_is_known_as_a_whole(
    member: User, clock: Any, without_new_addresses: None
) -> None:
    assert sign_in_to_api("2001:db8:0:7::1", password=PASSWORD) == 200
    clock.shift(timedelta(minutes=5))
    use_up_account()
    assert sign_in_to_api("2001:db8:0:7:a:b:c:d", password=PASSWORD) == 200
    assert sign_in_to_api("2001:db8:0:8::1", password=PASSWORD) == 429


def test_address_known_to_one_account_is_unknown_to_others(
    member: User, clock: Any, without_new_addresses: None
) -> None:
    other = factories.UserFactory.create(password=PASSWORD)
    assert sign_in_to_api(OWNER, other.email, PASSWORD) == 200
    clock.shift(timedelta(minutes=5))
    use_up_account()
    assert sign_in_to_api(OWNER, password=PASSWORD) == 429


def test_attempts_from_a_known_address_are_limited_as_well(
    member: User, clock: Any, throttle_rates: Callable[..., None], without_new_addresses: None
) -> None:
    throttle_rates(sign_in_address="1000/min")
    assert sign_in_to_api(OWNER, password=PASSWORD) == 200
    clock.shift(timedelta(minutes=5))
    use_up_account()
    assert [sign_in_to_api(OWNER) for _ in range(11)] == [401] * 10 + [429]
    assert sign_in_to_api(OWNER, password=PASSWORD) == 429


def test_wrong_password_does_not_make_an_address_known(member: User) -> None:
    sign_in_to_api(ATTACKER)
    assert not KnownAddress.objects.exists()


def test_address_is_forgotten_after_ninety_days(
    member: User, clock: Any, without_new_addresses: None
) -> None:
    sign_in_to_api(OWNER, password=PASSWORD)
    clock.shift(timedelta(days=89))
    sign_in_to_api(OWNER, password=PASSWORD)
    clock.shift(timedelta(days=89))
    assert KnownAddress.objects.is_known(member.email, OWNER)
    clock.shift(timedelta(days=2))
    assert not KnownAddress.objects.is_known(member.email, OWNER)
    sign_in_to_api(ELSEWHERE, password=PASSWORD)
    assert member.known_addresses.count() == 1


def test_the_twenty_addresses_used_last_are_known(member: User, clock: Any) -> None:
    for number in range(22):
        KnownAddress.objects.remember(member, f"192.0.2.{number}")
        clock.shift(timedelta(minutes=1))
    known = [KnownAddress.objects.is_known(member.email, f"192.0.2.{n}") for n in range(22)]
    assert known == [False] * 2 + [True] * 20


def test_database_contains_no_address(member: User) -> None:
    sign_in_to_api(OWNER, password=PASSWORD)
    [row] = KnownAddress.objects.values()
    assert OWNER not in str(row)


def test_sign_in_works_without_an_address(member: User) -> None:
    """A server on a Unix socket provides none."""
    assert sign_in_to_api("", password=PASSWORD) == 200
    assert not KnownAddress.objects.exists()


def test_first_attempts_of_an_address_are_allowed_above_the_limit(member: User, clock: Any) -> None:
    use_up_account()
    assert [sign_in_to_api(ELSEWHERE) for _ in range(4)] == [401, 401, 401, 429]
    clock.shift(timedelta(minutes=20))
    use_up_account()
    assert sign_in_to_api(ELSEWHERE, password=PASSWORD) == 429
    clock.shift(timedelta(minutes=120))
    use_up_account()
    assert sign_in_to_api(ELSEWHERE, password=PASSWORD) == 200


def test_first_attempts_of_many_addresses_are_limited(member: User, clock: Any) -> None:
    use_up_account()
    statuses = [sign_in_to_api(f"192.0.2.{number}") for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2


def test_owner_is_not_locked_out_in_ten_minutes_of_attack(member: User, clock: Any) -> None:
    """One address attacks at one attempt a second; the owner is at a new address each minute."""
    refused = 0
    for second in range(600):
        refused += sign_in_to_api(ATTACKER) == 429
        if second % 60 == 59:
            assert sign_in_to_api(f"192.0.2.{second // 60}", password=PASSWORD) == 200
        clock.shift(1)
    assert refused >= 600 - 110  # Ten attempts a minute, and those of the first minute.


def test_owner_at_a_known_address_is_not_locked_out_by_many_addresses(
    member: User, clock: Any
) -> None:
    """Two hundred addresses attack for ten minutes, five times as fast as the limit."""
    assert sign_in_to_api(OWNER, password=PASSWORD) == 200
    statuses = []
    for second in range(600):
        sign_in_to_api(f"203.0.113.{second % 200}")
        if second % 15 == 14:
            statuses.append(sign_in_to_api(OWNER, password=PASSWORD))
        clock.shift(1)
    assert statuses == [200] * 40


def set_password_in_admin(superuser: User, member: User) -> None:
    body = {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    url = reverse("admin:auth_user_password_change", args=[member.pk])
    assert log_in(superuser).post(url, body).status_code == 302


def disable_password(superuser: User, member: User) -> None:
    member.set_unusable_password()
    member.save()


def set_password_by_command(superuser: User, member: User) -> None:
    with mock.patch("getpass.getpass", return_value=NEW_PASSWORD):
        call_command("changepassword", member.email, stdout=StringIO())


@pytest.mark.parametrize(
    "set_password", [set_password_in_admin, disable_password, set_password_by_command]
)
def test_no_address_is_known_after_a_change_of_the_password(
    member: User, superuser: User, set_password: Callable[[User, User], None]
) -> None:
    for user in (member, superuser):
        KnownAddress.objects.remember(user, OWNER)
    set_password(superuser, member)
    assert not KnownAddress.objects.is_known(member.email, OWNER)
    assert KnownAddress.objects.is_known(superuser.email, OWNER)


def test_addresses_are_known_after_an_upgrade_of_the_password_hash(member: User) -> None:
    KnownAddress.objects.remember(member, OWNER)
    former = make_password(PASSWORD, hasher="pbkdf2_sha256")
    User.objects.filter(pk=member.pk).update(password=former)
    assert sign_in_to_api(ELSEWHERE, password=PASSWORD) == 200
    member.refresh_from_db()
    assert member.password != former
    assert KnownAddress.objects.is_known(member.email, OWNER)


def test_known_address_of_a_deleted_user_is_deleted(member: User) -> None:
    KnownAddress.objects.remember(member, OWNER)
    assert KnownAddress.objects.get().last_used_at <= timezone.now()
    member.delete()
    assert not KnownAddress.objects.exists()


@pytest.mark.parametrize(
    "name", ["password_change", "auth_user_password_change", "organizations_user_add"]
)
def test_forms_with_a_password_are_limited_for_each_user(
    clock: Any, admin: User, rep: User, session_client: Client, name: str
) -> None:
    """They hash a password: without a limit, one user could keep others from signing in."""
    arguments = {"auth_user_password_change": [rep.pk]}.get(name, [])
    url = reverse(f"admin:{name}", args=arguments)
    statuses = [session_client.post(url, {"old_password": "guess"}).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    response = session_client.post(url)
    assert int(response.headers["Retry-After"]) >= 1
    assert f'href="{url}"' in response.content.decode()
    assert session_client.get(url).status_code == 200
    other = factories.UserFactory.create(organization=admin.organization, access_role="ADMIN")
    assert log_in(other).post(url, {"old_password": "guess"}).status_code == 200
