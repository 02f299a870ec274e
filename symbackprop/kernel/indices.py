"""Families: the chain rule over index ranges, Kronecker deltas, Σ, induction.

Indices are sized; bound letters are renamed apart before every product and
derivative; a delta collapses only where the other index lies in the Σ's range.
"""

from collections.abc import Mapping

from symbackprop.errors import Refused
from symbackprop.formula.binding import (
    free_indices,
    fresh_index,
    instantiated,
    renamed_bound,
)
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
    names_in,
    walk,
)
from symbackprop.kernel.calculus import product_of, sum_of
from symbackprop.kernel.definitions import Definition, Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.guard import target_of
from symbackprop.kernel.step import Evidence, Reason, Step, made
from symbackprop.kernel.sums import apart, canonical, index_form, ranges, within


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
        found = [
            term
            for mention in _mentions(entry, target.by)
            if (term := _term(definitions, target, entry, mention, conditions))
        ]
        if len(found) > 1:  # P(v, u) holds all mentions: one sum over all of v
            found = [_whole_sum(target, entry, {})]
        terms += found
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
    known = ranges(definitions, target)
    solved: dict[str, Index] = {}
    for slot, given in zip(mention.indices, target.by.indices, strict=True):
        if isinstance(slot, Idx) and slot.name in sizes:
            back = instantiated(Name("_", (Idx("_", -slot.shift),)), {"_": given})
            assert isinstance(back, Name)
            solved[slot.name] = back.indices[0]
        elif _bound(entry, slot):
            continue
        elif slot != given:
            if apart(definitions, slot, given):
                return None
            raise Refused("total", f"{mention.id} may or may not be {target.by.id}")
    for letter, index in solved.items():
        lies = within(definitions, index, sizes[letter], known)
        if lies is False:
            return None
        if lies is None:
            form = index_form(index)
            conditions.append(Assumption(">", Sum((sizes[letter], ONE)), form))
            conditions.append(Assumption(">", form, ZERO))
    return _whole_sum(target, entry, solved)


def _whole_sum(
    target: Derivative, entry: Definition, solved: Mapping[str, Index]
) -> Formula:
    """Σ D(L, v) P(v, u) over the letters of v that are not solved for."""
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
    known = ranges(definitions, target)
    wanted = canonical(definitions, slope, known)
    if wanted != canonical(definitions, replacement, known):
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
    known = ranges(definitions, target)
    wanted = canonical(definitions, target, known)
    if wanted != canonical(definitions, replacement, known):
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
    for assumption in definitions.assumptions:
        about = free_indices(assumption.left) | free_indices(assumption.right)
        names = {*names_in(assumption.left), *names_in(assumption.right)}
        if Idx(letter) in about or Name(letter) in names:
            raise Refused("induction", f"{assumption} singles out one {letter}")
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
