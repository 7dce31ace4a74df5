"""R28: the activity log's pages: found, told in words, before and after, what to do, exported."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json

import pytest
from django.db import connection

from accounts import clock, groups
from accounts.pages import paging
from licensing import brake, review
from licensing.models import HeldRemoval, Policy
from scim import exchanges
from scim.models import Exchange
from scim.pages import activity
from tests.factories import PATCH_OP, connect, grant, manage, person, stranger

pytestmark = pytest.mark.django_db

ADA, GRACE = "ada@acme.example", "grace@acme.example"


@pytest.fixture
def idp(owner):
    return connect(owner, seats=1, idp="okta")


def text(answer):
    """The page without the markup's line breaks."""
    return " ".join(answer.content.decode().split())


def _last():
    return Exchange.objects.order_by("-id").first()


def _entry(admin, exchange=None):
    return admin.get(f"/activity/{(exchange or _last()).pk}/")


def _found(admin, query):
    exchanges.flush()
    return [
        (row.method, row.status) for row in admin.get(f"/activity/?{query}").context["page"].rows
    ]


# ------------------------------------------------------------------ searching


def test_what_was_about_a_person_is_found_by_user_name_address_and_id(owner, admin, idp):
    """R28: who sent what; also a push that was refused, of somebody who is not there."""
    ada = idp.create("ada", emails=[{"value": ADA, "type": "work"}])
    idp.set_active(ada.id, True)
    idp.get(ada.id)
    idp.create(GRACE)
    for asked in ("ADA", ADA, ada.id, ada.id.upper(), f" {ADA} "):
        assert sorted(_found(admin, f"q={asked}")) == [("GET", 200), ("PATCH", 200), ("POST", 201)]
    assert _found(admin, f"q={GRACE}") == [("POST", 403)]
    assert _found(admin, "q=nobody@acme.example") == []
    assert "Whole user names" in text(admin.get("/activity/?q=nobody"))


def test_what_was_about_a_group_is_found_by_its_name(owner, admin, idp):
    """R28."""
    sales = idp.create_group("Sales EMEA")
    idp.rename_group(sales.id, "Sales DACH")
    assert len(_found(admin, "q=sales+dach")) == 1
    assert len(_found(admin, f"q={sales.id}")) == 1
    assert _found(admin, "q=sales+emea") == [("POST", 201)]


def test_a_request_is_found_by_its_id_and_narrowed_by_answer_method_and_day(owner, admin, idp):
    """R28: what makes no sense is left out."""
    with clock.stopped(at=dt.datetime(2026, 3, 1, 23, 59, tzinfo=dt.UTC)):
        first = idp.create(ADA)
    idp.create(GRACE)
    request_id = first.headers["X-Request-Id"]
    assert _found(admin, f"q={request_id}") == _found(admin, f"request={request_id}")
    assert _found(admin, f"q={request_id}") == [("POST", 201)]
    assert _found(admin, "answer=403") == [("POST", 403)]
    assert _found(admin, "method=PUT") == []
    assert _found(admin, "since=2026-03-01&until=2026-03-01") == [("POST", 201)]
    assert _found(admin, "since=2026-03-02") == [("POST", 403)]
    odd = "since=x&until=0000-00-00&method=x&answer=x&application=x&q=%00"
    assert len(_found(admin, odd)) == 2


def test_searches_go_by_an_index_however_long_the_log_is(owner, idp):
    """R28: neither reads the log from end to end."""
    idp.create(ADA)
    rows = activity._rows(owner, activity.Wanted(ADA, None, "", "", None, None))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scim_exchange (organization_id, application_id, token_id, request_id, at, "
            "  milliseconds, method, path, status, detail, about) "
            "SELECT organization_id, application_id, token_id, n::text, at, milliseconds, method, "
            "  path, status, detail, 'somebody ' || n "
            "FROM scim_exchange, generate_series(1, 20000) n"
        )
        cursor.execute("ANALYZE scim_exchange")
        sql, parameters = rows.query.sql_with_params()
        cursor.execute(f"EXPLAIN {sql}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "exchange_by_request" in plan
    assert "exchanges_about" in plan


# ------------------------------------------------------------------ what it was and changed


@pytest.mark.parametrize(
    ("send", "says"),
    [
        (lambda idp, id: idp.find(f'userName eq "{ADA}"'), f"person whose userName is {ADA}"),
        (lambda idp, id: idp("GET", "/Groups"), "Listed groups"),
        (lambda idp, id: idp.find('title pr and userName sw "a"'), "Listed people by a filter"),
        (lambda idp, id: idp("GET", "/Schemas"), "Asked which attributes there are"),
        (lambda idp, id: idp.bulk(("POST", "/Users", person("x"))), "Sent many changes"),
        (lambda idp, id: idp("GET", "/Nothing"), "Sent GET to /Nothing"),
        (lambda idp, id: idp("POST", "/Users/.search", {}), "Searched users"),
        (lambda idp, id: idp.replace(id, ADA, title="Countess"), f"Replaced the person {ADA}"),
        (lambda idp, id: idp.delete(id), f"Deleted the person {ADA}"),
        (lambda idp, id: idp.delete(stranger()), "Wanted to delete the person"),
    ],
)
def test_a_request_is_told_in_words(admin, idp, send, says):
    """R28: in the list, and on its own page."""
    send(idp, idp.create(ADA).id)
    exchanges.flush()
    assert says in text(_entry(admin))
    if "Deleted" not in says:  # the list reads no bodies, and the name is nowhere else any more
        assert says in text(admin.get("/activity/"))


def test_a_change_is_shown_before_and_after(owner, admin, idp):
    """R28: what it changed."""
    ada = idp.create(ADA, number="7", title="Countess")
    created = _entry(admin).context["difference"]
    assert ("userName", None, ADA) in _told(created)
    idp.create_group("Sales", ada.id)  # shows in the person, and is no change by the next push
    idp.patch(
        f"/Users/{ada.id}",
        ("replace", "name.familyName", "King"),
        ("remove", "title", None),
        ("replace", 'emails[type eq "work"].value', "ada.king@acme.example"),
    )
    page = _entry(admin)
    assert _told(page.context["difference"]) == [
        ("name.familyName", "Lovelace", "King"),
        ("emails[work].value", ADA, "ada.king@acme.example"),
        ("title", "Countess", None),
    ]
    assert "Lovelace</del>" in text(page)
    assert "King</ins>" in text(page)
    idp.set_active(ada.id, True)
    assert "it was exactly so already" in text(_entry(admin))
    idp.delete(ada.id)
    gone = _entry(admin).context["difference"]
    assert ("userName", ADA, None) in _told(gone)


def test_without_the_state_before_only_the_one_after_is_told(owner, admin, idp):
    """R28: the log is kept for a set time."""
    ada = idp.create(ADA)
    Exchange.objects.all().delete()
    idp.patch(f"/Users/{ada.id}", ("replace", "title", "Countess"))
    page = _entry(admin)
    assert not page.context["difference"].known
    assert "How it was before is not in the log any more" in text(page)


def test_what_it_did_to_licenses_is_told_with_its_reason(owner, admin):
    """R28, R21: also of others; and nothing of another request."""
    idp = connect(owner, seats=1, when_full="waitlist")
    ada = idp.create(ADA)
    idp.create(GRACE, first="Grace", last="Hopper")
    idp.set_active(ada.id, False)
    page = _entry(admin)
    assert [(line.deed, line.person.email) for line in page.context["ledger"]] == [
        ("release", ADA),
        ("grant", GRACE),
    ]
    assert "Grace Hopper" in text(page)
    idp.get(ada.id)
    exchanges.flush()
    assert not _entry(admin).context["ledger"]


def _told(difference):
    return [(line.label, line.before, line.after) for line in difference.lines]


# ------------------------------------------------------------------ what to do


def _hold(owner, idp, lea):
    ada = idp.create(ADA)
    brake.set_limits(Policy.objects.get(), on=True, people=0, percent=0, by=lea)
    idp.set_active(ada.id, False)
    return ada, HeldRemoval.objects.get()


def _dismissed(owner, idp, lea):
    ada, removal = _hold(owner, idp, lea)
    review.decide(removal, "dismiss", by=lea)
    idp.set_active(ada.id, False)


def _approved(owner, idp, lea):
    ada, removal = _hold(owner, idp, lea)
    review.decide(removal, "approve", by=lea)
    idp.set_active(ada.id, False)


def _full(owner, idp, lea):
    idp.create(ADA)
    idp.create(GRACE)


def _twice(owner, idp, lea):
    idp.create(ADA)
    idp.create(ADA)


def _clash(owner, idp, lea):
    groups.create(owner, "SMB")
    idp.create_group("SMB")


def _by_hand(owner, idp, lea):
    grant(owner, ADA)
    idp.delete(idp.find(f'userName eq "{ADA}"')[0]["id"])


def _patch(*operations):
    def send(owner, idp, lea):
        ada = idp.create(ADA)
        idp("PATCH", f"/Users/{ada.id}", {"schemas": [PATCH_OP], "Operations": list(operations)})

    return send


@pytest.mark.parametrize(
    ("provoke", "status", "says"),
    [
        (_full, 403, "Buy more or free some"),
        (_hold, 403, "The safety brake holds these removals"),
        (_dismissed, 403, "An admin decided that this person keeps the license"),
        (_approved, 403, "The removal is under way"),
        (_by_hand, 403, "which takes them over"),
        (_twice, 409, "somebody of that user name"),
        (_clash, 409, "Two groups may not have one name"),
        (lambda o, idp, a: idp.get(stranger()), 404, "remembers somebody who is not"),
        (lambda o, idp, a: idp("GET", f"/Groups/{stranger()}"), 404, "remembers a group"),
        (lambda o, idp, a: idp("GET", "/v2/Users"), 404, "something in front or behind"),
        (lambda o, idp, a: idp("DELETE", "/Users"), 405, "Copy the base URL once more"),
        (lambda o, idp, a: idp("POST", "/Users", "{"), 400, "is not the JSON that SCIM asks for"),
        (lambda o, idp, a: idp("POST", "/Users", {}), 400, "without a user name"),
        (lambda o, idp, a: idp("POST", "/Users", person(" ")), 400, "without a user name"),
        (lambda o, idp, a: idp.create_group("x", stranger()), 400, "A member is not known here"),
        (
            lambda o, idp, a: idp("GET", "/Users", query={"filter": "userName xx 1"}),
            400,
            "a filter that cannot be understood",
        ),
        (_patch({"op": "replace", "path": "x[", "value": 1}), 400, "Correct the target attribute"),
        (
            _patch({"op": "replace", "path": 'emails[type eq "x"].value', "value": "x"}),
            400,
            "a value that is not there",
        ),
        (_patch({"op": "replace", "path": "active", "value": "perhaps"}), 400, "does not fit"),
        (_patch({"op": "replace", "path": "meta.created", "value": "x"}), 400, "cannot be written"),
        (
            lambda o, idp, a: idp.client.post(
                "/scim/v2/Users",
                "<x/>",
                content_type="text/xml",
                headers={"Authorization": f"Bearer {idp.secret}"},
            ),
            415,
            "application/scim+json",
        ),
        (lambda o, idp, a: idp("GET", "/Me"), 501, "identity providers do well without it"),
    ],
)
def test_each_error_says_what_to_do(owner, lea, admin, idp, provoke, status, says):
    """R28, R6: the texts of the answers and the advice are held together here."""
    provoke(owner, idp, lea)
    exchanges.flush()
    last = Exchange.objects.order_by("-at", "-id").first()
    page = _entry(admin, last)
    assert last.status == status
    advice = page.context["what_to_do"]
    assert says in advice
    assert "What to do:" in text(page)


# ------------------------------------------------------------------ exporting


def _exported(admin, query=""):
    answer = admin.get(f"/activity/export.csv{query}")
    assert answer.streaming
    content = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(content)))


def test_what_the_log_shows_is_exported_with_both_bodies(owner, admin, idp, monkeypatch):
    """R28: an admin can export it, secrets removed, however long it is."""
    idp.create(ADA, password="hunter2")
    idp.create(GRACE)
    monkeypatch.setattr(paging, "AT_ONCE", 1)
    rows = _exported(admin)
    assert [(row["method"], row["status"]) for row in rows] == [("POST", "403"), ("POST", "201")]
    assert json.loads(rows[1]["request"])["userName"] == ADA
    assert json.loads(rows[1]["answer"])["id"]
    assert rows[0]["detail"].startswith("1 more Sales Navigator")
    assert "hunter2" not in str(rows)
    assert [row["status"] for row in _exported(admin, f"?q={ADA}")] == ["201"]


def test_an_organization_on_another_plan_still_sees_its_log(owner, admin, idp):
    """R1, R28."""
    idp.create(ADA)
    manage("set_plan", owner.slug, "core")
    assert len(_exported(admin)) == 1
