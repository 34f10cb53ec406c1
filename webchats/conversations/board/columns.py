"""The columns of the board: their cards, and their numbers of contacts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

from django.db.models import Count, Q

from organizations.models import Pipeline, Stage
from organizations.tenancy.models import TenantQuerySet
from webchats.conversations.keysets import newest_page
from webchats.conversations.models import Contact, Conversation
from webchats.conversations.search import search_contacts
from webchats.conversations.transitions import Handler

#: The cards that a column shows at first, and more each time.
CARDS: Final = 25
#: The cards of the whole page at first, so that a pipeline with many stages makes no huge page.
MAX_CARDS: Final = 250
#: The contacts that a search shows at most.
MAX_FOUND: Final = 1_000
#: The key of the column of contacts without a stage.
NO_STAGE: Final = ""
#: What a card shows.
_FIELDS: Final = (
    "name",
    "email",
    "phone",
    "pipeline",
    "stage",
    "stage_entered_at",
    "last_seen_at",
    "webchat__name",
    "webchat__primary_color",
)
_CONVERSATION_FIELDS: Final = (
    "contact",
    "handler",
    "waiting_since",
    "last_sequence",
    "organization_read_sequence",
)


@dataclass
class Card:
    """A contact, with the state of its open conversations."""

    contact: Contact
    #: Since when the visitor waits for an answer; ``None`` if no visitor waits.
    waiting_since: datetime | None = None
    #: Whether nobody has taken one of these conversations: it is in the view *Waiting*.
    is_waiting: bool = False
    unread: int = 0


@dataclass
class Column:
    """A stage of the pipeline, or the contacts without one."""

    stage: Stage | None
    count: int
    cards: list[Card] = field(default_factory=list)
    #: The cursor of the next cards; empty if there are none.
    next_cursor: str = ""

    @property
    def key(self) -> str:
        """Return the stage's id, ``NO_STAGE`` without a stage."""
        return self.stage.pk if self.stage else NO_STAGE

    @property
    def name(self) -> str:
        """Return the heading of the column."""
        return self.stage.name if self.stage else "No stage"

    @property
    def is_active(self) -> bool:
        """Whether contacts can be moved here."""
        return self.stage is None or self.stage.is_active


@dataclass(frozen=True)
class Filters:
    """Which contacts the board shows."""

    webchat_id: str = ""
    search: str = ""


class Board:
    """The contacts of a pipeline that match the filters.

    Contacts without a pipeline are in the column of those without a stage, on every board.
    """

    def __init__(self, pipeline: Pipeline, filters: Filters) -> None:
        self.pipeline = pipeline
        self.filters = filters

    @cached_property
    def stages(self) -> list[Stage]:
        """Return the stages in their order."""
        return list(self.pipeline.stages.all())

    @property
    def targets(self) -> list[Stage]:
        """Return the stages into which a contact can be moved."""
        return [stage for stage in self.stages if stage.is_active]

    def get_columns(self) -> list[Column]:
        """Return the columns with their first cards.

        Those of stages that are not active come last, and only if they have contacts.
        """
        counts = self.count()
        stages = sorted(self.stages, key=lambda stage: not stage.is_active)
        columns = [Column(stage, counts[stage.pk]) for stage in stages]
        columns = [column for column in columns if column.is_active or column.count]
        columns.insert(0, Column(None, counts[NO_STAGE]))
        shown = [column for column in columns if column.count]
        for column in shown:
            self.load_cards(column, limit=min(CARDS, max(1, MAX_CARDS // len(shown))))
        add_conversations(card for column in columns for card in column.cards)
        return columns

    def get_column(self, key: str, cursor: str) -> Column | None:
        """Return the cards of a column after a cursor; ``None`` for an unknown column."""
        stages = {NO_STAGE: None, **{stage.pk: stage for stage in self.stages}}
        if key not in stages:
            return None
        column = Column(stages[key], 0)
        self.load_cards(column, cursor)
        add_conversations(column.cards)
        return column

    def load_cards(self, column: Column, cursor: str = "", *, limit: int = CARDS) -> None:
        """Set the cards of a column and the cursor of the next ones."""
        rows = self._rows(column.key).select_related("webchat").only(*_FIELDS)
        page = newest_page(rows, "last_seen_at", cursor, limit)
        column.cards = [Card(contact) for contact in page.rows]
        column.next_cursor = page.next_cursor

    def count(self) -> Mapping[str, int]:
        """Return the exact number of contacts by stage, and of those without one."""
        counts = dict.fromkeys([NO_STAGE, *(stage.pk for stage in self.stages)], 0)
        # Both queries read indexes only: ``contact_by_stage`` and ``contact_without_stage``.
        placed = self._filter(Contact.objects.filter(stage__in=self.stages)).order_by()
        counts.update(placed.values_list("stage").annotate(count=Count("*")))
        counts[NO_STAGE] = self._rows(NO_STAGE).count()
        return counts

    def find_key(self, contact: Contact) -> str | None:
        """Return the column of a contact; ``None`` if the board does not show it.

        The search is not considered.
        """
        is_shown = contact.pipeline_id in (self.pipeline.pk, None)
        if self.filters.webchat_id not in ("", contact.webchat_id):
            is_shown = False
        return (contact.stage_id or NO_STAGE) if is_shown else None

    @property
    def has_more(self) -> bool:
        """Whether the search finds more contacts than the board shows."""
        return self._found is not None and len(self._found) > MAX_FOUND

    @cached_property
    def _found(self) -> list[str] | None:
        """The ids of contacts that a search finds, in no order; ``None`` without a search.

        They are read once: otherwise each column would search.
        """
        if not self.filters.search:
            return None
        rows = Contact.objects.for_organization(self.pipeline.organization_id).filter(
            Q(pipeline=self.pipeline) | Q(pipeline=None)
        )
        found = search_contacts(rows, self.filters.search).order_by().values_list("pk", flat=True)
        return list(found[: MAX_FOUND + 1])

    def _rows(self, key: str) -> TenantQuerySet[Contact]:
        if key != NO_STAGE:
            # Without the organization, which is that of the stage: PostgreSQL might read its
            # newest contacts instead of those of the stage.
            return self._filter(Contact.objects.filter(stage_id=key))
        rows = Contact.objects.for_organization(self.pipeline.organization_id).filter(stage=None)
        return self._filter(rows.filter(Q(pipeline=self.pipeline) | Q(pipeline=None)))

    def _filter(self, rows: TenantQuerySet[Contact]) -> TenantQuerySet[Contact]:
        if self.filters.webchat_id:
            rows = rows.filter(webchat_id=self.filters.webchat_id)
        return rows if self._found is None else rows.filter(pk__in=self._found[:MAX_FOUND])


def add_conversations(cards: Iterable[Card]) -> None:
    """Add the state of the contacts' open conversations to the cards, with one query."""
    by_contact = {card.contact.pk: card for card in cards}
    if not by_contact:
        return
    rows = Conversation.objects.open().filter(contact__in=by_contact).order_by()
    for row in rows.only(*_CONVERSATION_FIELDS):
        card = by_contact[row.contact_id]
        card.is_waiting |= row.handler == Handler.WAITING
        card.unread += row.unread
        if row.waiting_since is not None:
            card.waiting_since = min(row.waiting_since, card.waiting_since or row.waiting_since)
