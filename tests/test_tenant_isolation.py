"""Rows of other organizations are inaccessible in every resource of the API.

The resources come from the router. A new resource is tested without a change here if
``tests/support/factories.py`` has a factory for its model.
"""

from typing import Any

import pytest
from django.urls import get_resolver
from rest_framework.permissions import AllowAny
from rest_framework.relations import ManyRelatedField

from organizations.auth.permissions import RolePermission
from organizations.models import Organization, User
from organizations.tenancy.serializers import TenantRelatedField
from organizations.tenancy.viewsets import TenantViewSet
from tests.support import factories
from webchat_project.api_urls import router

pytestmark = pytest.mark.django_db

RESOURCES: list[tuple[str, Any]] = [(prefix, viewset) for prefix, viewset, _ in router.registry]
CHANGEABLE = [resource for resource in RESOURCES if "put" in resource[1].http_method_names]
METHODS = ("get", "put", "patch", "delete")
#: Paths without authentication.
PUBLIC = {"login", "refresh", "schema", "docs"}


def create_row(viewset: Any, organization: Organization | None) -> Any:
    """Create a row of the viewset's model in the organization."""
    model = viewset.queryset.model
    factory: Any = getattr(factories, f"{model.__name__}Factory")
    if model.__name__ in ("Webchat", "ApiKey"):
        return factory.create(user=factories.UserFactory.create(organization=organization))
    return factory.create(organization=organization)


def related_fields(viewset: Any) -> dict[str, Any]:
    """Return the models of the writable references of a document by field."""
    view = viewset(action="create", request=None, format_kwarg=None)
    fields: dict[str, Any] = view.get_serializer_class()().fields
    writable = {name: field for name, field in fields.items() if not field.read_only}
    return {
        name: field.queryset.model
        for name, field in writable.items()
        if TenantRelatedField in type(field).__mro__
    }


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_every_resource_is_a_tenant_viewset(prefix: str, viewset: Any) -> None:
    assert issubclass(viewset, TenantViewSet)
    assert viewset.permission_classes == [RolePermission]


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_list_contains_no_rows_of_other_organizations(
    prefix: str, viewset: Any, api: Any, admin: User, other_admin: User
) -> None:
    create_row(viewset, other_admin.organization)
    own = create_row(viewset, admin.organization)
    response = api(admin).get(f"/api/{prefix}").json()
    assert [document["_id"] for document in response["data"]] == [own.pk]
    assert response["pagination"]["total"] == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_row_of_another_organization_gives_the_same_response_as_an_unknown_id(
    prefix: str, viewset: Any, method: str, api: Any, admin: User, other_admin: User
) -> None:
    row = create_row(viewset, other_admin.organization)
    call = getattr(api(admin), method)
    theirs = call(f"/api/{prefix}/{row.pk}", {})
    unknown = call(f"/api/{prefix}/{'0' * 24}", {})
    assert (theirs.status_code, theirs.content) == (unknown.status_code, unknown.content)
    assert theirs.status_code in (404, 405)
    row.refresh_from_db()


@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_superuser_sees_rows_of_all_organizations(
    prefix: str, viewset: Any, api: Any, superuser: User, admin: User, other_admin: User
) -> None:
    rows = {create_row(viewset, user.organization).pk for user in (admin, other_admin)}
    response = api(superuser).get(f"/api/{prefix}").json()
    assert {document["_id"] for document in response["data"]} == rows


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
        responses = [
            api(admin).post(f"/api/{prefix}", {name: key}) for key in (theirs.pk, "0" * 24)
        ]
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
    assert (row.organization_id, row.name) == (admin.organization_id, "Renamed")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize(("prefix", "viewset"), RESOURCES)
def test_sales_rep_can_read_but_not_write(
    prefix: str, viewset: Any, method: str, api: Any, rep: User
) -> None:
    row = create_row(viewset, rep.organization)
    assert api(rep).get(f"/api/{prefix}/{row.pk}").status_code == 200
    path = f"/api/{prefix}" if method == "post" else f"/api/{prefix}/{row.pk}"
    response = getattr(api(rep), method)(path, {"name": "Mine"})
    assert response.status_code in (403, 405)
    row.refresh_from_db()
    assert row.name != "Mine"


def test_no_document_has_an_unscoped_list_of_references(admin: User) -> None:
    for _, viewset in RESOURCES:
        serializer = viewset.serializer_class()
        assert not any(isinstance(field, ManyRelatedField) for field in serializer.fields.values())


def api_patterns() -> list[Any]:
    entries: list[Any] = get_resolver().url_patterns
    for entry in entries:
        if str(entry.pattern) == "api/":
            return list(entry.url_patterns)
    raise AssertionError("The URLconf has no path api/.")


@pytest.mark.parametrize("pattern", api_patterns(), ids=str)
def test_every_api_path_requires_a_credential_unless_it_is_public(pattern: Any, api: Any) -> None:
    path = pattern.pattern.regex.pattern.replace("^", "/api/").replace("\\Z", "")
    path = path.replace("\\-", "-")
    path = path.replace("(?P<pk>[0-9a-f]{24})", "0" * 24).rstrip("$")
    response = api(None).get(path)
    if pattern.name in PUBLIC:
        assert AllowAny in pattern.callback.cls.permission_classes
        assert response.status_code != 401
    else:
        assert response.status_code == 401, path
