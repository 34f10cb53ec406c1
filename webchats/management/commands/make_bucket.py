"""``manage.py make_bucket``: make the bucket for icons in a store of one's own."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from webchats.icons.s3 import S3IconStorage
from webchats.icons.storage import StorageUnavailable, icon_storage


class Command(BaseCommand):
    """See the module."""

    help = (
        "Make the private bucket that ICONS_S3_BUCKET names, unless it is there. R2 and other "
        "hosted stores have their own page for it, and keys that may not make one."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Make it; a second run changes nothing."""
        storage = icon_storage()
        if not isinstance(storage, S3IconStorage):
            raise CommandError("Icons are kept in a folder: ICONS_S3_BUCKET is not set.")
        try:
            made = storage.create_bucket()
        except StorageUnavailable as error:
            raise CommandError(f"The store did not make the bucket: {error}") from error
        said = "made" if made else "is there already"
        self.stdout.write(f"The bucket {storage.bucket_name} {said}.")
