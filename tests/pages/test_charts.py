"""Charts as numbers: where a value stands on the paper, gaps, one point, nothing."""

from __future__ import annotations

import re

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from accounts.pages.charts import HEIGHT, WIDTH, Bar, Bars, Lines, Part, Series

LABELS = ["Mon", "Tue", "Wed", "Thu", "Fri"]


def _lines(values: list[int | None], **more: bool) -> Lines:
    labels = [f"Day {number}" for number in range(len(values))]
    return Lines(labels, [Series("Held", "held", values, **more)])


def test_values_stand_where_they_belong() -> None:
    chart = _lines([0, 5, 10])
    assert chart.ticks == [10, 5, 0]
    assert chart.grid == [0, 100, 200]
    assert chart.lines[0].path == "M0 200L500 100L1000 0"


def test_a_gap_breaks_the_line_and_a_lonely_point_is_a_dot() -> None:
    line = _lines([1, 1, None, 1, None]).lines[0]
    assert (line.path, line.dots) == ("M0 0L250 0", "M750 0h0")


def test_steps_go_across_then_up() -> None:
    assert _lines([2, 4], steps=True).lines[0].path == "M0 100H1000V0"


def test_what_is_below_a_line_is_closed_at_the_bottom_of_each_stretch() -> None:
    assert _lines([4, 2, None, 4], area=True).lines[0].area == "M0 0L333.3 100V200H0Z"


@pytest.mark.parametrize("values", [[0, 0], [0], [7], [None, 0], [123_456_789, 1]])
def test_few_and_great_numbers_fit_on_the_paper(values: list[int | None]) -> None:
    chart = _lines(values)
    assert chart.ticks[0] >= max(value or 0 for value in values)
    assert chart.ticks[-1] == 0
    drawn = chart.lines[0].path + chart.lines[0].dots
    for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn):
        assert 0 <= float(y) <= HEIGHT


@given(st.integers(0, 10**9))
def test_the_scale_is_round_reaches_the_highest_and_has_few_lines(most: int) -> None:
    ticks = _lines([most]).ticks
    assert ticks[0] >= most
    assert 2 <= len(ticks) <= 5
    step = ticks[0] - ticks[1]
    assert str(step).rstrip("0") in ("1", "2", "5")
    assert ticks[0] - step < max(1, most)


def test_no_value_at_all_says_so() -> None:
    chart = _lines([None, None])
    assert not chart.known
    shown = Template("{% chart_line 'id' 'Title' chart %}").render(Context({"chart": chart}))
    assert "Nothing was counted yet" in shown
    assert '<svg class="chart-paper' not in shown


def test_labels_below_are_first_middle_and_last_where_the_middle_is_exact() -> None:
    assert Lines(LABELS, []).ends == ["Mon", "Wed", "Fri"]
    assert Lines(LABELS[:4], []).ends == ["Mon", "Thu"]
    assert Lines(LABELS[:1], []).ends == ["Mon"]


def test_a_line_is_told_in_words() -> None:
    """WCAG 1.1.1: the picture has a text that says the same."""
    assert _lines([3, None, 1, 1200]).told == (
        "Held: 3 at first, 1,200 at last, between 1 and 1,200."
    )
    assert _lines([3, 3]).told == "Held: always 3."
    assert _lines([None]).told == "Held: not known."


def test_the_chart_has_title_description_and_a_table_with_gaps_as_dashes() -> None:
    shown = Template("{% chart_line 'seats' title chart %}").render(
        Context({"chart": _lines([1, None]), "title": "Seats of <b>"})
    )
    assert 'role="img" aria-labelledby="seats-title seats-told"' in shown
    assert "Seats of &lt;b&gt;" in shown
    assert re.findall(r'<td class="number">(.*?)</td>', shown) == ["1", "–"]
    assert "style=" not in shown


def test_bars_have_one_scale_and_add_up() -> None:
    chart = Bars(
        [
            Bar("All", [Part("activated", 30), Part("provisioned", 10)], "40 seats"),
            Bar("Half", [Part("activated", 0), Part("provisioned", 20)], "20 seats"),
            Bar("None", [Part("activated", 0), Part("provisioned", 0)], "0 seats"),
        ],
        {"activated": "Activated", "provisioned": "Provisioned"},
    )
    drawn = [[(p.look, p.x, p.width) for p in pieces] for _, pieces in chart.drawn]
    assert drawn == [
        [("activated", 0, 750), ("provisioned", 750, 250)],
        [("provisioned", 0, 500)],
        [],
    ]
    assert chart.told == "All: 40 seats. Half: 20 seats. None: 0 seats."


@given(st.lists(st.lists(st.integers(0, 10**6), min_size=1, max_size=4), max_size=5))
def test_no_piece_of_a_bar_is_lost_or_leaves_the_paper(values: list[list[int]]) -> None:
    chart = Bars([Bar("x", [Part("held", v) for v in row], "") for row in values], {})
    for bar, pieces in chart.drawn:
        assert len(pieces) == sum(part.value > 0 for part in bar.parts)
        assert all(piece.x >= 0 and piece.x + piece.width <= WIDTH for piece in pieces)
