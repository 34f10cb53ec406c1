"""What the lists of the admin site read."""

import pytest
from django.db import connection
from django.db.models.signals import post_init
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.models import Prompt, User
from organizations.tenancy import change_lists
from tests.support import factories
from webchats.conversations.models import KnowledgeEntry

pytestmark = pytest.mark.django_db

KNOWLEDGE = "/admin/conversations/knowledgeentry/"


@pytest.fixture
def prompts(admin: User) -> list[Prompt]:
    """Eight prompts of a knowledge entry, one of them of a webchat."""
    prompts: list[Prompt] = [
        factories.PromptFactory.create(organization=admin.organization, name=f"Prompt {number}")
        for number in range(8)
    ]
    entry = factories.KnowledgeEntryFactory.create(organization=admin.organization)
    entry.prompts.set(prompts)
    factories.WebchatFactory.create(user=admin, prompt=prompts[7])
    return prompts


@pytest.mark.usefixtures("prompts")
@pytest.mark.parametrize(
    "path", ["/admin/organizations/prompt/", "/admin/webchats/webchat/", KNOWLEDGE]
)
def test_lists_do_not_read_the_instructions_of_prompts(session_client: Client, path: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = session_client.get(path).content.decode()
    assert "Prompt 7" in page
    assert not [query for query in queries.captured_queries if "instructions" in query["sql"]]


@pytest.mark.usefixtures("prompts")
def test_the_form_of_an_entry_does_not_read_the_instructions_of_prompts(
    session_client: Client,
) -> None:
    url = f"{KNOWLEDGE}{KnowledgeEntry.objects.get().pk}/change/"
    with CaptureQueriesContext(connection) as queries:
        page = session_client.get(url).content.decode()
        session_client.post(url, {"question": ""})
    assert page.count(" checked") >= 8
    assert not [query for query in queries.captured_queries if "instructions" in query["sql"]]


@pytest.mark.usefixtures("prompts")
def test_the_list_of_entries_reads_few_of_their_prompts(session_client: Client) -> None:
    read: list[Prompt] = []

    def note(instance: Prompt, **_: object) -> None:
        read.append(instance)

    post_init.connect(note, sender=Prompt)
    try:
        page = session_client.get(KNOWLEDGE).content.decode()
    finally:
        post_init.disconnect(note, sender=Prompt)
    assert len(read) == 4
    assert "Prompt 2</a> and more" in page


def test_a_filter_offers_a_limited_number_of_rows_and_the_selected_one(
    session_client: Client, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_lists, "MAX_CHOICES", 2)
    query = {"prompts__id__exact": prompts[6].pk}
    response = session_client.get(KNOWLEDGE, query)
    (prompts_filter,) = (
        spec for spec in response.context["cl"].filter_specs if spec.title == "prompt"
    )
    assert [name for _, name in prompts_filter.lookup_choices] == [
        "Prompt 0",
        "Prompt 1",
        "Prompt 6",
    ]
    assert len(response.context["cl"].result_list) == 1
