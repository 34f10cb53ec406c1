"""Results of benchmarks: figures of interleaved rounds, and targets for them.

Other processes on the machine disturb absolute figures. So contenders take turns within one run,
and are compared by the ratio of each round.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_COLUMNS: Final = 4


@dataclass
class Figure:
    """A measurement: one value per round, and its unit."""

    name: str
    unit: str
    rounds: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest round."""
        return min(self.rounds), max(self.rounds)

    def over(self, other: "Figure", name: str = "") -> "Figure":
        """Return the ratio of this figure to another, round by round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        name = name or f"{self.name} / {other.name}"
        return Figure(name, "x", [value / base for value, base in pairs])

    def __str__(self) -> str:
        low, high = self.spread
        spread = f" ({_short(low)}–{_short(high)})" if len(self.rounds) > 1 else ""
        return f"{_short(self.median):>9} {self.unit}{spread}"

    def as_json(self) -> dict[str, Any]:
        """Return the figure with its rounds."""
        return {
            "name": self.name,
            "unit": self.unit,
            "median": self.median,
            "spread": self.spread,
            "rounds": self.rounds,
        }


def _short(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


@dataclass
class Target:
    """A limit for the median of a figure: either ``at_least`` or ``at_most``."""

    claim: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None
    #: The limit beyond which ``--quick`` fails, far from the target: only a regression exceeds it.
    bound: float | None = None
    #: A second figure, which a busy machine disturbs less. ``--quick`` fails if both are beyond
    #: ``bound``.
    witness: Figure | None = None

    @property
    def is_met(self) -> bool:
        """Whether the median reaches the target."""
        return self._holds(self.figure, self._limit)

    @property
    def is_within_bound(self) -> bool:
        """Whether the figure or its witness is within ``bound``."""
        if self.bound is None:
            return True
        figures = [self.figure, *([self.witness] if self.witness else [])]
        return any(self._holds(figure, self.bound) for figure in figures)

    @property
    def failure(self) -> str:
        """The message for a figure that is not within ``bound``."""
        return f"{self.claim}: {_short(self.figure.median)}, expected {self._sign} {self.bound}"

    def __str__(self) -> str:
        low, high = self.figure.spread
        by_cpu = f"; by CPU {_short(self.witness.median)}" if self.witness else ""
        return (
            f"{'met   ' if self.is_met else 'MISSED'} {self.claim}: "
            f"{_short(self.figure.median)} ({_short(low)}–{_short(high)}{by_cpu}), "
            f"target {self._sign} {self._limit}"
        )

    def as_json(self) -> dict[str, Any]:
        """Return the target with its figures."""
        return {
            "claim": self.claim,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.is_met,
            "figure": self.figure.as_json(),
            "by_cpu": self.witness and self.witness.as_json(),
        }

    @property
    def _limit(self) -> float:
        limit = self.at_least if self.at_most is None else self.at_most
        assert limit is not None, "a target has a limit"
        return limit

    @property
    def _sign(self) -> str:
        return ">=" if self.at_most is None else "<="

    def _holds(self, figure: Figure, limit: float) -> bool:
        return figure.median >= limit if self.at_most is None else figure.median <= limit


@dataclass
class Result:
    """The result of a benchmark."""

    figures: list[Figure] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def show(self) -> None:
        """Print the result: the figures of a name side by side, a few in a line."""
        lines: dict[str, list[Figure]] = {}
        for figure in self.figures:
            lines.setdefault(figure.name, []).append(figure)
        width = max(map(len, lines), default=0)
        for name, figures in lines.items():
            for start in range(0, len(figures), _COLUMNS):
                some = figures[start : start + _COLUMNS]
                print(f"  {'' if start else name:{width}}", *(f"{figure!s:40}" for figure in some))
        for line in (*map(str, self.targets), *self.notes):
            print(f"  {line}")

    def as_json(self) -> dict[str, Any]:
        """Return the result with every round."""
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "targets": [target.as_json() for target in self.targets],
            "notes": self.notes,
        }


#: The values of each round by contender and unit.
Measurements = dict[str, dict[str, list[float]]]
#: Figures by contender and unit.
Figures = dict[tuple[str, str], Figure]


def interleave(
    contenders: Mapping[str, Callable[[], Mapping[str, float]]],
    *,
    rounds: int,
    progress: Callable[[str], None],
) -> Measurements:
    """Run the contenders in rounds, each of which starts with the next contender.

    A contender is a function that returns a value by unit. ``progress`` receives a line of text
    before each turn.
    """
    names = list(contenders)
    measurements: Measurements = {name: {} for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            progress(f"round {number + 1} of {rounds}: {name}")
            for unit, value in contenders[name]().items():
                measurements[name].setdefault(unit, []).append(value)
    return measurements


def build_figures(operation: str, measurements: Measurements) -> Figures:
    """Return the figures of interleaved rounds, named after the operation and the contender."""
    return {
        (name, unit): Figure(f"{operation}: {name}", unit, rounds)
        for name, units in measurements.items()
        for unit, rounds in units.items()
    }


def ratios(operation: str, figures: Figures, ours: str, other: str) -> list[Figure]:
    """Return how much better ours is than another contender: by rate, and by CPU time saved."""
    name = f"{operation}: {ours} over {other}"
    rate = figures[ours, "req/s"].over(figures[other, "req/s"], name)
    cpu = figures[other, "ms CPU"].over(figures[ours, "ms CPU"], name)
    return [Figure(name, "x by rate", rate.rounds), Figure(name, "x by CPU", cpu.rounds)]


def rate_target(operation: str, figures: Figures, ours: str, peer: str, factor: float) -> Target:
    """Return the target that our rate is ``factor`` times the rate of a peer.

    Its witness is the ratio of the CPU times, which other processes disturb less.
    """
    rate, cpu = ratios(operation, figures, ours, peer)
    claim = f"{operation}: times the rate of {peer}"
    return Target(claim, rate, at_least=factor, bound=factor / 2, witness=cpu)
