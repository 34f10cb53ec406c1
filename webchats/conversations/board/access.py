"""Access to the board: signed-in users whose role allows it, and the rows of their organization."""

import re
from collections.abc import Callable
from functools import wraps

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from organizations.admin.site import site
from organizations.auth.roles import Operation, role_allows
from organizations.models import Pipeline, User
from organizations.navigation import NavItem
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.inbox.access import View, get_user
from webchats.conversations.models import Contact


def board_view(operation: Operation) -> Callable[[View], View]:
    """Make a view a page of the admin site, for roles that may do this with contacts."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not role_allows(get_user(request).role, operation, Contact):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return site.admin_view(checked)

    return decorate


def get_nav_item(user: User) -> NavItem | None:
    """Return the link in the navigation; ``None`` for a user who may not read contacts."""
    if not role_allows(user.role, Operation.VIEW, Contact):
        return None
    return NavItem("board", "Board", reverse("board:board"))


def get_contact(user: User, pk: str) -> Contact:
    """Return the user's contact. Raise ``Http404``."""
    rows = Contact.objects.for_user(user).select_related("pipeline", "stage")
    row = rows.filter(pk=pk).first() if re.fullmatch(OBJECT_ID_PATTERN, pk) else None
    if row is None:
        raise Http404("The contact does not exist.")
    return row


def get_pipeline(organization_id: str, pk: str) -> Pipeline | None:
    """Return the pipeline of the organization, or for an empty id its default or first one.

    It is ``None`` if the organization has none. Raise ``Http404`` for an id of another one.
    """
    rows = Pipeline.objects.for_organization(organization_id)
    if not pk:
        return rows.order_by("-is_default", "name", "pk").first()
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("The pipeline does not exist.")
    return row
