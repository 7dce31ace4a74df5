"""Every address that there is, out of Django's URL configuration, so that a new one is in by
itself; and what stands for its parameters."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils.regex_helper import normalize

from licensing.models import HeldRemoval, Seat, WaitingEntry
from tests.pages.world import World

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

#: Addresses that are meant for people without a sign-in, or with a link that is a secret.
PUBLIC = {
    "accounts:sign_in", "accounts:sign_out", "accounts:join", "accounts:forgotten",
    "accounts:reset_asked", "accounts:reset", "accounts:second_step", "accounts:passkey_options",
    "accounts:passkey_sign_in", "accounts:sso_where", "accounts:sso_callback",
    "accounts:sso_start", "accounts:sso_offer", "accounts:scheme", "accounts:zone",
    "accounts:keys", "licensing:activate", "licensing:ask_link", "licensing:asked",
    "scim_settings:setup", "accounts:stop_notices",
    "api:reference", "api:openapi", "api:unknown",
    "unnamed:sign-in/%(slug)s/",  # the offer of single sign-on with a slash
}  # fmt: skip

#: What a parameter of an address, or a field of a form, may name of a world. A new parameter
#: needs a line.
REFERENCES: dict[str, Callable[[World], Any]] = {
    "person_id": lambda world: world.person.pk,
    "group_id": lambda world: world.group.pk,
    "application_id": lambda world: world.application.pk,
    "token_id": lambda world: world.token.pk,
    "link_id": lambda world: world.application.setup_links.filter(used_at=None)[0].pk,
    "exchange_id": lambda world: world.exchange.pk,
    "role_id": lambda world: world.colleague.pk,
    "invitation_id": lambda world: world.invitation.pk,
    "passkey_id": lambda world: world.owner.passkeys.all()[0].pk,
    "session_id": lambda world: world.owner.sessions.all()[0].pk,
    "file_id": lambda world: world.file.pk,
    "seat_id": lambda world: Seat.objects.of(world.organization)[0].pk,
    "entry_id": lambda world: WaitingEntry.objects.of(world.organization).filter(person=None)[0].pk,
    "removal_id": lambda world: HeldRemoval.objects.of(world.organization)[0].pk,
    "organization_id": lambda world: world.organization.pk,
    "endpoint_id": lambda world: world.endpoint.pk,
    "delivery_id": lambda world: world.delivery.pk,
    "schedule_id": lambda world: world.schedule.pk,
    "user": lambda world: world.person.links.exclude(application=None)[0].pk,
}
#: What is no id of anything.
PLAIN = {
    "product": "sales-navigator",
    "kind": "daily_summary",
    "slug": "nobody",
    "proof": "x",
    "uid": "x",
    "token": "x",
    "signed": "x",
}


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """form: an address of %(parameter)s. name: with its namespace, or "unnamed:" and the form."""

    name: str
    form: str
    parameters: tuple[str, ...]

    @property
    def is_scim(self) -> bool:
        return self.name.startswith("scim:")

    @property
    def is_api(self) -> bool:
        return self.form.startswith("api/")

    @property
    def names_something(self) -> bool:
        """Whether its parameters lead to something of one organization."""
        return any(name not in PLAIN for name in self.parameters)

    def addresses(self, world: World) -> list[str]:
        """With the ids of a world; each that could be meant, where the parameter has no kind."""
        found: list[dict[str, Any]] = [{}]
        for name in self.parameters:
            found = [one | {name: value} for one in found for value in self._values(name, world)]
        return ["/" + self.form % one for one in found]

    def _values(self, name: str, world: World) -> list[Any]:
        if name in PLAIN:
            return [PLAIN[name]]
        if name == "uuid":  # of SCIM: whatever could be told by one
            return [REFERENCES[kind](world) for kind in ("user", "group_id", "application_id")]
        assert name in REFERENCES, f"{self.name}: tests/endpoints.py has no line for “{name}”"
        return [REFERENCES[name](world)]


def every() -> list[Endpoint]:
    """Of the whole URL configuration, those without a name too."""
    return list(_of(get_resolver(), "", ""))


def _of(resolver: URLResolver, before: str, space: str) -> Iterator[Endpoint]:
    for entry in resolver.url_patterns:
        for form, parameters in normalize(entry.pattern.regex.pattern):
            here = before + form
            if isinstance(entry, URLResolver):
                inner = f"{entry.namespace}:" if entry.namespace else space
                yield from _of(entry, here, inner)
            elif isinstance(entry, URLPattern):
                name = f"{space}{entry.name}" if entry.name else f"unnamed:{here}"
                yield Endpoint(name, here, tuple(re.findall(r"%\((\w+)\)s", here) or parameters))
