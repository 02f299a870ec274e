"""Changed programs run in floats, to find candidates.

Floats only ever choose what is looked at; that a value is reproduced is decided on
exact decimals.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import TypeAlias

from symbackprop.claims.mistake_working import Working
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
)
from symbackprop.numeric.point import Ball
from symbackprop.numeric.program import Atom, atoms_of

Code: TypeAlias = Callable[[list[float]], float]

OVERFLOW = 700.0


class Unknown(Exception):
    """A form with a function that has no value: it is left general."""


# ---- floats


def _sigmoid(x: float) -> float:
    """1/(1 + e^-x)."""
    return 1 / (1 + math.exp(-x)) if x > -OVERFLOW else 0.0


def _step(x: float) -> float:
    """1 where x > 0."""
    return 1.0 if x > 0 else 0.0


def _identity(x: float) -> float:
    """x."""
    return x


def _relu(x: float) -> float:
    """max(0, x)."""
    return max(0.0, x)


def _leaky_relu(x: float) -> float:
    """max(x, x/100)."""
    return max(x, x / 100)


def _softplus(x: float) -> float:
    """log(1 + e^x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _silu(x: float) -> float:
    """x sigmoid(x)."""
    return x * _sigmoid(x)


def _gelu(x: float) -> float:
    """x Φ(x)."""
    return x / 2 * math.erfc(-x / math.sqrt(2))


def _pi() -> float:
    """π."""
    return math.pi


FLOATS: Mapping[str, Callable[..., float]] = MappingProxyType(
    {
        "exp": math.exp,
        "log": math.log,
        "sqrt": math.sqrt,
        "erf": math.erf,
        "abs": abs,
        "pi": _pi,
        "Max": max,
        "step": _step,
        "identity": _identity,
        "sigmoid": _sigmoid,
        "tanh": math.tanh,
        "relu": _relu,
        "leaky_relu": _leaky_relu,
        "softplus": _softplus,
        "silu": _silu,
        "gelu": _gelu,
    }
)


def float_of(value: Ball | Rational) -> float:
    """The nearest float, infinite beyond all floats."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


class Floats:
    """A working in float64: each atom a slot, leaves last; a set of slots is bits."""

    def __init__(self, working: Working, leaves: Iterable[Name]) -> None:
        self.slots: dict[Formula, int] = dict(working.place)
        for name in leaves:
            self.slots.setdefault(name, len(self.slots))
        self.codes = [self._code_or_none(line.form) for line in working.lines]
        self.uses = [self._bits(atoms_of(line.form)) for line in working.lines]

    def base(
        self, leaves: Mapping[Name, float], fixed: Mapping[Formula, float]
    ) -> "Base":
        """All values, where some atoms have values of their own."""
        own = {self.slots[a]: value for a, value in fixed.items() if a in self.slots}
        values = [math.nan] * len(self.slots)
        for name, value in leaves.items():
            values[self.slots[name]] = value
        for slot, value in own.items():
            values[slot] = value
        lines = [n for n in range(len(self.codes)) if n not in own]
        self.run(values, lines, {})
        return Base(self, values, (1 << len(self.codes)) - 1 & ~bits_of(own))

    def _bits(self, atoms: Iterable[Formula]) -> int:
        """The slots of some atoms."""
        return bits_of(self.slots[atom] for atom in atoms if atom in self.slots)

    def _code_or_none(self, form: Formula) -> Code | None:
        """A line's code; None where a leaf or a function has no value."""
        try:
            return self.code(form)
        except (Unknown, KeyError):
            return None

    def run(
        self,
        values: list[float],
        places: Iterable[int],
        changed: Mapping[int, Code | None],
    ) -> None:
        """Run some lines in order; what has no value is nan."""
        for place in places:
            code = changed.get(place, self.codes[place])
            try:
                values[place] = math.nan if code is None else code(values)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError):
                values[place] = math.nan

    def prepared(self, lines: Mapping[Atom, Formula]) -> dict[int, Code | None]:
        """Changed lines by slot, ready to run."""
        return {
            self.slots[atom]: self._code_or_none(form) for atom, form in lines.items()
        }

    def rerun(
        self, base: "Base", codes: Mapping[int, Code | None], needed: int
    ) -> list[float] | None:
        """The values under changed lines; None where nothing that is needed changes."""
        dirty = base.dirty(codes) & needed
        if not dirty:
            return None
        values = list(base.values)
        self.run(values, ones_in(dirty), codes)
        return values

    def code(self, form: Formula) -> Code:
        """A form as a function of the slots."""
        match form:
            case Num():
                constant = float(form.text)
                return lambda _: constant
            case Name() | Derivative():
                slot = self.slots[form]
                return lambda values: values[slot]
            case Minus(body):
                inner = self.code(body)
                return lambda values: -inner(values)
            case Fraction(top, bottom):
                above, below = self.code(top), self.code(bottom)
                return lambda values: above(values) / below(values)
            case Sum(terms):
                codes = [self.code(term) for term in terms]
                if len(codes) == 2:
                    one, two = codes
                    return lambda values: one(values) + two(values)
                return lambda values: sum([code(values) for code in codes])
            case Product(factors):
                codes = [self.code(factor) for factor in factors]
                if len(codes) == 2:
                    one, two = codes
                    return lambda values: one(values) * two(values)
                return lambda values: math.prod([code(values) for code in codes])
            case Power(low, high):
                raised, power = self.code(low), self.code(high)
                return lambda values: raised(values) ** power(values)
            case Call(function, arguments, None) if function in FLOATS:
                known = FLOATS[function]
                inside = [self.code(argument) for argument in arguments]
                if len(inside) == 1:
                    only = inside[0]
                    return lambda values: known(only(values))
                return lambda values: known(*[code(values) for code in inside])
            case _:
                raise Unknown


@dataclass(frozen=True, slots=True)
class Base:
    """All values of a working; `free` are the lines that no printed value replaces."""

    floats: Floats
    values: list[float]
    free: int

    def dirty(self, places: Iterable[int]) -> int:
        """The lines that change when some lines do."""
        found, uses = 0, self.floats.uses
        first = len(uses)
        for place in places:
            found |= 1 << place
            first = min(first, place)
        found &= self.free
        if not found:
            return 0
        for place in range(first + 1, len(uses)):
            if uses[place] & found and self.free >> place & 1:
                found |= 1 << place
        return found

    def needed(self, atoms: Iterable[Formula]) -> int:
        """The lines that some atoms are computed from, themselves included."""
        floats = self.floats
        lines = len(floats.uses)
        found = sum({1 << floats.slots[a] for a in atoms if floats.slots[a] < lines})
        found &= self.free
        for place in reversed(range(lines)):
            if found >> place & 1:
                found |= floats.uses[place] & self.free
        return found

    def value(self, atom: Formula) -> float:
        """An atom's value."""
        return self.values[self.floats.slots[atom]]


def bits_of(slots: Iterable[int]) -> int:
    """Some slots as bits."""
    found = 0
    for slot in slots:
        found |= 1 << slot
    return found


def ones_in(bits: int) -> Iterator[int]:
    """The slots in a set, in order."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low
