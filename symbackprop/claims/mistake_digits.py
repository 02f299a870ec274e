"""What goes wrong with digits: in print, and by rounding on the way.

A misprint is undone by printing the true value as the mistake would: so many digits,
one edit. Rounding on the way gives a line a number for its form.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction as Rational
from itertools import pairwise
from types import MappingProxyType
from typing import TypeAlias

from symbackprop.claims.printed import Printed, Rounding
from symbackprop.formula.tree import Formula, Minus, Num

MAX_SLIP = 3
"""So many places a decimal point may slip."""

Like: TypeAlias = Callable[[Printed, Rounding], str | None]
"""The true value printed like some digits; None where nothing decides them."""


@dataclass(frozen=True, slots=True)
class Misprint:
    """Digits that a mistake makes of the true value, and what it did."""

    value: Rational
    arguments: Mapping[str, Formula | str]


def _text(like: Like, printed: Printed, finer: int, rounding: Rounding = "half") -> str:
    """The digits of the true value, so many places finer than printed; "" for none."""
    mantissa = printed.mantissa + finer
    if mantissa < 0:
        return ""
    unit = printed.unit * Rational(10) ** -finer
    shape = replace(printed, unit=unit, mantissa=mantissa, exponent=None)
    return like(shape, rounding) or ""


def _read(text: str, printed: Printed) -> Rational:
    """Edited digits as a number at the printed exponent."""
    value = Rational(text)
    return value * Rational(10) ** printed.exponent if printed.exponent else value


def _first(text: str) -> int:
    """Where the first digit that is not 0 stands."""
    places = [n for n, c in enumerate(text) if c in "123456789"]
    return places[0] if places else len(text)


def cut_off(like: Like, printed: Printed) -> Iterator[Misprint]:
    """The digits cut off where they should be rounded."""
    text = _text(like, printed, 0, "down")
    if text:
        yield Misprint(_read(text, printed), MappingProxyType({}))


def padded(like: Like, printed: Printed) -> Iterator[Misprint]:
    """Fewer digits, right ones, and noughts after them: 0.670 for 0.668…."""
    for fewer in range(1, printed.significant):
        text = _text(like, printed, -fewer)
        if not text:
            return
        if any(c in "123456789" for c in text):
            shown: Formula = Num(text.lstrip("-"))
            shown = Minus(shown) if text.startswith("-") else shown
            yield Misprint(_read(text, printed), {"digits": shown})


def swapped(like: Like, printed: Printed) -> Iterator[Misprint]:
    """Two neighbouring digits in each other's place."""
    text = _text(like, printed, 0)
    places = [n for n, c in enumerate(text) if c.isdecimal() and n >= _first(text)]
    for a, b in pairwise(places):
        if text[a] != text[b]:
            edited = list(text)
            edited[a], edited[b] = text[b], text[a]
            yield _edit("".join(edited), printed, text)


def left_out(like: Like, printed: Printed) -> Iterator[Misprint]:
    """One digit missing."""
    for finer in (1, 0):
        text = _text(like, printed, finer)
        point = text.find(".") if "." in text else len(text)
        for place in range(_first(text), len(text) - finer):
            whole = place < point
            left = text[:place] + text[place + 1 :]
            digits = any(character.isdigit() for character in left)
            if digits and text[place] != "." and whole == (finer == 0):
                yield _edit(left, printed, text)


def inserted(like: Like, printed: Printed) -> Iterator[Misprint]:
    """One digit too many."""
    for coarser in (1, 0):
        text = _text(like, printed, -coarser)
        point = text.find(".") if "." in text else len(text)
        for place in range(_first(text), len(text)):
            whole = place <= point
            if whole == (coarser == 0):
                for digit in "0123456789":
                    edited = text[:place] + digit + text[place:]
                    yield _edit(edited, printed, text)


def miswritten(like: Like, printed: Printed) -> Iterator[Misprint]:
    """One digit another one; the last is a matter of rounding."""
    text = _text(like, printed, 0)
    for place in range(_first(text), len(text) - 1):
        if text[place] != ".":
            for digit in "0123456789":
                if digit != text[place]:
                    edited = text[:place] + digit + text[place + 1 :]
                    yield _edit(edited, printed, text)


def slipped(like: Like, printed: Printed) -> Iterator[Misprint]:
    """The decimal point some places off."""
    for places in (*range(-MAX_SLIP, 0), *range(1, MAX_SLIP + 1)):
        power = Rational(10) ** places
        shape = replace(printed, unit=printed.unit / power)
        text = _text(like, shape, 0)
        if text:
            yield Misprint(_read(text, printed), {"places": str(abs(places))})


def _edit(text: str, printed: Printed, true: str) -> Misprint:
    """Edited digits; `true` is what was edited."""
    shown: Formula = Num(true.lstrip("-"))
    shown = Minus(shown) if true.startswith("-") else shown
    return Misprint(_read(text, printed), {"digits": shown})
