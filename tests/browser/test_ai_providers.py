"""The page of an AI provider in a browser: the test of the connection."""

from cryptography.fernet import Fernet
from playwright.sync_api import expect
from pytest_django import Settings

from organizations.ai.connection_job import run_connection_test
from organizations.jobs import queue
from organizations.models import AiProvider, User
from tests.browser.axe import violations
from tests.browser.conftest import REDUCED_MOTION, Visitor
from tests.support import event_loops, factories
from tests.support.ai import API_KEY


def test_a_connection_is_tested_and_its_result_appears(
    admin_page: Visitor, ada: User, settings: Settings
) -> None:
    settings.AI_KEYS = [Fernet.generate_key().decode()]
    # Nothing listens on this port, which is not listed.
    provider = factories.AiProviderFactory.build(
        organization=ada.organization, base_url="http://127.0.0.1:9/v1"
    )
    provider.api_key = API_KEY
    provider.save()
    path = f"/admin/organizations/aiprovider/{provider.pk}/change/"
    visit = admin_page(path, **REDUCED_MOTION)
    connection = visit.page.get_by_role("region", name="Connection")
    expect(connection.get_by_role("status")).to_have_text("The provider has not been called yet.")
    visit.page.get_by_role("button", name="Test connection").click()
    expect(connection.get_by_role("status")).to_have_text("The connection is being tested…")
    (job,) = queue.claim(["test_connection"])
    event_loops.run(run_connection_test(job))
    queue.complete(job)
    expect(connection.get_by_role("status")).to_contain_text("must have https")
    assert [*visit.problems, *violations(visit.page)] == []
    visit.page.emulate_media(color_scheme="dark")
    assert violations(visit.page) == []
    assert AiProvider.objects.get().api_key == API_KEY
