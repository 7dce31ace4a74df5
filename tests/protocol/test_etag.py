"""Entity tags: RFC 7644 section 3.14, RFC 9110 sections 8.8.3 and 13.1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol import etag

from .strategies import some


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('W/"3"', True),
        ('"3"', True),
        ("*", True),
        (" * ", True),
        ('"1", W/"3"', True),
        ('"1",W/"3","5"', True),
        ('"a,b" , "3"', True),
        ("3", True),
        ("W/3", True),
        ('"1"', False),
        ('"33"', False),
        ('W/"something-else"', False),
        ('"3,4"', False),
        ("", False),
        (",", False),
        ('""', False),
        ('w/"4"', False),
        ('"*"', False),
        ("x" * 10_000, False),
    ],
)
def test_a_condition_names_the_version_or_not(header: str, same: bool) -> None:
    """RFC 9110 section 13.1: lists, *, weak comparison."""
    assert etag.matches(header, 'W/"3"') is same


@some
@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_a_tag_matches_itself_and_no_other(a: int, b: int) -> None:
    """RFC 7644 section 3.14."""
    assert etag.matches(etag.make(a), etag.make(a))
    assert etag.matches(etag.make(a), etag.make(b)) == (a == b)
