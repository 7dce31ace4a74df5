"""The API's addresses of this layer; config.api joins them with those above."""

from django.urls import path, register_converter

from accounts.api import audit_log, groups, organization
from accounts.api.converters import IdConverter, ProductConverter

register_converter(IdConverter, "id")
register_converter(ProductConverter, "product")

urlpatterns = [
    path("token", organization.TokenView.as_view(), name="token"),
    path("organization", organization.OrganizationView.as_view(), name="organization"),
    path("groups", groups.Groups.as_view(), name="groups"),
    path("groups/<uuid:group_id>", groups.OneGroup.as_view(), name="group"),
    path("groups/<uuid:group_id>/members", groups.Members.as_view(), name="members"),
    path(
        "groups/<uuid:group_id>/members/<id:person_id>", groups.OneMember.as_view(), name="member"
    ),
    path("audit-log", audit_log.AuditLog.as_view(), name="audit_log"),
]
