"""Notifications of representatives who do not look at the inbox."""
