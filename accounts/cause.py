"""Why something happens: who did it, through which request, in a sentence (R21)."""

from __future__ import annotations

import dataclasses
import uuid
from typing import TYPE_CHECKING, Self

from accounts import actor

if TYPE_CHECKING:
    from accounts.models import Admin


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

    @classmethod
    def by(cls, admin: Admin | None, deed: str) -> Self:
        """What an admin did on a page, or (None) a service token or somebody on the command
        line: `deed` as in "gave it"."""
        who = admin.email if admin else actor.name() or "An admin on the command line"
        return cls(f"{who} {deed}", admin_id=admin.pk if admin else None)
