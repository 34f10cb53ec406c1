"""API keys of providers at rest: encryption, other keys, and their rotation."""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from organizations.ai import encryption
from organizations.ai.providers import get_settings
from organizations.models import AiProvider, Organization, User
from tests.support import factories
from tests.support.ai import API_KEY

pytestmark = pytest.mark.django_db


def store(organization: Organization | None, api_key: str = API_KEY) -> AiProvider:
    provider = factories.AiProviderFactory.build(organization=organization)
    provider.api_key = api_key
    provider.save()
    return AiProvider.objects.get(pk=provider.pk)


def test_the_stored_key_is_encrypted_with_its_last_characters_apart(admin: User) -> None:
    provider = store(admin.organization)
    assert API_KEY not in str(vars(provider))
    assert provider.api_key == API_KEY
    assert provider.key_hint == API_KEY[-4:]
    # Four characters would be a large part of it.
    assert store(admin.organization, "short-key").key_hint == ""


def test_the_ciphertext_of_another_organization_cannot_be_decrypted(
    admin: User, other_admin: User
) -> None:
    provider = store(admin.organization)
    copied = store(other_admin.organization)
    AiProvider.objects.filter(pk=copied.pk).update(encrypted_api_key=provider.encrypted_api_key)
    copied.refresh_from_db()
    with pytest.raises(encryption.CannotDecrypt):
        copied.api_key  # noqa: B018


def test_another_key_is_a_clear_error(admin: User, settings: Settings) -> None:
    provider = store(admin.organization)
    for keys in ([Fernet.generate_key().decode()], []):
        settings.AI_KEYS = keys
        with pytest.raises(encryption.CannotDecrypt, match="AI_KEYS"):
            provider.api_key  # noqa: B018
        resolved = get_settings(provider)
        assert resolved.api_key == ""
        assert "AI_KEYS" in resolved.key_error
        assert not resolved.is_usable
        output = StringIO()
        call_command("check", databases=["default"], stderr=output)
        assert "organizations.W002" in output.getvalue()
        assert provider.pk in output.getvalue()


def test_no_key_is_saved_without_encryption(admin: User, settings: Settings) -> None:
    settings.AI_KEYS = []
    with pytest.raises(ValidationError, match="AI_KEYS"):
        store(admin.organization)


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel", "a" * 501])
def test_a_key_that_no_header_can_contain_is_rejected(key: str, admin: User) -> None:
    with pytest.raises(ValidationError):
        store(admin.organization, key)


def test_rotation_makes_the_former_key_needless(
    admin: User, other_admin: User, settings: Settings
) -> None:
    providers = [store(user.organization) for user in (admin, other_admin)]
    unknown = store(admin.organization)
    other_ring = Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    AiProvider.objects.filter(pk=unknown.pk).update(encrypted_api_key=other_ring)
    (former,) = settings.AI_KEYS
    new = Fernet.generate_key().decode()
    settings.AI_KEYS = [new, former]
    output = StringIO()
    with pytest.raises(CommandError, match=unknown.pk):
        call_command("rotate_ai_keys", stdout=output)
    assert output.getvalue() == "rotated 2\n"
    settings.AI_KEYS = [new]
    for provider in providers:
        provider.refresh_from_db()
        assert provider.api_key == API_KEY


def test_rotation_needs_a_key(settings: Settings) -> None:
    settings.AI_KEYS = []
    store_nothing = StringIO()
    call_command("rotate_ai_keys", stdout=store_nothing)
    assert store_nothing.getvalue() == "rotated 0\n"
