"""Why something happens: who did it, through which request, in a sentence (R21)."""

from __future__ import annotations

import dataclasses
import uuid


@dataclasses.dataclass(frozen=True, slots=True)
class Cause:
    """because: the beginning of a plain sentence, without a full stop.

    application or admin: who; neither means that Seatkeeper itself did it
    (a worker, a command). request_id: the request, as in the activity log.
    """

    because: str
    application_id: uuid.UUID | None = None
    admin_id: int | None = None
    request_id: str = ""
