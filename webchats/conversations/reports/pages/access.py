"""Access to the pages of reports, and the organization whose report they show."""

from collections.abc import Callable
from functools import wraps
from typing import TypeAlias

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from organizations.admin.site import site
from organizations.models import Organization
from webchats.conversations.inbox.access import get_user
from webchats.conversations.reports.access import may_read_reports

View: TypeAlias = Callable[[HttpRequest, Organization | None], HttpResponseBase]


def report_view(view: View) -> Callable[[HttpRequest], HttpResponseBase]:
    """Make a view a page of the admin site, for roles that may read reports.

    It is called with the user's organization. A superuser chooses one by the parameter
    ``organization``; before, it is ``None``.
    """

    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponseBase:
        user = get_user(request)
        if not may_read_reports(user):
            raise PermissionDenied
        pk = request.GET.get("organization", "") if user.is_superuser else user.organization_id
        organization = Organization.objects.for_user(user).filter(pk=pk).first() if pk else None
        if pk and organization is None:
            raise Http404("The organization does not exist.")
        return view(request, organization)

    return require_safe(site.admin_view(checked))
