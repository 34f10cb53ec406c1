"""Streams as Django and Channels would typically hold them.

Both verify the session token, load the webchat, check the page against its domains, and send the
messages that the visitor has. Then they forward what is published, which has the text, so that they
need not read the database again.

They skip throttles, limits, positions, the end of sessions and webchats while a stream is open, the
state of the conversation, presence, metrics and the log of requests. A lost hint is never noticed.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import django
import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from redis.asyncio import Redis  # noqa: E402

from webchats.conversations.models import Message  # noqa: E402
from webchats.conversations.sessions import verify_session  # noqa: E402
from webchats.models import Webchat  # noqa: E402

HEARTBEAT_SECONDS = 25
_queues: dict[str, set["asyncio.Queue[bytes]"]] = defaultdict(set)
_tasks: list["asyncio.Task[None]"] = []


async def _receive() -> None:
    async with Redis.from_url(settings.CACHES["default"]["LOCATION"]).pubsub() as pubsub:
        await pubsub.subscribe(caches["default"].make_key("live"))
        async for message in pubsub.listen():
            if message["type"] == "message":
                hint = orjson.loads(message["data"])
                event = b"data: " + orjson.dumps({"text": hint["text"]}) + b"\n\n"
                for queue in _queues.get(hint["visitor"], ()):
                    queue.put_nowait(event)


@sync_to_async(thread_sensitive=False)
def _stored(webchat_id: str, token: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the visitor's id and messages, or raise the exception of an error response.

    The connection is closed: otherwise each stream would keep one, as Django closes them at the end
    of the response.
    """
    try:
        webchat = Webchat.objects.get(pk=webchat_id)
        session = verify_session(webchat, token)
        rows = Message.objects.filter(
            conversation__webchat=webchat, conversation__visitor_id=session.visitor_id
        ).order_by("sequence")
        return session.visitor_id, [{"sequence": row.sequence, "text": row.text} for row in rows]
    finally:
        connection.close()


async def _events(names: list[str], messages: list[dict[str, Any]]) -> AsyncIterator[bytes]:
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    for name in names:
        _queues[name].add(queue)
    try:
        yield b"".join(b"data: " + orjson.dumps(message) + b"\n\n" for message in messages)
        while True:
            try:
                yield await asyncio.wait_for(queue.get(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield b": heartbeat\n\n"
    finally:
        for name in names:
            _queues[name].discard(queue)
            if not _queues[name]:
                del _queues[name]


async def stream(request: HttpRequest, webchat_id: str) -> StreamingHttpResponse:
    """Return the stream of a visitor."""
    if not _tasks:
        _tasks.append(asyncio.get_running_loop().create_task(_receive()))
    token = request.headers["Authorization"].partition(" ")[2]
    visitor_id, messages = await _stored(webchat_id, token)
    names = [visitor_id, *(["all"] if "all" in request.GET else [])]
    return StreamingHttpResponse(_events(names, messages), content_type="text/event-stream")


async def health(request: HttpRequest) -> HttpResponse:
    """Return 200 once the server runs."""
    return HttpResponse("ok")


class Panel(AsyncWebsocketConsumer):
    """The WebSocket of a visitor."""

    async def connect(self) -> None:
        """Accept the connection, and send the messages."""
        headers = dict(self.scope["headers"])
        token = headers[b"authorization"].decode().partition(" ")[2]
        webchat_id = self.scope["url_route"]["kwargs"]["webchat_id"]
        visitor_id, messages = await _stored(webchat_id, token)
        self.names = [f"visitor.{visitor_id}"]
        if b"all" in self.scope["query_string"]:
            self.names.append("visitor.all")
        for name in self.names:
            await self.channel_layer.group_add(name, self.channel_name)
        await self.accept()
        await self.send(text_data=json.dumps(messages))

    async def disconnect(self, code: int) -> None:
        """Leave the groups."""
        for name in self.names:
            await self.channel_layer.group_discard(name, self.channel_name)

    async def message(self, event: dict[str, Any]) -> None:
        """Forward a message."""
        await self.send(text_data=json.dumps({"text": event["text"]}))


urlpatterns = [path("live/widget/<str:webchat_id>", stream), path("healthz", health)]
application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": URLRouter([path("live/widget/<str:webchat_id>", Panel.as_asgi())]),
    }
)
