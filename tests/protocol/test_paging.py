"""Pages and the search request: RFC 7644 sections 3.4.2, 3.4.2.4, 3.4.3; RFC 9865."""

from __future__ import annotations

import pytest
from scim2_models import ListResponse, User

from scim.protocol import paging
from scim.protocol.errors import InvalidCursor, InvalidSyntax, InvalidValue
from scim.protocol.paging import Page
from scim.protocol.schema import SEARCH_REQUEST, USER_URN


def read(**params: object) -> Page:
    return paging.read(params, default=100, maximum=500)


@pytest.mark.parametrize(
    ("params", "page"),
    [
        ({}, Page(1, 100)),
        ({"startIndex": "", "count": ""}, Page(1, 100)),
        ({"startIndex": "3", "count": "2"}, Page(3, 2)),
        ({"startIndex": 3, "count": 2}, Page(3, 2)),
        ({"startIndex": "0"}, Page(1, 100)),
        ({"startIndex": "-3", "count": "1"}, Page(1, 1)),
        ({"count": "0"}, Page(1, 0)),
        ({"count": "-7"}, Page(1, 0)),
        ({"count": " +5 "}, Page(1, 5)),
        ({"count": "1000000"}, Page(1, 500)),
        ({"count": 10**30, "startIndex": "9" * 50}, Page(2**31 - 1, 500)),
        ({"cursor": ""}, Page(1, 100, "")),
        ({"cursor": "abc", "count": "7", "startIndex": ""}, Page(1, 7, "abc")),
    ],
)
def test_a_page_is_read(params: dict, page: Page) -> None:
    """RFC 7644 section 3.4.2.4, table 6; tape rfc-pagination; RFC 9865 section 2."""
    assert read(**params) == page


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"count": "ten"}, InvalidValue),
        ({"count": "1.5"}, InvalidValue),
        ({"count": 1.5}, InvalidValue),
        ({"count": True}, InvalidValue),
        ({"startIndex": "１"}, InvalidValue),
        ({"startIndex": [1]}, InvalidValue),
        ({"startIndex": "9" * 101}, InvalidValue),
        ({"cursor": "x", "startIndex": "1"}, InvalidValue),
        ({"cursor": 5}, InvalidCursor),
        ({"cursor": "x" * 3000}, InvalidCursor),
    ],
)
def test_what_is_no_whole_number_is_refused_by_name(params: dict, error) -> None:
    """RFC 7644 section 3.4.2.4."""
    with pytest.raises(error) as refused:
        read(**params)
    assert any(name in refused.value.detail for name in ("startIndex", "count", "cursor"))


def test_a_list_response_counts_what_it_has() -> None:
    """RFC 7644 section 3.4.2."""
    users = [{"schemas": [USER_URN], "id": "1", "userName": "a"}]
    response = paging.list_response(users, 7, 3)
    assert (response["totalResults"], response["startIndex"], response["itemsPerPage"]) == (7, 3, 1)
    read = ListResponse[User].model_validate(response)
    assert read.resources[0].user_name == "a"
    assert paging.list_response([], 0)["Resources"] == []


def test_a_list_response_by_cursor_has_no_index() -> None:
    """RFC 9865 section 2.2."""
    response = paging.list_response([], 5, None, next_cursor="n", previous_cursor="p")
    assert "startIndex" not in response
    assert (response["nextCursor"], response["previousCursor"]) == ("n", "p")


def test_a_search_request_has_the_parameters_of_a_query() -> None:
    """RFC 7644 section 3.4.3; tape rfc-search."""
    body = {
        "schemas": [SEARCH_REQUEST],
        "attributes": ["userName"],
        "Filter": "title pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": 2,
        "excludedAttributes": None,
        "unknown": 1,
    }
    assert paging.read_search(body) == {
        "attributes": ["userName"],
        "filter": "title pr",
        "sortBy": "userName",
        "sortOrder": "descending",
        "startIndex": 1,
        "count": 2,
    }
    assert paging.read_search({}) == {}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], InvalidSyntax),
        ({"schemas": [USER_URN]}, InvalidSyntax),
        ({"schemas": "x"}, InvalidValue),
        ({"filter": 5}, InvalidValue),
        ({"sortBy": ["userName"]}, InvalidValue),
    ],
)
def test_another_message_is_no_search_request(body: object, error) -> None:
    """RFC 7644 section 3.4.3."""
    with pytest.raises(error):
        paging.read_search(body)
