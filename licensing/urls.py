"""Overview, users, licenses, held removals, groups, and the link of an invitation."""

from django.urls import path

from licensing.pages import activate, groups, held, licenses, overview, people

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
    path("licenses/<slug:product>/history/", licenses.history, name="history"),
    path("licenses/<slug:product>/seats/", licenses.set_seats, name="set_seats"),
    path("groups/", groups.groups, name="groups"),
    path("groups/<uuid:group_id>/", groups.group, name="group"),
    path("activate/<str:token>/", activate.activate, name="activate"),
]
