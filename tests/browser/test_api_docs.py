"""The API's interactive page works under its policy."""

from typing import Any

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_interactive_page_works_under_its_policy(visitor: Any, live_server: Any) -> None:
    visit = visitor(f"{live_server.url}/api/docs")
    visit.page.locator(".opblock-summary", has_text="/api/auth/login").click()
    visit.page.get_by_role("button", name="Try it out").click()
    visit.page.get_by_role("button", name="Execute").click()
    visit.page.locator(".live-responses-table .response-col_status").first.wait_for()
    assert [line for line in visit.console if "Content Security Policy" in line] == []
    assert [line for line in visit.console if line.startswith("uncaught")] == []
