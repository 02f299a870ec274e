"""What a search finds for a wrong number, and what a find is worth.

Each value that was tried is kept, because that depends on how many there were.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from itertools import pairwise
from typing import Protocol, TypeAlias

from symbackprop.claims.mistake_rules import Arguments
from symbackprop.claims.mistake_setting import Setting
from symbackprop.claims.mistake_values import float_of
from symbackprop.claims.printed import Printed
from symbackprop.formula.tree import Formula
from symbackprop.numeric.program import Atom

SLACK = 1e-9
"""Relative: floats that come so near are looked at in balls."""

Operands: TypeAlias = tuple[Mapping[Formula, Rational], ...]
"""What an author had printed of each sample, by atom."""

Key: TypeAlias = tuple[str, tuple[tuple[str, Formula | str], ...]]


class Changed(Protocol):
    """A mistake applied: its name, the lines it changes, what it was applied to."""

    @property
    def mistake(self) -> str: ...
    @property
    def lines(self) -> Mapping[Atom, Formula]: ...
    @property
    def arguments(self) -> Arguments: ...


@dataclass(frozen=True, slots=True)
class Puzzle:
    """A claim with digits: its number in the file, its atom, what stands before it."""

    index: int
    atom: Atom
    printed: Printed
    operands: tuple[Operands, ...]
    ends: tuple[float, float]

    @classmethod
    def of(
        cls,
        index: int,
        atom: Atom,
        printed: Printed,
        operands: tuple[Operands, ...] = (),
    ) -> "Puzzle":
        """A claim's puzzle."""
        ends = float_of(printed.low), float_of(printed.high)
        return cls(index, atom, printed, operands, ends)

    def near(self, value: float) -> bool:
        """Whether a float may be a value that is printed so."""
        low, high = self.ends
        slack = SLACK * (abs(value) + abs(high))
        return low - slack <= value <= high + slack


@dataclass(frozen=True, slots=True)
class Hit:
    """A mistake that reproduces what is printed.

    `against`: so many right claims would be wrong too; `own`: it is made in the very
    line that is claimed.
    """

    mistake: str
    arguments: Arguments
    against: int = 0
    own: bool = False

    @property
    def key(self) -> Key:
        """By which the same mistake is known elsewhere."""
        return self.mistake, tuple(self.arguments.items())


@dataclass(slots=True)
class Found:
    """What was tried for one wrong claim: each value, and what reproduced it."""

    true: float
    values: list[float] = field(default_factory=list[float])
    fine: list[float] = field(default_factory=list[float])
    tried: list[tuple[float, Changed, Setting]] = field(
        default_factory=list[tuple[float, Changed, Setting]]
    )
    hits: dict[Key, Hit] = field(default_factory=dict[Key, Hit])

    def add(self, hit: Hit) -> None:
        """Keep a hit once."""
        self.hits.setdefault(hit.key, hit)

    def expected(self, printed: Printed, *, fine: bool) -> float:
        """How many of the values tried would land in the printed interval by chance.

        A wrong number may stand anywhere about where it stands. So the distinct values
        within some reach of it are taken as spread evenly there, and each has the
        chance that the interval, one unit of the last digit, has in that width. Values
        crowd about the true one, so the reach goes from the distance to that up to half
        the printed number, and the densest neighbourhood counts. Rounding on the way
        crowds most: for a hit among its values (`fine`) the reach starts at five units.
        """
        centre, unit = float_of(printed.value), float_of(printed.unit)
        tried = sorted(v for v in (*self.values, *self.fine) if math.isfinite(v))
        if not (math.isfinite(centre) and 0 < unit < math.inf):
            return math.inf
        widest = max(abs(centre) / 2, unit)
        expected, reach = 0.0, max(abs(centre - self.true), unit)
        if fine:
            tried, reach = sorted(filter(math.isfinite, self.fine)), 5 * unit
        reach = min(reach, widest) if math.isfinite(reach) else widest
        while reach <= widest:
            there = _within(tried, centre, reach) * unit / (2 * reach)
            expected, reach = max(expected, there), reach * 4
        return expected


def _within(ordered: Sequence[float], centre: float, reach: float) -> int:
    """How many distinct values lie so near."""
    low = bisect_left(ordered, centre - reach)
    window = ordered[low : bisect_right(ordered, centre + reach)]
    least = 1e-11 * reach  # nearer values are one value, computed in two ways
    return bool(window) + sum(b - a > least for a, b in pairwise(window))
