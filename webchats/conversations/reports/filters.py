"""The conversations that a report is about, besides its period."""

from dataclasses import dataclass

from django.db.models import Q


@dataclass(frozen=True)
class ReportFilter:
    """Ids of rows of the organization, or ``None`` for all conversations.

    ``rep_id`` is the representative who wrote last, the prompt that of the first automatic answer.
    """

    webchat_id: str | None = None
    rep_id: str | None = None
    prompt_id: str | None = None
    prompt_version: int | None = None

    def condition(self) -> Q:
        """Return the condition on the columns of conversations."""
        values = {
            "webchat_id": self.webchat_id,
            "answered_by_id": self.rep_id,
            "ai_prompt_id": self.prompt_id,
            "ai_prompt_version": self.prompt_version,
        }
        return Q(**{name: value for name, value in values.items() if value is not None})

    def usage_condition(self) -> Q:
        """Return the condition on calls of a model, which belong to a prompt only."""
        values = {"prompt_id": self.prompt_id, "prompt_version": self.prompt_version}
        return Q(**{name: value for name, value in values.items() if value is not None})
