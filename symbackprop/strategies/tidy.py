"""Target lines that a person would write next, and the reason's name."""

from collections.abc import Sequence

from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Formula,
    Fraction,
    Idx,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
    fresh_index,
    names_in,
    number,
    positions,
    size,
    walk,
)
from symbackprop.kernel.calculus import product_of, sum_of
from symbackprop.kernel.equality import flat_terms, flattened


def tidy_product(form: Formula) -> Formula:
    """One flat product: the sign in front, one number, no factor 1."""
    factor, factors = flattened(form)
    if not factor:
        return ZERO
    shown = factors if abs(factor) == 1 and factors else (number(abs(factor)), *factors)
    body = product_of(shown)
    return Minus(body) if factor < 0 else body


def tidy(form: Formula) -> Formula:
    """A flat sum of tidy products; a sign that all terms share goes in front."""
    terms = tuple(
        tidy_product(Product((number(factor), *factors)) if factors else number(factor))
        for factor, factors in flat_terms(form)
    )
    if not isinstance(form, Sum):
        return tidy_product(form)
    bodies = tuple(term.body for term in terms if isinstance(term, Minus))
    if len(terms) > 1 and len(bodies) == len(terms):
        return Minus(Sum(bodies))
    return sum_of(terms)


def gathered(terms: Sequence[Formula]) -> Sigma | None:
    """Σ_k T(k), if the terms are T(1), T(2), … T(n) for one shape T."""
    if len(terms) <= 1:
        return None
    taken = {
        index.name
        for name in names_in(terms[0])
        for index in name.indices
        if isinstance(index, Idx)
    } | {node.index for node in walk(terms[0]) if isinstance(node, Sigma)}
    letter = fresh_index("k", taken)
    body = _shape(terms, letter)
    if body is None or body == terms[0]:
        return None
    return Sigma(letter, ONE, Num(str(len(terms))), body)


def _shape(forms: Sequence[Formula], letter: str) -> Formula | None:
    """The common shape with `letter` where the forms count 1, 2, …, n."""
    first = forms[0]
    if all(form == first for form in forms):
        return first
    if any(type(form) is not type(first) for form in forms):
        return None
    if isinstance(first, Name):
        names = [form for form in forms if isinstance(form, Name)]
        return _counting(names, letter)
    children = [form.children for form in forms]
    if len({len(parts) for parts in children}) != 1:
        return None
    parts: list[Formula] = []
    for place in range(len(children[0])):
        part = _shape([row[place] for row in children], letter)
        if part is None:
            return None
        parts.append(part)
    blank = tuple(ZERO for _ in parts)
    if not parts:
        return None
    by = [getattr(form, "by", None) for form in forms]
    if all(isinstance(name, Name) for name in by):
        names = [name for name in by if isinstance(name, Name)]
        moved = names[0] if len(set(names)) == 1 else _counting(names, letter)
        if not isinstance(moved, Name):
            return None
        head = getattr(first, "head", "D")
        if any(getattr(form, "head", "D") != head for form in forms):
            return None
        return type(first)(head, parts[0], moved)  # type: ignore[call-arg] - Derivative
    if any(form.with_children(blank) != first.with_children(blank) for form in forms):
        return None
    return first.with_children(tuple(parts))


def _counting(names: Sequence[Name], letter: str) -> Formula | None:
    """The name with `letter` in the slots that run 1, 2, …, n."""
    first = names[0]
    if any(
        name.base != first.base or len(name.indices) != len(first.indices)
        for name in names
    ):
        return None
    indices = list(first.indices)
    for slot in range(len(indices)):
        column = [name.indices[slot] for name in names]
        if column == list(range(1, len(names) + 1)):
            indices[slot] = Idx(letter)
        elif any(index != column[0] for index in column):
            return None
    return Name(first.base, tuple(indices))


def reason_between(before: Formula, after: Formula) -> str:
    """The name of what leads from one form to the next, by their shapes."""
    if flattened(before) == flattened(after) or flat_terms(before) == flat_terms(after):
        if _count(before, "0") > _count(after, "0"):
            return "drop_zero"
        if _count(before, "1") > _count(after, "1"):
            return "drop_one"
        return "signs" if _signs(before) != _signs(after) else "flatten"
    if _reciprocal(before, after) or _reciprocal(after, before):
        return "reciprocal"
    if _cancelling_pair(before, after):
        return "add_and_subtract"
    if _cancelling_pair(after, before):
        return "cancel_terms"
    if not names_in(before) and not names_in(after):
        return "arithmetic"
    if sorted(map(repr, flattened(before)[1])) == sorted(
        map(repr, flattened(after)[1])
    ):
        return "reorder"
    return _by_shape(before, after)


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
        return "expand"
    if isinstance(a, Product) and isinstance(b, Fraction):
        return "multiply"
    if fractions[0] > fractions[1] or (fractions[0] and size(after) < size(before)):
        return "cancel"
    if fractions[1] and not fractions[0]:
        return "divide"
    return "collect"


def _count(form: Formula, digits: str) -> int:
    """How often a number is a factor or a term, at any depth of sums and products."""
    found, stack = 0, [form]
    while stack:
        node = stack.pop()
        if isinstance(node, Sum | Product | Minus):
            stack += node.children
        elif isinstance(node, Num) and node.text == digits:
            found += 1
    return found


def _signs(form: Formula) -> int:
    """How many minus signs a form's sums and products have."""
    found, stack = 0, [form]
    while stack:
        node = stack.pop()
        if isinstance(node, Sum | Product | Minus):
            stack += node.children
            found += isinstance(node, Minus)
    return found


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
