"""What names stand for while a derivation is judged; the kernel knows no more.

A definition may be a family: y[i, j] with i up to N and j up to m, or z[l, j] for
every layer l. A scalar is the family without an index.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from symbackprop.errors import InputError
from symbackprop.formula.binding import free_indices, instantiated, matched_indices
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Formula, Index, Name
from symbackprop.kernel.calculus import corners, gradient
from symbackprop.kernel.wellformed import (
    Definition,
    Function,
    check_family,
    check_functions,
    has_symbolic_sum,
    in_range,
    mentioned,
)


@dataclass(slots=True)
class _Memo:
    """Facts that follow from the definitions, kept with them and nowhere else."""

    bodies: dict[Name, Formula | None] = field(default_factory=dict)
    families: dict[tuple[str, int], list[Definition]] = field(default_factory=dict)
    users: dict[Name, list[Name]] = field(default_factory=dict)
    order: dict[Name, int] = field(default_factory=dict)
    reach: dict[Name, int] = field(default_factory=dict)
    gradients: dict[Name, dict[Name, Formula]] = field(default_factory=dict)
    corners: dict[Name, tuple[Formula, ...]] = field(default_factory=dict)
    fingerprint: str = ""
    scalar: bool = True


@dataclass(frozen=True, slots=True)
class Definitions:
    """Definitions in order (parents first), functions, stated assumptions."""

    entries: tuple[Definition, ...]
    functions: Mapping[str, Function] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()
    _memo: _Memo = field(default_factory=_Memo, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the entries and hold them to single assignment, parents first."""
        check_functions(self.functions)
        memo = self._memo
        for position, entry in enumerate(self.entries):
            name = entry.name
            if name in memo.bodies or self.family(name) is not None:
                raise InputError(f"{name.id} is defined twice")
            memo.scalar = memo.scalar and not has_symbolic_sum(entry.body)
            if entry.sizes or free_indices(name):
                self._add_family(entry)
            memo.bodies[name] = entry.body
            memo.order[name] = position
            reach = 1 << position
            for parent in mentioned(entry.body):
                if parent in memo.reach:
                    memo.users.setdefault(parent, []).append(name)
                    reach |= memo.reach[parent]
                elif free_indices(parent):
                    memo.scalar = False
                elif self.family(parent) is None:
                    raise InputError(f"{name.id} uses {parent.id} before it is defined")
            memo.reach[name] = reach

    def _add_family(self, entry: Definition) -> None:
        """Index a family; refuse one that overlaps, refers to itself, or hides a Σ."""
        memo = self._memo
        memo.scalar = False
        check_family(entry, memo.families)
        key = (entry.name.base, len(entry.name.indices))
        if any((name.base, len(name.indices)) == key for name in memo.bodies) and (
            key not in memo.families
        ):
            raise InputError(f"{entry.name.id} and a single member are both defined")
        memo.families.setdefault(key, []).append(entry)

    @property
    def scalar(self) -> bool:
        """Whether every name is one quantity: no families, no sums over them."""
        return self._memo.scalar

    def __contains__(self, name: Name) -> bool:
        """Whether a name, or a family that it belongs to, is defined."""
        return name in self._memo.bodies or self.family(name) is not None

    def family(self, name: Name) -> tuple[Definition, dict[str, Index]] | None:
        """The family that a name is a member of, with the indices' values."""
        for entry in self._memo.families.get((name.base, len(name.indices)), ()):
            letters = frozenset(letter for letter, _ in entry.sizes)
            values: dict[str, Index] = {}
            if matched_indices(entry.name, name, letters, values):
                return entry, values
        return None

    def body(self, name: Name) -> Formula | None:
        """What a name stands for; None for a leaf or an undefined name."""
        if name in self._memo.bodies:
            return self._memo.bodies[name]
        member = self.family(name)
        if member is None or member[0].body is None:
            return None
        if not in_range(*member, self.assumptions):
            return None
        return instantiated(member[0].body, member[1])

    def users(self, name: Name) -> list[Name]:
        """The names whose definitions mention a (scalar) name, in order."""
        return self._memo.users.get(name, [])

    def depends(self, name: Name, on: Name) -> bool:
        """Whether a scalar's value can change with another's; itself included."""
        reach, order = self._memo.reach, self._memo.order
        if not self._memo.scalar or name not in reach or on not in order:
            return True  # families: nothing is ruled out by reachability
        return bool(reach[name] >> order[on] & 1)

    def gradient(self, name: Name) -> dict[Name, Formula]:
        """The slope of a scalar's body by each of its parents, computed once."""
        known = self._memo.gradients.get(name)
        if known is None:
            body = self.body(name)
            known = {} if body is None else gradient(body, self.functions)
            self._memo.gradients[name] = known
        return known

    def all_leaves(self, *forms: Formula) -> bool:
        """Whether every name in some forms is a leaf here."""
        names = {name for form in forms for name in mentioned(form)}
        return all(name in self and self.body(name) is None for name in names)

    def same_as(self, other: "Definitions") -> bool:
        """Whether both say the same; by identity first, else by fingerprint."""
        return self is other or self.fingerprint == other.fingerprint

    def corners(self, name: Name) -> tuple[Formula, ...]:
        """Where a scalar's body has no derivative, found once."""
        known = self._memo.corners.get(name)
        if known is None:
            body = self.body(name)
            known = () if body is None else corners(body, self.functions)
            self._memo.corners[name] = known
        return known

    @property
    def fingerprint(self) -> str:
        """A digest of everything that a judgement may use."""
        memo = self._memo
        if not memo.fingerprint:
            memo.fingerprint = _digest(self._lines())
        return memo.fingerprint

    def _lines(self) -> Iterable[str]:
        """Everything that the fingerprint covers, as text."""
        for entry in self.entries:
            body = "" if entry.body is None else text_of(entry.body)
            sizes = ", ".join(f"{i}<={text_of(n)}" for i, n in entry.sizes)
            yield f"{entry.name.id} := {body} [{sizes}]"
        for name, function in sorted(self.functions.items()):
            body = "general" if function.body is None else text_of(function.body)
            yield f"{name}({', '.join(function.arguments)}) := {body}"
        for assumption in self.assumptions:
            yield f"assume {assumption}"


def _digest(lines: Iterable[str]) -> str:
    """A short stable digest of lines of text."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
