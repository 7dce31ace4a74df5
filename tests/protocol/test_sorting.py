"""sortBy and sortOrder: RFC 7644 section 3.4.2.3."""

from __future__ import annotations

import pytest

from scim.protocol import sorting
from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.filter import AttrPath
from scim.protocol.schema import ENTERPRISE_URN, GROUP, USER, USER_URN


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("USERNAME", AttrPath(None, "userName")),
        (f"{USER_URN}:userName", AttrPath(None, "userName")),
        ("name.familyname", AttrPath(None, "name", "familyName")),
        ("emails", AttrPath(None, "emails", "value")),
        ("meta.created", AttrPath(None, "meta", "created")),
        (f"{ENTERPRISE_URN}:manager", AttrPath(ENTERPRISE_URN, "manager", "value")),
    ],
)
def test_a_list_is_sorted_by_a_name_in_any_case(name: str, path: AttrPath) -> None:
    """RFC 7644 section 3.4.2.3; a complex attribute means its value."""
    sort = sorting.read({"sortBy": name, "sortOrder": "Descending"}, USER)
    assert sort is not None
    assert sort.path == path
    assert sort.descending
    assert sort.attribute.name == (path.sub or path.name)


def test_the_default_is_ascending_and_no_order_at_all_without_a_name() -> None:
    """RFC 7644 section 3.4.2.3."""
    sort = sorting.read({"sortBy": "title"}, USER)
    assert sort is not None
    assert not sort.descending
    assert sorting.read({}, USER) is None
    assert sorting.read({"sortBy": "", "sortOrder": "descending"}, USER) is None
    assert sorting.read({"sortBy": "members.value"}, (USER, GROUP)) is not None


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"sortBy": "nothing"}, InvalidPath),
        ({"sortBy": "password"}, InvalidPath),
        ({"sortBy": "name"}, InvalidPath),
        ({"sortBy": "a b"}, InvalidPath),
        ({"sortBy": "x" * 5000}, InvalidPath),
        ({"sortBy": 5}, InvalidValue),
        ({"sortBy": "title", "sortOrder": "up"}, InvalidValue),
        ({"sortBy": "title", "sortOrder": 1}, InvalidValue),
    ],
)
def test_what_cannot_be_sorted_by_is_refused(params: dict, error) -> None:
    """RFC 7644 section 3.12."""
    with pytest.raises(error):
        sorting.read(params, USER)
