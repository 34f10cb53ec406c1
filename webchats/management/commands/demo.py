"""The command that starts the service with demo data."""

import json

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from webchats import demo, examples


class Command(BaseCommand):
    """Prepares a demo organization and starts the development server. Safe to repeat."""

    help = (
        "Migrate the database, create a demo organization, print a request that creates a webchat, "
        "and serve on 127.0.0.1."
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
        call_command("migrate", verbosity=0)
        user = demo.seed()
        base = f"http://127.0.0.1:{port}"
        self.stdout.write(
            f"""
{self.style.SUCCESS("The demo organization is ready.")}

  API docs    {base}/api/docs
  Admin site  {base}/admin/
  Sign in     {demo.EMAIL}  (password: {demo.PASSWORD})

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
            call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, skip_checks=True)
