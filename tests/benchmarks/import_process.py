"""Run ``import_webchats`` repeatedly in one process, with the code of any checkout.

``tests.benchmarks.importers`` starts this file with the checkout on ``PYTHONPATH``. Each line of
standard input is a JSON array of the command's arguments. For each, it prints the seconds that the
command took. It exits at the end of its input.
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
    """Run a command for each line of standard input, and print its duration."""
    django.setup()
    for line in sys.stdin:
        start = time.perf_counter()
        call_command("import_webchats", *json.loads(line), stdout=io.StringIO())
        print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()
