"""The memory of an instance during sign-ins, with the server command of the image."""

from pathlib import Path

from tests.deployment import service
from tests.deployment.login_attack import create_users, peak_memory, sign_in_at_once
from tests.deployment.site import Site

#: MiB. compose.yaml limits an instance to 1 GiB.
MAX_MEMORY = 600


def test_twenty_sign_ins_at_once_need_little_memory(empty_database: str, tmp_path: Path) -> None:
    """The users have former hashes, each of which needs 100 MiB."""
    site = Site.create(empty_database, tmp_path, webchats=1)
    emails = create_users(empty_database, 20)
    port = service.free_port()
    with site.served(port) as server:
        statuses = sign_in_at_once(port, emails)
        # More than five at a time in one process are asked to try again.
        assert set(statuses) <= {200, 503}
        assert statuses.count(200) >= 5
        assert peak_memory(server.pid) < MAX_MEMORY
