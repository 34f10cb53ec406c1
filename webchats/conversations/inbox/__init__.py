"""The inbox: pages of the admin site on which representatives answer visitors."""

from typing import Final

#: The function that returns the link to the inbox in the navigation.
NAV_ITEM: Final = "webchats.conversations.inbox.navigation.get_nav_item"
