"""The worker and its schedule.

Tasks only wake domain functions. Everything that is left to do later is a row
in the database, so that losing the queue loses nothing: the schedule sweeps for
what a lost message would have started (R9, R20).
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("seatkeeper")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
