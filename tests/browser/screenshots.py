"""The pictures of the documentation: ``uv run pytest -n 0 tests/browser/screenshots.py``.

Not a test by its name, so that the suite leaves the pictures alone.
"""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from organizations.models import User
from tests.browser.conftest import CustomerSites, Visit, Visitor
from tests.support import factories
from tests.support.icons import store_icon
from webchats.models import Webchat
from webchats.models.last_load import LastLoad

FOLDER = Path(__file__).parent.parent.parent / ".screenshots"
#: Larger pictures make a page slow.
MOST_BYTES = 200_000
PHONE = {"viewport": {"width": 390, "height": 760}, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1440, "height": 900}}
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
def grace(live_server: Any) -> User:
    """An administrator of the organization in the pictures."""
    organization = factories.OrganizationFactory.create(name="Northwind Outdoor")
    user: User = factories.UserFactory.create(
        organization=organization, full_name="Grace Lindqvist", email="grace@northwind.example"
    )
    return user


@pytest.fixture
def shop(grace: User) -> Webchat:
    """The webchat that most pictures show, among others of every kind."""
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
    calm = {"timestamp_color": "#4B5563", "status_text_color": "#4B5563"}

    def made(name: str, primary: str, secondary: str, hours: int, **more: Any) -> Webchat:
        colors = {"primary_color": primary, "secondary_color": secondary, **calm}
        values = {"user": grace, "prompt": advisor, "pipeline": pipeline, **colors, **more}
        webchat: Webchat = factories.WebchatFactory.create(name=name, **values)
        at = timezone.now() - timedelta(hours=hours)
        Webchat.objects.filter(pk=webchat.pk).update(updated_at=at)
        return webchat

    made("Returns desk", "#7C2D12", "#EA580C", 700, is_enabled=False, allowed_domains=[])
    made(
        "Wholesale portal",
        "#0F172A",
        "#0EA5E9",
        190,
        prompt=wholesale,
        is_autopilot=True,
        pipeline=None,
        allowed_domains=["b2b.northwind.example"],
    )
    made(
        "Nordic campaign",
        "#F9A8D4",
        "#BE185D",
        75,
        is_enabled=False,
        allowed_domains=["*.northwind.se", "northwind.no", "northwind.dk"],
    )
    made("Careers page", "#4338CA", "#818CF8", 49, allowed_domains=["jobs.northwind.example"])
    made(
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
    return made(
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


def _icon(user: User, color: str, form: str) -> str:
    assert user.organization_id is not None
    picture = Image.new("RGB", (256, 256), color)
    draw = ImageDraw.Draw(picture)
    if form == "tent":
        draw.polygon([(128, 62), (216, 192), (40, 192)], fill="#FFFFFF")
        draw.polygon([(128, 118), (160, 192), (96, 192)], fill=color)
    else:
        draw.ellipse([66, 66, 190, 190], outline="#FFFFFF", width=24)
    content = io.BytesIO()
    picture.save(content, "PNG")
    content.seek(0)
    return store_icon(user.organization_id, content.getvalue())


@pytest.fixture
def staff(visitor: Visitor, live_server: Any, grace: User) -> Any:
    """``staff(path, **options)``: Grace on a page of the staff's site."""
    client = Client()
    client.force_login(grace)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value

    def go(path: str, **options: Any) -> Visit:
        visit = visitor("about:blank", reduced_motion="reduce", **options)
        visit.page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}]
        )
        visit.page.goto(live_server.url + path)
        visit.page.wait_for_load_state("networkidle")
        return visit

    return go


def _keep(visit: Visit, name: str, **options: Any) -> None:
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{name}.png"
    visit.page.mouse.move(1, 1)
    visit.page.screenshot(path=file, **options)
    # Few colours make a page: a palette holds them, in a third of the bytes.
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    assert file.stat().st_size <= MOST_BYTES


@pytest.mark.parametrize(
    ("name", "options"),
    [("widget-desktop", {"viewport": {"width": 1100, "height": 760}}), ("widget-phone", PHONE)],
)
def test_the_widget(
    sites: CustomerSites,
    snippet: Any,
    visitor: Visitor,
    shop: Webchat,
    name: str,
    options: dict[str, Any],
) -> None:
    Webchat.objects.filter(pk=shop.pk).update(allowed_domains=[])
    page = (
        '<!DOCTYPE html><html lang="en"><title>Northwind Outdoor</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
    )
    visit = visitor(sites.serve(page + SHOP + snippet(shop)), reduced_motion="reduce", **options)
    visit.launcher.wait_for()
    visit.open()
    _keep(visit, name)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("light", {**DESKTOP, "color_scheme": "light"}),
        ("dark", {**DESKTOP, "color_scheme": "dark"}),
        ("phone", PHONE),
    ],
)
def test_the_staff_s_pages(staff: Any, shop: Webchat, name: str, options: Any) -> None:
    LastLoad.objects.create(webchat=shop, loaded_at=timezone.now(), host="www.northwind.example")
    visit = staff("/admin/", **options)
    _keep(visit, f"admin-overview-{name}")
    origin = visit.page.url.removesuffix("/admin/")
    visit.page.goto(origin + LIST)
    visit.page.wait_for_load_state("networkidle")
    _keep(visit, f"admin-list-{name}")
    visit.page.goto(f"{origin}{LIST}{shop.pk}/change/")
    preview = visit.page.frame_locator("#preview-frame iframe:not(.loading)")
    expect(preview.locator(".bar")).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    _keep(visit, f"admin-form-{name}")
