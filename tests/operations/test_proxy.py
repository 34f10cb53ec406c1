"""What the proxy of compose.yaml hands over."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from tests.operations import service
from tests.operations.proxy import running_proxy


class _Echo(BaseHTTPRequestHandler):
    """Answers with the headers that came."""

    def do_GET(self) -> None:
        body = json.dumps(self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says what it was sent."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


def test_a_client_cannot_say_its_address_in_another_spelling(echo: int, tmp_path: Path) -> None:
    said = {
        "Host": service.HOST,
        "X-Forwarded-For": "192.0.2.1",
        "X_Forwarded_For": "192.0.2.2",
        "X-Forwarded_For": "192.0.2.3",
        "X_Forwarded_Proto": "https",
    }
    with running_proxy([echo, echo], tmp_path) as port:
        request = Request(f"http://127.0.0.1:{port}/", headers=said)
        with urlopen(request, timeout=10) as answer:
            came = json.load(answer)
    read = [(name.upper().replace("_", "-"), value) for name, value in came]
    assert [value for name, value in read if name == "X-FORWARDED-FOR"] == ["127.0.0.1"]
    assert [value for name, value in read if name == "X-FORWARDED-PROTO"] == ["http"]
