"""Count the first-party code that an operation runs: ``python -m tests.benchmarks.trace``.

Each operation runs a few times, so that modules are imported and caches are filled. Then one more
run is traced. SQLite and the folder of icons are temporary. HTTP requests go through the WSGI
application without a network. Log records below ERROR are not formatted. The columns:

files  Files whose functions were called. First-party are the packages ``webchat_project``,
       ``organizations`` and ``webchats``; other files are not counted.
calls  Calls of first-party functions, as ``sys.setprofile`` reports them. Comprehensions and
       lambdas count as functions of their file. A generator counts each time it resumes.
hops   Calls in another file than the previous first-party call, in order of time, whatever
       library code runs in between. The first call counts. Returns do not count.
links  Distinct pairs of files (caller, callee). The caller is the nearest first-party frame on
       the stack: library frames in between are transparent.

``--detail OPERATION`` lists the hops. The only project import is a top-level package, so a copy of
this file traces any checkout: ``PYTHONPATH=CHECKOUT python -P COPY``.
"""

import argparse
import io
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, Final

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import RequestFactory
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.utils.module_loading import import_string
from PIL import Image

import webchat_project

ROOT: Final = Path(webchat_project.__file__).parents[1]
PACKAGES: Final = ("webchat_project/", "organizations/", "webchats/")
OPERATIONS: Final = {
    "create": "POST /api/webchats",
    "list": "GET /api/webchats (20 rows)",
    "config-cold": "GET /widget/{id}/config (first request for a webchat)",
    "config-warm": "GET /widget/{id}/config (repeated)",
    "icon": "PUT /api/webchats/{id}/icon",
    "import": "manage.py import_webchats (one row of CSV)",
    "import-api": "POST /api/webchats/import (one row of CSV)",
}
WARM_UP_RUNS: Final = 3
SIGN_IN: Final = {"email": "admin@example.com", "password": "password-of-the-trace"}
ORIGIN: Final = "https://example.com"
WEBCHAT: Final = {
    "name": "Marketing site",
    "backgroundColor": "#FFFFFF",
    "primaryColor": "#1F2937",
    "secondaryColor": "#3B82F6",
    "initialStage": "new",
}

#: The path of a file in the checkout, and the qualified name of a function in it.
Function = tuple[str, str]
#: A first-party function that was called, and its nearest first-party caller.
Call = tuple[Function, Function | None]


def prepare(folder: Path) -> dict[str, Callable[[], object]]:
    """Create the data and return a function for each operation."""
    call_command("migrate", verbosity=0)
    organization = apps.get_model("organizations", "Organization")(name="Example")
    organization.save()
    get_user_model().objects.create_user(
        **SIGN_IN, organization=organization, full_name="Admin", access_role="ADMIN"
    )
    token = send("POST", "/api/auth/login", SIGN_IN)["token"]
    api = partial(send, authorization=f"Bearer {token}")
    prompt = {"name": "Sales", "instructions": "Answer in one sentence."}
    prompt_id = api("POST", "/api/prompts", prompt)["data"]["_id"]
    document = {**WEBCHAT, "promptId": prompt_id, "allowedDomains": [ORIGIN]}
    created = [api("POST", "/api/webchats", document)["data"]["_id"] for _ in range(20)]
    first, others = created[0], iter(created[1:])
    cells = {**WEBCHAT, "prompt": prompt["name"], "allowedDomains": ORIGIN}
    csv, icon = folder / "webchats.csv", folder / "icon.png"
    csv.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    Image.new("RGB", (64, 48), "red").save(icon)
    command = ("import_webchats", str(csv), "--organization", str(organization.pk))
    return {
        "create": lambda: api("POST", "/api/webchats", document),
        "list": lambda: api("GET", "/api/webchats"),
        "config-cold": lambda: send("GET", f"/widget/{next(others)}/config", origin=ORIGIN),
        "config-warm": lambda: send("GET", f"/widget/{first}/config", origin=ORIGIN),
        "icon": lambda: api("PUT", f"/api/webchats/{first}/icon", icon),
        "import": lambda: call_command(*command, stdout=io.StringIO()),
        "import-api": lambda: api("POST", "/api/webchats/import", csv),
    }


def send(method: str, path: str, content: object = None, **headers: str) -> Any:
    """Return the JSON of the WSGI application's response. Exit if its status is not 2xx.

    The body is the file in the form field ``file`` if ``content`` is a path, otherwise its JSON.
    """
    if isinstance(content, Path):
        with content.open("rb") as file:
            body, content_type = encode_multipart(BOUNDARY, {"file": file}), MULTIPART_CONTENT
    else:
        body, content_type = json.dumps(content).encode() if content else b"", "application/json"
    requests = RequestFactory(headers=headers, SERVER_NAME="localhost")
    environ = requests.generic(method, path, body, content_type).environ
    application, statuses = import_string(settings.WSGI_APPLICATION), []
    response = application(environ, lambda status, _: statuses.append(status))
    response_body = b"".join(response)
    getattr(response, "close", lambda: None)()
    if not statuses[0].startswith("2"):
        sys.exit(f"{method} {path}: {statuses[0]} {response_body.decode()}")
    return json.loads(response_body)


def trace(operation: Callable[[], object]) -> list[Call]:
    """Run the operation and return its first-party calls in order of time."""
    calls: list[Call] = []

    def record(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and (called := first_party(frame)):
            outer, caller = frame.f_back, None
            while outer and not (caller := first_party(outer)):
                outer = outer.f_back
            calls.append((called, caller))

    sys.setprofile(record)
    try:
        operation()
    finally:
        sys.setprofile(None)
    return calls


def first_party(frame: FrameType) -> Function | None:
    """Return the frame's function, or ``None`` if it is not first-party."""
    file = frame.f_code.co_filename.removeprefix(f"{ROOT}/")
    return (file, frame.f_code.co_qualname) if file.startswith(PACKAGES) else None


def show_counts(name: str, calls: list[Call]) -> None:
    """Print the row of an operation in the table."""
    files = [file for (file, _), _ in calls]
    links = {(caller[0], file) for (file, _), caller in calls if caller and caller[0] != file}
    counts = (len(set(files)), len(files), len(list(groupby(files))), len(links))
    print(f"{name:12}", *(f"{count:5}" for count in counts), "", OPERATIONS[name])


def show_hops(calls: list[Call]) -> None:
    """Print each hop: the file, its functions until the next hop, and the first one's caller."""
    for number, (file, group) in enumerate(groupby(calls, key=lambda call: call[0][0]), start=1):
        hop = list(group)
        names = Counter(name for (_, name), _ in hop).items()
        functions = ", ".join(f"{name} ×{times}" if times > 1 else name for name, times in names)
        print(f"{number:3}  {file}: {functions}  <-", ": ".join(hop[0][1] or ("outside",)))


def main() -> None:
    """Print the table, or the hops of one operation."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.trace")
    parser.add_argument("--detail", choices=OPERATIONS, help="print the hops of this operation")
    detail = parser.parse_args().detail
    with tempfile.TemporaryDirectory(prefix="webchats-") as folder:
        # Empty means unset, also for variables that a file .env sets.
        unset = ("CACHE_URL", "ICONS_S3_BUCKET", "METRICS_TOKEN", "SENTRY_DSN")
        os.environ |= dict.fromkeys(unset, "") | {"DEBUG": "true", "LOG_LEVEL": "ERROR"}
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        os.environ["ICONS_ROOT"] = f"{folder}/icons"
        os.environ["DJANGO_SETTINGS_MODULE"] = "webchat_project.settings"
        django.setup()
        operations = prepare(Path(folder))
        if not detail:
            print(f"{ROOT}\n{'':12} files calls  hops links")
        for name in [detail] if detail else OPERATIONS:
            for _ in range(WARM_UP_RUNS):
                operations[name]()
            calls = trace(operations[name])
            if detail:
                show_hops(calls)
            else:
                show_counts(name, calls)


if __name__ == "__main__":
    main()
