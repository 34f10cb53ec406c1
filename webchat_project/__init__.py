"""The project: settings, URLs and entry points."""

#: The version of the service and of its API: see CHANGELOG.md.
__version__ = "0.1.0"
