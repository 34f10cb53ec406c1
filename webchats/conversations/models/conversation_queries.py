"""The querysets of conversations."""

from typing import Self, TypeVar

from django.db import models

from organizations.models import User
from organizations.tenancy.models import TenantQuerySet, TenantScoped
from webchats.conversations.transitions import Handler, State
from webchats.models import Webchat

_Row_co = TypeVar("_Row_co", bound=TenantScoped, covariant=True)


class ConversationQuerySet(TenantQuerySet[_Row_co]):
    """Conversations, with filters for their states."""

    def open(self) -> Self:
        """Return the open conversations."""
        return self.filter(state=State.OPEN)

    def waiting(self) -> Self:
        """Return the open conversations that wait for a person."""
        return self.open().filter(handler=Handler.WAITING)

    def closed(self) -> Self:
        """Return the conversations that have ended."""
        return self.filter(state=State.CLOSED)

    def assigned_to(self, user: User) -> Self:
        """Return the conversations that are assigned to ``user``."""
        return self.filter(assignee=user)

    def unread(self) -> Self:
        """Return the conversations with messages that no member has read."""
        return self.filter(last_sequence__gt=models.F("organization_read_sequence"))

    def of_visitor(self, webchat: Webchat, visitor_id: str) -> Self:
        """Return the visitor's conversations in the webchat, newest first.

        Visitor endpoints find conversations by these two values only.
        """
        rows = self.filter(webchat=webchat, visitor_id=visitor_id)
        return rows.order_by("-created_at", "-id")


ConversationManager = models.Manager.from_queryset(ConversationQuerySet)
