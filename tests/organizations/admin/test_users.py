"""The admin pages of users."""

import pytest
from django.urls import reverse

from organizations.models import Organization, User
from tests.organizations.admin.urls import list_url
from tests.support import factories
from tests.support.clients import log_in

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-enough-phrase"


def test_department_head_can_view_but_not_change_users(organization: Organization) -> None:
    head = factories.UserFactory.create(organization=organization, access_role="DEPARTMENT_HEAD")
    client = log_in(head)
    assert client.get(list_url(User)).status_code == 200
    assert client.get(f"{list_url(User)}add/").status_code == 403
    url = reverse("admin:auth_user_password_change", args=[head.pk])
    assert client.get(url).status_code == 403


def test_admin_adds_a_member_to_their_own_organization_only(admin: User, other_admin: User) -> None:
    body = {
        "email": "new@example.com",
        "full_name": "New",
        "access_role": "DEPARTMENT_HEAD",
        "password1": PASSWORD,
        "password2": PASSWORD,
        # Fields that an administrator may not set.
        "organization": other_admin.organization_id,
        "is_superuser": "on",
    }
    response = log_in(admin).post(f"{list_url(User)}add/", body)
    assert (response.status_code, response["Location"]) == (302, list_url(User))
    member = User.objects.get(email="new@example.com")
    assert member.organization_id == admin.organization_id
    assert not member.is_superuser
    assert member.access_role == "DEPARTMENT_HEAD"
    assert member.check_password(PASSWORD)


def test_admin_cannot_move_a_member_or_make_them_a_superuser(
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
    response = log_in(admin).post(f"{list_url(User)}{rep.pk}/change/", body)
    assert response.status_code == 302
    rep.refresh_from_db()
    assert (rep.full_name, rep.access_role) == ("Renamed", "ADMIN")
    assert rep.organization_id == admin.organization_id
    assert not rep.is_superuser
    assert rep.password != "plain"


def test_admin_cannot_set_the_role_superadmin(admin: User, rep: User) -> None:
    body = {"email": rep.email, "access_role": "SUPERADMIN", "is_active": "on"}
    response = log_in(admin).post(f"{list_url(User)}{rep.pk}/change/", body)
    assert response.status_code == 200
    rep.refresh_from_db()
    assert rep.access_role == "SALES_REP"


def test_user_cannot_change_their_own_role_or_delete_themselves(admin: User) -> None:
    client = log_in(admin)
    body = {"email": admin.email, "full_name": "Me", "access_role": "SALES_REP"}
    client.post(f"{list_url(User)}{admin.pk}/change/", body)
    admin.refresh_from_db()
    assert (admin.full_name, admin.access_role, admin.is_active) == ("Me", "ADMIN", True)
    assert client.post(f"{list_url(User)}{admin.pk}/delete/", {"post": "yes"}).status_code == 403


def test_admin_sets_the_password_of_a_member(admin: User, rep: User) -> None:
    client = log_in(admin)
    url = reverse("admin:auth_user_password_change", args=[rep.pk])
    link = f'<a href="{url}">Set password</a>'
    assert link in client.get(f"{list_url(User)}{rep.pk}/change/").content.decode()
    assert "password-based" not in client.get(url).content.decode().lower()
    assert client.post(url, {"usable_password": "false"}).status_code == 200
    body = {"password1": PASSWORD, "password2": PASSWORD}
    assert client.post(url, body).status_code == 302
    rep.refresh_from_db()
    assert rep.check_password(PASSWORD)


def test_users_have_no_link_to_set_a_password_on_their_own_page_or_without_permission(
    admin: User, rep: User
) -> None:
    for user, shown in ((admin, admin), (rep, admin)):
        page = log_in(user).get(f"{list_url(User)}{shown.pk}/change/").content.decode()
        assert "Set password" not in page


def test_superuser_adds_a_superuser(superuser: User) -> None:
    body = {
        "email": "root2@example.com",
        "access_role": "SALES_REP",
        "password1": PASSWORD,
        "password2": PASSWORD,
        "is_superuser": "on",
    }
    response = log_in(superuser).post(f"{list_url(User)}add/", body)
    assert response.status_code == 302, response.context["adminform"].errors
    assert User.objects.get(email="root2@example.com").is_superuser


@pytest.mark.parametrize("both", [True, False])
def test_it_rejects_superuser_with_and_member_without_organization(
    superuser: User, organization: Organization, both: bool
) -> None:
    body = {
        "email": "new@example.com",
        "access_role": "ADMIN",
        "is_active": "on",
        "usable_password": "true",
        "password1": PASSWORD,
        "password2": PASSWORD,
    }
    if both:
        body |= {"organization": organization.pk, "is_superuser": "on"}
    response = log_in(superuser).post("/admin/organizations/user/add/", body)
    assert response.status_code == 200
    error = "A member needs an organization. A superuser cannot have one."
    assert error in response.content.decode()
    assert not User.objects.filter(email="new@example.com").exists()
