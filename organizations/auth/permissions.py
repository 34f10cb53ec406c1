"""May the caller do this? The API's question to the table of roles."""

from typing import TYPE_CHECKING, cast

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from organizations.auth import roles

if TYPE_CHECKING:
    # The framework's views import this module: it is their default permission.
    from rest_framework.views import APIView

    from organizations.models import User

_ACTIONS = {
    "GET": roles.Action.VIEW,
    "HEAD": roles.Action.VIEW,
    "OPTIONS": roles.Action.VIEW,
    "POST": roles.Action.ADD,
    "PUT": roles.Action.CHANGE,
    "PATCH": roles.Action.CHANGE,
    "DELETE": roles.Action.DELETE,
}


class RolePermission(IsAuthenticated):
    """The caller is known, and the table of roles lets them do this to the view's rows.

    A view without a ``queryset`` has no rows and asks only who calls.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not super().has_permission(request, view):
            return False
        queryset = getattr(view, "queryset", None)
        # The router leads to no other method, but a view may be asked for one it does not have.
        action = _ACTIONS.get(request.method or "")
        if queryset is None or action is None:
            return True
        return roles.may(cast("User", request.user).role, action, queryset.model)
