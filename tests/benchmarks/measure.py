"""Figures: medians of interleaved rounds, each with its spread, and the aims they meet or miss.

The machine may be busy with other things, and differently from minute to minute. So contenders
take turns, and are compared round by round: a claim is a ratio within one run.
"""

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Figure:
    """What was measured in each round."""

    name: str
    unit: str
    rounds: list[float]

    @property
    def median(self) -> float:
        """The middle round."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest round."""
        return min(self.rounds), max(self.rounds)

    def over(self, other: "Figure", name: str = "") -> "Figure":
        """This divided by another, round by round."""
        pairs = zip(self.rounds, other.rounds, strict=True)
        name = name or f"{self.name} / {other.name}"
        return Figure(name, "x", [mine / theirs for mine, theirs in pairs])

    def __str__(self) -> str:
        low, high = self.spread
        several = f" ({_short(low)}–{_short(high)})" if len(self.rounds) > 1 else ""
        return f"{_short(self.median):>9} {self.unit}{several}"

    def as_json(self) -> dict[str, Any]:
        """All of it."""
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
class Aim:
    """What a figure should be, and whether its median is."""

    claim: str
    figure: Figure
    at_least: float | None = None
    at_most: float | None = None
    #: What ``--quick`` refuses: wide of the aim, so that only a regression fails ...
    bound: float | None = None
    #: ... and only where this, which a busy machine disturbs less, says the same.
    witness: Figure | None = None

    @property
    def met(self) -> bool:
        """Whether the aim is met."""
        return self._holds(self.figure, self._asked)

    @property
    def _asked(self) -> float:
        asked = self.at_least if self.at_most is None else self.at_most
        assert asked is not None, "an aim asks for something"
        return asked

    @property
    def within_bound(self) -> bool:
        """Whether the figure is no regression."""
        if self.bound is None:
            return True
        figures = [self.figure, *([self.witness] if self.witness else [])]
        return any(self._holds(figure, self.bound) for figure in figures)

    def _holds(self, figure: Figure, asked: float) -> bool:
        return figure.median >= asked if self.at_most is None else figure.median <= asked

    def __str__(self) -> str:
        low, high = self.figure.spread
        also = f"; by CPU {_short(self.witness.median)}" if self.witness else ""
        return (
            f"{'met   ' if self.met else 'MISSED'} {self.claim}: {_short(self.figure.median)} "
            f"({_short(low)}–{_short(high)}{also}), asked {self._sign} {self._asked}"
        )

    @property
    def _sign(self) -> str:
        return ">=" if self.at_most is None else "<="

    @property
    def refusal(self) -> str:
        """A sentence for who is refused."""
        return (
            f"{self.claim}: {_short(self.figure.median)}, and should be {self._sign} {self.bound}"
        )

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "claim": self.claim,
            "at_least": self.at_least,
            "at_most": self.at_most,
            "met": self.met,
            "figure": self.figure.as_json(),
            "by_cpu": self.witness and self.witness.as_json(),
        }


@dataclass
class Outcome:
    """What a benchmark has found."""

    figures: list[Figure] = field(default_factory=list)
    aims: list[Aim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def show(self) -> None:
        """Print it: a line for each name, with its figures side by side."""
        lines: dict[str, list[Figure]] = {}
        for figure in self.figures:
            lines.setdefault(figure.name, []).append(figure)
        width = max(map(len, lines), default=0)
        for name, figures in lines.items():
            print(f"  {name:{width}}", *(f"{figure!s:32}" for figure in figures))
        for line in (*map(str, self.aims), *self.notes):
            print(f"  {line}")

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "figures": [figure.as_json() for figure in self.figures],
            "aims": [aim.as_json() for aim in self.aims],
            "notes": self.notes,
        }


def interleaved(
    contenders: Mapping[str, Callable[[], Mapping[str, float]]],
    *,
    rounds: int,
    tell: Callable[[str], None],
) -> dict[str, dict[str, list[float]]]:
    """Let contenders take turns, each round beginning with another one.

    A turn returns what it measured by unit; the answer has it by contender and unit, round by
    round.
    """
    names = list(contenders)
    measured: dict[str, dict[str, list[float]]] = {name: {} for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            tell(f"round {number + 1} of {rounds}: {name}")
            for unit, value in contenders[name]().items():
                measured[name].setdefault(unit, []).append(value)
    return measured


Figures = dict[tuple[str, str], Figure]


def figures_of(question: str, measured: Mapping[str, Mapping[str, list[float]]]) -> Figures:
    """The figures of ``interleaved``, by contender and unit."""
    return {
        (name, unit): Figure(f"{question}: {name}", unit, rounds)
        for name, units in measured.items()
        for unit, rounds in units.items()
    }


def rate_aim(question: str, figures: Figures, ours: str, peer: str, factor: float) -> Aim:
    """How many times the peer's rate ours is, and should be; the servers' own CPU, which other
    work on the machine disturbs less, is told beside it."""
    rate = figures[ours, "req/s"].over(figures[peer, "req/s"])
    saved = figures[peer, "ms CPU"].over(figures[ours, "ms CPU"])
    claim = f"{question}: times the rate of {peer}"
    return Aim(claim, rate, at_least=factor, bound=factor / 2, witness=saved)
