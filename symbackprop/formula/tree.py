"""The form of an expression: a small frozen tree in the author's order.

A position is a tuple of child numbers. Replacing never splices (a sum put into a
sum stays a sum in a sum), so every other position stays what it was.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from typing import Literal, TypeAlias

from symbackprop.errors import TooLarge

MAX_DEPTH = 200
MAX_TERMS = 4096

Path: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Idx:
    """An index variable plus a whole number: i, k, l+1."""

    name: str
    shift: int = 0


Index: TypeAlias = int | Idx


class Formula:
    """Base of all node kinds; `children` are what positions count."""

    __slots__ = ()

    @property
    def children(self) -> tuple["Formula", ...]:
        """The parts that a path can go into."""
        return ()

    def with_children(self, children: tuple["Formula", ...]) -> "Formula":
        """The same node over other parts."""
        assert not children
        return self


@dataclass(frozen=True, slots=True)
class Num(Formula):
    """A number as its author wrote it; its digits are kept, its value is exact."""

    text: str

    @property
    def value(self) -> Rational:
        """The exact rational."""
        return Rational(self.text)


@dataclass(frozen=True, slots=True)
class Name(Formula):
    """A quantity: a base and its indices; w1_1_2 is w with the indices 1, 1, 2."""

    base: str
    indices: tuple[Index, ...] = ()
    # Names are the keys of every table; their hash is asked for most of all.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.base, self.indices)))

    def __hash__(self) -> int:
        return self._hash

    @property
    def id(self) -> str:
        """The ASCII id of files, command line and JSON: w1_1_2; w[l, 1, k]."""
        if any(isinstance(index, Idx) for index in self.indices):
            return f"{self.base}[{', '.join(map(_index_text, self.indices))}]"
        return self.base + "_".join(map(str, self.indices))


@dataclass(frozen=True, slots=True)
class Sum(Formula):
    """A sum of two or more terms; a difference is a sum with a Minus in it."""

    terms: tuple[Formula, ...]

    @property
    def children(self) -> tuple[Formula, ...]:
        return self.terms

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Sum(children)


@dataclass(frozen=True, slots=True)
class Product(Formula):
    """A product of two or more factors."""

    factors: tuple[Formula, ...]

    @property
    def children(self) -> tuple[Formula, ...]:
        return self.factors

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Product(children)


@dataclass(frozen=True, slots=True)
class Minus(Formula):
    """The opposite."""

    body: Formula

    @property
    def children(self) -> tuple[Formula, ...]:
        return (self.body,)

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Minus(children[0])


@dataclass(frozen=True, slots=True)
class Fraction(Formula):
    """A fraction."""

    top: Formula
    bottom: Formula

    @property
    def children(self) -> tuple[Formula, ...]:
        return (self.top, self.bottom)

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Fraction(children[0], children[1])


@dataclass(frozen=True, slots=True)
class Power(Formula):
    """A power."""

    base: Formula
    exponent: Formula

    @property
    def children(self) -> tuple[Formula, ...]:
        return (self.base, self.exponent)

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Power(children[0], children[1])


@dataclass(frozen=True, slots=True)
class Call(Formula):
    """A function's value; with `slope` = i, its derivative by argument i instead."""

    function: str
    arguments: tuple[Formula, ...]
    slope: int | None = None

    @property
    def children(self) -> tuple[Formula, ...]:
        return self.arguments

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Call(self.function, children, self.slope)


@dataclass(frozen=True, slots=True)
class Derivative(Formula):
    """D: the total derivative of `of` by `by`; P: the other parents held fixed."""

    head: Literal["D", "P"]
    of: Formula
    by: Name

    @property
    def children(self) -> tuple[Formula, ...]:
        return (self.of,)

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Derivative(self.head, children[0], self.by)


@dataclass(frozen=True, slots=True)
class Sigma(Formula):
    """The sum of `body` over the index from `start` to `stop`, both included."""

    index: str
    start: Formula
    stop: Formula
    body: Formula

    @property
    def children(self) -> tuple[Formula, ...]:
        return (self.body,)

    def with_children(self, children: tuple[Formula, ...]) -> Formula:
        return Sigma(self.index, self.start, self.stop, children[0])


@dataclass(frozen=True, slots=True)
class Delta(Formula):
    """Kronecker's delta of two indices: 1 where they are equal, else 0."""

    left: Index
    right: Index


ZERO = Num("0")
ONE = Num("1")
TWO = Num("2")


def _index_text(index: Index) -> str:
    """An index as ids write it: 2, k, l+1."""
    if isinstance(index, int):
        return str(index)
    return index.name + (f"{index.shift:+d}" if index.shift else "")


_ID = re.compile(r"([A-Za-z]+(?:_[A-Za-z]+)*)((?:0|[1-9]\d*)(?:_(?:0|[1-9]\d*))*)?")


def name_of(identifier: str) -> Name:
    """The name that an ASCII id stands for; `name_of(name.id) == name`."""
    match = _ID.fullmatch(identifier)
    if not match or not match[2]:
        return Name(identifier)
    return Name(match[1], tuple(int(part) for part in match[2].split("_")))


def number(value: int | Rational) -> Formula:
    """A form of an exact rational: digits, a fraction of digits, a minus before."""
    value = Rational(value)
    top: Formula = Num(str(abs(value.numerator)))
    if value.denominator != 1:
        top = Fraction(top, Num(str(value.denominator)))
    return Minus(top) if value < 0 else top


def at(formula: Formula, path: Path) -> Formula:
    """The subtree at a position. IndexError where there is none."""
    for child in path:
        formula = formula.children[child]
    return formula


def replaced(formula: Formula, path: Path, new: Formula) -> Formula:
    """The same tree with the subtree at `path` exchanged; nothing is spliced."""
    if not path:
        return new
    children = formula.children
    head = path[0]
    inner = replaced(children[head], path[1:], new)
    return formula.with_children((*children[:head], inner, *children[head + 1 :]))


def walk(formula: Formula) -> Iterator[Formula]:
    """Every subtree, a parent before its children."""
    stack = [formula]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def positions(formula: Formula, path: Path = ()) -> Iterator[tuple[Path, Formula]]:
    """Every subtree with its position, a parent before its children."""
    yield path, formula
    for number_, child in enumerate(formula.children):
        yield from positions(child, (*path, number_))


def names_in(formula: Formula) -> tuple[Name, ...]:
    """The names that a formula's value depends on, each once, in reading order."""
    seen: dict[Name, None] = {}
    for node in walk(formula):
        if isinstance(node, Name):
            seen[node] = None
        elif isinstance(node, Derivative):
            seen[node.by] = None
    return tuple(seen)


def size(formula: Formula) -> int:
    """How many nodes the form has."""
    return sum(1 for _ in walk(formula))


def depth(formula: Formula) -> int:
    """How deep the form is nested; counted without recursion."""
    deepest, stack = 0, [(formula, 1)]
    while stack:
        node, level = stack.pop()
        deepest = max(deepest, level)
        stack.extend((child, level + 1) for child in node.children)
    return deepest


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
