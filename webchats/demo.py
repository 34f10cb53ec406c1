"""The demo organization: the one of the example in the API documentation."""

from datetime import timedelta
from typing import Final

from organizations.auth.roles import AccessRole
from organizations.auth.tokens import AccessToken
from organizations.models import Organization, Pipeline, Prompt, Stage, User
from webchats import examples

EMAIL: Final = "admin@example.com"
PASSWORD: Final = "demo-password"  # noqa: S105 - the demo prints it, and requires DEBUG
TOKEN_LIFETIME: Final = timedelta(days=1)

_STAGES: Final = ((examples.STAGE_ID, "New"), (None, "Qualified"), (None, "Won"))


def seed() -> User:
    """Create the missing rows of the demo organization and return its administrator.

    Existing rows are not changed.
    """
    organization, _ = Organization.objects.get_or_create(
        pk=examples.ORGANIZATION_ID, defaults={"name": "Example Company"}
    )
    user = User.objects.filter(pk=examples.USER_ID).first()
    if user is None:
        user = User.objects.create_user(
            EMAIL,
            PASSWORD,
            id=examples.USER_ID,
            organization=organization,
            full_name="Alex Admin",
            access_role=AccessRole.ADMIN,
        )
    Prompt.objects.get_or_create(
        pk=examples.PROMPT_ID,
        defaults={
            "organization": organization,
            "name": "Friendly assistant",
            "instructions": "You answer visitors of our website, in two sentences at most.",
        },
    )
    pipeline, _ = Pipeline.objects.get_or_create(
        pk=examples.PIPELINE_ID,
        defaults={"organization": organization, "name": "Sales", "is_default": True},
    )
    if not pipeline.stages.exists():
        for position, (pk, name) in enumerate(_STAGES):
            stage = Stage(pipeline=pipeline, name=name, position=position)
            stage.pk = pk or stage.pk
            stage.full_clean()
            stage.save()
    return user


def token_for(user: User) -> str:
    """Return an access token that is valid for ``TOKEN_LIFETIME``."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=TOKEN_LIFETIME)
    return str(token)
