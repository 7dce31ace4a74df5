"""What is asked oddly: every refusal is problem details (RFC 9457), and nothing is a fault."""

from __future__ import annotations

import json
from typing import Any

import pytest

from accounts.models import ApiAnswer, Group, Organization, Person
from scim.models import Token
from tests import factories
from tests.api.conftest import Api, service

ADA = {"email": "ada@example.com"}


def _is_problem(answer: Any, status: int) -> None:
    assert answer.status == status, answer.json
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["type"].startswith("http://127.0.0.1:8000/api/v1/#problem-")
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    for member in ("title", "detail", "instance", "code"):
        assert answer.json[member]


def test_every_refusal_is_problem_details(api: Api) -> None:
    _is_problem(api.get("nowhere"), 404)
    _is_problem(api.get("people/999999"), 404)
    _is_problem(api.get("people/999999999999999999999"), 404)
    _is_problem(api("PUT", "people"), 405)
    _is_problem(api("OPTIONS", "people"), 405)
    _is_problem(api.post("people", b"{"), 400)
    _is_problem(api.post("people", ADA, **{"Content-Type": "text/plain"}), 415)
    _is_problem(Api("none").get("people"), 401)
    assert "POST" in api("PUT", "people").headers["Allow"]


@pytest.mark.parametrize(
    ("body", "member"),
    [
        (ADA | {"colour": "red"}, "colour"),
        (ADA | {"title": 7}, "title"),
        (ADA | {"title": None}, "title"),
        (ADA | {"title": "a\x00b"}, "title"),
        (ADA | {"title": "x" * 257}, "title"),
        (ADA | {"license": "gold"}, "license"),
        ({"email": "not an address"}, "email"),
        ({"first_name": "Ada"}, "email"),
        ([], "body"),
        ("text", "body"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused_by_name(
    api: Api, body: Any, member: str
) -> None:
    """Unknown members, wrong types, NUL: each is told, and nobody is added."""
    answer = api.post("people", body)
    _is_problem(answer, 400)
    assert list(answer.json["errors"]) == [member]
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        b'{"email": "a\\ud800@example.com"}',
        b'{"email": NaN}',
        b"\xff\xfe",
        b"[" * 100_000,
        b"",
    ],
)
def test_what_is_no_json_is_refused(api: Api, body: bytes) -> None:
    """Lone surrogates, NaN, no UTF-8, too deep, nothing at all."""
    _is_problem(api("POST", "people", body), 400)


def test_a_body_that_is_too_large_is_refused(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    _is_problem(api.post("people", ADA), 413)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("colour=red", "colour"),
        ("limit=0", "limit"),
        ("limit=١", "limit"),
        ("limit=1&limit=2", "limit"),
        ("fields=secret", "fields.0"),
        ("fields=", "fields"),
        ("source=elsewhere", "source"),
        ("application=1", "application"),
        ("q=%00", "q"),
    ],
)
def test_a_parameter_that_is_not_as_described_is_refused_by_name(
    api: Api, query: str, parameter: str
) -> None:
    answer = api.get(f"people?{query}")
    _is_problem(answer, 400)
    assert list(answer.json["errors"]) == [parameter]


def test_a_long_list_is_walked_by_its_pages(api: Api, owner: Organization) -> None:
    """Each row once, also when rows are added meanwhile; Link and `next` are one address."""
    for number in range(7):
        api.post("people", {"email": f"p{number}@example.com", "last_name": f"{number}"})
    seen: list[str] = []
    answer = api.get("people?limit=3&fields=email")
    while True:
        seen += [item["email"] for item in answer.json["items"]]
        following = answer.json["next"]
        if following is None:
            break
        assert answer.headers["Link"] == f'<{following}>; rel="next"'
        if len(seen) == 3:
            api.delete(f"people/{answer.json['items'][0]['id']}")
        answer = api.get(following.removeprefix("http://127.0.0.1:8000"))
    assert seen == [f"p{number}@example.com" for number in range(7)]


@pytest.mark.parametrize("path", ["audit-log", "activity-log", "ledger", "waiting-list", "seats"])
def test_every_order_is_walked_to_its_end(api: Api, owner: Organization, path: str) -> None:
    """Numbers, moments and texts are places in a list alike."""
    idp = factories.connect(owner, seats=2, when_full="waitlist")
    for number in range(5):
        idp.create(f"p{number}@example.com")
    ids, answer = [], api.get(f"{path}?limit=1")
    while True:
        ids += [item["id"] for item in answer.json["items"]]
        if answer.json["next"] is None:
            break
        answer = api.get(answer.json["next"].removeprefix("http://127.0.0.1:8000"))
    whole = [item["id"] for item in api.get(path).json["items"]]
    assert len(whole) >= 2
    assert ids == whole


def test_a_cursor_that_somebody_made_up_is_refused(api: Api) -> None:
    """Also one of another list."""
    for number in range(2):
        api.post("groups", {"name": f"Group {number}"})
    following = api.get("groups?limit=1").json["next"].partition("?")[2]
    assert api.get(f"groups?{following}").status == 200
    assert api.get(f"people?{following}").json["code"] == "cursor_unknown"
    assert api.get("people?cursor=abc").status == 404


def test_only_the_fields_that_are_asked_for_are_answered(api: Api) -> None:
    api.post("people", ADA)
    [item] = api.get("people?fields=email,title").json["items"]
    assert set(item) == {"id", "email", "title"}


def test_what_is_unchanged_is_not_sent_again_and_not_overwritten(api: Api) -> None:
    """ETag: 304 for a reader, 412 for a writer who has read something older."""
    id = api.post("people", ADA).json["id"]
    tag = api.get(f"people/{id}").headers["ETag"]
    assert api.get(f"people/{id}", **{"If-None-Match": tag}).status == 304
    done = api.patch(f"people/{id}", {"title": "Analyst"}, **{"If-Match": tag})
    late = api.patch(f"people/{id}", {"title": "Admiral"}, **{"If-Match": tag})
    assert (done.status, late.status) == (200, 412)
    assert api.get(f"people/{id}").json["title"] == "Analyst"


def test_a_write_with_a_key_is_done_once(api: Api, owner: Organization) -> None:
    """R26: the same answer again; another request with that key is 422."""
    key = {"Idempotency-Key": "7f3a"}
    first = api.post("groups", {"name": "SMB"}, **key)
    again = api.post("groups", {"name": "SMB"}, **key)
    assert (first.status, again.status, again.json) == (201, 201, first.json)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert Group.objects.of(owner).count() == 1
    _is_problem(api.post("groups", {"name": "ENT"}, **key), 422)
    assert api.post("groups", {"name": "SMB"}, **{"Idempotency-Key": "2"}).status == 409
    assert service(owner).post("groups", {"name": "MM"}, **key).status == 201


def test_a_refusal_is_repeated_by_its_key_too(api: Api) -> None:
    """R26: whoever repeats learns what became of the first one."""
    api.post("people", ADA)
    key = {"Idempotency-Key": "7f3a"}
    first, again = (api.post("people", ADA, **key) for _ in range(2))
    assert (first.status, again.status) == (409, 409)
    assert again.json == first.json
    assert again.headers["Content-Type"] == "application/problem+json"


def test_a_request_whose_first_one_is_under_way_is_told_so(api: Api) -> None:
    """R26: concurrent with one key is 409, and may go on when the first one died."""
    key = {"Idempotency-Key": "7f3a"}
    api.post("groups", {"name": "SMB"}, **key)
    line = ApiAnswer.objects.get()
    ApiAnswer.objects.update(status=None)
    waiting = api.post("groups", {"name": "SMB"}, **key)
    assert (waiting.status, waiting.json["code"]) == (409, "key_in_use")
    assert waiting.headers["Retry-After"] == "1"
    ApiAnswer.objects.update(at=line.at.replace(year=line.at.year - 1))
    assert api.post("groups", {"name": "SMB"}, **key).json["code"] == "group_name_taken"


def test_a_token_is_not_kept_with_the_answer_that_showed_it(api: Api, owner: Organization) -> None:
    """R3: stored nowhere but as a hash; repeated, the answer tells of the same token without it."""
    path = f"applications/{factories.connect(owner).application.pk}/tokens"
    key = {"Idempotency-Key": "7f3a"}
    first, again = (api.post(path, {"name": "Okta"}, **key) for _ in range(2))
    assert first.json["token"].startswith("seatkeeper_")
    assert (again.json["id"], again.json["token"]) == (first.json["id"], None)
    assert Token.objects.of(owner).filter(name="Okta").count() == 1
    assert first.json["token"] not in factories.every_text()


def test_the_description_is_open_and_whole(db: None) -> None:
    """OpenAPI 3.1: each operation has words, a scope, refusals and, where it takes one, a body."""
    document = Api("none").get("openapi.json").json
    assert document["openapi"] == "3.1.0"
    text = json.dumps(document)
    assert "x-spec" not in text
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert operation["tags"][0], where
            assert {"400", "401", "403", "404", "429"} <= set(operation["responses"]), where
            if method in ("post", "patch") and "requestBody" in operation:
                content = operation["requestBody"]["content"]
                assert set(content) == {"application/json"}, where
                assert "example" in content["application/json"], where
