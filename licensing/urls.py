"""Overview, users, licenses, held removals, groups, and the link of an invitation."""

from django.urls import path

from licensing.pages import (
    activate,
    freed,
    groups,
    held,
    idle,
    invitations,
    licenses,
    over_time,
    overview,
    people,
    reporting,
    waiting,
)

app_name = "licensing"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("users/", people.people, name="people"),
    path("users/<int:person_id>/", people.person, name="person"),
    path("licenses/", licenses.licenses, name="licenses"),
    path("licenses/held/", held.held, name="held"),
    path("licenses/held/<int:removal_id>/", held.decide, name="decide"),
    path("licenses/held/of/<uuid:application_id>/", held.decide_all, name="decide_all"),
    path("licenses/<slug:product>/", licenses.pool, name="pool"),
    path("licenses/<slug:product>/waiting/", licenses.waiting, name="waiting"),
    path("licenses/<slug:product>/waiting/reprocess/", waiting.reprocess, name="reprocess"),
    path("licenses/<slug:product>/waiting/<int:entry_id>/drop/", waiting.drop, name="drop"),
    path("licenses/<slug:product>/over-time/", over_time.over_time, name="over_time"),
    path(
        "licenses/<slug:product>/over-time/csv/",
        over_time.over_time_sheet,
        name="over_time_sheet",
    ),
    path("licenses/<slug:product>/reconcile/", overview.reconcile_now, name="reconcile_now"),
    path("licenses/<slug:product>/freed/", freed.freed, name="freed"),
    path("licenses/<slug:product>/freed/restore/", freed.restore, name="restore"),
    path("licenses/<slug:product>/history/", licenses.history, name="history"),
    path("licenses/<slug:product>/seats/", licenses.set_seats, name="set_seats"),
    path("licenses/<slug:product>/idle/", idle.idle_seats, name="idle"),
    path("licenses/<slug:product>/idle/rule/", idle.set_rule, name="set_idle_rule"),
    path("licenses/<slug:product>/idle/reclaim/", idle.reclaim, name="reclaim"),
    path("licenses/<slug:product>/idle/reclaimed/", idle.reclaimed, name="reclaimed"),
    path(
        "licenses/<slug:product>/idle/reclaimed/<int:person_id>/give-back/",
        idle.give_back,
        name="give_back",
    ),
    path("licenses/<slug:product>/invite/", invitations.invite_all, name="invite_all"),
    path("seats/<int:seat_id>/invite/", invitations.invite, name="invite"),
    path("reporting/", reporting.report, name="reporting"),
    path("reporting/csv/", reporting.report_sheet, name="report_sheet"),
    path("groups/", groups.groups, name="groups"),
    path("groups/<uuid:group_id>/", groups.group, name="group"),
    path("activate/asked/", activate.asked, name="asked"),
    path("activate/<str:token>/new/", activate.ask, name="ask_link"),
    path("activate/<str:token>/", activate.activate, name="activate"),
]
