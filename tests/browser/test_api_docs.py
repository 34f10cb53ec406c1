"""The interactive API documentation: its policy, its colors and its sign-in."""

from pytest_django.live_server_helper import LiveServer

from organizations.auth.tokens import AccessToken
from organizations.models import User
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Visitor


def test_sign_in_is_kept_on_reload(visitor: Visitor, live_server: LiveServer, ada: User) -> None:
    visit = visitor(f"{live_server.url}/api/docs")
    page = visit.page
    page.locator(".btn.authorize").click()
    # The other one is for sessions of visitors.
    scheme = page.locator(".auth-container", has_text="or an API key")
    scheme.locator("input").fill(str(AccessToken.for_user(ada)))
    scheme.locator(".authorize").click()
    page.reload()
    page.locator(".opblock-summary", has_text="List webchats").click()
    page.get_by_role("button", name="Execute").click()
    status = page.locator(".live-responses-table .response-col_status")
    assert status.last.inner_text().startswith("200")
    # No filter was filled in.
    assert "Id=" not in page.locator(".curl-command").inner_text()
    assert visit.problems == []


def test_page_is_accessible_in_both_color_schemes_and_not_wider_than_a_phone(
    visitor: Visitor, live_server: LiveServer
) -> None:
    page = visitor(f"{live_server.url}/api/docs", **PHONE).page
    for summary in ("Create webchat", "Sign in"):
        page.locator(".opblock-summary", has_text=summary).first.click()
    page.locator("#operations-authentication-login .btn.execute").wait_for()
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    assert violations(page) == []
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)  # Colors change gradually.
    assert violations(page) == []
    assert page.evaluate(background) != light
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]
