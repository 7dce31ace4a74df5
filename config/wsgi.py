"""The web entry: `gunicorn config.wsgi`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
application = get_wsgi_application()

# A web server runs no system checks: refuse here what `manage.py check` refuses.
from config.checks import refuse_unsafe  # noqa: E402

refuse_unsafe()
