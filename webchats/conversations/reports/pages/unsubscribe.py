"""The page that turns off the weekly report, from the link in its e-mails."""

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from organizations.models import User
from webchats.conversations.reports.weekly.email import read_unsubscribe_token


# The token is the credential: a mail program sends no cookie (RFC 8058, section 3.2).
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask, or turn off the report of the user whom the token names.

    GET changes nothing, since programs that look for malware follow the links of e-mails.
    """
    user_id = read_unsubscribe_token(token)
    if user_id is None:
        raise Http404
    if request.method == "POST":
        # Also for a deactivated user. A deleted user gets the same response.
        User.objects.filter(pk=user_id).update(gets_weekly_report=False)
    context = {"is_done": request.method == "POST"}
    return TemplateResponse(request, "admin/reports/unsubscribe.html", context)
