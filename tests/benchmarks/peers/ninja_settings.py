"""Settings of django-ninja: the project's database, models and tokens only."""

from webchat_project.settings import *  # noqa: F403 - derived settings

ROOT_URLCONF = "tests.benchmarks.peers.ninja_api"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
