"""Every setting of the service, each from the environment, each with a default that runs.

Nothing else in the project reads the environment. docs/configuration.md lists the variables.
``manage.py check --deploy`` reports what is missing or dangerous.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ

# Lets Django's generic classes be written with their parameters: ``CharField[str, str]``.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(BASE_DIR / ".env")
env = environ.Env()
# What is empty is not set (compose files write ``NAME=``), and a first "$" means itself.
env.escape_proxy = True
env.ENVIRON = {
    name: f"\\{value}" if value.startswith("$") else value
    for name, value in env.ENVIRON.items()
    if value.strip()
}


def _listed(variable: str, default: list[str]) -> list[str]:
    """The items between the commas of a variable."""
    return [item.strip() for item in env.list(variable, default=default)]


# --- Mode and secrets -------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=True)

# A default only in DEBUG, with the prefix that ``check --deploy`` knows; without a key in
# production Django refuses to start.
SECRET_KEY = env.str(
    "SECRET_KEY", default="django-insecure-key-for-development-only" if DEBUG else ""
)
SECRET_KEY_FALLBACKS = _listed("SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = _listed("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = _listed("CSRF_TRUSTED_ORIGINS", [])

# How many proxies of ours stand before the service. X-Forwarded-For is believed that far and no
# further; with 0 it is not read at all.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

# --- Applications -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "webchats",
    "organizations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "django_filters",
    "simple_history",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "webchat_project",
    "webchat_project.observability",
]

MIDDLEWARE = [
    # First, so that it sees each response as the client gets it. The widget's response cache
    # bypasses middleware and logs its requests itself.
    "webchat_project.observability.request_log.RequestLogMiddleware",
    "webchat_project.middleware.SecurityHeadersMiddleware",
    "webchat_project.middleware.ApiErrorMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "webchat_project.middleware.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webchat_project.middleware.BodySizeLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "webchat_project.middleware.HttpsOnlyMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # The user of the change history.
    "simple_history.middleware.HistoryRequestMiddleware",
]

ROOT_URLCONF = "webchat_project.urls"
ASGI_APPLICATION = "webchat_project.asgi.application"
WSGI_APPLICATION = "webchat_project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------

_prepared = env.bool("DATABASE_PREPARED_STATEMENTS", default=True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'data' / 'db.sqlite3'}")
}
_database = DATABASES["default"]
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for a writer (WAL); writers queue up for the lock when their transaction
    # begins (IMMEDIATE), since a lock taken half-way through cannot be waited for.
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "timeout": env.int("DATABASE_BUSY_SECONDS", default=20),
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    if not str(_database["NAME"]).startswith(("file:", ":")):
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    _plans = "-c plan_cache_mode=force_custom_plan -c random_page_cost=1.1" if _prepared else ""
    # A pool per process: a connection per request costs a factor of four.
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        # What a connection has asked twice it asks by name, and the server reads it no more. A
        # pooler that gives each transaction another connection does not know the name.
        "server_side_binding": _prepared,
        "prepare_threshold": 2 if _prepared else None,
        # It plans with the values each time: what suits an organization of ten webchats, or a
        # search that finds ten, takes seconds where there are a million. And it plans for memory
        # and flash: a page from somewhere else costs four times as much on a turning disk only,
        # and whoever believes it reads long lists of an index for a few rows of an organization.
        # (What the URL says in ``?options=`` comes last, and so wins.)
        "options": f"{_plans} {_database.get('OPTIONS', {}).get('options', '')}".strip(),
        "pool": {
            "min_size": 1,
            "max_size": env.int("DATABASE_POOL_SIZE", default=8),
            "timeout": env.int("DATABASE_POOL_TIMEOUT", default=10),
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache: rate limits count here; with several processes they need a shared one --------------

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].startswith("django.core.cache.backends.locmem"):
    # Django's own forgets from 300 on: who comes from so many addresses would wipe out a count.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 50_000)
elif CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "webchat_project.cache.ResilientRedisCache"
    # Seconds to connect and to wait: without it requests go on.
    CACHES["default"]["OPTIONS"] = {
        "socket_connect_timeout": 1,
        "socket_timeout": 1,
        **CACHES["default"].get("OPTIONS", {}),
    }

# --- People, passwords, tokens ----------------------------------------------------------------

AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = ["organizations.auth.backends.PasswordBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# One key signs tokens; former ones still verify, while tokens live that they signed.
_jwt_key = env.str("JWT_SIGNING_KEY", default="")
JWT_SIGNING_KEY_FALLBACKS = [
    *_listed("JWT_SIGNING_KEY_FALLBACKS", []),
    *([] if _jwt_key else SECRET_KEY_FALLBACKS),
]
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=15)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=14)),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": _jwt_key or SECRET_KEY,
    "ISSUER": "webchats",
    # Changing a password ends the user's tokens.
    "CHECK_REVOKE_TOKEN": True,
}

# --- The API ----------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["organizations.auth.authentication.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["organizations.auth.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": ["webchat_project.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["webchat_project.api.renderers.OrjsonRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["webchat_project.api.filters.DocumentFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "webchat_project.api.pagination.DocumentPagination",
    "DEFAULT_SCHEMA_CLASS": "webchat_project.api.openapi.DocumentSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "webchat_project.api.throttling.CredentialRateThrottle",
        "webchat_project.api.throttling.AnonymousRateThrottle",
        "webchat_project.api.throttling.SignInAddressThrottle",
        "webchat_project.api.throttling.SignInAccountThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "credential": env.str("RATE_LIMIT_CREDENTIAL", default="1200/min"),
        "address": env.str("RATE_LIMIT_ADDRESS", default="300/min"),
        "sign_in_address": env.str("RATE_LIMIT_SIGN_IN", default="10/min"),
        "sign_in_account": env.str("RATE_LIMIT_SIGN_IN", default="10/min"),
    },
    "EXCEPTION_HANDLER": "webchat_project.api.exceptions.exception_handler",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}

# Bytes; a request whose Content-Length is above it is answered 413 before it is read.
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# The same for a body with files in it (multipart/form-data): ten icons of 1 MiB and their frame.
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=11 * 1024 * 1024)

SPECTACULAR_SETTINGS = {
    "TITLE": "Webchats",
    "DESCRIPTION": (
        "Configure the chat widgets of an organization's websites.\n\n"
        "Every call but sign-in, refresh, this page and health takes "
        "`Authorization: Bearer <token>`, where the token is a JWT from `/api/auth/login` "
        "or an API key. Rows of other organizations do not exist for the caller."
    ),
    "VERSION": "1.0.0",
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums"],
}

# --- Files ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))

# Icons: a private bucket (Cloudflare R2 or another S3 service) if one is named, else a folder.
ICON_URL_SECONDS = env.int("ICON_URL_SECONDS", default=3600)
_icons: dict[str, Any] = {
    "BACKEND": "webchats.icons.local.SignedFileStorage",
    "OPTIONS": {
        "location": env.str("ICONS_ROOT", default=str(BASE_DIR / "data" / "icons")),
        "url_seconds": ICON_URL_SECONDS,
    },
}
if env.str("ICONS_S3_BUCKET", default=""):
    _icons = {
        "BACKEND": "webchats.icons.s3.S3IconStorage",
        "OPTIONS": {
            "bucket_name": env.str("ICONS_S3_BUCKET"),
            "endpoint_url": env.str("ICONS_S3_ENDPOINT_URL", default="") or None,
            "region_name": env.str("ICONS_S3_REGION", default="auto"),
            "access_key": env.str("ICONS_S3_ACCESS_KEY_ID", default=""),
            "secret_key": env.str("ICONS_S3_SECRET_ACCESS_KEY", default=""),
            "querystring_expire": ICON_URL_SECONDS,
            # Seconds to connect, and seconds to wait for an answer, each tried twice.
            "timeout": env.int("ICONS_S3_TIMEOUT", default=3),
        },
    }
STORAGES = {
    "icons": _icons,
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = DEBUG

# --- The widget -------------------------------------------------------------------------------

# How long each process reuses its response to a request for a configuration; 0: not at all.
WIDGET_CONFIG_CACHE_SECONDS = env.int("WIDGET_CONFIG_CACHE_SECONDS", default=10)

# --- Transport security: on unless DEBUG ------------------------------------------------------

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
# Monitoring and load balancers use plain HTTP inside the network. ``HttpsOnlyMiddleware`` refuses
# it under /api, except for the interactive page.
SECURE_REDIRECT_EXEMPT = [r"^(metrics|healthz|readyz)$", r"^api/(?!docs$)"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
# Staff's cookies: over https only, and by their names bound to this very host (RFC 6265bis, 4.1.3).
_prefix = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME = f"{_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_prefix}csrftoken"
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
# No script of ours reads it: forms carry their own token.
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Strict"
# Staff sign in again after so long, however busy they are.
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = 3600 * SESSION_HOURS
# Whether the service's *other* host names take part in HSTS is the domain owner's decision.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# --- Language and time ------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# --- Logs -------------------------------------------------------------------------------------

# "json": one object per line, for machines; "line": for people.
LOG_FORMAT = env.str("LOG_FORMAT", default="line" if DEBUG else "json")
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
_formats = "webchat_project.observability.formatters"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": f"{_formats}.JsonFormatter"},
        "line": {"()": f"{_formats}.LineFormatter"},
    },
    "filters": {
        "no_traceback": {"()": f"{_formats}.NoTracebackFilter"},
        "unhandled_exceptions": {"()": f"{_formats}.UnhandledExceptionFilter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line" if LOG_FORMAT == "line" else "json",
        },
        "nowhere": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Django's own handlers would write each record a second time, in their own form.
        "django": {"handlers": []},
        "django.request": {"filters": ["unhandled_exceptions"]},
        "django.security.DisallowedHost": {"filters": ["no_traceback"]},
        # The development server's line for a request: we have ours.
        "django.server": {"handlers": ["nowhere"], "propagate": False},
    },
}

# --- Stopping ---------------------------------------------------------------------------------

# While this file exists, /healthz says that the instance is about to stop.
DRAIN_FILE = env.str("DRAIN_FILE", default="")

# --- Metrics and crash reports ----------------------------------------------------------------

# What runs here, for metrics and crash reports: a version, a tag, a commit.
RELEASE = env.str("RELEASE", default="unknown")

# Who has it may read /metrics, and nothing is counted without it.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# Where processes add up what they counted; the library reads the variable by itself.
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
if PROMETHEUS_MULTIPROC_DIR:
    Path(PROMETHEUS_MULTIPROC_DIR).mkdir(parents=True, exist_ok=True)
else:
    # Set but empty, it would take the variable for the current folder.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

# Where crashes are reported to; needs the extra "sentry".
SENTRY_DSN = env.str("SENTRY_DSN", default="")
