"""The board in the admin site: its columns, counts, pages of cards, moves, tenancy and roles."""

import html
import re
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.models import Pipeline, Stage, User
from organizations.tenancy.concurrency import MAX_SEARCHES_OF_ONE, search_slot
from tests.support import factories
from tests.support.clients import log_in
from webchats.conversations import services
from webchats.conversations.board import columns
from webchats.conversations.models import Contact, Conversation, StageMove
from webchats.conversations.privacy.erasure import erase, request_erasure
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

BOARD = "/admin/contacts/board/"


@pytest.fixture
def pipeline(webchat: Webchat) -> Pipeline:
    """A pipeline with the stages New and Offer, and Old, which is not active."""
    pipeline: Pipeline = factories.PipelineFactory.create(organization=webchat.organization)
    for position, name in enumerate(["Old", "New", "Offer"]):
        factories.StageFactory.create(
            pipeline=pipeline, name=name, position=position, is_active=name != "Old"
        )
    return pipeline


@pytest.fixture
def stages(pipeline: Pipeline) -> dict[str, Stage]:
    return {stage.name: stage for stage in pipeline.stages.all()}


def add(webchat: Webchat, stage: Stage | None, count: int = 1, **values: Any) -> list[Contact]:
    """Create contacts, each seen a minute before the one before it."""
    pipeline = stage.pipeline if stage else None
    now = timezone.now()
    return [
        factories.ContactFactory.create(
            webchat=webchat,
            pipeline=pipeline,
            stage=stage,
            last_seen_at=now - timedelta(minutes=number),
            **values,
        )
        for number in range(count)
    ]


def read(client: Client, query: str = "") -> str:
    response = client.get(f"{BOARD}{query}")
    assert response.status_code == 200
    return response.content.decode()


def headings(page: str) -> list[str]:
    """Return the names of the visible columns with their counts, such as ``New 3``."""
    found = re.findall(r'<li class="column[^>]*?( hidden)?>(.*?)</h2>', page, re.DOTALL)
    texts = [re.sub(r"<[^>]+>", "", text) for hidden, text in found if not hidden]
    return [html.unescape(" ".join(text.split())).removesuffix(" contacts") for text in texts]


def cards(page: str) -> list[str]:
    return re.findall(r'class="board-card" id="card-(\w+)"', page)


def test_columns_are_the_active_stages_in_their_order_with_exact_counts(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    client = log_in(rep)
    assert headings(read(client)) == ["New 0", "Offer 0"]
    add(webchat, stages["New"], 2)
    add(webchat, stages["Old"])
    add(webchat, None)
    in_pipeline = {"pipeline": stages["New"].pipeline, "stage": None}
    factories.ContactFactory.create(webchat=webchat, **in_pipeline)
    page = read(client)
    assert headings(page) == ["No stage 2", "New 2", "Offer 0", "Inactive: Old 1"]
    assert len(cards(page)) == 5


def test_card_shows_the_state_of_its_conversations(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    now = timezone.now()
    (contact,) = add(webchat, stages["New"], name="<b>Ada", email="ada@example.com")
    Contact.objects.update(stage_entered_at=now - timedelta(days=3))
    factories.ConversationFactory.create(
        webchat=webchat,
        contact=contact,
        last_sequence=3,
        organization_read_sequence=1,
        waiting_since=now - timedelta(minutes=5),
    )
    closed = {"state": "closed", "closed_at": now, "last_sequence": 9}
    factories.ConversationFactory.create(webchat=webchat, contact=contact, **closed)
    page = read(log_in(rep))
    for text in ("&lt;b&gt;Ada", "ada@example.com", "here for 3 d", "waiting 5 min", "2 unread"):
        assert text in page
    Conversation.objects.update(handler="rep")
    assert "unanswered 5 min" in read(log_in(rep))


def test_open_board_gets_the_cards_that_others_have_moved(
    rep: User, webchat: Webchat, stages: dict[str, Stage], other_admin: User
) -> None:
    contact, _ = add(webchat, stages["New"], 2)
    foreign = factories.WebchatFactory.create(user=other_admin)
    services.move(contact=add(foreign, None)[0], stage=None, user=other_admin)
    client, since = log_in(rep), int(timezone.now().timestamp())
    url = f"{BOARD}changes/?pipeline={stages['New'].pipeline_id}&since="
    assert client.get(f"{url}{since}").json()["cards"] == []
    services.move(contact=contact, stage=stages["Offer"], user=rep)
    found = client.get(f"{url}{since}").json()
    (card,) = found["cards"]
    assert (card["id"], card["stage"]) == (contact.pk, stages["Offer"].pk)
    assert f'id="card-{contact.pk}"' in card["card"]
    assert found["counts"][stages["Offer"].pk] == 1
    # Of another webchat than the filter's.
    (card,) = client.get(f"{url}{since}&webchat={foreign.pk}").json()["cards"]
    assert card["stage"] is None
    for old in ("", "x", since - 1_000):
        assert client.get(f"{url}{old}").json()["isOutdated"]
    assert log_in(other_admin).get(f"{url}{since}").status_code == 404


def test_open_board_loses_the_cards_of_contacts_that_were_merged_or_erased(
    admin: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    kept, removed, erased = add(webchat, stages["New"], 3)
    since = int(timezone.now().timestamp())
    services.merge_contacts(kept=kept, removed=removed, user=admin)
    erasure = request_erasure(contact=erased, user=admin)
    url = f"{BOARD}changes/?pipeline={stages['New'].pipeline_id}&since={since}"
    client = log_in(admin)

    def shown() -> dict[str, str | None]:
        return {card["id"]: card["stage"] for card in client.get(url).json()["cards"]}

    assert shown() == {kept.pk: stages["New"].pk, removed.pk: None}
    assert [*erase(erasure)]
    assert shown() == {kept.pk: stages["New"].pk, removed.pk: None, erased.pk: None}
    assert client.get(url).json()["counts"][stages["New"].pk] == 1


def test_more_cards_are_loaded_by_position_and_none_is_shown_twice(
    rep: User, webchat: Webchat, stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "CARDS", 2)
    contacts = add(webchat, stages["New"], 5)
    # Two were seen at the same time.
    Contact.objects.filter(pk=contacts[2].pk).update(last_seen_at=contacts[1].last_seen_at)
    client = log_in(rep)
    page, found = read(client), []
    for _ in range(3):
        found += cards(page)
        after = re.search(r'data-after="([^"]+)"', page)
        if after is None:
            break
        query = {"stage": stages["New"].pk, "after": html.unescape(after[1])}
        page = client.get(f"{BOARD}cards/", query).content.decode()
    assert sorted(found) == sorted(contact.pk for contact in contacts)
    assert found[0] == contacts[0].pk


@pytest.mark.parametrize("after", ["x", "~", "2026-01-01~a", "9999-12-31T23:59:59-23:59~a"])
def test_malformed_position_shows_the_first_cards(
    rep: User, webchat: Webchat, stages: dict[str, Stage], after: str
) -> None:
    add(webchat, stages["New"])
    query = {"stage": stages["New"].pk, "after": after}
    response = log_in(rep).get(f"{BOARD}cards/", query)
    assert len(cards(response.content.decode())) == 1


def test_column_of_two_thousand_contacts_reads_one_page_of_them(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    now = timezone.now()
    shared = {"organization": webchat.organization, "webchat": webchat, "first_seen_at": now}
    placed = {"pipeline": stages["New"].pipeline, "stage": stages["New"], "last_seen_at": now}
    Contact.objects.bulk_create(Contact(**shared, **placed) for _ in range(2_000))
    client = log_in(rep)
    read(client)
    with CaptureQueriesContext(connection) as queries:
        page = read(client)
    assert headings(page) == ["New 2,000", "Offer 0"]
    assert len(cards(page)) == columns.CARDS
    # The same for any number of contacts: see the next test for the columns.
    assert len(queries) <= 16, [query["sql"][:120] for query in queries.captured_queries]


def test_queries_grow_with_columns_and_not_with_cards(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    client = log_in(rep)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            read(client)
        return len(queries)

    (contact,) = add(webchat, stages["New"])
    factories.ConversationFactory.create(webchat=webchat, contact=contact)
    first = count()
    for contact in add(webchat, stages["New"], 5):
        factories.ConversationFactory.create(webchat=webchat, contact=contact)
    assert count() == first
    add(webchat, stages["Offer"])
    assert count() == first + 1


def test_filters_narrow_cards_and_counts(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    other = factories.WebchatFactory.create(user=webchat.user, name="Shop")
    add(webchat, stages["New"], name="Ada Lovelace")
    add(other, stages["New"], name="Ada Byron")
    add(other, stages["Offer"], name="Eve")
    client = log_in(rep)
    assert headings(read(client, f"?webchat={other.pk}")) == ["New 1", "Offer 1"]
    assert headings(read(client, "?search=ada")) == ["New 2", "Offer 0"]
    assert headings(read(client, f"?search=ada&webchat={other.pk}")) == ["New 1", "Offer 0"]
    for query in ("?webchat=x", "?search=nobody"):
        assert headings(read(client, query)) == ["New 0", "Offer 0"]


def test_search_with_too_many_results_shows_a_message(
    rep: User, webchat: Webchat, stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "MAX_FOUND", 2)
    add(webchat, stages["New"], 3, name="Ada")
    page = read(log_in(rep), "?search=ada")
    assert headings(page)[0] == "New 2"
    assert "not all of them are shown" in page


def test_a_fifth_search_at_a_time_is_refused(rep: User, pipeline: Pipeline) -> None:
    with ExitStack() as running:
        for _ in range(MAX_SEARCHES_OF_ONE):
            running.enter_context(search_slot(rep))
        assert log_in(rep).get(f"{BOARD}?search=ada").status_code == 503


def test_default_pipeline_is_shown_first_and_another_one_by_choice(
    rep: User, pipeline: Pipeline
) -> None:
    default = factories.PipelineFactory.create(
        organization=pipeline.organization, name="Z", is_default=True
    )
    factories.StageFactory.create(pipeline=default, name="First")
    client = log_in(rep)
    assert headings(read(client)) == ["First 0"]
    assert headings(read(client, f"?pipeline={pipeline.pk}")) == ["New 0", "Offer 0"]


def test_organization_without_pipelines_gets_a_hint(admin: User, rep: User) -> None:
    assert "No pipeline yet." in read(log_in(rep))
    assert "/admin/organizations/pipeline/add/" in read(log_in(admin))


def test_superuser_chooses_an_organization(
    superuser: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    (contact,) = add(webchat, stages["New"])
    client = log_in(superuser)
    assert "Choose…" in read(client)
    query = f"?organization={webchat.organization_id}"
    assert headings(read(client, query)) == ["New 1", "Offer 0"]
    response = client.post(f"{BOARD}{contact.pk}/move/{query}", {"stage": stages["Offer"].pk})
    assert response.headers["Location"] == f"{BOARD}{query}"
    assert headings(read(client, query)) == ["New 0", "Offer 1"]


# --- Moves ---


def test_sales_rep_moves_a_contact_with_the_form_and_without_a_script(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    (contact,) = add(webchat, stages["New"], name="Ada")
    client = log_in(rep)
    url = f"{BOARD}{contact.pk}/move/?search=ada"
    form = client.get(url).content.decode()
    assert stages["Offer"].pk in form
    assert stages["Old"].pk not in form
    body = {"from": stages["New"].pk, "stage": stages["Offer"].pk}
    response = client.post(url, body, follow=True)
    assert response.redirect_chain == [(f"{BOARD}?search=ada", 302)]
    page = response.content.decode()
    assert "Ada moved to Offer." in page
    assert headings(page) == ["New 0", "Offer 1"]
    assert StageMove.objects.get().moved_by == rep
    # It was seen where it is not any more.
    assert "moved Ada to Offer meanwhile" in client.post(url, body, follow=True).content.decode()


def move(user: User, contact: Contact, stage: str, former: str) -> Any:
    """Move a contact as the script of the board does."""
    url, body = f"{BOARD}{contact.pk}/move/", {"stage": stage, "from": former}
    return log_in(user).post(url, body, headers={"Accept": "application/json"})


def test_script_receives_the_card_and_the_counts_after_the_move(
    rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    contact, _ = add(webchat, stages["New"], 2)
    new, offer, old = (stages[name].pk for name in ("New", "Offer", "Old"))
    response = move(rep, contact, offer, new)
    assert response.status_code == 200
    body = response.json()
    assert body["stage"] == offer
    assert body["counts"] == {"": 0, new: 1, offer: 1, old: 0}
    assert f'data-stage="{offer}"' in body["card"]
    assert "here for &lt;1 min" in body["card"]


def test_second_of_two_simultaneous_moves_names_the_first_user(
    rep: User, admin: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    (contact,) = add(webchat, stages["New"], name="Ada")
    services.move(contact=contact, stage=None, user=admin)
    response = move(rep, contact, stages["Offer"].pk, stages["New"].pk)
    body = response.json()
    assert (response.status_code, body["stage"], body["counts"][""]) == (409, "", 1)
    assert body["text"] == f"{admin.get_full_name()} has moved Ada to no stage meanwhile."
    assert StageMove.objects.count() == 1


@pytest.mark.parametrize("kind", ["inactive", "unknown", "foreign"])
def test_card_cannot_enter_a_stage_that_is(
    kind: str, rep: User, webchat: Webchat, stages: dict[str, Stage]
) -> None:
    (contact,) = add(webchat, stages["New"])
    target = {
        "inactive": stages["Old"].pk,
        "unknown": "x" * 24,
        "foreign": factories.StageFactory.create().pk,
    }[kind]
    response = move(rep, contact, target, stages["New"].pk)
    assert (response.status_code, response.json()["stage"]) == (422, stages["New"].pk)
    assert not StageMove.objects.exists()


def test_contact_of_another_pipeline_is_on_no_column(
    rep: User, webchat: Webchat, stages: dict[str, Stage], pipeline: Pipeline
) -> None:
    (contact,) = add(webchat, stages["New"])
    other = factories.StageFactory.create(pipeline__organization=pipeline.organization)
    services.move(contact=contact, stage=other, user=rep)
    query = f"?pipeline={pipeline.pk}"
    response = log_in(rep).post(
        f"{BOARD}{contact.pk}/move/{query}",
        {"stage": stages["Offer"].pk, "from": stages["New"].pk},
        headers={"Accept": "application/json"},
    )
    assert (response.status_code, response.json()["stage"]) == (409, None)


# --- Tenancy ---


def test_rows_of_another_organization_do_not_exist(
    other_admin: User, rep: User, webchat: Webchat, stages: dict[str, Stage], pipeline: Pipeline
) -> None:
    (contact,) = add(webchat, stages["New"], name="Secret")
    own = factories.StageFactory.create(pipeline__organization=other_admin.organization)
    client = log_in(other_admin)
    query = f"organization={pipeline.organization_id}"
    assert "Secret" not in read(client, f"?{query}&webchat={webchat.pk}")
    for path in (
        f"?pipeline={pipeline.pk}",
        f"cards/?pipeline={pipeline.pk}&stage={stages['New'].pk}",
        f"cards/?stage={stages['New'].pk}",
        f"{contact.pk}/move/",
        "x/move/",
    ):
        assert client.get(f"{BOARD}{path}").status_code == 404, path
    response = client.post(f"{BOARD}{contact.pk}/move/", {"stage": own.pk})
    assert response.status_code == 404
    (mine,) = add(factories.WebchatFactory.create(user=other_admin), own)
    moved = client.post(f"{BOARD}{mine.pk}/move/?pipeline={pipeline.pk}", {"stage": ""})
    assert moved.status_code in (302, 404)
    assert client.get(f"{BOARD}{mine.pk}/move/?pipeline={pipeline.pk}").status_code == 404
    contact.refresh_from_db()
    assert contact.stage == stages["New"]


def test_board_requires_a_signed_in_user(client: Client, pipeline: Pipeline) -> None:
    for path in ("", "cards/", "x/move/"):
        response = client.get(f"{BOARD}{path}")
        assert response.headers["Location"].startswith("/admin/login/")
    assert client.post(f"{BOARD}x/move/").status_code == 302


@pytest.mark.parametrize("path", ["", "cards/"])
def test_pages_accept_no_other_method(rep: User, pipeline: Pipeline, path: str) -> None:
    assert log_in(rep).post(f"{BOARD}{path}").status_code == 405


def test_many_columns_share_the_cards_of_the_page(
    rep: User, webchat: Webchat, stages: dict[str, Stage], monkeypatch: Any
) -> None:
    monkeypatch.setattr(columns, "MAX_CARDS", 4)
    for stage in (stages["New"], stages["Offer"]):
        add(webchat, stage, 3)

    page = read(log_in(rep))

    assert len(cards(page)) == 4
    assert "Show more" in page
