"""Straight-line code made ready to print: shared parts once, nothing nested deep.

Forms are numbered bottom-up, equal parts alike, so that the cost is linear and no
dictionary is keyed by a large tree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Num,
    Product,
    Sum,
)
from symbackprop.numeric.program import Assignment, Atom, atoms_of

MAX_NESTING = 12
"""Deeper parts get a line of their own; printing adds brackets to each level."""
MAX_OPERANDS = 100
"""So many terms or factors a line: Python nests them when it compiles."""


def straightened(
    lines: Sequence[Assignment], wanted: Iterable[Atom], temporary: str
) -> tuple[Assignment, ...]:
    """The lines that `wanted` needs, with shared and deep parts as lines before them.

    Those parts are the names `temporary`1, `temporary`2, …, in order.
    """
    needed = _needed(lines, wanted)
    parts = _Parts(temporary)
    roots = [parts.add(line.form) for line in needed]
    for line, root in zip(needed, roots, strict=True):
        parts.write(line, root)
    return tuple(parts.lines)


class _Parts:
    """Every part of the forms by number: its node over its children's numbers."""

    def __init__(self, temporary: str) -> None:
        self.temporary = temporary
        self.numbers: dict[object, int] = {}
        self.forms: list[Formula] = []
        self.children: list[tuple[int, ...]] = []
        self.uses: list[int] = []
        self.named: dict[int, Formula] = {}
        self.lines: list[Assignment] = []
        self.count = 0

    def add(self, form: Formula) -> int:
        """The number of a form, equal ones alike; counts one more use of it."""
        inner: tuple[int, ...] = ()
        key: object = form
        if not isinstance(form, Name | Derivative):
            inner = tuple(self.add(child) for child in form.children)
            key = (type(form), inner, _payload(form))
        number = self.numbers.setdefault(key, len(self.forms))
        if number == len(self.forms):
            self.forms.append(form)
            self.children.append(inner)
            self.uses.append(0)
        self.uses[number] += 1
        return number

    def write(self, line: Assignment, root: int) -> None:
        """Add a line, and before it those for its shared and deep parts."""
        form, _ = self._over(root)
        self.lines.append(replace(line, form=form))
        if self.children[root]:
            self.named.setdefault(root, line.atom)

    def _part(self, number: int) -> tuple[Formula, int]:
        """A part inside a line, over names, and how deep it still is."""
        if number in self.named:
            return self.named[number], 0
        form, depth = self._over(number)
        shared = self.uses[number] > 1 and not _is_cheap(form)
        if shared or depth > MAX_NESTING:
            name = self._own_line(form)
            self.named[number] = name
            return name, 0
        return form, depth

    def _over(self, number: int) -> tuple[Formula, int]:
        """A part's own node over names and shallow parts."""
        if number in self.named:
            return self.named[number], 0
        form = self.forms[number]
        if not self.children[number]:
            return form, 0
        inner = [self._part(child) for child in self.children[number]]
        depth = 1 + max(level for _, level in inner)
        children = tuple(part for part, _ in inner)
        if isinstance(form, Sum | Product):
            while len(children) > MAX_OPERANDS:
                first = self._own_line(form.with_children(children[:MAX_OPERANDS]))
                children = (first, *children[MAX_OPERANDS:])
        return form.with_children(children), depth

    def _own_line(self, form: Formula) -> Name:
        """A line for a part, and its name."""
        self.count += 1
        name = Name(self.temporary, (self.count,))
        self.lines.append(Assignment(name, form, "forward"))
        return name


def _payload(form: Formula) -> object:
    """What a node is besides its children."""
    if isinstance(form, Num):
        return form.text
    return (form.function, form.slope) if isinstance(form, Call) else None


def _needed(lines: Sequence[Assignment], wanted: Iterable[Atom]) -> list[Assignment]:
    """The lines that lead to what is wanted, in their order."""
    used: set[Formula] = set(wanted)
    kept: list[Assignment] = []
    for line in reversed(lines):
        if line.atom in used:
            kept.append(line)
            used.update(atoms_of(line.form))
    return kept[::-1]


def _is_cheap(form: Formula) -> bool:
    """Whether a part costs no more than the name that would stand for it."""
    inner = form.body if isinstance(form, Minus) else form
    return isinstance(inner, Name | Derivative) or not atoms_of(form)
