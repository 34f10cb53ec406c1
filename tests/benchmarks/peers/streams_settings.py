"""Settings of the peers of ``live``: Django's asynchronous streams, and Channels."""

import os

from webchat_project.settings import *  # noqa: F403 - derived settings
from webchat_project.settings import INSTALLED_APPS

ROOT_URLCONF = "tests.benchmarks.peers.streams"
INSTALLED_APPS = [*INSTALLED_APPS, "channels"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
]
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [os.environ["CACHE_URL"]]},
    }
}
