"""The canonical sum of products of an index form: deltas collapsed, letters by place.

Equal texts are equal sums. Indices are sized; a delta collapses only where the other
index is known to lie in the range of the Σ.
"""

from collections.abc import Mapping
from fractions import Fraction as Rational
from itertools import permutations

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.binding import free_indices, fresh_index, instantiated
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    ONE,
    Delta,
    Derivative,
    Formula,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Product,
    Sigma,
    Sum,
    walk,
)
from symbackprop.kernel.definitions import Definitions

MAX_BOUND = 5
MAX_PRODUCTS = 512

Monomial = tuple[Rational, tuple[tuple[str, Formula], ...], tuple[Formula, ...]]


def canonical(
    definitions: Definitions, form: Formula, known: Mapping[Index, Formula]
) -> Mapping[str, Rational]:
    """The coefficients of a form's products, bound letters named by position."""
    found: dict[str, Rational] = {}
    for factor, bound, factors in _products(form):
        factor_, bound_, factors_ = _collapsed(
            definitions, factor, bound, factors, known
        )
        if factor_:
            key = _key(bound_, factors_)
            found[key] = found.get(key, Rational(0)) + factor_
    return {key: value for key, value in found.items() if value}


def _products(form: Formula) -> list[Monomial]:
    """A form multiplied out into coefficient, bound letters, factors."""
    match form:
        case Num():
            return [(form.value, (), ())]
        case Sum(terms):
            return [product for term in terms for product in _products(term)]
        case Minus(body):
            return [(-c, b, f) for c, b, f in _products(body)]
        case Product(factors):
            result: list[Monomial] = [(Rational(1), (), ())]
            for factor in factors:
                result = [_joined(a, b) for a in result for b in _products(factor)]
                if len(result) > MAX_PRODUCTS:
                    raise TooLarge(f"more than {MAX_PRODUCTS} products")
            return result
        case Sigma(index, start, stop, body):
            if start != ONE:
                raise Refused("index algebra", "a Σ that does not start at 1")
            return [(c, ((index, stop), *b), f) for c, b, f in _products(body)]
        case _:
            return [(Rational(1), (), (form,))]


def _joined(one: Monomial, other: Monomial) -> Monomial:
    """The product of two products, bound letters renamed apart first."""
    taken = {letter for letter, _ in one[1]} | {
        i.name for f in one[2] for i in free_indices(f) if isinstance(i, Idx)
    }
    factor, bound, factors = other
    outside = {i.name for f in factors for i in free_indices(f) if isinstance(i, Idx)}
    outside |= {letter for letter, _ in bound}
    one = _renamed(one, outside)
    taken |= {letter for letter, _ in one[1]}
    values: dict[str, Index] = {}
    renamed: list[tuple[str, Formula]] = []
    for letter, size in bound:
        fresh = letter
        if letter in taken:
            inside = {
                i.name for f in factors for i in free_indices(f) if isinstance(i, Idx)
            }
            fresh = fresh_index(letter, taken | inside)
            values[letter] = Idx(fresh)
        taken.add(fresh)
        renamed.append((fresh, size))
    moved = tuple(instantiated(f, values) for f in factors) if values else factors
    return one[0] * factor, (*one[1], *renamed), (*one[2], *moved)


def _renamed(product: Monomial, avoid: set[str]) -> Monomial:
    """The same product with its bound letters out of the way of others."""
    factor, bound, factors = product
    inside = {i.name for f in factors for i in free_indices(f) if isinstance(i, Idx)}
    values: dict[str, Index] = {}
    letters: list[tuple[str, Formula]] = []
    for letter, size in bound:
        fresh = letter
        if letter in avoid:
            fresh = fresh_index(letter, avoid | inside | {name for name, _ in letters})
            values[letter] = Idx(fresh)
        letters.append((fresh, size))
    moved = tuple(instantiated(f, values) for f in factors) if values else factors
    return factor, tuple(letters), moved


def _collapsed(
    definitions: Definitions,
    factor: Rational,
    bound: tuple[tuple[str, Formula], ...],
    factors: tuple[Formula, ...],
    known: Mapping[Index, Formula],
) -> Monomial:
    """Σ_k f(k) δ_{kp} = f(p) where p lies in k's range; δ_{pp} = 1."""
    changed = True
    while changed:
        changed = False
        for place, delta in enumerate(factors):
            if not isinstance(delta, Delta):
                continue
            rest = (*factors[:place], *factors[place + 1 :])
            if delta.left == delta.right:
                factors, changed = rest, True
                break
            if apart(definitions, delta.left, delta.right):
                return Rational(0), (), ()
            for own, other in ((delta.left, delta.right), (delta.right, delta.left)):
                size = next(
                    (s for b, s in bound if isinstance(own, Idx) and own == Idx(b)),
                    None,
                )
                if size is None or not isinstance(own, Idx):
                    continue
                inner = {Idx(b): s for b, s in bound}
                inside = inner.get(other) if isinstance(other, Idx) else None
                if inside == size or within(definitions, other, size, known):
                    factors = tuple(instantiated(f, {own.name: other}) for f in rest)
                    bound = tuple((b, s) for b, s in bound if b != own.name)
                    changed = True
                    break
            if changed:
                break
    return factor, bound, factors


def _key(bound: tuple[tuple[str, Formula], ...], factors: tuple[Formula, ...]) -> str:
    """One text for all namings and orders of the bound letters."""
    if len(bound) > MAX_BOUND:
        raise TooLarge(f"more than {MAX_BOUND} summations in one product")
    texts: list[str] = []
    for order in permutations(bound):
        values: dict[str, Index] = {
            letter: Idx(f"_{place}") for place, (letter, _) in enumerate(order)
        }
        parts = sorted(text_of(instantiated(f, values)) for f in factors)
        sizes = ",".join(text_of(size) for _, size in order)
        texts.append(f"[{sizes}] " + " * ".join(parts))
    return min(texts)


def index_form(index: Index) -> Formula:
    """An index as a form, for conditions."""
    if isinstance(index, int):
        return Num(str(index))
    base = Name(index.name)
    if not index.shift:
        return base
    by = Num(str(abs(index.shift)))
    return Sum((base, by if index.shift > 0 else Minus(by)))


def apart(definitions: Definitions, one: Index, other: Index) -> bool:
    """Whether two indices are known to differ."""
    if isinstance(one, int) and isinstance(other, int):
        return one != other
    if isinstance(one, Idx) and isinstance(other, Idx) and one.name == other.name:
        return one.shift != other.shift
    pair = {index_form(one), index_form(other)}
    return any(
        assumption.relation in (">", "≠")
        and {assumption.left, assumption.right} == pair
        for assumption in definitions.assumptions
    )


def within(
    definitions: Definitions,
    index: Index,
    size: Formula,
    known: Mapping[Index, Formula],
) -> bool | None:
    """Whether an index lies in 1…size: yes, no, or a condition."""
    if isinstance(index, int):
        if index < 1 or (isinstance(size, Num) and index > size.value):
            return False
        return True if isinstance(size, Num) else None
    if not index.shift:
        return True if known.get(index) == size or size == Name(index.name) else None
    if size == Name(index.name) and index.shift > 0:
        return False
    if index.shift == 1:  # L > l gives l + 1 <= L
        below = Assumption(">", size, Name(index.name))
        if below in definitions.assumptions:
            return True
    return None


def ranges(definitions: Definitions, *forms: Formula) -> dict[Index, Formula]:
    """The sizes of the free indices, from the families whose members name them."""
    found: dict[Index, Formula] = {}
    for form in forms:
        for node in walk(form):
            names = [node] if isinstance(node, Name) else []
            if isinstance(node, Derivative):
                names.append(node.by)
            for name in names:
                _add_ranges(definitions, name, found)
    return found


def _add_ranges(
    definitions: Definitions, name: Name, found: dict[Index, Formula]
) -> None:
    """One name's slots with its family's sizes."""
    member = definitions.family(name)
    if member is None:
        return
    entry, _ = member
    sizes = dict(entry.sizes)
    for slot, given in zip(entry.name.indices, name.indices, strict=True):
        if isinstance(slot, Idx) and not slot.shift and slot.name in sizes:
            found.setdefault(given, sizes[slot.name])
