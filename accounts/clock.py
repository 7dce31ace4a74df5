"""What time it is, and whether the database thinks the same; tests stop it."""

import datetime as dt

from django.db import OperationalError, connection

#: Clocks of several machines may differ by so much.
TOLERANCE = dt.timedelta(minutes=10)
_stopped: dt.datetime | None = None


def now() -> dt.datetime:
    return _stopped or dt.datetime.now(dt.UTC)


class ClocksDiffer(OperationalError):
    """As with a database that is away: the worker tries again, and the task counts as failed."""


def must_agree() -> None:
    """Raises ClocksDiffer where this machine's clock and the database's are far apart.

    Asked before what is done by the time and cannot be undone: a clock that jumped ahead would
    forget and end what is not over.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        apart = abs(cursor.fetchone()[0] - dt.datetime.now(dt.UTC))
    if apart > TOLERANCE:
        raise ClocksDiffer(
            f"The clocks of this machine and of the database are {apart} apart: nothing was done."
        )


class stopped:
    """Stop the clock inside the block."""

    def __init__(self, *, at: dt.datetime) -> None:
        self.at = at

    def __enter__(self) -> None:
        global _stopped
        self.before, _stopped = _stopped, self.at

    def __exit__(self, *args: object) -> None:
        global _stopped
        _stopped = self.before
