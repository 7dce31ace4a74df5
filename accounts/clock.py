"""What time it is; tests stop it."""

import datetime as dt

_stopped: dt.datetime | None = None


def now() -> dt.datetime:
    return _stopped or dt.datetime.now(dt.UTC)


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
