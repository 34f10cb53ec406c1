"""The command that closes conversations after a time without a message."""

from webchats.conversations.inactivity import close_inactive
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Closes conversations without a message for too long. Run it once an hour."""

    example = "manage.py close_inactive_conversations"
    help = (
        "Close open conversations after a time without a message: 24 hours with automatic answers, "
        "else 72, or the hours that the organization has set. Safe to run twice."
    )

    def handle(self, *, verbosity: int, **_: object) -> None:
        count = 0
        for conversation in close_inactive():
            count += 1
            if verbosity > 1:
                self.stdout.write(f"closed {conversation.pk}")
        self.stdout.write(f"closed {count}")
