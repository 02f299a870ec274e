"""Families: the chain rule over index ranges, Kronecker deltas, Σ, induction.

Indices are sized; bound letters are renamed apart before every product and
derivative; a delta collapses only where the other index lies in the Σ's range.
"""

from collections.abc import Mapping
from fractions import Fraction as Rational
from itertools import permutations

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Call,
    Delta,
    Derivative,
    Formula,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Path,
    Product,
    Sigma,
    Sum,
    free_indices,
    fresh_index,
    instantiated,
    renamed_bound,
    walk,
)
from symbackprop.kernel.calculus import product_of, sum_of
from symbackprop.kernel.definitions import Definition, Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.step import Evidence, Reason, Step, made, target_of

MAX_BOUND = 5
MAX_PRODUCTS = 512


def total_family(definitions: Definitions, before: Formula, path: Path) -> Step:
    """D(L, u[a]) = Σ over all v[i] that mention u[a] of D(L, v[i]) P(v[i], u[a]).

    Refuses a mention whose indices can neither be matched with a nor told apart.
    """
    target = target_of("total", before, path)
    if not (
        isinstance(target, Derivative)
        and target.head == "D"
        and isinstance(target.of, Name)
    ):
        raise Refused("total", f"expected D(L, u), found {text_of(target)}")
    terms: list[Formula] = []
    conditions: list[Assumption] = []
    reached = _reached(definitions, target.of)
    for entry in definitions.entries:
        if _kind(entry.name) not in reached:
            continue
        for mention in _mentions(entry, target.by):
            found = _term(definitions, target, entry, mention, conditions)
            if found is not None:
                terms.append(found)
    if not terms:
        raise Refused("total", f"nothing uses {target.by.id}")
    reason = Reason("chain_rule_sum", {"of": target.of, "by": target.by})
    evidence = Evidence("rule")
    new = sum_of(tuple(terms))
    return made(
        definitions, before, path, new, "total", reason, evidence, tuple(conditions)
    )


def _kind(name: Name) -> tuple[str, int]:
    """A name's family: its base and its number of indices."""
    return name.base, len(name.indices)


def _reached(definitions: Definitions, of: Name) -> set[tuple[str, int]]:
    """The families that a quantity can depend on, itself included."""
    bodies: dict[tuple[str, int], list[Formula]] = {}
    for entry in definitions.entries:
        if entry.body is not None:
            bodies.setdefault(_kind(entry.name), []).append(entry.body)
    seen, stack = {_kind(of)}, [_kind(of)]
    while stack:
        for body in bodies.get(stack.pop(), ()):
            for node in walk(body):
                if isinstance(node, Name) and _kind(node) not in seen:
                    seen.add(_kind(node))
                    stack.append(_kind(node))
    return seen


def _mentions(entry: Definition, by: Name) -> list[Name]:
    """The distinct members of u's family that a definition mentions."""
    if entry.body is None:
        return []
    found: dict[Name, None] = {}
    for node in walk(entry.body):
        if isinstance(node, Name) and _kind(node) == _kind(by):
            found[node] = None
    return list(found)


def _term(
    definitions: Definitions,
    target: Derivative,
    entry: Definition,
    mention: Name,
    conditions: list[Assumption],
) -> Formula | None:
    """One user's term of the chain rule, or None where it cannot be a user."""
    sizes = dict(entry.sizes)
    ranges = _ranges(definitions, target)
    solved: dict[str, Index] = {}
    for slot, given in zip(mention.indices, target.by.indices, strict=True):
        if isinstance(slot, Idx) and slot.name in sizes:
            back = instantiated(Name("_", (Idx("_", -slot.shift),)), {"_": given})
            assert isinstance(back, Name)
            solved[slot.name] = back.indices[0]
        elif _bound(entry, slot):
            continue
        elif slot != given:
            if _apart(definitions, slot, given):
                return None
            raise Refused("total", f"{mention.id} may or may not be {target.by.id}")
    for letter, index in solved.items():
        within = _within(definitions, index, sizes[letter], ranges)
        if within is False:
            return None
        if within is None:
            left = _index_form(index)
            # In range: size + 1 > index.
            top = Sum((sizes[letter], ONE))
            conditions.append(Assumption(">", top, left))
    taken = {i.name for i in free_indices(target) if isinstance(i, Idx)}
    values: dict[str, Index] = dict(solved)
    letters: list[tuple[str, Formula]] = []
    for letter, size in entry.sizes:
        if letter not in solved:
            fresh = fresh_index(letter, taken)
            taken.add(fresh)
            values[letter] = Idx(fresh)
            letters.append((fresh, size))
    user = instantiated(entry.name, values)
    assert isinstance(user, Name)
    slope = Derivative("P", user, target.by)
    form: Formula = slope
    if user != target.of:
        form = Product((Derivative("D", target.of, user), slope))
    for letter, size in reversed(letters):
        form = Sigma(letter, ONE, size, form)
    return form


def _bound(entry: Definition, slot: Index) -> bool:
    """Whether an index is bound by a Σ inside the definition, or by a call's family."""
    if not isinstance(slot, Idx) or entry.body is None:
        return False
    letters = {letter for letter, _ in entry.sizes}
    sigmas = {node.index for node in walk(entry.body) if isinstance(node, Sigma)}
    return slot.name in sigmas and slot.name not in letters


def _index_form(index: Index) -> Formula:
    """An index as a form, for conditions."""
    if isinstance(index, int):
        return Num(str(index))
    base = Name(index.name)
    if not index.shift:
        return base
    by = Num(str(abs(index.shift)))
    return Sum((base, by if index.shift > 0 else Minus(by)))


def _apart(definitions: Definitions, one: Index, other: Index) -> bool:
    """Whether two indices are known to differ."""
    if isinstance(one, int) and isinstance(other, int):
        return one != other
    if isinstance(one, Idx) and isinstance(other, Idx) and one.name == other.name:
        return one.shift != other.shift
    pair = {_index_form(one), _index_form(other)}
    return any(
        assumption.relation in (">", "≠")
        and {assumption.left, assumption.right} == pair
        for assumption in definitions.assumptions
    )


def _within(
    definitions: Definitions,
    index: Index,
    size: Formula,
    ranges: Mapping[Index, Formula],
) -> bool | None:
    """Whether an index lies in 1…size: yes, no, or a condition."""
    if isinstance(index, int) and isinstance(size, Num):
        return 1 <= index <= size.value
    if isinstance(index, Idx) and isinstance(size, Name) and size == Name(index.name):
        return index.shift <= 0
    if ranges and ranges.get(index) == size:
        return True
    if isinstance(index, Idx) and index.shift == 1:  # L > l gives l + 1 <= L
        below = Assumption(">", size, Name(index.name))
        if below in definitions.assumptions:
            return True
    return None


def _ranges(definitions: Definitions, *forms: Formula) -> dict[Index, Formula]:
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


def slope_by(form: Formula, by: Name) -> Formula:
    """The derivative of a form by one member of a family, with deltas."""
    match form:
        case Num():
            return ZERO
        case Name(base, indices):
            if base != by.base or len(indices) != len(by.indices):
                return ZERO
            deltas: list[Formula] = []
            for own, other in zip(indices, by.indices, strict=True):
                if own != other:
                    if isinstance(own, int) and isinstance(other, int):
                        return ZERO
                    deltas.append(Delta(own, other))
            return product_of(tuple(deltas))
        case Sum(terms):
            return sum_of(tuple(p for t in terms if (p := slope_by(t, by)) != ZERO))
        case Minus(body):
            inner = slope_by(body, by)
            return ZERO if inner == ZERO else Minus(inner)
        case Product(factors):
            parts: list[Formula] = []
            for place, factor in enumerate(factors):
                inner = slope_by(factor, by)
                if inner != ZERO:
                    parts.append(
                        Product((*factors[:place], inner, *factors[place + 1 :]))
                    )
            return sum_of(tuple(parts))
        case Sigma(index, start, stop, body):
            taken = {i.name for i in free_indices(by) if isinstance(i, Idx)}
            if index in taken:
                taken |= {i.name for i in free_indices(body) if isinstance(i, Idx)}
                fresh = renamed_bound(form, fresh_index(index, taken))
                return slope_by(fresh, by)
            inner = slope_by(body, by)
            return ZERO if inner == ZERO else Sigma(index, start, stop, inner)
        case Call(function, arguments, None) if len(arguments) == 1:
            inner = slope_by(arguments[0], by)
            if inner == ZERO:
                return ZERO
            slope = Call(function, arguments, 0)
            return slope if inner == ONE else Product((slope, inner))
        case _:
            raise Refused("local", f"no index rule for {text_of(form)}")


def local_family(
    definitions: Definitions, before: Formula, path: Path, replacement: Formula
) -> Step:
    """P(v[i], u[a]) = the slope of v's definition by u[a], deltas collapsed.

    Refuses what the canonical sum of products does not prove.
    """
    target = target_of("local", before, path)
    if not (isinstance(target, Derivative) and target.head == "P"):
        raise Refused("local", f"expected P(v, u), found {text_of(target)}")
    body = definitions.body(target.of) if isinstance(target.of, Name) else target.of
    if body is None:
        raise Refused("local", f"{text_of(target.of)} has no definition")
    slope = slope_by(body, target.by)
    ranges = _ranges(definitions, target, replacement)
    wanted = canonical(definitions, slope, ranges)
    if wanted != canonical(definitions, replacement, ranges):
        raise Refused(
            "local",
            f"{text_of(target)} is {text_of(slope)}, not {text_of(replacement)}",
        )
    reason = Reason("local_slope", {"of": target.of, "by": target.by})
    evidence = Evidence("sum of products")
    return made(definitions, before, path, replacement, "local", reason, evidence)


def index_algebra(
    definitions: Definitions,
    before: Formula,
    path: Path,
    replacement: Formula,
    reason: str,
) -> Step:
    """Two forms with one canonical sum of products: Σ is linear, deltas collapse.

    Refuses forms whose canonical sums differ.
    """
    target = target_of("index algebra", before, path)
    ranges = _ranges(definitions, target, replacement)
    wanted = canonical(definitions, target, ranges)
    if wanted != canonical(definitions, replacement, ranges):
        raise Refused(
            "index algebra", f"{text_of(target)} is not {text_of(replacement)}"
        )
    evidence = Evidence("sum of products")
    return made(
        definitions,
        before,
        path,
        replacement,
        "index algebra",
        Reason(reason),
        evidence,
    )


Monomial = tuple[Rational, tuple[tuple[str, Formula], ...], tuple[Formula, ...]]


def canonical(
    definitions: Definitions, form: Formula, ranges: Mapping[Index, Formula]
) -> Mapping[str, Rational]:
    """The coefficients of a form's products, bound letters named by position."""
    found: dict[str, Rational] = {}
    for factor, bound, factors in _products(form):
        factor_, bound_, factors_ = _collapsed(
            definitions, factor, bound, factors, ranges
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
            if _apart(definitions, delta.left, delta.right):
                return Rational(0), (), ()
            for own, other in ((delta.left, delta.right), (delta.right, delta.left)):
                size = next(
                    (s for b, s in bound if isinstance(own, Idx) and own == Idx(b)),
                    None,
                )
                if size is None or not isinstance(own, Idx):
                    continue
                ranges = {Idx(b): s for b, s in bound}
                inside = ranges.get(other) if isinstance(other, Idx) else None
                if inside == size or _within(definitions, other, size, known):
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


def induction(
    definitions: Definitions,
    before: Formula,
    path: Path,
    letter: str,
    top: str,
    base: Derivation,
    step: Derivation,
) -> Step:
    """A(L), and A(l+1) implies A(l) for l < L; so A(l) for every l up to L.

    A is left = right with the target on the left. Refuses a base that is not A(L), a
    step that is not A(l), or one that assumes more than A(l+1) and l < L.
    """
    left, right = target_of("induction", before, path), step.result
    if not base.definitions.same_as(definitions):
        raise Refused("induction", "the base was judged under other definitions")
    at_top = {letter: Idx(top)}
    if (base.goal, base.result) != (
        instantiated(left, at_top),
        instantiated(right, at_top),
    ):
        raise Refused("induction", f"the base is not the claim at {letter} = {top}")
    if step.goal != left:
        raise Refused("induction", "the step does not start at the claim")
    free = tuple(
        sorted(
            i.name
            for i in free_indices(left)
            if isinstance(i, Idx) and i.name not in (letter, top)
        )
    )
    above = {letter: Idx(letter, 1)}
    hypothesis = Assumption(
        "=", instantiated(left, above), instantiated(right, above), free
    )
    allowed = {hypothesis, Assumption(">", Name(top), Name(letter))}
    theirs = step.definitions
    if (
        theirs.entries != definitions.entries
        or dict(theirs.functions) != dict(definitions.functions)
        or set(theirs.assumptions) - set(definitions.assumptions) - allowed
    ):
        raise Refused("induction", "the step assumes more than the claim one layer up")
    reason = Reason("induction", {"left": left, "right": right})
    evidence = Evidence("induction", f"{letter} from {top} down")
    return made(
        definitions,
        before,
        path,
        right,
        "induction",
        reason,
        evidence,
        (),
        (base, step),
    )
