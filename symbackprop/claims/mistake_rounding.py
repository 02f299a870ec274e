"""Rounding on the way: one line's value rounded or cut off, or every line's."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational

from flint import arb, ctx

from symbackprop.claims.mistake_setting import Setting, ball_of
from symbackprop.claims.mistake_values import float_of
from symbackprop.claims.mistake_working import Kind, Line
from symbackprop.claims.printed import Printed, Rounding, fraction_of
from symbackprop.formula.tree import Formula, Minus, Num
from symbackprop.numeric.point import FIRST_BITS, Ball, is_near
from symbackprop.numeric.program import Atom

MAX_PLACES = 10
MOST_THROUGHOUT = 6
ON_THE_WAY: Mapping[Rounding, str] = {
    "half": "rounded on the way",
    "down": "cut off on the way",
}
THROUGHOUT: Mapping[tuple[Rounding, bool], str] = {
    ("half", False): "rounded to decimals throughout",
    ("half", True): "rounded to digits throughout",
    ("down", False): "cut off to decimals throughout",
    ("down", True): "cut off to digits throughout",
}
"""By rounding, and whether digits are counted instead of decimals."""


UNWRITTEN: tuple[tuple[Kind, ...], ...] = ((), ("slope",))
"""The kinds of line that an author may not have written down: none, the slopes."""


@dataclass(frozen=True, slots=True)
class Rounded:
    """Lines whose values are rounded; the last is not, since it is what is printed."""

    mistake: str
    lines: Mapping[Atom, Formula]
    arguments: Mapping[str, Formula | str]


def place_of(decimals: int) -> Printed:
    """The shape of so many decimals."""
    unit = Rational(10) ** -decimals
    return Printed("", Rational(0), unit, max(decimals, 0), None)


def rounded_once(setting: Setting, needed: int, places: int) -> Iterator[Rounded]:
    """One line's value to 1, 2, … decimals or digits, everything else exact."""
    for line in _lines(setting, needed):
        seen: set[str] = set()
        for rounding, name in ON_THE_WAY.items():
            for decimals in _decimals(setting, line, places):
                text = setting.decided(
                    {},
                    line.atom,
                    lambda v, d=decimals, r=rounding: place_of(d).like(v, r),
                )
                if text is not None and text not in seen:
                    seen.add(text)
                    at: dict[str, Formula | str] = {"at": line.atom}
                    form = number_form(text)
                    arguments = at | {"digits": form}
                    yield Rounded(name, {line.atom: form}, arguments)


def _lines(setting: Setting, needed: int) -> Iterator[Line]:
    """The lines whose values an author may have written down."""
    for place, line in enumerate(setting.working.lines):
        if needed >> place & 1 and line.kind != "asked":
            yield line


def _decimals(setting: Setting, line: Line, places: int) -> list[int]:
    """1, 2, … decimals; for small values so many more as there are noughts."""
    size = abs(setting.value(line.atom))
    noughts = 0
    while 0 < size < 0.1 and noughts < MAX_PLACES:
        size, noughts = size * 10, noughts + 1
    return list(range(1, min(places, MAX_PLACES) + noughts + 1))


def rounded_throughout(setting: Setting, needed: int, places: int) -> Iterator[Rounded]:
    """Every line's value to so many decimals, or so many digits, before it is used."""
    for (rounding, digits), name in THROUGHOUT.items():
        for count in range(1, min(places, MOST_THROUGHOUT) + 1):
            for kept in UNWRITTEN:
                rule = _Rule(rounding, count, digits, kept)
                yield Rounded(
                    name, _cascade(setting, rule, needed), {"count": str(count)}
                )


@dataclass(frozen=True, slots=True)
class _Rule:
    """How values are rounded; `kept` are the kinds of line that nobody wrote down."""

    rounding: Rounding
    count: int
    digits: bool
    kept: tuple[Kind, ...]


def _cascade(setting: Setting, rule: _Rule, needed: int) -> dict[Atom, Formula]:
    """What each line's value is when every value before it was rounded."""
    lines: dict[Atom, Formula] = {}
    known: dict[Formula, Ball] = dict(setting.at(setting.scenes[0], FIRST_BITS))
    with ctx.workprec(FIRST_BITS):
        for line in _lines(setting, needed):
            value = ball_of(line.form, known)
            if value is None:
                known.pop(line.atom, None)
                continue
            known[line.atom] = value
            if line.kind in rule.kept or (
                isinstance(value, arb) and not is_near(value)
            ):
                continue
            decimals = rule.count - (1 + _exponent(value) if rule.digits else 0)
            text = place_of(decimals).like(value, rule.rounding)
            if text is None:
                continue
            if decimals < 0:
                text = str(int(text) * 10**-decimals)
            lines[line.atom] = number_form(text)
            known[line.atom] = fraction_of(Rational(text))
    return lines


def _exponent(value: Ball) -> int:
    """The power of ten of a value's first digit."""
    size, exponent = abs(float_of(value)), 0
    while 10 <= size < math.inf:
        size, exponent = size / 10, exponent + 1
    while 0 < size < 1 and exponent > -30:
        size, exponent = size * 10, exponent - 1
    return exponent


def number_form(text: str) -> Formula:
    """Digits as a form."""
    return Minus(Num(text[1:])) if text.startswith("-") else Num(text)
