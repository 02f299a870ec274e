"""Values at a point, as exact as asked: rationals where they are, balls elsewhere.

A decimal in a file is an exact rational. A ball holds the true value; precision
doubles until it decides. No verdict and no printed digit rests on float64.
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from flint import arb, ctx, fmpq

from symbackprop.errors import InputError, TooLarge
from symbackprop.formula.tree import Derivative, Formula, Name
from symbackprop.numeric.absent import NoValue, leaves_of
from symbackprop.numeric.evaluate import value_of
from symbackprop.numeric.program import Assignment

T = TypeVar("T")
Ball: TypeAlias = fmpq | arb
General: TypeAlias = Mapping[
    str, tuple[Callable[..., Any], Sequence[Callable[..., Any]]]
]
"""By name: a function and its slope by each argument, over balls."""

FIRST_BITS = 128
MAX_BITS = 1 << 14
EXACT_BITS = 1 << 16
"""A rational that needs more bits goes on as a ball."""
FAR = arb(2) ** 4096
"""Beyond it, and below its reciprocal, digits are found without writing a value out."""


class Undecided(TooLarge):
    """No precision within the limit decides a question about a value."""


class Unsettled(Exception):
    """A ball too wide to compute with: it straddles a kink or a pole."""


class BallArithmetic:
    """Exact rationals as long as possible, then balls at the context's precision."""

    def __init__(self, general: General | None = None) -> None:
        self.general = general or {}

    def number(self, value: Rational) -> Ball:
        """An exact rational."""
        return fmpq(value.numerator, value.denominator)

    def power(self, base: Ball, exponent: Ball | int) -> Ball:
        """A power; exact for a whole exponent, x^0 = 1."""
        if isinstance(exponent, int):
            if exponent < 0 and base == 0:
                raise NoValue("division")
            if isinstance(base, fmpq) and _bits(base) * abs(exponent) > EXACT_BITS:
                base = ball(base)
            return base**exponent
        if base < 0 and not ball(exponent).is_integer():
            raise NoValue("root")
        return ball(base) ** ball(exponent)

    def call(self, function: str, arguments: list[Ball], slope: int | None) -> Ball:
        """A function's value or slope."""
        if function in self.general:
            value, slopes = self.general[function]
            chosen = value if slope is None else slopes[slope]
            return chosen(*arguments)
        if slope is not None or function not in _FUNCTIONS:
            raise InputError(f"{function} is left general: it has no value here")
        return _FUNCTIONS[function](*arguments)


def ball(value: Ball) -> arb:
    """A value as a ball."""
    return value if isinstance(value, arb) else arb(value)


def shortened(value: Ball) -> Ball:
    """A value; a rational that has grown long as a ball."""
    too_long = isinstance(value, fmpq) and _bits(value) > EXACT_BITS
    return ball(value) if too_long else value


def _bits(value: fmpq) -> int:
    """How many bits the longer of a rational's two numbers has."""
    return int(value.height_bits())


def _sigmoid(x: Ball) -> Ball:
    """1/(1 + e^-x)."""
    return fmpq(1, 2) if x == 0 else 1 / (1 + (-ball(x)).exp())


def _exp(x: Ball) -> Ball:
    """e^x, exact at 0."""
    return fmpq(1) if x == 0 else ball(x).exp()


def _log(x: Ball) -> Ball:
    """ln x, exact at 1."""
    if x <= 0:
        raise NoValue("logarithm")
    return fmpq(0) if x == 1 else ball(x).log()


def _sqrt(x: Ball) -> Ball:
    """√x, exact for a square of a rational."""
    if x < 0:
        raise NoValue("square_root")
    if isinstance(x, fmpq):
        top, bottom = arb(x.p).sqrt(), arb(x.q).sqrt()
        if top.is_exact() and bottom.is_exact():
            return top.fmpq() / bottom.fmpq()
    return ball(x).sqrt()


def _tanh(x: Ball) -> Ball:
    """tanh x, exact at 0."""
    return fmpq(0) if x == 0 else ball(x).tanh()


def _erf(x: Ball) -> Ball:
    """erf x, exact at 0."""
    return fmpq(0) if x == 0 else ball(x).erf()


def _softplus(x: Ball) -> Ball:
    """ln(1 + e^x)."""
    return ball(x).exp().log1p()


def _gelu(x: Ball) -> Ball:
    """x Φ(x)."""
    if x == 0:
        return fmpq(0)
    return ball(x) / 2 * (-ball(x) / arb(2).sqrt()).erfc()


def _step(x: Ball) -> Ball:
    """1 where x > 0, 0 elsewhere: at 0 by convention."""
    if x > 0:
        return fmpq(1)
    if x <= 0:
        return fmpq(0)
    raise Unsettled


def _largest(*values: Ball) -> Ball:
    """The largest value."""
    best = values[0]
    for value in values[1:]:
        if value > best:
            best = value
        elif not value <= best:
            best = ball(best).max(ball(value))
    return best


def _absolute(x: Ball) -> Ball:
    """|x|."""
    return abs(x)


def _identity(x: Ball) -> Ball:
    """x."""
    return x


def _relu(x: Ball) -> Ball:
    """max(0, x)."""
    return _largest(fmpq(0), x)


def _leaky_relu(x: Ball) -> Ball:
    """max(x, x/100)."""
    return _largest(x, x / 100)


def _silu(x: Ball) -> Ball:
    """x σ(x)."""
    return x * _sigmoid(x)


_FUNCTIONS: Mapping[str, Callable[..., Ball]] = MappingProxyType(
    {
        "exp": _exp,
        "log": _log,
        "sqrt": _sqrt,
        "erf": _erf,
        "abs": _absolute,
        "pi": arb.pi,
        "Max": _largest,
        "step": _step,
        "identity": _identity,
        "sigmoid": _sigmoid,
        "tanh": _tanh,
        "relu": _relu,
        "leaky_relu": _leaky_relu,
        "softplus": _softplus,
        "silu": _silu,
        "gelu": _gelu,
    }
)


class Point:
    """A program at exact values of its leaves; asked for digits, it finds them.

    `values` are exact rationals by name. InputError where a leaf has none.
    """

    def __init__(
        self,
        lines: Sequence[Assignment],
        values: Mapping[Name, Rational],
        general: General | None = None,
    ) -> None:
        self.lines = tuple(lines)
        self.values = dict(values)
        self.arithmetic = BallArithmetic(general)
        self._runs: dict[int, dict[Formula, Ball]] = {}
        self._late: dict[Formula, Formula] = {}

    def at(self, bits: int = FIRST_BITS) -> Mapping[Formula, Ball]:
        """Every atom's value at a precision in bits."""
        if bits not in self._runs:
            leaves = {n: self.arithmetic.number(v) for n, v in self.values.items()}
            self._runs[bits] = self._with_bits(bits, lambda: self.computed(leaves))
        return self._runs[bits]

    def computed(self, leaves: Mapping[Name, Ball]) -> dict[Formula, Ball]:
        """Every atom's value from the leaves', at the context's precision.

        NoValue, with the line's atom and form, where a line has none.
        """
        known: dict[Formula, Ball] = {**leaves}
        for line in self.lines:
            try:
                value = value_of(line.form, known, self.arithmetic)
            except (NoValue, ZeroDivisionError) as error:
                reason = error.reason if isinstance(error, NoValue) else "division"
                given = leaves_of(line.form, self.lines)
                raise NoValue(reason, line.atom, line.form, given) from None
            known[line.atom] = shortened(value)
        return known

    def value(self, form: Formula, bits: int = FIRST_BITS) -> Ball:
        """The value of a form over atoms, as a rational or a ball."""
        known = self.at(bits)
        if isinstance(form, Name | Derivative) and form in known:
            return known[form]
        return self._with_bits(bits, lambda: value_of(form, known, self.arithmetic))

    def _with_bits(self, bits: int, compute: Callable[[], T]) -> T:
        """Compute at a precision; the context is left as it was."""
        before = ctx.prec
        ctx.prec = bits
        try:
            return compute()
        except ZeroDivisionError:
            raise NoValue("division") from None
        finally:
            ctx.prec = before

    def exact(self, form: Formula) -> Rational | None:
        """The value where it is rational and known to be, else None."""
        value = self.decided(form, lambda x: x)
        if isinstance(value, fmpq):
            return Rational(int(value.p), int(value.q))
        return None

    def decided(self, form: Formula, question: Callable[[Ball], T | None]) -> T:
        """The answer to a question about a value; None asks for more digits.

        Undecided beyond 16384 bits.
        """
        bits = FIRST_BITS
        while bits <= MAX_BITS:
            try:
                value = self.value(form, bits)
            except Unsettled:
                bits *= 2
                continue
            if isinstance(value, arb) and not value.is_finite():
                bits *= 2
                continue
            answer = self._with_bits(bits, lambda: question(value))  # noqa: B023 - called at once
            if answer is not None:
                return answer
            bits *= 2
        raise Undecided("16384 bits do not decide this value")

    def rounded(self, form: Formula, significant: int) -> str:
        """The value correctly rounded (half up in magnitude) to so many digits."""
        return self.decided(form, lambda value: decimal_of(value, significant))


def decimal_of(value: Ball, significant: int) -> str | None:
    """A value rounded to significant digits, as text; None if the ball is too wide.

    Plain digits from 1e-5 to 1e15, an exponent outside; exact zeros stay "0".
    """
    if isinstance(value, fmpq):
        return _plain(Rational(int(value.p), int(value.q)), significant)
    if value.is_zero():
        return "0"
    if not value.is_finite() or value.contains(0):
        return None
    if not is_near(value):
        return _far(value, significant)
    low, high = value.lower(), value.upper()
    ends = [_plain(_rational(end), significant) for end in (low, high)]
    return ends[0] if ends[0] == ends[1] else None


def is_near(value: arb) -> bool:
    """Whether a ball's ends are rationals of bearable length: not e^(10^12)."""
    return bool(value.is_zero() or 1 / FAR < abs(value) < FAR)


def _far(value: arb, significant: int) -> str | None:
    """A value that is huge or tiny beyond all floats, rounded; None if too wide."""
    size = abs(value)
    guess = (size.mid().log() / arb(10).log()).floor().unique_fmpz()
    if guess is None:
        return None
    for exponent in (guess, guess + 1, guess - 1):
        scaled = size * arb(10) ** (significant - 1 - exponent)
        digits = (scaled + fmpq(1, 2)).floor().unique_fmpz()
        if digits is None:
            return None
        if digits == 10**significant:
            digits, exponent = digits // 10, exponent + 1  # noqa: PLW2901 - 9.99… up
        if 10 ** (significant - 1) <= digits < 10**significant:
            text, sign = str(digits), "-" if value < 0 else ""
            return f"{sign}{text[0]}.{text[1:] or '0'}e{exponent}"
    return None


def _rational(end: arb) -> Rational:
    """An exact ball as a rational."""
    exact = end.fmpq()
    return Rational(int(exact.p), int(exact.q))


def _plain(value: Rational, significant: int) -> str:
    """A rational rounded to significant digits, ties away from zero."""
    if value == 0:
        return "0"
    size = abs(value)
    # Digits counted in bits: Python refuses to write out very long integers.
    bits = size.numerator.bit_length() - size.denominator.bit_length()
    exponent = bits * 30103 // 100000 - 1  # never above the true one
    while size >= Rational(10) ** (exponent + 1):
        exponent += 1
    places = significant - 1 - exponent
    digits = (size * Rational(10) ** places + Rational(1, 2)).__floor__()
    if digits >= 10**significant:
        digits //= 10
        exponent += 1
        places -= 1
    text = str(digits)
    sign = "-" if value < 0 else ""
    if -5 <= exponent < 15:
        if places <= 0:
            return sign + text + "0" * -places
        text = text.zfill(places + 1)
        return f"{sign}{text[:-places]}.{text[-places:]}"
    return f"{sign}{text[0]}.{text[1:] or '0'}e{exponent}"
