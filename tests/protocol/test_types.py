"""All types of attributes, on a resource type made for it: RFC 7643 section 2.3."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scim.protocol import document, times
from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.evaluate import matches
from scim.protocol.filter import And, AttrPath, Present, ValuePath, check, check_value_filter, parse
from scim.protocol.schema import Attribute, ResourceType, Schema

URN = "urn:example:Gate"
GATE = ResourceType(
    "Gate",
    "/Gates",
    Schema(
        URN,
        "Gate",
        "",
        (
            Attribute("floor", "integer"),
            Attribute("height", "decimal"),
            Attribute("opened", "dateTime"),
            Attribute("key", "binary"),
            Attribute(
                "doors",
                "complex",
                multi_valued=True,
                sub_attributes=(Attribute("width", "decimal"),),
            ),
        ),
    ),
)


def read(**attributes: object) -> dict:
    return document.read(GATE, attributes)


@pytest.mark.parametrize(
    "attributes",
    [
        {"floor": -3},
        {"floor": 2**80},
        {"height": 2},
        {"height": 2.5},
        {"opened": "2026-01-31T12:00:00Z"},
        {"opened": "2026-01-31T12:00:00.1234567+01:00"},
        {"opened": "2026-01-31T12:00:00"},
        {"key": "AAA="},
        {"key": "__-a"},
        {"doors": [{"width": 1}, {"width": 2}]},
    ],
)
def test_values_of_their_type_are_read(attributes: dict) -> None:
    """RFC 7643 sections 2.3.1 to 2.3.8."""
    assert read(**attributes) == {"schemas": [URN], **attributes}


@pytest.mark.parametrize(
    "attributes",
    [
        {"floor": 1.0},
        {"floor": True},
        {"floor": "1"},
        {"height": "1"},
        {"height": False},
        {"opened": "2026-01-31"},
        {"opened": "2026-02-31T12:00:00Z"},
        {"opened": 5},
        {"key": "A===="},
        {"key": 5},
        {"doors": [{"width": "wide"}]},
    ],
)
def test_values_of_another_type_are_refused(attributes: dict) -> None:
    """RFC 7643 sections 2.3.1 to 2.3.8."""
    (name,) = attributes
    with pytest.raises(InvalidValue, match=name):
        read(**attributes)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("floor eq 3", True),
        ("floor eq 3.0", True),
        ("floor gt 2.5", True),
        ("floor le -1", False),
        ("height lt 3", True),
        ("height ne 2.5", False),
        ('opened lt "2026-02-01T00:00:00+12:00"', True),
        ('key eq "AAA="', True),
        ('key eq "aaa="', False),
        ("doors[width ge 2]", True),
        ("doors.width gt 2", False),
        ("doors pr", True),
    ],
)
def test_numbers_and_times_are_compared_by_value(text: str, holds: bool) -> None:
    """RFC 7644 section 3.4.2.2, table 3."""
    gate = read(
        floor=3, height=2.5, opened="2026-01-31T11:00:00Z", key="AAA=", doors=[{"width": 2}]
    )
    tree = check(parse(text), GATE)
    assert matches(tree, gate, GATE) is holds


@pytest.mark.parametrize(
    "text",
    ["floor co 3", 'floor eq "3"', "floor eq true", 'key gt "A"', "doors eq 3", "opened eq 3"],
)
def test_comparisons_that_do_not_fit_are_refused(text: str) -> None:
    """RFC 7644 section 3.4.2.2: invalidFilter."""
    with pytest.raises(InvalidFilter):
        check(parse(text), GATE)


def test_unchecked_comparisons_of_another_kind_do_not_hold() -> None:
    """The table in evaluate.py: unequal and in no order."""
    gate = read(floor=3, opened="2026-01-31T11:00:00Z")
    for text in ("floor co 3", 'floor eq "3"', "opened gt 3", 'opened sw "2026"', "other eq 3"):
        assert not matches(parse(text), gate, GATE)
    inner = ValuePath(AttrPath(None, "width"), Present(AttrPath(None, "x")))
    assert not matches(ValuePath(AttrPath(None, "doors"), inner), read(doors=[{"width": 1}]), GATE)
    with pytest.raises(InvalidFilter):
        check_value_filter(And((inner, inner)), GATE.schema.by_name["doors"])


def test_lists_of_empty_things_are_not_present() -> None:
    """The table in evaluate.py: pr."""
    for value in ([], [[]], [{}], [{"width": ""}], [{"width": None}], {"width": [None]}):
        assert not matches(parse("doors pr"), {"doors": value}, GATE)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+05:30", datetime(2026, 1, 31, 6, 30, tzinfo=UTC)),
        ("2026-01-31T12:00:00.5", datetime(2026, 1, 31, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00.1234567Z", datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T24:00:01Z", None),
        ("2026-02-30T12:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("2026-01-31 12:00:00", None),
        ("20260131T120000Z", None),
        ("2026-W05-6", None),
        ("٢٠٢٦-01-31", None),
        ("", None),
        ("2026-01-31T12:00:00Z" + "0" * 100, None),
    ],
)
def test_a_text_means_a_moment_or_none(text: str, moment: datetime | None) -> None:
    """RFC 7643 section 2.3.5: xsd:dateTime."""
    assert times.parse(text) == moment
