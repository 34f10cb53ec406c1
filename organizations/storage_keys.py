"""Storage keys. The keys of an organization's objects start with its own prefix.

The format is ``orgs/<organizationId>/<kind>/<name>.<extension>``.
"""

import re

from webchat_project.api.object_ids import OBJECT_ID_PATTERN

#: A key, not anchored. It contains no percent sign, backslash, ``..`` or ``//``, so that no storage
#: or URL parser can resolve it to another key.
STORAGE_KEY_PATTERN = (
    rf"orgs/{OBJECT_ID_PATTERN}/[a-z]{{1,20}}/[A-Za-z0-9_-]{{1,64}}\.[a-z0-9]{{1,5}}"
)
MAX_LENGTH = 200

_ORGANIZATION_ID = re.compile(rf"orgs/({OBJECT_ID_PATTERN})/")


def organization_prefix(organization_id: str) -> str:
    """Return the prefix of every key of the organization."""
    return f"orgs/{organization_id}/"


def parse_organization_id(key: str) -> str | None:
    """Return the id of the organization in ``key``, or ``None`` if the prefix is malformed."""
    match = _ORGANIZATION_ID.match(key)
    return match and match[1]
