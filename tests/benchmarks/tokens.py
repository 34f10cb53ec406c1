"""Print access tokens as JSON: one for each user of the organization ``Organization 0``.

It runs on the database of ``DATABASE_URL`` and with the code of the checkout on ``PYTHONPATH``,
so that tokens have the claims that this checkout verifies.
"""

import json
import os

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from rest_framework_simplejwt.tokens import AccessToken  # noqa: E402


def access_tokens() -> list[str]:
    """Return the tokens, ordered by the users' ids."""
    # Importing the views defines the project's token class, whose module may have moved.
    assert get_resolver().url_patterns
    [token_class] = AccessToken.__subclasses__() or [AccessToken]
    users = get_user_model().objects.filter(organization__name="Organization 0").order_by("pk")
    return [str(token_class.for_user(user)) for user in users]


if __name__ == "__main__":
    print(json.dumps(access_tokens()))
