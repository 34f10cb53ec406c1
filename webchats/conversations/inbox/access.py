"""Access to the inbox: signed-in users whose role allows it, and the rows of their organization."""

import re
from collections.abc import Callable
from functools import wraps
from typing import TypeAlias

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from organizations.admin.site import site
from organizations.auth.roles import Operation, role_allows
from organizations.models import Organization, User
from webchat_project.api.object_ids import OBJECT_ID_PATTERN
from webchats.conversations.models import Conversation

View: TypeAlias = Callable[..., HttpResponse]


def inbox_view(operation: Operation) -> Callable[[View], View]:
    """Make a view a page of the admin site, for roles that may do this with conversations."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not role_allows(get_user(request).role, operation, Conversation):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return site.admin_view(checked)

    return decorate


def get_user(request: HttpRequest) -> User:
    """Return the signed-in user of a page of the admin site."""
    assert isinstance(request.user, User)
    return request.user


def get_conversation(user: User, pk: str, *, is_shown: bool = True) -> Conversation:
    """Return the user's conversation, with the rows of a page if shown. Raise ``Http404``."""
    rows = Conversation.objects.for_user(user)
    if is_shown:
        rows = rows.select_related(
            "organization",
            "prompt",
            "webchat__prompt",
            "assignee",
            "contact__pipeline",
            "contact__stage",
        ).defer("prompt__instructions", "webchat__prompt__instructions")
    row = rows.filter(pk=pk).first() if re.fullmatch(OBJECT_ID_PATTERN, pk) else None
    if row is None:
        raise Http404("The conversation does not exist.")
    return row


def get_organization_id(request: HttpRequest, conversation: Conversation | None) -> str | None:
    """Return the id of the organization whose conversations the page lists.

    A superuser chooses it by the parameter ``organization`` or opens one of its conversations;
    else it is ``None``. It may not exist.
    """
    if conversation is not None:
        return conversation.organization_id
    user = get_user(request)
    return (request.GET.get("organization") or None) if user.is_superuser else user.organization_id


def get_organization(request: HttpRequest, conversation: Conversation | None) -> Organization:
    """Return the organization whose conversations the page lists. Raise ``Http404`` without one."""
    pk = get_organization_id(request, conversation)
    row = Organization.objects.for_user(get_user(request)).filter(pk=pk).first()
    if row is None:
        raise Http404("The organization does not exist.")
    return row
