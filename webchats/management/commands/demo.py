"""``manage.py demo``: everything needed to try the service, in one command."""

import json
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser, call_command

from webchats import demo, examples


class Command(BaseCommand):
    """Migrate, make a demo organization, say how to call the API, and serve."""

    help = "Migrate, make a demo organization, print a ready request, and serve on 127.0.0.1."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--port", type=int, default=8000, help="default: 8000")
        parser.add_argument("--seed-only", action="store_true", help="do not serve")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; a second run changes nothing."""
        if not settings.DEBUG:
            raise CommandError(
                "The demo has a known password, so it runs only with DEBUG on. "
                "To deploy the service, see docs/operations.md."
            )
        call_command("migrate", verbosity=0)
        user = demo.seed()
        base = f"http://127.0.0.1:{options['port']}"
        self.stdout.write(
            f"""
{self.style.SUCCESS("The demo organization is ready.")}

  API docs    {base}/api/docs
  Admin site  {base}/admin/
  Sign in     {demo.EMAIL}  (password: {demo.PASSWORD})

Create a webchat (the token lasts a day):

curl --request POST \\
  --url {base}/api/webchats \\
  --header 'Authorization: Bearer {demo.token_for(user)}' \\
  --header 'Content-Type: application/json' \\
  --data '
{json.dumps(examples.REQUEST, indent=2)}
'
"""
        )
        if not options["seed_only"]:
            address = f"127.0.0.1:{options['port']}"
            call_command("runserver", address, use_reloader=False, skip_checks=True)
