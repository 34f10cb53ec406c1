"""The webchat's pages on the staff's site: the form, the preview, the list, the history."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from PIL import Image
from pytest_django import DjangoAssertNumQueries

from organizations.models import User
from tests.support import factories
from tests.support.icons import store_icon
from webchats.models import Webchat

pytestmark = pytest.mark.django_db

LIST = "/admin/webchats/webchat/"
ADD = f"{LIST}add/"
Form = Callable[..., dict[str, Any]]


@pytest.fixture
def form(admin: User) -> Form:
    """A complete form; name what is to differ."""
    prompt = factories.PromptFactory.create(organization=admin.organization)

    def filled(**changes: Any) -> dict[str, Any]:
        body = {
            "name": "Shop",
            "primary_color": "#1F2937",
            "secondary_color": "#3B82F6",
            "background_color": "#FFFFFF",
            "header_text_color": "#FFFFFF",
            "status_text_color": "#6B7280",
            "timestamp_color": "#6B7280",
            "csat_background_color": "#F3F4F6",
            "csat_text_color": "#111827",
            "allowed_domains": "",
            "is_enabled": "on",
            "prompt": prompt.pk,
            "initial_stage": "new",
            "position": "bottom-right",
            "offset_x": "24",
            "offset_y": "24",
            "z_index": "9999",
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    return filled


def _errors(response: Any) -> dict[str, list[str]]:
    return dict(response.context["adminform"].errors)


# --- The form ---


def test_a_new_webchat_belongs_to_who_made_it(
    session_client: Client, admin: User, form: Form
) -> None:
    response = session_client.post(ADD, form(primary_color="#abc"))
    assert response.status_code == 302, _errors(response)
    webchat = Webchat.objects.get()
    assert (webchat.user, webchat.created_by) == (admin, admin)
    assert webchat.organization_id == admin.organization_id
    assert webchat.primary_color == "#aabbcc"


def test_owner_organization_and_placement_cannot_be_sent(
    session_client: Client, admin: User, other_admin: User, form: Form
) -> None:
    stage = factories.StageFactory.create()
    response = session_client.post(
        ADD,
        form(
            organization=other_admin.organization_id,
            user=other_admin.pk,
            created_by=other_admin.pk,
            icon="orgs/x/webchat/y.png",
            entry_stage=stage.pk,
            id="0" * 24,
        ),
    )
    assert response.status_code == 302
    webchat = Webchat.objects.get()
    assert (webchat.organization_id, webchat.user) == (admin.organization_id, admin)
    assert (webchat.created_by, webchat.icon, webchat.entry_stage) == (admin, "", None)
    assert webchat.pk != "0" * 24


def test_domains_are_stored_canonical_one_on_each_line(session_client: Client, form: Form) -> None:
    lines = "HTTPS://Example.com/\n\n  *.Shop.example \r\nexample.org"
    session_client.post(ADD, form(allowed_domains=lines))
    assert Webchat.objects.get().allowed_domains == [
        "https://example.com",
        "*.shop.example",
        "example.org",
    ]


def test_a_refused_domain_is_named(session_client: Client, form: Form) -> None:
    response = session_client.post(ADD, form(allowed_domains="example.com\nfoo\n*"))
    first, second = _errors(response)["allowed_domains"]
    assert first.startswith("“foo”: The host name has a single label.")
    assert second.startswith("“*”: ")


def test_a_prompt_that_is_not_active_is_not_offered_but_kept(
    session_client: Client, admin: User, form: Form
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    assert "prompt" in _errors(session_client.post(ADD, form(prompt=prompt.pk)))
    webchat = factories.WebchatFactory.create(user=admin, prompt=prompt)
    response = session_client.post(
        f"{LIST}{webchat.pk}/change/", form(prompt=prompt.pk, name="Renamed")
    )
    assert response.status_code == 302
    webchat.refresh_from_db()
    assert webchat.name == "Renamed"


def test_a_stage_must_be_of_the_chosen_pipeline(
    session_client: Client, admin: User, form: Form
) -> None:
    ours = {"pipeline__organization": admin.organization}
    stage, other = (factories.StageFactory.create(**ours) for _ in range(2))
    chosen = {"pipeline": stage.pipeline.pk, "pipeline_stage": other.pk}
    assert "pipeline_stage" in _errors(session_client.post(ADD, form(**chosen)))
    session_client.post(ADD, form(**{**chosen, "pipeline_stage": stage.pk}))
    assert Webchat.objects.get().entry_stage == stage


def test_the_form_knows_the_pipeline_of_each_stage(session_client: Client, admin: User) -> None:
    stage = factories.StageFactory.create(pipeline__organization=admin.organization)
    assert f'data-pipeline="{stage.pipeline.pk}"' in session_client.get(ADD).content.decode()


def test_low_contrast_warns_and_does_not_block(session_client: Client, form: Form) -> None:
    faint = form(header_text_color="#333333")
    response = session_client.post(reverse("admin:webchats_webchat_preview_add"), faint)
    assert response.json()["warnings"] == [
        "Hard to read: header text on primary has a contrast of 1.1:1, less than 4.5:1."
    ]
    assert session_client.post(ADD, faint).status_code == 302


def test_the_form_shows_the_snippet_and_who_made_it(session_client: Client, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    page = session_client.get(f"{LIST}{webchat.pk}/change/").content.decode()
    assert f"embed.js&quot; data-webchat=&quot;{webchat.pk}&quot; async&gt;" in page
    assert f"by {admin.full_name}" in page


# --- The preview ---


def test_the_preview_is_the_visitor_s_page_and_stores_nothing(
    session_client: Client, admin: User, form: Form
) -> None:
    webchat = factories.WebchatFactory.create(user=admin, starter_message="Before")
    before = Webchat.objects.filter(pk=webchat.pk).values().get()
    versions = Webchat.history.count()
    address = reverse("admin:webchats_webchat_preview_change", args=[webchat.pk])
    response = session_client.post(
        address, form(starter_message="After & more", primary_color="#00ff00")
    )
    picture = response.json()
    assert picture["errors"] == {}
    assert "After &amp; more" in picture["html"]
    assert "#00ff00" in picture["html"]
    assert Webchat.objects.filter(pk=webchat.pk).values().get() == before
    assert Webchat.history.count() == versions
    session_client.post(reverse("admin:webchats_webchat_preview_add"), form())
    assert Webchat.objects.count() == 1


def test_an_invalid_field_keeps_the_picture_and_says_what_is_wrong(
    session_client: Client, form: Form
) -> None:
    address = reverse("admin:webchats_webchat_preview_add")
    picture = session_client.post(address, form(primary_color="red")).json()
    assert picture["html"] is None
    assert picture["errors"] == {
        "primary_color": ["Enter a color as #RGB or #RRGGBB, for example #1F2937."]
    }


def test_a_mistake_elsewhere_on_the_form_does_not_stop_the_picture(
    session_client: Client, form: Form
) -> None:
    address = reverse("admin:webchats_webchat_preview_add")
    picture = session_client.post(address, form(name="", z_index="x")).json()
    assert picture["errors"].keys() == {"name", "z_index"}
    assert picture["html"]


def test_the_preview_tells_the_canonical_domains(session_client: Client, form: Form) -> None:
    address = reverse("admin:webchats_webchat_preview_add")
    picture = session_client.post(address, form(allowed_domains="HTTPS://Bücher.example")).json()
    assert picture["domains"] == ["https://xn--bcher-kva.example"]


def test_an_empty_preview_is_an_answer(session_client: Client) -> None:
    response = session_client.post(reverse("admin:webchats_webchat_preview_add"), {})
    assert response.status_code == 200
    assert response.json()["html"] is None


def test_a_superuser_s_preview_waits_for_an_organization(superuser: User, form: Form) -> None:
    client = Client()
    client.force_login(superuser)
    picture = client.post(reverse("admin:webchats_webchat_preview_add"), form()).json()
    assert picture["html"] is None
    assert "organization" in picture["errors"]


def test_the_preview_is_posted(session_client: Client) -> None:
    assert session_client.get(reverse("admin:webchats_webchat_preview_add")).status_code == 405


# --- The list ---


def test_the_list_costs_the_same_for_any_number_of_rows(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def more(count: int) -> None:
        pipeline = factories.PipelineFactory.create(organization=admin.organization)
        for _ in range(count):
            factories.WebchatFactory.create(user=admin, pipeline=pipeline)

    more(2)
    session_client.get(LIST)
    # Session, user, their organization, two filters' choices, two counts, the rows.
    with django_assert_num_queries(8):
        session_client.get(LIST)
    more(10)
    with django_assert_num_queries(8):
        session_client.get(LIST)


def test_the_first_page_costs_the_same_for_any_number_of_rows(
    session_client: Client, admin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(2):
        factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(6):
        session_client.get("/admin/")
    for _ in range(10):
        factories.WebchatFactory.create(user=admin)
    with django_assert_num_queries(6):
        session_client.get("/admin/")


def test_filters_offer_what_the_own_webchats_use(
    session_client: Client, admin: User, other_admin: User
) -> None:
    used = factories.PromptFactory.create(organization=admin.organization, name="Used")
    for _ in range(2):
        factories.WebchatFactory.create(user=admin, prompt=used)
    other = factories.WebchatFactory.create(user=admin, name="Other one")
    factories.WebchatFactory.create(user=other_admin, prompt__name="Theirs")
    page = session_client.get(LIST, {"prompt__id__exact": used.pk}).content.decode()
    assert "Used" in page
    assert "Theirs" not in page
    assert other.name not in page


def _act(client: Client, action: str, *rows: Webchat) -> Any:
    body = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, body, follow=True)


def test_several_are_switched_off_and_on_at_once(session_client: Client, admin: User) -> None:
    rows = [factories.WebchatFactory.create(user=admin) for _ in range(2)]
    _act(session_client, "disable", *rows)
    assert not Webchat.objects.enabled().exists()
    assert rows[0].history.first().history_user == admin
    response = _act(session_client, "enable", *rows)
    assert Webchat.objects.enabled().count() == 2
    assert "2 webchats enabled." in response.content.decode()


def test_a_duplicate_is_switched_off_and_has_an_own_name(
    session_client: Client, admin: User
) -> None:
    assert admin.organization_id is not None
    icon = store_icon(admin.organization_id)
    row = factories.WebchatFactory.create(
        user=admin, name="x" * 120, allowed_domains=["example.com"], icon=icon
    )
    response = _act(session_client, "duplicate", row)
    assert "1 webchat duplicated. The copy is disabled." in response.content.decode()
    copy = Webchat.objects.exclude(pk=row.pk).get()
    assert copy.name == "x" * 113 + " (copy)"
    assert (copy.is_enabled, copy.allowed_domains, copy.icon) == (False, ["example.com"], icon)
    assert (copy.user, copy.created_by, copy.organization_id) == (admin, admin, row.organization_id)


def test_what_cannot_be_duplicated_says_why(session_client: Client, admin: User) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    row = factories.WebchatFactory.create(user=admin, prompt=prompt)
    response = _act(session_client, "duplicate", row)
    assert "was not duplicated: The prompt is not active." in response.content.decode()
    assert Webchat.objects.count() == 1


@pytest.mark.parametrize("format_name", ["csv", "xlsx", "json"])
def test_the_chosen_ones_are_exported_as_the_api_does(
    session_client: Client, admin: User, rep: User, api: Any, format_name: str
) -> None:
    row = factories.WebchatFactory.create(user=admin, name="=1+1")
    download = f"/api/webchats/export?format={format_name}"
    expected = api(admin).get(download).getvalue()
    factories.WebchatFactory.create(user=admin)
    session_client.force_login(rep)
    response = _act(session_client, f"export_{format_name}", row)
    assert response.getvalue() == expected
    assert (
        response.headers["Content-Disposition"] == f'attachment; filename="webchats.{format_name}"'
    )


def test_who_may_only_look_sees_the_webchats_icon_and_no_field_for_it(
    admin: User, rep: User
) -> None:
    client = Client()
    client.force_login(rep)
    assert admin.organization_id is not None
    icon = store_icon(admin.organization_id)
    row = factories.WebchatFactory.create(user=admin, icon=icon)
    page = client.get(f"{LIST}{row.pk}/change/").content.decode()
    assert f"/icons/{icon}" in page
    assert "Remove the icon" not in page


# --- The first page ---


def test_the_first_page_says_what_is_wrong(
    session_client: Client, admin: User, other_admin: User
) -> None:
    prompt = factories.PromptFactory.create(organization=admin.organization, is_active=False)
    shared = {"user": admin, "timestamp_color": "#000000"}
    factories.WebchatFactory.create(**shared, name="Open to all")
    factories.WebchatFactory.create(
        **shared, prompt=prompt, is_autopilot=True, allowed_domains=["a.example"]
    )
    factories.WebchatFactory.create(user=other_admin, name="Theirs")
    page = session_client.get("/admin/").content.decode()
    assert "No allowed domains: every site may embed it." in page
    assert f"Autopilot uses “{prompt}”, which is inactive." in page
    assert "Theirs" not in page
    assert "<strong>2</strong> webchats" in page


# --- The history ---


def test_the_history_says_what_went_from_what_to_what(
    session_client: Client, admin: User, api: Any, form: Form
) -> None:
    session_client.post(ADD, form(name="First", allowed_domains="a.example"))
    webchat = Webchat.objects.get()
    session_client.post(
        f"{LIST}{webchat.pk}/change/", form(name="Second", allowed_domains="a.example")
    )
    head = factories.UserFactory.create(organization=admin.organization, full_name="Hedy")
    response = api(head).patch(
        f"/api/webchats/{webchat.pk}", {"allowedDomains": ["a.example", "b.example"]}
    )
    assert response.status_code == 200
    versions = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"]
    assert [(v.verb, v.user) for v in versions] == [
        ("Changed", head),
        ("Changed", admin),
        ("Created", admin),
    ]
    (domains,), (name,), () = (version.changes for version in versions)
    assert (domains.field, domains.old, domains.new) == (
        "allowed domains",
        "a.example",
        "a.example\nb.example",
    )
    assert (name.field, name.old, name.new) == ("name", "First", "Second")


def test_the_history_names_rows_and_knows_yes_from_no(
    session_client: Client, admin: User, form: Form
) -> None:
    session_client.post(ADD, form())
    webchat = Webchat.objects.get()
    prompt = factories.PromptFactory.create(organization=admin.organization, name="Better")
    session_client.post(f"{LIST}{webchat.pk}/change/", form(prompt=prompt.pk, is_enabled=None))
    newest = session_client.get(f"{LIST}{webchat.pk}/history/").context["versions"][0]
    message = {change.field: (change.old, change.new) for change in newest.changes}
    assert message == {"enabled": ("yes", "no"), "prompt": (str(webchat.prompt), "Better")}


def test_an_update_over_the_api_still_writes_only_what_was_sent(api: Any, admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, name="Before")
    Webchat.objects.filter(pk=webchat.pk).update(description="Written beside it")
    api(admin).patch(f"/api/webchats/{webchat.pk}", {"name": "After"})
    webchat.refresh_from_db()
    assert (webchat.name, webchat.description) == ("After", "Written beside it")


# --- Hostile texts ---

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202egnp.exe",
    "😀" * 20,
    "w" * 1000,
    "{{ 7*7 }}{% now 'Y' %}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_text_on_every_page(
    session_client: Client, admin: User, form: Form, text: str
) -> None:
    session_client.post(ADD, form(name=text[:120], description=text, starter_message=text))
    webchat = Webchat.objects.get()
    pages = (
        LIST,
        "/admin/",
        *(f"{LIST}{webchat.pk}/{page}/" for page in ("change", "history", "delete")),
    )
    for page in pages:
        response = session_client.get(page)
        assert response.status_code == 200
        assert b"<script>alert" not in response.content
        assert b"<img src=x" not in response.content
    assert escape(text[:120]) in session_client.get(LIST).content.decode()
    picture = session_client.post(
        reverse("admin:webchats_webchat_preview_add"), form(starter_message=text)
    ).json()
    assert "<script>alert" not in picture["html"]
    assert "<img src=x" not in picture["html"]


# --- The icon ---


def _icon_folder() -> Path:
    return Path(settings.STORAGES["icons"]["OPTIONS"]["location"])


def _image() -> SimpleUploadedFile:
    content = io.BytesIO()
    Image.new("RGB", (40, 40), "#ff0000").save(content, "PNG")
    return SimpleUploadedFile("icon.png", content.getvalue(), "image/png")


def test_an_icon_is_stored_shown_and_removed(
    session_client: Client, admin: User, form: Form
) -> None:
    response = session_client.post(ADD, form(icon_file=_image()))
    assert response.status_code == 302, _errors(response)
    webchat = Webchat.objects.get()
    assert webchat.icon.startswith(f"orgs/{admin.organization_id}/webchat/")
    for page in (LIST, f"{LIST}{webchat.pk}/change/"):
        assert f"/icons/{webchat.icon}" in session_client.get(page).content.decode()
    session_client.post(f"{LIST}{webchat.pk}/change/", form())
    webchat.refresh_from_db()
    assert webchat.icon
    session_client.post(f"{LIST}{webchat.pk}/change/", form(remove_icon="on"))
    webchat.refresh_from_db()
    assert webchat.icon == ""


def test_a_file_that_is_no_image_is_refused_by_name_of_the_rule(
    session_client: Client, form: Form
) -> None:
    response = session_client.post(
        ADD, form(icon_file=SimpleUploadedFile("icon.png", b"<svg/>", "image/png"))
    )
    assert "PNG" in _errors(response)["icon_file"][0]
    assert not Webchat.objects.exists()


def test_an_icon_is_previewed_without_being_stored(session_client: Client, form: Form) -> None:
    address = reverse("admin:webchats_webchat_preview_add")
    picture = session_client.post(address, form(icon_file=_image())).json()
    assert 'src="data:image/png;base64,' in picture["html"]
    assert not any(path.is_file() for path in _icon_folder().rglob("*"))


def test_a_storage_that_is_down_costs_only_the_icon(session_client: Client, form: Form) -> None:
    _icon_folder().parent.mkdir(parents=True, exist_ok=True)
    # A file where the folder should be: nothing can be written below it.
    _icon_folder().write_text("")
    response = session_client.post(ADD, form(icon_file=_image()), follow=True)
    assert "The icon could not be stored." in response.content.decode()
    assert Webchat.objects.get().icon == ""
