"""The API's addresses of this layer. A further resource is a line here."""

from django.urls import path

import accounts.api.urls  # noqa: F401  registers what stands between < and >
from licensing.api import ledger, people, pools, removals, reports, seats, usage, waiting

urlpatterns = [
    path("people", people.People.as_view(), name="people"),
    path("people/<id:person_id>", people.OnePerson.as_view(), name="person"),
    path("people/<id:person_id>/explanation", people.Explanation.as_view(), name="explanation"),
    path("pools", pools.Pools.as_view(), name="pools"),
    path("pools/<product:product>", pools.OnePool.as_view(), name="pool"),
    path("pools/<product:product>/freed", seats.Freed.as_view(), name="freed"),
    path("pools/<product:product>/restore", pools.Restore.as_view(), name="restore"),
    path("pools/<product:product>/idle", seats.Idle.as_view(), name="idle"),
    path("pools/<product:product>/reclaim", seats.Reclaim.as_view(), name="reclaim"),
    path("pools/<product:product>/reprocess", pools.Reprocess.as_view(), name="reprocess"),
    path("pools/<product:product>/reconcile", pools.Reconcile.as_view(), name="reconcile"),
    path("seats", seats.Seats.as_view(), name="seats"),
    path("seats/<id:seat_id>", seats.OneSeat.as_view(), name="seat"),
    path("seats/<id:seat_id>/invite", seats.Invite.as_view(), name="invite"),
    path("waiting-list", waiting.Waiting.as_view(), name="waiting"),
    path("waiting-list/<id:entry_id>", waiting.OneWaiting.as_view(), name="waiting_entry"),
    path("removals", removals.Removals.as_view(), name="removals"),
    path("removals/<id:removal_id>", removals.OneRemoval.as_view(), name="removal"),
    path("ledger", ledger.Ledger.as_view(), name="ledger"),
    path("usage-events", usage.Events.as_view(), name="usage_events"),
    path("reports/usage", reports.UsageReport.as_view(), name="usage_report"),
    path("reports/schedules", reports.Schedules.as_view(), name="report_schedules"),
]
