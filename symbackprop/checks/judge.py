"""From what is expected and what is measured to a verdict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isfinite

from flint import arb

from symbackprop.checks.arithmetics import (
    NOTHING,
    SHARP_BITS,
    precision,
    text_of_ball,
)
from symbackprop.checks.trials import Trial
from symbackprop.checks.truth import stands
from symbackprop.checks.verdict import Diagnosis, Outcome, Verdict

WITHIN = "within the bound"
KINK = "kink"
ROUNDING = "rounding in float64"
OVERFLOW = "overflow in float64"
WRONG = "wrong"
NO_NUMBER = "not a number"
OPEN = "no digits to decide by"
"""The kinds of verdicts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One derivative as judged: the verdict's parts, before it is put in words."""

    outcome: Outcome
    kind: str
    expected: arb
    measured: arb
    gap: float
    bound: float


def gap_between(measured: arb, expected: arb) -> float:
    """How far a value lies outside a ball; 0 where two balls share a number."""
    if measured.is_exact() and expected.is_exact():
        apart = abs(measured - expected)  # rounded to 53 bits, as a float is
        return inf if apart.is_nan() else float(apart.mid())
    with precision(320):
        apart = abs(measured.mid() - expected.mid()) - measured.rad() - expected.rad()
        if apart.is_nan():
            return inf
        return max(0.0, float(apart.mid()))


def size_of(ball: arb) -> float:
    """The absolute value of a ball's middle, or of its farther end if it is wide."""
    return float(abs(ball.mid()) if stands(ball, SHARP_BITS) else ball.abs_upper())


def is_interval(ball: arb) -> bool:
    """Whether a ball is as wide as a kink makes it."""
    return bool(
        ball.is_finite()
        and not stands(ball, SHARP_BITS)
        and float(ball.rad()) > NOTHING
    )


def is_zero(ball: arb) -> bool:
    """Whether a ball is 0 for every purpose: a true derivative of 0."""
    return bool(ball.contains(0) and float(ball.rad()) <= NOTHING)


def entry_of(measured: arb, expected: arb, rate: float, bound: float) -> Entry:
    """Compare; `rate` is the relative gap allowed beside an absolute bound."""
    if not measured.is_finite():
        return Entry("differs", NO_NUMBER, expected, measured, inf, bound)
    allowed = rate * size_of(expected) + bound if expected.is_finite() else inf
    if not isfinite(allowed):
        return Entry("undecided", OPEN, expected, measured, inf, allowed)
    gap = gap_between(measured, expected)
    if gap > allowed:
        return Entry("differs", WRONG, expected, measured, gap, allowed)
    if is_interval(expected):
        return Entry("agrees", KINK, expected, measured, gap, allowed)
    return Entry("agrees", WITHIN, expected, measured, gap, allowed)


def verdict_of(
    entry: Entry,
    question: str,
    weight: str,
    witness: str,
    trial: Trial,
    diagnosis: Diagnosis | None = None,
) -> Verdict:
    """An entry in words; a diagnosis without a factor gets the entry's own ratio."""
    if diagnosis is not None and diagnosis.ratio is None:
        own = ratio_of(float(entry.measured.mid()), float(entry.expected.mid()))
        diagnosis = replace(diagnosis, ratio=own)
    return Verdict(
        question=question,
        outcome=entry.outcome,
        kind=entry.kind,
        expected=text_of_ball(entry.expected),
        measured=text_of_ball(entry.measured),
        bound=entry.bound,
        witness=witness,
        seed=trial.seed,
        point=trial.words,
        diagnosis=diagnosis,
        gap=entry.gap,
        weight=weight,
    )


def ratio_of(measured: float, expected: float) -> float | None:
    """Measured over expected, where that is a number."""
    if expected == 0 or not isfinite(measured) or not isfinite(expected):
        return None
    ratio = measured / expected
    return ratio if isfinite(ratio) else None


def worst_entry(entries: Sequence[Entry]) -> int:
    """The place of the entry that counts: differs, then undecided, then least room."""

    def gravity(place: int) -> tuple[int, float]:
        """Outcome first, then how much of the bound is used up."""
        entry = entries[place]
        order: Mapping[str, int] = {"agrees": 0, "undecided": 1, "differs": 2}
        room = entry.gap / entry.bound if entry.bound > 0 else entry.gap
        return order[entry.outcome], room

    return max(range(len(entries)), key=gravity)
