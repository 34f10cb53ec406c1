"""The data: webchats of organizations with everything that they reference, created by SQL.

``python -m tests.benchmarks.dataset '{"webchats": 100000, "organizations": 200}'`` fills the empty
PostgreSQL database of ``DATABASE_URL`` and prints facts about it as JSON. One row of each model is
built and validated by Django, then multiplied by ``generate_series``. A column that is not named
here has the model's value in every row.

Organizations alternate from row to row, so that the webchats of one are scattered over the table as
in a real service. A third of the webchats have a pipeline and a stage, a third only a pipeline. Two
of five have an icon, one of ten is disabled.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
django.setup()

from django.db import connection, models  # noqa: E402

from organizations.models import (  # noqa: E402
    AiUsage,
    Organization,
    Pipeline,
    Prompt,
    Stage,
    User,
)
from tests.benchmarks.tokens import access_tokens  # noqa: E402
from webchats.conversations.models import (  # noqa: E402
    Contact,
    Conversation,
    Draft,
    Message,
    Reply,
)
from webchats.models import Webchat  # noqa: E402

#: The load comes from many users, because each is throttled.
MEMBERS = 200
PROMPTS, PIPELINES, STAGES = 10, 2, 3
#: The number of webchats in the facts about the first organization.
SAMPLE = 500
PASSWORD = "a-long-enough-phrase"

#: The columns that every webchat shares.
WEBCHAT = Webchat(
    name="Webchat",
    background_color="#FFFFFF",
    primary_color="#1F2937",
    secondary_color="#3B82F6",
    starter_message="Hi! Looking for pricing, or for help with an order?",
    status_text="We typically reply within minutes",
    csat_thank_you_message="Thanks for your feedback!",
    initial_stage="new",
)

#: The Unix time of the first row.
EPOCH = 1_700_000_000
MODELS = (
    Organization,
    User,
    Prompt,
    Pipeline,
    Stage,
    Webchat,
    Contact,
    Conversation,
    Message,
    AiUsage,
    Reply,
    Draft,
)
# fmt: off
WORDS = ["Shop", "Support", "Landing", "Checkout", "Careers", "Blog", "Docs", "Pricing", "Help",
          "Returns", "Events", "Press"]
PLACES = ["Harbor", "Meadow", "Summit", "Orchard", "Lantern", "Compass", "Granite", "Willow",
           "Juniper", "Falcon"]
# fmt: on


def object_id(model: type[models.Model], number: str) -> str:
    """Return SQL for the id of a model's row. ``number`` is SQL; ids are a minute apart."""
    return (
        f"(lpad(to_hex({EPOCH} + 60 * ({number})), 8, '0') || '{MODELS.index(model):010x}' "
        f"|| lpad(to_hex({number}), 6, '0'))"
    )


def multiply(row: models.Model, count: int, **columns: str) -> None:
    """Insert the row ``count`` times. ``columns`` are SQL by column, with ``n`` from 0."""
    fields = row._meta.fields
    row.full_clean(exclude=[f.name for f in fields if f.is_relation or f.column in columns])
    model = type(row)
    columns = {
        "id": object_id(model, "n"),
        "created_at": f"to_timestamp({EPOCH} + 60 * n)",
        "updated_at": f"to_timestamp({EPOCH} + 60 * n)",
        **columns,
    }
    values: list[Any] = []
    for field in row._meta.concrete_fields:
        assert field.column is not None
        if field.generated:
            continue
        if field.column not in columns:
            columns[field.column] = "%s"
            values.append(field.get_db_prep_save(field.pre_save(row, add=True), connection))
        else:
            columns[field.column] = columns.pop(field.column).replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM generate_series(0, {count - 1}) AS n",
            values,
        )


@contextmanager
def without_indexes(table: str) -> Iterator[None]:
    """Drop the table's indexes and foreign keys, and create them again at the end of the block."""
    with without_foreign_keys(table), connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
            "WHERE indrelid = %s::regclass "
            "AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)",
            [table],
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for _, definition in indexes:
            cursor.execute(definition)


@contextmanager
def without_foreign_keys(table: str) -> Iterator[None]:
    """Drop the table's foreign keys, and create them again at the end of the block."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        keys = cursor.fetchall()
        for name, _ in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        yield
        for name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def fill(webchats: int, organizations: int) -> None:
    """Insert the rows of every model."""
    multiply(
        Organization(name="Organization"),
        organizations,
        name="'Organization ' || n",
        default_icon="CASE WHEN n % 2 = 0 THEN " + _icon_key("n", "n") + " ELSE '' END",
    )
    _insert_references(organizations)
    with without_indexes(Webchat._meta.db_table):
        _insert_webchats(webchats, organizations)
    with connection.cursor() as cursor:
        # The state of a database that has run for a while, with statistics for the planner.
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")


def _insert_references(organizations: int) -> None:
    """Insert the rows that webchats reference: users, prompts, pipelines and stages."""
    member = User(email="x@example.com", full_name="Member", access_role="ADMIN")
    member.set_password(PASSWORD)
    # One member per organization comes first, then the further members of organization 0.
    owner = f"CASE WHEN n < {organizations} THEN n ELSE 0 END"
    member.organization = Organization()  # Only for validation: the SQL has the real id.
    multiply(
        member,
        organizations + MEMBERS,
        email="'member' || n || '@example.com'",
        organization_id=object_id(Organization, owner),
    )
    multiply(
        Prompt(name="Prompt", instructions="You answer visitors, in two sentences at the most."),
        organizations * PROMPTS,
        name="'Prompt ' || n",
        organization_id=object_id(Organization, f"n / {PROMPTS}"),
    )
    multiply(
        Pipeline(name="Pipeline"),
        organizations * PIPELINES,
        name="'Pipeline ' || n",
        organization_id=object_id(Organization, f"n / {PIPELINES}"),
    )
    multiply(
        Stage(name="Stage", slug="stage"),
        organizations * PIPELINES * STAGES,
        name="'Stage ' || n",
        slug="'stage-' || n",
        position=f"n % {STAGES}",
        pipeline_id=object_id(Pipeline, f"n / {STAGES}"),
    )


def _insert_webchats(count: int, organizations: int) -> None:
    # The number of the row's organization, and the number of the row within it.
    owner, nth = f"(n % {organizations})", f"(n / {organizations})"
    pipeline = f"({owner} * {PIPELINES} + {nth} % {PIPELINES})"
    stage = f"({pipeline} * {STAGES} + {nth} % {STAGES})"
    place = f"(ARRAY{PLACES})[1 + n / 7 % {len(PLACES)}]"
    multiply(
        WEBCHAT,
        count,
        organization_id=object_id(Organization, owner),
        user_id=object_id(User, owner),
        created_by_id=object_id(User, owner),
        name=f"(ARRAY{WORDS})[1 + n % {len(WORDS)}] || ' ' || {place} || ' ' || n",
        description=(
            f"'The widget of site number ' || n || ', for ' || {place} || ' and its visitors: "
            "on every page, in the corner, with the greeting of the season. ' "
            "|| repeat('Ask the team before you change it. ', n % 4)"
        ),
        icon=f"CASE WHEN n % 5 < 2 THEN {_icon_key(owner, 'n')} ELSE '' END",
        primary_color=f"'#' || lpad(to_hex({nth} * 79 % 16777216), 6, '0')",
        allowed_domains=(
            "jsonb_build_array('https://site-' || n || '.example.com', "
            "'*.site-' || n || '.example')"
        ),
        prompt_id=object_id(Prompt, f"{owner} * {PROMPTS} + {nth} % {PROMPTS}"),
        is_enabled=f"{nth} / 10 % 10 <> 3",
        is_autopilot=f"{nth} % 4 = 1",
        pipeline_id=f"CASE WHEN n % 3 < 2 THEN {object_id(Pipeline, pipeline)} END",
        pipeline_stage_id=f"CASE WHEN n % 3 = 0 THEN {object_id(Stage, stage)} END",
        entry_stage_id=f"CASE WHEN n % 3 < 2 THEN {object_id(Stage, stage)} END",
        initial_stage=f"CASE WHEN n % 3 = 1 THEN 'stage-' || {stage} ELSE 'new' END",
        offset_x=f"{nth} % 100",
    )


def _icon_key(organization: str, number: str) -> str:
    owner = object_id(Organization, organization)
    return f"'orgs/' || {owner} || '/webchat/' || md5(({number})::text) || '.png'"


def facts() -> dict[str, Any]:
    """Return the facts about the first organization, as in ``tests.benchmarks.harness.Data``."""
    organization = Organization.objects.get(name="Organization 0")
    first_member = User.objects.filter(organization=organization).order_by("pk")[0]
    rows = Webchat.objects.for_organization(organization.pk).order_by("-created_at", "-id")
    return {
        "tokens": access_tokens(),
        "email": first_member.email,
        "password": PASSWORD,
        "total": rows.count(),
        "webchats": [
            {
                "id": row.pk,
                "name": row.name,
                "origin": row.allowed_domains[0],
                "is_enabled": row.is_enabled,
            }
            for row in rows[:SAMPLE]
        ],
        "prompts": list(
            Prompt.objects.for_organization(organization.pk).values_list("pk", flat=True)
        ),
    }


if __name__ == "__main__":
    fill(**json.loads(sys.argv[1]))
    print(json.dumps(facts()))
