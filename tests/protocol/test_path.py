"""Paths of PATCH operations: RFC 7644 section 3.5.2."""

from __future__ import annotations

import pytest

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import And, AttrPath, Compare
from scim.protocol.path import Path, parse
from scim.protocol.schema import ENTERPRISE_URN, USER_URN

WORK = Compare(AttrPath(None, "type"), "eq", "work")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("userName", Path(None, "userName")),
        ("name.familyName", Path(None, "name", None, "familyName")),
        ('addresses[type eq "work"]', Path(None, "addresses", WORK)),
        (
            'members[value eq "1"].displayName',
            Path(None, "members", Compare(AttrPath(None, "value"), "eq", "1"), "displayName"),
        ),
        (
            'emails[type eq "work" and primary eq "True"].value',
            Path(
                None,
                "emails",
                And((WORK, Compare(AttrPath(None, "primary"), "eq", "True"))),
                "value",
            ),
        ),
        (f"{USER_URN}:name.givenName", Path(USER_URN, "name", None, "givenName")),
        (f"{ENTERPRISE_URN}:manager", Path(ENTERPRISE_URN, "manager")),
        (f'{USER_URN}:emails[type eq "work"].value', Path(USER_URN, "emails", WORK, "value")),
        ("members.$ref", Path(None, "members", None, "$ref")),
        (" title ", Path(None, "title")),
    ],
)
def test_a_path_is_read(text: str, path: Path) -> None:
    """RFC 7644 section 3.5.2, figure 7 and its examples."""
    assert parse(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "/userName",
        "emails[type eq",
        'emails[type eq "work"]value',
        "emails[]",
        "a.b.c",
        'emails[type eq "work"].value.x',
        'userName eq "x"',
        "emails[0]",
        "*",
        "a b",
        "a,b",
        'emails.value[type eq "x"]',
        'emails[type eq "work"] x',
        "name.",
        ".name",
        "urn:",
        "x" * 10_000,
        "a[" + "(" * 30 + "b pr" + ")" * 30 + "]",
        "\x00",
        "\ud800",
    ],
)
def test_a_path_that_cannot_be_read_is_refused(text: str) -> None:
    """RFC 7644 table 9: invalidPath; tape rfc-errors. JSON pointers are no SCIM paths."""
    with pytest.raises(InvalidPath):
        parse(text)
