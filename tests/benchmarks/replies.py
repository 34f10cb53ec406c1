"""``python -m tests.benchmarks.replies [SCENARIO…]``: races of the AI's replies, full counts.

Each scenario prints one line of figures, and fails if a rule is broken:

* ``take-over``: 200 interleavings of a take-over and the final write, no answer after a person;
* ``bursts``: 50 visitors send three messages in two seconds to a worker process, 50 answers, each
  from all three;
* ``streams``: 20 take-overs in the middle of a model's stream, which ends within a second;
* ``approvals``: 50 threads approve one draft, one message and 49 refusals.

It starts a PostgreSQL server. The built-in provider answers, or a server that imitates a model.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import django
from django.core.management import call_command
from django.test import override_settings

from tests.support.postgres import running_postgres

ROOT = Path(__file__).resolve().parents[2]
INTERLEAVINGS = 200
BURSTS = 50
STREAMS = 20
APPROVALS = 50
SCENARIOS = ("take-over", "bursts", "streams", "approvals")


def run(scenario: str) -> str:
    """Run one scenario, and return its figures. Django must have been set up."""
    # They import models, and so the settings.
    from tests.support import reply_races  # noqa: PLC0415
    from tests.support.ai_webchats import create_builtin_webchat  # noqa: PLC0415
    from tests.support.factories import DraftFactory, UserFactory  # noqa: PLC0415

    user = UserFactory.create()
    webchat = create_builtin_webchat(user)
    if scenario == "take-over":
        with override_settings(AI_DEBOUNCE_SECONDS=0):
            first = Counter(
                reply_races.race_person_and_answer(webchat, user, number)
                for number in range(INTERLEAVINGS)
            )
        return f"{INTERLEAVINGS} of {INTERLEAVINGS} without an answer after a person {dict(first)}"
    if scenario == "streams":
        with override_settings(AI_DEBOUNCE_SECONDS=0):
            delays = reply_races.measure_ends_of_streams(user, STREAMS)
        assert max(delays) <= 1, delays
        return f"{len(delays)} of {STREAMS} ended, the last one after {max(delays):.2f} s"
    if scenario == "approvals":
        draft = DraftFactory.create(webchat=webchat)
        sent, refused = reply_races.approve_at_once(draft, user, threads=APPROVALS)
        assert (sent, refused) == (1, APPROVALS - 1), (sent, refused)
        return f"{sent} message, {refused} refusals"
    worker = subprocess.Popen([sys.executable, "manage.py", "work"], cwd=ROOT)
    try:
        time.sleep(3)
        ids = reply_races.send_bursts(webchat, BURSTS, pause=0.5)
        deadline = time.monotonic() + 60
        while not reply_races.are_answered(ids):
            assert time.monotonic() < deadline, "not all are answered"
            time.sleep(0.2)
        time.sleep(3)
        reply_races.check_bursts(ids)
    finally:
        worker.terminate()
        worker.wait()
    return f"{len(ids)} answers to {3 * len(ids)} messages, each from all three"


def main() -> None:
    """Run the scenarios on a new database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []])
    scenarios = parser.parse_args().scenarios or SCENARIOS
    with running_postgres() as url:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "webchat_project.settings",
            "DATABASE_URL": url,
            "DEBUG": "true",
        }
        django.setup()
        call_command("migrate", verbosity=0)
        for scenario in scenarios:
            print(f"{scenario}: {run(scenario)}")


if __name__ == "__main__":
    main()
