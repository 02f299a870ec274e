"""The form of an expression: a small frozen tree in the author's order.

A position is a tuple of child numbers. Replacing never splices (a sum put into a
sum stays a sum in a sum), so every other position stays what it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from typing import Literal, TypeAlias

MAX_DEPTH = 200

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
