"""The states of replies and drafts of the AI."""

from django.db import models


class ReplyState(models.TextChoices):
    """The state of a reply. Every state but ``running`` is final."""

    RUNNING = "running", "Running"
    SENT = "sent", "Sent"
    DRAFTED = "drafted", "Drafted"
    DISCARDED = "discarded", "Discarded"
    FAILED = "failed", "Failed"
    HANDED_OVER = "handed_over", "Handed over"


class DraftState(models.TextChoices):
    """The state of a draft. Every state but ``pending`` is final."""

    PENDING = "pending", "Pending"
    SENT = "sent", "Sent"
    REJECTED = "rejected", "Rejected"
    SUPERSEDED = "superseded", "Superseded"
    FAILED = "failed", "Failed"
