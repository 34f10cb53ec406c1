#!/usr/bin/env python
"""Django's command line for this project."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webchat_project.settings")
    # A migration or an import may take longer than a request. The worker is no such command.
    if sys.argv[1:2] != ["work"]:
        os.environ["DATABASE_STATEMENT_SECONDS"] = "0"
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        if "--traceback" in sys.argv:
            raise
        # The message names the setting. A traceback would hide it.
        sys.exit(f"ImproperlyConfigured: {error}")
