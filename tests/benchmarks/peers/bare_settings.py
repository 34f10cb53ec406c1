"""Settings of the bare view: the project's, without middleware."""

import os
from pathlib import Path

from webchat_project.settings import *  # noqa: F403 - derived settings

ROOT_URLCONF = "tests.benchmarks.peers.bare"
MIDDLEWARE = []
#: A JSON file with the response to each path.
BENCHMARK_RESPONSES = Path(os.environ["BENCHMARK_RESPONSES"])
