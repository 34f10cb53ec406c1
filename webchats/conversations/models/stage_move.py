"""The moves of contacts from stage to stage."""

from django.db import models
from django.utils import timezone

from organizations import constraints
from organizations.fields import NAME_LENGTH, TrimmedCharField
from organizations.models import Pipeline, Stage, User
from organizations.tenancy.models import TenantModel
from webchats.conversations.models.contact import Contact
from webchats.conversations.models.contact_merge import ContactMerge


class StageMove(TenantModel):
    """A row for each time that a contact's stage changes, which is never changed itself.

    The names are those at the time of the move, and remain when a stage or a user is deleted. They
    are empty for a contact without a stage. ``webchats.conversations.moves`` writes the rows.
    """

    is_detail = True

    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="moves", db_index=False
    )
    contact_id: str
    #: How it came to its contact, if it was one of another contact before.
    merge = models.ForeignKey(
        ContactMerge,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="moves",
        db_index=False,
    )
    merge_id: str | None
    from_pipeline = models.ForeignKey(
        Pipeline, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    from_pipeline_id: str | None
    from_pipeline_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    from_stage = models.ForeignKey(
        Stage, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    from_stage_id: str | None
    from_stage_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    to_pipeline = models.ForeignKey(
        Pipeline, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    to_pipeline_id: str | None
    to_pipeline_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    to_stage = models.ForeignKey(
        Stage, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    to_stage_id: str | None
    to_stage_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    #: ``None``, with an empty name, for the visitor's first message, an import and the system.
    moved_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    moved_by_id: str | None
    moved_by_name = TrimmedCharField(max_length=NAME_LENGTH, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "move"
        ordering = ("-at", "-id")
        indexes = (
            models.Index(fields=("contact", "-at", "-id"), name="move_of_contact"),
            models.Index(
                fields=("merge",), condition=models.Q(merge__isnull=False), name="move_merged"
            ),
        )
        constraints = (
            constraints.length_between("from_pipeline_name", 0, NAME_LENGTH),
            constraints.length_between("from_stage_name", 0, NAME_LENGTH),
            constraints.length_between("to_pipeline_name", 0, NAME_LENGTH),
            constraints.length_between("to_stage_name", 0, NAME_LENGTH),
            constraints.length_between("moved_by_name", 0, NAME_LENGTH),
        )

    def __str__(self) -> str:
        return f"{self.from_stage_name or 'No stage'} → {self.to_stage_name or 'No stage'}"
