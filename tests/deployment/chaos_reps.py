"""Representatives who watch the inbox, read conversations and answer them."""

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from tests.deployment.paced_model import answer_to
from tests.deployment.panels import FAILURES, Listener, request

_QUESTION = re.compile(r"Question [\d.]+\d")
_HEADER = "/api/conversations"
#: Seconds between two looks at the conversations that changed, and until a failed one is repeated.
_PAUSE = 0.3


class Shown(NamedTuple):
    """A message on the screen of a representative."""

    sequence: int
    author: str
    text: str


@dataclass
class Rep(Listener):
    """A representative, who answers some of the conversations that wait for a person.

    ``share`` selects them: of ``share[1]`` parts, the parts number ``share[0]`` and the next one,
    so that two representatives compete for each.
    """

    #: The webchat in which only people answer.
    staffed: str = ""
    share: tuple[int, int] = (0, 1)
    #: The newest document of each conversation.
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: The messages of the conversations that are open on the screen.
    screen: dict[str, list[Shown]] = field(default_factory=dict)
    answers: int = 0
    #: Answers that were refused, since a colleague or the AI was faster.
    refused: int = 0
    _changed: set[str] = field(default_factory=set)

    @property
    def path(self) -> str:
        """The path of the stream."""
        return "/live/organization"

    def handle(self, event: dict[str, str]) -> None:
        """Note that a conversation has changed."""
        if event.get("event") == "conversation":
            self._note(json.loads(event["data"]))

    async def work(self) -> None:
        """Read what changes, and answer, until canceled."""
        connects = 0
        while True:
            if self.is_open and self.connects != connects:
                # As the inbox does: nothing is sent again that changed in the meantime.
                connects = self.connects
                if not await self._list():
                    connects = 0
            for id_ in tuple(self._changed):
                self._changed.discard(id_)
                if not await self._read_and_answer(id_):
                    self._changed.add(id_)
            await asyncio.sleep(_PAUSE)

    async def read_all(self) -> None:
        """Read every conversation to its end."""
        await self._list()
        for id_ in self.documents:
            while not await self.read(id_):
                await asyncio.sleep(_PAUSE)

    async def read(self, id_: str) -> bool:
        """Read the messages that the screen does not show. Return whether all are shown."""
        shown = self.screen.setdefault(id_, [])
        while True:
            after = shown[-1].sequence if shown else 0
            content = await self._request("GET", f"{_HEADER}/{id_}/messages?after={after}")
            if content is None:
                return False
            shown += [Shown(row["sequence"], row["author"], row["text"]) for row in content["data"]]
            if content["pagination"]["next"] is None:
                return True

    async def _read_and_answer(self, id_: str) -> bool:
        """Return whether nothing is left to do now."""
        if not await self.read(id_):
            return False
        document, shown = self.documents[id_], self.screen[id_]
        asked = next((row for row in reversed(shown) if row.author == "visitor"), None)
        if document["handler"] == "ai" or asked is None:
            return True
        match = _QUESTION.fullmatch(asked.text)
        if match is None or any(row.text.startswith(answer_to(match[0])) for row in shown):
            return True
        body = {
            "text": f"{answer_to(match[0])} by a person",
            "clientKey": uuid4().hex,
            "after": shown[-1].sequence,
        }
        while not await self._send(id_, body):
            await asyncio.sleep(_PAUSE)
        return True

    async def _send(self, id_: str, body: dict[str, Any]) -> bool:
        """Send a message. Return whether there is a response."""
        with suppress(*FAILURES):
            status, _ = await request(
                self.port, "POST", f"{_HEADER}/{id_}/messages", self.token, body, self.responses
            )
            if status == 409:
                self.refused += 1
                self._changed.add(id_)
                return True
            if status in (200, 201):
                self.answers += 1
                if self.documents[id_]["webchatId"] != self.staffed:
                    # Let the AI continue. Refused if it cannot: then people go on.
                    await self._request("POST", f"{_HEADER}/{id_}/give-back")
                return True
        return False

    async def _list(self) -> bool:
        """Note all conversations. Return whether they could be listed."""
        cursor = ""
        while True:
            content = await self._request("GET", f"{_HEADER}?limit=100{cursor}")
            if content is None:
                return False
            for document in content["data"]:
                self._note(document)
            if content["pagination"]["next"] is None:
                return True
            cursor = f"&cursor={content['pagination']['next']}"

    def _note(self, document: dict[str, Any]) -> None:
        id_ = document["_id"]
        self.documents[id_] = document
        part = int(id_, 16) % self.share[1]
        if part in (self.share[0], (self.share[0] + 1) % self.share[1]):
            self._changed.add(id_)

    async def _request(self, method: str, path: str) -> Any:
        """Return the content of a response; ``None`` without a successful one."""
        with suppress(*FAILURES):
            status, content = await request(
                self.port, method, path, self.token, None, self.responses
            )
            if status == 200:
                return content
        return None
