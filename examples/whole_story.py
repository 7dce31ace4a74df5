"""The whole story of a company that runs out of licenses, told by the Admin API.

    python examples/whole_story.py http://127.0.0.1:8000 TOKEN

connects an identity provider, pushes ten people with licenses for six, buys the missing ones and
reads the report. It sets the number of Sales Navigator licenses: use an organization of its own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

MANAGE = Path(__file__).resolve().parents[1] / "manage.py"
PRODUCT = "sales-navigator"
PEOPLE, LICENSES = 10, 6
#: By when whoever waits must have a license.
SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description="Run out of licenses, and buy some.")
    parser.add_argument("base_url", help="where Seatkeeper is: http://127.0.0.1:8000")
    parser.add_argument("token", help="of the Admin API")
    options = parser.parse_args()
    api = httpx.Client(
        base_url=f"{options.base_url.rstrip('/')}/api/v1/",
        headers={"Authorization": f"Bearer {options.token}"},
        timeout=30,
    )
    try:
        tell(api)
    except Refused as refused:
        sys.exit(f"Refused: {refused}")


def tell(api: httpx.Client) -> None:
    now = int(time.time())

    # When licenses run out, people wait for one instead of being refused.
    application = ask(
        api,
        "POST",
        "applications",
        {"name": f"Whole story {now}", "product": PRODUCT, "idp": "okta", "when_full": "waitlist"},
    )
    issued = ask(api, "POST", f"applications/{application['id']}/tokens", {"days": 1})
    print(f"Made the application “{application['name']}” and a token for it.")

    pool = ask(api, "GET", f"pools/{PRODUCT}")
    pool = set_licenses(api, pool["assigned"] + LICENSES)
    print(f"{pool['free']} licenses are free.")

    created = push(issued["base_url"], issued["token"], seed=now)["outcomes"]["created"]
    waiting = who_waits(api, application)
    print(f"Pushed {created} people: {len(waiting)} wait for a license.")
    for person in waiting:
        print(f"  {person['employee_number']:>8}  {person['name']}")

    pool = set_licenses(api, pool["purchased"] + len(waiting))
    until = time.monotonic() + SECONDS
    while who_waits(api, application) and time.monotonic() < until:
        time.sleep(1)
    print(f"Bought {len(waiting)} more: {len(who_waits(api, application))} wait.")

    report = ask(api, "GET", "reports/usage?everybody=true&departments=true")
    print(f"\n{'Report':<24}{'People':>8}{'Licenses':>10}{'Activated':>11}{'Idle':>6}")
    for row in report["rows"]:
        print(
            f"{row['name'][:23]:<24}{row['people']:>8}{row['held']:>10}{row['activated']:>11}"
            f"{row['idle']:>6}"
        )


def set_licenses(api: httpx.Client, number: int) -> Any:
    """Buy licenses, or give some back: the pool as it is then."""
    return ask(api, "PATCH", f"pools/{PRODUCT}", {"purchased": number})


def who_waits(api: httpx.Client, application: Any) -> list[Any]:
    """In the order in which they will get a license."""
    found: list[Any] = []
    address = f"waiting-list?application={application['id']}"
    while address:  # a page at a time
        page = ask(api, "GET", address)
        found += page["items"]
        address = page["next"]
    return found


def push(base_url: str, token: str, *, seed: int) -> Any:
    """Be an identity provider that knows PEOPLE people; seed: others each time."""
    command = [sys.executable, str(MANAGE), "scim_push", "--json", "--base-url", base_url]
    command += ["--token", token, "--generate", str(PEOPLE), "--seed", str(seed)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def ask(api: httpx.Client, method: str, address: str, body: Any = None) -> Any:
    """What the API answers. A refusal says why, in a sentence."""
    answer = api.request(method, address, json=body)
    document = answer.json()
    if answer.is_error:
        raise Refused(f"{document['detail']} ({document['code']})")
    return document


class Refused(Exception):
    """What the API refused, and why."""


if __name__ == "__main__":
    main()
