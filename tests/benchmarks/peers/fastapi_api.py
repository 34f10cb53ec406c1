"""FastAPI with SQLAlchemy's asynchronous session on asyncpg.

It only reads. It signs icon URLs with its own key derivation, without Django's signer. It skips
throttles, roles, and the check that the password has not changed since the token was issued.
"""

import hashlib
import hmac
import os
import time
from collections.abc import AsyncIterator
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import AliasGenerator, BaseModel, ConfigDict, PlainSerializer
from sqlalchemy import DateTime, String, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tests.benchmarks.peers.document import ALIASES, LIMIT, pagination, timestamp

_KEY = os.environ["SECRET_KEY"]
_ICON_SECONDS = 3600
_engine = create_async_engine(
    os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"),
    pool_size=8,
    max_overflow=0,
)
_sessions = async_sessionmaker(_engine, expire_on_commit=False)


class Base(DeclarativeBase):
    """The declarative base class of the tables."""

    type_annotation_map = {datetime: DateTime(timezone=True)}


class User(Base):
    """The table of users."""

    __tablename__ = "organizations_user"
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    email: Mapped[str]
    full_name: Mapped[str]
    organization_id: Mapped[str | None]
    access_role: Mapped[str]
    is_superuser: Mapped[bool]
    is_active: Mapped[bool]


class Webchat(Base):
    """The table of webchats."""

    __tablename__ = "webchats_webchat"
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    organization_id: Mapped[str]
    user_id: Mapped[str]
    created_by_id: Mapped[str]
    name: Mapped[str]
    description: Mapped[str]
    starter_message: Mapped[str]
    background_color: Mapped[str]
    primary_color: Mapped[str]
    secondary_color: Mapped[str]
    icon: Mapped[str]
    header_text_color: Mapped[str]
    status_text: Mapped[str]
    status_text_color: Mapped[str]
    timestamp_color: Mapped[str]
    csat_background_color: Mapped[str]
    csat_text_color: Mapped[str]
    csat_thank_you_message: Mapped[str]
    is_survey_enabled: Mapped[bool]
    prompt_id: Mapped[str]
    allowed_domains: Mapped[Any] = mapped_column(JSONB)
    pipeline_id: Mapped[str | None]
    pipeline_stage_id: Mapped[str | None]
    initial_stage: Mapped[str]
    is_autopilot: Mapped[bool]
    is_auto_assigned: Mapped[bool]
    is_enabled: Mapped[bool]
    position: Mapped[str]
    offset_x: Mapped[int]
    offset_y: Mapped[int]
    z_index: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


@lru_cache(maxsize=10_000)
def _signed(key: str, period: int) -> str:
    expires = int(time.time()) + _ICON_SECONDS
    signature = hmac.new(_KEY.encode(), f"{key}:{expires}".encode(), hashlib.sha256).hexdigest()
    return f"http://127.0.0.1/icons/{key}?expires={expires}&signature={signature[:43]}"


def _icon(key: str) -> str | None:
    return _signed(key, int(time.time() // (_ICON_SECONDS / 2))) if key else None


Timestamp = Annotated[datetime, PlainSerializer(timestamp)]


class Document(BaseModel):
    """A webchat as a JSON document."""

    model_config = ConfigDict(
        from_attributes=True,
        alias_generator=AliasGenerator(serialization_alias=lambda attribute: ALIASES[attribute]),
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
    icon: Annotated[str, PlainSerializer(_icon)]
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


class One(BaseModel):
    """The envelope of one document."""

    data: Document


class Many(BaseModel):
    """The envelope of a list of documents."""

    data: list[Document]
    pagination: dict[str, int]


async def session() -> AsyncIterator[AsyncSession]:
    """Open a database session for the request."""
    async with _sessions() as opened:
        yield opened


Session = Annotated[AsyncSession, Depends(session)]
Credentials = Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]


async def authenticate(credentials: Credentials, database: Session) -> User:
    """Return the active user of the token."""
    try:
        claims = jwt.decode(credentials.credentials, _KEY, algorithms=["HS256"], issuer="webchats")
    except jwt.InvalidTokenError:
        raise HTTPException(401) from None
    user: User | None = await database.get(User, claims.get("user_id"))
    if claims.get("token_type") != "access" or user is None or not user.is_active:
        raise HTTPException(401)
    return user


Caller = Annotated[User, Depends(authenticate)]
app = FastAPI(openapi_url=None)


@app.get("/api/webchats", response_model=Many)
async def many(
    request: Request, user: Caller, database: Session, page: int = 1, limit: int = LIMIT
) -> Any:
    """Return a page, newest first."""
    own = Webchat.organization_id == user.organization_id
    total = await database.scalar(select(func.count()).select_from(Webchat).where(own))
    rows = await database.scalars(
        select(Webchat)
        .where(own)
        .order_by(Webchat.created_at.desc(), Webchat.id.desc())
        .limit(limit)
        .offset((page - 1) * limit)
    )
    return {"data": rows.all(), "pagination": pagination(page, limit, total or 0)}


@app.get("/api/webchats/{pk}", response_model=One)
async def one(pk: str, user: Caller, database: Session) -> Any:
    """Return one document."""
    own = Webchat.organization_id == user.organization_id
    row = await database.scalar(select(Webchat).where(own, Webchat.id == pk))
    if row is None:
        raise HTTPException(404)
    return {"data": row}
