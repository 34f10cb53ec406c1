"""The tokens and cost of the calls of a model, by prompt version."""

from django.db.models import Count, Q, Sum
from django.db.models.functions import Coalesce

from organizations.models import AiUsage, Organization
from webchats.conversations.reports.figures import PromptUsage
from webchats.conversations.reports.filters import ReportFilter
from webchats.conversations.reports.periods import Period
from webchats.conversations.reports.volume import prompt_names

#: The most versions of prompts that are returned, those with the most tokens.
MAX_PROMPTS = 200


def load_usage(
    organization: Organization, period: Period, report_filter: ReportFilter
) -> list[PromptUsage]:
    """Return the usage of all calls that were made in the period, also of the playground.

    Calls belong to a prompt, not to a webchat or representative: these filters are ignored.
    """
    calls = AiUsage.objects.for_organization(organization.pk).filter(
        report_filter.usage_condition(),
        created_at__gte=period.start,
        created_at__lt=period.end,
    )
    groups = (
        calls.order_by()
        .values_list("prompt_id", "prompt_version")
        .annotate(
            calls=Count("*"),
            input=Coalesce(Sum("input_tokens"), 0),
            output=Coalesce(Sum("output_tokens"), 0),
            estimated=Count("organization_id", filter=Q(is_estimated=True)),
            price=Sum("cost"),
        )
        .order_by("-input", "-output", "prompt_id", "prompt_version")[:MAX_PROMPTS]
    )
    rows = list(groups)
    names = prompt_names(row[0] for row in rows)
    return [PromptUsage(pk, names.get(pk, ""), *figures) for pk, *figures in rows]
