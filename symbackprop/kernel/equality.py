"""Whether two forms are equal: proved, refuted at a point, or undecided.

Cheap shape comparisons come first, then the normal form. "Equal" is always a proof
that holds wherever both sides are defined; "refuted" is always a point. What was
divided by, and what logarithms were taken of, is handed back as conditions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from typing import Literal

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.relation import Assumption
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
    walk,
)
from symbackprop.kernel.balls import refuting_point
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.normal import difference_is_zero

_ZERO = Num("0")


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, how it was reached, under which conditions, or where it fails."""

    outcome: Literal["proved", "refuted", "undecided"]
    method: str
    conditions: tuple[Assumption, ...] = ()
    point: Mapping[str, str] = field(default_factory=dict)


def compared(
    left: Formula,
    right: Formula,
    definitions: Definitions,
    unfold: Mapping[Name, Formula] | None = None,
) -> Judgement:
    """Judge left = right; the names in `unfold` stand for their forms there."""
    if left == right:
        return Judgement("proved", "structure")
    if flattened(left) == flattened(right):
        return Judgement("proved", "flattening")
    sums = isinstance(left, Sum) or isinstance(right, Sum)
    if sums and flat_terms(left) == flat_terms(right):
        return Judgement("proved", "flattening")
    positive = frozenset(
        a.left
        for a in definitions.assumptions
        if a.relation == ">" and a.right == _ZERO and isinstance(a.left, Name)
    )
    why = "their normal forms differ"
    try:
        equal, nonzero, above = difference_is_zero(
            left, right, definitions.functions, unfold or {}, positive
        )
        if equal:
            return Judgement("proved", "normal form", _conditions(nonzero, above))
    except TooLarge as error:
        why = str(error)
    except Refused as error:
        return Judgement("undecided", error.message)
    point = refuting_point(left, right, definitions)
    if point is not None:
        return Judgement("refuted", "balls at a point", (), point)
    return Judgement("undecided", why)


def _conditions(nonzero: list[Formula], above: list[Formula]) -> tuple[Assumption, ...]:
    """Each side condition once, in the order met."""
    found: dict[str, Assumption] = {}
    for form in above:
        assumption = Assumption(">", form, _ZERO)
        found.setdefault(str(assumption), assumption)
    for form in nonzero:
        assumption = Assumption("≠", form, _ZERO)
        found.setdefault(str(assumption), assumption)
    return tuple(found.values())


def flattened(form: Formula) -> tuple[Rational | int, tuple[Formula, ...]]:
    """Coefficient and factors of a form with nested products and signs dissolved.

    Two forms with the same coefficient and the same factors in the same order are
    equal without any further argument: brackets, signs, factors 1 do not matter.
    """
    factor: Rational | int = 1  # most products have no number in them
    factors: list[Formula] = []
    stack = [form]
    while stack:
        node = stack.pop()
        match node:
            case Minus(body):
                factor = -factor
                stack.append(body)
            case Product(parts):
                stack.extend(reversed(parts))
            case Num("1"):
                pass
            case Num():
                factor *= node.value
            case Fraction(Num() as top, Num() as bottom) if bottom.value:
                factor *= top.value / bottom.value
            case _:
                factors.append(node)
    if not factor and all(map(_everywhere, factors)):
        return factor, ()
    return factor, tuple(factors)


def _everywhere(form: Formula) -> bool:
    """Whether a form has a value everywhere, so that 0 times it may be dropped."""
    return not any(
        isinstance(node, Fraction | Power | Derivative)
        or (isinstance(node, Call) and node.function not in ("exp", "erf"))
        for node in walk(form)
    )


def flat_terms(form: Formula) -> tuple[tuple[Rational | int, tuple[Formula, ...]], ...]:
    """The flattened nonzero terms of a form with nested sums dissolved."""
    terms: list[tuple[Rational | int, tuple[Formula, ...]]] = []
    stack: list[tuple[Formula, int]] = [(form, 1)]
    while stack:
        node, sign = stack.pop()
        match node:
            case Sum(parts):
                stack.extend((part, sign) for part in reversed(parts))
            case Minus(Sum() as body):
                stack.append((body, -sign))
            case _:
                factor, factors = flattened(node)
                if factor or factors:
                    terms.append((sign * factor, factors))
    return tuple(terms)
