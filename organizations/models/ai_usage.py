"""The tokens of language models: one row per call, and their sum per month."""

from typing import Final

from django.db import models

from organizations import constraints
from organizations.fields import NAME_LENGTH
from organizations.models.ai_provider import MODEL_LENGTH, AiProvider
from organizations.models.prompt import Prompt
from organizations.tenancy.models import TenantModel

#: Digits of ``AiUsage.cost``, and those after the point.
_COST_DIGITS: Final = (18, 8)
#: The fields that reports add up.
_REPORTED: Final = (
    "prompt",
    "prompt_version",
    "input_tokens",
    "output_tokens",
    "is_estimated",
    "cost",
)


class Purpose(models.TextChoices):
    """What a call was made for."""

    REPLY = "reply", "Reply to a visitor"
    DRAFT = "draft", "Draft for a representative"
    PLAYGROUND = "playground", "Playground"
    CHECK = "check", "Check of a prompt"
    TEST = "test", "Test of the connection"


class AiUsage(TenantModel):
    """A call of a provider, also of one that failed.

    The row is created before the call, with the estimated tokens. While ``settled_at`` is null, the
    call runs, or its process has died: ``ai.usage.settle_abandoned`` settles it then.
    """

    is_detail = True

    #: ``None`` for the default of the deployment and after a deletion.
    provider = models.ForeignKey(
        AiProvider, on_delete=models.SET_NULL, null=True, related_name="usage"
    )
    #: The provider of the month from which the tokens were reserved: its id, which stays after a
    #: deletion. Empty for the default of the deployment.
    provider_key = models.CharField(max_length=24, blank=True, default="")
    provider_name = models.CharField(max_length=NAME_LENGTH)
    model = models.CharField(max_length=MODEL_LENGTH)
    prompt = models.ForeignKey(Prompt, on_delete=models.SET_NULL, null=True, related_name="usage")
    prompt_version = models.PositiveIntegerField(default=0)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    #: The id of the reply that the call was made for, or empty.
    reply_id = models.CharField(max_length=24, blank=True, default="")
    #: Tokens that were reserved from the budget.
    estimate = models.PositiveIntegerField()
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    is_estimated = models.BooleanField(default=False)
    #: ``None`` for a provider without prices.
    cost = models.DecimalField(
        max_digits=_COST_DIGITS[0], decimal_places=_COST_DIGITS[1], null=True, blank=True
    )
    #: An ``EndReason`` or an ``ErrorKind``; empty while the call runs.
    end_reason = models.CharField(max_length=20, blank=True, default="")
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
    #: When the call is regarded as abandoned, if it has not been settled.
    expires_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "AI usage"
        verbose_name_plural = "AI usage"
        ordering = ("-created_at", "-id")
        indexes = (
            models.Index(fields=("organization", "-created_at", "-id"), name="ai_usage_newest"),
            models.Index(fields=("prompt", "created_at"), name="ai_usage_of_prompt"),
            # Reports read it without the rows, in two thirds of the time.
            models.Index(
                fields=("organization", "created_at"), include=_REPORTED, name="ai_usage_reported"
            ),
            models.Index(
                fields=("organization", "provider"),
                condition=models.Q(settled_at=None),
                name="ai_usage_running",
            ),
        )
        constraints = (constraints.one_of("purpose", Purpose.values),)

    def __str__(self) -> str:
        return f"{self.provider_name}, {self.model}"


class AiMonth(TenantModel):
    """The tokens of a month (UTC) that an organization has used or reserved at a provider.

    Its lock makes reservations follow one another.
    """

    is_detail = True

    #: The provider's id, or empty for the default of the deployment.
    provider_key = models.CharField(max_length=24, blank=True, default="")
    month = models.DateField()
    tokens = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "month of AI usage"
        verbose_name_plural = "months of AI usage"
        ordering = ("-month", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "provider_key", "month"), name="ai_month_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
