"""django-scim2's adapter protocol on top of our resources, for code that knows that frame.

The views do not need it; `adapter(link, request).to_dict()` gives what the wire gives.
"""

from __future__ import annotations

from typing import Any

from accounts.models import Group, Link
from scim import resources
from scim.answers import ScimRequest
from scim.applications import base_url
from scim.protocol.schema import schema_documents, service_provider_config


class _Adapter:
    url_name = ""
    id_field = "id"

    def __init__(self, obj: Any, request: ScimRequest) -> None:
        self.obj = obj
        self.request = request

    def _load(self) -> resources.Resource:
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        return self._load().as_dict()

    @property
    def id(self) -> str:
        return str(self.obj.pk)

    @property
    def location(self) -> str:
        return self._load().location


class UserAdapter(_Adapter):
    url_name = "scim:users"

    def _load(self) -> resources.Resource:
        return resources.users(self.request.caller.view, [self.obj.pk])[0]


class GroupAdapter(_Adapter):
    url_name = "scim:groups"

    def _load(self) -> resources.Resource:
        return resources.groups(self.request.caller.view, [self.obj.pk])[0]


class ServiceProviderConfig:
    def __init__(self, request: ScimRequest) -> None:
        self.request = request

    def to_dict(self) -> dict[str, Any]:
        from scim.views import MAX_BODY, MAX_OPERATIONS, MAX_RESULTS

        return service_provider_config(
            base_url(),
            max_results=MAX_RESULTS,
            max_operations=MAX_OPERATIONS,
            max_payload=MAX_BODY,
        )


def get_user_model() -> type[Link]:
    return Link


def get_group_model() -> type[Group]:
    return Group


def get_schemas() -> list[dict[str, Any]]:
    return schema_documents(base_url())
