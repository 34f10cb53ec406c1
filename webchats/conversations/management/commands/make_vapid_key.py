"""The command that generates the key for web push."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.core.validators import validate_email

from webchats.conversations.notifications.vapid import generate_private_key
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Prints the settings that web push needs. It stores nothing."""

    example = "manage.py make_vapid_key ops@example.com >> .env"
    help = (
        "Generate the key by which push services recognize this service (VAPID), and print the "
        "settings to store. Another key ends all subscriptions: devices must be added again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "email", help="where the operators of push services reach you, if something fails"
        )

    def handle(self, *, email: str, **_: Any) -> None:
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address.") from None
        self.stdout.write(f"VAPID_PRIVATE_KEY={generate_private_key()}")
        self.stdout.write(f"VAPID_SUBJECT=mailto:{email}")
