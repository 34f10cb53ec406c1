"""django-ninja: the project's database, models and token settings, and nothing else of it."""

from webchat_project.settings import *  # noqa: F403 - as settings are derived

ROOT_URLCONF = "tests.benchmarks.peers.ninja_api"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
