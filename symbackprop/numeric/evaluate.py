"""The value of a form in any arithmetic: floats, arrays, balls, exact rationals."""

from collections.abc import Callable, Mapping
from fractions import Fraction as Rational
from typing import Any, Protocol

from symbackprop.errors import InputError
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
from symbackprop.numeric.program import Assignment


class Arithmetic(Protocol):
    """What an arithmetic brings besides + - * / on its values.

    `call` gets a function's name, its arguments and, for a derivative, the number of
    the argument that it is by.
    """

    def number(self, value: Rational) -> Any:  # noqa: ANN401 - the arithmetic's type
        """An exact rational as a value."""
        ...

    def power(self, base: Any, exponent: Any) -> Any:  # noqa: ANN401 - the same
        """A power; a whole exponent in the file comes as an int."""
        ...

    def call(self, function: str, arguments: list[Any], slope: int | None) -> Any:  # noqa: ANN401 - the same
        """A function's value, or its slope by one argument."""
        ...


def value_of(
    form: Formula,
    known: Mapping[Formula, Any],
    arithmetic: Arithmetic,
) -> Any:  # noqa: ANN401 - the arithmetic's own type
    """The value of a form over known atoms. InputError for an unknown one."""
    match form:
        case Num():
            return arithmetic.number(form.value)
        case Name() | Derivative():
            if form not in known:
                raise InputError(f"there is no value for {_said(form)}")
            return known[form]
        case Sum(terms):
            total = value_of(terms[0], known, arithmetic)
            for term in terms[1:]:
                if isinstance(term, Minus):
                    total = total - value_of(term.body, known, arithmetic)
                else:
                    total = total + value_of(term, known, arithmetic)
            return total
        case Product(factors):
            product = value_of(factors[0], known, arithmetic)
            for factor in factors[1:]:
                product = product * value_of(factor, known, arithmetic)
            return product
        case Minus(body):
            return -value_of(body, known, arithmetic)
        case Fraction(top, bottom):
            above = value_of(top, known, arithmetic)
            return above / value_of(bottom, known, arithmetic)
        case Power(base, exponent):
            below = value_of(base, known, arithmetic)
            whole = whole_exponent(exponent)
            if whole is not None:
                return arithmetic.power(below, whole)
            return arithmetic.power(below, value_of(exponent, known, arithmetic))
        case Call(function, arguments, slope):
            inner = [value_of(argument, known, arithmetic) for argument in arguments]
            return arithmetic.call(function, inner, slope)
        case _:
            raise InputError("a sum or a delta of symbolic size has no value")


def run(
    lines: tuple[Assignment, ...],
    values: Mapping[Name, Any],
    arithmetic: Arithmetic,
    step: Callable[[Assignment], object] = lambda _: None,
) -> dict[Formula, Any]:
    """Every atom's value, line by line; `step` is told of each line before it runs."""
    known: dict[Formula, Any] = {**values}
    for line in lines:
        step(line)
        known[line.atom] = value_of(line.form, known, arithmetic)
    return known


def whole_exponent(exponent: Formula) -> int | None:
    """The exponent as an int where it is one."""
    match exponent:
        case Num() if exponent.value.denominator == 1:
            return int(exponent.value)
        case Minus(Num() as body) if body.value.denominator == 1:
            return -int(body.value)
        case _:
            return None


def _said(atom: Name | Derivative) -> str:
    """An atom in a message."""
    if isinstance(atom, Name):
        return atom.id
    of = atom.of.id if isinstance(atom.of, Name) else "…"
    return f"{atom.head}({of}, {atom.by.id})"
