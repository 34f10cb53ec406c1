"""Screenshots for the documentation: ``uv run pytest -n 0 tests/browser/screenshots.py``.

Its name keeps the test suite from collecting it.
"""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from organizations.models import User
from tests.browser.conftest import (
    REDUCED_MOTION,
    CustomerSites,
    Snippet,
    Visit,
    Visitor,
    authenticated,
)
from tests.support import factories, report_data
from tests.support.icons import store_icon
from webchats.conversations.demo import create_conversations
from webchats.conversations.demo_knowledge import seed_knowledge
from webchats.conversations.models import Conversation
from webchats.conversations.services import send_rep_message
from webchats.models import Webchat
from webchats.models.last_load import LastLoad

FOLDER = Path(__file__).parent.parent.parent / ".screenshots"
#: Keeps the documentation quick to load.
MAX_BYTES = 150_000
PHONE = {"viewport": {"width": 390, "height": 760}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
TALL = {"viewport": {"width": 1440, "height": 1400}}
LIST = "/admin/webchats/webchat/"
SHOP = """
<style>
body { margin: 0; font: 16px/1.6 system-ui, sans-serif; color: #1f2937; background: #faf9f7 }
nav { padding: 20px 48px; background: #fff; border-bottom: 1px solid #eceae6; font-weight: 600 }
main { padding: 56px 48px; max-width: 560px } h1 { font-size: 40px; line-height: 1.15; margin: 0 }
@media (max-width: 480px) { nav, main { padding: 20px } h1 { font-size: 30px } }
</style>
<nav>Northwind Outdoor</nav>
<main><h1>Everything for a weekend outside.</h1>
<p>Tents, packs and boots that we use ourselves.</p></main>
"""


@pytest.fixture
def grace(live_server: LiveServer) -> User:
    """An administrator of the organization in the screenshots."""
    organization = factories.OrganizationFactory.create(name="Northwind Outdoor")
    return factories.UserFactory.create(
        organization=organization, full_name="Grace Lindqvist", email="grace@northwind.example"
    )


@pytest.fixture
def shop(grace: User) -> Webchat:
    """The webchat of most screenshots, and the other webchats of its organization."""
    prompts = [
        factories.PromptFactory.create(organization=grace.organization, name=name)
        for name in ("Friendly advisor", "Order help", "Wholesale desk")
    ]
    advisor, orders, wholesale = prompts
    pipeline = factories.PipelineFactory.create(organization=grace.organization, name="Sales")
    for name in ("New", "Qualified", "Won"):
        factories.StageFactory.create(pipeline=pipeline, name=name)
    care = factories.PipelineFactory.create(organization=grace.organization, name="Customer care")
    wholesale.is_active = False
    wholesale.save()
    readable = {"timestamp_color": "#4B5563", "status_text_color": "#4B5563"}

    def create(name: str, primary: str, secondary: str, hours: int, **more: Any) -> Webchat:
        colors = {"primary_color": primary, "secondary_color": secondary, **readable}
        values = {"user": grace, "prompt": advisor, "pipeline": pipeline, **colors, **more}
        webchat: Webchat = factories.WebchatFactory.create(name=name, **values)
        updated_at = timezone.now() - timedelta(hours=hours)
        Webchat.objects.filter(pk=webchat.pk).update(updated_at=updated_at)
        return webchat

    create("Returns desk", "#7C2D12", "#EA580C", 700, is_enabled=False, allowed_domains=[])
    create(
        "Wholesale portal",
        "#0F172A",
        "#0EA5E9",
        190,
        prompt=wholesale,
        is_autopilot=True,
        pipeline=None,
        allowed_domains=["b2b.northwind.example"],
    )
    create(
        "Nordic campaign",
        "#F9A8D4",
        "#BE185D",
        75,
        is_enabled=False,
        allowed_domains=["*.northwind.se", "northwind.no", "northwind.dk"],
    )
    create("Careers page", "#4338CA", "#818CF8", 49, allowed_domains=["jobs.northwind.example"])
    create(
        "Order help",
        "#0E7490",
        "#06B6D4",
        26,
        prompt=orders,
        pipeline=care,
        is_autopilot=True,
        icon=_icon(grace, "#0E7490", "ring"),
        allowed_domains=["https://orders.northwind.example", "northwind.example"],
    )
    return create(
        "Online shop",
        "#14532D",
        "#16A34A",
        1,
        is_autopilot=True,
        icon=_icon(grace, "#14532D", "tent"),
        description="The widget on every page of the shop.",
        allowed_domains=["northwind.example", "*.northwind.example", "https://northwind.shop"],
        starter_message="Hi! Looking for the right tent?\nAsk away, we are happy to help.",
        status_text="We typically reply within minutes",
        csat_thank_you_message="Thank you! It helps us get better.",
    )


def _icon(user: User, color: str, shape: str) -> str:
    image = Image.new("RGB", (256, 256), color)
    draw = ImageDraw.Draw(image)
    if shape == "tent":
        draw.polygon([(128, 62), (216, 192), (40, 192)], fill="#FFFFFF")
        draw.polygon([(128, 118), (160, 192), (96, 192)], fill=color)
    else:
        draw.ellipse([66, 66, 190, 190], outline="#FFFFFF", width=24)
    content = io.BytesIO()
    image.save(content, "PNG")
    return store_icon(user.organization_id, content.getvalue())


@pytest.fixture
def open_admin(visitor: Visitor, live_server: LiveServer, grace: User) -> Visitor:
    """``open_admin(path, **options)`` opens a page of the admin site as ``grace``."""
    return authenticated(visitor, live_server, grace)


def _save_screenshot(visit: Visit, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.png"
    visit.page.wait_for_load_state("networkidle")
    visit.page.mouse.move(1, 1)
    visit.page.screenshot(path=file)
    # A palette of 256 colors takes a third of the bytes.
    with Image.open(file) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    assert file.stat().st_size <= MAX_BYTES


@pytest.mark.parametrize(
    ("name", "options"),
    [("widget-desktop", {"viewport": {"width": 1100, "height": 760}}), ("widget-phone", PHONE)],
)
def test_the_widget(
    sites: CustomerSites,
    snippet: Snippet,
    visitor: Visitor,
    shop: Webchat,
    name: str,
    options: dict[str, Any],
) -> None:
    Webchat.objects.filter(pk=shop.pk).update(allowed_domains=[])
    head = (
        '<!DOCTYPE html><html lang="en"><title>Northwind Outdoor</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
    )
    visit = visitor(sites.serve(head + SHOP + snippet(shop)), **REDUCED_MOTION, **options)
    visit.open_widget()
    visit.frame.locator("#text").fill("Hello! Do you ship to Norway, and how long does it take?")
    visit.frame.locator("#text").press("Enter")
    expect(visit.frame.locator("html")).to_have_attribute("data-state", "waiting")
    text = "Hi! Yes, we do:\n- **two to four** working days\n- free from €50"
    conversation = Conversation.objects.get()
    send_rep_message(conversation=conversation, user=shop.user, text=text, client_key="1")
    expect(visit.frame.locator("li").first).to_be_visible(timeout=20_000)
    _save_screenshot(visit, name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {**DESKTOP, "color_scheme": "light"}),
        ("dark", {**DESKTOP, "color_scheme": "dark"}),
        ("phone", PHONE),
    ],
)
def test_the_admin_site(
    open_admin: Visitor, live_server: LiveServer, shop: Webchat, name: str, options: dict[str, Any]
) -> None:
    LastLoad.objects.create(webchat=shop, loaded_at=timezone.now(), host="www.northwind.example")
    create_conversations(shop, shop.user)
    seed_knowledge(shop.user)
    visit = open_admin("/admin/", **REDUCED_MOTION, **options)
    _save_screenshot(visit, f"admin-overview-{name}")
    visit.page.goto(live_server.url + LIST)
    _save_screenshot(visit, f"admin-list-{name}")
    visit.page.goto(f"{live_server.url}{LIST}{shop.pk}/change/")
    preview = visit.page.frame_locator("#preview-frame iframe:not(.loading)")
    expect(preview.locator(".bar")).to_be_attached()
    _save_screenshot(visit, f"admin-form-{name}")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {**DESKTOP, "color_scheme": "light"}),
        ("dark", {**DESKTOP, "color_scheme": "dark"}),
        ("phone", PHONE),
    ],
)
def test_the_inbox(
    open_admin: Visitor, shop: Webchat, grace: User, name: str, options: dict[str, Any]
) -> None:
    create_conversations(shop, grace)
    visit = open_admin("/admin/inbox/?state=open", **REDUCED_MOTION, **options)
    visit.page.locator(".row", has_text="Aylin").click()
    expect(visit.page.locator("#thread-title")).to_have_text("Aylin Demir")
    _save_screenshot(visit, f"admin-inbox-{name}")


def test_the_board(open_admin: Visitor, shop: Webchat, grace: User) -> None:
    create_conversations(shop, grace)
    visit = open_admin(
        f"/admin/contacts/board/?pipeline={shop.pipeline_id}", **REDUCED_MOTION, **DESKTOP
    )
    expect(visit.page.get_by_text("Aylin Demir").first).to_be_visible()
    _save_screenshot(visit, "admin-board-light")


def test_the_report(open_admin: Visitor, shop: Webchat, grace: User) -> None:
    webchats = list(Webchat.objects.filter(is_enabled=True).order_by("name"))
    first = timezone.now() - timedelta(days=59)
    report_data.create_conversations(
        webchats, [grace], shop.prompt, first=first, days=59, count=800
    )
    visit = open_admin("/admin/reports/?period=30", **REDUCED_MOTION, **TALL)
    _save_screenshot(visit, "admin-report-light")
