"""The arithmetics that an examination computes in: NumPy's, the tape's, balls.

The graph's own definitions run in each of them (`numeric.evaluate.run`).
"""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from flint import arb, ctx, fmpq

from symbackprop.checks.functions import Smooth, total_of
from symbackprop.errors import InputError
from symbackprop.numeric.point import BallArithmetic, General, ball
from symbackprop.ops import forward
from symbackprop.reference.arithmetic import NUMPY, Arithmetic, elementwise
from symbackprop.reference.tape import FUNCTIONS, Var, applied

SHARP_BITS = 40
"""A ball with fewer bits than these is an interval, as kinks leave it."""

NOTHING = 1e-300
"""A radius around 0 that is 0 for every purpose."""


@contextmanager
def precision(bits: int) -> Generator[None]:
    """Balls of so many bits inside; the context is left as it was."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def exact_ball(value: Rational | float) -> arb:
    """A number as a ball; a float's ball has no radius."""
    if isinstance(value, Rational):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(float(value))


def extended_ball(value: Any) -> arb:  # noqa: ANN401 - a NumPy scalar
    """A float64 or a long double as a ball, exact: its head and its rest."""
    head = float(value)
    return arb(head) + arb(float(value - head)) if np.isfinite(head) else arb(head)


def text_of_ball(value: arb, digits: int = 20) -> str:
    """The ball's middle, or the interval where it is as wide as a kink makes it."""
    if not value.is_finite():
        return "nan"
    if value.is_exact() or value.rel_accuracy_bits() > SHARP_BITS:
        text = value.str(digits, radius=False)
        return text.rstrip("0").rstrip(".") if "." in text and "e" not in text else text
    radius = float(value.rad())
    if radius <= NOTHING:
        return "0"
    ends = (float(value.lower()), float(value.upper()))
    low, high = (round(end / radius, 6) * radius + 0.0 for end in ends)
    return f"[{low:.6g}, {high:.6g}]"


def kinked(margin: float) -> Arithmetic:
    """Balls for the tape; at |x| ≤ margin the slope of a step is all of [0, 1]."""
    wide = arb(0.5, 0.5)

    def step(x: arb) -> arb:
        """1 above a kink, 0 below, anything between in it."""
        if x > margin:
            return arb(1)
        if x < -margin:
            return arb(0)
        return wide

    functions: dict[str, Callable[..., arb]] = {
        "exp": arb.exp,
        "log": arb.log,
        "log1p": arb.log1p,
        "sqrt": arb.sqrt,
        "erf": arb.erf,
        "erfc": arb.erfc,
        "tanh": arb.tanh,
        "absolute": arb.__abs__,
        "maximum": arb.max,
        "step": step,
    }
    return elementwise(functions, arb.pi())


@dataclass(frozen=True, slots=True)
class InNumpy:
    """Floats, long doubles or complex numbers, single or in arrays."""

    kind: type[Any] = np.float64
    general: Mapping[str, Smooth] = field(default_factory=dict)

    def number(self, value: Rational) -> Any:  # noqa: ANN401 - the dtype's scalar
        """A rational, rounded once. InputError where no float is near it."""
        try:
            return self.kind(value.numerator) / self.kind(value.denominator)
        except OverflowError:
            raise InputError("a number of the file is too large for floats") from None

    def power(self, base: Any, exponent: Any) -> Any:  # noqa: ANN401 - the same
        """A power; x^-2 as 1/x^2."""
        try:
            if isinstance(exponent, int) and exponent < 0:
                return 1 / base**-exponent
            return base**exponent
        except OverflowError:  # Python's own floats raise where an array has inf
            raise InputError("a power is too large for floats") from None

    def call(self, function: str, arguments: list[Any], slope: int | None) -> Any:  # noqa: ANN401 - the same
        """A function of the formula language, or a bound general one."""
        if function in self.general:
            bound = self.general[function]
            if slope is None:
                return bound.value(arguments, np.sin)
            return bound.slope(slope, arguments, np.sin, np.cos)
        if slope is not None or function not in _NUMPY:
            raise InputError(f"{function} has no value in floating point")
        if function == "pi":
            return self.kind(3) + self.kind("0.14159265358979323846264338327950288")
        if any(map(np.iscomplexobj, arguments)) and function in forward.COMPLEX:
            return forward.COMPLEX[function](*arguments)
        return _NUMPY[function](*arguments)


_NUMPY: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        **forward.ARRAY,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "abs": np.abs,
        "Max": forward.ARRAY["highest"],
        "pi": lambda: np.pi,
    }
)


@dataclass(frozen=True, slots=True)
class OnTape:
    """Vars of the reverse tape, over NumPy's numbers or over balls.

    `omitted` is a function whose slope is left out, as a slip: 1 instead of it.
    """

    arithmetic: Arithmetic = NUMPY
    general: Mapping[str, Smooth] = field(default_factory=dict)
    omitted: str = ""

    @property
    def of_balls(self) -> bool:
        """Whether the numbers are balls."""
        return self.arithmetic is not NUMPY

    def number(self, value: Rational) -> Any:  # noqa: ANN401 - a ball or a float
        """A rational as a constant."""
        if self.of_balls:
            return exact_ball(value)
        return np.float64(value.numerator) / np.float64(value.denominator)

    def power(self, base: Any, exponent: Any) -> Any:  # noqa: ANN401 - a Var, or a constant
        """A power."""
        if isinstance(exponent, Var) and not isinstance(base, Var):
            base = Var(base, self.arithmetic)
        return base**exponent

    def call(self, function: str, arguments: list[Any], slope: int | None) -> Any:  # noqa: ANN401 - the same
        """A function, or a bound general one with its slopes."""
        if slope is not None:
            raise InputError("the tape runs definitions, not derivatives")
        if function == "pi":
            return self.arithmetic.pi(np.float64(1))
        parts = [
            argument if isinstance(argument, Var) else Var(argument, self.arithmetic)
            for argument in arguments
        ]
        if function in self.general:
            found = self._general(self.general[function], parts)
        elif function == "Max":
            found = reduce(FUNCTIONS["Max"], parts)
        elif function in FUNCTIONS:
            found = FUNCTIONS[function](*parts)
        else:
            raise InputError(f"the tape has no {function}")
        if function == self.omitted:
            return applied(found.value, [(part, found.value * 0 + 1) for part in parts])
        return found

    def _general(self, bound: Smooth, parts: list[Var]) -> Var:
        """A general function's value with its slopes."""
        sin, cos = (arb.sin, arb.cos) if self.of_balls else (np.sin, np.cos)
        values = [part.value for part in parts]
        return applied(
            bound.value(values, sin),
            [
                (part, bound.slope(place, values, sin, cos))
                for place, part in enumerate(parts)
            ],
        )


class InBalls(BallArithmetic):
    """Balls from the first number on, also what is rational; and compiled functions."""

    def number(self, value: Rational) -> arb:
        """A rational as a ball of the context's precision."""
        return exact_ball(value)

    def call(self, function: str, arguments: list[Any], slope: int | None) -> Any:  # noqa: ANN401 - a ball
        """A function's value or slope; erfc and log_share are not for readers."""
        if function == "erfc":
            return ball(arguments[0]).erfc()
        if function.startswith("log_share") and function not in self.general:
            parts = [ball(argument).exp() for argument in arguments]
            return ball(arguments[0]) - total_of(parts).log()
        return super().call(function, arguments, slope)


def in_balls(general: Mapping[str, Smooth]) -> General:
    """Bound functions and their slopes for `numeric.point`."""

    def value(bound: Smooth) -> Callable[..., arb]:
        """A function of balls."""
        return lambda *given: bound.value([ball(u) for u in given], arb.sin)

    def slope(bound: Smooth, place: int) -> Callable[..., arb]:
        """Its slope by one argument."""
        return lambda *given: bound.slope(
            place, [ball(u) for u in given], arb.sin, arb.cos
        )

    return {
        name: (
            value(bound),
            [slope(bound, place) for place in range(len(bound.terms))],
        )
        for name, bound in general.items()
    }


def in_numpy(bound: Smooth) -> tuple[Callable[..., Any], list[Callable[..., Any]]]:
    """A bound function and its slopes for the compiled function."""

    def slope(place: int) -> Callable[..., Any]:
        """The slope by one argument."""
        return lambda *given: bound.slope(place, given, np.sin, np.cos)

    slopes = [slope(place) for place in range(len(bound.terms))]
    return lambda *given: bound.value(given, np.sin), slopes
