"""The derivative of a form by the names in it: the kernel's own calculus.

One backward sweep over the form gives the slope by every name at once, so that the
cost is linear in the size of a definition.
"""

from collections.abc import Mapping
from fractions import Fraction as Rational
from itertools import combinations
from typing import Protocol

from symbackprop.errors import Refused
from symbackprop.formula.binding import substituted, written_out
from symbackprop.formula.tree import (
    ONE,
    TWO,
    ZERO,
    Call,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
    names_in,
    number,
)


class Body(Protocol):
    """What is needed of a function: its arguments and its body."""

    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def body(self) -> Formula | None: ...


class Term:
    """A coefficient times factors over factors, on its way down to a name."""

    __slots__ = ("bottoms", "factor", "tops")

    def __init__(
        self,
        factor: Rational = Rational(1),
        tops: tuple[Formula, ...] = (),
        bottoms: tuple[Formula, ...] = (),
    ) -> None:
        self.factor = factor
        self.tops = tops
        self.bottoms = bottoms

    def times(self, *more: Formula, by: Rational = Rational(1)) -> "Term":
        """The term with further factors; numbers and signs join the coefficient."""
        factor, tops = self.factor * by, list(self.tops)
        for given in more:
            form = given
            while isinstance(form, Minus):
                factor, form = -factor, form.body
            value = literal(form)
            if value is not None:
                factor *= value
            elif isinstance(form, Product):
                inner = Term(factor, tuple(tops), self.bottoms).times(*form.factors)
                factor, tops = inner.factor, list(inner.tops)
            else:
                tops.append(form)
        return Term(factor, tuple(tops), self.bottoms)

    def over(self, *more: Formula) -> "Term":
        """The term divided by further factors."""
        return Term(self.factor, self.tops, (*self.bottoms, *more))

    def form(self) -> tuple[bool, Formula]:
        """Whether the term is negative, and its form without the sign."""
        if self.factor == 0:
            return False, ZERO
        value = abs(self.factor)
        tops = self.tops
        if value.numerator != 1 or (value.denominator != 1 and not self.bottoms):
            shown = value if not self.bottoms else Rational(value.numerator)
            tops = (number(shown), *tops)
        bottoms = self.bottoms
        if self.bottoms and value.denominator != 1:
            bottoms = (Num(str(value.denominator)), *bottoms)
        top = product_of(tops)
        return self.factor < 0, Fraction(top, product_of(bottoms)) if bottoms else top


def product_of(factors: tuple[Formula, ...]) -> Formula:
    """No factor is 1, one is itself."""
    if not factors:
        return ONE
    return factors[0] if len(factors) == 1 else Product(factors)


def sum_of(terms: tuple[Formula, ...]) -> Formula:
    """No term is 0, one is itself."""
    if not terms:
        return ZERO
    return terms[0] if len(terms) == 1 else Sum(terms)


def gradient(body: Formula, functions: Mapping[str, Body]) -> dict[Name, Formula]:
    """The slope of a form by each name in it, as a book would first write it."""
    if isinstance(body, Minus):  # -(…) keeps its sign in front of the whole slope
        inner = gradient(body.body, functions)
        return {name: _negated(slope) for name, slope in inner.items()}
    found: dict[Name, list[Term]] = {}
    _descend(body, Term(), found, functions)
    return {name: _collected(terms) for name, terms in found.items()}


def derivative(body: Formula, by: Name, functions: Mapping[str, Body]) -> Formula:
    """The slope of a form by one name; 0 where the name does not occur."""
    return gradient(body, functions).get(by, ZERO)


def _negated(form: Formula) -> Formula:
    """The opposite without a double sign."""
    return form.body if isinstance(form, Minus) else Minus(form)


def _collected(terms: list[Term]) -> Formula:
    """The sum of what reached a name."""
    forms = [term.form() for term in terms if term.factor]
    return sum_of(tuple(Minus(form) if minus else form for minus, form in forms))


def _descend(
    form: Formula,
    seed: Term,
    found: dict[Name, list[Term]],
    functions: Mapping[str, Body],
) -> None:
    """Hand a slope down to the names below a node."""
    match form:
        case Num():
            return
        case Name():
            found.setdefault(form, []).append(seed)
        case Sum(terms):
            for term in terms:
                _descend(term, seed, found, functions)
        case Minus(inner):
            _descend(inner, seed.times(by=Rational(-1)), found, functions)
        case Product(factors):
            for position, factor in enumerate(factors):
                if names_in(factor):
                    others = factors[:position] + factors[position + 1 :]
                    _descend(factor, seed.times(*others), found, functions)
        case Fraction(top, bottom):
            _descend(top, seed.over(bottom), found, functions)
            if names_in(bottom):
                down = seed.times(top, by=Rational(-1)).over(Power(bottom, TWO))
                _descend(bottom, down, found, functions)
        case Power():
            _descend_power(form, seed, found, functions)
        case Call():
            _descend_call(form, seed, found, functions)
        case Sigma():
            _descend(written_out(form), seed, found, functions)
        case _:
            if names_in(form):
                kind = type(form).__name__.lower()
                raise Refused("local", f"a {kind} has no slope in this form")


def _descend_power(
    form: Power,
    seed: Term,
    found: dict[Name, list[Term]],
    functions: Mapping[str, Body],
) -> None:
    """d(u^n) = n u^(n-1) du; d(u^v) = u^v (v du / u + ln u dv)."""
    base, exponent = form.base, form.exponent
    if not names_in(exponent):
        value = literal(exponent)
        if value is None:
            down = seed.times(exponent, Power(base, Sum((exponent, Minus(ONE)))))
        elif value == TWO.value:
            down = seed.times(TWO, base)
        elif value < 0:
            lower = number(1 - value)
            down = seed.times(by=value).over(Power(base, lower))
        else:
            down = seed.times(Power(base, number(value - 1)), by=value)
        _descend(base, down, found, functions)
        return
    lowered = Power(base, Sum((exponent, Minus(ONE))))
    _descend(base, seed.times(exponent, lowered), found, functions)
    _descend(exponent, seed.times(form, Call("log", (base,))), found, functions)


def literal(form: Formula) -> Rational | None:
    """The exact value of a form of digits, sign and fraction bar."""
    match form:
        case Num():
            return form.value
        case Minus(body):
            value = literal(body)
            return None if value is None else -value
        case Fraction(top, bottom):
            above, below = literal(top), literal(bottom)
            return None if above is None or not below else above / below
        case _:
            return None


def _descend_call(
    form: Call,
    seed: Term,
    found: dict[Name, list[Term]],
    functions: Mapping[str, Body],
) -> None:
    """The slopes of the elementary functions; a defined function is unfolded."""
    if form.slope is not None:
        plain = defined_slope(form, functions)
        if plain is not None:
            _descend(plain, seed, found, functions)
            return
        if any(names_in(a) for a in form.arguments):
            raise Refused("local", f"no second slope of the general {form.function}")
        return
    u = form.arguments[0] if form.arguments else ZERO
    match form.function:
        case "exp":
            slopes = [seed.times(form)]
        case "log":
            slopes = [seed.over(u)]
        case "sqrt":
            slopes = [seed.over(TWO, form)]
        case "erf":
            bell = Call("exp", (Minus(Power(u, TWO)),))
            slopes = [seed.times(TWO, bell).over(Call("sqrt", (Call("pi", ()),)))]
        case "abs":
            sign = Sum((Product((TWO, Call("step", (u,)))), Minus(ONE)))
            slopes = [seed.times(sign)]
        case "step" | "pi":
            return
        case "Max":
            _descend_max(form, seed, found, functions)
            return
        case _:
            function = functions.get(form.function)
            if function is not None and function.body is not None:
                _descend(unfolded_call(form, function), seed, found, functions)
                return
            slopes = [
                seed.times(Call(form.function, form.arguments, place))
                for place in range(len(form.arguments))
            ]
    for argument, slope in zip(form.arguments, slopes, strict=True):
        _descend(argument, slope, found, functions)


def _descend_max(
    form: Call,
    seed: Term,
    found: dict[Name, list[Term]],
    functions: Mapping[str, Body],
) -> None:
    """Max(a, b): the larger one's slope; a tie follows the convention step(0) = 0."""
    a, rest = form.arguments[0], form.arguments[1:]
    b = rest[0] if len(rest) == 1 else Call("Max", rest)
    if literal(a) == 0:  # Max(0, x) reads as the step of x
        _descend(b, seed.times(Call("step", (b,))), found, functions)
        return
    pick = Call("step", (_difference(a, b),))
    _descend(a, seed.times(pick), found, functions)
    _descend(b, seed.times(Sum((ONE, Minus(pick)))), found, functions)


def defined_slope(form: Call, functions: Mapping[str, Body]) -> Formula | None:
    """The slope of an elementary or defined function in plain terms.

    None for a function left general: its slope stays a name.
    """
    function = functions.get(form.function)
    if form.slope is None or (function is not None and function.body is None):
        return None
    letters = [Name(f"slot_{letter}") for letter in "abcdefgh"[: len(form.arguments)]]
    slope = derivative(
        Call(form.function, tuple(letters)), letters[form.slope], functions
    )
    return substituted(slope, dict(zip(letters, form.arguments, strict=True)))


def corners(body: Formula, functions: Mapping[str, Body]) -> tuple[Formula, ...]:
    """The forms at whose zeros a body has no derivative: |u|, max(a, b)."""
    found: list[Formula] = []
    stack = [body]
    while stack:
        form = stack.pop()
        if isinstance(form, Sigma):
            form = written_out(form)
        if isinstance(form, Call):
            function = functions.get(form.function)
            if function is not None and function.body is not None:
                stack.append(unfolded_call(form, function))
                continue
            if form.function in ("abs", "step"):
                found.append(form.arguments[0])
            elif form.function == "Max":
                found += [_difference(a, b) for a, b in combinations(form.arguments, 2)]
        stack += form.children
    return tuple(found)


def _difference(a: Formula, b: Formula) -> Formula:
    """a - b, or the one of them that is not 0."""
    if literal(a) == 0:
        return b
    return a if literal(b) == 0 else Sum((a, Minus(b)))


def unfolded_call(form: Call, function: Body) -> Formula:
    """A defined function's body at the call's arguments."""
    assert function.body is not None
    values = dict(zip(map(Name, function.arguments), form.arguments, strict=True))
    return substituted(function.body, values)
