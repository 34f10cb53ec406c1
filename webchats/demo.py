"""A small organization to try the service with: the one of the API's example."""

from datetime import timedelta

from organizations.auth.tokens import AccessToken
from organizations.models import Organization, Pipeline, Prompt, Stage, User
from webchats import examples

EMAIL = "admin@example.com"
PASSWORD = "demo-password"  # noqa: S105 - printed on the screen; only in DEBUG
TOKEN_LIFETIME = timedelta(days=1)


def seed() -> User:
    """Make what is missing of the demo organization and return its administrator.

    What is there already stays as it is.
    """
    organization, _ = Organization.objects.get_or_create(
        pk=examples.ORGANIZATION_ID, defaults={"name": "Example Company"}
    )
    user: User | None = User.objects.filter(pk=examples.USER_ID).first()
    if user is None:
        user = User.objects.create_user(
            EMAIL,
            PASSWORD,
            id=examples.USER_ID,
            organization=organization,
            full_name="Alex Admin",
            access_role="ADMIN",
        )
    Prompt.objects.get_or_create(
        pk=examples.PROMPT_ID,
        defaults={
            "organization": organization,
            "name": "Friendly assistant",
            "instructions": "You answer visitors of our website, in two sentences at the most.",
        },
    )
    pipeline, _ = Pipeline.objects.get_or_create(
        pk=examples.PIPELINE_ID,
        defaults={"organization": organization, "name": "Sales", "is_default": True},
    )
    stages = [(examples.STAGE_ID, "New"), (None, "Qualified"), (None, "Won")]
    if not pipeline.stages.exists():
        for position, (pk, name) in enumerate(stages):
            given = {"pk": pk} if pk else {}
            stage = Stage(pipeline=pipeline, name=name, position=position, **given)
            stage.full_clean()
            stage.save()
    return user


def token_for(user: User) -> str:
    """An access token that lasts for a day of trying things out."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=TOKEN_LIFETIME)
    return str(token)
