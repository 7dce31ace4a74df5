"""The web entry: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# Only now can what needs the settings be imported.
from django.urls import get_resolver  # noqa: E402

from config.checks import refuse_unsafe  # noqa: E402

# A web server runs no system checks: refuse here what `manage.py check` refuses.
refuse_unsafe()
# Import all views before the server forks: its workers share them, and answer at once.
get_resolver().url_patterns  # noqa: B018
