"""What each role may do on the staff's site, and what nobody may."""

from typing import Any

import pytest
from django.urls import reverse

from organizations.admin.site import site
from organizations.models import ApiKey, Organization, Pipeline, Prompt, Stage, User
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-phrase"


def _list_of(model: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_a_representative_reads_everything_and_writes_nothing(rep: User) -> None:
    client = log_in(rep)
    for model in site._registry:
        assert client.get(_list_of(model)).status_code == 200
        assert client.get(f"{_list_of(model)}add/").status_code == 403
        assert client.post(f"{_list_of(model)}add/", {"name": "x"}).status_code == 403


def test_a_representative_cannot_change_delete_or_act(rep: User) -> None:
    client = log_in(rep)
    prompt = factories.PromptFactory.create(organization=rep.organization, name="Before")
    webchat = factories.WebchatFactory.create(user=rep, prompt=prompt)
    for row in (prompt, webchat):
        address = f"{_list_of(type(row))}{row.pk}/"
        assert client.get(f"{address}change/").status_code == 200
        assert client.post(f"{address}change/", {"name": "After"}).status_code == 403
        assert client.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    client.post(_list_of(type(webchat)), {"action": "disable", "_selected_action": [webchat.pk]})
    webchat.refresh_from_db()
    assert (webchat.name, webchat.is_enabled) != ("After", False)
    assert webchat.is_enabled
    preview = reverse("admin:webchats_webchat_preview_change", args=[webchat.pk])
    assert client.post(preview, {}).status_code == 403


def test_a_department_head_reads_the_people_and_changes_none(organization: Organization) -> None:
    head = factories.UserFactory.create(organization=organization, access_role="DEPARTMENT_HEAD")
    client = log_in(head)
    assert client.get(_list_of(User)).status_code == 200
    assert client.get(f"{_list_of(User)}add/").status_code == 403
    address = reverse("admin:auth_user_password_change", args=[head.pk])
    assert client.get(address).status_code == 403


def test_an_administrator_makes_a_member_of_the_own_organization(
    admin: User, other_admin: User
) -> None:
    body = {
        "email": "new@example.com",
        "full_name": "New",
        "access_role": "DEPARTMENT_HEAD",
        "password1": PASSWORD,
        "password2": PASSWORD,
        # None of these is theirs to say.
        "organization": other_admin.organization_id,
        "is_superuser": "on",
    }
    answer = log_in(admin).post(f"{_list_of(User)}add/", body)
    assert answer.status_code == 302
    made = User.objects.get(email="new@example.com")
    assert made.organization_id == admin.organization_id
    assert not made.is_superuser
    assert made.access_role == "DEPARTMENT_HEAD"
    assert made.check_password(PASSWORD)


def test_an_administrator_neither_moves_nor_crowns_a_member(
    admin: User, rep: User, other_admin: User
) -> None:
    body = {
        "email": rep.email,
        "full_name": "Renamed",
        "access_role": "ADMIN",
        "is_active": "on",
        "organization": other_admin.organization_id,
        "is_superuser": "on",
        "password": "plain",
    }
    answer = log_in(admin).post(f"{_list_of(User)}{rep.pk}/change/", body)
    assert answer.status_code == 302
    rep.refresh_from_db()
    assert (rep.full_name, rep.access_role) == ("Renamed", "ADMIN")
    assert rep.organization_id == admin.organization_id
    assert not rep.is_superuser
    assert rep.password != "plain"


def test_an_administrator_cannot_be_given_super_administrator_as_a_role(
    admin: User, rep: User
) -> None:
    body = {"email": rep.email, "access_role": "SUPERADMIN", "is_active": "on"}
    answer = log_in(admin).post(f"{_list_of(User)}{rep.pk}/change/", body)
    assert answer.status_code == 200
    rep.refresh_from_db()
    assert rep.access_role == "SALES_REP"


def test_nobody_changes_the_own_role_or_locks_themselves_out(admin: User) -> None:
    client = log_in(admin)
    body = {"email": admin.email, "full_name": "Me", "access_role": "SALES_REP"}
    client.post(f"{_list_of(User)}{admin.pk}/change/", body)
    admin.refresh_from_db()
    assert (admin.full_name, admin.access_role, admin.is_active) == ("Me", "ADMIN", True)
    assert client.post(f"{_list_of(User)}{admin.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_administrator_sets_a_member_s_password(admin: User, rep: User) -> None:
    address = reverse("admin:auth_user_password_change", args=[rep.pk])
    body = {"password1": PASSWORD, "password2": PASSWORD}
    assert log_in(admin).post(address, body).status_code == 302
    rep.refresh_from_db()
    assert rep.check_password(PASSWORD)


def test_a_superuser_chooses_the_organization_of_a_new_row(
    superuser: User, organization: Organization
) -> None:
    client = log_in(superuser)
    body = {"name": "P", "instructions": "I", "temperature": "1", "max_tokens": "10"}
    refused = client.post(reverse("admin:organizations_prompt_add"), body)
    assert "organization" in refused.context["adminform"].errors
    client.post(
        reverse("admin:organizations_prompt_add"), {**body, "organization": organization.pk}
    )
    assert Prompt.objects.get(name="P").organization_id == organization.pk


def test_a_superuser_makes_a_superuser(superuser: User) -> None:
    body = {
        "email": "root2@example.com",
        "access_role": "SALES_REP",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "is_superuser": "on",
    }
    answer = log_in(superuser).post(f"{_list_of(User)}add/", body)
    assert answer.status_code == 302, answer.context["adminform"].errors
    assert User.objects.get(email="root2@example.com").is_superuser


def test_an_administrator_names_the_own_organization_and_makes_no_other(admin: User) -> None:
    client = log_in(admin)
    address = f"{_list_of(Organization)}{admin.organization_id}/"
    client.post(f"{address}change/", {"name": "Renamed", "assistant_name": "Ava"})
    assert Organization.objects.get(pk=admin.organization_id).public_title == "Ava"
    assert client.post(f"{_list_of(Organization)}add/", {"name": "x"}).status_code == 403
    assert client.post(f"{address}delete/", {"post": "yes"}).status_code == 403


def test_a_new_key_s_secret_is_shown_once_and_stored_nowhere(admin: User) -> None:
    client = log_in(admin)
    answer = client.post(f"{_list_of(ApiKey)}add/", {"name": "CI"})
    key = ApiKey.objects.get()
    secret = answer.context["secret"]
    assert ApiKey.digest_of(secret) == key.digest
    assert (key.user, key.organization_id) == (admin, admin.organization_id)
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(answer.cookies)
    for address in (_list_of(ApiKey), f"{_list_of(ApiKey)}{key.pk}/change/"):
        assert secret not in client.get(address).content.decode()


def test_a_key_is_never_changed_and_expires_in_the_future(admin: User) -> None:
    client = log_in(admin)
    body = {"name": "Late", "expires_at": "2001-01-01T00:00"}
    refused = client.post(f"{_list_of(ApiKey)}add/", body)
    assert refused.context["adminform"].errors["expires_at"] == ["Must be in the future."]
    key = factories.ApiKeyFactory.create(user=admin)
    assert client.post(f"{_list_of(ApiKey)}{key.pk}/change/", {"name": "x"}).status_code == 403


def _stages(*rows: dict[str, Any], stored: int = 0) -> dict[str, Any]:
    body = {"stages-TOTAL_FORMS": len(rows), "stages-INITIAL_FORMS": stored}
    for index, row in enumerate(rows):
        row = {"color": "#123456", "is_active": "on", **row}
        body |= {f"stages-{index}-{name}": value for name, value in row.items()}
    return {"name": "Sales", **body}


def test_stages_are_stored_in_the_order_of_their_numbers(admin: User) -> None:
    body = _stages({"name": "B", "order": 2}, {"name": "C"}, {"name": "A", "order": 1})
    answer = log_in(admin).post(f"{_list_of(Pipeline)}add/", body)
    assert answer.status_code == 302, answer.context["inline_admin_formsets"][0].formset.errors
    stages = Stage.objects.order_by("position").values_list("name", "position", "slug")
    assert list(stages) == [("A", 0, "a"), ("B", 1, "b"), ("C", 2, "c")]


def test_stages_change_places(admin: User) -> None:
    pipeline = factories.PipelineFactory.create(organization=admin.organization)
    first, second = (
        factories.StageFactory.create(pipeline=pipeline, position=place) for place in range(2)
    )
    rows = [
        {"id": row.pk, "pipeline": pipeline.pk, "name": row.name, "slug": row.slug, "order": order}
        for row, order in ((first, 2), (second, 1))
    ]
    address = f"{_list_of(Pipeline)}{pipeline.pk}/change/"
    answer = log_in(admin).post(address, _stages(*rows, stored=2))
    assert answer.status_code == 302
    assert [row.pk for row in pipeline.stages.all()] == [second.pk, first.pk]


def test_two_stages_of_one_name_are_refused(admin: User) -> None:
    body = _stages({"name": "New"}, {"name": "NEW"})
    answer = log_in(admin).post(f"{_list_of(Pipeline)}add/", body)
    errors = answer.context["inline_admin_formsets"][0].formset.errors
    assert errors[1] == {"name": ["Another stage of this pipeline has this name."]}
    assert not Stage.objects.exists()


def test_a_stage_of_another_organization_is_not_taken_into_the_own_pipeline(
    admin: User, other_admin: User
) -> None:
    theirs = factories.StageFactory.create(
        pipeline=factories.PipelineFactory.create(organization=other_admin.organization),
        name="Theirs",
    )
    mine = factories.PipelineFactory.create(organization=admin.organization)
    row = {"id": theirs.pk, "pipeline": mine.pk, "name": "Mine now", "slug": "x"}
    address = f"{_list_of(Pipeline)}{mine.pk}/change/"
    log_in(admin).post(address, _stages(row, stored=1))
    theirs.refresh_from_db()
    assert (theirs.name, theirs.pipeline_id) != ("Mine now", mine.pk)
    assert theirs.name == "Theirs"


def test_what_a_webchat_uses_is_not_deleted(admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin, name="The user of it")
    address = f"{_list_of(type(webchat.prompt))}{webchat.prompt.pk}/delete/"
    answer = log_in(admin).post(address, {"post": "yes"})
    assert "The user of it" in answer.content.decode()
    assert type(webchat.prompt).objects.filter(pk=webchat.prompt.pk).exists()


@pytest.mark.parametrize("both", [True, False])
def test_a_superuser_of_an_organization_and_a_member_of_none_are_refused_in_words(
    superuser: User, organization: Organization, both: bool
) -> None:
    body = {
        "email": "new@example.com",
        "access_role": "ADMIN",
        "is_active": "on",
        "usable_password": "true",
        "password1": "a-long-enough-one-9",
        "password2": "a-long-enough-one-9",
    }
    if both:
        body |= {"organization": organization.pk, "is_superuser": "on"}
    answer = log_in(superuser).post("/admin/organizations/user/add/", body)
    assert answer.status_code == 200
    assert "A member needs an organization. A superuser cannot have one." in answer.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
