"""What is wrong with this installation, and how to mend it."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable
from typing import Any

from accounts.management.base import JsonCommand
from config import doctor

_MARKS = {"ok": "ok", "warning": "!", "broken": "BROKEN"}


class Command(JsonCommand):
    help = (
        "Look at settings, database, queue, mail, clock, migrations, worker, schedule, disk, "
        "tokens and ledger, and say how to mend what is wrong; exit 1 if something is broken. "
        "Example: doctor --json"
    )
    _well = True

    def perform(self, **_: Any) -> dict[str, Any]:
        found = doctor.examine()
        self._well = all(finding.state != "broken" for finding in found)
        return {"well": self._well, "findings": [dataclasses.asdict(one) for one in found]}

    def lines(self, result: Any) -> Iterable[str]:
        for finding in result["findings"]:
            yield f"{_MARKS[finding['state']]:>6}  {finding['part']:<12}  {finding['said']}"
            if finding["mend"]:
                yield f"{'':>22}→ {finding['mend']}"
        yield "Nothing is broken." if result["well"] else "Something is broken: see above."

    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if not self._well:
            sys.exit(1)
