"""Where training leads, in balls: every printed digit after k updates is proved.

A ball grows a little with each update, so the precision is raised until what is left
at the end is as narrow as asked.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction as Rational
from typing import Any

from flint import arb, fmpq

from symbackprop.errors import InputError, TooLarge
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.optimizers import Rule
from symbackprop.numeric.point import (
    FIRST_BITS,
    Ball,
    BallArithmetic,
    General,
    Point,
    Unsettled,
    ball,
)
from symbackprop.numeric.program import Program
from symbackprop.numeric.registers import Registers
from symbackprop.numeric.schedule import Schedule

MAX_WORK = 20_000_000
MAX_PRECISION = 1 << 17
GUARD = 64
LOOK = 16
"""After so many updates it is looked at how wide the balls are."""


class _Wide(Exception):
    """The balls are too wide to go on; how many updates that took."""

    def __init__(self, updates: int) -> None:
        super().__init__(updates)
        self.updates = max(updates, 1)


class ExactPoint(Point):
    """A program at the parameters that training ends at; asked for digits, it has them.

    `start` are the parameters' first values, `rows` the samples' values with whatever
    else the program needs. A quantity is the mean over the samples, or that of sample
    `only` (from 0). TooLarge where updates times operations are too many.
    """

    def __init__(
        self,
        program: Program,
        start: Mapping[Name, Rational],
        rows: Sequence[Mapping[Name, Rational]],
        rule: Rule,
        constants: Sequence[Rational],
        schedule: Schedule,
        only: int | None = None,
        general: General | None = None,
    ) -> None:
        """Check that every leaf has a value; nothing is computed yet."""
        super().__init__(program.lines, start, general)
        self.program = program
        self.start = {n: start[n] for n in program.gradient if n in start}
        self.rows = [dict(row) for row in rows]
        self.rule = rule
        self.constants = list(constants)
        self.schedule = schedule
        self.only = only
        for row in self.rows:
            missing = [
                n.id for n in program.arguments if n not in row and n not in start
            ]
            if missing:
                raise InputError(f"there is no value for {', '.join(missing[:12])}")
        work = len(program.lines) * schedule.iterations * schedule.size
        if work > MAX_WORK:
            raise TooLarge(
                f"{schedule.iterations:,} exact updates of {len(program.lines)} lines "
                f"on {schedule.size} samples are too many"
            )
        self._reached: tuple[int, list[arb]] | None = None

    def at(self, bits: int = FIRST_BITS) -> Mapping[Formula, Ball]:
        """Every atom's value after training, at a precision in bits."""
        if bits not in self._runs:
            ended = self.parameters(bits)
            self._runs[bits] = self._with_bits(bits, lambda: self._atoms(ended))
        return self._runs[bits]

    def parameters(self, bits: int = FIRST_BITS) -> Mapping[Name, arb]:
        """The parameters after training, to so many bits."""
        precision = bits + GUARD
        while self._reached is None or self._reached[0] < bits:
            try:
                ended = self._with_bits(precision, self._trained)
                left = _narrowest(ended, bits)
                if left >= bits:
                    self._reached = (left, ended)
                    break
                lost, updates = precision - left, self.schedule.iterations
            except _Wide as wide:
                lost, updates = precision, wide.updates
            needed = lost * self.schedule.iterations // updates + bits + GUARD
            precision = max(precision + precision // 2, needed + needed // 8)
            if precision > MAX_PRECISION:
                raise TooLarge(
                    f"{self.schedule.iterations:,} updates need more than "
                    f"{MAX_PRECISION:,} bits"
                )
        assert self._reached is not None
        return dict(zip(self.start, self._reached[1], strict=True))

    def _atoms(self, ended: Mapping[Name, arb]) -> dict[Formula, Ball]:
        """Every atom at the end, for one sample or as the mean over all."""
        rows = self.rows if self.only is None else [self.rows[self.only]]
        runs = [self.computed({**self._leaves(row), **ended}) for row in rows]
        if len(runs) == 1:
            return runs[0]
        total = runs[0]
        for one in runs[1:]:
            for atom, value in one.items():
                total[atom] = total[atom] + value
        mean = {atom: value / len(runs) for atom, value in total.items()}
        return {**mean, **ended}

    def _leaves(self, row: Mapping[Name, Rational]) -> dict[Name, Ball]:
        """The values of a sample and of what stays constant."""
        known = {**self.values, **row}
        return {name: self.arithmetic.number(value) for name, value in known.items()}

    def _trained(self) -> list[arb]:
        """The parameters after every update, at the context's precision."""
        arithmetic = _Balls(self.arithmetic)
        names = list(self.start)
        others = [n for n in self.program.arguments if n not in self.start]
        gradient = Registers(
            self.lines,
            [*names, *others],
            list(self.program.gradient.values()),
            arithmetic,
        )
        update = Registers(
            self.rule.program.lines, self.rule.inputs, self.rule.outputs, arithmetic
        )
        rows = [
            [arithmetic.number({**self.values, **row}[name]) for name in others]
            for row in self.rows
        ]
        constants = [arithmetic.number(value) for value in self.constants]
        theta = [arithmetic.number(self.start[name]) for name in names]
        states = [[arb(0)] * len(self.rule.row.states) for _ in names]
        for number, batch in enumerate(self.schedule.batches(), 1):
            try:
                slopes = gradient([*theta, *rows[batch[0]]])
                for sample in batch[1:]:
                    more = gradient([*theta, *rows[sample]])
                    slopes = [a + b for a, b in zip(slopes, more, strict=True)]
            except Unsettled:
                raise _Wide(number) from None
            step = arb(number)
            for place, slope in enumerate(slopes):
                mean = slope if len(batch) == 1 else slope / len(batch)
                theta[place], *states[place] = update(
                    [theta[place], *states[place], mean, step, *constants]
                )
            if number % LOOK == 0 and _narrowest(theta, GUARD) < GUARD // 2:
                raise _Wide(number)
        return theta


class _Balls:
    """Balls alone: exact rationals would grow without bound over many updates."""

    def __init__(self, inner: BallArithmetic) -> None:
        self.inner = inner

    def number(self, value: Rational) -> arb:
        """The ball of a rational, at the context's precision."""
        return arb(fmpq(value.numerator, value.denominator))

    def power(self, base: arb, exponent: arb | int) -> arb:
        """A power."""
        if exponent == 2:
            return base * base
        return base**exponent

    def call(self, function: str, arguments: list[Any], slope: int | None) -> arb:
        """A function's value or slope."""
        if function == "sqrt" and arguments[0].contains(0):
            # A square that is 0 comes as a ball around 0; a root's argument is not
            # negative, so from 0 to the largest root holds the true value.
            return arb(0).union(arguments[0].upper().sqrt())
        return ball(self.inner.call(function, arguments, slope))


def _narrowest(values: Sequence[arb], enough: int = MAX_PRECISION) -> int:
    """The bits that the widest ball still has, from 0; past `enough` roughly."""
    return min((_bits(value, enough) for value in values), default=MAX_PRECISION)


def _bits(value: arb, enough: int) -> int:
    """The accurate bits of one ball, of its own size or of 1."""
    if not value.is_finite():
        return 0
    if value.is_exact():
        return MAX_PRECISION
    relative = value.rel_accuracy_bits()
    if relative >= enough:
        return relative
    size = arb(value.rad()).log() / arb(2).log()
    return max(relative, -int(size.upper().ceil().unique_fmpz() or 0), 0)
