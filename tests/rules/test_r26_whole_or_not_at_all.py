"""R26: a request is applied whole or not at all, and repeating it is harmless."""

import functools
import json

import pytest

from accounts import groups as account_groups
from accounts.models import Link, Person
from licensing import allocation
from licensing.models import LedgerEntry
from tests.factories import (
    connect,
    dump,
    grant,
    holders,
    ledger,
    organization,
    person,
    pool_of,
    stranger,
)

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def idp(owner):
    idp = connect(owner, seats=3, eligibility="groups", eligible_groups=["Sellers"])
    idp.ada = idp.create(ADA, number="1", externalId="a1")
    idp.grace = idp.create(GRACE, number="2")
    idp.group = idp.create_group("Sellers", idp.ada.id)
    return idp


REPEATED = {
    "PUT a person": lambda idp: idp.replace(idp.ada.id, ADA, number="1", externalId="a1"),
    "PATCH active": lambda idp: idp.set_active(idp.ada.id, True),
    "PATCH a title": lambda idp: idp.patch(f"/Users/{idp.ada.id}", ("replace", "title", "T")),
    "PATCH several": lambda idp: idp.patch(
        f"/Users/{idp.ada.id}",
        ("add", "nickName", "N"),
        ("remove", "title", None),
        ("replace", None, {"active": False, "name": {"familyName": "King"}}),
    ),
    "PATCH by a filter": lambda idp: idp.patch(
        f"/Users/{idp.ada.id}", ("replace", 'emails[type eq "work"].value', "countess@acme.example")
    ),
    "PUT a group": lambda idp: idp.replace_group(idp.group.id, "Sellers", idp.grace.id),
    "PUT an empty group": lambda idp: idp.replace_group(idp.group.id, "Sellers"),
    "add a member": lambda idp: idp.add_members(idp.group.id, idp.grace.id),
    "add a member who is in it": lambda idp: idp.add_members(idp.group.id, idp.ada.id),
    "remove a member": lambda idp: idp.remove_members(idp.group.id, idp.ada.id),
    "rename": lambda idp: idp.rename_group(idp.group.id, "Sales"),
    "replace members": lambda idp: idp.patch(
        f"/Groups/{idp.group.id}", ("replace", "members", [{"value": idp.grace.id}])
    ),
}


@pytest.mark.parametrize("what", REPEATED)
def test_repeating_a_push_changes_nothing(owner, idp, what):
    """R26: same version, same ledger, same everything, also five times."""
    first = REPEATED[what](idp)
    assert first.status in (200, 204), first.json
    before = dump()
    for _ in range(4):
        again = REPEATED[what](idp)
        assert (again.status, again.json) == (first.status, first.json)
    assert dump() == before


def test_repeating_a_create_or_a_delete_tells_and_changes_nothing(owner, idp):
    """R26: 409 and 404."""
    idp.delete(idp.grace.id)
    before = dump()
    assert idp.create(ADA).status == 409
    assert idp.delete(idp.grace.id).status == 404
    assert idp.create_group("Sellers").status == 409
    assert idp("DELETE", f"/Groups/{stranger()}").status == 404
    assert dump() == before


def _patch(*operations):
    return json.dumps(
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations}
    )


GOOD = {"op": "replace", "path": "title", "value": "Changed"}
FAILING = {
    "no JSON": ("PUT", "/Users/{ada}", b"{"),
    "an empty body": ("PATCH", "/Users/{ada}", b""),
    "no object": ("POST", "/Users", b"[]"),
    "a name twice": ("POST", "/Users", b'{"userName": "x", "userName": "y"}'),
    "no user name": ("POST", "/Users", b'{"active": true}'),
    "PUT without a user name": ("PUT", "/Users/{ada}", b'{"title": "x"}'),
    "a user name that is taken": ("PUT", "/Users/{ada}", json.dumps(person(GRACE)).encode()),
    "PATCH to a user name that is taken": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "replace", "path": "userName", "value": GRACE}),
    ),
    "a wrong type": ("POST", "/Users", b'{"userName": "x", "active": 7}'),
    "too long": ("POST", "/Users", json.dumps({"userName": "x" * 300})),
    "NUL": ("POST", "/Users", json.dumps({"userName": "x\x00y"})),
    "half a surrogate pair": ("POST", "/Users", b'{"userName": "\\ud800"}'),
    "the second operation is wrong": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "replace", "path": "active", "value": "perhaps"}),
    ),
    "the second path is unknown": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "replace", "path": "shoeSize", "value": 4}),
    ),
    "a filter that is none": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "replace", "path": "emails[type eq", "value": 4}),
    ),
    "no target": (
        "PATCH",
        "/Users/{ada}",
        _patch(
            GOOD, {"op": "replace", "path": 'emails[type eq "fax"].value', "value": "x@y.example"}
        ),
    ),
    "the id": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "replace", "path": "id", "value": "other"}),
    ),
    "removing the user name": (
        "PATCH",
        "/Users/{ada}",
        _patch(GOOD, {"op": "remove", "path": "userName"}),
    ),
    "an unknown op": ("PATCH", "/Users/{ada}", _patch(GOOD, {"op": "move", "path": "title"})),
    "a group without a name": ("POST", "/Groups", b'{"members": []}'),
    "an unknown member": (
        "POST",
        "/Groups",
        json.dumps(
            {"displayName": "New", "members": [{"value": "{grace}"}, {"value": stranger()}]}
        ),
    ),
    "a member that is no id": (
        "PATCH",
        "/Groups/{group}",
        _patch(
            {"op": "add", "path": "members", "value": [{"value": "{grace}"}, {"value": "nobody"}]}
        ),
    ),
    "PUT with an unknown member": (
        "PUT",
        "/Groups/{group}",
        json.dumps({"displayName": "Renamed", "members": [{"value": stranger()}]}),
    ),
    "PATCH of a group whose second operation is wrong": (
        "PATCH",
        "/Groups/{group}",
        _patch(
            {"op": "replace", "path": "displayName", "value": "Renamed"},
            {"op": "remove", "path": 'members[value eq "{ada}"]'},
            {"op": "add", "path": "members", "value": [{"value": stranger()}]},
        ),
    ),
    "a group in a group": (
        "PATCH",
        "/Groups/{group}",
        _patch({"op": "add", "path": "members", "value": [{"value": "{grace}", "type": "Group"}]}),
    ),
    "another media type": ("POST", "/Users", b'{"userName": "x"}'),
    "a version that is over": ("PUT", "/Users/{ada}", json.dumps(person(ADA, title="x"))),
    "DELETE of a version that is over": ("DELETE", "/Users/{ada}", None),
    "DELETE of a group of a version that is over": ("DELETE", "/Groups/{group}", None),
    "PUT of a group of a version that is over": (
        "PUT",
        "/Groups/{group}",
        b'{"displayName": "Renamed"}',
    ),
}


@pytest.mark.parametrize("what", FAILING)
def test_a_request_that_fails_changes_nothing(owner, idp, what):
    """R26: an error means that nothing was changed: every table is as it was before."""
    method, path, body = FAILING[what]
    headers = {"If-Match": 'W/"99"'} if "version" in what else {}
    names = {"{ada}": idp.ada.id, "{grace}": idp.grace.id, "{group}": idp.group.id}

    def filled(text):
        for name, id in names.items():
            text = text.replace(name, id)
        return text

    if isinstance(body, str):
        body = filled(body)
    before = dump()
    if what == "another media type":
        response = idp.client.post(
            "/scim/v2/Users",
            body,
            content_type="text/plain",
            headers={"Authorization": f"Bearer {idp.secret}"},
        )
        status = response.status_code
    else:
        status = idp(method, filled(path), body, **headers).status
    assert 400 <= status < 500
    assert dump() == before


def test_a_refused_push_adds_one_line_and_one_who_waits_and_nothing_else(owner):
    """R26, R18: apart from that nothing was changed."""
    idp = connect(owner, seats=0)
    before = dump(without=("scim_exchange", "licensing_waitingentry", "licensing_ledgerentry"))
    idp.create(ADA)
    idp.create(ADA)
    after = dump(without=("scim_exchange", "licensing_waitingentry", "licensing_ledgerentry"))
    assert after == before
    assert ledger(owner) == [("refuse", ADA)] * 2


@pytest.mark.parametrize("where", ["settle", "add_members"])
def test_a_fault_in_the_middle_undoes_everything_and_says_500(
    owner, idp, where, monkeypatch, caplog
):
    """R26: also when Seatkeeper itself fails."""
    module, name = {
        "settle": (allocation, "settle"),
        "add_members": (account_groups, "add_members"),
    }[where]
    real = getattr(module, name)

    def fail(*args, **kwargs):
        real(*args, **kwargs)
        raise RuntimeError("broken")

    before = dump()
    with monkeypatch.context() as broken:
        broken.setattr(module, name, fail)
        answers = [idp.add_members(idp.group.id, idp.grace.id)]
        if where == "settle":
            answers += [
                idp.set_active(idp.ada.id, False),
                idp.create("new@acme.example"),
                idp.delete(idp.ada.id),
            ]
    for answer in answers:
        assert answer.status == 500
        assert "broken" not in str(answer.json)
        assert "Nothing was changed" in answer.detail
    assert dump() == before
    assert idp.add_members(idp.group.id, idp.grace.id).status == 204


def test_in_a_bulk_request_one_operation_that_fails_undoes_itself_only(owner, idp):
    """R26: each operation whole or not at all, with an answer of its own."""
    answer = idp.bulk(
        ("POST", "/Users", person("b0@acme.example")),
        (
            "PATCH",
            f"/Users/{idp.ada.id}",
            {
                "Operations": [
                    {"op": "replace", "path": "title", "value": "Lost"},
                    {"op": "replace", "path": "active", "value": "perhaps"},
                ]
            },
        ),
        ("POST", "/Users", person(GRACE)),
        ("POST", "/Users", person("b3@acme.example")),
    )
    assert [r["status"] for r in answer.json["Operations"]] == ["201", "400", "409", "201"]
    assert "title" not in idp.get(idp.ada.id).json
    assert idp.user_names() == [ADA, "b0@acme.example", "b3@acme.example", GRACE]


def test_giving_a_seat_by_hand_twice_gives_one(owner, idp):
    """R26: repeating is harmless, by hand too."""
    first = grant(owner, "max@acme.example")
    before = dump()
    assert grant(owner, "max@acme.example").json == first.json
    assert dump() == before


@pytest.mark.django_db(transaction=True)
def test_one_person_pushed_by_many_at_once_ends_as_one_of_them_said(race):
    """R26: changes of one person go one after the other, each whole, each a version."""
    owner = organization()
    idp = connect(owner, seats=5)
    ada = idp.create(ADA)
    answers = race(
        *(
            functools.partial(idp.replace, ada.id, ADA, title=f"T{n}", nickName=f"T{n}")
            for n in range(8)
        )
    )
    assert {answer.status for answer in answers} == {200}
    shown = idp.get(ada.id)
    assert shown.json["title"] == shown.json["nickName"]
    assert shown.headers["ETag"] == 'W/"9"'


@pytest.mark.django_db(transaction=True)
def test_of_many_who_change_one_version_one_is_heard(race):
    """R26: If-Match: exactly one 200, the others 412."""
    owner = organization()
    idp = connect(owner, seats=5)
    ada = idp.create(ADA)
    answers = race(
        *(
            functools.partial(
                idp,
                "PUT",
                f"/Users/{ada.id}",
                person(ADA, title=f"T{n}"),
                **{"If-Match": ada.headers["ETag"]},
            )
            for n in range(6)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 5


@pytest.mark.django_db(transaction=True)
def test_a_person_activated_and_deactivated_at_once_is_one_of_both(race):
    """R26, R13: seat and active flag never contradict each other."""
    owner = organization()
    idp = connect(owner, seats=5)
    ada = idp.create(ADA)
    for _ in range(4):
        race(*(functools.partial(idp.set_active, ada.id, n % 2 == 0) for n in range(6)))
        assert holders(owner) == ([ADA] if idp.get(ada.id).json["active"] else [])


@pytest.mark.django_db(transaction=True)
def test_a_person_deleted_by_many_at_once_is_deleted_once(race):
    """R26, R13: exactly one 204, the others 404, one release."""
    owner = organization()
    idp = connect(owner, seats=5)
    ada = idp.create(ADA)
    answers = race(*[lambda: idp.delete(ada.id)] * 6)
    assert sorted(answer.status for answer in answers) == [204] + [404] * 5
    assert ledger(owner).count(("release", ADA)) == 1
    assert not Link.objects.of(owner).exists()


@pytest.mark.django_db(transaction=True)
def test_deleting_a_group_while_members_come_leaves_no_seat_of_nobody(race):
    """R26, R16: whichever is first, nobody keeps a seat that hung on the group."""
    owner = organization()
    idp = connect(owner, seats=9, eligibility="groups", eligible_groups=["Sellers"])
    ids = [idp.create(f"p{n}@acme.example").id for n in range(4)]
    for _ in range(3):
        group = idp.create_group("Sellers", *ids[:2]).id
        race(
            functools.partial(idp, "DELETE", f"/Groups/{group}"),
            *(functools.partial(idp.add_members, group, id) for id in ids[2:]),
            behind=owner,
        )
        assert holders(owner) == []
    assert pool_of(owner).held == 0
    assert Person.objects.of(owner).count() == 4


@pytest.mark.django_db(transaction=True)
def test_a_person_deleted_while_put_into_a_group_is_in_no_group(race):
    """R26, R13: whichever is first, who is gone is in no group of the application."""
    owner = organization()
    idp = connect(owner, seats=9, eligibility="groups", eligible_groups=["Sellers"])
    group = idp.create_group("Sellers").id
    for n in range(4):
        ada = idp.create(f"p{n}@acme.example")
        deleted, _ = race(
            functools.partial(idp.delete, ada.id),
            functools.partial(idp.add_members, group, ada.id),
            behind=owner if n % 2 else None,
        )
        assert deleted.status == 204
        assert idp.members(group) == []
    assert holders(owner) == []
    assert LedgerEntry.objects.filter(deed="grant").count() == (
        LedgerEntry.objects.filter(deed="release").count()
    )
    again = idp.create("p0@acme.example")
    assert "groups" not in again.json
