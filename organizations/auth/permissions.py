"""Permissions of the REST API."""

from typing import TYPE_CHECKING, cast

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from organizations.auth.roles import Operation, role_allows

if TYPE_CHECKING:
    # ``rest_framework.views`` imports this module, whose class is the default permission.
    from rest_framework.views import APIView

    from organizations.models import User

_OPERATIONS = {
    "GET": Operation.VIEW,
    "HEAD": Operation.VIEW,
    "OPTIONS": Operation.VIEW,
    "POST": Operation.ADD,
    "PUT": Operation.CHANGE,
    "PATCH": Operation.CHANGE,
    "DELETE": Operation.DELETE,
}


class RolePermission(IsAuthenticated):
    """Require a signed-in user whose role allows the request's method on the view's model.

    A POST to a row, such as ``/api/conversations/{id}/messages``, changes the row. A view without
    ``queryset`` requires a signed-in user only.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not super().has_permission(request, view):
            return False
        queryset = getattr(view, "queryset", None)
        operation = _OPERATIONS.get(request.method or "")
        # The view rejects a method without an operation or an action with 405.
        if queryset is None or operation is None or getattr(view, "action", "") is None:
            return True
        if operation == Operation.ADD and getattr(view, "detail", False):
            operation = Operation.CHANGE
        user = cast("User", request.user)
        return user.is_superuser or role_allows(user.access_role, operation, queryset.model)
