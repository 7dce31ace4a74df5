"""R25: usage reports go to admins by e-mail, each week or month once."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail as sent
from django.test import Client
from django.urls import reverse

from accounts import admins, clock, groups, outbox, roles
from accounts.models import Admin, AuditEntry, Organization, Outbox
from accounts.tasks import deliver_outbox
from licensing import idle, prices, report_schedules, tasks, usage
from licensing.models import ReportSchedule, SentReport
from tests.pages.test_pages import text
from tests.rules.test_r25_usage import GRACE, NOW, SALES, _today, held, use

__all__ = ["_today", "held"]
#: The Monday after NOW, which is a Tuesday, and when reports of that day go.
MONDAY = dt.datetime(2026, 11, 30, 6, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _invitations_were_sent(held: Organization) -> None:
    deliver_outbox()
    sent.outbox.clear()


@pytest.fixture
def tom(held: Organization) -> Admin:
    return admins.create("tom@acme.example", organization=held, password="x" * 12)


def form(*to: Admin, **more: Any) -> dict[str, Any]:
    whole = {
        "name": "Use by team",
        "product": SALES,
        "goes": "weekly 1",
        "everybody": "1",
        "to": [admin.pk for admin in to],
        **more,
    }
    return {name: value for name, value in whole.items() if value}


def schedule(admin: Client, *to: Admin, **more: Any) -> ReportSchedule:
    answer = admin.post(reverse("licensing:new_schedule"), form(*to, **more))
    assert answer.status_code == 302, text(answer)
    return ReportSchedule.objects.latest("id")


def go(at: dt.datetime, times: int = 1) -> list[Any]:
    """The e-mails that leave when the schedule comes by at that moment."""
    with clock.stopped(at=at):
        before = len(sent.outbox)
        for _ in range(times):
            tasks.send_reports()
            deliver_outbox()
        return sent.outbox[before:]


def test_a_report_goes_out_as_text_html_and_csv(held, admin, lea, tom):
    """R25: on its day, about the week before, to each recipient."""
    idle.set_rule(held, SALES, after_days=30)
    prices.set_price(held, SALES, 79, "EUR")
    usage.record(held, [use("a")])
    usage.roll_up_all()
    schedule(admin, lea, tom)
    assert go(MONDAY - dt.timedelta(minutes=1)) == []
    letters = go(MONDAY)
    assert [letter.to for letter in letters] == [["lea@acme.example"], ["tom@acme.example"]]
    letter = letters[0]
    assert letter.subject == "Use by team: 23 November 2026 to 29 November 2026"
    assert "2 of 2 people have a license, 1 activated (50 %)" in letter.body
    assert "1 used it; last activity on 23 November 2026" in letter.body
    assert "1 idle, which cost 79.00 EUR a month" in letter.body
    assert "&amp;" not in letter.body
    [(html, kind)] = letter.alternatives
    assert kind == "text/html"
    assert '<th scope="row">Everybody</th>' in html
    [(name, content, kind)] = letter.attachments
    assert (name, kind) == ("usage-sales-navigator-2026-11-23-2026-11-29.csv", "text/csv")
    assert content.splitlines()[1].startswith("Everybody,2,2,1,1,50,1,2026-11-23,1,")
    link = letter.body.split("With pictures:\n")[1].split("\n")[0]
    with clock.stopped(at=MONDAY):
        assert admin.get(link).context["wanted"].period.first == dt.date(2026, 11, 23)


def test_a_period_is_sent_once_however_often_the_worker_runs_or_the_day_changes(held, admin, lea):
    """R25: a row for each period keeps it so."""
    made = schedule(admin, lea)
    assert len(go(MONDAY, times=3)) == 1
    ReportSchedule.objects.update(due_at=MONDAY)  # as a lost update would leave it
    assert go(MONDAY) == []
    with clock.stopped(at=MONDAY):
        admin.post(reverse("licensing:schedule", args=[made.pk]), form(lea, goes="weekly 2"))
    assert go(MONDAY + dt.timedelta(days=1)) == []
    assert len(go(MONDAY + dt.timedelta(days=8))) == 1
    assert SentReport.objects.count() == 2


def test_what_was_missed_for_long_is_made_good_by_the_newest_period_alone(held, admin, lea):
    """R25: the worker was away for a month."""
    schedule(admin, lea, goes="monthly 3")
    [letter] = go(dt.datetime(2027, 3, 20, tzinfo=dt.UTC))
    assert letter.subject == "Use by team: 01 February 2027 to 28 February 2027"
    [letter] = go(dt.datetime(2027, 4, 3, 6, tzinfo=dt.UTC))
    assert letter.subject == "Use by team: 01 March 2027 to 31 March 2027"


def test_a_paused_report_stays_until_it_is_resumed_and_a_deleted_one_is_gone(held, admin, lea):
    made = schedule(admin, lea)
    address = reverse("licensing:pause_report", args=[made.pk])
    admin.post(address, {"paused": "yes"})
    assert "Paused since" in text(admin.get(reverse("licensing:schedules")))
    assert go(MONDAY) == []
    with clock.stopped(at=MONDAY + dt.timedelta(days=1)):
        admin.post(address, {"paused": "no"})
    assert go(MONDAY + dt.timedelta(days=1)) == []
    assert len(go(MONDAY + dt.timedelta(days=7))) == 1
    admin.post(reverse("licensing:delete_schedule", args=[made.pk]))
    assert go(MONDAY + dt.timedelta(days=14)) == []
    deeds = AuditEntry.objects.filter(subject_kind="scheduled report").order_by("id")
    assert list(deeds.values_list("deed", flat=True)) == [
        "report_scheduled",
        "report_paused",
        "report_resumed",
        "report_deleted",
    ]


def test_send_me_one_now_goes_to_whoever_asks_and_counts_for_no_period(held, admin, lea, tom):
    made = schedule(admin, tom)
    answer = admin.post(reverse("licensing:send_report", args=[made.pk]), follow=True)
    assert "Use by team goes to lea@acme.example within a minute." in text(answer)
    deliver_outbox()
    [letter] = sent.outbox
    assert letter.to == ["lea@acme.example"]
    assert letter.subject == "Use by team: 16 November 2026 to 22 November 2026"
    assert [letter.to for letter in go(MONDAY)] == [["tom@acme.example"]]


def test_only_admins_of_the_organization_get_it(held, admin, lea, tom):
    """R25: whoever is removed, even after it was written, gets none any more."""
    stranger = Admin.objects.create(email="eve@x.example")
    refused = admin.post(reverse("licensing:new_schedule"), form(lea, stranger))
    assert refused.status_code == 422
    assert "among the admins of this organization" in text(refused)
    schedule(admin, lea, tom)
    with clock.stopped(at=MONDAY):
        report_schedules.send_due()
    roles.remove(held, tom.roles.get().pk, by=lea)
    with clock.stopped(at=MONDAY):
        deliver_outbox()
    assert [letter.to for letter in sent.outbox] == [["lea@acme.example"]]
    assert len(go(MONDAY + dt.timedelta(days=7))) == 1


def test_an_e_mail_that_fails_is_shown(held, admin, lea):
    """R25: where it is scheduled, and on the overview as every other."""
    schedule(admin, lea)
    with clock.stopped(at=MONDAY):
        report_schedules.send_due()
        with outbox.claimed() as line:
            outbox.failed(line, "SMTPRecipientsRefused: {…}")
        page = text(admin.get(reverse("licensing:schedules")))
        assert "Not sent" in page
        assert "lea@acme.example: The mail server refuses the address" in page
        assert "Usage report" in text(admin.get("/"))
    Outbox.objects.update(error="", done_at=MONDAY)
    assert "Sent to 1" in text(admin.get(reverse("licensing:schedules")))


def test_a_group_that_is_gone_is_left_out(held, admin, lea):
    smb = groups.create(held, "SMB")
    mm = groups.create(held, "MM & Co")
    made = schedule(admin, lea, everybody="", group=[smb.pk, mm.pk])
    smb.delete()
    page = admin.get(reverse("licensing:schedule", args=[made.pk])).content.decode()
    assert f'value="{mm.pk}" checked' in page
    [letter] = go(MONDAY)
    assert "MM & Co\n  0 of 0 people have a license" in letter.body
    mm.delete()
    [letter] = go(MONDAY + dt.timedelta(days=7))
    assert "None of the groups of this report is there any more" in letter.body


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"to": []}, "Choose who gets it"),
        ({"everybody": "", "group": ["nonsense"]}, "Choose at least one group"),
        ({"name": " "}, "This field is required."),
        ({"goes": "weekly 9"}, "Select a valid choice."),
    ],
)
def test_a_report_that_makes_no_sense_is_refused(held, admin, lea, more, said):
    answer = admin.post(reverse("licensing:new_schedule"), form(lea, **more))
    assert answer.status_code == 422
    assert said in text(answer)
    assert not ReportSchedule.objects.exists()


def test_a_report_that_is_looked_at_can_be_sent_regularly(held, admin, lea):
    """R25: the form begins with what the report's address chose, and with oneself."""
    smb = groups.create(held, "SMB")
    query = f"everybody=1&group={smb.pk}&product=teamlink-extend"
    shown = admin.get(f"/reporting/?{query}").content.decode()
    address = f"/reporting/schedules/new/?{query}"
    assert address.replace("&", "&amp;") in shown
    form_ = admin.get(address).content.decode()
    assert f'value="{smb.pk}" checked' in form_
    assert '<option value="teamlink-extend" selected>' in form_
    assert f'name="to" value="{lea.pk}" checked' in form_
    assert 'name="everybody" value="1" checked' in form_


def test_a_price_is_set_and_costs_are_shown(held, admin):
    """R25: on a page, with a line in the audit log; nonsense is refused."""
    idle.set_rule(held, SALES, after_days=30)
    address = reverse("licensing:set_price", args=[SALES])
    for price, currency in (("79.50", "E1R"), ("-1", "EUR"), ("1e99", "EUR"), ("5", "")):
        sent_ = {f"{SALES}-price": price, f"{SALES}-currency": currency}
        assert admin.post(address, sent_).status_code == 422
    admin.post(address, {f"{SALES}-price": "79.50", f"{SALES}-currency": "eur"})
    line = AuditEntry.objects.latest("id")
    assert (line.deed, line.after) == ("price_set", {"price": "79.50 EUR"})
    assert "159.00 EUR" in text(admin.get("/reporting/"))
    admin.post(address, {f"{SALES}-price": "", f"{SALES}-currency": "EUR"})
    assert "EUR" not in text(admin.get("/reporting/"))


def test_who_used_it_is_drawn_over_time(held, admin):
    """R25: day by day, for a longer period week by week, the longest four weeks by four."""
    usage.record(held, [use(str(n), ago=n) for n in range(0, 40, 4)])
    usage.roll_up_all()
    page = text(admin.get("/reporting/?everybody=1&days=30"))
    assert "Everybody: 0 at first, 1 at last, between 0 and 1." in page
    assert "Day by day." in page
    assert "Week by week." in text(admin.get("/reporting/?everybody=1&days=90"))
    long_ago = NOW - dt.timedelta(days=1000)
    assert "Four weeks by four weeks." in text(
        admin.get(f"/reporting/?everybody=1&from={long_ago:%Y-%m-%d}")
    )
    assert GRACE not in page
