"""Run ``import_webchats`` in the process of any checkout, again and again.

``tests.benchmarks.importers`` starts this file with the checkout on ``PYTHONPATH``. Each line of
standard input is a JSON array of the command's arguments. For each, one line of standard output has
the seconds that the command took. The process ends with its input.
"""

import io
import json
import os
import sys
import time

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"


def main() -> None:
    """Run the commands."""
    django.setup()
    for line in sys.stdin:
        start = time.perf_counter()
        call_command("import_webchats", *json.loads(line), stdout=io.StringIO())
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
