"""``python -m tests.deployment.paced_model PORT``: a language model that streams at a steady pace.

It speaks OpenAI's protocol. Its answer to ``Question 7`` is ``Answer to Question 7``, which some
words follow. The last visible word of each answer is the time of the clock at which it was sent.
"""

import asyncio
import json
import re
import sys
import time
from typing import Final

#: Seconds until the first token, between two, and tokens of an answer.
FIRST: Final = 0.3
PAUSE: Final = 0.03
WORDS: Final = 30

_QUESTION: Final = re.compile(r"Question [\w.]+\w")


def answer_to(question: str) -> str:
    """Return the text by which an answer begins."""
    return f"Answer to {question}:"


def _event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "paced"}
    return b"data: " + json.dumps({**body, "choices": [choice]}).encode() + b"\n\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        messages = json.loads(await reader.readexactly(length))["messages"]
        asked = [str(turn["content"]) for turn in messages if turn["role"] == "user"]
        found = _QUESTION.findall(asked[-1] if asked else "")
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
        )
        await asyncio.sleep(FIRST)
        writer.write(
            _event({"role": "assistant", "content": answer_to(found[-1] if found else "")})
        )
        for number in range(WORDS):
            await asyncio.sleep(PAUSE)
            writer.write(_event({"content": f" word{number}@{time.monotonic():.3f}"}))
            await writer.drain()
        writer.write(_event({}, "stop") + b"data: [DONE]\n\n")
        await writer.drain()
    except (OSError, EOFError):
        pass
    finally:
        writer.close()


async def serve(port: int) -> None:
    """Serve until the process ends."""
    server = await asyncio.start_server(_answer, "127.0.0.1", port, backlog=1024)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
