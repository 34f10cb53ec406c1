"""Build the image, start compose.yaml on this machine, and use the service behind the proxy.

Usage: ``python -m tests.deployment.smoke``. Needs Docker with Compose 2.30 or newer and a
free port 80. Only uses the standard library of Python. Writes the file ``.env``, which must not
exist yet, and removes it at the end, with the containers and their volumes.

Everything is plain HTTP: ``SITE_ADDRESS`` and ``ICONS_ADDRESS`` replace the host names for which
the proxy would request certificates.
"""

import base64
import http.client
import json
import re
import secrets
import shlex
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "webchats-smoke"
IMAGE = f"webchats:{PROJECT}"
HOST, ICONS_HOST = "localhost", "icons.test"
USER_ID = "10001"

EMAIL, PASSWORD = "smoke@example.com", secrets.token_urlsafe(16)
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
#: Runs ``manage.py`` with arguments and extra variables, and returns its standard output.
Manage = Callable[[list[str], dict[str, str]], str]


class Response(NamedTuple):
    """A complete HTTP response."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def data(self) -> Any:
        """The content, parsed as JSON."""
        return json.loads(self.content)


class Client:
    """Sends requests to the proxy on this machine, for any host name and without DNS."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host, self.token = port, host, ""

    def send(
        self, method: str, path: str, body: Any = None, *, host: str = "", file: bytes = b""
    ) -> Response:
        """Send JSON, or ``file`` as the multipart field ``file``."""
        headers = {"Host": host or self.host, "Connection": "close"}
        if self.token and not host:
            headers["Authorization"] = f"Bearer {self.token}"
        content = None
        if file:
            headers["Content-Type"] = "multipart/form-data; boundary=smoke"
            field = b'Content-Disposition: form-data; name="file"; filename="icon.png"'
            content = b"--smoke\r\n" + field + b"\r\n\r\n" + file + b"\r\n--smoke--\r\n"
        elif body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            return Response(response.status, response.headers, response.read())

    def expect(self, status: int, method: str, path: str, *args: Any, **options: Any) -> Response:
        """Send a request; raise ``AssertionError`` unless the response has the status."""
        response = self.send(method, path, *args, **options)
        assert response.status == status, (method, path, response.status, response.content[:2000])
        print(f"{response.status} {method} {path.split('?', maxsplit=1)[0]}", flush=True)
        return response


def check_service(client: Client, manage: Manage) -> None:
    """Use a new installation: superuser, sign-in, webchat, icon, widget, admin site."""
    client.expect(200, "GET", "/readyz")
    superuser = ["createsuperuser", "--noinput", f"--email={EMAIL}"]
    manage(superuser, {"DJANGO_SUPERUSER_PASSWORD": PASSWORD})
    organization = manage(
        [
            *("shell", "--verbosity=0", "--command"),
            "from organizations.models import Organization;"
            "print(Organization.objects.create(name='Smoke test').pk)",
        ],
        {},
    ).strip()
    sign_in = {"email": EMAIL, "password": PASSWORD}
    client.token = client.expect(200, "POST", "/api/auth/login", sign_in).data["token"]
    webchat = create_webchat(client, organization)
    url = client.expect(200, "PUT", f"/api/webchats/{webchat}/icon", file=PNG).data["data"]["icon"]
    fetch_icon(client, url)
    client.token = ""
    config = client.expect(200, "GET", f"/widget/{webchat}/config").data
    assert config["primaryColor"] == "#1F2937", config
    client.expect(200, "GET", f"/widget/{webchat}")
    client.expect(200, "GET", "/embed.js")
    page = client.expect(200, "GET", "/admin/login/").content.decode()
    stylesheet = re.search(r'href="(/static/[^"]+\.css)"', page)
    assert stylesheet, page
    client.expect(200, "GET", stylesheet[1])


def create_webchat(client: Client, organization: str) -> str:
    """Create a prompt and a webchat as a superuser; return the webchat's id."""
    prompt = {"name": "Smoke test", "instructions": "Be brief.", "organizationId": organization}
    body = {
        "name": "Smoke test",
        "organizationId": organization,
        "promptId": client.expect(201, "POST", "/api/prompts", prompt).data["data"]["_id"],
        "backgroundColor": "#FFFFFF",
        "primaryColor": "#1F2937",
        "secondaryColor": "#3B82F6",
        "allowedDomains": [],
        "initialStage": "new",
    }
    id_: str = client.expect(201, "POST", "/api/webchats", body).data["data"]["_id"]
    return id_


def fetch_icon(client: Client, url: str) -> None:
    """Fetch an icon as a browser does, by its signed URL."""
    parts = urlsplit(url)
    host = parts.netloc or client.host
    icon = client.expect(200, "GET", f"{parts.path}?{parts.query}", host=host)
    assert icon.content.startswith(b"\x89PNG"), icon.content[:100]


def run(*command: str) -> str:
    """Print and run a command in the repository; return its standard output."""
    print("$", shlex.join(word for word in command if not word.startswith("--env=")), flush=True)
    return subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
        check=True,
    ).stdout


def compose(*arguments: str) -> str:
    """Run ``docker compose`` for the project of this test."""
    return run("docker", "compose", "--project-name", PROJECT, *arguments)


def manage_in_container(arguments: list[str], variables: dict[str, str]) -> str:
    """Run ``manage.py`` in the first instance."""
    options = [f"--env={name}={value}" for name, value in variables.items()]
    return compose("exec", "-T", *options, "web-1", "python", "manage.py", *arguments)


def check_image() -> None:
    """Check the contents of the image, and which files its user can write."""
    listed = run("docker", "run", "--rm", IMAGE, "find", "/app", "-mindepth", "1", "-maxdepth", "1")
    included = re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    names = {Path(line).name for line in listed.splitlines()}
    assert names == {*included, ".venv", "data", "staticfiles"}, names
    packages = run("docker", "run", "--rm", IMAGE, "sh", "-c", "ls /app/.venv/lib/*/site-packages")
    assert "django" in packages.split()
    assert not {"pytest", "mypy", "fastapi"} & set(packages.split())
    writable = ("find", "/app", "-path", "/app/data", "-prune", "-o", "-writable", "-print")
    assert run("docker", "run", "--rm", IMAGE, *writable) == ""
    assert run("docker", "run", "--rm", IMAGE, "id", "-u").strip() == USER_ID


def check_upgrade(client: Client) -> None:
    """Replace both instances as in an upgrade, during which no request may fail."""
    stopped, statuses = threading.Event(), Counter[int]()

    def send_requests() -> None:
        while not stopped.is_set():
            try:
                statuses[client.send("GET", "/embed.js").status] += 1
            except (OSError, http.client.HTTPException):
                statuses[0] += 1
            time.sleep(0.02)

    thread = threading.Thread(target=send_requests)
    thread.start()
    try:
        compose("run", "--rm", "-T", "migrate")
        for name in ("web-1", "web-2"):
            compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", name)
            time.sleep(5)  # until the proxy sends requests to it again
    finally:
        stopped.set()
        thread.join()
    print(f"Responses during the upgrade, by status: {dict(statuses)}")
    assert statuses.keys() == {200}


@contextmanager
def running_compose() -> Iterator[None]:
    """Build and start the containers; print their logs if the block fails, and remove them."""
    environment = ROOT / ".env"
    key = secrets.token_hex(16)
    with environment.open("x") as file:
        environment.chmod(0o600)
        file.write(
            f"SECRET_KEY={secrets.token_urlsafe(64)}\nALLOWED_HOSTS={HOST}\n"
            f"SITE_ADDRESS=http://{HOST}\nSECURE_SSL_REDIRECT=false\nPOSTGRES_PASSWORD={key}\n"
            f"WEBCHATS_VERSION={PROJECT}\nCOMPOSE_PROFILES=proxy,store\n"
            f"ICONS_HOST={ICONS_HOST}\nICONS_ADDRESS=http://{ICONS_HOST}\n"
            f"ICONS_S3_ENDPOINT_URL=http://{ICONS_HOST}\nICONS_S3_REGION=us-east-1\n"
            f"ICONS_S3_BUCKET=icons\nICONS_S3_ACCESS_KEY_ID=smoke\nICONS_S3_SECRET_ACCESS_KEY={key}\n"
        )
    try:
        compose("up", "--build", "--detach", "--wait", "--wait-timeout", "300")
        yield
    except BaseException:
        print(compose("ps", "--all"), compose("logs", "--tail", "100"), flush=True)
        raise
    finally:
        compose("down", "--volumes", "--timeout", "10")
        environment.unlink()


def main() -> int:
    """Run every check; an error ends with a traceback and the containers' logs."""
    with running_compose():
        check_image()
        client = Client(80, HOST)
        check_service(client, manage_in_container)
        check_upgrade(client)
        dump = ("pg_dump", "--username=webchats", "--format=custom", "--no-owner", "webchats")
        assert compose("exec", "-T", "database", *dump).startswith("PGDMP")
    return 0


if __name__ == "__main__":
    sys.exit(main())
