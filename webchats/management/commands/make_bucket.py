"""The command that creates the bucket for icons."""

from django.core.management.base import CommandError

from webchats.icons.s3 import S3IconStorage
from webchats.icons.storage import StorageUnavailable, icon_storage
from webchats.management.help import CommandWithExample


class Command(CommandWithExample):
    """Creates the bucket of a self-hosted S3 service."""

    example = "manage.py make_bucket"
    help = (
        "Create the private bucket ICONS_S3_BUCKET for icons, if it does not exist. With R2 and "
        "other hosted services, create the bucket in their dashboard: the access keys of this "
        "service then need no permission to create buckets."
    )

    def handle(self, **_: object) -> None:
        storage = icon_storage()
        if not isinstance(storage, S3IconStorage):
            raise CommandError("Icons are stored in a directory: ICONS_S3_BUCKET is not set.")
        try:
            created = storage.create_bucket()
        except StorageUnavailable as error:
            raise CommandError(f"The bucket could not be created: {error}") from error
        result = "created" if created else "already exists"
        self.stdout.write(f"Bucket {storage.bucket_name} {result}.")
