"""Accessibility checks by axe-core: WCAG 2.2 AA, and the best practices that axe adds."""

from importlib.resources import files

from playwright.sync_api import Frame, Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
#: ``resultTypes`` limits the details, not the rules. Iframes are checked one by one.
RUN = """axe.run({iframes: false, resultTypes: ["violations"]})
  .then(result => result.violations)"""


def violations(page: Page) -> list[str]:
    """Return the violations in the page and in each of its iframes, one line for each rule.

    A page that is still loading is awaited: half a document lacks its headings and landmarks.
    """
    page.wait_for_load_state()
    return [line for frame in page.frames for line in frame_violations(frame)]


def frame_violations(frame: Frame) -> list[str]:
    """Return the violations in a frame, without its iframes, one line for each rule.

    Another call for the same document, for example after a change of its color scheme, does not
    load axe again. The call does not return while the frame is waiting for its document.
    """
    if not frame.evaluate("Boolean(window.axe)"):
        frame.evaluate(AXE)
    rules = frame.evaluate(RUN)
    return [f"{rule['id']}: {[node['html'] for node in rule['nodes']][:5]}" for rule in rules]
