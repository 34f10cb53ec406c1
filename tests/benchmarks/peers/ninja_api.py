"""django-ninja: pydantic schemas instead of serializers.

It skips throttles, roles and the initial stage. It does not check whether a prompt, pipeline or
stage exists, belongs to the organization, is active and matches. Its schemas check lengths and
patterns, but not the model's validators. It does not lock the row that it changes, and does not
write icons. Database constraints and the change history are the same.
"""

from datetime import datetime
from typing import Annotated, Any

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path
from ninja import NinjaAPI, Schema
from ninja.security import HttpBearer
from pydantic import AliasGenerator, ConfigDict, Field, PlainSerializer
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken

from organizations.models import User
from tests.benchmarks.peers.document import ALIASES, LIMIT, pagination, timestamp
from webchats.icons.storage import signed_url
from webchats.icons.views import icon_file
from webchats.models import Webchat

Color = Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
Timestamp = Annotated[datetime, PlainSerializer(timestamp)]


class Bearer(HttpBearer):
    """Bearer authentication by simplejwt."""

    _jwt = JWTAuthentication()

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        """Return the active user, or ``None`` for an invalid token."""
        try:
            user: Any = self._jwt.get_user(self._jwt.get_validated_token(token.encode()))
        except (InvalidToken, AuthenticationFailed):
            return None
        # The change history reads the user from the request.
        request.user = user
        return user


class WebchatIn(Schema):
    """The writable fields of a webchat, required ones first."""

    model_config = ConfigDict(alias_generator=lambda attribute: ALIASES[attribute])

    name: Annotated[str, Field(min_length=1, max_length=120)]
    background_color: Color
    primary_color: Color
    secondary_color: Color
    prompt_id: str
    allowed_domains: Annotated[list[str], Field(max_length=100)]
    initial_stage: Annotated[str, Field(min_length=1, max_length=120)]
    description: Annotated[str, Field(max_length=2000)] = ""
    starter_message: Annotated[str, Field(max_length=1000)] = ""
    header_text_color: Color = "#FFFFFF"
    status_text: Annotated[str, Field(max_length=200)] = ""
    status_text_color: Color = "#6B7280"
    timestamp_color: Color = "#9CA3AF"
    csat_background_color: Color = "#F3F4F6"
    csat_text_color: Color = "#111827"
    csat_thank_you_message: Annotated[str, Field(max_length=500)] = ""
    is_survey_enabled: bool = True
    pipeline_id: str | None = None
    pipeline_stage_id: str | None = None
    is_autopilot: bool = False
    is_auto_assigned: bool = False
    is_enabled: bool = True
    position: Annotated[str, Field(pattern="^(top|bottom)-(left|right)$")] = "bottom-right"
    offset_x: Annotated[int, Field(ge=0, le=200)] = 24
    offset_y: Annotated[int, Field(ge=0, le=200)] = 24
    z_index: Annotated[int, Field(ge=1, le=2_147_483_647)] = 9999


class PartialWebchatIn(WebchatIn):
    """The writable fields, each optional."""

    name: Annotated[str, Field(min_length=1, max_length=120)] = ""
    background_color: Color = ""
    primary_color: Color = ""
    secondary_color: Color = ""
    prompt_id: str = ""
    allowed_domains: list[str] = []
    initial_stage: Annotated[str, Field(min_length=1, max_length=120)] = ""


class Document(Schema):
    """A webchat as a JSON document."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(serialization_alias=lambda attribute: ALIASES[attribute])
    )

    id: str
    organization_id: str
    user_id: str
    created_by_id: str
    name: str
    description: str
    starter_message: str
    background_color: str
    primary_color: str
    secondary_color: str
    icon: str | None
    header_text_color: str
    status_text: str
    status_text_color: str
    timestamp_color: str
    csat_background_color: str
    csat_text_color: str
    csat_thank_you_message: str
    is_survey_enabled: bool
    prompt_id: str
    allowed_domains: list[str]
    pipeline_id: str | None
    pipeline_stage_id: str | None
    initial_stage: str
    is_autopilot: bool
    is_auto_assigned: bool
    is_enabled: bool
    position: str
    offset_x: int
    offset_y: int
    z_index: int
    created_at: Timestamp
    updated_at: Timestamp

    @staticmethod
    def resolve_icon(row: Webchat, context: Any) -> str | None:
        """Return the signed URL of the icon, as the service signs it, or ``None``."""
        return signed_url(row.icon, context["request"]) if row.icon else None


class One(Schema):
    """The envelope of one document."""

    data: Document


class Written(One):
    """The envelope of a created or updated document."""

    message: str


class Many(Schema):
    """The envelope of a list of documents."""

    data: list[Document]
    pagination: dict[str, int]


api = NinjaAPI(auth=Bearer(), docs_url=None, openapi_url=None)


def get_webchats(request: HttpRequest) -> Any:
    """Return the webchats of the caller's organization."""
    return Webchat.objects.filter(organization_id=get_unrevoked_user(request).organization_id)


def get_unrevoked_user(request: HttpRequest) -> User:
    """Return the caller."""
    assert isinstance(request.user, User)
    return request.user


@api.get("/webchats", response=Many, by_alias=True)
def many(
    request: HttpRequest,
    page: int = 1,
    limit: int = LIMIT,
    search: str = "",
    isEnabled: bool | None = None,  # noqa: N803 - the names in the API
    promptId: str = "",  # noqa: N803
) -> Any:
    """Return a page, newest first."""
    rows = get_webchats(request).order_by("-created_at", "-id")
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if isEnabled is not None:
        rows = rows.filter(is_enabled=isEnabled)
    if promptId:
        rows = rows.filter(prompt_id=promptId)
    found = rows[(page - 1) * limit : page * limit]
    return {"data": list(found), "pagination": pagination(page, limit, rows.count())}


@api.post("/webchats", response={201: Written}, by_alias=True)
def create(request: HttpRequest, sent: WebchatIn) -> Any:
    """Create a webchat."""
    user = get_unrevoked_user(request)
    row = Webchat.objects.create(
        **sent.model_dump(), organization_id=user.organization_id, user=user, created_by=user
    )
    return 201, {"message": "Webchat configuration created", "data": row}


@api.get("/webchats/{pk}", response=One, by_alias=True)
def one(request: HttpRequest, pk: str) -> Any:
    """Return one document."""
    return {"data": get_object_or_404(get_webchats(request), pk=pk)}


@api.put("/webchats/{pk}", response=Written, by_alias=True)
def replace(request: HttpRequest, pk: str, sent: WebchatIn) -> Any:
    """Replace every writable field of a webchat."""
    return update_row(get_object_or_404(get_webchats(request), pk=pk), sent.model_dump())


@api.patch("/webchats/{pk}", response=Written, by_alias=True)
def update(request: HttpRequest, pk: str, sent: PartialWebchatIn) -> Any:
    """Change the fields that are sent."""
    return update_row(
        get_object_or_404(get_webchats(request), pk=pk), sent.model_dump(exclude_unset=True)
    )


def update_row(row: Webchat, values: dict[str, Any]) -> dict[str, Any]:
    """Store the values in the row and return its envelope."""
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return {"message": "Webchat configuration updated", "data": row}


urlpatterns = [
    path("api/", api.urls),
    path("icons/<path:key>", icon_file, name="icon-file"),
]
