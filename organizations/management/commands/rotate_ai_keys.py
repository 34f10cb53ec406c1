"""The command that encrypts the API keys of AI providers with a new key."""

from django.core.management.base import BaseCommand, CommandError

from organizations.ai.encryption import NoEncryptionKey
from organizations.ai.rotation import rotate_api_keys


class Command(BaseCommand):
    """Encrypts API keys of AI providers with the first key of ``AI_KEYS``."""

    help = (
        "Encrypt the API keys of all AI providers with the first key of AI_KEYS. Then the "
        "other keys can be removed. Safe to run twice."
    )

    def handle(self, **_: object) -> None:
        try:
            result = rotate_api_keys()
        except NoEncryptionKey as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"rotated {result.rotated}")
        if result.failed:
            raise CommandError(
                f"AI_KEYS cannot decrypt the API keys of {len(result.failed)} AI providers: "
                f"{', '.join(result.failed)}. Restore the former key at the end of AI_KEYS, or "
                "enter the API keys again."
            )
