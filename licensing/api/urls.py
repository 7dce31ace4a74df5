"""The API's addresses of this layer. A further resource is a line here."""

from django.urls import path

import accounts.api.urls  # noqa: F401  registers what stands between < and >
from licensing.api import people, pools

urlpatterns = [
    path("people", people.People.as_view(), name="people"),
    path("people/<id:person_id>", people.OnePerson.as_view(), name="person"),
    path("people/<id:person_id>/explanation", people.Explanation.as_view(), name="explanation"),
    path("pools", pools.Pools.as_view(), name="pools"),
    path("pools/<product:product>", pools.OnePool.as_view(), name="pool"),
    path("pools/<product:product>/restore", pools.Restore.as_view(), name="restore"),
    path("pools/<product:product>/reprocess", pools.Reprocess.as_view(), name="reprocess"),
    path("pools/<product:product>/reconcile", pools.Reconcile.as_view(), name="reconcile"),
]
