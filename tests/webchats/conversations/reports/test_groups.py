"""The count by all columns at once, compared with a query for each of them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.db.models import Field, Model
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from organizations.models import AiUsage, Organization, Prompt
from tests.support import factories
from tests.webchats.conversations.reports.fact_rows import START, create_rows, create_webchats
from webchats.conversations.models import Conversation, RetainedConversation
from webchats.conversations.reports import Period, ReportFilter, load_report
from webchats.conversations.reports.groups import (
    DURATIONS,
    SLOT,
    VOLUME,
    Group,
    count_at_once,
    count_separately,
)
from webchats.conversations.reports.sources import Sources
from webchats.models import Webchat

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="The fast count is PostgreSQL's."),
]

#: What reports, summaries, and lists of bars or of days count.
NAMES: list[tuple[str, ...]] = [
    (*DURATIONS, SLOT, VOLUME),
    DURATIONS,
    (SLOT, VOLUME),
    (*DURATIONS, SLOT),
]


def add_up(groups: Iterator[Group]) -> Counter[Any]:
    total = Counter[Any]()
    for name, value, number in groups:
        total[name, value] += number
    return total


def _create_organization(random: Random) -> tuple[list[Webchat], list[Prompt]]:
    """Create the webchats and prompts of an organization, and conversations."""
    organization = factories.OrganizationFactory.create()
    webchats = create_webchats(organization)
    prompts = factories.PromptFactory.create_batch(2, organization=organization)
    create_rows(random, webchats, prompts, 40)
    return webchats, prompts


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.integers(0, 2**32),
    zone=st.sampled_from([UTC, *map(ZoneInfo, ("Europe/Berlin", "Asia/Kolkata"))]),
    days=st.integers(1, 4),
)
def test_groups_of_one_query_are_those_of_separate_queries(seed: int, zone: Any, days: int) -> None:
    random = Random(seed)
    _, (webchats, prompts) = (_create_organization(random) for _ in range(2))
    organization = webchats[0].organization
    period = Period(START.date(), START.date() + timedelta(days=days - 1), zone)
    filters = (
        ReportFilter(),
        ReportFilter(webchat_id=webchats[0].pk),
        ReportFilter(rep_id=webchats[1].user_id),
        ReportFilter(prompt_id=prompts[0].pk, prompt_version=1),
    )
    for report_filter in filters:
        sources = Sources(organization, period, report_filter)
        for names in NAMES:
            found = add_up(count_at_once(sources, names))
            assert found == add_up(count_separately(sources, names))
            assert all(found.values())


@pytest.mark.parametrize("model", [Conversation, RetainedConversation, AiUsage])
def test_report_reads_only_columns_of_the_index(
    organization: Organization, model: type[Model]
) -> None:
    [index] = [index for index in model._meta.indexes if index.name.endswith("_reported")]
    fields = map(model._meta.get_field, (*index.fields, *index.include))
    covered = {field.column for field in fields if isinstance(field, Field)}
    chosen = ReportFilter("0" * 24, "0" * 24, "0" * 24, 1)
    with CaptureQueriesContext(connection) as queries:
        load_report(organization, Period(START.date(), START.date(), UTC), chosen)
    column = rf'"{model._meta.db_table}"\."(\w+)"'
    read = {name for query in queries for name in re.findall(column, query["sql"])}
    assert "organization_id" in read
    assert read <= covered
