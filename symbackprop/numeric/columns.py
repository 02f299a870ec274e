"""A user's values as floats and columns: by id or by layer, finite, of one batch."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Rational
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import InputError
from symbackprop.formula.tree import Name


@dataclass(frozen=True, slots=True)
class Family:
    """Quantities that one array gives: the ids in it, row by row."""

    shape: tuple[int, ...]
    ids: tuple[str, ...]

    def fits(self, array: NDArray[Any]) -> bool:
        """Whether an array has this shape, with at most a batch axis in front."""
        batch = array.ndim - len(self.shape)
        return batch in (0, 1) and array.shape[batch:] == self.shape

    def said(self) -> str:
        """The shapes that fit, in words."""
        if not self.shape:
            return "() or (batch,)"
        inside = ", ".join(map(str, self.shape))
        comma = "," if len(self.shape) == 1 else ""
        return f"({inside}{comma}) or (batch, {inside})"

    def parts(self, array: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Each id's float or column."""
        flat = array.reshape(*array.shape[: array.ndim - len(self.shape)], -1)
        return {name: flat[..., place] for place, name in enumerate(self.ids)}


def families(names: Sequence[Name]) -> dict[str, Family]:
    """x for x1, x2, …; w1 for all w1_i_j; only grids without holes, from 1 on."""
    found: dict[str, dict[tuple[int, ...], str]] = {}
    for name in names:
        for free in (1, 2):
            fixed, inner = name.indices[:-free], name.indices[-free:]
            if len(inner) == free and all(isinstance(i, int) for i in inner):
                key = Name(name.base, fixed).id
                cells = found.setdefault(f"{key}/{free}", {})
                cells[tuple(int(str(i)) for i in inner)] = name.id
    ids = {name.id for name in names}
    families_: dict[str, Family] = {}
    for key, cells in found.items():
        text = key.partition("/")[0]
        shape = tuple(
            max(cell[axis] for cell in cells) for axis in range(len(next(iter(cells))))
        )
        full = len(cells) == math.prod(shape) and all(min(cell) >= 1 for cell in cells)
        if full and text not in ids and text not in families_:
            families_[text] = Family(shape, tuple(cells[c] for c in sorted(cells)))
    return families_


def array_of(key: str, value: Any) -> NDArray[Any]:  # noqa: ANN401 - a user's
    """A user's value as a finite array of floats. InputError with what was found."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise InputError(
            f"{shown(key)}: expected numbers, found a ragged list"
        ) from None
    if np.ma.is_masked(value):
        raise InputError(f"{shown(key)}: expected a number in each place, found a mask")
    if array.dtype.kind in "iu":
        array = array.astype(np.float64)
    if array.dtype.kind != "f":
        raise InputError(f"{shown(key)}: expected real numbers, found {array.dtype}")
    if not array.size:
        raise InputError(f"{shown(key)}: expected at least one row, found none")
    if not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        where = f" at {tuple(int(i) for i in place)}" if array.ndim else ""
        raise InputError(f"{shown(key)} is {array[tuple(place)]}{where}: not finite")
    return array


def float_of(value: Rational) -> float:
    """The double next to an exact number. InputError where there is none so large."""
    try:
        return float(value)
    except OverflowError:
        bits = value.numerator.bit_length() - value.denominator.bit_length()
        raise InputError(
            f"a value of about 1e{bits * 30103 // 100000} is too large for a float",
            hint="floats end at 1.8e308",
        ) from None


def column_of(value: NDArray[Any]) -> Any:  # noqa: ANN401 - a float or a column
    """A contiguous column, or a float; a float32 scalar stays one."""
    if value.ndim == 0:
        return float(value) if value.dtype == np.float64 else value[()]
    return np.ascontiguousarray(value)


def shown(key: object) -> str:
    """A user's key in a message, short."""
    return repr(key)[:60]


def columns_of(
    given: Mapping[str, Any], names: Sequence[str], families_: Mapping[str, Family]
) -> tuple[list[Any], int | None]:
    """One float or column a name, in order, and the length of the batch if any.

    InputError for an unknown, a missing or a twice given id, or a wrong shape.
    """
    found: dict[str, Any] = {}
    lengths: dict[int, str] = {}
    known = frozenset(names)
    for key, value in given.items():
        if key not in known and key not in families_:
            raise InputError(
                f"unknown id {shown(key)}",
                hint=f"known: {', '.join([*families_, *names])[:300]}",
            )
        array = array_of(key, value)
        family = Family((), (key,)) if key in known else families_[key]
        if not family.fits(array):
            raise InputError(
                f"{key}: expected shape {family.said()}, found {array.shape}",
                hint="the batch is the first axis",
            )
        if array.ndim > len(family.shape):
            lengths.setdefault(len(array), key)
        for name, part in family.parts(array).items():
            if name in found:
                raise InputError(f"{name} is given twice, once in {key}")
            found[name] = part
    missing = [name for name in names if name not in found]
    if missing:
        more = " …" if len(missing) > 12 else ""
        raise InputError(f"no value for {', '.join(missing[:12])}{more}")
    if len(lengths) > 1 and lengths.pop(1, None):
        found = {
            n: part[0] if part.shape == (1,) else part for n, part in found.items()
        }
    if len(lengths) > 1:
        said = ", ".join(f"{key} has {rows} rows" for rows, key in lengths.items())
        raise InputError(f"the batches differ: {said}")
    columns = [column_of(found[name]) for name in names]
    return columns, next(iter(lengths), None)
