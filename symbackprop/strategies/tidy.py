"""Target lines that a person would write next, and the reason's name."""

from collections.abc import Iterable
from fractions import Fraction as Rational

from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Call,
    Formula,
    Fraction,
    Minus,
    Num,
    Power,
    Product,
    Sum,
    names_in,
    number,
    positions,
    size,
    walk,
)
from symbackprop.kernel.calculus import product_of, sum_of
from symbackprop.kernel.equality import flat_terms, flattened
from symbackprop.kernel.step import Step

MANY = 25
"""From so many nodes less on, more has happened than one cancellation."""


def tidy_product(form: Formula) -> Formula:
    """One flat product: the sign in front, one number, no factor 1."""
    return _product(*flattened(form))


def _product(factor: Rational | int, factors: tuple[Formula, ...]) -> Formula:
    """A coefficient and factors as one flat product."""
    if not factor:
        return ZERO
    shown = factors if abs(factor) == 1 and factors else (number(abs(factor)), *factors)
    body = product_of(shown)
    return Minus(body) if factor < 0 else body


def tidy(form: Formula) -> Formula:
    """A flat sum of tidy products, equal terms collected.

    A sign that all terms share goes in front.
    """
    if not isinstance(form, Sum):
        return tidy_product(form)
    terms = _collected(form)
    if not terms:
        return ZERO
    if len(terms) > 1 and all(factor < 0 for factor, _ in terms):
        return Minus(Sum(tuple(_product(-factor, rest) for factor, rest in terms)))
    return sum_of(tuple(_product(factor, rest) for factor, rest in terms))


def _collected(form: Sum) -> list[tuple[Rational | int, tuple[Formula, ...]]]:
    """The flat terms; those with the same factors as one, at the first one's place."""
    found: dict[tuple[Formula, ...], Rational | int] = {}
    for factor, factors in flat_terms(form):
        found[factors] = found.get(factors, 0) + factor
    return [(factor, factors) for factors, factor in found.items() if factor]


def tidy_reason(before: Formula, after: Formula) -> str:
    """The name of what tidying did."""
    if len(flat_terms(after)) < len(flat_terms(before)):
        return "collect"
    zeros, ones, signs = _tally(before)
    fewer_zeros, fewer_ones, other_signs = _tally(after)
    if zeros > fewer_zeros:
        return "drop_zero"
    if ones > fewer_ones:
        return "drop_one"
    if signs != other_signs:
        return "signs"
    return "flatten" if _numbers(before) == _numbers(after) else "arithmetic"


def says_only(steps: Iterable[Step], reason: str) -> bool:
    """Whether steps are printed with one reason, brackets and signs apart."""
    return _told(steps) - {"flatten", "signs"} == {reason}


def _told(steps: Iterable[Step]) -> set[str]:
    """The reasons of steps, and of those that they are cut from."""
    found: set[str] = set()
    for step in steps:
        if step.rule == "refer" and step.because[-1].cut_from is not None:
            found |= _told(step.because[-1].steps)
        else:
            found.add(step.reason.key)
    return found


def _numbers(form: Formula) -> list[str]:
    """The numbers of a form, each as often as it stands there."""
    return sorted(node.text for node in walk(form) if isinstance(node, Num))


def _tally(form: Formula) -> tuple[int, int, int]:
    """How many 0, 1 and minus signs a form's sums and products have."""
    zeros = ones = signs = 0
    stack = [form]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is Num:
            zeros += node.text == "0"  # type: ignore[attr-defined] - a Num
            ones += node.text == "1"  # type: ignore[attr-defined] - a Num
        elif kind is Sum or kind is Product or kind is Minus:
            signs += kind is Minus
            stack += node.children
    return zeros, ones, signs


def reason_between(before: Formula, after: Formula) -> str:
    """The name of what leads from one form to the next, by their shapes."""
    if flattened(before) == flattened(after) or flat_terms(before) == flat_terms(after):
        return tidy_reason(before, after)
    if _reciprocal(before, after) or _reciprocal(after, before):
        return "reciprocal"
    if {type(before), type(after)} == {Power, Call}:
        return "as_exponential"
    if _cancelling_pair(before, after):
        return "add_and_subtract"
    if _cancelling_pair(after, before):
        return "cancel_terms"
    if not names_in(before) and not names_in(after):
        return "arithmetic"
    if after == ZERO and any(not names_in(f) for f in flattened(before)[1]):
        return "arithmetic"  # a factor such as 1 - 1
    if (trivial := _trivial_power(before, after)) is not None:
        return trivial
    if sorted(map(repr, flattened(before)[1])) == sorted(
        map(repr, flattened(after)[1])
    ):
        return "reorder"
    return _by_shape(before, after)


def _trivial_power(before: Formula, after: Formula) -> str | None:
    """Whether all that happened is u^0 = 1, or u^1 = u."""
    for exponent, reason in (("0", "power_zero"), ("1", "power_one")):
        changed = _without_powers(before, exponent)
        if changed != before and flattened(changed) == flattened(after):
            return reason
    return None


def _without_powers(form: Formula, exponent: str) -> Formula:
    """A form with 1 for each u^0, or u for each u^1."""
    if isinstance(form, Power) and form.exponent == Num(exponent):
        return ONE if exponent == "0" else _without_powers(form.base, exponent)
    if not form.children:
        return form
    inner = tuple(_without_powers(child, exponent) for child in form.children)
    return form.with_children(inner)


def _by_shape(before: Formula, after: Formula) -> str:
    """A name from the outer shapes alone."""
    a = before.body if isinstance(before, Minus) else before
    b = after.body if isinstance(after, Minus) else after
    fractions = [
        sum(isinstance(n, Fraction) for n in walk(form)) for form in (before, after)
    ]
    if isinstance(a, Fraction) and isinstance(b, Sum) and fractions[1] > 1:
        return "split_fraction"
    if isinstance(b, Fraction) and isinstance(a, Sum) and fractions[0]:
        return "common_denominator"
    if isinstance(a, Sum) and isinstance(b, Product | Power):
        return "factor_out"
    if isinstance(a, Product | Power) and isinstance(b, Sum):
        return "cancel" if fractions[0] > fractions[1] else "expand"
    if isinstance(a, Product) and isinstance(b, Fraction):
        return "multiply"
    if size(before) - size(after) > MANY:
        return "multiply_out"
    if fractions[0] > fractions[1] or _below(before) > _below(after):
        return "cancel"
    if isinstance(a, Product) and isinstance(b, Product):
        return "regroup"
    if fractions[1] and not fractions[0]:
        return "divide"
    return "collect"


def _below(form: Formula) -> int:
    """How much stands below fraction bars."""
    return sum(size(node.bottom) for node in walk(form) if isinstance(node, Fraction))


def _reciprocal(power: Formula, fraction: Formula) -> bool:
    """u^(-n) and 1/u^n."""
    if not isinstance(power, Power) or not isinstance(fraction, Fraction):
        return False
    return isinstance(power.exponent, Minus) and fraction.top == ONE


def _cancelling_pair(before: Formula, after: Formula) -> bool:
    """Whether some sum of `after` is one of `before` with t - t added."""
    for (old_path, old), (new_path, new) in zip(
        positions(before), positions(after), strict=False
    ):
        if old_path != new_path or type(old) is not type(new):
            return isinstance(new, Sum) and _adds_pair(old, new)
        if isinstance(new, Sum) and isinstance(old, Sum) and old != new:
            return _adds_pair(old, new)
    return False


def _adds_pair(old: Formula, new: Sum) -> bool:
    """Whether the terms of `new` beyond those of `old` cancel each other."""
    terms = [(factor, repr(factors)) for factor, factors in flat_terms(new)]
    for term in [(factor, repr(factors)) for factor, factors in flat_terms(old)]:
        if term not in terms:
            return False
        terms.remove(term)
    return bool(terms) and all((-factor, key) in terms for factor, key in terms)
