"""Settings from environment variables. Without any variable the project runs for development.

No other module reads the environment. docs/configuration.md lists the variables, and
``manage.py check --deploy`` reports missing and dangerous values.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from django.core.exceptions import ImproperlyConfigured

from webchat_project import __version__

# Allows parameters of Django's generic classes at run time, such as ``CharField[str, str]``.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(BASE_DIR / ".env")
env = environ.Env()
# An empty variable is unset: Compose files contain ``NAME=``. A leading "$" is escaped, because
# django-environ would read the rest as the name of another variable.
env.escape_proxy = True
env.ENVIRON = {
    name: f"\\{value}" if value.startswith("$") else value
    for name, value in env.ENVIRON.items()
    if value.strip()
}


def _list(variable: str, default: list[str]) -> list[str]:
    """Return the items of a comma-separated variable without white space around them."""
    return [item.strip() for item in env.list(variable, default=default)]


# --- Mode and secrets -------------------------------------------------------------------------

DEBUG = env.bool("DEBUG", default=True)

# In production there is no default, so that Django does not start without a key. The prefix of the
# default is one that ``check --deploy`` reports.
SECRET_KEY = env.str(
    "SECRET_KEY", default="django-insecure-key-for-development-only" if DEBUG else ""
)
if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY is empty. With DEBUG=false, set it in .env or in the environment: .env.example "
        "has a command that generates one. Development needs no .env."
    )
SECRET_KEY_FALLBACKS = _list("SECRET_KEY_FALLBACKS", [])

ALLOWED_HOSTS = _list("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"] if DEBUG else [])
CSRF_TRUSTED_ORIGINS = _list("CSRF_TRUSTED_ORIGINS", [])

# The number of proxies in front of the service whose X-Forwarded-For is trusted. 0 ignores the
# header.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

# --- Applications -----------------------------------------------------------------------------

INSTALLED_APPS = [
    "webchats.conversations",
    "webchats",
    "organizations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
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
    "webchat_project.middleware.NotFoundPageMiddleware",
    "webchat_project.middleware.UnavailableMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Before any middleware that reads a credential or a body.
    "webchat_project.middleware.HttpsOnlyMiddleware",
    "webchat_project.middleware.HealthMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Before any middleware that reads from the database.
    "webchat_project.request_slots.RequestSlotsMiddleware",
    "webchat_project.body_size.BodySizeLimitMiddleware",
    "webchat_project.body_size.LargeResponseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # Stores the user in the change history.
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
    # With WAL, readers do not wait for writers. With IMMEDIATE, a transaction waits for the write
    # lock when it begins: SQLite cannot wait for it in the middle of a transaction. What is deleted
    # is overwritten, so that an erased person's data is not in the file.
    _database["OPTIONS"] = {
        **_database.get("OPTIONS", {}),
        "timeout": env.int("DATABASE_BUSY_SECONDS", default=20),
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON;"
        ),
    }
    if not str(_database["NAME"]).startswith(("file:", ":")):
        Path(_database["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    _database["ENGINE"] = "webchat_project.postgresql"
    # ``manage.py`` sets it to 0: a migration may take longer than a request.
    _seconds = env.int("DATABASE_STATEMENT_SECONDS", default=10)
    # A statement that waits for a lock occupies a connection. Less than the timeout of the pool, so
    # that those of one organization, which an import locks, do not keep the others waiting.
    _timeout = f"-c statement_timeout={_seconds}s -c lock_timeout={min(_seconds, 1)}s"
    _plans = "-c plan_cache_mode=force_custom_plan -c random_page_cost=1.1"
    # A pooler in transaction mode refuses these options, or ignores them.
    _options = f"{_plans} {_timeout}" if _prepared else ""
    # Such a pooler may give the next statement to another connection, without the cursor.
    _database["DISABLE_SERVER_SIDE_CURSORS"] = not _prepared
    # One pool per process. A connection per request makes requests four times as slow.
    _database["OPTIONS"] = {
        "connect_timeout": 5,
        **_database.get("OPTIONS", {}),
        # Statements are prepared the second time that a connection runs them. Behind a pooler in
        # transaction mode, another connection would not have the prepared statement.
        "server_side_binding": _prepared,
        "prepare_threshold": 2 if _prepared else None,
        # force_custom_plan: a generic plan for organizations with ten webchats takes seconds for
        # those with a million. random_page_cost=1.1: assume SSD; the default 4.0 makes the planner
        # avoid index scans. ``?options=`` of the URL comes last and takes precedence.
        "options": f"{_options} {_database.get('OPTIONS', {}).get('options', '')}".strip(),
        "pool": {
            "min_size": 1,
            # Less than the threads of a process: if the server hangs, threads remain for responses
            # that need no connection.
            "max_size": env.int("DATABASE_POOL_SIZE", default=12),
            # Seconds. Threads that wait for a connection serve no other requests.
            "timeout": env.int("DATABASE_POOL_TIMEOUT", default=2),
            # Then the next request tries to connect. The default would wait up to minutes.
            "reconnect_timeout": 1,
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Cache, which throttles use: several processes need a shared one --------------------------

CACHES = {"default": env.cache_url("CACHE_URL", default="locmemcache://")}
if CACHES["default"]["BACKEND"].startswith("django.core.cache.backends.locmem"):
    # The default is 300. A client with more addresses could evict the counters of throttles.
    CACHES["default"].setdefault("OPTIONS", {}).setdefault("MAX_ENTRIES", 50_000)
elif CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["BACKEND"] = "webchat_project.cache.ResilientRedisCache"
    # Seconds. After a timeout, requests continue without the cache: see ``webchat_project.cache``.
    CACHES["default"]["OPTIONS"] = {
        "socket_connect_timeout": 0.25,
        "socket_timeout": 0.25,
        **CACHES["default"].get("OPTIONS", {}),
    }

# --- Users, passwords, tokens -----------------------------------------------------------------

AUTH_USER_MODEL = "organizations.User"
AUTHENTICATION_BACKENDS = ["organizations.auth.backends.PasswordBackend"]
PASSWORD_HASHERS = [
    "organizations.auth.hashers.OneAtATimeArgon2Hasher",
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

# For a sign-in to the admin site whose ``next`` is missing or refused.
LOGIN_REDIRECT_URL = "admin:index"

# The first key signs tokens. The former keys verify tokens that have not expired yet.
_jwt_key = env.str("JWT_SIGNING_KEY", default="")
JWT_SIGNING_KEY_FALLBACKS = [
    *_list("JWT_SIGNING_KEY_FALLBACKS", []),
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

# --- REST API ---------------------------------------------------------------------------------

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
    ],
    "DEFAULT_THROTTLE_RATES": {
        "credential": env.str("RATE_LIMIT_CREDENTIAL", default="1200/min"),
        "address": env.str("RATE_LIMIT_ADDRESS", default="300/min"),
        "sign_in_address": env.str("RATE_LIMIT_SIGN_IN", default="10/min"),
        "sign_in_account": env.str("RATE_LIMIT_SIGN_IN", default="10/min"),
        "sign_in_new_address": env.str("RATE_LIMIT_SIGN_IN", default="10/min"),
        # Visitors. The last word is the counted unit: an address, a session or a webchat.
        "widget_tickets_address": env.str("RATE_LIMIT_WIDGET_TICKETS_ADDRESS", default="30/min"),
        "widget_requests_address": env.str(
            "RATE_LIMIT_WIDGET_REQUESTS_ADDRESS", default="1200/min"
        ),
        "widget_requests_session": env.str("RATE_LIMIT_WIDGET_REQUESTS_SESSION", default="300/min"),
        "widget_messages_session": env.str("RATE_LIMIT_WIDGET_MESSAGES_SESSION", default="30/min"),
        "widget_messages_address": env.str("RATE_LIMIT_WIDGET_MESSAGES_ADDRESS", default="120/min"),
        "widget_ratings_session": env.str("RATE_LIMIT_WIDGET_RATINGS_SESSION", default="20/hour"),
        "widget_conversations_address": env.str(
            "RATE_LIMIT_WIDGET_CONVERSATIONS_ADDRESS", default="20/hour"
        ),
        "widget_conversations_webchat": env.str(
            "RATE_LIMIT_WIDGET_CONVERSATIONS_WEBCHAT", default="300/hour"
        ),
        "widget_replies_session": env.str("RATE_LIMIT_WIDGET_REPLIES_SESSION", default="10/5min"),
        "widget_replies_address": env.str("RATE_LIMIT_WIDGET_REPLIES_ADDRESS", default="60/hour"),
        "widget_replies_webchat": env.str("RATE_LIMIT_WIDGET_REPLIES_WEBCHAT", default="1000/hour"),
    },
    "EXCEPTION_HANDLER": "webchat_project.api.exceptions.exception_handler",
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "URL_FORMAT_OVERRIDE": None,
}

# Bytes. A request with a larger Content-Length gets a 413 before its body is read.
MAX_BODY_BYTES = env.int("MAX_BODY_BYTES", default=1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# The admin site's page that confirms the deletion of 1,000 rows has a field for each.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_100
# Bytes of a body with files (multipart/form-data): ten icons of 1 MiB, and the part headers.
MAX_UPLOAD_BYTES = env.int("MAX_UPLOAD_BYTES", default=11 * 1024 * 1024)

# Threads of the server, and requests of one organization or anonymous address that use them at a
# time in a process.
SERVER_THREADS = env.int("GRANIAN_BLOCKING_THREADS", default=16)
REQUESTS_PER_ORGANIZATION = env.int(
    "REQUESTS_PER_ORGANIZATION", default=max(2, SERVER_THREADS // 4)
)

SPECTACULAR_SETTINGS = {
    "TITLE": "Webchats",
    "DESCRIPTION": (
        "Configure the chat widgets of an organization's websites, and answer their visitors.\n\n"
        "Requests need the header `Authorization: Bearer <token>`. To try them here, execute "
        "*Sign in* below and paste its `token`, or an API key, into *Authorize*. Requests for "
        "rows of other organizations return 404."
    ),
    "VERSION": __version__,
    "ENUM_NAME_OVERRIDES": {
        "KindEnum": "webchats.conversations.models.MessageKind",
        "ProviderKindEnum": "organizations.models.ai_provider.ProviderKind",
        "StateEnum": "webchats.conversations.transitions.State",
        "DraftStateEnum": "webchats.conversations.models.DraftState",
        "ErasureStateEnum": "webchats.conversations.models.ErasureState",
    },
    "TAGS": [
        {"name": "webchats", "description": "The chat widgets of the organization's websites."},
        {"name": "conversations", "description": "What visitors and representatives write."},
        {"name": "drafts", "description": "Automatic answers that must be approved."},
        {"name": "contacts", "description": "The visitors who have written."},
        {"name": "reports", "description": "Figures of the conversations of a period."},
        {"name": "erasures", "description": "Contacts that were deleted, or are being deleted."},
        {"name": "canned replies", "description": "Texts that representatives insert."},
        {"name": "saved views", "description": "Named lists of conversations in the inbox."},
        {"name": "push subscriptions", "description": "The caller's devices for web push."},
        {
            "name": "knowledge",
            "description": "Questions with answers, which automatic answers quote.",
        },
        {"name": "prompts", "description": "Instructions for the AI, which a webchat refers to."},
        {"name": "AI providers", "description": "Language models, which a prompt refers to."},
        {"name": "pipelines", "description": "Ordered stages, which new contacts enter."},
        {"name": "API keys", "description": "Long-lived credentials for machines."},
        {"name": "organizations", "description": "The organization's settings."},
        {"name": "users", "description": "The members of the organization."},
        {"name": "authentication", "description": "Access tokens for people."},
        {"name": "widget", "description": "Calls of the widget for a visitor with a session."},
    ],
    # The order of the URLconf.
    "SORT_OPERATIONS": False,
    "SCHEMA_PATH_PREFIX": "/api/",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {
        # With links, each operation's button would contain a link, which no reader announces.
        "deepLinking": False,
        # In the browser's local storage, so that a reload keeps the token.
        "persistAuthorization": True,
        "tryItOutEnabled": True,
        "defaultModelsExpandDepth": 0,
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webchat_project.api.openapi_operations.sort_methods",
        "webchat_project.api.openapi_operations.remove_filter_examples",
    ],
}

# --- Files ------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))

# Icons are stored in a private bucket (Cloudflare R2 or another S3 service) if one is configured,
# else in a directory.
ICON_URL_SECONDS = env.int("ICON_URL_SECONDS", default=3600)
_icons: dict[str, Any] = {
    "BACKEND": "webchats.icons.local.LocalIconStorage",
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
            # Seconds to connect, and seconds to wait for a response. Each is tried twice.
            "timeout": env.int("ICONS_S3_TIMEOUT", default=2),
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

# Seconds for which a process reuses its response to a request for a configuration. 0 disables it.
WIDGET_CONFIG_CACHE_SECONDS = env.int("WIDGET_CONFIG_CACHE_SECONDS", default=10)
# Days for which a visitor's session is valid.
WIDGET_SESSION_DAYS = env.int("WIDGET_SESSION_DAYS", default=7)

# --- E-mail -----------------------------------------------------------------------------------

# smtp+tls://USER:PASSWORD@HOST:587. Without it, no e-mail is sent.
_email_url = env.str("EMAIL_URL", default="")
EMAIL_ENABLED = bool(_email_url)
_email = env.email_url_config(_email_url or "dummymail://")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_FILE_PATH = _email["EMAIL_FILE_PATH"] or None
EMAIL_HOST = _email["EMAIL_HOST"] or "localhost"
EMAIL_HOST_USER = _email["EMAIL_HOST_USER"] or ""
EMAIL_HOST_PASSWORD = _email["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
EMAIL_PORT = _email["EMAIL_PORT"] or (465 if EMAIL_USE_SSL else 587 if EMAIL_USE_TLS else 25)
# Seconds. Django's default is to wait without a limit.
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="webmaster@localhost")
# The address of the service, for links in e-mails.
BASE_URL = env.str(
    "BASE_URL",
    default="http://localhost:8000" if DEBUG else f"https://{next(iter(ALLOWED_HOSTS), '')}",
).rstrip("/")

# --- Language models --------------------------------------------------------------------------

# Keys that encrypt the API keys of providers. The first one encrypts, all of them decrypt.
AI_KEYS = _list("AI_KEYS", [])
# The provider of organizations without a default provider: openai, anthropic or builtin.
AI_KIND = env.str("AI_KIND", default="builtin")
AI_BASE_URL = env.str("AI_BASE_URL", default="")
AI_API_KEY = env.str("AI_API_KEY", default="")
AI_MODEL = env.str("AI_MODEL", default="")
# Tokens that each organization may use of it in a month. 0: no limit.
AI_MONTHLY_TOKENS = env.int("AI_MONTHLY_TOKENS", default=0)
# host:port of endpoints that may have a private address and plain HTTP.
AI_ALLOWED_ADDRESSES = _list("AI_ALLOWED_ADDRESSES", [])
# The most seconds until the first word of a reply, and in all. A provider may have less.
AI_FIRST_TOKEN_SECONDS = env.float("AI_FIRST_TOKEN_SECONDS", default=20)
AI_TOTAL_SECONDS = env.float("AI_TOTAL_SECONDS", default=60)
# A reply starts when the visitor has written nothing for this time, at the latest after the second.
AI_DEBOUNCE_SECONDS = env.float("AI_DEBOUNCE_SECONDS", default=1.5)
AI_DEBOUNCE_AT_MOST_SECONDS = env.float("AI_DEBOUNCE_AT_MOST_SECONDS", default=5)

# --- Web push: both, or neither ---------------------------------------------------------------

# `manage.py make_vapid_key` generates the key: 32 bytes in URL-safe Base64.
VAPID_PRIVATE_KEY = env.str("VAPID_PRIVATE_KEY", default="")
# Where operators of push services reach the operator of this service: mailto:ops@example.com.
VAPID_SUBJECT = env.str("VAPID_SUBJECT", default="")

# --- Streams of the live process --------------------------------------------------------------

# Open streams of a visitor, of the visitors of an address (IPv6: a /64 network), and of a user.
# Above a limit a request gets a 429.
LIVE_STREAMS_PER_SESSION = env.int("LIVE_STREAMS_PER_SESSION", default=3)
LIVE_STREAMS_PER_USER = env.int("LIVE_STREAMS_PER_USER", default=10)
LIVE_STREAMS_PER_ADDRESS = env.int("LIVE_STREAMS_PER_ADDRESS", default=50)
# Seconds over which a stopping process spreads the end of its streams.
LIVE_SHUTDOWN_SECONDS = env.int("LIVE_SHUTDOWN_SECONDS", default=5)

# --- The worker -------------------------------------------------------------------------------

# Jobs that a worker runs at a time.
WORKER_CONCURRENCY = env.int("WORKER_CONCURRENCY", default=100)
# Seconds that a stopping worker waits for its jobs. Then another worker starts them again.
WORKER_SHUTDOWN_SECONDS = env.float("WORKER_SHUTDOWN_SECONDS", default=8)

# --- HTTPS and cookies: secure unless DEBUG ---------------------------------------------------

SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
# Monitoring and load balancers use plain HTTP inside the network. ``HttpsOnlyMiddleware`` refuses
# it under /api, except for /api/docs, which redirects to HTTPS.
SECURE_REDIRECT_EXEMPT = [r"^(metrics|healthz|readyz)$", r"^api/(?!docs$)"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
# The prefix binds the cookies of the admin site to this host (RFC 6265bis, section 4.1.3).
_prefix = "" if DEBUG else "__Host-"
SESSION_COOKIE_NAME = f"{_prefix}sessionid"
CSRF_COOKIE_NAME = f"{_prefix}csrftoken"
# It stays when the session ends, so that the sign-in page can say so. It identifies nobody.
SIGNED_IN_COOKIE_NAME = f"{_prefix}signedin"
CSRF_FAILURE_VIEW = "webchat_project.error_pages.csrf_failure"
SESSION_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_SECURE = not DEBUG
# Forms contain the token, so that no script has to read the cookie.
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Strict"
# A session of the admin site ends after this time, even if it is in use.
SESSION_HOURS = env.int("SESSION_HOURS", default=12)
SESSION_COOKIE_AGE = 3600 * SESSION_HOURS
# HSTS for subdomains and preloading affect other services of the domain, so they are opt-in. SQLite
# ignores the columns that an index includes.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", "models.W040"]

# --- Language and time ------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
# Every page of the admin site has the same format of dates, and numbers such as 10,000.
FORMAT_MODULE_PATH = "webchat_project.formats"
USE_THOUSAND_SEPARATOR = True

# --- Logs -------------------------------------------------------------------------------------

# "json" is one object per line for programs, "line" is text for people.
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
        "null": {"class": "logging.NullHandler"},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        # Django's handlers would write each record a second time.
        "django": {"handlers": []},
        "django.request": {"filters": ["unhandled_exceptions"]},
        "django.security.DisallowedHost": {"filters": ["no_traceback"]},
        # The development server logs each request, too.
        "django.server": {"handlers": ["null"], "propagate": False},
        # The clients of language models log each request, at DEBUG with the texts of visitors.
        **{name: {"level": "WARNING"} for name in ("anthropic", "httpcore2", "httpx2", "openai")},
    },
}

# --- Shutdown ---------------------------------------------------------------------------------

# While this file exists, /healthz returns 503, and the load balancer sends no more requests.
DRAIN_FILE = env.str("DRAIN_FILE", default="")

# --- Metrics and crash reports ----------------------------------------------------------------

# The version, tag or commit of the service, for metrics and crash reports.
RELEASE = env.str("RELEASE", default="unknown")

# The bearer token for /metrics. Without it, metrics are disabled.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# A directory in which processes combine their metrics. prometheus-client reads the variable, too.
PROMETHEUS_MULTIPROC_DIR = env.str("PROMETHEUS_MULTIPROC_DIR", default="")
if PROMETHEUS_MULTIPROC_DIR:
    Path(PROMETHEUS_MULTIPROC_DIR).mkdir(parents=True, exist_ok=True)
else:
    # prometheus-client would use the current directory for an empty variable.
    os.environ.pop("PROMETHEUS_MULTIPROC_DIR", None)

# The DSN for crash reports. Needs the extra "sentry".
SENTRY_DSN = env.str("SENTRY_DSN", default="")
