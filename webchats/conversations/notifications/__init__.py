"""Notifications of representatives who do not have the inbox open."""
