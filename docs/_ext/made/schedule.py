"""What the schedule wakes the worker for, and how often."""

from __future__ import annotations

from celery import current_app
from django.conf import settings

from made.markdown import code, plain, table

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def page() -> str:
    import config.celery  # noqa: F401 - the worker's own list of tasks

    current_app.loader.import_default_modules()
    rows = []
    for name, entry in sorted(
        settings.CELERY_BEAT_SCHEDULE.items(), key=lambda item: (item[1]["schedule"], item[0])
    ):
        doc = " ".join((current_app.tasks[entry["task"]].__doc__ or "").split())
        said = doc.partition(". ")[0].rstrip(".") if "Task." not in doc else ""
        rows.append((_every(entry["schedule"]), name, plain(said), code(entry["task"])))
    return table(("every", "what", "which means", "task"), rows)


def _every(seconds: float) -> str:
    for size, unit in _UNITS:
        number, rest = divmod(seconds, size)
        if number and not rest:
            return unit if number == 1 else f"{number:.0f} {unit}s"
    raise ValueError(seconds)
