"""Fixtures for tests of webchats: rows of the administrator's organization."""

from typing import Any

import pytest

from organizations.models import Pipeline, Prompt, Stage, User
from tests.support import factories
from webchats.models import Webchat


@pytest.fixture
def prompt(admin: User) -> Prompt:
    return factories.PromptFactory.create(organization=admin.organization)


@pytest.fixture
def pipeline(admin: User) -> Pipeline:
    return factories.PipelineFactory.create(organization=admin.organization)


@pytest.fixture
def stage(pipeline: Pipeline) -> Stage:
    return factories.StageFactory.create(pipeline=pipeline, name="Hot Leads", slug="hot")


@pytest.fixture
def webchat(admin: User, prompt: Prompt) -> Webchat:
    return factories.WebchatFactory.create(user=admin, prompt=prompt)


@pytest.fixture
def body(prompt: Prompt) -> dict[str, Any]:
    """A valid body with the required fields only."""
    return {
        "name": "Shop",
        "backgroundColor": "#FFFFFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "promptId": prompt.pk,
        "allowedDomains": [],
        "initialStage": "new",
    }
