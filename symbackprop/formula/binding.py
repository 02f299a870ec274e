"""Names and indices exchanged in a form; bound letters are never captured."""

from collections.abc import Mapping
from dataclasses import replace

from symbackprop.errors import TooLarge
from symbackprop.formula.tree import (
    ZERO,
    Delta,
    Derivative,
    Formula,
    Idx,
    Index,
    Name,
    Num,
    Sigma,
    Sum,
)

MAX_TERMS = 4096


def substituted(formula: Formula, values: Mapping[Name, Formula]) -> Formula:
    """The form with names exchanged at once; bound indices are never captured."""
    if isinstance(formula, Name):
        return values.get(formula, formula)
    if isinstance(formula, Derivative) and formula.by in values:
        by = values[formula.by]
        if isinstance(by, Name):
            of = substituted(formula.of, values)
            return Derivative(formula.head, of, by)
    if isinstance(formula, Sigma):
        free = {
            index.name
            for value in values.values()
            for index in free_indices(value)
            if isinstance(index, Idx)
        }
        if formula.index in free:
            free |= {i.name for i in free_indices(formula.body) if isinstance(i, Idx)}
            formula = renamed_bound(formula, fresh_index(formula.index, free))
    children = formula.children
    if not children:
        return formula
    new = tuple(substituted(child, values) for child in children)
    return formula if new == children else formula.with_children(new)


def _moved_index(index: Index, values: Mapping[str, Index]) -> Index:
    """An index with variables exchanged: k+1 at k=3 is 4, at k=l-1 it is l."""
    if isinstance(index, int) or index.name not in values:
        return index
    value = values[index.name]
    if isinstance(value, int):
        return value + index.shift
    return Idx(value.name, value.shift + index.shift)


def instantiated(formula: Formula, values: Mapping[str, Index]) -> Formula:
    """The form with free index variables exchanged for indices."""
    match formula:
        case Name(base, indices) if indices:
            return Name(base, tuple(_moved_index(i, values) for i in indices))
        case Delta(left, right):
            return Delta(_moved_index(left, values), _moved_index(right, values))
        case Derivative(head, of, by):
            moved = instantiated(by, values)
            assert isinstance(moved, Name)
            return Derivative(head, instantiated(of, values), moved)
        case Sigma(index, start, stop, body):
            inner = {k: v for k, v in values.items() if k != index}
            taken = {v.name for v in inner.values() if isinstance(v, Idx)}
            if index in taken:
                taken |= {i.name for i in free_indices(body) if isinstance(i, Idx)}
                renamed = renamed_bound(formula, fresh_index(index, taken))
                return instantiated(renamed, values)
            return Sigma(
                index,
                instantiated(start, values),
                instantiated(stop, values),
                instantiated(body, inner),
            )
        case _:
            children = formula.children
            if not children:
                return formula
            new = tuple(instantiated(child, values) for child in children)
            return formula if new == children else formula.with_children(new)


def fresh_index(wanted: str, taken: set[str]) -> str:
    """An index letter that is not taken: k, then m, p, q …, then k1, k2 …."""
    for letter in (wanted, *"kmpqrstuv"):
        if letter not in taken:
            return letter
    return next(f"k{n}" for n in range(1, 10_000) if f"k{n}" not in taken)


def renamed_bound(sigma: Sigma, letter: str) -> Sigma:
    """The same sum with another letter for its index."""
    body = instantiated(sigma.body, {sigma.index: Idx(letter)})
    return replace(sigma, index=letter, body=body)


def free_indices(formula: Formula) -> set[Index]:
    """The index variables that no Σ binds (without their shifts)."""
    found: set[Index] = set()
    match formula:
        case Name(_, indices):
            found |= {Idx(i.name) for i in indices if isinstance(i, Idx)}
        case Delta(left, right):
            found |= {Idx(i.name) for i in (left, right) if isinstance(i, Idx)}
        case Derivative(_, of, by):
            found |= free_indices(of) | free_indices(by)
        case Sigma(index, start, stop, body):
            found |= free_indices(body) - {Idx(index)}
            found |= free_indices(start) | free_indices(stop)
        case _:
            for child in formula.children:
                found |= free_indices(child)
    return found


def matched_indices(
    pattern: Formula, form: Formula, letters: frozenset[str], values: dict[str, Index]
) -> bool:
    """Whether `form` is `pattern` with indices for `letters`; they go into `values`."""
    if type(pattern) is not type(form):
        return False
    pairs: list[tuple[Index, Index]] = []
    match pattern, form:
        case Name(base, slots), Name(other, given):
            if base != other or len(slots) != len(given):
                return False
            pairs = list(zip(slots, given, strict=True))
        case Delta(a, b), Delta(c, d):
            pairs = [(a, c), (b, d)]
        case Derivative(head, _, by), Derivative(other, _, name):
            if head != other or not matched_indices(by, name, letters, values):
                return False
        case _:
            if not pattern.children:
                return pattern == form
    for slot, given in pairs:
        if isinstance(slot, Idx) and slot.name in letters:
            back = {"_": given}
            solved = _moved_index(Idx("_", -slot.shift), back)
            if values.setdefault(slot.name, solved) != solved:
                return False
        elif slot != given:
            return False
    theirs = form.children
    if len(pattern.children) != len(theirs):
        return False
    # A derivative's `by` was matched above; any other node must be the same but for
    # its parts.
    same = form.with_children(pattern.children) == pattern if theirs else True
    if not (same or isinstance(form, Derivative)):
        return False
    return all(
        matched_indices(a, b, letters, values)
        for a, b in zip(pattern.children, theirs, strict=True)
    )


def written_out(sigma: Sigma) -> Formula:
    """A sum of known length term by term. TooLarge above the limit of terms."""
    if not (isinstance(sigma.start, Num) and isinstance(sigma.stop, Num)):
        raise TooLarge("a sum of symbolic length cannot be written out")
    first, last = int(sigma.start.value), int(sigma.stop.value)
    if last - first >= MAX_TERMS:
        raise TooLarge(f"a sum of {last - first + 1} terms; the limit is {MAX_TERMS}")
    terms = tuple(
        instantiated(sigma.body, {sigma.index: k}) for k in range(first, last + 1)
    )
    if not terms:
        return ZERO
    return terms[0] if len(terms) == 1 else Sum(terms)
