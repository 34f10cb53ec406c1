"""The text of messages: what becomes markup, and what stays text."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import HOSTILE_STRINGS
from webchats.widget.assets import STATIC

SCRIPT = (STATIC / "message_text.js").read_text()
#: Renders each of the texts, and returns the HTML without the attributes that all links have.
RENDER = r"""texts => texts.map(([text, options]) => {
  const element = document.createElement("div");
  renderMessageText(element, text, options);
  const shared = / (dir="auto"|title="[^"]*"|rel="[^"]*"|target="_blank")/g;
  return element.innerHTML.replaceAll(shared, "");
})"""

#: Texts, and what they become.
MARKUP = {
    "plain": "<p>plain</p>",
    "one\ntwo\r\nthree": "<p>one<br>two<br>three</p>",
    "one\n\n\ntwo": "<p>one</p><p>two</p>",
    "**bold *and* italic**": "<p><strong>bold <em>and</em> italic</strong></p>",
    "an _italic_ and `code **x**`": "<p>an <em>italic</em> and <code>code **x**</code></p>",
    "2 * 3 * 4, 2*3*4, snake_case_name": "<p>2 * 3 * 4, 2*3*4, snake_case_name</p>",
    "* one\n* two\n  more": "<ul><li>one</li><li>two<br>more</li></ul>",
    "3. three\n\n4. four\nend": '<ol start="3"><li>three</li><li>four</li></ol><p>end</p>',
    "```js\n<b>\n\nx\n```": "<pre>&lt;b&gt;\n\nx</pre>",
    "(see https://a.example/x_(y)).": (
        '<p>(see <a href="https://a.example/x_(y)">https://a.example/x_(y)</a>).</p>'
    ),
    "www.a.example, now": '<p><a href="https://www.a.example/">www.a.example</a>, now</p>',
    "to ann@a.example.": '<p>to <a href="mailto:ann@a.example">ann@a.example</a>.</p>',
    "[call **us**](tel:+15551234)": '<p><a href="tel:+15551234">call **us**</a></p>',
    "[help](https://a.example/?a=1&b=2)": (
        '<p><a href="https://a.example/?a=1&amp;b=2">help</a></p>'
    ),
}
#: Texts that stay as they are.
TEXT = [
    *HOSTILE_STRINGS.values(),
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1)) [x](data:text/html,x) [x](vbscript:x) [x](file:///etc/passwd)",
    "[x](//a.example) [x](/admin) [x](https://) [x](blob:https://a.example/1)",
    "https://bank.example@evil.example/ [x](https://bank.example:x@evil.example)",
    "\ud800 \x00 \ufffe",
    "**" * 2000,
    "*a" * 2000,
    "[" * 2000 + "](" * 1000,
]
#: A link before many parentheses.
PARENTHESES = "www.a" + ")" * 3995


@pytest.fixture(scope="module")
def render(browser: Browser) -> Any:
    """``render(texts)`` returns the HTML of each text, or with ``plain`` its text."""
    page = browser.new_page()
    page.evaluate(SCRIPT)
    yield page.evaluate
    page.close()


def test_markdown_becomes_elements(render: Any) -> None:
    html = render(RENDER, [[text, False] for text in MARKUP])
    assert dict(zip(MARKUP, html, strict=True)) == MARKUP


def test_other_text_stays_text(render: Any) -> None:
    results = render(
        """texts => texts.map(text => {
          const element = document.createElement("div");
          const start = performance.now();
          renderMessageText(element, text);
          return [element.textContent === text, element.querySelectorAll("*").length,
                  performance.now() - start < 200];
        })""",
        [*TEXT, PARENTHESES],
    )
    assert results == [*[[True, 1, True]] * len(TEXT), [True, 2, True]]


def test_a_label_that_looks_like_an_address_cannot_hide_the_address(render: Any) -> None:
    labels = [
        "https://bank.example",
        "bank.example/login",
        "WWW.bank",
        "Go to bank.example",
        "\u200bbank.example",
        "bank\u2060.\u2060example",
        "\u202eelpmaxe.knab",
        "b\u0430nk.example",
        "ann@bank",
        "https\u2060://bank",
    ]
    html = render(RENDER, [[f"[{label}](https://evil.example)", False] for label in labels])
    shown = '<p><a href="https://evil.example/">https://evil.example/</a></p>'
    assert html == [shown] * len(labels)


def test_links_open_apart_and_isolate_bidirectional_text(render: Any) -> None:
    link = render(
        """() => {
          const element = document.createElement("div");
          renderMessageText(element, "[\\u202eabc](https://a.example) https://a.example/\\u202ex");
          return [...element.querySelectorAll("a")].map(a =>
            [a.target, a.rel, a.dir, a.title, a.textContent]);
        }"""
    )
    shared = ["_blank", "noopener noreferrer nofollow", "auto"]
    assert link == [
        [*shared, "https://a.example/", "\u202eabc"],
        [*shared, "https://a.example/", "https://a.example/"],
    ]


def test_only_the_sources_of_an_answer_become_links(render: Any) -> None:
    text = "[help](https://a.example) and https://a.example"
    assert render(RENDER, [[text, []]]) == [f"<p>{text}</p>"]
    sources = [
        {"number": 1, "title": "Help", "link": "https://a.example"},
        {"number": 2, "title": "No link", "link": ""},
        {"number": 3, "title": "Script", "link": "javascript:alert(1)"},
    ]
    link = '<a href="https://a.example/" rel="noopener noreferrer nofollow">'
    (html,) = render(RENDER, [[f"{text}, not https://b.example", sources]])
    assert html.count("<a ") == 3
    assert html.endswith(f"{link.partition(' rel')[0]}>Help</a></p>")
    assert ">https://b.example" not in html
