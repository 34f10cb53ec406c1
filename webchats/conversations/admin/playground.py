"""The playground on the page of a prompt: a question, answered with the values of its form."""

from typing import Final

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.forms.utils import pretty_name
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import path
from django.views.decorators.http import require_POST, require_safe

from organizations.admin.site import site
from organizations.models import AiProvider, Prompt, User
from webchats.conversations.playground import can_use_playground, start_run
from webchats.conversations.playground_states import read_run

app_name = "playground"

_TEMPLATE: Final = "admin/organizations/prompt/playground_run.html"


class UnsavedPromptForm(forms.ModelForm[Prompt]):
    """The fields of a prompt's form that a run uses."""

    class Meta:
        model = Prompt
        fields = ("instructions", "provider", "model", "temperature", "max_tokens")

    def __init__(self, prompt: Prompt, data: QueryDict) -> None:
        super().__init__(data, instance=prompt)
        provider = self.fields["provider"]
        assert isinstance(provider, forms.ModelChoiceField)
        provider.queryset = AiProvider.objects.for_organization(prompt.organization_id)


@require_POST
def start(request: HttpRequest, prompt_id: str) -> HttpResponse:
    """Start a run with the values of the prompt's form, which are not saved."""
    user = _get_user(request)
    prompt = Prompt.objects.for_user(user).filter(pk=prompt_id).first()
    if prompt is None:
        raise Http404
    form = UnsavedPromptForm(prompt, request.POST)
    if not form.is_valid():
        return _refuse(request, form.errors.as_data())
    try:
        question = request.POST.get("question", "")
        run_id = start_run(user=user, prompt=form.instance, question=question)
    except ValidationError as error:
        return _refuse(request, error.error_dict)
    return _respond(request, run_id)


@require_safe
def read(request: HttpRequest, run_id: str) -> HttpResponse:
    """Return the answer so far. The page requests it until it is complete."""
    _get_user(request)
    return _respond(request, run_id)


def _get_user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    if not can_use_playground(request.user):
        raise PermissionDenied
    return request.user


def _refuse(request: HttpRequest, errors: dict[str, list[ValidationError]]) -> HttpResponse:
    lines = []
    for name, field_errors in errors.items():
        is_field = name not in (NON_FIELD_ERRORS, "question")
        label = pretty_name(name) if is_field else ""
        texts = [text for error in field_errors for text in error.messages]
        lines.append(f"{label}: {' '.join(texts)}" if label else " ".join(texts))
    return TemplateResponse(request, _TEMPLATE, {"errors": lines}, status=422)


def _respond(request: HttpRequest, run_id: str) -> HttpResponse:
    run = read_run(run_id, user=_get_user(request))
    if run is None:
        raise Http404
    is_done = run["state"] not in ("queued", "running")
    context = {"run": run, "run_id": run_id, "is_done": is_done}
    return TemplateResponse(request, _TEMPLATE, context)


urlpatterns = [
    path("<str:prompt_id>/start/", site.admin_view(start), name="start"),
    path("runs/<str:run_id>/", site.admin_view(read), name="read"),
]
