"""An SMTP server on the loopback interface, which keeps the messages it accepts."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

_ACCEPTED = "250 OK"


class MailServer:
    """The messages that the server has accepted, and its replies to others."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        #: Replies to recipients that are not accepted, by address.
        self.replies: dict[str, str] = {}

    # The names of aiosmtpd's hooks, whose arguments it documents without types.
    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Accept a recipient unless there is another reply."""
        reply = self.replies.get(address, _ACCEPTED)
        if reply == _ACCEPTED:
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep the message."""
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert [message["To"]] == envelope.rcpt_tos
        self.messages.append(message)
        return _ACCEPTED

    def take(self) -> list[EmailMessage]:
        """Return the messages since the last call, by recipient."""
        taken, self.messages = sorted(self.messages, key=lambda message: message["To"]), []
        return taken


def find_free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def running_mail_server(port: int) -> Iterator[MailServer]:
    """Run a server in a thread."""
    mail_server = MailServer()
    controller = Controller(mail_server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mail_server
    finally:
        controller.stop()
