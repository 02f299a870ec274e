"""Why a gradient is wrong: the true one with a slip in it, compared with the wrong one.

A cause is named only if its slip reproduces every entry at every point that is asked;
what nothing reproduces is "unknown".
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.checks.judge import ratio_of
from symbackprop.checks.slips import slips_of
from symbackprop.checks.trials import Trial
from symbackprop.checks.truth import GraphTruth, NetworkTruth, Truth
from symbackprop.checks.verdict import Cause, Diagnosis
from symbackprop.errors import InputError
from symbackprop.reference.engine import LayerPass

Array: TypeAlias = NDArray[Any]
Measured: TypeAlias = Callable[[Trial], Any]
"""The gradient under examination as an array in the order of `Truth.wrt`."""

SHARE = 1e-3
"""A slip explains an entry if it leaves at most this share of the gap."""


@dataclass(frozen=True, slots=True)
class Case:
    """One point: what is true there, what was measured, and how noisy that is."""

    trial: Trial
    true: Array
    measured: Array
    noise: Array
    passes: tuple[LayerPass, ...] = ()

    @property
    def gap(self) -> Array:
        """How far each entry is off."""
        return np.abs(self.measured - self.true)

    def explained(self, candidate: Array) -> Array:
        """Which entries a candidate reproduces."""
        left = np.abs(self.measured - candidate)
        return left <= np.maximum(SHARE * self.gap, self.noise)


def diagnosed(
    truth: Truth, trials: Sequence[Trial], measured: Measured, wrong: Sequence[str]
) -> dict[str, Diagnosis]:
    """A diagnosis for each weight that is wrong.

    One cause for all of them is looked for first, then one for each layer.
    """
    cases = [case for trial in trials if (case := _case(truth, trial, measured))]
    found: dict[str, Diagnosis] = {}
    if cases:
        everywhere = np.ones(len(truth.wrt), bool)
        found = _for_all(truth, cases, everywhere, wrong)
        if not found:
            for layer in sorted({truth.layer(name) for name in wrong}):
                here = np.array([truth.layer(name) == layer for name in truth.wrt])
                those = [name for name in wrong if truth.layer(name) == layer]
                found |= _for_all(truth, cases, here, those)
    for name in wrong:
        if name not in found:
            found[name] = Diagnosis(
                "unknown",
                name,
                truth.layer(name),
                None,
                "no slip that was tried gives this number",
            )
    return found


def _case(truth: Truth, trial: Trial, measured: Measured) -> Case | None:
    """One point's numbers; None where there are none, or not finite ones."""
    try:
        found = np.asarray(measured(trial), float)
        true, passes = _right(truth, trial)
    except InputError:
        return None
    if not (np.all(np.isfinite(true)) and np.all(np.isfinite(found))):
        return None
    largest = np.max(np.abs(true), initial=0.0)
    return Case(trial, true, found, 1e-12 * np.abs(true) + 1e-15 * largest, passes)


def _right(truth: Truth, trial: Trial) -> tuple[Array, tuple[LayerPass, ...]]:
    """The true gradient in float64, and a network's passes."""
    if not isinstance(truth, NetworkTruth):
        return truth.in_float64(trial), ()
    backward = truth.backward(trial)
    return truth.picked(backward), backward.layers


def _for_all(
    truth: Truth, cases: Sequence[Case], where: Array, wrong: Sequence[str]
) -> dict[str, Diagnosis]:
    """One cause that explains every entry of a part of the gradient, for the wrong."""
    if all(np.all(case.explained(case.true)[where]) for case in cases):
        return {
            name: Diagnosis(
                "unknown",
                name,
                truth.layer(name),
                None,
                "right at other points: look at large |z|, kinks, clipped values",
            )
            for name in wrong
        }
    for cause, detail, factor, candidate in _causes(truth, cases, where):
        if all(np.all(case.explained(candidate(case))[where]) for case in cases):
            return {
                name: Diagnosis(cause, name, truth.layer(name), factor, detail)
                for name in wrong
            }
    return {}


Reproduced: TypeAlias = tuple[Cause, str, float | None, Callable[[Case], Array]]
"""A cause, in words, the factor if it is one, and the gradient that it gives."""


def _causes(truth: Truth, cases: Sequence[Case], where: Array) -> Iterator[Reproduced]:
    """What to try, in order: no free number first, a fitted factor last."""
    off = np.any([case.gap > case.noise for case in cases], axis=0) & where
    those = _said(truth, off)

    def times(factor: float) -> Callable[[Case], Array]:
        """The truth with the wrong entries multiplied."""
        return lambda case: np.where(off, factor * case.true, case.true)

    yield "sign", f"{those}: the sign is flipped", -1.0, times(-1.0)
    if all(
        name.startswith("b") for name, bad in zip(truth.wrt, off, strict=True) if bad
    ):
        yield "missing bias", f"{those}: left at 0", 0.0, times(0.0)
    if isinstance(truth, NetworkTruth):
        yield from _network_causes(truth)
    if isinstance(truth, GraphTruth):
        for function in truth.graph.functions:
            yield (
                "missing slope",
                f"the slope of {function} is left out",
                None,
                lambda case, function=function: truth.with_slip(case.trial, function),
            )
    factor = _fitted(cases[0], off)
    if factor is not None:
        yield "factor", f"{those}: {factor:.12g} times too large", factor, times(factor)


def _network_causes(truth: NetworkTruth) -> Iterator[Reproduced]:
    """The slips of backpropagation, layer by layer."""
    for slip in slips_of(truth.network):
        yield (
            slip.cause,
            slip.detail,
            None,
            lambda case, slip=slip: truth.ordered(
                slip.gradient(case.trial.floats, case.passes)
            ),
        )


def _fitted(case: Case, off: Array) -> float | None:
    """The factor of the wrong entries, from the one that shows it best."""
    if not np.any(off):
        return None
    size = np.where(off, np.abs(case.true), 0.0)
    best = int(np.argmax(size))
    return ratio_of(float(case.measured[best]), float(case.true[best]))


def _said(truth: Truth, off: Array) -> str:
    """Which weights are off, in few words."""
    ids = truth.wrt
    wrong = [name for name, bad in zip(ids, off, strict=True) if bad]
    if len(wrong) == len(ids) > 1:
        return "every weight"
    if len(wrong) == 1:
        return f"{wrong[0]} alone"
    layers = sorted({truth.layer(name) for name in wrong})
    kinds = {name[0] for name in wrong}
    words = "biases" if kinds == {"b"} else "weights"
    whole = [
        name
        for name in ids
        if truth.layer(name) in layers and (words == "weights" or name[0] == "b")
    ]
    if 0 not in layers and (
        len(whole) == len(wrong) or {n for n in whole if n[0] == "w"} == set(wrong)
    ):
        return f"the {words} of layer {', '.join(map(str, layers))}"
    return f"{len(wrong)} weights" if len(wrong) > 4 else ", ".join(wrong)
