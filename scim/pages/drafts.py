"""What was entered of a new SCIM configuration, until its last step makes it.

In the session, for one organization: nothing of it is in the database, and it goes with
the sign-in.
"""

from __future__ import annotations

from typing import Any

from accounts.pages.access import AdminRequest

_KEY = "scim_draft"


def of(request: AdminRequest) -> dict[str, Any]:
    """For the organization in use; empty when nothing was entered."""
    draft = request.session.get(_KEY) or {}
    return draft if draft.get("organization") == request.organization.pk else {}


def keep(request: AdminRequest, draft: dict[str, Any]) -> None:
    request.session[_KEY] = draft | {"organization": request.organization.pk}


def drop(request: AdminRequest) -> bool:
    """Whether there was one."""
    return request.session.pop(_KEY, None) is not None
