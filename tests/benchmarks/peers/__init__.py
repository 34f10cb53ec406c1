"""Peers: the same API as other frameworks would typically implement it.

Each is a small, idiomatic program on the same tables. It verifies the same tokens, loads the active
user from the database and returns the same documents. None checks as much as the service does: the
docstring of each lists what it skips. They repeat each other so that each can be read alone.
"""
