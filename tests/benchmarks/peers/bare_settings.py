"""The ceiling: no middleware, and answers that are ready."""

import os
from pathlib import Path

from webchat_project.settings import *  # noqa: F403 - as settings are derived

ROOT_URLCONF = "tests.benchmarks.peers.bare"
MIDDLEWARE = []
#: A file with what to answer to each path.
BENCHMARK_ANSWERS = Path(os.environ["BENCHMARK_ANSWERS"])
