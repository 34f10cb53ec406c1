"""Rows of other organizations are inaccessible in every resource of the API.

The resources come from the router, and the paths of their rows from the URLconf. A new resource, or
a new action, is tested without a change here if ``tests/support/factories.py`` has a factory for
its model.
"""

import gc
import re
from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.relations import ManyRelatedField

from organizations.auth.permissions import RolePermission
from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from organizations.tenancy.serializers import TenantRelatedField
from organizations.tenancy.viewsets import TenantReadUpdateViewSet
from tests.support import factories
from webchat_project.api_urls import router

pytestmark = pytest.mark.django_db

RESOURCES: list[tuple[str, Any]] = [(prefix, viewset) for prefix, viewset, _ in router.registry]
CHANGEABLE = [resource for resource in RESOURCES if "put" in resource[1].http_method_names]
OPERATIONS = {"post": Operation.ADD, "put": Operation.CHANGE, "patch": Operation.CHANGE}
#: Paths without authentication.
PUBLIC = {"login", "refresh", "schema", "docs"}


def create_row(viewset: Any, organization: Organization | None) -> Any:
    """Create a row of the viewset's model in the organization."""
    model = viewset.queryset.model
    if model is Organization:
        return organization
    factory: Any = getattr(factories, f"{model.__name__}Factory")
    declared = factory._meta.declarations
    if "webchat" in declared:
        return factory.create(webchat__user__organization=organization)
    if "user" in declared:
        return factory.create(user__organization=organization)
    return factory.create(organization=organization)


def ids_of(response: Any) -> set[str]:
    assert response.status_code == 200, response.content
    return {document["_id"] for document in response.json()["data"]}


def related_fields(viewset: Any) -> dict[str, Any]:
    """Return the models of the writable references of a document by field."""
    view = viewset(action="update", request=None, format_kwarg=None)
    fields: dict[str, Any] = view.get_serializer_class()().fields
    writable = {name: field for name, field in fields.items() if not field.read_only}
    return {
        name: field.queryset.model
        for name, field in writable.items()
        if TenantRelatedField in type(field).__mro__
    }


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_every_resource_is_a_tenant_viewset(prefix: str, viewset: Any) -> None:
    assert issubclass(viewset, TenantReadUpdateViewSet)
    assert viewset.permission_classes == [RolePermission]


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_list_contains_no_rows_of_other_organizations(
    prefix: str, viewset: Any, api: Any, admin: User, other_admin: User
) -> None:
    theirs = create_row(viewset, other_admin.organization)
    own = create_row(viewset, admin.organization)
    response = api(admin).get(f"/api/{prefix}")
    found = ids_of(response)
    # A user is a row, too.
    assert {own.pk} <= found <= {own.pk, admin.pk}
    assert theirs.pk not in found
    pagination = response.json()["pagination"]
    assert pagination.get("total") == len(found) or pagination == {"limit": 20, "next": None}


@pytest.mark.parametrize("credential", ["token", "key"])
def test_row_of_another_organization_gives_the_same_response_as_an_unknown_id(
    credential: str, api: Any, admin: User, other_admin: User
) -> None:
    client = api(admin)
    if credential == "key":
        factories.ApiKeyFactory.create(user=admin, secret="wck_mine")
        client.credentials(HTTP_AUTHORIZATION="Bearer wck_mine")
    requested = 0
    for pattern in row_patterns():
        row = create_row(pattern.callback.cls, other_admin.organization)
        before = vars(type(row)._default_manager.get(pk=row.pk))
        for method in list(pattern.callback.actions):
            theirs = getattr(client, method)(to_path(pattern, row.pk), {})
            unknown = getattr(client, method)(to_path(pattern, "0" * 24), {})
            assert (theirs.status_code, theirs.content) == (unknown.status_code, unknown.content)
            assert theirs.status_code in (403, 404, 405), (pattern, method, theirs.content)
            requested += 1
        after = vars(type(row)._default_manager.get(pk=row.pk))
        assert {**after, "_state": None} == {**before, "_state": None}
    assert requested > 4 * len(RESOURCES)


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_superuser_sees_rows_of_all_organizations(
    prefix: str, viewset: Any, api: Any, superuser: User, admin: User, other_admin: User
) -> None:
    rows = {create_row(viewset, user.organization).pk for user in (admin, other_admin)}
    found = ids_of(api(superuser).get(f"/api/{prefix}"))
    assert rows <= found <= {*rows, superuser.pk, admin.pk, other_admin.pk}


def test_superuser_can_read_every_path_of_a_row(
    api: Any, superuser: User, other_admin: User
) -> None:
    # Exports that other tests have not read to their end count until their responses are deleted.
    gc.collect()
    for pattern in row_patterns():
        if "get" in pattern.callback.actions:
            row = create_row(pattern.callback.cls, other_admin.organization)
            response = api(superuser).get(to_path(pattern, row.pk))
            assert response.status_code == 200, pattern


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_reference_to_another_organizations_row_gives_the_same_error_as_an_unknown_id(
    prefix: str, viewset: Any, api: Any, admin: User, other_admin: User
) -> None:
    for name, model in related_fields(viewset).items():
        factory: Any = getattr(factories, f"{model.__name__}Factory")
        if model.__name__ == "Stage":
            theirs = factory.create(pipeline__organization=other_admin.organization)
        else:
            theirs = factory.create(organization=other_admin.organization)
        call, path = api(admin).post, f"/api/{prefix}"
        if not hasattr(viewset, "create"):
            call, path = api(admin).put, f"{path}/{create_row(viewset, admin.organization).pk}"
        responses = [call(path, {name: key}) for key in (theirs.pk, "0" * 24)]
        details = [
            [detail for detail in response.json()["details"] if detail["field"] == name]
            for response in responses
        ]
        assert details[0] == details[1] != []


@pytest.mark.parametrize(("prefix", "viewset"), CHANGEABLE)
def test_organization_in_the_body_of_an_update_is_ignored(
    prefix: str, viewset: Any, api: Any, admin: User, other_admin: User
) -> None:
    row = create_row(viewset, admin.organization)
    body = {"organizationId": other_admin.organization_id, "name": "Renamed"}
    assert api(admin).put(f"/api/{prefix}/{row.pk}", body).status_code == 200
    row.refresh_from_db()
    assert getattr(row, "organization_id", row.pk) in (admin.organization_id, row.pk)
    assert getattr(row, "name", "Renamed") == "Renamed"


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_sales_rep_can_read_and_writes_only_what_the_role_allows(
    prefix: str, viewset: Any, method: str, api: Any, rep: User
) -> None:
    row = create_row(viewset, rep.organization)
    may_view = role_allows(rep.access_role, Operation.VIEW, viewset.queryset.model)
    assert api(rep).get(f"/api/{prefix}/{row.pk}").status_code == (200 if may_view else 403)
    path = f"/api/{prefix}" if method == "post" else f"/api/{prefix}/{row.pk}"
    response = getattr(api(rep), method)(path, {"name": "Mine"})
    operation = OPERATIONS.get(method, Operation.DELETE)
    is_allowed = role_allows(rep.access_role, operation, viewset.queryset.model)
    if prefix == "inbox-views":
        # Each role saves views, and this one changes its own only: see ``test_saved_views.py``.
        assert response.status_code == (201 if method == "post" else 403)
        return
    if is_allowed and method in viewset.http_method_names:
        assert prefix in ("conversations", "contacts")
        assert response.status_code == 200, response.content
        return
    assert response.status_code in (403, 405)
    row.refresh_from_db()
    assert getattr(row, "name", "") != "Mine"


def test_no_document_has_an_unscoped_list_of_references(admin: User) -> None:
    for _, viewset in RESOURCES:
        serializer = viewset.serializer_class()
        assert not any(isinstance(field, ManyRelatedField) for field in serializer.fields.values())


def row_patterns() -> list[Any]:
    """Return the URL patterns of rows and of their actions."""
    return [pattern for pattern in api_patterns() if "(?P<pk>" in pattern.pattern.regex.pattern]


def to_path(pattern: Any, pk: str) -> str:
    """Return the path of a URL pattern, with the id of a row."""
    path: str = pattern.pattern.regex.pattern.replace("^", "/api/").replace("\\Z", "")
    path = path.replace("\\-", "-").rstrip("$")
    return re.sub(r"\(\?P<\w+>\[0-9a-f\]\{24\}\)", pk, path)


def api_patterns() -> list[Any]:
    entries: list[Any] = get_resolver().url_patterns
    for entry in entries:
        if str(entry.pattern) == "api/":
            return list(entry.url_patterns)
    raise AssertionError("The URLconf has no path api/.")


@pytest.mark.parametrize("pattern", api_patterns(), ids=str)
def test_every_api_path_requires_a_credential_unless_it_is_public(pattern: Any, api: Any) -> None:
    path = to_path(pattern, "0" * 24)
    response = api(None).get(path)
    if pattern.name in PUBLIC:
        assert AllowAny in pattern.callback.cls.permission_classes
        assert response.status_code != 401
    else:
        assert response.status_code == 401, path
