"""A printed number: its digits are the claim, half a unit in the last one its reach.

Everything is asked of exact rationals and of balls that hold a true value; a ball too
wide to answer says None and is asked again with more digits.
"""

import re
from dataclasses import dataclass, replace
from fractions import Fraction as Rational
from typing import Literal, TypeAlias

from flint import arb, fmpq

from symbackprop.errors import InputError
from symbackprop.numeric.point import FAR, Ball

Rounding: TypeAlias = Literal["half", "down"]

_PARTS = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>[0-9]*)(?:(?P<point>\.)(?P<decimals>[0-9]*))?"
    r"(?:[eE](?P<exponent>[+-]?[0-9]+))?"
)


@dataclass(frozen=True, slots=True)
class Printed:
    """Digits as a book prints them, and the exact numbers that they stand for.

    `unit` is one in the last printed digit; `mantissa` counts the decimals before an
    exponent, which is None where none is printed.
    """

    text: str
    value: Rational
    unit: Rational
    mantissa: int
    exponent: int | None

    @property
    def low(self) -> Rational:
        """The least number that may be printed so."""
        return self.value - self.unit / 2

    @property
    def high(self) -> Rational:
        """The greatest number that may be printed so."""
        return self.value + self.unit / 2

    @property
    def opposite(self) -> "Printed":
        """The same digits with the other sign."""
        text = self.text.lstrip("+-")
        text = text if self.text.startswith("-") else "-" + text
        return replace(self, text=text, value=-self.value)

    @property
    def significant(self) -> int:
        """How many digits are printed from the first that is not 0."""
        return len(str(abs(self.value / self.unit).__floor__())) if self.value else 1

    def holds(self, value: Ball) -> bool | None:
        """Whether a value rounds to these digits, a tie either way."""
        return inside(value, self.low, self.high)

    def truncates(self, value: Ball) -> bool | None:
        """Whether cutting a value off at the last digit leaves these digits."""
        down = self.like(value, "down")
        return None if down is None else number_of(down) == self.value

    def like(self, value: Ball, rounding: Rounding = "half") -> str | None:
        """A value at the same place and in the same style; None if undecided."""
        steps = _steps(value, self.unit, rounding)
        return None if steps is None else self.styled(steps)

    def styled(self, steps: int) -> str:
        """So many units of the last place, in the style of these digits."""
        sign = "-" if steps < 0 else ""
        digits = str(abs(steps)).zfill(self.mantissa + 1)
        if self.mantissa:
            digits = f"{digits[: -self.mantissa]}.{digits[-self.mantissa :]}"
        return sign + digits + ("" if self.exponent is None else f"e{self.exponent}")

    def units_from(self, value: Ball) -> int | None:
        """How many units the digits are from those of the value, at most 1000."""
        steps = _steps(value, self.unit, "half")
        if steps is None:
            return None
        return min(abs(steps - (self.value / self.unit).__floor__()), 1000)

    def is_sized_as(self, value: Ball) -> bool | None:
        """Whether a value has the sign of these digits and half to twice their size.

        A single digit is the first one as well as the last: it says the size.
        """
        return inside(value, *sorted((self.value / 2, self.value * 2)))

    def right_to(self, value: Ball) -> int | None:
        """To how many decimals fewer digits would be right; -1 for none.

        None: the ball is too wide to say. A shorter number needs two digits to count.
        """
        for cut in range(1, self.significant - 1):
            unit = self.unit * 10**cut
            true = _steps(value, unit, "half")
            if true is None:
                return None
            if true == _rounded(self.value / unit, "half"):
                decimals = self.mantissa - cut
                return decimals if self.exponent is None and decimals >= 0 else -1
        return -1


def printed_of(text: str) -> Printed:
    """The digits of a decimal in a file. InputError where it is none."""
    match = _PARTS.fullmatch(text.strip())
    if not match or not (match["whole"] or match["decimals"]):
        raise InputError(f"expected a decimal number, found {text[:60]!r}")
    mantissa = len(match["decimals"] or "")
    exponent = None if match["exponent"] is None else int(match["exponent"])
    unit = Rational(10) ** ((exponent or 0) - mantissa)
    return Printed(text.strip(), number_of(text), unit, mantissa, exponent)


def number_of(text: str) -> Rational:
    """The exact number that decimal digits spell."""
    return Rational(text.strip())


def inside(value: Ball, low: Rational, high: Rational) -> bool | None:
    """Whether a value lies between two rationals, ends included."""
    below, above = fraction_of(low), fraction_of(high)
    if isinstance(value, arb):
        if value >= below and value <= above:
            return True
        return False if value < below or value > above else None
    return bool(below <= value <= above)


def fraction_of(value: Rational) -> fmpq:
    """An exact rational as the balls' own."""
    return fmpq(value.numerator, value.denominator)


def _steps(value: Ball, unit: Rational, rounding: Rounding) -> int | None:
    """A value as a whole number of units; None if its ball spans two."""
    if isinstance(value, arb):
        if abs(value) < fraction_of(unit / 2):
            return 0
        if not abs(value) < FAR:  # its ends would be rationals of unbearable length
            return None
        # An end that is tiny beyond all floats cannot be written as a rational.
        ends = [
            _rational(end.fmpq()) if abs(end) > 1 / FAR else Rational(0)
            for end in (value.lower(), value.upper())
        ]
    else:
        ends = [_rational(value)]
    found = {_rounded(end / unit, rounding) for end in ends}
    return found.pop() if len(found) == 1 else None


def _rational(value: fmpq) -> Rational:
    """The balls' rational as Python's."""
    return Rational(int(value.p), int(value.q))


def _rounded(value: Rational, rounding: Rounding) -> int:
    """To a whole number: half away from zero, or toward zero."""
    size = abs(value) + (Rational(1, 2) if rounding == "half" else 0)
    whole = size.__floor__()
    return whole if value >= 0 else -whole
