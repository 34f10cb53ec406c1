"""Settings of the peer that appends messages: vanilla DRF with its throttles."""

from tests.benchmarks.peers.drf_settings import *  # noqa: F403 - derived settings
from webchat_project import settings

ROOT_URLCONF = "tests.benchmarks.peers.messages"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": settings.CACHES["default"]["LOCATION"],
    }
}
REST_FRAMEWORK = {
    **REST_FRAMEWORK,  # noqa: F405 - imported with *
    "NUM_PROXIES": 1,
    "DEFAULT_THROTTLE_RATES": {
        "requests_address": "1200/min",
        "requests_session": "300/min",
        "messages_address": "120/min",
        "messages_session": "30/min",
        "user": "1200/min",
    },
}
