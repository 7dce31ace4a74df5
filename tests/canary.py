"""Somebody whose every name is found nowhere else, and who stands in every place that there is."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

from django.db import connection
from django.test import Client

from accounts import api_tokens, clock, outbox, people_files, webhooks
from accounts.models import Admin, Group, Organization, Outbox, Person
from licensing import brake, usage, usage_files
from licensing.models import Policy
from scim import exchanges
from tests import factories
from tests.factories import Idp, connect

SALES, TEAMLINK = "sales-navigator", "teamlink-extend"
FIRST, LAST = "Kanarina", "Vogelsänger"
NAME = f"{FIRST} {LAST}"
EMAIL, EARLIER = "kanarina@acme.example", "kanarina.fink@acme.example"
NUMBER, USER_NAME, EXTERNAL = "KV-77", "kvogel@login", "00u-kanari"
#: Found in no text of the database once they are erased; in any case of the letters.
NEVER = ("kanari", "vogels", "kvogel", "kv-77")
ROBIN = "robin@acme.example"


def push(idp: Idp, email: str = EMAIL, **more: Any) -> factories.Answer:
    document = factories.person(email, number=NUMBER, first=FIRST, last=LAST, **more)
    document |= {"userName": USER_NAME, "externalId": EXTERNAL, "nickName": "Kanari"}
    return idp("POST", "/Users", document)


def provided(owner: Organization, lea: Admin) -> tuple[Person, Idp]:
    """Pushed, with another address at first, used, held and watched; deactivated in the end.

    Robin waits for the seat that she holds by hand, of TeamLink Extend.
    """
    okta = connect(owner, seats=1, name="Okta")
    url = "https://hr.acme.example/in"
    webhooks.add(owner, name="HR", url=url, kinds=list(webhooks.KINDS), by=lea)
    factories.set_seats(owner, 0)
    assert push(okta, EARLIER).status == 403
    factories.set_seats(owner, 3)
    made = push(okta, EARLIER)
    okta.find(f'userName eq "{USER_NAME}"')
    okta.find(f'externalId eq "{EXTERNAL}"')
    okta("POST", "/Users/.search", {"schemas": [], "filter": f'emails.value eq "{EARLIER}"'})
    assert push(okta).status == 409
    assert okta.patch(f"/Users/{made.id}", ("replace", "emails", [{"value": EMAIL}])).status == 200
    okta.create(ROBIN, first="Robin", last="Hood")
    group = okta.create_group("Sellers")
    member = {"value": made.id, "display": NAME}
    okta.patch(f"/Groups/{group.id}", ("add", "members", [member]))
    okta.bulk(("PATCH", f"/Users/{made.id}", {"Operations": [
        {"op": "replace", "path": "displayName", "value": NAME}]}))  # fmt: skip
    person = Person.objects.get(email=EMAIL)
    use(owner, EMAIL)
    okta.get(made.id)
    hold(okta, made.id, lea)
    factories.set_seats(owner, 1, TEAMLINK)
    assert factories.grant(owner, EMAIL, TEAMLINK).exit == 0
    tle = connect(owner, product=TEAMLINK, name="Okta TLE", when_full="waitlist")
    tle.create(ROBIN, first="Robin", last="Hood")
    assert factories.waiting(owner, TEAMLINK) == [ROBIN]
    exchanges.flush()
    for endpoint in webhooks.with_work():
        webhooks.read(endpoint)
    return person, okta


def hold(okta: Idp, id: str, lea: Admin) -> None:
    """The brake holds the deactivation at first, and an admin lets it be."""
    policy = Policy.objects.get(application=okta.application)
    brake.set_limits(policy, on=True, people=0, percent=0, by=lea)
    assert okta.set_active(id, active=False).status == 403
    brake.set_limits(policy, on=False, people=0, percent=0, by=lea)
    assert okta.set_active(id, active=False).status == 200


def use(owner: Organization, who: str) -> None:
    """Uses, counted; one that is refused, and a file that waits to be confirmed."""
    now = clock.now()
    factories.manage("activate_seat", owner.slug, SALES, who)
    seen = (now + dt.timedelta(seconds=1)).isoformat()
    event = usage.Event(f"use of {who}", SALES, seen, email=who)
    assert [one.outcome for one in usage.record(owner, [event])] == ["accepted"]
    usage.roll_up_all()
    rows = f"time,email,product\n2020-01-01,{who},{SALES}\n".encode()
    usage_files.import_now(owner, "old.csv", rows, product="")
    usage_files.keep(owner, "new.csv", rows, admin=None)


def by_hand(owner: Organization, lea: Admin, client: Client) -> Person:
    """Added by a program, edited, put into a group, taken out, with a file that has her row."""
    factories.set_seats(owner, 2)
    secret = api_tokens.issue(owner, "HR", scopes=["people:write"], admin=None).secret
    body = {"email": EARLIER, "first_name": FIRST, "last_name": LAST, "employee_number": NUMBER}
    answer = client.post(
        "/api/v1/people",
        json.dumps(body | {"license": SALES}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "once"},
    )
    assert answer.status_code == 201, answer.content
    person = Person.objects.get(email=EARLIER)
    profile = {"email": EMAIL, "first_name": FIRST, "last_name": LAST, "employee_number": NUMBER}
    client.post(f"/users/{person.pk}/edit/", profile)
    assert factories.grant(owner, ROBIN, first_name="Robin", last_name="Hood").exit == 0
    group = factories.manage("create_group", owner.slug, "SMB", "--member", ROBIN).json
    assert group["members"] == [ROBIN]
    client.post(f"/groups/{Group.objects.get(name='SMB').pk}/add/", {"person": person.pk})
    people_files.keep(
        owner, "people.csv", io.BytesIO(f"email,last name\n{EMAIL},{LAST}\n".encode()), admin=lea
    )
    use(owner, EMAIL)
    client.post(f"/users/{person.pk}/licenses/{SALES}/take/")
    client.post(f"/users/{person.pk}/licenses/{SALES}/give/")
    outbox.put(owner.pk, "invitation", {"seat": 0, "to": EMAIL})
    Outbox.objects.filter(payload__seat=0).update(error=f"550 no {EMAIL}", done_at=clock.now())
    return person


def where(*words: str) -> dict[str, list[str]]:
    """Columns of the whole database in which one of these stands, by word; in any case."""
    found: dict[str, list[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2"
        )
        columns = cursor.fetchall()
        for table in sorted({table for table, _, _ in columns}):
            told = ", ".join(
                f"bool_or(lower({name if kind != 'bytea' else f'encode({name}, $$escape$$)'}"
                f"::text) LIKE ANY(%(words)s))"
                for of, name, kind in columns
                if of == table
            )
            likes = [f"%{word}%" for word in words]
            cursor.execute(f"SELECT {told} FROM {table}", {"words": likes})
            names = [name for of, name, _ in columns if of == table]
            for name, is_there in zip(names, cursor.fetchone(), strict=True):
                if is_there:
                    found.setdefault(table, []).append(name)
    return found
