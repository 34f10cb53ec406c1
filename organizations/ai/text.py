"""Text from outside that is stored or shown."""


def remove_unstorable(text: str) -> str:
    """Return the text without NUL and lone surrogates.

    JSON can contain them, but PostgreSQL and UTF-8 cannot.
    """
    return text.encode("utf-8", "ignore").decode().replace("\0", "")


def has_visible(text: str) -> bool:
    """Return whether the text has more than white space, control and zero-width characters."""
    return any(character.isprintable() and not character.isspace() for character in text)
