"""Requests to providers reach public and listed addresses only (SSRF)."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any
from unittest import mock

import httpcore2
import httpx2
import pytest
from pytest_django import Settings

from organizations.ai import addresses, guard, limits
from organizations.ai.errors import ErrorKind, ProviderError
from organizations.ai.guard import ConnectionRefused, make_http_client
from tests.support import event_loops
from tests.support.ai import call, make_settings
from tests.support.http_server import http_response, responding
from tests.support.tls import make_tls

PUBLIC = "93.184.215.14"

#: Hosts of URLs that lead to this machine or to an internal network.
HOSTILE_HOSTS = [
    "127.0.0.1",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "127.1",
    "127.0.1",
    "0x7f000001",
    "0x7f.0.0.1",
    "2130706433",
    "017700000001",
    "0177.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[fe80::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[100:0:0:1::1]",
]
#: URLs whose parts are hostile.
HOSTILE_URLS = [
    "http://93.184.215.14/v1",
    "https://user:password@93.184.215.14/v1",
    "https://93.184.215.14@127.0.0.1/v1",
    "https://93.184.215.14\\@127.0.0.1/v1",
    "https://93.184.215.14#@127.0.0.1/v1",
    "https://93.184.215.14?@127.0.0.1/v1",
    "https://127.0.0.1%2f@93.184.215.14/v1",
    "https://127.0.0.1\t/v1",
    "https://127。0。0。1/v1",
    "https://①②⑦.⓪.⓪.①/v1",
    "https:///v1",
    "https://93.184.215.14:99999/v1",
    "https://93.184.215.14:0/v1",
    "https://[fe80::1%25eth0]/v1",
    "ftp://93.184.215.14/v1",
    "file:///etc/passwd",
    "gopher://93.184.215.14/v1",
    "//93.184.215.14/v1",
    "93.184.215.14/v1",
]


@dataclass
class Listener:
    """Counts the connections to a port of the loopback interface, IPv4 and IPv6."""

    port: int
    connections: int = 0


@pytest.fixture
def listener() -> Iterator[Listener]:
    first = socket.create_server(("127.0.0.1", 0))
    found = Listener(first.getsockname()[1])
    sockets = [first, socket.create_server(("::1", found.port), family=socket.AF_INET6)]

    def count(listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            found.connections += 1
            connection.close()

    threads = [Thread(target=count, args=(listening,)) for listening in sockets]
    for thread in threads:
        thread.start()
    yield found
    for listening, thread in zip(sockets, threads, strict=True):
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def validate_base_url(url: str, organization_id: str = "organization") -> None:
    addresses.validate_base_url(url, organization_id=organization_id)


def post(
    url: str, resolver: addresses.Resolver, ssl_context: ssl.SSLContext | None = None
) -> httpx2.Response:
    """Send a request with the client of the providers."""

    async def run() -> httpx2.Response:
        client = make_http_client({}, read_seconds=2, resolver=resolver, ssl_context=ssl_context)
        async with client:
            return await client.post(url, json={})

    return event_loops.run(run())


def test_no_hostile_url_is_saved_or_connected_to(listener: Listener) -> None:
    urls = [f"https://{host}:{listener.port}/v1" for host in HOSTILE_HOSTS]
    urls += [f"http://{host}:{listener.port}/v1" for host in HOSTILE_HOSTS]
    urls += HOSTILE_URLS
    for url in urls:
        with pytest.raises(addresses.AddressRefused):
            validate_base_url(url)
        with pytest.raises(ProviderError) as error:
            call(make_settings(url))
        assert error.value.kind == ErrorKind.REFUSED_ADDRESS
    assert len(urls) >= 30
    assert listener.connections == 0


def test_every_address_of_a_name_must_be_public(listener: Listener) -> None:
    for private in ("127.0.0.1", "::1", "10.0.0.1", "::ffff:127.0.0.1"):
        for found in ([private], [PUBLIC, private], [private, PUBLIC]):
            with pytest.raises(ConnectionRefused):
                post(f"https://model.test:{listener.port}/v1", lambda *_, found=found: found)
    with pytest.raises(ConnectionRefused):
        post(f"https://model.test:{listener.port}/v1", lambda *_: [])
    assert listener.connections == 0


def test_a_name_that_changes_its_address_after_the_save_is_refused(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the first answer is public, the next one is not."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    monkeypatch.setattr(addresses, "resolve", lambda *_: next(answers))
    url = f"https://rebinding.test:{listener.port}/v1"
    validate_base_url(url)
    with pytest.raises(ConnectionRefused):
        post(url, lambda *_: next(answers))
    assert listener.connections == 0


def test_the_name_is_resolved_once_and_that_address_used(settings: Settings) -> None:
    """No other resolver knows the name, and a second answer would be another address."""
    with responding(http_response(200, "{}")) as server:
        port = server.address.partition(":")[2]
        settings.AI_ALLOWED_ADDRESSES = [f"model.test:{port}"]
        resolver = mock.Mock(side_effect=[["127.0.0.1"], ["127.0.0.9"]])
        assert post(f"http://model.test:{port}/v1", resolver).status_code == 200
    resolver.assert_called_once_with("model.test", int(port))
    assert f"host: model.test:{port}" in server.requests[0].lower()


def test_the_certificate_is_checked_against_the_name(settings: Settings, tmp_path: Path) -> None:
    """The connection goes to an address, which the certificate does not contain."""
    server_context, client_context = make_tls("model.test", tmp_path)
    with responding(http_response(200, "{}"), ssl_context=server_context) as server:
        port = server.address.partition(":")[2]
        settings.AI_ALLOWED_ADDRESSES = [f"model.test:{port}", f"other.test:{port}"]
        resolver = mock.Mock(return_value=["127.0.0.1"])
        with pytest.raises(httpx2.ConnectError, match=r"other\.test"):
            post(f"https://other.test:{port}/v1", resolver, client_context)
        with pytest.raises(httpx2.ConnectError, match="certificate"):
            post(f"https://model.test:{port}/v1", resolver)
        response = post(f"https://model.test:{port}/v1", resolver, client_context)
    assert response.status_code == 200
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(
    status: int, kind: str, listener: Listener, settings: Settings
) -> None:
    location = f"location: http://127.0.0.1:{listener.port}/v1\r\n"
    with responding(http_response(status, headers=location)) as server:
        # Also not to a listed address.
        settings.AI_ALLOWED_ADDRESSES = [server.address, f"127.0.0.1:{listener.port}"]
        with pytest.raises(ProviderError) as error:
            call(make_settings(f"http://{server.address}/v1", kind))
    assert error.value.kind == ErrorKind.REFUSED_ADDRESS
    assert listener.connections == 0


def look_up(monkeypatch: pytest.MonkeyPatch, name: str, *answers: str | OSError) -> mock.Mock:
    """Let the system's resolver give these answers, one after another, for a name."""
    real, fake = socket.getaddrinfo, mock.Mock(side_effect=answers)

    def getaddrinfo(host: str, *args: Any, **options: Any) -> Any:
        return real(fake() if host == name else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return fake


def test_a_temporary_failure_of_the_name_server_is_retryable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    failure = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    look_up(monkeypatch, "model.test", failure, failure, "127.0.0.1")
    with responding(http_response(404, "{}")) as server:
        port = server.address.partition(":")[2]
        settings.AI_ALLOWED_ADDRESSES = [f"model.test:{port}"]
        url = f"http://model.test:{port}/v1"
        found = []
        for kind in ("openai", "anthropic", "openai"):
            with pytest.raises(ProviderError) as error:
                call(make_settings(url, kind))
            found.append((error.value.kind, error.value.is_retryable))
    assert found == [
        (ErrorKind.CONNECTION, True),
        (ErrorKind.CONNECTION, True),
        (ErrorKind.NOT_FOUND, False),
    ]


def test_a_name_server_that_does_not_respond_is_asked_once_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Retries must not occupy the threads of other names."""
    monkeypatch.setattr(guard, "RESOLVE_SECONDS", 0.1)
    end = Event()
    resolver = mock.Mock(side_effect=lambda *_: [PUBLIC] if end.wait(5) else [])

    async def run() -> list[BaseException | httpx2.Response]:
        async with make_http_client({}, read_seconds=2, resolver=resolver) as client:
            requests = [client.post("https://slow.test/v1") for _ in range(3)]
            found = await asyncio.gather(*requests, return_exceptions=True)
            found += await asyncio.gather(client.post("https://slow.test"), return_exceptions=True)
            end.set()
            return found

    assert [type(error) for error in event_loops.run(run())] == 4 * [httpx2.ConnectTimeout]
    resolver.assert_called_once()


def test_names_that_do_not_resolve_leave_threads_to_other_organizations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end = Event()
    monkeypatch.setattr(addresses, "RESOLVE_SECONDS", 0.01)
    monkeypatch.setattr(
        addresses, "resolve", lambda host, _: [PUBLIC] if "slow" not in host or end.wait(5) else []
    )
    for number in range(40):
        with pytest.raises(addresses.AddressRefused):
            validate_base_url(f"https://slow{number}.test/v1", "one")
    monkeypatch.setattr(addresses, "RESOLVE_SECONDS", 2)
    validate_base_url("https://model.test/v1", "two")
    end.set()


def test_requests_of_an_organization_leave_threads_to_the_lookups_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "RESOLVE_SECONDS", 0.1)
    end = Event()
    slow = mock.Mock(side_effect=lambda *_: [PUBLIC] if end.wait(5) else [])
    other = mock.Mock(return_value=["10.0.0.1"])

    async def run() -> list[BaseException | httpx2.Response]:
        async with (
            make_http_client({}, read_seconds=2, organization_id="one", resolver=slow) as one,
            make_http_client({}, read_seconds=2, organization_id="two", resolver=other) as two,
        ):
            requests = [one.post(f"https://slow{number}.test/v1") for number in range(40)]
            requests.append(two.post("https://model.test/v1"))
            found = await asyncio.gather(*requests, return_exceptions=True)
            end.set()
            return found

    errors = [type(error) for error in event_loops.run(run())]
    limit = guard.MAX_LOOKUPS_OF_ONE
    assert slow.call_count == limit
    assert errors[:limit] == [httpx2.ConnectTimeout] * limit
    assert errors[limit:] == [httpx2.ConnectError] * (40 - limit) + [ConnectionRefused]


def test_a_private_address_and_an_unknown_name_have_the_same_error(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an administrator could list the names of the internal network."""
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    look_up(monkeypatch, "no-such-name.invalid", unknown, unknown)
    messages = set()
    for url in ("https://localhost/v1", "https://no-such-name.invalid/v1", "http://10.0.0.1/v1"):
        with pytest.raises(ProviderError) as error:
            call(make_settings(url))
        assert error.value.kind == ErrorKind.REFUSED_ADDRESS
        messages.add(error.value.message)
        with pytest.raises(addresses.AddressRefused) as refused:
            validate_base_url(url)
        messages.add(str(refused.value))
    assert messages == {addresses.REFUSED}


def test_responses_are_limited_and_not_decompressed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_RESPONSE_BYTES", 1000)
    compressed = http_response(200, "{}", headers="content-encoding: gzip\r\n")
    with responding(http_response(200, 1001 * "x"), compressed) as server:
        settings.AI_ALLOWED_ADDRESSES = [server.address]
        with pytest.raises(limits.ResponseRefused):
            post(f"http://{server.address}/v1", addresses.resolve)
        assert post(f"http://{server.address}/v1", addresses.resolve).text == "{}"


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(address))


def test_a_listed_endpoint_is_allowed_with_its_port_only(settings: Settings) -> None:
    settings.AI_ALLOWED_ADDRESSES = ["LocalHost:8080", "[::1]:8080"]
    validate_base_url("http://localhost:8080/v1")
    validate_base_url("http://[::1]:8080/v1")
    for url in ("http://localhost:8081/v1", "https://localhost/v1", "http://127.0.0.1:8080/v1"):
        with pytest.raises(addresses.AddressRefused):
            validate_base_url(url)


def test_clients_load_the_certificate_authorities_once(monkeypatch: pytest.MonkeyPatch) -> None:
    load = mock.Mock(wraps=httpcore2.default_ssl_context)
    monkeypatch.setattr(httpcore2, "default_ssl_context", load)
    guard.get_ssl_context.cache_clear()
    for _ in range(3):
        make_http_client({}, read_seconds=1)
    assert load.call_count == 1
