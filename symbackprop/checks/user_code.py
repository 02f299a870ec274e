"""A gradient that somebody else wrote, examined from outside.

It is called with a mapping from id to number and answers with a mapping from id to
number, or with one array in the order of the parameters. Most entries are settled in
float64; those in doubt by balls, by the same code in long double, or at a companion
point where rounding hides nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.checks.arithmetics import exact_ball, extended_ball, precision
from symbackprop.checks.diagnosis import diagnosed
from symbackprop.checks.judge import (
    KINK,
    NO_NUMBER,
    OPEN,
    ROUNDING,
    WITHIN,
    Entry,
    entry_of,
    is_interval,
    is_zero,
    verdict_of,
    worst_entry,
)
from symbackprop.checks.rounding import ROOM, allowance, companions, kink_margin
from symbackprop.checks.trials import Trial, shortened
from symbackprop.checks.truth import NetworkTruth, settled
from symbackprop.checks.verdict import Diagnosis, Verdict
from symbackprop.errors import InputError

Gradient: TypeAlias = Callable[[dict[str, Any]], Any]
"""From values by id to derivatives by id, or to an array in parameter order."""

Array: TypeAlias = NDArray[Any]

COARSE = 1e-5
"""The sharpest tolerance that float32 can be held to."""

SMALLEST = 1e-290
"""Nearer to 0 than this, agreement of float64 numbers tells nothing."""


@dataclass(slots=True)
class Run:
    """The function under examination at one trial."""

    trial: Trial
    measured: Any
    expected: Any
    judged: dict[int, tuple[Entry, Trial]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Examination:
    """One function, what is true of it, how sharply it is held to that."""

    function: Gradient
    truth: NetworkTruth
    tolerance: float

    def verdicts(self, trials: Sequence[Trial]) -> tuple[Verdict, ...]:
        """One verdict a weight, the worst over the trials."""
        runs = [self.run(trial) for trial in trials]
        wrong = {
            place
            for run in runs
            for place, (entry, _) in run.judged.items()
            if entry.outcome == "differs"
        }
        diagnoses = self._diagnoses(trials[0], sorted(wrong)) if wrong else {}
        slow = sorted({place for run in runs for place in run.judged})
        settled_later = set(slow)
        quick = [n for n in range(len(self.ids)) if n not in settled_later]
        found = dict(zip(quick, self._quick(runs, quick), strict=True))
        for place in slow:
            judged = [run.judged[place] for run in runs if place in run.judged]
            found[place] = self._slow(judged, self.ids[place], diagnoses)
        return tuple(found[place] for place in range(len(self.ids)))

    @property
    def ids(self) -> tuple[str, ...]:
        """The parameters."""
        return self.truth.wrt

    # ---- one trial

    def run(self, trial: Trial) -> Run:
        """Judge every entry at one trial."""
        trial = trial.rounded
        measured = self.called(trial, np.float64)
        backward = self.truth.backward(trial)
        expected = self.truth.picked(backward)
        run = Run(trial, measured, expected)
        doubt = self._in_doubt(measured, expected)
        if not doubt.size:
            return run
        allowed = self.truth.ordered(allowance(self.truth.network, backward))
        margin = kink_margin(backward)
        if margin == 0.0:
            doubt = self._plainly_wrong(run, doubt, allowed)
        if doubt.size:
            self._by_balls(run, doubt, margin)
            self._by_long_double(run)
            self._by_companions(run, allowed)
        return run

    def _in_doubt(self, measured: Array, expected: Array) -> Array:
        """The places that float64 alone does not settle."""
        with np.errstate(all="ignore"):
            size = np.abs(expected)
            near = np.abs(measured - expected) <= self.tolerance / 2 * size
        return np.flatnonzero(~(near & (size > SMALLEST)))

    def _plainly_wrong(self, run: Run, doubt: Array, allowed: Array) -> Array:
        """Judge what no rounding of either side explains; the places that stay open."""
        gap = np.abs(run.measured - run.expected)[doubt]
        limit = 2 * ROOM * allowed[doubt] + self.tolerance * np.abs(run.expected)[doubt]
        plain = np.isfinite(gap) & (gap > np.maximum(limit, SMALLEST))
        for place in doubt[plain].tolist():
            entry = entry_of(
                exact_ball(run.measured[place]),
                exact_ball(run.expected[place]),
                self.tolerance / 2,
                0.0,
            )
            run.judged[place] = (entry, run.trial)
        return doubt[~plain]

    def _by_balls(self, run: Run, doubt: Array, margin: float) -> None:
        """Judge what is in doubt by the engine at 50 digits and more."""
        true = settled(lambda bits: self.truth.in_balls(run.trial, margin, bits))
        for place in doubt.tolist():
            measured, expected = exact_ball(run.measured[place]), true[place]
            entry = entry_of(measured, expected, self.tolerance / 2, 0.0)
            small = not is_interval(expected) and abs(expected) < SMALLEST
            if entry.outcome == "agrees" and small and expected != 0:
                # 0 for a tiny number: right, and it would be for a wrong formula.
                entry = Entry("differs", OPEN, expected, measured, entry.gap, 0.0)
            run.judged[place] = (entry, run.trial)

    def _by_long_double(self, run: Run) -> None:
        """The same code with more digits: if a gap closes, it was rounding."""
        open_ = _open(run)
        if not open_:
            return
        found = self.in_long_double(run.trial)
        if found is None:
            return
        with precision(128):
            wider = {place: extended_ball(found[place]) for place in open_}
        for place, measured in wider.items():
            entry, trial = run.judged[place]
            closer = entry_of(measured, entry.expected, self.tolerance / 2, 0.0)
            if closer.outcome == "agrees" and abs(entry.expected) > SMALLEST:
                run.judged[place] = (_as_rounding(entry), trial)

    def _by_companions(self, run: Run, allowed: Array) -> None:
        """What rounding may have hidden is asked again where it hides nothing."""
        open_ = [
            place
            for place in _open(run)
            if run.judged[place][0].gap <= ROOM * allowed[place]
        ]
        for companion in companions(self.truth.network, run.trial):
            if not open_:
                return
            open_ = self._at_companion(run, companion, open_)
        for place in open_:
            entry, trial = run.judged[place]
            run.judged[place] = (
                Entry(
                    "undecided",
                    OPEN,
                    entry.expected,
                    entry.measured,
                    entry.gap,
                    float(ROOM * allowed[place]),
                ),
                trial,
            )

    def _at_companion(
        self, run: Run, companion: Trial, open_: Sequence[int]
    ) -> list[int]:
        """Settle what a companion can; the places that stay open."""
        try:
            measured = self.called(companion, np.float64)
        except InputError:
            return list(open_)
        backward = self.truth.backward(companion)
        allowed = ROOM * self.truth.ordered(allowance(self.truth.network, backward))
        margin = kink_margin(backward)
        true = settled(lambda bits: self.truth.in_balls(companion, margin, bits))
        still: list[int] = []
        for place in open_:
            entry, trial = run.judged[place]
            there = entry_of(
                exact_ball(measured[place]), true[place], self.tolerance / 2, 0.0
            )
            if there.outcome == "agrees":
                run.judged[place] = (_as_rounding(entry), trial)
            elif there.kind == NO_NUMBER or there.gap > allowed[place]:
                run.judged[place] = (there, companion)
            elif is_zero(true[place]):
                run.judged[place] = (_as_rounding(entry), trial)
            else:
                still.append(place)
        return still

    # ---- calling somebody else's code

    def called(self, trial: Trial, kind: Any) -> Any:  # noqa: ANN401 - an array of that kind
        """The function's answer as an array in parameter order."""
        given = {name: kind(value) for name, value in trial.floats.items()}
        try:
            with np.errstate(all="ignore"):
                answer = self.function(given)
        except Exception as error:
            raise InputError(
                f"the gradient function raised {type(error).__name__}: {error!s:.200}",
                hint="it gets a dict of numbers by id: " + shortened(tuple(given)),
            ) from error
        array = self._ordered(answer)
        if array.dtype.kind not in "fiub":
            raise InputError(f"expected real numbers, found {array.dtype}")
        single = array.dtype.kind == "f" and array.dtype.itemsize <= 4
        if single and self.tolerance < COARSE:
            raise InputError(
                f"{array.dtype} cannot show a relative error of {self.tolerance:g}",
                hint="return float64, or give a larger tolerance",
            )
        return array if array.dtype.itemsize > 8 else array.astype(np.float64)

    def in_long_double(self, trial: Trial) -> Any:  # noqa: ANN401 - an array or None
        """The answer in long double; None where the code does not keep that type."""
        try:
            found = self.called(trial, np.longdouble)
        except InputError:
            return None
        wider = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
        kept = found.dtype == np.longdouble and wider
        return found if kept and bool(np.all(np.isfinite(found))) else None

    def _ordered(self, answer: Any) -> Any:  # noqa: ANN401 - whatever came back
        """An answer as an array in parameter order."""
        if isinstance(answer, Mapping):
            return self._from_mapping(answer)
        try:
            array = np.asarray(answer)
        except ValueError as error:
            raise InputError(f"the gradient is no array: {error}") from error
        if array.shape != (len(self.ids),):
            raise InputError(
                f"expected {len(self.ids)} derivatives, found shape {array.shape}",
                hint="one mapping by id, or one array in the order "
                + shortened(self.ids),
            )
        return array

    def _from_mapping(self, answer: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - the same
        """The derivatives by id, each one number."""
        missing = [name for name in self.ids if name not in answer]
        if missing:
            raise InputError(
                f"the gradient has no {missing[0]}",
                hint=f"{len(missing)} of {len(self.ids)} ids are missing",
            )
        if len(answer) > len(self.ids):
            known = set(self.ids)
            extra = next(name for name in answer if name not in known)
            raise InputError(
                f"the gradient has an unknown id {extra!r:.60}",
                hint="known: " + shortened(self.ids),
            )
        values = [answer[name] for name in self.ids]
        for name, value in zip(self.ids, values, strict=True):
            if np.size(value) != 1:
                raise InputError(
                    f"the derivative by {name} has shape {np.shape(value)}",
                    hint="one number an id",
                )
        return np.array([np.asarray(value).reshape(()) for value in values])

    # ---- verdicts

    def _diagnoses(self, trial: Trial, wrong: Sequence[int]) -> dict[str, Diagnosis]:
        """Why those weights are wrong, found out where nothing saturates."""
        return diagnosed(
            self.truth,
            companions(self.truth.network, trial.rounded),
            lambda where: self.called(where, np.float64),
            [self.ids[place] for place in wrong],
        )

    def _slow(
        self,
        found: Sequence[tuple[Entry, Trial]],
        weight: str,
        diagnoses: Mapping[str, Diagnosis],
    ) -> Verdict:
        """The verdict on a weight that float64 alone did not settle everywhere."""
        entry, trial = found[worst_entry([entry for entry, _ in found])]
        diagnosis = diagnoses.get(weight) if entry.outcome == "differs" else None
        return verdict_of(entry, f"dJ/d{weight}", weight, "engine", trial, diagnosis)

    def _quick(self, runs: Sequence[Run], places: Sequence[int]) -> Iterator[Verdict]:
        """The verdicts that float64 settled, each at the trial of its widest gap."""
        measured = np.array([run.measured for run in runs], float)[:, places]
        expected = np.array([run.expected for run in runs], float)[:, places]
        gaps, sizes = np.abs(measured - expected), np.abs(expected)
        at = np.argmax(gaps / sizes, axis=0)
        column = np.arange(len(places))
        half = self.tolerance / 2
        rows = zip(
            (self.ids[place] for place in places),
            measured[at, column].tolist(),
            expected[at, column].tolist(),
            gaps[at, column].tolist(),
            (half * sizes[at, column]).tolist(),
            at.tolist(),
            strict=True,
        )
        words = [(run.trial.seed, run.trial.words) for run in runs]
        for weight, found, true, gap, bound, which in rows:
            seed, point = words[which]
            yield Verdict(
                f"dJ/d{weight}",
                "agrees",
                WITHIN,
                repr(true),
                repr(found),
                bound,
                "engine",
                seed,
                point,
                None,
                gap,
                weight,
            )


def _open(run: Run) -> list[int]:
    """The places that still differ, and are numbers."""
    return [
        place
        for place, (entry, _) in run.judged.items()
        if entry.outcome == "differs" and entry.kind != NO_NUMBER
    ]


def _as_rounding(entry: Entry) -> Entry:
    """The entry as what float64 could do here."""
    kind = ROUNDING if entry.kind != KINK else KINK
    return Entry("agrees", kind, entry.expected, entry.measured, entry.gap, entry.bound)
