"""The table of roles, and Django's permissions answered by it."""

import pytest
from django.contrib.sessions.models import Session

from organizations.auth.roles import AccessRole, Operation, role_allows
from organizations.models import ApiKey, Organization, Pipeline, Prompt, Stage, User
from tests.support import factories
from webchats.models import Webchat

TENANT_MODELS = [Webchat, Prompt, Pipeline, Stage, ApiKey]


@pytest.mark.parametrize("model", TENANT_MODELS)
@pytest.mark.parametrize("role", [AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD])
def test_an_admin_and_a_department_head_do_everything(
    role: AccessRole, model: type[Webchat]
) -> None:
    assert all(role_allows(role, operation, model) for operation in Operation)


@pytest.mark.parametrize("model", TENANT_MODELS)
def test_a_sales_rep_only_reads(model: type[Webchat]) -> None:
    allowed = [
        operation for operation in Operation if role_allows(AccessRole.SALES_REP, operation, model)
    ]
    assert allowed == [Operation.VIEW]


def test_only_an_admin_manages_people() -> None:
    managers = [role for role in AccessRole if role_allows(role, Operation.CHANGE, User)]
    assert managers == [AccessRole.SUPERADMIN, AccessRole.ADMIN]


def test_only_a_superuser_makes_organizations() -> None:
    makers = [role for role in AccessRole if role_allows(role, Operation.ADD, Organization)]
    assert makers == [AccessRole.SUPERADMIN]


def test_a_member_has_no_business_with_rows_of_no_organization() -> None:
    assert not role_allows(AccessRole.ADMIN, Operation.VIEW, Session)
    assert role_allows(AccessRole.SUPERADMIN, Operation.VIEW, Session)


def test_an_unknown_role_may_nothing() -> None:
    assert not role_allows("OWNER", Operation.VIEW, Webchat)


@pytest.mark.django_db
def test_djangos_permissions_ask_the_table(admin: User, rep: User, other_admin: User) -> None:
    webchat = factories.WebchatFactory.create(user=admin)
    assert admin.has_perm("webchats.change_webchat", webchat)
    assert not rep.has_perm("webchats.change_webchat", webchat)
    assert rep.has_perms(["webchats.view_webchat"], webchat)
    assert not other_admin.has_perm("webchats.view_webchat", webchat)
    assert not admin.has_perm("webchats.frobnicate_webchat")
    assert admin.has_module_perms("webchats")
    assert not admin.has_module_perms("sessions")


@pytest.mark.django_db
def test_a_deactivated_user_may_nothing(admin: User, superuser: User) -> None:
    for user in (admin, superuser):
        user.is_active = False
        assert not user.has_perm("webchats.view_webchat")
        assert not user.has_module_perms("webchats")
