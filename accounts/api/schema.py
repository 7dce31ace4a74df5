"""The description of the API (OpenAPI 3.1), read from the operations themselves."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from accounts.api import problems
from accounts.api.converters import DESCRIBED
from accounts.api.fields import Strict

_VERBS = {"POST": "create", "PATCH": "change", "DELETE": "delete"}
_ALWAYS = (400, 401, 403, 404, 429)
_OF_WRITES = (409, 412, 413, 415, 422)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Of your choice: the same request with the same key within a day is done once.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}


class Described(AutoSchema):
    """Reads what `accounts.api.operations` says of a method."""

    @property
    def operation(self) -> Any:
        return getattr(self.view, self.method.lower()).operation

    def is_excluded(self) -> bool:
        return not hasattr(getattr(self.view, self.method.lower(), None), "operation")

    def get_summary(self) -> str:
        return str(self.operation.headline)

    def get_description(self) -> str:  # type: ignore[override]
        method = getattr(self.view, self.method.lower()).method
        said = " ".join((method.__doc__ or "").split())
        scope = self.operation.scope
        return f"{said}\n\nScope: `{scope}`." if scope else said

    def get_tags(self) -> list[str]:
        return [self.view.area]

    def get_operation_id(self) -> str:
        parts = [part.replace("-", "_") for part in self._tokenize_path()]
        reads = "list" if self.operation.many else "get"
        return "_".join([_VERBS.get(self.method, reads), *parts])

    def _resolve_path_parameters(self, variables: Any) -> Any:
        found = super()._resolve_path_parameters(variables)
        for parameter in found:
            for kind, schema in DESCRIBED.items():
                if f"<{kind}:{parameter['name']}>" in self.path_regex:
                    parameter["schema"] = schema
        return found

    def get_override_parameters(self) -> list[Any]:
        query = self.operation.query
        return [query] if query().fields else []

    def get_auth(self) -> list[Any]:
        return [{"token": []}]

    def get_request_serializer(self) -> Any:
        return self.operation.takes

    def get_response_serializers(self) -> Any:
        return {self.operation.status: self.operation.answers}

    def _is_list_view(self, serializer: Any = None) -> bool:
        return False

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """What spectacular makes of it, with the answers that are no success."""
        made = super().get_operation(*args, **kwargs)
        if made is None:
            return None
        for parameter in made.get("parameters", []):
            if parameter["schema"].get("type") == "array":
                parameter |= {"style": "form", "explode": False}
        writes = self.method not in ("GET", "HEAD")
        if writes:
            made.setdefault("parameters", []).append(_KEY)
        if "requestBody" in made:
            made["requestBody"]["required"] = True
            content = made["requestBody"]["content"]["application/json"]
            content |= {"example": self.operation.example} if self.operation.example else {}
        component = self.resolve_serializer(problems.Described, "response")
        for status in (*_ALWAYS, *(_OF_WRITES if writes else ())):
            made["responses"][str(status)] = {
                "description": problems.KINDS[status][1],
                "content": {problems.MEDIA_TYPE: {"schema": component.ref}},
            }
        # Said by the web server, which has not read whose address it is.
        made["responses"]["414"] = {"description": "The address is too long"}
        return made


def finish(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What is sent has no unknown members; of what is answered `fields` may leave some out."""
    components = result.get("components", {}).get("schemas", {})
    sent, answered = set(), set()
    for path in result["paths"].values():
        for operation in path.values():
            sent |= _named(operation.get("requestBody", {}), components)
            for status, response in operation["responses"].items():
                if status == "200" and operation["operationId"].startswith(("get", "list")):
                    answered |= _named(response, components)
    for name in sent:
        components[name]["additionalProperties"] = False
        if components[name].get("description") == Strict.__doc__:
            del components[name]["description"]
    for name in answered:
        if not name.endswith("Page"):
            kept = [one for one in components[name].get("required", []) if one == "id"]
            components[name].pop("required", None)
            components[name] |= {"required": kept} if kept else {}
    _tidy(result)
    result["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    result["security"] = [{"token": []}]
    return result


@functools.cache
def document() -> dict[str, Any]:
    """The whole description. Made once a process: only code changes it."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    found: dict[str, Any] = json.loads(json.dumps(made))
    found["servers"] = [{"url": settings.PUBLIC_URL}]
    return found


# ------------------------------------------------------------------ inside


def _tidy(part: Any) -> None:
    """Without what spectacular notes for itself."""
    inner: Any = part
    if isinstance(part, dict):
        part.pop("x-spec-enum-id", None)
        inner = part.values()
    if isinstance(part, dict | list):
        for one in inner:
            _tidy(one)


def _named(part: Any, components: dict[str, Any]) -> set[str]:
    """The components that a part of the description speaks of, and those that they do."""
    found: set[str] = set()
    waiting = [part]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/")[2]
            if name in components and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found
