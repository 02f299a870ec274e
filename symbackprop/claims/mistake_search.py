"""What reproduces the wrong numbers of one moment: one mistake, or two at once.

Floats find what comes near; balls decide.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from symbackprop.claims.mistake_found import (
    SLACK,
    Changed,
    Found,
    Hit,
    Operands,
    Puzzle,
)
from symbackprop.claims.mistake_rounding import rounded_once, rounded_throughout
from symbackprop.claims.mistake_rules import Arguments, scaled, scales
from symbackprop.claims.mistake_setting import Setting
from symbackprop.claims.mistake_values import Code, bits_of, float_of
from symbackprop.claims.mistake_working import RATE
from symbackprop.claims.mistakes import MISPRINTS
from symbackprop.claims.printed import Printed, Rounding
from symbackprop.formula.tree import ONE, Formula, Fraction, Minus, Num
from symbackprop.numeric.program import Atom, atoms_of

MAX_RUNS = 40_000
"""So many programs are run again in one search; a large network is not searched out."""

MAX_PAIRS = 3_000
MAX_HITS = 60
"""So many mistakes reproduce a number of one digit; more are not looked for."""

AND = " & "
"""Joins the names of two mistakes made at once."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two mistakes at once; the second one's arguments end on _2."""

    mistake: str
    lines: Mapping[Atom, Formula]
    arguments: Arguments


@dataclass(frozen=True, slots=True)
class Ready:
    """A change whose lines are ready to run."""

    change: Changed
    codes: Mapping[int, Code | None]
    slots: int


class Search:
    """One moment: the values there, and the changes to try."""

    def __init__(self, setting: Setting, changes: Iterable[Changed]) -> None:
        self.setting = setting
        self.working = setting.working
        self.floats = setting.floats
        self.changes = [self._ready(change) for change in changes]
        self.runs = 0

    def _ready(self, change: Changed) -> Ready:
        """A change made ready to run."""
        codes = self.floats.prepared(change.lines)
        return Ready(change, codes, bits_of(codes))

    def singles(
        self, puzzles: Sequence[Puzzle], right: Sequence[Puzzle]
    ) -> dict[int, Found]:
        """Every single mistake for every puzzle."""
        found = {p.index: Found(self.setting.value(p.atom)) for p in puzzles}
        needed = self.setting.needed([puzzle.atom for puzzle in puzzles])
        for ready in self.changes:
            self._try(ready, puzzles, needed, right, found)
        alone = len(self.setting.scenes) == 1
        places = max((p.printed.mantissa for p in puzzles), default=0) + 2
        for change in rounded_once(self.setting, needed, places) if alone else ():
            ready = self._ready(change)
            self._try(ready, puzzles, needed, right, found, fine=True)
        throughout = (
            list(rounded_throughout(self.setting, needed, places)) if alone else []
        )
        for puzzle in puzzles:
            one = found[puzzle.index]
            for change in throughout:
                self._try_rounded(change, puzzle, one)
            self._misprints(self.setting, puzzle, one)
            self._of_others(puzzle, one)
            for operands in puzzle.operands:
                self._carried(puzzle, operands, right, one)
        return found

    def _try(
        self,
        ready: Ready,
        puzzles: Sequence[Puzzle],
        needed: int,
        right: Sequence[Puzzle],
        found: Mapping[int, Found],
        *,
        fine: bool = False,
    ) -> None:
        """One change on exact values, for all puzzles."""
        if self.runs > MAX_RUNS:
            return
        values = self.setting.rerun(ready.codes, needed)
        if values is None:
            return
        self.runs += len(self.setting.scenes)
        for puzzle in puzzles:
            slot = self.floats.slots[puzzle.atom]
            value = values[slot]
            if value == self.setting.values[slot] or math.isnan(value):
                continue
            one = found[puzzle.index]
            if fine:
                if puzzle.atom in ready.change.lines:
                    continue  # that is no rounding on the way
                one.fine.append(value)
            else:
                one.values.append(value)
                one.tried.append((value, ready.change, self.setting))
            if puzzle.near(value):
                self._settle(self.setting, ready, puzzle, right, one)

    def _settle(
        self,
        setting: Setting,
        ready: Ready,
        puzzle: Puzzle,
        right: Sequence[Puzzle],
        found: Found,
    ) -> None:
        """Keep a change as a hit if balls say that it gives the printed digits."""
        change = ready.change
        if len(found.hits) >= MAX_HITS:
            return
        if setting.holds(change.lines, puzzle.atom, puzzle.printed):
            against = self.against(ready, right)
            own = puzzle.atom in change.lines
            found.add(Hit(change.mistake, change.arguments, against, own))

    def against(self, ready: Ready, right: Sequence[Puzzle]) -> int:
        """How many right claims would be wrong too if a change had been made."""
        needed = self.setting.needed([puzzle.atom for puzzle in right])
        values = self.setting.rerun(ready.codes, needed)
        if values is None:
            return 0
        spoilt = 0
        for puzzle in right:
            slot = self.floats.slots[puzzle.atom]
            before, after = self.setting.values[slot], values[slot]
            spoilt += puzzle.near(before) and not puzzle.near(after)
        return spoilt

    def _try_rounded(self, change: Changed, puzzle: Puzzle, found: Found) -> None:
        """Rounding throughout: the printed quantity itself is computed, not rounded."""
        line = self.working.line(puzzle.atom)
        assert line is not None
        known = {
            atom: change.lines[atom]
            for atom in atoms_of(line.form)
            if atom in change.lines
        }
        codes = self.floats.prepared(known)
        own = 1 << self.floats.slots[puzzle.atom]
        values = self.setting.rerun(codes, own | bits_of(codes))
        if values is None:
            return
        value = values[self.floats.slots[puzzle.atom]]
        found.fine.append(value)
        if puzzle.near(value) and self.setting.holds(
            known, puzzle.atom, puzzle.printed
        ):
            found.add(Hit(change.mistake, change.arguments))

    def _misprints(self, setting: Setting, puzzle: Puzzle, found: Found) -> None:
        """What goes wrong with the digits of a right value."""

        def like(shape: Printed, rounding: Rounding) -> str | None:
            return setting.decided({}, puzzle.atom, lambda v: shape.like(v, rounding))

        for name, row in MISPRINTS.items():
            for misprint in row(like, puzzle.printed):
                found.values.append(float_of(misprint.value))
                if misprint.value == puzzle.printed.value:
                    found.add(Hit(name, misprint.arguments))

    def _of_others(self, puzzle: Puzzle, found: Found) -> None:
        """A right value, but of another quantity or of one sample alone."""
        for line in self.working.lines:
            if line.atom == puzzle.atom or line.kind == "asked":
                continue
            value = self.setting.value(line.atom)
            found.values.append(value)
            if puzzle.near(value) and self.setting.holds({}, line.atom, puzzle.printed):
                found.add(Hit("value of another", {"used": line.atom}))
        scenes = self.setting.scenes
        for number, scene in enumerate(scenes, 1) if len(scenes) > 1 else ():
            value = scene.base.value(puzzle.atom)
            found.values.append(value)
            alone = Setting(self.working, self.floats, [scene])
            if puzzle.near(value) and alone.holds({}, puzzle.atom, puzzle.printed):
                found.add(Hit("one sample alone", {"sample": str(number)}))

    def _carried(
        self,
        puzzle: Puzzle,
        operands: Operands,
        right: Sequence[Puzzle],
        found: Found,
    ) -> None:
        """Every change between the values printed before and the claim."""
        setting = self.setting.with_printed(operands, puzzle.atom)
        needed = setting.only
        self._misprints(setting, puzzle, found)
        slot = self.floats.slots[puzzle.atom]
        for ready in self.changes:
            if not needed & ready.slots:
                continue
            values = setting.rerun(ready.codes, needed)
            if values is None or values[slot] == setting.values[slot]:
                continue
            found.values.append(values[slot])
            found.tried.append((values[slot], ready.change, setting))
            if puzzle.near(values[slot]):
                self._settle(setting, ready, puzzle, right, found)

    # ---- two at once

    def pairs(
        self, puzzles: Sequence[Puzzle], singles: Mapping[int, Found]
    ) -> dict[int, Found]:
        """Two mistakes for puzzles that no single one explains."""
        found = {p.index: Found(self.setting.value(p.atom)) for p in puzzles}
        for puzzle in puzzles:
            self._with_factor(puzzle, singles[puzzle.index], found[puzzle.index])
        needed = self.setting.needed([puzzle.atom for puzzle in puzzles])
        habits = [
            ready
            for ready in self.changes
            if len(ready.codes) > 1 and needed & ready.slots
        ]
        for number, (one, other) in enumerate(combinations(habits, 2)):
            if number >= MAX_PAIRS:
                break
            if one.slots & other.slots or one.change.mistake == other.change.mistake:
                continue
            pair = paired(one.change, other.change)
            codes = {**one.codes, **other.codes}
            ready = Ready(pair, codes, one.slots | other.slots)
            self._try(ready, puzzles, needed, (), found)
        return found

    def _with_factor(self, puzzle: Puzzle, single: Found, found: Found) -> None:
        """A mistake, and the sign or a factor at the end of it."""
        tried = sorted(
            ((v, n) for n, (v, _, _) in enumerate(single.tried) if math.isfinite(v))
        )
        keys = [value for value, _ in tried]
        line = self.working.line(puzzle.atom)
        assert line is not None
        low, high = puzzle.ends
        for name, arguments, factor in self.ends():
            size = self.size(factor, self.setting)
            found.values += [value * size for value in keys]
            ends = sorted((low / size, high / size)) if size else (0.0, 0.0)
            slack = SLACK * (abs(ends[0]) + abs(ends[1]))
            first = bisect_left(keys, ends[0] - slack)
            last = bisect_right(keys, ends[1] + slack)
            for _, number in tried[first:last]:
                _, change, setting = single.tried[number]
                form = change.lines.get(puzzle.atom, line.form)
                final = Minus(form) if factor is None else scaled(form, factor)
                lines = {**change.lines, puzzle.atom: final}
                if setting.holds(lines, puzzle.atom, puzzle.printed):
                    both = joined(change, {"at": puzzle.atom, **arguments})
                    found.add(Hit(f"{change.mistake}{AND}{name}", both))

    def ends(self) -> Iterator[tuple[str, Arguments, Formula | None]]:
        """The sign and the factors that a result can be off by."""
        yield "sign", {}, None
        for scale in scales(self.working):
            yield "factor", {"factor": scale}, scale
        if self.working.rated:
            yield "learning rate extra", {}, RATE
        for places in (1, 2):
            ten = Num(str(10**places))
            for scale in (ten, Fraction(ONE, ten)):
                yield "point slipped", {"places": str(places)}, scale

    def size(self, factor: Formula | None, setting: Setting) -> float:
        """The value of such a factor; -1 for the sign."""
        if factor is None:
            return -1.0
        return setting.value(RATE) if factor == RATE else number_of(factor)


def number_of(form: Formula) -> float:
    """The value of n or 1/n."""
    if isinstance(form, Fraction):
        return number_of(form.top) / number_of(form.bottom)
    assert isinstance(form, Num)
    return float(form.value)


def joined(one: Changed, arguments: Arguments) -> Arguments:
    """The arguments of two mistakes, told apart."""
    return {**one.arguments, **{f"{key}_2": v for key, v in arguments.items()}}


def paired(one: Changed, other: Changed) -> Pair:
    """Two mistakes in different lines as one change."""
    both = joined(one, other.arguments)
    name = f"{one.mistake}{AND}{other.mistake}"
    return Pair(name, {**one.lines, **other.lines}, both)
