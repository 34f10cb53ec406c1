"""The interactive API documentation works under its Content-Security-Policy."""

from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import Visitor


def test_try_it_out_sends_a_request(visitor: Visitor, live_server: LiveServer) -> None:
    visit = visitor(f"{live_server.url}/api/docs")
    visit.page.locator(".opblock-summary", has_text="/api/auth/login").click()
    visit.page.get_by_role("button", name="Try it out").click()
    visit.page.get_by_role("button", name="Execute").click()
    visit.page.locator(".live-responses-table .response-col_status").first.wait_for()
    assert [line for line in visit.console if "Content Security Policy" in line] == []
    assert [line for line in visit.console if line.startswith("uncaught")] == []
