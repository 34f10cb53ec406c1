"""The headers that the proxy of compose.yaml forwards, and its configuration."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.deployment import service
from tests.deployment.proxy import running_proxy, validate


class _EchoHandler(BaseHTTPRequestHandler):
    """Responds to GET with the request's headers as JSON, and dies of a POST."""

    def do_GET(self) -> None:
        body = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        """Close the connection, as the kernel does for a process that is killed."""

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a proxy for a server that responds with the headers it received."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _EchoHandler) as server:
        threading.Thread(target=server.serve_forever).start()
        with running_proxy([server.server_port] * 2, tmp_path_factory.mktemp("caddy")) as port:
            yield f"http://127.0.0.1:{port}/"
        server.shutdown()


@pytest.mark.parametrize(
    ("site", "icons"),
    [
        ("chat.example.com", "icons.example.com"),
        ("a.example.com, b.example.com", "http://icons.invalid"),
        ("http://localhost", "http://icons.localhost"),
    ],
)
def test_caddy_accepts_the_caddyfile(site: str, icons: str, tmp_path: Path) -> None:
    validate(site, icons, tmp_path)


def test_a_client_cannot_forge_its_address_with_underscores(echo_url: str) -> None:
    forged = {
        "Host": service.HOST,
        "X-Forwarded-For": "192.0.2.1",
        "X_Forwarded_For": "192.0.2.2",
        "X-Forwarded_For": "192.0.2.3",
        "X_Forwarded_Proto": "https",
    }
    with urlopen(Request(echo_url, headers=forged), timeout=10) as response:
        received = json.load(response)
    # WSGI maps both spellings to the same variable.
    headers = [(name.upper().replace("_", "-"), value) for name, value in received]
    assert [value for name, value in headers if name == "X-FORWARDED-FOR"] == ["127.0.0.1"]
    assert [value for name, value in headers if name == "X-FORWARDED-PROTO"] == ["http"]


def test_responses_through_the_proxy_do_not_name_the_server_software(echo_url: str) -> None:
    """The server behind it sends ``Server: BaseHTTP/0.6 Python/…``."""
    with urlopen(Request(echo_url, headers={"Host": service.HOST}), timeout=10) as response:
        names = {name.lower() for name in response.headers}
    assert "content-length" in names
    assert not names & {"server", "via", "x-powered-by"}


def test_a_request_whose_server_dies_gets_503_and_the_time_to_retry(echo_url: str) -> None:
    port = int(echo_url.rstrip("/").rpartition(":")[2])
    response = service.send(port, "POST", "/widget/1/messages", {})
    assert (response.status, response.headers["Retry-After"]) == (503, "5")
    assert response.headers["Content-Type"] == "application/json"
    assert json.loads(response.body)["code"] == "unavailable"
    assert "Server" not in response.headers
