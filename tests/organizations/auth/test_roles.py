"""The permissions of each role, and Django's permission methods."""

import pytest
from django.contrib.sessions.models import Session

from organizations.auth.roles import MEMBER_ROLES, AccessRole, Operation, role_allows
from organizations.models import ApiKey, Organization, Pipeline, Prompt, Stage, User
from webchats.conversations.models import Contact, Conversation, Draft, Message, Note, Reply
from webchats.models import Webchat

TENANT_MODELS = [Webchat, Prompt, Pipeline, Stage, ApiKey]


@pytest.mark.parametrize("model", TENANT_MODELS)
@pytest.mark.parametrize("role", [AccessRole.ADMIN, AccessRole.DEPARTMENT_HEAD])
def test_admin_and_department_head_may_do_everything(
    role: AccessRole, model: type[Webchat]
) -> None:
    assert all(role_allows(role, operation, model) for operation in Operation)


@pytest.mark.parametrize("model", TENANT_MODELS)
def test_sales_rep_may_only_read(model: type[Webchat]) -> None:
    allowed = [
        operation for operation in Operation if role_allows(AccessRole.SALES_REP, operation, model)
    ]
    assert allowed == [Operation.VIEW]


@pytest.mark.parametrize("role", MEMBER_ROLES)
def test_every_member_answers_conversations_and_moves_contacts(role: AccessRole) -> None:
    allowed = {
        model: {operation for operation in Operation if role_allows(role, operation, model)}
        for model in (Conversation, Contact, Message, Note, Reply, Draft)
    }
    change = {Operation.VIEW, Operation.CHANGE}
    add = {Operation.VIEW, Operation.ADD}
    adds_contacts = {Operation.ADD} if role != AccessRole.SALES_REP else set()
    changed = {Conversation: change, Contact: change | adds_contacts, Draft: change}
    others = {Message: add, Note: add, Reply: {Operation.VIEW}}
    assert allowed == changed | others


def test_only_admin_may_manage_users() -> None:
    roles = [role for role in AccessRole if role_allows(role, Operation.CHANGE, User)]
    assert roles == [AccessRole.SUPERADMIN, AccessRole.ADMIN]


def test_only_superuser_may_create_organizations() -> None:
    roles = [role for role in AccessRole if role_allows(role, Operation.ADD, Organization)]
    assert roles == [AccessRole.SUPERADMIN]


def test_only_superuser_may_see_models_without_organization() -> None:
    assert not role_allows(AccessRole.ADMIN, Operation.VIEW, Session)
    assert role_allows(AccessRole.SUPERADMIN, Operation.VIEW, Session)


def test_unknown_role_may_do_nothing() -> None:
    assert not role_allows("OWNER", Operation.VIEW, Webchat)


def test_django_permissions_depend_on_the_role(
    admin: User, rep: User, other_admin: User, webchat: Webchat
) -> None:
    assert admin.has_perm("webchats.change_webchat", webchat)
    assert not rep.has_perm("webchats.change_webchat", webchat)
    assert rep.has_perms(["webchats.view_webchat"], webchat)
    assert not other_admin.has_perm("webchats.view_webchat", webchat)
    assert not admin.has_perm("webchats.frobnicate_webchat")
    assert admin.has_module_perms("webchats")
    assert not admin.has_module_perms("sessions")


def test_inactive_user_has_no_permissions(admin: User, superuser: User) -> None:
    for user in (admin, superuser):
        user.is_active = False
        assert not user.has_perm("webchats.view_webchat")
        assert not user.has_module_perms("webchats")
