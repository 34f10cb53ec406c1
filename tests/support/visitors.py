"""A visitor's browser: requests with the session of one visitor, and without cookies."""

from typing import Any

from rest_framework.test import APIClient

from webchats.models import Webchat

#: A page on an allowed domain of the webchats in tests of visitors.
SITE = "https://shop.example.com"
OTHER_SITE = "https://other.example.com"


class Visitor:
    """A visitor of a webchat, by default with a new session."""

    def __init__(self, webchat: Webchat, *, site: str = SITE, token: str | None = None) -> None:
        self.client = APIClient()
        self.site = site
        self.path = f"/widget/{webchat.pk}"
        self.token = self.start()["token"] if token is None else token

    def get_ticket(self) -> str:
        response: Any = self.client.post(f"{self.path}/ticket", headers={"Origin": self.site})
        assert response.status_code == 200, response.content
        return str(response.json()["ticket"])

    def start(self, **body: str) -> Any:
        """Return the response to a new session, or to the renewal of ``token``."""
        body = {"ticket": self.get_ticket(), **body}
        response: Any = self.client.post(f"{self.path}/session", body)
        assert response.status_code == 200, response.content
        return response.json()

    def get(self, name: str, **query: str | float) -> Any:
        return self.client.get(f"{self.path}/{name}", query, headers=self._headers)

    def post(self, name: str, body: object = None, **options: Any) -> Any:
        return self.client.post(f"{self.path}/{name}", body, headers=self._headers, **options)

    def put(self, name: str, body: object, **options: Any) -> Any:
        return self.client.put(f"{self.path}/{name}", body, headers=self._headers, **options)

    def send(self, text: str = "Hello", key: str = "key", **body: object) -> Any:
        """Send a message."""
        return self.post("messages", {"clientKey": key, "text": text, **body})

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}
