"""Overview, users, licenses, groups, and the link of an invitation."""

from django.urls import path

from licensing.pages import activate, freed, groups, licenses, overview, people, waiting

app_name = "licensing"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("users/", people.people, name="people"),
    path("users/<int:person_id>/", people.person, name="person"),
    path("licenses/", licenses.licenses, name="licenses"),
    path("licenses/<slug:product>/", licenses.pool, name="pool"),
    path("licenses/<slug:product>/waiting/", licenses.waiting, name="waiting"),
    path("licenses/<slug:product>/waiting/reprocess/", waiting.reprocess, name="reprocess"),
    path("licenses/<slug:product>/waiting/<int:entry_id>/drop/", waiting.drop, name="drop"),
    path("licenses/<slug:product>/freed/", freed.freed, name="freed"),
    path("licenses/<slug:product>/freed/restore/", freed.restore, name="restore"),
    path("licenses/<slug:product>/history/", licenses.history, name="history"),
    path("licenses/<slug:product>/seats/", licenses.set_seats, name="set_seats"),
    path("groups/", groups.groups, name="groups"),
    path("groups/<uuid:group_id>/", groups.group, name="group"),
    path("activate/<str:token>/", activate.activate, name="activate"),
]
