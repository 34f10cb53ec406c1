"""The public endpoints that are the same for every webchat: loader, scripts, styles, the survey.

Like those in ``views`` they need no credential, set no cookie and have no throttle.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from webchats.widget import assets
from webchats.widget.words import SURVEY_WORDS, known_language, score_names

#: The loader only changes with a release. A browser uses it for an hour, and for a day more while
#: it fetches a new one.
EMBED_JS_CACHE_CONTROL: Final = "public, max-age=3600, stale-while-revalidate=86400"
#: The URL changes with the content.
FRAME_CACHE_CONTROL: Final = "public, max-age=31536000, immutable"


def public_view(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Limit a view to GET and HEAD, compress it, set a strong ``ETag`` and allow framing."""

    def conditional_view(request: HttpRequest, **kwargs: str) -> HttpResponseBase:
        response = view(request, **kwargs)
        if response.status_code != 200:
            return response
        etag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
        response.headers["ETag"] = etag
        conditional = get_conditional_response(request, etag=etag, response=response)
        assert conditional is not None  # ``None`` requires ``response=None``
        if policy := response.headers.get("Content-Security-Policy"):
            conditional.headers["Content-Security-Policy"] = policy
        return conditional

    return require_safe(xframe_options_exempt(gzip_page(conditional_view)))


@public_view
def embed_js(request: HttpRequest) -> HttpResponse:
    """Return ``embed.js``. Customers' pages contain this URL, so it never changes."""
    return _asset_response(assets.LOADER, EMBED_JS_CACHE_CONTROL)


@public_view
def frame_js(request: HttpRequest) -> HttpResponse:
    """Return the script of the page in the iframe. ``v`` in the query string is its version."""
    return _versioned_response(request, assets.FRAME)


@public_view
def frame_css(request: HttpRequest) -> HttpResponse:
    """Return the styles of the page in the iframe. ``v`` in the query string is their version."""
    return _versioned_response(request, assets.FRAME_STYLES, "css")


@public_view
def survey_js(request: HttpRequest) -> HttpResponse:
    """Return the script of the survey. ``v`` in the query string is its version."""
    return _versioned_response(request, assets.SURVEY)


@public_view
def survey_css(request: HttpRequest) -> HttpResponse:
    """Return the styles of the survey. ``v`` in the query string is their version."""
    return _versioned_response(request, assets.SURVEY_STYLES, "css")


@public_view
def survey(request: HttpRequest) -> HttpResponse:
    """Return the elements of the survey. ``lang`` in the query string is their language."""
    context = survey_context(known_language(request.GET.get("lang", "")))
    response = HttpResponse(render_to_string("widget/survey.html", context))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _versioned_response(
    request: HttpRequest, names: tuple[str, ...], kind: str = "javascript"
) -> HttpResponse:
    is_current = request.GET.get("v") == assets.assets_version(names)
    return _asset_response(names, FRAME_CACHE_CONTROL if is_current else "no-cache", kind)


def _asset_response(
    names: tuple[str, ...], cache_control: str, kind: str = "javascript"
) -> HttpResponse:
    body = assets.read_assets(names)
    response = HttpResponse(body, content_type=f"text/{kind}; charset=utf-8")
    response.headers["Cache-Control"] = cache_control
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def survey_context(language: str) -> dict[str, object]:
    """Return the template context of the survey, in a supported language."""
    return {
        "survey_words": SURVEY_WORDS[language],
        "scores": score_names(language),
        "survey_style_version": assets.assets_version(assets.SURVEY_STYLES),
    }
