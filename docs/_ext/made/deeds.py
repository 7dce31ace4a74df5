"""The words of the two records: what admins do (audit log), what happens to seats (ledger)."""

from __future__ import annotations

import re

from accounts.deeds import Deed
from licensing.models import LedgerEntry
from licensing.undo import WAYS
from made.markdown import code, listed, table
from made.sources import CHECKOUT, modules

_NAMED = re.compile(r"(?<!LedgerEntry\.)\bDeed\.([A-Z_]+)")
#: What a line of the ledger is about. A new deed needs its sentence here.
_MEANS = {
    LedgerEntry.Deed.GRANT: "Somebody got a seat: by a push, from the waiting list, by an admin.",
    LedgerEntry.Deed.RELEASE: "Somebody lost a seat: deactivated, deleted, no longer eligible, "
    "removed by an admin, or reclaimed because it was idle.",
    LedgerEntry.Deed.TAKE_OVER: "An application manages a seat from now on that was given by hand.",
    LedgerEntry.Deed.ACTIVATE: "The person activated their seat.",
    LedgerEntry.Deed.REFUSE: "A push asked for a seat and none was free.",
    LedgerEntry.Deed.LAPSE: "A refused push ended: not repeated for seven days, or dropped.",
    LedgerEntry.Deed.RESIZE: "The number of licenses was changed.",
    LedgerEntry.Deed.BRAKE: "The limits of a safety brake were changed.",
}


def audit() -> str:
    places = _places()
    rows = [
        (code(deed), deed.label, "yes" if deed in WAYS else "", listed(places[deed.name]))
        for deed in Deed
    ]
    return table(("word", "the audit log says", "can be undone", "noted by"), rows)


def ledger() -> str:
    if new := set(LedgerEntry.Deed) - set(_MEANS):
        raise ValueError(f"docs/_ext/made/deeds.py does not say what {', '.join(new)} is")
    rows = [(code(deed.value), deed.label, _MEANS[deed]) for deed in LedgerEntry.Deed]
    return table(("word", "the history says", "when"), rows)


def _places() -> dict[str, list[str]]:
    """Name of a deed → the modules of the domain that name it."""
    found: dict[str, list[str]] = {deed.name: [] for deed in Deed}
    for path in modules():
        if path not in ("accounts/deeds.py", "licensing/undo.py"):
            for name in set(_NAMED.findall((CHECKOUT / path).read_text())) & set(found):
                found[name].append(path)
    return found
