"""Where an organization's objects lie in a storage: under a prefix that is theirs alone."""

import re

from webchat_project.api import object_ids

#: ``orgs/<organizationId>/<kind>/<name>.<extension>``. Anchored at neither end. A percent sign, a
#: backslash, ``..`` and ``//`` are in no key, so that no reader can take it for another one.
PATTERN = rf"orgs/{object_ids.PATTERN}/[a-z]{{1,20}}/[A-Za-z0-9_-]{{1,64}}\.[a-z0-9]{{1,5}}"
MAX_LENGTH = 200

_OWNER = re.compile(rf"orgs/({object_ids.PATTERN})/")


def prefix_of(organization_id: str) -> str:
    """What every key of the organization's objects begins with."""
    return f"orgs/{organization_id}/"


def owner_of(key: str) -> str | None:
    """The id of the organization whose object it is."""
    match = _OWNER.match(key)
    return match and match[1]
