"""Fixtures of the admin pages of webchats."""

from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from organizations.models import User
from tests.support import factories
from tests.webchats.admin.pages import FormData


@pytest.fixture
def form_data(admin: User) -> FormData:
    """``form_data(name="Shop")`` returns the values of a valid form."""
    prompt = factories.PromptFactory.create(organization=admin.organization)

    def values(**changes: Any) -> dict[str, Any]:
        body = {
            "name": "Shop",
            "primary_color": "#1F2937",
            "secondary_color": "#3B82F6",
            "background_color": "#FFFFFF",
            "header_text_color": "#FFFFFF",
            "status_text_color": "#6B7280",
            "timestamp_color": "#6B7280",
            "csat_background_color": "#F3F4F6",
            "csat_text_color": "#111827",
            "allowed_domains": "",
            "is_enabled": "on",
            "is_survey_enabled": "on",
            "prompt": prompt.pk,
            "initial_stage": "new",
            "position": "bottom-right",
            "offset_x": "24",
            "offset_y": "24",
            "z_index": "9999",
        }
        return {name: value for name, value in (body | changes).items() if value is not None}

    return values


@pytest.fixture
def icon_folder(settings: Settings) -> Path:
    """The folder of the icon storage, which is created by the first upload."""
    return Path(settings.STORAGES["icons"]["OPTIONS"]["location"])


@pytest.fixture
def unavailable_storage(icon_folder: Path) -> None:
    """A file in place of the folder: the icon storage cannot store anything."""
    icon_folder.parent.mkdir(parents=True, exist_ok=True)
    icon_folder.write_text("")


@pytest.fixture
def sales_prompt(admin: User) -> None:
    """The prompt that imported rows name by default."""
    factories.PromptFactory.create(organization=admin.organization, name="Sales")
