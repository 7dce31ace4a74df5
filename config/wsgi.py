"""The web entry: `gunicorn config.wsgi`."""

import atexit
import gc
import os
import shutil
import tempfile

from django.core.wsgi import get_wsgi_application

from config import tracing


def _share_counts() -> None:
    """A folder in which the processes of this web count together (config.metrics).

    Made before they are forked (--preload) and before prometheus_client is imported, which
    looks once whether there is one.
    """
    maker = os.getpid()
    folder = tempfile.mkdtemp(prefix="seatkeeper-metrics-")
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder

    def remove() -> None:
        if os.getpid() == maker:  # not when one of them ends
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    _share_counts()
tracing.start("seatkeeper-web")  # before the middleware is loaded, of which it is the first
application = get_wsgi_application()

# Only now can what needs the settings be imported.
from django.urls import get_resolver  # noqa: E402

from config.checks import refuse_unsafe  # noqa: E402

# A web server runs no system checks: refuse here what `manage.py check` refuses.
refuse_unsafe()
# Import all views before the server forks: its workers share them, and answer at once.
get_resolver().url_patterns  # noqa: B018
# The collector writes into whatever it looks at, and so would give each worker a copy of its own of
# all this at its first full collection (some 35 MB, after minutes of load). It has no need to look.
gc.collect()
gc.freeze()
