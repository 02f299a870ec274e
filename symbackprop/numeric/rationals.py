"""Which values of a point are rational for sure, also where balls stand beside them.

A ball times an exact 0 is 0, and what it is added to stays a rational.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from functools import cached_property

from flint import ctx, fmpq

from symbackprop.formula.tree import Formula
from symbackprop.numeric.absent import NoValue
from symbackprop.numeric.evaluate import value_of
from symbackprop.numeric.point import (
    EXACT_BITS,
    FIRST_BITS,
    Ball,
    BallArithmetic,
    Point,
)


@dataclass(frozen=True, slots=True)
class Perhaps:
    """A rational, or None for a value of which no more is known than that it exists."""

    value: fmpq | None

    def __add__(self, other: "Perhaps") -> "Perhaps":
        """A sum, known if both terms are."""
        if self.value is None or other.value is None:
            return _UNKNOWN
        return _known(self.value + other.value)

    def __sub__(self, other: "Perhaps") -> "Perhaps":
        """A difference, known if both terms are."""
        return self + (-other)

    def __mul__(self, other: "Perhaps") -> "Perhaps":
        """A product, known if both factors are or one of them is 0."""
        if self.value == 0 or other.value == 0:
            return Perhaps(fmpq(0))
        if self.value is None or other.value is None:
            return _UNKNOWN
        return _known(self.value * other.value)

    def __truediv__(self, other: "Perhaps") -> "Perhaps":
        """A quotient, known if both are or 0 is divided; what is asked for exists."""
        if self.value is None or other.value == 0:
            return _UNKNOWN
        if self.value == 0:
            return self
        if other.value is None:
            return _UNKNOWN
        return _known(self.value / other.value)

    def __neg__(self) -> "Perhaps":
        """The opposite."""
        return _UNKNOWN if self.value is None else Perhaps(-self.value)


_UNKNOWN = Perhaps(None)


def _known(value: Ball) -> Perhaps:
    """A value where it is a rational of bearable length."""
    if isinstance(value, fmpq) and int(value.height_bits()) <= EXACT_BITS:
        return Perhaps(value)
    return _UNKNOWN


class _Arithmetic:
    """Rationals where they are known, by the arithmetic of balls."""

    def __init__(self, inner: BallArithmetic) -> None:
        self.inner = inner

    def number(self, value: Rational) -> Perhaps:
        """An exact rational."""
        return _known(fmpq(value.numerator, value.denominator))

    def power(self, base: Perhaps, exponent: Perhaps | int) -> Perhaps:
        """A power; x^0 = 1 whatever x is."""
        if exponent == 0:
            return Perhaps(fmpq(1))
        below = base.value
        above = exponent if isinstance(exponent, int) else exponent.value
        if below is None or above is None:
            return _UNKNOWN
        return self._perhaps(lambda: self.inner.power(below, above))

    def call(
        self, function: str, arguments: list[Perhaps], slope: int | None
    ) -> Perhaps:
        """A function's value where it is a rational, as e^0 is."""
        values = [a.value for a in arguments if a.value is not None]
        if len(values) < len(arguments):
            return _UNKNOWN
        return self._perhaps(lambda: self.inner.call(function, [*values], slope))

    @staticmethod
    def _perhaps(compute: Callable[[], Ball]) -> Perhaps:
        """What is computed, unknown where there is no such value."""
        try:
            return _known(compute())
        except NoValue:
            return _UNKNOWN


class Rationals:
    """The rationals of a point whose values exist."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self._arithmetic = _Arithmetic(point.arithmetic)

    @cached_property
    def _atoms(self) -> Mapping[Formula, Perhaps]:
        """Every atom, line by line."""
        known: dict[Formula, Perhaps] = {
            name: self._arithmetic.number(value)
            for name, value in self.point.values.items()
        }
        with ctx.workprec(FIRST_BITS):
            for line in self.point.lines:
                known[line.atom] = value_of(line.form, known, self._arithmetic)
        return known

    def of(self, form: Formula) -> fmpq | None:
        """A form's value where it is a rational for sure, else None."""
        known = self._atoms
        with ctx.workprec(FIRST_BITS):
            found: Perhaps = value_of(form, known, self._arithmetic)
        return found.value
