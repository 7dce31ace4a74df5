"""The demo organization: Acme, as `./run` shows it and `seed_demo` makes it.

Made by the domain functions that pages and pushes use, so that its ledger, waiting list
and explanations are as real as any. Its people are invented, and nobody receives mail there.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from pathlib import Path
from typing import Any

from accounts import admins, changes, groups, organizations, people
from accounts import secrets as token_form
from accounts.models import Application, Organization, Product
from config import demo_usage
from licensing import pools, roster
from licensing.models import Policy
from scim import applications, tokens
from scim import groups as scim_groups
from scim import users as scim_users
from scim.caller import Caller
from scim.employees import Employee, made_up
from scim.models import Token
from scim.simulator import IDPS

SLUG = "acme"
SALES_SEATS = 100
TEAMLINK_SEATS = 20
PUSHED = 60
#: More than there are seats, so that the waiting list has somebody.
PUSHED_TO_TEAMLINK = 24
GROUPS = ("Sales", "Customer Success", "Marketing")
FILE = "demo.json"


def ensure(data_dir: Path) -> dict[str, Any] | None:
    """The demo's way in, made now if the database is empty; None when it isn't known.

    Tokens are stored only as hashes, so what was made is kept in the data folder
    (`demo.json`, for its owner alone) to be shown again at later starts.
    """
    if not Organization.objects.exists():
        return make_demo(data_dir)
    try:
        kept = json.loads((data_dir / FILE).read_text())
    except (FileNotFoundError, ValueError):
        return None
    digest = token_form.digest(kept["token"])
    # It may be of another database, or be revoked meanwhile.
    valid = Token.objects.filter(digest=digest, revoked_at=None, expired_at=None).exists()
    return kept if valid else None


def make_demo(data_dir: Path) -> dict[str, Any]:
    """Acme with an admin, two applications, people, groups. Refused: it exists already.

    Returns {"organization", "admin": {"email", "password"}, "application", "token", "people"}.
    """
    acme = organizations.create("Acme", slug=SLUG, plan="advanced-plus")
    password = secrets.token_urlsafe(12)
    admin = admins.create("admin@acme.example", organization=acme, password=password)
    with demo_usage.days_ago(demo_usage.DAYS):
        pools.set_seats(acme, Product.SALES_NAVIGATOR, SALES_SEATS, by=admin)
        pools.set_seats(acme, Product.TEAMLINK_EXTEND, TEAMLINK_SEATS, by=admin)
    sales, teamlink = (
        applications.create(
            acme, name, product=product, idp="okta", when_full=Policy.WhenFull.WAITLIST, by=admin
        )
        for name, product in (
            ("Okta for Sales Navigator", Product.SALES_NAVIGATOR),
            ("Okta for TeamLink Extend", Product.TEAMLINK_EXTEND),
        )
    )
    issued = tokens.issue(sales, name="Demo", by=admin)
    made = {
        "organization": SLUG,
        "admin": {"email": admin.email, "password": password},
        "application": str(sales.pk),
        "token": issued.secret,
    }
    # Before the people: should they fail, the way in is known all the same.
    _keep(data_dir / FILE, made)
    staff = list(made_up(PUSHED + PUSHED_TO_TEAMLINK))
    _push(_caller(acme, sales), staff[:PUSHED])
    _push(_caller(acme, teamlink), staff[PUSHED:])
    _by_hand(acme)
    demo_usage.fill(acme, admin)
    return made | {"people": acme.people.count()}


def _push(caller: Caller, staff: list[Employee]) -> None:
    """People, then a group for each department, as Okta sends them."""
    okta = IDPS["okta"]
    ids = {}
    for n, e in enumerate(staff):
        with demo_usage.days_ago(_weeks_of(n, staff)):
            ids[e.email] = uuid.UUID(scim_users.create(caller, okta.create(e).body or {}).id)
    for name in GROUPS:
        members = [{"value": str(ids[e.email])} for e in staff if e.department == name]
        if caller.application.product == Product.SALES_NAVIGATOR:
            scim_groups.create(caller, {"displayName": name, "members": members})
    product = caller.application.product
    # Two in three have followed the link in their invitation; one has left.
    for n, employee in enumerate(staff[: len(staff) * 4 // 5]):
        if 7 * n % 10 < 7:
            with demo_usage.days_ago(_weeks_of(n, staff) - 1):
                roster.activate(caller.organization, product, employee.email)
    leaver = okta.switch(str(ids[staff[-1].email]), active=False)
    scim_users.modify(caller, ids[staff[-1].email], leaver.body or {})


def _weeks_of(n: int, staff: list[Employee]) -> float:
    """How many days ago somebody came: one after the other, over some weeks."""
    return demo_usage.DAYS - demo_usage.SPREAD * n / len(staff)


def _by_hand(acme: Organization) -> None:
    """What an admin did before there was SCIM: contractors, and groups for reporting."""
    contractors = [
        ("grace.hopper@example.com", "Grace", "Hopper"),
        ("ada.lovelace@example.com", "Ada", "Lovelace"),
        ("alan.turing@example.com", "Alan", "Turing"),
    ]
    for email, first, last in contractors:
        roster.grant(acme, Product.SALES_NAVIGATOR, email, first_name=first, last_name=last)
    staff = list(made_up(PUSHED))

    def make_groups() -> None:
        for name, addresses in (
            ("SMB", [e.email for e in staff[0:60:3]]),
            ("Enterprise", [e.email for e in staff[1:60:3]]),
            ("Contractors", [email for email, _, _ in contractors]),
        ):
            found = [people.find_by_email(acme, email) for email in addresses]
            groups.add_people(groups.create(acme, name), [p for p in found if p is not None])

    changes.run(make_groups)


def _caller(organization: Organization, application: Application) -> Caller:
    policy = Policy.objects.get(application=application)
    return Caller(
        token_id=uuid.UUID(int=0),
        application=application,
        organization=organization,
        pool_id=policy.pool_id,
        when_full=policy.when_full,
        request_id="demo",
    )


def _keep(file: Path, made: dict[str, Any]) -> None:
    with open(file, "w", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        json.dump(made, stream)
