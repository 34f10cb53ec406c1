"""The steps of the overview's checklist for organizations, users, prompts and pipelines."""

from collections.abc import Iterator

from django.urls import reverse

from organizations.auth.roles import Operation, role_allows
from organizations.models import AiProvider, Organization, Pipeline, Prompt, User
from organizations.overview import Step


def get_steps(user: User) -> Iterator[Step]:
    """Yield the first steps of the user's organization; for a superuser those of the service."""
    if user.is_superuser:
        yield Step(
            title="Create an organization",
            help_text="A customer or a department with its own users and data.",
            is_done=Organization.objects.exists(),
            url=reverse("admin:organizations_organization_add"),
        )
        yield Step(
            title="Create its first administrator",
            help_text="They set up the organization and create its other users.",
            is_done=User.objects.exclude(organization=None).exists(),
            url=reverse("admin:organizations_user_add"),
        )
    elif role_allows(user.role, Operation.ADD, Prompt):
        yield Step(
            title="Write a prompt",
            help_text="The instructions for the automatic answers to your visitors.",
            is_done=Prompt.objects.for_user(user).filter(is_active=True).exists(),
            url=reverse("admin:organizations_prompt_add"),
        )
        yield Step(
            title="Create a pipeline",
            help_text="The stages that your contacts go through, such as New, Qualified and Won.",
            is_done=Pipeline.objects.for_user(user).exists(),
            url=reverse("admin:organizations_pipeline_add"),
            is_optional=True,
        )
        if role_allows(user.role, Operation.ADD, AiProvider):
            yield Step(
                title="Connect an AI provider",
                help_text=(
                    "A language model. Without one, answers are searched in your knowledge. Done "
                    "once its connection has been tested, or it has answered."
                ),
                is_done=AiProvider.objects.for_user(user).exclude(last_ok_at=None).exists(),
                url=reverse("admin:organizations_aiprovider_add"),
                is_optional=True,
            )
