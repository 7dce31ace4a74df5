"""Charts drawn by the server: numbers in, places on the paper out. Plain Python.

The paper is WIDTH × HEIGHT units and is stretched to the room that there is; texts stand
beside it as HTML, so that they keep their size on a telephone. The numbers stand in a table
beneath. The components `chart_line` and `chart_bars` (accounts.templatetags.ui) show them.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 1000, 200
#: Lines across the paper, the one at zero included, at most.
MOST_TICKS = 5
#: A bar that is more than nothing can be seen.
THINNEST = 4


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """One line. look: its class in app.css, "bought", "held", "activated", "waiting" or "idle".

    values: one for each label; None is a gap. steps: it stays as it is until it changes.
    area: what is below the line is tinted.
    """

    name: str
    look: str
    values: Sequence[int | None]
    steps: bool = False
    area: bool = False

    @property
    def last(self) -> int | None:
        return self.values[-1] if self.values else None

    def told(self) -> str:
        """In words, for whoever does not see the line."""
        known = [value for value in self.values if value is not None]
        if not known:
            return f"{self.name}: not known."
        low, high = min(known), max(known)
        if low == high:
            return f"{self.name}: always {high:,}."
        return (
            f"{self.name}: {known[0]:,} at first, {known[-1]:,} at last, "
            f"between {low:,} and {high:,}."
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """What is drawn of a series: paths for its line, for points without a neighbour, and for
    what is tinted below it."""

    series: Series
    path: str
    dots: str
    area: str


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A line of the table, and the strip of the paper that shows it. values: by series."""

    label: str
    values: list[tuple[str, int | None]]
    x: float
    width: float


@dataclasses.dataclass(frozen=True, slots=True)
class Lines:
    """labels: the moments, the oldest first; as many as each series has values."""

    labels: Sequence[str]
    series: Sequence[Series]

    def __post_init__(self) -> None:
        assert all(len(each.values) == len(self.labels) for each in self.series)  # noqa: S101

    @property
    def known(self) -> bool:
        return any(value is not None for each in self.series for value in each.values)

    @property
    def points(self) -> int:
        """At how many moments something is known."""
        return sum(any(value is not None for _, value in row.values) for row in self.rows)

    @property
    def ticks(self) -> list[int]:
        """What the lines across stand for, the highest first."""
        step, top = _scale([v for each in self.series for v in each.values if v is not None])
        return list(range(top, -1, -step))

    @property
    def grid(self) -> list[float]:
        return [_y(tick, self.ticks[0]) for tick in self.ticks]

    @property
    def lines(self) -> list[Line]:
        return [self._line(each) for each in self.series]

    @property
    def rows(self) -> list[Row]:
        strip = WIDTH / max(1, len(self.labels) - 1)
        return [
            Row(
                label,
                [(each.name, each.values[n]) for each in self.series],
                round(self._x(n) - strip / 2, 1),
                round(strip, 1),
            )
            for n, label in enumerate(self.labels)
        ]

    @property
    def ends(self) -> list[str]:
        """Labels below the paper: first, middle where there is one exactly, last."""
        count = len(self.labels)
        if count < 3 or count % 2 == 0:
            return list(dict.fromkeys([*self.labels[:1], *self.labels[-1:]]))
        return [self.labels[0], self.labels[count // 2], self.labels[-1]]

    @property
    def told(self) -> str:
        return " ".join(each.told() for each in self.series)

    def _x(self, n: int) -> float:
        return round(WIDTH * n / (len(self.labels) - 1), 1) if len(self.labels) > 1 else WIDTH / 2

    def _line(self, series: Series) -> Line:
        top = self.ticks[0]
        path, dots, area = "", "", ""
        for stretch in _stretches(series.values):
            places = [(self._x(n), _y(value, top)) for n, value in stretch]
            (x, y), *rest = places
            if not rest:
                dots += f"M{x:g} {y:g}h0"  # round ends make it a dot
                continue
            drawn = f"M{x:g} {y:g}" + "".join(
                f"H{x:g}V{y:g}" if series.steps else f"L{x:g} {y:g}" for x, y in rest
            )
            path += drawn
            if series.area:
                area += f"{drawn}V{HEIGHT}H{x:g}Z"
        return Line(series, path, dots, area)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar. look: its class in app.css, as of a series."""

    look: str
    value: int


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """parts: side by side, from the left. text: what stands at its end."""

    label: str
    parts: Sequence[Part]
    text: str

    @property
    def whole(self) -> int:
        return sum(part.value for part in self.parts)


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    look: str
    x: int
    width: int


@dataclasses.dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one scale. names: what each look stands for, in the order of the parts."""

    bars: Sequence[Bar]
    names: dict[str, str]
    most: int | None = None

    @property
    def drawn(self) -> list[tuple[Bar, list[Piece]]]:
        whole = max([self.most or 0, 1, *(bar.whole for bar in self.bars)])
        return [(bar, list(_pieces(bar, whole))) for bar in self.bars]

    @property
    def told(self) -> str:
        return " ".join(f"{bar.label}: {bar.text}." for bar in self.bars)


# ------------------------------------------------------------------ inside


def _scale(values: Sequence[int]) -> tuple[int, int]:
    """The step between two lines across (1, 2 or 5 and noughts), and the highest line."""
    most = max([1, *values])
    for exponent in itertools.count():
        for first in (1, 2, 5):
            step = first * 10**exponent
            top = -(-most // step) * step
            if top // step < MOST_TICKS:
                return step, top
    raise AssertionError("unreachable")


def _y(value: int, top: int) -> float:
    return round(HEIGHT - HEIGHT * value / top, 1)


def _stretches(values: Sequence[int | None]) -> Iterator[list[tuple[int, int]]]:
    """The values between two gaps, each with its place."""
    stretch: list[tuple[int, int]] = []
    for n, value in enumerate(values):
        if value is None:
            if stretch:
                yield stretch
            stretch = []
        else:
            stretch.append((n, value))
    if stretch:
        yield stretch


def _pieces(bar: Bar, whole: int) -> Iterator[Piece]:
    """Rounded at the borders between two parts, so that no sliver is left or lost."""
    before, start = 0, 0
    for part in bar.parts:
        before += part.value
        end = round(WIDTH * before / whole)
        if part.value:
            end = min(WIDTH, max(end, start + THINNEST))
            yield Piece(part.look, start, end - start)
        start = end
