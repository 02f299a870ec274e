"""One moment's values: in floats, and in balls; over several samples, their mean.

A changed program is run again from the first line that changes.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from typing import TypeAlias, TypeVar

from flint import ctx, fmpq

from symbackprop.claims.mistake_values import Base, Code, Floats, float_of, ones_in
from symbackprop.claims.mistake_working import Working
from symbackprop.claims.printed import Printed, fraction_of
from symbackprop.errors import SymbackpropError
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.evaluate import value_of
from symbackprop.numeric.point import (
    FIRST_BITS,
    Ball,
    BallArithmetic,
    Unsettled,
    is_near,
)
from symbackprop.numeric.program import Atom

T = TypeVar("T")
Leaves: TypeAlias = Callable[[Name, int], Ball]
"""A leaf's value to so many bits."""

Known: TypeAlias = dict[Formula, Ball]

ARITHMETIC = BallArithmetic()
MAX_BITS = 2048
"""A candidate that so many bits do not decide is not reported."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One sample: its leaves, what was printed of it, its values in floats."""

    leaves: Leaves
    fixed: Mapping[Formula, Rational]
    base: Base
    known: dict[int, Known] = field(default_factory=dict[int, Known])


class Setting:
    """The values of a working at one moment; `only` are the lines asked for, as bits.

    With several samples a quantity is the mean of theirs: a loss, its slopes, and an
    updated weight, which is linear in these.
    """

    def __init__(
        self,
        working: Working,
        floats: Floats,
        scenes: Sequence[Scene],
        only: int = -1,
    ) -> None:
        self.working = working
        self.floats = floats
        self.scenes = tuple(scenes)
        self.only = only
        self.base = scenes[0].base
        self.values = _mean([scene.base.values for scene in scenes])

    def with_printed(
        self, printed: Sequence[Mapping[Formula, Rational]], atom: Atom
    ) -> "Setting":
        """The same where some atoms have their printed values; for one atom alone."""
        scenes = [
            scene_of(self.floats, scene.leaves, fixed)
            for scene, fixed in zip(self.scenes, printed, strict=True)
        ]
        only = scenes[0].base.needed([atom])
        return Setting(self.working, self.floats, scenes, only)

    def value(self, atom: Formula) -> float:
        """An atom's value in floats."""
        return self.values[self.floats.slots[atom]]

    def needed(self, atoms: Iterable[Formula]) -> int:
        """The lines that some atoms are computed from, themselves included."""
        return self.base.needed(atoms)

    def rerun(
        self, codes: Mapping[int, Code | None], needed: int
    ) -> list[float] | None:
        """The values under changed lines; None where nothing that is needed changes."""
        rows: list[list[float]] = []
        for scene in self.scenes:
            row = self.floats.rerun(scene.base, codes, needed)
            if row is None:
                return None
            rows.append(row)
        return _mean(rows)

    def decided(
        self,
        lines: Mapping[Atom, Formula],
        atom: Formula,
        question: Callable[[Ball], T | None],
    ) -> T | None:
        """The answer to a question about an atom under changed lines, in balls.

        None where nothing decides it.
        """
        return decided(lambda bits: self.exactly(lines, atom, bits), question)

    def holds(
        self, lines: Mapping[Atom, Formula], atom: Atom, printed: Printed
    ) -> bool:
        """Whether changed lines give printed digits, for certain."""
        return self.decided(lines, atom, printed.holds) is True

    def exactly(
        self, lines: Mapping[Atom, Formula], atom: Formula, bits: int
    ) -> Ball | None:
        """An atom's ball under changed lines; None where it has none."""
        found = [self._one(scene, lines, bits).get(atom) for scene in self.scenes]
        with ctx.workprec(bits):
            return mean_of(found)

    def _one(
        self, scene: Scene, lines: Mapping[Atom, Formula], bits: int
    ) -> Mapping[Formula, Ball]:
        """A sample's values under changed lines."""
        known = self.at(scene, bits)
        if not lines:
            return known
        slots = self.floats.slots
        dirty = scene.base.dirty([slots[atom] for atom in lines])
        changed = dict(known)
        with ctx.workprec(bits):
            self.run(changed, ones_in(dirty & self.only), lines)
        return changed

    def at(self, scene: Scene, bits: int) -> Mapping[Formula, Ball]:
        """Every value of a sample that there is, at a precision."""
        if bits not in scene.known:
            lines = len(self.floats.uses)
            known: Known = {
                atom: scene.leaves(atom, bits)
                for atom, slot in self.floats.slots.items()
                if slot >= lines and isinstance(atom, Name)
            }
            known |= {atom: fraction_of(value) for atom, value in scene.fixed.items()}
            with ctx.workprec(bits):
                self.run(known, ones_in(scene.base.free & self.only), {})
            scene.known[bits] = known
        return scene.known[bits]

    def run(
        self,
        known: Known,
        places: Iterable[int],
        changed: Mapping[Atom, Formula],
    ) -> None:
        """Run some lines; what has no value at this precision is left out."""
        for place in places:
            line = self.working.lines[place]
            value = ball_of(changed.get(line.atom, line.form), known)
            if value is None:
                known.pop(line.atom, None)
            else:
                known[line.atom] = value


def scene_of(
    floats: Floats, leaves: Leaves, fixed: Mapping[Formula, Rational]
) -> Scene:
    """A sample with its values in floats."""
    lines = len(floats.uses)
    names = [
        atom
        for atom, slot in floats.slots.items()
        if slot >= lines and isinstance(atom, Name)
    ]
    start = {name: float_of(leaves(name, 64)) for name in names}
    printed = {atom: float_of(value) for atom, value in fixed.items()}
    return Scene(leaves, fixed, floats.base(start, printed))


def ball_of(form: Formula, known: Mapping[Formula, Ball]) -> Ball | None:
    """A form's value over known ones; None where it has none."""
    try:
        return value_of(form, known, ARITHMETIC)
    except (SymbackpropError, Unsettled, ZeroDivisionError, ValueError):
        return None


def decided(
    value_at: Callable[[int], Ball | None], question: Callable[[Ball], T | None]
) -> T | None:
    """The answer to a question about a value; precision doubles until there is one."""
    bits = FIRST_BITS
    while bits <= MAX_BITS:
        value = value_at(bits)
        if value is None:
            return None
        if isinstance(value, fmpq) or is_near(value):
            with ctx.workprec(bits):
                answer = question(value)
            if answer is not None:
                return answer
        bits *= 2
    return None


def mean_of(values: Sequence[Ball | None]) -> Ball | None:
    """The mean; None where one is missing."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    total = known[0]
    for value in known[1:]:
        total = total + value
    return total / len(known) if len(known) > 1 else total


def _mean(rows: Sequence[list[float]]) -> list[float]:
    """The mean of each slot."""
    if len(rows) == 1:
        return rows[0]
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]
