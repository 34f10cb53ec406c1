"""A server that streams an endless answer in OpenAI's protocol until its client leaves."""

import json
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from time import monotonic, sleep
from typing import Final

#: Seconds between two chunks.
PAUSE: Final = 0.02
#: Chunks that are sent before the action.
CHUNKS_BEFORE: Final = 5
_MAX_CHUNKS: Final = 500


def _chunk(text: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "slow"}
    return b"data: " + json.dumps({**body, "choices": [choice]}).encode() + b"\n\n"


class SlowModel(socketserver.ThreadingTCPServer):
    """The server. In the middle of an answer, it calls ``action`` once."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.action: Callable[[], object] = lambda: None
        #: Seconds from the end of the action to the end of each connection.
        self.delays: list[float] = []


class _Handler(socketserver.StreamRequestHandler):
    server: SlowModel

    def handle(self) -> None:
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        self.wfile.write(b"connection: close\r\n\r\n")
        acted_at = 0.0
        try:
            for number in range(_MAX_CHUNKS):
                if number == CHUNKS_BEFORE:
                    self.server.action()
                    acted_at = monotonic()
                self.wfile.write(_chunk("word "))
                sleep(PAUSE)
        except OSError:
            self.server.delays.append(monotonic() - acted_at)


@contextmanager
def running_slow_model() -> Iterator[SlowModel]:
    """Run the server in threads."""
    with SlowModel() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
