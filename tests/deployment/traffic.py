"""Requests after which the service exposes all of its metrics."""

import http.client
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.deployment import service
from tests.support import images

#: An allowed domain of the webchat.
DOMAIN = "example.com"
IMPORT = "/api/webchats/import?format=json"
#: ``send(method, path, body, headers)`` returns the status of the response.
Send = Callable[[str, str, bytes, dict[str, str]], int]


@dataclass
class Traffic:
    """Requests of one organization to an instance."""

    send: Send
    #: An API key or access token of a user who may write webchats.
    key: str
    webchat: str
    prompt: str

    @classmethod
    def to_instance(cls, port: int, seeded: dict[str, Any]) -> "Traffic":
        """Return traffic to an instance whose database was filled by ``seed.py``."""

        def send(method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
            given = {"Host": service.HOST, "X-Forwarded-Proto": "https", **headers}
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as client:
                client.request(method, path, body, given)
                response = client.getresponse()
                response.read()
                return response.status

        return cls(send, seeded["key"], seeded["webchats"][0], seeded["body"]["promptId"])

    def get(self, path: str, **headers: str) -> int:
        """Send a GET request."""
        return self.send("GET", path, b"", headers)

    def send_all(self) -> None:
        """Send requests to every part of the service, some of which cause client errors."""
        authorization = {"Authorization": f"Bearer {self.key}"}
        assert self.get("/healthz") == 200
        assert self.get("/readyz") in (200, 503)  # without a cache
        assert self.get("/embed.js") == 200
        assert self.get(f"/widget/{self.webchat}") == 200
        assert self.get(f"/widget/{self.webchat}/config", Origin=f"https://{DOMAIN}") == 200
        assert self.get(f"/api/webchats/{self.webchat}", **authorization) == 200
        assert self.get("/api/webchats/export?format=csv", **authorization) == 200
        assert self.get("/icons/orgs/none.png") == 403
        assert self.get("/wp-login.php") == 404
        assert self.get("/metrics") == 401
        for path in ("login", "refresh", "verify-token"):
            assert self._post_json(f"/api/auth/{path}", {}) in (400, 401)
        rows = json.dumps([self._row("#FFFFFF"), self._row("no color")]).encode()
        assert self._upload("POST", f"{IMPORT}&skipInvalid=true", "file", rows) == 200
        assert self._upload("POST", "/api/upload", "files", images.image_bytes()) == 200
        assert self.upload_icon() == 200

    def fail(self, icons: Path) -> None:
        """Cause a server error and a storage failure; ``icons`` is the directory of the icons."""
        shutil.rmtree(icons)
        icons.write_text("Not a directory.")
        assert self.upload_icon() == 503

    def import_rows(self, count: int) -> int:
        """Import rows without storing them."""
        rows = json.dumps([self._row("#FFFFFF")] * count).encode()
        return self._upload("POST", f"{IMPORT}&dryRun=true", "file", rows)

    def upload_icon(self) -> int:
        """Upload an icon for the webchat."""
        path = f"/api/webchats/{self.webchat}/icon"
        return self._upload("PUT", path, "file", images.image_bytes())

    def _row(self, color: str) -> dict[str, Any]:
        colors = dict.fromkeys(("backgroundColor", "primaryColor", "secondaryColor"), color)
        return {
            **colors,
            "name": "Imported",
            "promptId": self.prompt,
            "initialStage": "new",
            "allowedDomains": [],
        }

    def _post_json(self, path: str, body: dict[str, str]) -> int:
        headers = {"Content-Type": "application/json"}
        return self.send("POST", path, json.dumps(body).encode(), headers)

    def _upload(self, method: str, path: str, field: str, content: bytes) -> int:
        body = encode_multipart(BOUNDARY, {field: images.image_upload(content)})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": MULTIPART_CONTENT}
        return self.send(method, path, body, headers)
