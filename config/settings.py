"""Settings, read from the environment once (interface.md lists the variables).

Unset DATABASE_URL and REDIS_URL mean the embedded servers that `./run` starts;
their addresses are then read from the data folder. Production (a database or an
address elsewhere) refuses to start on unsafe values: see config/checks.py.
"""

import ipaddress
import sys
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config import embedded, place

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DATA_DIR = Path(env.str("SEATKEEPER_DATA", str(BASE_DIR / "var"))).resolve()
try:
    # Unset: where `./run` serves this data folder, so that commands beside it print its address.
    PORT = place.port(env.str("PORT", "")) if env.str("PORT", "") else place.last_port(DATA_DIR)
except ValueError as error:
    raise ImproperlyConfigured(f"PORT: {error}") from None
PUBLIC_URL = env.str("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
TESTING = "pytest" in sys.modules

try:
    DATABASE_URL = env.str("DATABASE_URL", "") or embedded.addresses(DATA_DIR).database_url
    REDIS_URL = env.str("REDIS_URL", "") or embedded.addresses(DATA_DIR).redis_url
    #: Whether only this machine is concerned: its database is here, and its address leads here.
    #: Everything else is production, with no value that only suits a try-out.
    LOCAL = TESTING or (
        embedded.on_this_machine(DATABASE_URL) and embedded.on_this_machine(PUBLIC_URL)
    )
    SECRET_KEY = env.str("SECRET_KEY", "") or (embedded.secret_key(DATA_DIR) if LOCAL else "")
except OSError as error:
    raise ImproperlyConfigured(
        f"The data folder {DATA_DIR} cannot be used ({error.strerror}): "
        "set SEATKEEPER_DATA to a folder that can be written."
    ) from None
if not DATABASE_URL.startswith(("postgres://", "postgresql://")):
    raise ImproperlyConfigured(
        "DATABASE_URL names another database than PostgreSQL: only postgres:// works, "
        "as postgres://USER:PASSWORD@HOST/NAME."
    )

DEBUG = env.bool("DEBUG", False)
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if LOCAL else []
)
if TESTING:
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials.apps.SimpleAppConfig",
    "config",
    "accounts",
    "licensing",
    "scim",
]

# SCIM paths skip sessions, messages and CSRF: scim.middleware answers them first.
MIDDLEWARE = [
    "config.logging.RequestLogMiddleware",
    "config.health.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "scim.middleware.ScimShortcutMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.OrganizationMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.shell",
            ],
            "builtins": [
                "template_partials.templatetags.partials",
                "accounts.templatetags.ui",
            ],
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
        },
    }
]

DATABASES = {
    "default": {
        **environ.Env.db_url_config(DATABASE_URL),
        "ENGINE": "django.db.backends.postgresql",
        # Persistent connections beat a pool and new connections (docs/decisions/0004).
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
}
# What every push runs is prepared once a connection by accounts.sql: planning the allocation's
# comparison costs more than running it. psycopg's own cursors prepare nothing, since after a
# rollback they would deallocate what others have prepared.
DATABASES["default"]["OPTIONS"] = {
    **DATABASES["default"].get("OPTIONS", {}),
    "server_side_binding": True,
    "prepare_threshold": None,
    # Seconds after which the database ends a statement; 0 is never. The web sets it, so that no
    # filter can keep a database busy; workers reconcile as long as it takes.
    # Planning for each new value would cost more than the statements that pushes run.
    # A host that vanishes holds its locks no longer than that is noticed: within half a minute.
    "options": f"-c statement_timeout={env.int('STATEMENT_TIMEOUT', 0)}s "
    "-c plan_cache_mode=force_generic_plan "
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "seatkeeper",
    }
}

AUTH_USER_MODEL = "accounts.Admin"
# E-mail is unique whatever its case, by a constraint that this check does not know.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["accounts.admins.EmailBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["email", "name"]},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_RESET_TIMEOUT = 2 * 3600
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "licensing:overview"
LOGOUT_REDIRECT_URL = "accounts:sign_in"
#: Requests a second that one SCIM token may send for as long as it likes, how many at once after
#: a rest, and how many wrong tokens an address may send in a row; 0 is no limit. Each process of
#: the web counts for itself.
SCIM_RATE = env.float("SCIM_RATE", 0 if LOCAL else 100)
SCIM_BURST = env.float("SCIM_BURST", 1000)
SCIM_WRONG_TOKENS = env.float("SCIM_WRONG_TOKENS", 0 if LOCAL else 30)
#: The networks that proxies of ours are in, with commas (accounts.client_address).
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
try:
    for _network in TRUSTED_PROXIES:
        ipaddress.ip_network(_network.strip())
except ValueError as error:
    raise ImproperlyConfigured(f"TRUSTED_PROXIES: {error}") from None
#: Whether identity providers of single sign-on may be where only our own network reaches.
SSO_PRIVATE_ADDRESSES = env.bool("SSO_PRIVATE_ADDRESSES", False)
#: The same for what webhooks are sent to.
WEBHOOK_PRIVATE_ADDRESSES = env.bool("WEBHOOK_PRIVATE_ADDRESSES", False)
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Production serves what collectstatic has named by content; a try-out has no such step.
STATIC_ROOT = None if LOCAL else env.str("STATIC_ROOT", str(BASE_DIR / "staticfiles"))
WHITENOISE_USE_FINDERS = LOCAL
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if LOCAL or DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

_email = env.email_url("EMAIL_URL", "filemail:" if LOCAL else "smtp://localhost:25")
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = _email.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = _email.get("EMAIL_USE_SSL", False)
_mail_folder = _email.get("EMAIL_FILE_PATH")  # of filemail:///folder, without its first slash
EMAIL_FILE_PATH = Path("/", _mail_folder) if _mail_folder else DATA_DIR / "mail"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.str("FROM_EMAIL", "Seatkeeper <seatkeeper@localhost>")

CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Webhooks have a worker of their own: a receiver that hangs keeps nothing else waiting.
CELERY_TASK_ROUTES = {"accounts.tasks.deliver_webhooks*": {"queue": "webhooks"}}
CELERY_BEAT_SCHEDULER = "config.schedule:Schedule"
CELERY_BEAT_SCHEDULE = {
    "deliver the outbox": {
        "task": "accounts.tasks.deliver_outbox",
        "schedule": 15.0,
    },
    "deliver webhooks": {
        "task": "accounts.tasks.deliver_webhooks",
        "schedule": 5.0,
    },
    "make daily summaries": {
        "task": "accounts.tasks.make_digests",
        "schedule": 900.0,
    },
    "fill the waiting list": {
        "task": "licensing.tasks.fill_waiting_lists",
        "schedule": 20.0,
    },
    "carry out approved removals": {
        "task": "licensing.tasks.carry_out_removals",
        "schedule": 20.0,
    },
    "import files of people": {
        "task": "accounts.tasks.import_people",
        "schedule": 10.0,
    },
    "seal the ledger": {
        "task": "licensing.tasks.seal_ledger",
        "schedule": 60.0,
    },
    "reconcile licenses": {
        "task": "licensing.tasks.reconcile_licenses",
        "schedule": 3600.0,
    },
    "reconcile what an admin asked for": {
        "task": "licensing.tasks.reconcile_asked",
        "schedule": 15.0,
    },
    "count seats": {
        "task": "licensing.tasks.count_seats",
        "schedule": 900.0,
    },
    "record files of usage": {
        "task": "licensing.tasks.record_usage_files",
        "schedule": 10.0,
    },
    "count usage": {
        "task": "licensing.tasks.roll_up_usage",
        "schedule": 20.0,
    },
    "send reports": {
        "task": "licensing.tasks.send_reports",
        "schedule": 900.0,
    },
    "prune usage": {"task": "licensing.tasks.prune_usage", "schedule": 86400.0},
    "reclaim idle seats": {"task": "licensing.tasks.reclaim_idle_seats", "schedule": 86400.0},
    "expire tokens": {"task": "scim.tasks.expire_scim_tokens", "schedule": 3600.0},
    "tell of silent applications": {
        "task": "scim.tasks.tell_silence",
        "schedule": 3600.0,
    },
    "let refusals lapse": {"task": "licensing.tasks.lapse_refusals", "schedule": 86400.0},
    "make the months to come": {"task": "accounts.tasks.make_months", "schedule": 86400.0},
    "prune the outbox and sessions": {"task": "accounts.tasks.prune", "schedule": 86400.0},
    "prune the activity log": {"task": "scim.tasks.prune_exchanges", "schedule": 86400.0},
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
_https = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 31536000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_SSL_REDIRECT = _https and env.bool("SSL_REDIRECT", True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _https else None
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024
FILE_UPLOAD_HANDLERS = [
    "accounts.uploads.Limit",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]

SCIM_SERVICE_PROVIDER = {
    "NETLOC": PUBLIC_URL.split("://", 1)[1],
    "SCHEME": PUBLIC_URL.split("://", 1)[0],
    "AUTHENTICATION_SCHEMES": [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token of the SCIM application, sent as Authorization: Bearer TOKEN",
            "primary": True,
        }
    ],
    "WWW_AUTHENTICATE_HEADER": 'Bearer realm="SCIM"',
    "AUTH_CHECK_MIDDLEWARE": "scim.authentication.TokenMiddleware",
    "USER_ADAPTER": "scim.adapters.UserAdapter",
    "GROUP_ADAPTER": "scim.adapters.GroupAdapter",
    "USER_MODEL_GETTER": "scim.adapters.get_user_model",
    "GROUP_MODEL": "accounts.models.Group",
    "USER_FILTER_PARSER": "scim.search.UserFilterQuery",
    "GROUP_FILTER_PARSER": "scim.search.GroupFilterQuery",
    "SERVICE_PROVIDER_CONFIG_MODEL": "scim.adapters.ServiceProviderConfig",
    "SCHEMAS_GETTER": "scim.adapters.get_schemas",
}

#: Whoever reads /metrics sends it as a bearer token; unset, only this machine may.
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
#: Where traces go; unset, OpenTelemetry is not even imported (config/tracing.py).
OTLP_ENDPOINT = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", "")
#: The Admin API (accounts.api): so many requests a minute and token.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)
REST_FRAMEWORK = {
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_SCHEMA_CLASS": "accounts.api.schema.Described",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Seatkeeper Admin API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["accounts.api.schema.finish"],
}

LOGGING_CONFIG = None
LOG_LEVEL = env.str("LOG_LEVEL", "INFO")
