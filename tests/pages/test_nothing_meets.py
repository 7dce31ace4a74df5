"""Nothing of another organization is shown or changed, whatever address is asked in whatever way.

Made from Django's URL configuration: a new address is asked by itself, with the ids of Contoso,
by each way to come in that Northwind has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from accounts import api_tokens
from accounts.models import Admin
from accounts.profile import ENTERPRISE_USER
from tests import apart, endpoints, factories, forms
from tests.endpoints import METHODS, PUBLIC, REFERENCES, Endpoint
from tests.forms import Send
from tests.pages.world import World, hold_removals

#: What is answered about something of another organization: it is not there, or one may not.
REFUSED = {403, 404, 405}
#: Whoever comes in by another way than the address is for signs in first.
NOT_IN = {302, 401, 403, 404, 405}

#: Deeds of a list: whatever is not in it (any more) is told there, of whomever it is.
TOLD_ON_THE_LIST = {
    "accounts:invite_again": "/admins/",
    "accounts:withdraw": "/admins/",
    "accounts:change_role": "/admins/",
    "accounts:remove_admin": "/admins/",
    "accounts:undo": "/",
    "licensing:drop": "/licenses/sales-navigator/waiting/",
}


def _session(world: World) -> Send:
    client = Client()
    client.force_login(world.owner)
    session = client.session
    session["organization"] = world.organization.pk  # as after the first page
    session.save()
    return client.generic


def _scim_token(world: World) -> Send:
    return Client(headers={"Authorization": f"Bearer {world.okta.secret}"}).generic


def _api_token(world: World) -> Send:
    issued = api_tokens.issue(
        world.organization, "Everything", scopes=list(api_tokens.SCOPES), admin=None, by=world.owner
    )
    return Client(headers={"Authorization": f"Bearer {issued.secret}"}).generic


#: A way to come in, and the addresses that it is for. A new kind of credential is one line.
CREDENTIALS: dict[str, tuple[Callable[[World], Send], Callable[[Endpoint], bool]]] = {
    "session": (_session, lambda endpoint: not (endpoint.is_scim or endpoint.is_api)),
    "API token": (_api_token, lambda endpoint: endpoint.is_api),
    "SCIM token": (_scim_token, lambda endpoint: endpoint.is_scim),
}


@pytest.fixture(autouse=True)
def _as_often_as_one_likes(settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10_000_000


@pytest.fixture
def theirs(stranger: World) -> World:
    """Contoso, with a canary in each of its texts."""
    return apart.plant(stranger)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_no_address_shows_or_changes_anything_of_another_organization(
    kind: str, world: World, theirs: World
) -> None:
    """R2, R3, R11: every address of the URL configuration, every method, with the other's ids in
    the address, the query and the body."""
    hold_removals(world)
    make, is_for = CREDENTIALS[kind]
    send, found = make(world), []
    before = apart.rows_of(theirs)
    for endpoint in endpoints.every():
        if endpoint.name in PUBLIC:
            continue
        for address in endpoint.addresses(theirs):
            with apart.undone():
                # Who comes by another way is turned away before anything is read.
                for method in METHODS if is_for(endpoint) else ("GET", "POST"):
                    for query, body in _loads(endpoint, method, theirs):
                        answer = send(method, address, query_params=query, **body)
                        if wrong := _wrong(endpoint, answer, fits=is_for(endpoint)):
                            found.append(f"{method} {address} {query} {body}: {wrong}")
                if apart.rows_of(theirs) != before:
                    found.append(f"{address}: something was changed")
    assert not found, "\n".join(found)


def test_no_form_leads_to_another_organization(world: World, theirs: World) -> None:
    """R2, R11: each form of each page of Northwind, and each filter, with an id of Contoso in
    place of its own in one field after the other."""
    hold_removals(world)
    send, before, found, seen = _session(world), apart.rows_of(theirs), [], set()
    for endpoint in endpoints.every():
        if endpoint.name in PUBLIC or endpoint.is_scim:
            continue
        for address in endpoint.addresses(world):
            page = send("GET", address)
            if not page.get("Content-Type", "").startswith("text/html"):
                continue
            with apart.undone():
                for form in forms.of(page.content.decode(), address):
                    for fields in _meddled(form, theirs, seen):
                        answer = form.send(send, fields)
                        if wrong := [text for text in apart.NEVER if text in apart.body_of(answer)]:
                            found.append(f"{form.method} {form.action} {fields} {wrong}")
                if apart.rows_of(theirs) != before:
                    found.append(f"forms of {address}: something was changed")
    assert not found, "\n".join(found)
    tried = {action for method, action, *_ in seen if method == "POST"}
    assert len(tried) > 5, f"hardly any form was found, so nothing was tested: {tried}"


def test_every_address_wants_to_know_who_asks(world: World) -> None:
    """R3: every address of the URL configuration, without a credential: a new one that does not
    ask fails here, unless it is put into the list of public ones."""
    hold_removals(world)
    client, found = Client(), []
    Admin.objects.get(pk=world.owner.pk).sessions.create(
        session_key="x", first_seen_at=world.organization.created_at,
        seen_at=world.organization.created_at,
    )  # fmt: skip
    for endpoint in endpoints.every():
        if endpoint.name in PUBLIC:
            continue
        for address in endpoint.addresses(world):
            for method in METHODS:
                answer = client.generic(method, address)
                in_page = answer.status_code == 302 and answer["Location"].startswith("/sign-in/")
                if not (in_page or answer.status_code in (401, 405)):
                    found.append(f"{method} {address}: {answer.status_code}")
    assert not found, "\n".join(found)


def test_the_list_of_public_addresses_names_nothing_that_is_not_there() -> None:
    """R3."""
    assert {endpoint.name for endpoint in endpoints.every()} >= PUBLIC


# ------------------------------------------------------------------ what is sent


def _loads(endpoint: Endpoint, method: str, theirs: World) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Queries and bodies that name what is Contoso's."""
    ids = {name: str(value(theirs)) for name, value in REFERENCES.items()}
    if endpoint.is_scim:
        yield from ((query, _json(body)) for query, body in _scim_loads(endpoint, method, ids))
    elif method == "GET":
        yield {}, {}
    elif endpoint.is_api:
        for body in ({}, ids):
            yield {}, {"data": json.dumps(body), "content_type": "application/json"}
    else:
        named = {name.removesuffix("_id"): value for name, value in ids.items()}
        yield (
            {},
            forms.encoded(
                ids | named | {"only": ids["person_id"], "deed": "approve", "whom": "all"}
            ),
        )


def _scim_loads(endpoint: Endpoint, method: str, ids: dict[str, str]) -> Iterator[tuple[Any, Any]]:
    user, group = ids["user"], ids["group_id"]
    person = factories.person("eve@northwind.example")
    person[ENTERPRISE_USER] = {"manager": {"value": user, "$ref": f"../Users/{user}"}}
    members = [{"value": user, "$ref": f"../Users/{user}", "type": "User"}]
    a_group = {"schemas": [factories.CORE_GROUP], "displayName": "Ours", "members": members}
    patch = {
        "schemas": [factories.PATCH_OP],
        "Operations": [
            {"op": "add", "path": "members", "value": members},
            {"op": "remove", "path": f'members[value eq "{user}"]'},
        ],
    }
    filters = [f'{name} eq "{id}"' for name, id in (
        ("id", user), ("id", group), ("members.value", user), ("groups.value", group),
        (f"{ENTERPRISE_USER}:manager.value", user), ("meta.location", f"x/{user}"),
    )]  # fmt: skip
    filters += ["id pr", 'meta.lastModified gt "2000-01-01T00:00:00Z"', f'userName co "{user[:4]}"']
    if method == "GET":
        yield {}, None
        if not endpoint.parameters and endpoint.name in ("scim:users", "scim:groups"):
            for text in filters:
                yield {"filter": text, "sortBy": "id", "count": "1000"}, None
    elif endpoint.name.endswith("search"):
        for text in filters:
            yield {}, {"schemas": [f"{_SEARCH}"], "filter": text, "sortBy": "userName"}
    elif endpoint.name == "scim:bulk":
        for one in (
            {"method": "PATCH", "path": f"/Groups/{group}", "data": patch},
            {"method": "PUT", "path": f"/Users/{user}", "data": person},
            {"method": "DELETE", "path": f"/Users/{user}"},
            {"method": "POST", "path": "/Groups", "bulkId": user, "data": a_group},
        ):
            yield {}, {"schemas": [factories.BULK_REQUEST], "Operations": [one]}
    elif method == "DELETE":
        yield {}, None
    else:
        yield {}, patch if method == "PATCH" else a_group if "group" in endpoint.name else person


_SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


def _json(body: Any) -> dict[str, Any]:
    return {} if body is None else {
        "data": json.dumps(body), "content_type": "application/scim+json"
    }  # fmt: skip


# ------------------------------------------------------------------ what is answered


def _wrong(endpoint: Endpoint, answer: Any, *, fits: bool) -> list[Any]:
    body = apart.body_of(answer)
    wrong: list[Any] = [text for text in apart.NEVER if text in body]
    if not fits:
        allowed = NOT_IN
    elif endpoint.names_something and not endpoint.is_scim:
        # A body that makes no sense is refused before anything is looked for.
        allowed = REFUSED | {400} if endpoint.is_api else REFUSED
        if answer.get("Location") == TOLD_ON_THE_LIST.get(endpoint.name, "nowhere"):
            allowed = {302}
    elif endpoint.parameters == ("uuid",):
        # Of a token of another kind of resource, or a schema: not there either.
        allowed = REFUSED | {400, 501}
    else:
        allowed = set(range(200, 500)) | {501}
    if answer.status_code not in allowed:
        wrong.append(f"answered {answer.status_code}")
    return wrong


# ------------------------------------------------------------------ forms


#: Fields of forms that name something, whose value on the page may be empty or a word.
_NAMES = {
    "person": "person_id", "only": "person_id", "group": "group_id", "last": "removal_id",
    "application": "application_id", "source": "application_id", "organization": "organization_id",
    "entry": "entry_id", "seat": "seat_id", "token": "token_id", "file": "file_id",
    "q": "user", "admin": "role_id", "groups": "group_id", "eligible_groups": "group_id",
}  # fmt: skip
_BY_UUID = ("application_id", "group_id", "file_id", "link_id", "user")


def _meddled(form: forms.Form, theirs: World, seen: set[Any]) -> Iterator[dict[str, Any]]:
    """What the form would send, with one field made to name what is Contoso's, each once."""
    for field, told in form.fields.items():
        if field in _NAMES:
            values = [REFERENCES[_NAMES[field]](theirs)]
        elif re.fullmatch(r"[0-9a-f-]{36}", told):
            values = [REFERENCES[kind](theirs) for kind in _BY_UUID]
        else:
            continue
        for value in values:
            if (once := (form.method, form.action, field, value)) not in seen:
                seen.add(once)
                yield {**form.fields, field: value}
