"""Public testers against the real server, each with an application of its own: they find nothing.

scim2-tester (python-scim) is run whole. scim-sanity is run in strict mode; of its checks three
demand what RFC 7644 does not, and stand in NOT_DEMANDED with what we answer instead, so that they
are checked too.
"""

from __future__ import annotations

import collections

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import Status, check_server
from scim2_tester.utils import ResourceManager
from scim_sanity.probe.runner import run_probe_api

from tests.conformance.live import Server

#: Checks of scim-sanity that go beyond the RFC: its complaint, word by word, and why we keep to
#: what we answer.
NOT_DEMANDED = {
    "PATCH /Groups/{id}": (
        "Expected HTTP 200, got 204 (RFC 7644 §3.3); Response body is empty",
        "RFC 7644 section 3.5.2: the server MUST return 200 with the resource, or MAY return 204 "
        "unless “attributes” was given. A group may have 100,000 members that nobody asked for.",
    ),
    "PATCH /Groups/{id} remove members": (
        "Expected 200, got 204",
        "The same.",
    ),
    "PATCH /Groups/{id} add member": (
        "Expected 200, got 400",
        "It adds “fake-member-id”, which nobody has. RFC 7643 section 4.2: a member's value is the "
        "“id” of a SCIM resource. Whom we do not know we cannot give a seat: invalidValue (RFC "
        "7644 table 9), and the identity provider sees that the person is missing.",
    ),
}

#: Of resource types that we do not offer, and /ResourceTypes does not name.
SKIPPED = {
    "Agent CRUD Lifecycle",
    "AgenticApplication CRUD Lifecycle",
    "Agent Rapid Lifecycle",
}


def test_scim2_tester_finds_nothing(live: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7643 and RFC 7644: discovery, and creating, reading, listing, replacing, deleting and
    patching every attribute of /Schemas, with every check it has."""
    clean_up = ResourceManager.cleanup

    def once(manager: ResourceManager) -> None:
        """It deletes after each check all that any check before has made, mostly gone already."""
        clean_up(manager)
        manager.resources.clear()

    monkeypatch.setattr(ResourceManager, "cleanup", once)
    token = live.application().token
    with httpx2.Client(
        base_url=live.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=30
    ) as http:
        results = check_server(SyncSCIMClient(http))
    assert [repr(result) for result in results if result.status is not Status.SUCCESS] == []
    titles = collections.Counter(result.title for result in results)
    assert len(titles) >= 23
    assert sum(titles.values()) >= 130, titles


def test_scim_sanity_finds_nothing_that_the_rfc_demands(live: Server) -> None:
    """RFC 7643 and RFC 7644, in scim-sanity's strict mode."""
    report = run_probe_api(live.base_url, token=live.application().token, strict=True)
    by_status = collections.defaultdict(dict)
    for result in report["results"]:
        by_status[result["status"]][result["name"]] = result.get("message")
    assert by_status["fail"] == {name: said for name, (said, _) in NOT_DEMANDED.items()}
    assert set(by_status["skip"]) == SKIPPED
    assert set(by_status) == {"pass", "fail", "skip"}, "neither warnings nor errors"
    assert len(by_status["pass"]) >= 25
