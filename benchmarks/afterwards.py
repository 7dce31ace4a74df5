"""What must hold when the load is over: nothing lost, nothing too many, nothing to repair."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from benchmarks import kills
from benchmarks.directory import Directory
from tests.licensing import books

#: The worker fills waiting lists within a minute (R20); it may be busy with e-mail.
PATIENCE = 180


def wrong(stage: kills.Stage, directories: Iterable[tuple[str, Directory]]) -> list[str]:
    """In sentences; empty is what is wanted. directories: by the slug of their organization.

    The tables agree with one another (no seat twice, none above what was bought, nobody waits
    while one is free), everybody whom the server accepted is there as pushed last and nobody
    else, reconciliation finds nothing, and the ledger is what was sealed.
    """
    deadline = time.monotonic() + PATIENCE
    while (bad := books.wrong(stage.execute)) and time.monotonic() < deadline:
        time.sleep(2)
    faults = [f"{what}: {rows}" for what, rows in bad.items()]
    faults += otherwise(stage.execute, directories)
    if drift := stage.told("reconcile_licenses", "--dry-run")["drift"]:
        faults.append(f"reconciliation finds a drift of {drift}")
    if not json.loads(stage.manage("verify_ledger", "--json"))["whole"]:
        faults.append("the ledger is not whole")
    return faults


def otherwise(execute: books.Execute, directories: Iterable[tuple[str, Directory]]) -> list[str]:
    """Who was accepted and is not there as pushed last, and who is there and was not."""
    faults = []
    for slug, directory in directories:
        there = {
            (name, active, title)
            for name, active, title in execute(
                "SELECT link.user_name, link.active, link.document->>'title' "
                "FROM accounts_link link JOIN accounts_organization organization "
                f"ON organization.id = link.organization_id WHERE organization.slug = '{slug}'"
            )
        }
        told = {(one.email, one.active, one.title) for one in directory.accepted.values()}
        if lost := told - there:
            faults.append(f"{slug}: {len(lost)} accepted pushes are not there: {sorted(lost)[:3]}")
        if more := there - told:
            faults.append(f"{slug}: {len(more)} are there otherwise: {sorted(more)[:3]}")
    return faults
