"""A derivation's gradient held against every witness, at several points.

Judged is what a reader sees: the last printed line of each weight's derivation, with
the lines above it that it refers to, in float64 and in balls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import isfinite

import numpy as np
from flint import arb

from symbackprop.checks.arithmetics import (
    InBalls,
    InNumpy,
    exact_ball,
    in_balls,
    in_numpy,
    precision,
)
from symbackprop.checks.diagnosis import diagnosed
from symbackprop.checks.judge import (
    OVERFLOW,
    ROUNDING,
    Entry,
    entry_of,
    verdict_of,
    worst_entry,
)
from symbackprop.checks.table import BALL_BITS, Expected, Form, Witness
from symbackprop.checks.trials import Trial, scaled
from symbackprop.checks.truth import Truth, settled
from symbackprop.checks.verdict import Diagnosis, Verdict
from symbackprop.errors import InputError
from symbackprop.formula.tree import Derivative, Formula, Name
from symbackprop.graph.graph import Graph
from symbackprop.numeric.calling import Compiled
from symbackprop.numeric.evaluate import run, value_of
from symbackprop.numeric.point import Point, Unsettled, ball
from symbackprop.numeric.program import (
    Assignment,
    Program,
    atoms_of,
    general_slope,
    without_sigma,
)
from symbackprop.numeric.stable import stable

LEAST = 2.3e-308
"""Below this float64 has fewer digits, down to none."""

CODE_ROOM = 8.0
"""How many such radii the compiled function may be off: its functions round too."""


@dataclass(frozen=True)
class Judged:
    """The last lines of some derivations, over a program that computes their atoms."""

    graph: Graph
    program: Program
    results: Mapping[str, Formula]

    @property
    def lines(self) -> tuple[Assignment, ...]:
        """The program, and general slopes that only a last line mentions."""
        known: set[Formula] = {
            *self.program.arguments,
            *(line.atom for line in self.program.lines),
        }
        extra: dict[Derivative | Name, Assignment] = {}
        for form in self.results.values():
            for atom in atoms_of(without_sigma(form)):
                if atom not in known and isinstance(atom, Derivative):
                    slope = general_slope(self.graph, atom)
                    extra[atom] = Assignment(atom, slope, "error")
        return (*self.program.lines, *extra.values())

    def in_float64(self, trial: Trial) -> list[arb]:
        """The last lines in float64, as a program would compute them."""
        numpy = InNumpy(np.float64, trial.functions)
        names = {name: np.float64(value) for name, value in trial.by_name.items()}
        with np.errstate(all="ignore"):
            known = run(self.lines, names, numpy)
            found = [
                value_of(without_sigma(form), known, numpy)
                for form in self.results.values()
            ]
        return [exact_ball(float(value)) for value in found]

    def measured(self, form: Form) -> Callable[[Trial], list[float]]:
        """The gradient as numbers, for a diagnosis."""
        found = self.in_code if form == "compiled" else self.in_balls
        return lambda trial: [float(value.mid()) for value in found(trial)]

    @cached_property
    def code(self) -> Program:
        """The program as it is compiled, in forms that keep their digits."""
        return stable(self.program)

    def in_code(self, trial: Trial) -> list[arb]:
        """What the compiled function gives; nan where it has no finite value."""
        bound = {name: in_numpy(function) for name, function in trial.functions.items()}
        function = Compiled(self.code, ("gradient",), functions=bound)
        try:
            found = function(trial.floats).gradient
        except InputError:
            return [arb.nan()] * len(self.results)
        return [exact_ball(float(found[name])) for name in self.results]

    def rounding_of_code(self, trial: Trial) -> list[float]:
        """How far rounding may lead the compiled lines: radii of balls of 53 bits.

        0 at a kink, where such balls decide nothing.
        """
        atoms = {name.id: atom for name, atom in self.code.gradient.items()}
        with precision(53):
            leaves = {n: exact_ball(value) for n, value in trial.by_name.items()}
            try:
                known = run(self.code.lines, leaves, InBalls(in_balls(trial.functions)))
            except (Unsettled, InputError, ZeroDivisionError):
                return [0.0] * len(self.results)
            radii = [float(ball(known[atoms[name]]).rad()) for name in self.results]
        return [CODE_ROOM * radius if isfinite(radius) else 0.0 for radius in radii]

    def in_balls(self, trial: Trial) -> list[arb]:
        """The last lines in balls, at a precision that leaves no doubt about digits."""
        point = Point(self.lines, trial.by_name, in_balls(trial.functions))
        forms = [without_sigma(form) for form in self.results.values()]
        return settled(
            lambda bits: [ball(point.value(form, bits)) for form in forms], BALL_BITS
        )


def examined(
    judged: Judged,
    truth: Truth,
    trials: Sequence[Trial],
    rows: Sequence[Witness],
    tolerance: float,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[tuple[Verdict, ...], tuple[str, ...]]:
    """One verdict a weight and witness, the worst over the trials; and notes.

    `tell` hears what is about to be asked.
    """
    entries: dict[str, list[list[Entry]]] = {}
    notes: dict[str, None] = {}
    evidence = [Evidence(judged, truth, trial) for trial in trials]
    forms: dict[str, Form] = {row.name: row.of for row in rows}
    for row in rows:
        barred = row.barred(truth)
        if barred:
            notes[f"{row.name} was not asked: {barred}"] = None
            continue
        entries[row.name] = []
        for number, found in enumerate(evidence, 1):
            tell(f"{row.name}, point {number} of {len(evidence)}")
            entries[row.name].append(_judged(row, found, tolerance))
    chosen = {
        (name, place): worst_entry([column[place] for column in columns])
        for name, columns in entries.items()
        for place in range(len(judged.results))
    }
    weights = list(judged.results)
    diagnoses: dict[str, Mapping[str, Diagnosis]] = {}
    for name, columns in entries.items():
        wrong = [
            weight
            for place, weight in enumerate(weights)
            if columns[chosen[name, place]][place].outcome == "differs"
        ]
        if wrong:
            measured = judged.measured(forms[name])
            diagnoses[name] = diagnosed(truth, _points(trials), measured, wrong)
    verdicts: list[Verdict] = []
    for place, weight in enumerate(weights):
        for name, columns in entries.items():
            which = chosen[name, place]
            entry = columns[which][place]
            question = f"d{judged.graph.loss.id}/d{weight}"
            diagnosis = diagnoses[name][weight] if entry.outcome == "differs" else None
            verdicts.append(
                verdict_of(entry, question, weight, name, trials[which], diagnosis)
            )
    return tuple(verdicts), tuple(notes)


class Evidence:
    """What was computed at one trial, each thing once."""

    def __init__(self, judged: Judged, truth: Truth, trial: Trial) -> None:
        """Keep what is asked of whom."""
        self.judged = judged
        self.truth = truth
        self.trial = trial
        self._balls: dict[bool, list[arb]] = {}
        self._expected: dict[tuple[object, bool], Expected] = {}

    def at(self, exact: bool) -> Trial:
        """The trial, at exact values or at those that float64 has."""
        return self.trial if exact else self.trial.rounded

    def balls(self, exact: bool) -> list[arb]:
        """The derivation's last lines in balls."""
        exact = exact or self.trial.rounded is self.trial
        if exact not in self._balls:
            self._balls[exact] = self.judged.in_balls(self.at(exact))
        return self._balls[exact]

    def expected(self, row: Witness) -> Expected:
        """What a witness expects."""
        exact = row.exact or self.trial.rounded is self.trial
        key = (row.expected, exact)
        if key not in self._expected:
            self._expected[key] = row.expected(self.truth, self.at(exact))
        return self._expected[key]


def _judged(row: Witness, evidence: Evidence, tolerance: float) -> list[Entry]:
    """Every weight's entry by one witness at one trial."""
    judged = evidence.judged
    rate = tolerance / 2 if row.rate is None else row.rate
    expected = evidence.expected(row)
    if row.of == "balls":
        return [
            entry_of(measured, value, rate, bound)
            for measured, value, bound in zip(
                evidence.balls(row.exact), expected.values, expected.bounds, strict=True
            )
        ]
    if row.of == "compiled":
        return _of_code(evidence, expected, rate)
    found: list[Entry] = []
    rounded = judged.in_float64(evidence.at(exact=False))
    for place, measured in enumerate(rounded):
        value, bound = expected.values[place], expected.bounds[place]
        entry = entry_of(measured, value, rate, bound)
        if entry.outcome == "differs":
            # The same line with more digits: if the gap closes, it was rounding.
            closer = entry_of(evidence.balls(exact=False)[place], value, rate, bound)
            if closer.outcome == "agrees":
                kind = ROUNDING if measured.is_finite() else OVERFLOW
                entry = Entry("agrees", kind, value, measured, entry.gap, entry.bound)
        found.append(entry)
    return found


def _of_code(evidence: Evidence, expected: Expected, rate: float) -> list[Entry]:
    """Every weight's entry for the compiled function; its rounding has a bound."""
    trial = evidence.at(exact=False)
    radii = evidence.judged.rounding_of_code(trial)
    found: list[Entry] = []
    for measured, value, radius in zip(
        evidence.judged.in_code(trial), expected.values, radii, strict=True
    ):
        entry = entry_of(measured, value, rate, LEAST)
        if entry.outcome == "differs":
            wider = entry_of(measured, value, rate, LEAST + radius)
            if wider.outcome == "agrees":
                entry = replace(wider, kind=ROUNDING)
        found.append(entry)
    return found


def _points(trials: Sequence[Trial]) -> list[Trial]:
    """The points of a diagnosis: a factor found at one has to hold at others."""
    found = [trial.rounded for trial in trials]
    if len(found) > 1:
        return found
    ids = list(found[0].values)
    return [*found, *(scaled(found[0], ids, scale) for scale in (0.5, 1.25))]
