"""Numbers as a teacher writes them: the formula, the numbers put in, the result.

Each number is rounded once, from its exact value; no result rests on rounded operands.
"""

from dataclasses import dataclass, field
from fractions import Fraction as Rational
from typing import Literal, TypeAlias

from flint import arb, fmpq

from symbackprop.formula.tree import Derivative, Formula, Minus, Name, Num, number, size
from symbackprop.numeric.point import (
    MAX_BITS,
    Ball,
    Point,
    Undecided,
    ball,
    decimal_of,
    is_near,
)
from symbackprop.numeric.program import Atom, atoms_of, without_sigma
from symbackprop.numeric.rationals import Rationals

Relation: TypeAlias = Literal["=", "≈"]
Part: TypeAlias = Literal["given", "forward", "backward", "update"]

DIGITS = 8
"""Significant digits unless asked otherwise."""

MAX_SHOWN = 24
"""So many digits a fraction may have, above and below the bar together."""

MAX_CLOSED = 14
"""So many nodes a form may have to stand for an irrational operand."""

_WHOLE = 15  # whole numbers up to so many digits are never rounded
_EXACT_BITS = 8192  # longer rationals are rounded from a ball
_MORE = 4  # more digits to try where rounding hits a tie that balls cannot decide


@dataclass(frozen=True, slots=True)
class Link:
    """A relation sign and what stands behind it: = all of a value, ≈ a rounded one."""

    relation: Relation
    form: Formula


@dataclass(frozen=True, slots=True)
class Figure:
    """A value in digits; `whole` if they are all of it; its rational where it has one.

    `fraction` is the rational as a form, None where it is too long to be read.
    """

    decimal: Formula
    whole: bool
    rational: Rational | None = None
    fraction: Formula | None = None

    @property
    def link(self) -> Link:
        """The digits behind their sign."""
        return Link("=" if self.whole else "≈", self.decimal)


@dataclass(frozen=True, slots=True)
class Style:
    """How many significant digits; `exact` keeps fractions and named irrationals."""

    digits: int = DIGITS
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Working:
    """One quantity worked out. A given one has neither formula nor numbers put in.

    `relation` stands before the formula with the numbers put in: ≈ if one of them is
    rounded. `layer` is that of the network, 0 without one.
    """

    quantity: Formula
    part: Part
    result: Figure
    formula: Formula | None = None
    put_in: Formula | None = None
    relation: Relation = "="
    layer: int = 0
    style: Style = field(default=Style(), repr=False)

    @property
    def links(self) -> tuple[Link, ...]:
        """What a page shows behind the quantity, nothing twice."""
        found: list[Link] = []
        if self.formula is not None:
            found.append(Link("=", self.formula))
        if self.put_in is not None:
            found.append(Link(self.relation, self.put_in))
        results = [self.result.link]
        if self.style.exact and self.result.fraction is not None:
            place = 1 if self.part == "given" else 0
            results.insert(place, Link("=", self.result.fraction))
        return tuple(dict.fromkeys([*found, *results]))


class Digits:
    """The values of a point in one style, each rounded once."""

    def __init__(self, point: Point, style: Style | None = None) -> None:
        self.point = point
        self.style = style or Style()
        self._rationals = Rationals(point)
        self._figures: dict[Formula, Figure] = {}
        self._operands: dict[Atom, tuple[Formula, Relation]] = {}
        self._forms = {line.atom: line.form for line in point.lines}

    def knows(self, form: Formula) -> bool:
        """Whether every atom of a form has a value."""
        return all(
            atom in self._forms or atom in self.point.values for atom in atoms_of(form)
        )

    def figure(self, form: Formula) -> Figure:
        """A form's value. Undecided where no precision within the limit rounds it."""
        if form not in self._figures:
            self._figures[form] = self._figure(form)
        return self._figures[form]

    def _figure(self, form: Formula) -> Figure:
        """A value rounded from its rational or from balls."""
        digits = self.style.digits
        value = self.point.decided(form, lambda x: x)
        if isinstance(value, arb) and value.is_exact() and is_near(value):
            value = value.fmpq()  # a ball without a radius is its only value
        if isinstance(value, arb):
            known = self._rationals.of(form)
            value = value if known is None else known
        if not isinstance(value, fmpq) or _bits(value) > _EXACT_BITS:
            return Figure(literal(self._rounded(form, digits)), whole=False)
        rational = Rational(int(value.p), int(value.q))
        room = max(digits, _WHOLE) if rational.denominator == 1 else digits
        text = _decimal(value, room) or "0"
        whole = Rational(text) == rational
        if not whole and room > digits:
            text = _decimal(value, digits) or "0"
        shown = literal(shortened(text) if whole else text)
        return Figure(shown, whole, rational, short_fraction(rational))

    def _rounded(self, form: Formula, digits: int) -> str:
        """The digits of an irrational value."""
        for more in range(_MORE):
            try:
                return self.point.decided(
                    form, lambda x, n=digits + more: _decimal(ball(x), n)
                )
            except Undecided:
                continue
        tiny = ball(self.point.value(form, MAX_BITS)).abs_upper() < 1e-300
        if tiny:  # every digit of it that can be told is 0
            return "0"
        raise Undecided("16384 bits do not round this value")

    def operand(self, atom: Atom) -> tuple[Formula, Relation]:
        """What is put in for an atom, and whether that is all of its value."""
        if atom not in self._operands:
            figure = self.figure(atom)
            self._operands[atom] = figure.decimal, figure.link.relation
            if self.style.exact:
                closed = self._closed(atom, figure)
                if closed is not None:
                    self._operands[atom] = closed, "="
        return self._operands[atom]

    def _closed(self, atom: Atom, figure: Figure) -> Formula | None:
        """A fraction, a short form of fractions, or the name itself.

        None for an irrational derivative: its digits are put in.
        """
        if figure.rational is not None:
            return figure.fraction or atom
        if isinstance(atom, Derivative):
            return None
        form, _ = self.put_in(self._forms[atom])
        closed = size(form) <= MAX_CLOSED and not any(True for _ in atoms_of(form))
        return form if closed else atom

    def put_in(self, form: Formula) -> tuple[Formula, Relation]:
        """A form with the numbers in its atoms' places."""
        if isinstance(form, Name | Derivative):
            return self.operand(form)
        parts = [self.put_in(child) for child in form.children]
        if not parts:
            return form, "="
        rounded = any(relation == "≈" for _, relation in parts)
        return form.with_children(tuple(part for part, _ in parts)), (
            "≈" if rounded else "="
        )

    def working(
        self,
        quantity: Formula,
        part: Part,
        formula: Formula,
        value: Formula | None = None,
        layer: int = 0,
    ) -> Working:
        """One quantity by a formula over known atoms; `value` is what is evaluated."""
        flat = without_sigma(formula)
        result = self.figure(flat if value is None else value)
        put_in, relation = self.put_in(flat)
        return Working(
            quantity,
            part,
            result,
            formula,
            None if put_in == flat else put_in,
            relation,
            layer,
            self.style,
        )


def literal(text: str) -> Formula:
    """A decimal text as a form."""
    return Minus(Num(text[1:])) if text.startswith("-") else Num(text)


def shortened(text: str) -> str:
    """A decimal without the zeros at its end that say nothing."""
    mantissa, mark, exponent = text.partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return mantissa + mark + exponent


def rounded(value: Rational, digits: int) -> Formula:
    """A number to so many digits, without zeros at its end: rounding is not marked."""
    exact = fmpq(value.numerator, value.denominator)
    return literal(shortened(_decimal(exact, digits) or "0"))


def short_fraction(value: Rational) -> Formula | None:
    """A rational as a form where it is short enough to be read."""
    if _bits(fmpq(value.numerator, value.denominator)) > 4 * MAX_SHOWN:
        return None
    digits = len(str(abs(value.numerator))) + len(str(value.denominator))
    return number(value) if digits <= MAX_SHOWN else None


def _decimal(value: Ball, digits: int) -> str | None:
    """A rounded value; one digit is one digit also before a power of ten."""
    text = decimal_of(value, digits)
    return text.replace(".0e", "e") if text and digits == 1 else text


def _bits(value: fmpq) -> int:
    """The bits of a rational, above and below the bar."""
    return int(value.p).bit_length() + int(value.q).bit_length()
