"""Mistakes made at every update, and values after another number of updates.

The updates run from the start again, in floats, and in balls for what comes near. Only
plain gradient descent on the whole batch is run here.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flint import ctx

from symbackprop.claims.mistake_found import Changed, Found, Hit, Puzzle
from symbackprop.claims.mistake_search import Ready
from symbackprop.claims.mistake_setting import Known, Setting, decided, mean_of
from symbackprop.claims.mistake_values import Code, ones_in
from symbackprop.claims.mistake_working import updated
from symbackprop.claims.mistakes import THROUGHOUT
from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.point import Ball
from symbackprop.numeric.program import Atom

MAX_LINES = 3_000_000
"""So many lines are run for the updates of one moment, all mistakes together."""

MAX_SURE = 1_000_000
"""So many lines are run in balls to be sure of one."""

AGREES = 1e-6
"""Relative: the updates as run here must lead to the values of the moment."""

HABITS = tuple(
    f"{name}{THROUGHOUT}"
    for name in (
        "updated weight",
        "bias not updated",
        "factor",
        "bias shared",
        "slope left out",
        "weight transposed",
    )
)
"""What is tried first where there are many updates."""


@dataclass(frozen=True, slots=True)
class Course:
    """Updates from the start: which parameters move, for how long, which scene counts.

    `scene` is the sample asked for, from 0; None for the mean over all of them.
    """

    start: Setting
    trained: tuple[Name, ...]
    steps: int
    scene: int | None
    reached: dict[tuple[int, int, int], list[Known] | None] = field(
        default_factory=dict[tuple[int, int, int], "list[Known] | None"]
    )

    @property
    def moved(self) -> tuple[tuple[Name, Name], ...]:
        """Each parameter that moves, with the atom of its updated value."""
        place = self.start.working.place
        both = [(name, updated(name)) for name in self.trained]
        return tuple((name, new) for name, new in both if new in place)

    def cost(self) -> int:
        """How many lines one run takes."""
        lines = self.start.needed([new for _, new in self.moved]).bit_count()
        return (self.steps + 1) * max(lines, 1) * len(self.start.scenes)

    def floats(
        self, codes: Mapping[int, Code | None], atoms: Sequence[Atom]
    ) -> dict[int, list[float]]:
        """The atoms' values after steps - 1, steps and steps + 1 updates."""
        run, slots = self.start.floats.run, self.start.floats.slots
        rows = [list(scene.base.values) for scene in self.start.scenes]
        pairs = [(slots[name], slots[new]) for name, new in self.moved]
        lines = list(ones_in(self.start.needed([new for _, new in self.moved])))
        final = list(ones_in(self.start.needed(atoms)))
        found: dict[int, list[float]] = {}
        for step in range(self.steps + 2):
            if step >= self.steps - 1:
                for row in rows:
                    run(row, final, codes)
                found[step] = [self._chosen([r[slots[a]] for r in rows]) for a in atoms]
            for row in rows:
                run(row, lines, codes)
            for old, new in pairs:
                moved = sum(row[new] for row in rows) / len(rows)
                for row in rows:
                    row[old] = moved
        return found

    def _chosen(self, values: Sequence[float]) -> float:
        """The sample that is asked for, or the mean."""
        return sum(values) / len(values) if self.scene is None else values[self.scene]

    def exactly(
        self, change: Changed, atom: Atom, steps: int, bits: int
    ) -> Ball | None:
        """An atom's ball after so many updates under a change."""
        key = (id(change), steps, bits)
        if key not in self.reached:
            self.reached.clear()  # one change is settled after the other
            self.reached[key] = self._updated(change, steps, bits)
        rows = self.reached[key]
        if rows is None:
            return None
        final = list(ones_in(self.start.needed([atom])))
        with ctx.workprec(bits):
            for row in rows:
                self.start.run(row, final, change.lines)
            values = [row.get(atom) for row in rows]
            return mean_of(values) if self.scene is None else values[self.scene]

    def _updated(self, change: Changed, steps: int, bits: int) -> list[Known] | None:
        """Each sample's values after so many updates; None where one has none."""
        setting = self.start
        rows: list[Known] = [dict(setting.at(s, bits)) for s in setting.scenes]
        updates = list(ones_in(setting.needed([new for _, new in self.moved])))
        with ctx.workprec(bits):
            for _ in range(steps):
                for row in rows:
                    setting.run(row, updates, change.lines)
                for old, new in self.moved:
                    moved = mean_of([row.get(new) for row in rows])
                    if moved is None:
                        return None
                    for row in rows:
                        row[old] = moved
        return rows


def trained_wrongly(
    course: Course,
    now: Setting,
    changes: Sequence[Ready],
    puzzles: Sequence[Puzzle],
    found: Mapping[int, Found],
) -> None:
    """Add to what was found the mistakes made at every update."""
    atoms = [puzzle.atom for puzzle in puzzles]
    right = course.floats({}, atoms)
    for atom, value in zip(atoms, right[course.steps], strict=True):
        true = now.value(atom)
        if not abs(value - true) <= AGREES * (abs(true) + AGREES):
            return  # this example trains in another way
    for steps, values in right.items():
        if steps != course.steps and steps >= 0:
            other = _Other(str(steps))
            _settle(course, other, steps, values, puzzles, found)
    for ready in _affordable(course, changes):
        values = course.floats(ready.codes, atoms)[course.steps]
        _settle(course, ready.change, course.steps, values, puzzles, found)


@dataclass(frozen=True, slots=True)
class _Other:
    """The value after another number of updates."""

    steps: str
    mistake: str = "other number of updates"

    @property
    def lines(self) -> Mapping[Atom, Formula]:
        """No line changes."""
        return {}

    @property
    def arguments(self) -> Mapping[str, Formula | str]:
        """How many updates."""
        return {"steps": self.steps}


def _settle(
    course: Course,
    change: Changed,
    steps: int,
    values: Iterable[float],
    puzzles: Sequence[Puzzle],
    found: Mapping[int, Found],
) -> None:
    """Keep the values; what comes near is decided in balls."""
    for puzzle, value in zip(puzzles, values, strict=True):
        if math.isnan(value):
            continue
        found[puzzle.index].values.append(value)
        if puzzle.near(value) and course.cost() <= MAX_SURE:

            def at(bits: int, atom: Atom = puzzle.atom) -> Ball | None:
                return course.exactly(change, atom, steps, bits)

            if decided(at, puzzle.printed.holds):
                found[puzzle.index].add(Hit(change.mistake, change.arguments))


def _affordable(course: Course, changes: Sequence[Ready]) -> Iterator[Ready]:
    """The changes that there is time for: all, those of a habit, the likeliest."""
    most = MAX_LINES // course.cost()
    alike = [ready for ready in changes if len(ready.codes) > 1]
    if len(changes) <= most:
        yield from changes
        return
    widest: dict[str, Ready] = {}
    for ready in alike:
        name = ready.change.mistake
        if name not in widest or len(ready.codes) > len(widest[name].codes):
            widest[name] = ready
    first = [widest[name] for name in HABITS if name in widest]
    rest = [ready for ready in alike if ready not in first]
    yield from (*first, *rest)[: max(most, 1)]
