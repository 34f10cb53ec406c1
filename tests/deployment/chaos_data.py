"""Fill the database of ``DATABASE_URL`` for ``tests.deployment.chaos``, and print ids as JSON.

Usage: ``python -m tests.deployment.chaos_data MODEL_URL REPS``.
"""

import json
import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 - after django.setup()

from organizations.models import ApiKey  # noqa: E402
from tests.support import factories  # noqa: E402
from tests.support.ai_webchats import create_ai_webchat  # noqa: E402


def main(model_url: str, reps: int) -> dict[str, Any]:
    """Create an organization with two webchats and representatives, each of whom has an API key.

    Return ``webchats``, the ids of one in which the AI answers, and of one in which people do, and
    ``keys`` and ``key``, the first of them.
    """
    call_command("migrate", verbosity=0)
    admin = factories.UserFactory.create()
    domains = {"allowed_domains": ["example.com"]}
    answered = create_ai_webchat(admin, base_url=model_url, **domains)
    provider = answered.prompt.provider
    assert provider is not None
    provider.max_parallel = 100
    provider.save()
    inactive = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    staffed = factories.WebchatFactory.create(user=admin, prompt=inactive, **domains)
    keys = []
    for _ in range(reps):
        user = factories.UserFactory.create(
            organization=admin.organization, access_role="SALES_REP"
        )
        key = ApiKey(organization=admin.organization, user=user, name="Chaos")
        key.generate_secret()
        key.save()
        keys.append(key.secret)
    return {"webchats": [answered.pk, staffed.pk], "keys": keys, "key": keys[0]}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))))
