"""The demo: its organization, as in the API documentation, and its sample site."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from organizations.auth.roles import AccessRole
from organizations.auth.tokens import AccessToken
from organizations.models import Organization, Pipeline, Prompt, Stage, User
from webchats import examples
from webchats.demo_shop import BOOTS, EXAMPLE_QUESTIONS, PACK, TENT
from webchats.models import Webchat

EMAIL: Final = "admin@example.com"
PASSWORD: Final = "demo-password"  # noqa: S105 - the demo prints it, and requires DEBUG
TOKEN_LIFETIME: Final = timedelta(days=1)

#: The webchat of the sample site. Its id is that of the document in the API documentation.
WEBCHAT_ID: Final = str(examples.DOCUMENT["_id"])
#: The sample site loads the widget as a customer's page does, and nothing else.
_SAMPLE_SITE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-src 'self'; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)
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
    prompt, _ = Prompt.objects.get_or_create(
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
    # An inactive prompt cannot be used.
    if prompt.is_active and not Webchat.objects.filter(pk=WEBCHAT_ID).exists():
        _create_webchat(user, prompt, Stage.objects.active().filter(pipeline=pipeline).first())
    return user


def _create_webchat(user: User, prompt: Prompt, stage: Stage | None) -> None:
    webchat = Webchat(
        organization=prompt.organization,
        user=user,
        created_by=user,
        name="Sample site",
        description="The widget on the demo's sample site.",
        prompt=prompt,
        pipeline=stage.pipeline if stage else None,
        pipeline_stage=stage,
        initial_stage="new",
        is_autopilot=True,
        allowed_domains=["localhost", "127.0.0.1"],
        starter_message=f"Hi! Ask us anything, for example: {EXAMPLE_QUESTIONS[0]}",
        status_text="We typically reply within minutes",
        background_color="#FFFFFF",
        primary_color="#14532D",
        secondary_color="#16A34A",
        status_text_color="#4B5563",
        timestamp_color="#4B5563",
        csat_thank_you_message="Thank you for your feedback!",
    )
    webchat.pk = WEBCHAT_ID
    webchat.full_clean()
    webchat.save()


@require_safe
def sample_site(request: HttpRequest) -> HttpResponse:
    """Return a page that embeds the demo's webchat, with ``DEBUG`` only: else it is a 404."""
    if not settings.DEBUG:
        raise Http404
    webchat = Webchat.objects.filter(pk=WEBCHAT_ID).first()
    products = {"tent": TENT, "pack": PACK, "boots": BOOTS}
    context = {"webchat": webchat, "questions": EXAMPLE_QUESTIONS, **products}
    response = render(request, "demo/sample_site.html", context)
    response.headers["Content-Security-Policy"] = _SAMPLE_SITE_POLICY
    return response


def find_sample_site(webchat_ids: Iterable[str]) -> str:
    """Return the path of the sample site if it is served and embeds one of these webchats."""
    return reverse("sample-site") if settings.DEBUG and WEBCHAT_ID in webchat_ids else ""


def token_for(user: User) -> str:
    """Return an access token that is valid for ``TOKEN_LIFETIME``."""
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=TOKEN_LIFETIME)
    return str(token)
