"""Slopes from values of the loss alone: central differences and the complex step.

Each slope comes with a bound on its own error, measured at the point: a difference that
can say little says so. Neither method knows anything of the function but its values.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from symbackprop.errors import InputError
from symbackprop.reference.arithmetic import Numbers

Loss: TypeAlias = Callable[[Mapping[str, Numbers]], Numbers]
"""From a mapping of ids to rows of values (or one value) to one loss a row."""

ROOM = 2**20  # numbers handed to the loss at once
REACH = np.array([-4, -2, -1, 0, 1, 2, 4])
ROUNDS = 5
ENOUGH = 1e-11  # a bound this small beside its slope needs no other step
SEED = 20_260_101
PROBES = 3
JITTER = 64  # units of rounding by which a probe moves each value
LEAST = 1e-280  # below, products underflow inside the loss


@dataclass(frozen=True, slots=True)
class Slopes:
    """Derivatives by id, each with a bound on its error; inf where nothing is known.

    `resolution` is the unit of rounding of the numbers that were used.
    """

    gradient: Mapping[str, Numbers]
    bound: Mapping[str, float]
    method: str
    resolution: float


# ---- central differences


def central(
    loss: Loss,
    values: Mapping[str, Numbers],
    wrt: Sequence[str] | None = None,
    *,
    kind: type[np.floating] = np.longdouble,
) -> Slopes:
    """Four-point central differences in the widest float type, at one point.

    Steps are h and 2h; 4h and the point itself tell truncation, kinks and noise. Where
    that leaves too wide a bound, another h is tried. Where longdouble is no wider than
    float64 the same rules give wider bounds.
    """
    point = _point(values, kind)
    ids = _asked(point, wrt)
    unit = float(np.finfo(kind).eps)
    grain = _grain(loss, point, kind)
    steps = np.full(len(ids), 2.0 ** round(math.log2((30.0 * unit) ** 0.2)))
    slope = np.full(len(ids), np.nan, kind)
    bound = np.full(len(ids), np.inf)
    used, plain = steps.copy(), slope.copy()
    wide = np.arange(len(ids))
    for _ in range(ROUNDS):
        if not wide.size:
            break
        names = [ids[n] for n in wide]
        table, missed = _stencils(loss, point, names, steps[wide], REACH)
        found, error, power = _judged(table, steps[wide], missed, grain)
        best = error < bound[wide]
        slope[wide[best]], bound[wide[best]] = found[best], error[best]
        used[wide[best]] = steps[wide[best]]
        plain[wide[best]] = table[best, 4] - table[best, 2]
        steps[wide] *= 2.0**power
        enough = bound[wide] <= ENOUGH * np.abs(slope[wide]).astype(float)
        # Truncation falls with the fourth power of h, noise with the first.
        wide = wide[~enough & ((power <= -2) | (power >= 3))]

    def moved(near: Mapping[str, Numbers]) -> Numbers:
        """By how much the slopes change at a point nearby."""
        table, _ = _stencils(loss, near, ids, used, np.array([-1, 1]))
        return np.abs(table[:, 1] - table[:, 0] - plain) / (2 * used)

    bound += _conditioning(moved, point, slope, 2.0**20 * unit) * JITTER / 2.0**20
    bound[np.isnan(bound)] = np.inf
    return _slopes(ids, slope, bound, "central differences", unit)


def _stencils(
    loss: Loss,
    point: Mapping[str, Numbers],
    ids: Sequence[str],
    steps: Numbers,
    reach: Numbers,
) -> tuple[Numbers, Numbers]:
    """The loss at each reach of each id's step, a row an id, a column a reach.

    Also by how much a sum x + kh missed, relative to h, because x has too many digits.
    """
    rows: list[Numbers] = []
    missed: list[Numbers] = []
    size = max(1, ROOM // (len(reach) * len(point)))
    for start in range(0, len(ids), size):
        chunk = ids[start : start + size]
        moves = np.outer(steps[start : start + size], reach)
        given = dict(point)
        for row, name in enumerate(chunk):
            column = np.full(moves.shape, point[name])
            column[row] += moves[row]
            off = np.abs((column[row] - point[name]) - moves[row])
            missed.append(np.max(off) / steps[start + row])
            given[name] = column.reshape(-1)
        rows.append(_losses(loss, given, moves.size).reshape(moves.shape))
    return np.concatenate(rows), np.array(missed)


def _grain(
    loss: Loss, point: Mapping[str, Numbers], kind: type[np.floating]
) -> Numbers:
    """By how much the loss moves when every value moves by a unit of rounding or so."""
    scale, unit, rows = 2.0**20, np.finfo(kind).eps, 8
    signs = np.random.default_rng(SEED)
    near = {
        name: value * (1 + (signs.normal(size=rows) * scale * unit).astype(kind))
        for name, value in point.items()
    }
    middle = _losses(loss, {name: np.full(rows, v) for name, v in point.items()}, rows)
    moved = np.max(np.abs(_losses(loss, near, rows) - middle))
    return moved / scale if np.isfinite(moved) else np.zeros((), kind)


def _judged(
    table: Numbers, steps: Numbers, missed: Numbers, grain: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Slopes by the four-point rule, bounds, and the power of 2 by which to move h."""
    unit, tiny = np.finfo(table.dtype).eps, np.finfo(table.dtype).tiny
    h = steps.astype(table.dtype)
    usable = np.all(np.isfinite(table), axis=1)
    low4, low2, low1, middle, up1, up2, up4 = np.where(usable[:, None], table, 0).T
    one, two, four = (up1 - low1) / h / 2, (up2 - low2) / h / 4, (up4 - low4) / h / 8
    slope, coarse = (4 * one - two) / 3, (4 * two - four) / 3
    # What is even in h: once h² and h⁴ are gone, a kink of height J leaves 28 J h.
    even1, even2, even4 = (
        low + up - 2 * middle for low, up in ((low1, up1), (low2, up2), (low4, up4))
    )
    kink = np.abs(64 * even1 - 20 * even2 + even4) / (28 * h)
    size = np.max(np.abs(np.where(usable[:, None], table, 0)), axis=1)
    least = 4 * np.maximum(unit * size, grain)
    # Rounding inside the loss shows there in most rows; what is far larger is a kink.
    felt = (kink * h)[(kink > 0) & (kink * h < 2.0**16 * least)]
    floor = (least + (np.median(felt) if felt.size else 0)) / h
    floor = floor + 2 * missed * np.abs(slope)
    near, far = np.abs(two - one), np.abs(four - two)
    # The next order is added: the two four-point rules may agree by accident.
    ratio = near / (np.abs(slope) + near + tiny)
    falling = far + 4 * floor >= 2 * near
    cut = np.where(falling, np.abs(slope - coarse) + near * ratio**2, near + far)
    error = np.where(usable, 2 * cut + kink + floor + LEAST, np.inf).astype(float)
    power = (np.log2(kink + floor + tiny) - np.log2(4 * cut + tiny)) / 5
    power = np.where(falling & (kink < 64 * floor), power, -5)
    power = np.clip(np.rint(np.where(usable, power, -8)), -8, 8).astype(float)
    return np.where(usable, slope, np.nan), error, power


# ---- the complex step


def complex_step(
    loss: Loss, values: Mapping[str, Numbers], wrt: Sequence[str] | None = None
) -> Slopes:
    """Im f(x + ih)/h with h = 1e-20: no difference is taken, so nothing cancels.

    Only where the loss is analytic. The rounding of the loss itself is measured by
    asking again at values that differ in their last bits.
    """
    point = _point(values, np.float64)
    ids = _asked(point, wrt)
    unit = float(np.finfo(np.float64).eps)
    slope = _imaginary(loss, point, ids)

    def moved(near: Mapping[str, Numbers]) -> Numbers:
        """By how much the slopes change at a point nearby."""
        return np.abs(_imaginary(loss, near, ids) - slope)

    bound = _conditioning(moved, point, slope, JITTER * unit) + LEAST
    finite = np.isfinite(slope) & np.isfinite(bound)
    bound = np.where(finite, bound, np.inf)
    return _slopes(ids, np.where(finite, slope, np.nan), bound, "complex step", unit)


def _imaginary(loss: Loss, point: Mapping[str, Numbers], ids: Sequence[str]) -> Numbers:
    """The imaginary parts of the loss, an id moved in each row, over the step."""
    found: list[Numbers] = []
    step = 1e-20
    size = max(1, ROOM // len(point))
    for start in range(0, len(ids), size):
        chunk = ids[start : start + size]
        given: dict[str, Numbers] = {
            name: np.complex128(value) for name, value in point.items()
        }
        for row, name in enumerate(chunk):
            column = np.full(len(chunk), given[name])
            column[row] += 1j * step
            given[name] = column
        losses = _losses(loss, given, len(chunk))
        if not np.iscomplexobj(losses):
            raise InputError(
                "the loss gave up the imaginary part",
                hint="the complex step needs a loss of analytic functions alone",
            )
        found.append(np.imag(losses) / step)
    return np.concatenate(found)


# ---- shared


def _conditioning(
    moved: Callable[[Mapping[str, Numbers]], Numbers],
    point: Mapping[str, Numbers],
    slope: Numbers,
    jitter: float,
) -> Numbers:
    """What relative moves of that size do to the slopes: rounding in the loss is one.

    Probes go in random directions; what is usual among the slopes counts for each.
    """
    signs = np.random.default_rng(SEED)
    worst = np.zeros(len(slope))
    for _ in range(PROBES):
        moves = 1.0 + signs.normal(size=len(point)) * jitter
        near = {
            name: value * move
            for (name, value), move in zip(point.items(), moves, strict=True)
        }
        worst = np.maximum(worst, moved(near).astype(float))
    size = np.abs(slope).astype(float)
    known = (size > LEAST) & (worst < size)
    share = worst[known] / size[known]
    usual = max(jitter, float(np.median(share)) if share.size else 0.0)
    return worst + usual * size


def _point(values: Mapping[str, Numbers], kind: Numbers) -> dict[str, Numbers]:
    """One finite number for each id, in one float type."""
    if not values:
        raise InputError("there is no value to differentiate at")
    point = {name: np.asarray(value) for name, value in values.items()}
    for name, value in point.items():
        if value.shape != () or not np.isfinite(value):
            raise InputError(f"expected one finite number for {name}, found {value}")
    return {name: value.astype(kind)[()] for name, value in point.items()}


def _asked(point: Mapping[str, Numbers], wrt: Sequence[str] | None) -> tuple[str, ...]:
    """The ids to differentiate by; all of them where none is named."""
    ids = tuple(point) if wrt is None else tuple(wrt)
    unknown = [name for name in ids if name not in point]
    if unknown:
        raise InputError(
            f"no value for {unknown[0]}", hint="known: " + ", ".join(point)
        )
    return ids


def _losses(loss: Loss, given: Mapping[str, Numbers], rows: int) -> Numbers:
    """The losses of a batch, one a row."""
    found = np.asarray(loss(given))
    if found.shape not in ((), (rows,)):
        raise InputError(f"expected {rows} losses, found an array of {found.shape}")
    return np.broadcast_to(found, (rows,))


def _slopes(
    ids: Sequence[str], slope: Numbers, bound: Numbers, method: str, unit: float
) -> Slopes:
    """Slopes and bounds by id."""
    return Slopes(
        MappingProxyType(dict(zip(ids, slope, strict=True))),
        MappingProxyType(dict(zip(ids, map(float, bound), strict=True))),
        method,
        unit,
    )
