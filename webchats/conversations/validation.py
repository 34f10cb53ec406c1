"""Validation and cleaning of the input of visitors and representatives."""

from typing import Final, TypedDict
from urllib.parse import urlsplit, urlunsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation.trans_real import parse_accept_lang_header

from organizations.fields import NAME_LENGTH, TEXT_VALIDATORS
from organizations.models import Prompt, User
from organizations.tenancy.models import require_organization
from webchats.conversations.models.contact import (
    EMAIL_LENGTH,
    LOCALE_LENGTH,
    PAGE_TITLE_LENGTH,
    PHONE_LENGTH,
    URL_LENGTH,
)
from webchats.conversations.models.conversation import Conversation
from webchats.conversations.models.message import MAX_CLIENT_KEY_LENGTH, MAX_TEXT_LENGTH

_WEB_SCHEMES: Final = ("http", "https")


class ContactDetails(TypedDict, total=False):
    """What a visitor enters about themselves, and the language of their browser."""

    name: str
    email: str
    phone: str
    #: A language tag (BCP 47) in lower case.
    locale: str


class Page(TypedDict, total=False):
    """The page on which the widget is open."""

    url: str
    title: str
    referrer: str


def validate_text(text: str) -> None:
    """Raise ``ValidationError`` unless ``text`` can be sent: 1 to 4,000 characters, not blank."""
    _validate_characters(text, MAX_TEXT_LENGTH)
    if not text.strip():
        raise ValidationError("Enter a message.", "blank")


def normalize_line_ends(text: str) -> str:
    """Return the text with line feeds: browsers send CRLF for every line end of a text area."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def validate_client_key(client_key: str) -> None:
    """Raise ``ValidationError`` unless the key has 1 to 64 characters."""
    _validate_characters(client_key, MAX_CLIENT_KEY_LENGTH)
    if not client_key:
        raise ValidationError("This field may not be blank.", "blank")


def validate_assignee(conversation: Conversation, user: User) -> None:
    """Raise ``ValidationError`` unless the user is an active member of the organization."""
    require_organization(user, conversation.organization_id)
    if not user.is_active:
        raise ValidationError("The user is deactivated. Select another one.", "inactive")


def validate_prompt(conversation: Conversation, prompt: Prompt) -> None:
    """Raise ``ValidationError`` unless the prompt is an active one of the organization."""
    require_organization(prompt, conversation.organization_id)
    if not prompt.is_active:
        message = "The prompt is not active. Activate it, or select another prompt."
        raise ValidationError(message, "inactive")


def clean_contact(details: ContactDetails) -> ContactDetails:
    """Return the details without white space around them.

    Raise ``ValidationError`` by field for a value that is too long, and for an e-mail address that
    is not one.
    """
    cleaned: ContactDetails = {
        "name": details.get("name", "").strip(),
        "email": details.get("email", "").strip().lower(),
        "phone": details.get("phone", "").strip(),
    }
    errors: dict[str, ValidationError] = {}
    for name, value, max_length in (
        ("name", cleaned["name"], NAME_LENGTH),
        ("email", cleaned["email"], EMAIL_LENGTH),
        ("phone", cleaned["phone"], PHONE_LENGTH),
    ):
        try:
            _validate_characters(value, max_length)
            if name == "email" and value:
                validate_email(value)
        except ValidationError as error:
            errors[name] = error
    if errors:
        raise ValidationError(errors)
    return cleaned


def get_locale(accept_language: str) -> str:
    """Return the preferred language tag of an ``Accept-Language`` header, empty if it has none."""
    tags = (tag for tag, _ in parse_accept_lang_header(accept_language))
    return next((tag for tag in tags if tag != "*" and len(tag) <= LOCALE_LENGTH), "")


def clean_page(page: Page) -> Page:
    """Return the page with URLs without user-info, query and fragment.

    A URL that is not of the web becomes empty, and a text that is too long is cut: the page is a
    hint for representatives, so it never makes a message invalid.
    """
    return {
        "url": _clean_url(page.get("url", "")),
        "title": _clean_line(page.get("title", ""))[:PAGE_TITLE_LENGTH],
        "referrer": _clean_url(page.get("referrer", "")),
    }


def _clean_url(url: str) -> str:
    try:
        parts = urlsplit(_clean_line(url))
        host = parts.hostname or ""
        netloc = host if parts.port is None else f"{host}:{parts.port}"
    except ValueError:
        return ""
    # Browsers read a backslash as a slash, so that the host ends there.
    if parts.scheme not in _WEB_SCHEMES or not host or "\\" in parts.netloc:
        return ""
    cleaned = urlunsplit((parts.scheme, netloc, parts.path, "", ""))
    return cleaned if len(cleaned) <= URL_LENGTH else ""


def _clean_line(text: str) -> str:
    """Return the text without characters that cannot be stored or printed."""
    return "".join(filter(str.isprintable, text.encode("utf-8", "ignore").decode())).strip()


def _validate_characters(text: str, max_length: int) -> None:
    if len(text) > max_length:
        message = f"Ensure this text has at most {max_length:,} characters (it has {len(text):,})."
        raise ValidationError(message, "max_length")
    for validate in TEXT_VALIDATORS:
        validate(text)
