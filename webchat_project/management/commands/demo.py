"""The command that starts the service with demo data."""

import errno
import json
import socket
from typing import Final

from django.conf import settings
from django.core.management import CommandError, CommandParser, call_command

from webchat_project.demo_server import serve
from webchats import demo, examples
from webchats.conversations.demo import COLLEAGUE_EMAIL, seed_conversations
from webchats.conversations.demo_canned_replies import seed_canned_replies
from webchats.conversations.demo_knowledge import seed_knowledge
from webchats.management.help import CommandWithExample

_MAX_PORT: Final = 65_535


class Command(CommandWithExample):
    """Prepares a demo organization and starts the development server. Safe to repeat."""

    example = "manage.py demo --port 8080"
    help = (
        "Migrate the database, create a demo organization with a sample site, print a request that "
        "creates a webchat, and serve on 127.0.0.1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="Default: 8000.")
        parser.add_argument("--seed-only", action="store_true", help="Do not start the server.")

    def handle(self, *, port: int, seed_only: bool, **_: object) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo has a public password and therefore requires DEBUG. "
                "To deploy the service, see docs/operations.md."
            )
        if not seed_only:
            _check_port(port)
        call_command("migrate", verbosity=0)
        user = demo.seed()
        seed_conversations(user)
        seed_knowledge(user)
        seed_canned_replies(user)
        base = f"http://127.0.0.1:{port}"
        self.stdout.write(
            f"""
{self.style.SUCCESS("The demo is ready.")}

  Admin site   {base}/admin/
               Sign in as {demo.EMAIL}, or as the representative {COLLEAGUE_EMAIL},
               with the password {demo.PASSWORD}
  Inbox        {base}/admin/inbox/
  Sample site  {base}/demo
  API docs     {base}/api/docs

Create a webchat (the token is valid for one day):

curl --request POST \\
  --url {base}/api/webchats \\
  --header 'Authorization: Bearer {demo.token_for(user)}' \\
  --header 'Content-Type: application/json' \\
  --data '
{json.dumps(examples.REQUEST, indent=2)}
'
"""
        )
        if not seed_only:
            serve(port)


def _check_port(port: int) -> None:
    """Raise ``CommandError`` if the server could not listen on this port."""
    if not 1 <= port <= _MAX_PORT:
        raise CommandError(f"--port must be between 1 and {_MAX_PORT}.")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        reason = "is already in use" if taken else f"cannot be used ({error.strerror})"
        raise CommandError(f"Port {port} {reason}. Choose another one: --port 8080.") from None
