"""The witnesses of a derivation, one row each: what each expects, and how closely."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
from flint import arb

from symbackprop.checks.arithmetics import extended_ball, precision
from symbackprop.checks.trials import Trial
from symbackprop.checks.truth import Loss, Truth, settled, shifted_ids
from symbackprop.reference.difference import Slopes, central, complex_step

Form: TypeAlias = Literal["float64", "compiled", "balls"]
FIFTY_DIGITS = 1e-40
"""What is asked of balls of 50 digits, relative: the rest is room for cancellation."""

CANCELLED = 64.0
"""How many units of rounding of the largest size may be left in a small slope."""

BALL_BITS = 140
"""How many bits have to stand for that."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a witness expects, with a bound on its own error for each entry."""

    values: list[arb]
    bounds: list[float]


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: what it says at a trial, where it has nothing to say, how it judges.

    `of` is what of the derivation is held against it: its last line in float64 or in
    balls, or the function compiled from it. `rate` is the relative gap that is allowed
    beside the witness's own bound (None: the caller's tolerance); `exact` asks at the
    exact values, not at those that float64 has.
    """

    name: str
    gloss: str
    expected: Callable[[Truth, Trial], Expected]
    barred: Callable[[Truth], str] = field(default=lambda _: "")
    of: Form = "balls"
    rate: float | None = 0.0
    exact: bool = False


def _true(truth: Truth, trial: Trial) -> Expected:
    """The engine's or the tape's gradient in balls."""
    values = settled(lambda bits: truth.in_balls(trial, 0.0, bits), BALL_BITS)
    return Expected(values, [0.0] * len(values))


def _differences(truth: Truth, trial: Trial) -> Expected:
    """Central differences of the loss.

    No step that is still near the point shows a slope below the loss's own rounding.
    """
    loss, point = truth.loss(trial)
    found = central(loss, point, shifted_ids(truth))
    return _by_slopes(found, found.resolution * _height(loss, point))


def _complex_step(truth: Truth, trial: Trial) -> Expected:
    """The complex step through the loss.

    Terms of the size of the loss or of the largest slope may cancel in a small one.
    """
    loss, point = truth.loss(trial)
    found = complex_step(loss, point, shifted_ids(truth))
    sizes = [_height(loss, point), *(abs(v) for v in found.gradient.values())]
    largest = max(size for size in sizes if isfinite(size))
    return _by_slopes(found, CANCELLED * found.resolution * float(largest))


def _height(loss: Loss, point: dict[str, float]) -> float:
    """The absolute value of the loss."""
    height = float(np.abs(loss(point)))
    return height if isfinite(height) else 0.0


def _by_slopes(found: Slopes, floor: float) -> Expected:
    """Slopes by id as balls, in their order."""
    with precision(128):
        values = [extended_ball(value) for value in found.gradient.values()]
    return Expected(values, [max(bound, floor) for bound in found.bound.values()])


def _kinks(truth: Truth) -> str:
    """Why the complex step cannot be taken."""
    barring = truth.not_analytic()
    return f"{', '.join(barring)}: not analytic here" if barring else ""


def _rows() -> dict[str, Witness]:
    """The rows by name."""
    rows: tuple[Any, ...] = (
        Witness(
            "engine",
            "an independent reverse tape at 50 digits, against the line in float64",
            _true,
            of="float64",
            rate=None,
        ),
        Witness(
            "compiled",
            "the same tape, against the compiled NumPy function",
            _true,
            of="compiled",
            rate=None,
        ),
        Witness(
            "balls",
            "the same tape, against the line itself at 50 digits",
            _true,
            rate=FIFTY_DIGITS,
            exact=True,
        ),
        Witness(
            "differences",
            "central differences of the loss in extended precision",
            _differences,
        ),
        Witness(
            "complex step",
            "the imaginary part of the loss beside the real axis",
            _complex_step,
            _kinks,
        ),
    )
    return {row.name: row for row in rows}


WITNESSES: Mapping[str, Witness] = MappingProxyType(_rows())
