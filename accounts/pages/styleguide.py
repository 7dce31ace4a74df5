"""/styleguide/: every component, for whoever builds pages and for the browser tests."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.conf import settings
from django.db import models
from django.http import Http404, HttpResponse
from django.shortcuts import render

from accounts import clock
from accounts.pages import charts
from accounts.pages.access import AdminRequest, admin_required
from accounts.pages.paging import Page
from accounts.templatetags.ui import BADGES


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As people see it.", max_length=20)
    days = forms.IntegerField(label="Life in days", min_value=1, max_value=730)
    note = forms.CharField(label="Note", widget=forms.Textarea, required=False)
    when_full = forms.ChoiceField(
        label="When seats run out",
        widget=forms.RadioSelect,
        choices=[("refuse", "Refuse the push"), ("waitlist", "Put people on the waiting list")],
    )


class SampleDeed(models.TextChoices):
    ADD = "add", "Add them to a group…"
    REMOVE = "remove", "Remove them"


SAMPLES = ["Created the person Ada", "Looked up the person Grace", "Changed the group SMB"]
DAYS = [f"Nov {number}" for number in range(1, 10)]
LINES = charts.Lines(
    DAYS,
    [
        charts.Series("Bought", "bought", [20, 20, 20, 30, 30, 30, 30, 30, 30], steps=True),
        charts.Series("Held", "held", [3, 9, 14, 18, None, None, 22, 25, 29], area=True),
        charts.Series("Activated", "activated", [0, 4, 9, 13, None, None, 17, 18, 18]),
        charts.Series("Waiting", "waiting", [None, None, 2, None, 6, 3, 0, 0, 0]),
        charts.Series("Idle", "idle", [None] * 8 + [5]),
    ],
)
ONE_POINT = charts.Lines(DAYS[:1], [charts.Series("Held", "held", [0], area=True)])
NOTHING = charts.Lines(DAYS[:2], [charts.Series("Held", "held", [None, None])])


def _bars(long: str) -> charts.Bars:
    """Many, few, none, and a name that does not fit."""
    bars = [("Sales", 40, 12), (long, 1, 0), ("Nobody", 0, 0)]
    return charts.Bars(
        [
            charts.Bar(
                name,
                [charts.Part("activated", activated), charts.Part("provisioned", provisioned)],
                f"{activated + provisioned} seats",
            )
            for name, activated, provisioned in bars
        ],
        {"activated": "Activated", "provisioned": "Provisioned"},
    )


@admin_required
def styleguide(request: AdminRequest) -> HttpResponse:
    """Only while developing and testing."""
    if not (settings.DEBUG or settings.TESTING):
        raise Http404
    now = clock.now()
    long = "Dr. Wilhelmina-Alexandria von Hohenzollern-Sigmaringen-Oberösterreich" * 2
    return render(
        request,
        "accounts/styleguide.html",
        {
            "badges": list(BADGES),
            "form": SampleForm({"name": "A name that is much too long for it", "days": "0"}),
            "page": Page(range(50), 1000, True, "?page=1", "?page=3", first=False, start=51),
            "page_by_key": Page(SAMPLES, 1000, True, "?before=3", "?after=5", first=False),
            "samples": SAMPLES,
            "deeds": {"Sample": SampleDeed},
            "sort": "name",
            "now": now,
            "later": now + dt.timedelta(days=12),
            "old": {
                "licenses": 100,
                "groups": ["Sales", "Partners"],
                "expires_at": "2028-11-24T14:20:00Z",
            },
            "new": {"licenses": 12500, "groups": [], "brake_on": False},
            "document": {"userName": "ada@example.com", "active": True, "externalId": None},
            "long": long,
            "lines": LINES,
            "one_point": ONE_POINT,
            "nothing": NOTHING,
            "bars": _bars(long),
        },
    )
