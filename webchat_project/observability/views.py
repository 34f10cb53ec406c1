"""The view of ``/metrics``, which Prometheus scrapes with a bearer token."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from webchat_project.api.exceptions import error_response
from webchat_project.observability.metrics import exposition
from webchat_project.observability.security_log import SecurityEvent, log_event


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics in Prometheus' text format.

    Without the bearer token ``METRICS_TOKEN`` return 401; if the setting is empty, return 404.
    """
    if not settings.METRICS_TOKEN:
        return error_response(404, "Not found.", "not_found")
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    # Both conditions are evaluated, so that the time does not depend on the header.
    is_valid = constant_time_compare(credential.strip(), settings.METRICS_TOKEN)
    if scheme.lower() == "bearer" and is_valid:
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
    if credential:
        log_event(SecurityEvent.BAD_CREDENTIAL, kind="metrics_token", reason="invalid")
    response = error_response(401, "Invalid or expired token", "invalid_token")
    response.headers["WWW-Authenticate"] = 'Bearer realm="metrics"'
    return response
