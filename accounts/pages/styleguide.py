"""/styleguide/: every component, for whoever builds pages and for the browser tests."""

from __future__ import annotations

import datetime as dt

from django import forms
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import render

from accounts import clock
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


@admin_required
def styleguide(request: AdminRequest) -> HttpResponse:
    """Only while developing and testing."""
    if not (settings.DEBUG or settings.TESTING):
        raise Http404
    now = clock.now()
    return render(
        request,
        "accounts/styleguide.html",
        {
            "badges": list(BADGES),
            "form": SampleForm({"name": "A name that is much too long for it", "days": "0"}),
            "page": Page(range(50), 2, 1000, True, True, "page"),
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
            "long": "Dr. Wilhelmina-Alexandria von Hohenzollern-Sigmaringen-Oberösterreich" * 2,
        },
    )
