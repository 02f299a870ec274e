"""A compiled gradient as users call it: ids or whole layers in, checked, named out."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.errors import InputError
from symbackprop.formula.tree import Formula
from symbackprop.numeric.codegen import Code
from symbackprop.numeric.columns import Family, columns_of, families, shown
from symbackprop.numeric.program import Program, functions_in
from symbackprop.ops.forward import ARRAY, SCALAR

Batch: TypeAlias = Literal["mean", "sum"]
Bound: TypeAlias = tuple[
    Callable[..., Any], "Callable[..., Any] | Sequence[Callable[..., Any]]"
]
"""A function left general, and its slope or its slopes by each argument."""

BLOCK = 4096
"""So many rows at once: a column of doubles stays in the first-level cache."""
OUTPUTS = ("loss", "gradient")
_SCALARS = frozenset({float, int})


_COLUMNS: Mapping[str, Any] = MappingProxyType(
    {
        **ARRAY,
        "exp": np.exp,
        "log": np.log,
        "sqrt": np.sqrt,
        "abs": np.abs,
        "power": np.power,
        "dot": np.dot,
        "total": np.add.reduce,
    }
)
_FLOATS: Mapping[str, Any] = MappingProxyType(
    {
        **SCALAR,
        "exp": math.exp,
        "log": math.log,
        "sqrt": math.sqrt,
        "abs": operator.abs,
        "power": math.pow,
    }
)


@dataclass(frozen=True)
class Evaluated:
    """What a compiled gradient gives: the loss, and ∂loss/∂w by id.

    With a batch and no reduction every value has the batch's axis in front.
    """

    loss: Any
    gradient: Mapping[str, Any]

    @cached_property
    def vector(self) -> NDArray[Any]:
        """The gradient as one array (…, parameters), in parameter order."""
        values = [np.asarray(value) for value in self.gradient.values()]
        if not values:
            return np.zeros(0)
        return np.stack(np.broadcast_arrays(*values), axis=-1)


class Compiled:
    """A derivation as a NumPy function of a mapping or of keywords.

    Values come by id (`w1_1_2`), or by layer: `x` of shape (inputs,), `w1` of shape
    (from, to), `b1` of shape (units,), each with a batch axis in front if wanted.
    `raw` takes floats or columns in the order of `arguments` and checks nothing.
    """

    def __init__(
        self,
        program: Program,
        outputs: Sequence[str] = OUTPUTS,
        *,
        batch: Batch | None = None,
        functions: Mapping[str, Bound] | None = None,
    ) -> None:
        wrong = [name for name in outputs if name not in OUTPUTS]
        if isinstance(outputs, str) or wrong or not outputs:
            raise InputError(
                f"outputs are a tuple of {' and '.join(OUTPUTS)}, found {outputs!r}"
            )
        if batch not in (None, "mean", "sum"):
            raise InputError(f"batch is 'mean', 'sum' or None, found {batch!r}")
        self.program = program
        self.outputs = tuple(name for name in OUTPUTS if name in outputs)
        self.batch = batch
        self.arguments = tuple(name.id for name in program.arguments)
        self.parameters = tuple(name.id for name in program.gradient)
        self.code = Code(program, self._atoms())
        self._own = _bindings(program, functions or {})
        self._known = frozenset(self.arguments)
        self._sums: dict[frozenset[Formula], Callable[..., Any]] = {}
        self.raw = self._made_raw()

    @cached_property
    def _families(self) -> dict[str, Family]:
        """Whole layers by id, for callers that give arrays."""
        return families(self.program.arguments)

    def _atoms(self) -> tuple[Formula, ...]:
        """What is computed, in order: the loss, then the gradient."""
        return atoms_wanted(self.program, self.outputs)

    def _summing(self, columns: frozenset[Formula]) -> Callable[..., Any]:
        """The function that sums over the rows of these columns, made when needed."""
        if columns not in self._sums:
            code = Code(self.program, self._atoms(), columns)
            self._sums[columns] = code.bound({**_COLUMNS, **self._own})
        return self._sums[columns]

    def _made_raw(self) -> Callable[..., tuple[Any, ...]]:
        """Floats go to scalar code, columns to array code, in blocks if summed."""
        on_floats = self.code.bound({**_FLOATS, **self._own})
        on_columns = self.code.bound({**_COLUMNS, **self._own})
        scalars, of_type, summed = _SCALARS.issuperset, type, self.batch is not None

        def raw(*values: Any) -> tuple[Any, ...]:  # noqa: ANN401 - floats or columns
            """The loss and the gradient, nothing checked."""
            if scalars(map(of_type, values)):
                return tuple(on_floats(*values))
            if summed:
                return self._in_blocks(values)
            return tuple(on_columns(*values))

        return raw

    def _in_blocks(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The sum or mean over the rows, so many rows at a time."""
        places = [n for n, v in enumerate(values) if type(v) is np.ndarray and v.ndim]
        names = self.program.arguments
        summing = self._summing(frozenset(names[place] for place in places))
        rows = max((len(values[place]) for place in places), default=1)
        scale = rows if self.batch == "mean" else 1
        if rows <= BLOCK:
            return tuple(value / scale for value in summing(*values, rows))
        totals: list[Any] = [0.0] * len(self._atoms())
        part = list(values)
        for start in range(0, rows, BLOCK):
            stop = min(start + BLOCK, rows)
            for place in places:
                part[place] = values[place][start:stop]
            sums = summing(*part, stop - start)
            totals = [total + value for total, value in zip(totals, sums, strict=True)]
        return tuple(total / scale for total in totals)

    def __call__(
        self,
        values: Mapping[str, Any] | None = None,
        **named: Any,  # noqa: ANN401 - floats or arrays
    ) -> Evaluated:
        """The loss and the gradient at values by id or by layer.

        InputError for what is missing, unknown, twice, of a wrong shape, not finite.
        """
        given = {**values, **named} if values is not None else named
        if values is not None and len(given) != len(values) + len(named):
            twice = next(name for name in named if name in values)
            raise InputError(f"{shown(twice)} is given twice")
        if given.keys() == self._known:
            plain_values = [given[name] for name in self.arguments]
            if all(
                type(value) is float and value - value == 0 for value in plain_values
            ):
                return self._named(self._finite(plain_values))
        columns, rows = columns_of(given, self.arguments, self._families)
        results = self._finite(columns)
        if rows is not None and self.batch is None:
            results = tuple(np.broadcast_to(value, (rows,)) for value in results)
        return self._named(results)

    def _finite(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The raw results; a value that does not exist here is an InputError."""
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                return self.raw(*values)
        except (ArithmeticError, ValueError) as error:
            raise InputError(
                f"the loss or its gradient has no finite value here: {error}",
                hint="look for a division by zero, a logarithm of 0, a huge exponent",
            ) from None

    def _named(self, results: Sequence[Any]) -> Evaluated:
        """Results by name."""
        has_loss = "loss" in self.outputs
        gradient = results[has_loss:] if "gradient" in self.outputs else ()
        names = self.parameters if "gradient" in self.outputs else ()
        return Evaluated(
            results[0] if has_loss else None,
            MappingProxyType(dict(zip(names, gradient, strict=True))),
        )

    @property
    def source(self) -> str:
        """The generated code, with one comment a line that names its equation."""
        return self.code.source


def atoms_wanted(program: Program, outputs: Sequence[str]) -> tuple[Formula, ...]:
    """The loss, the gradient, or both, as atoms in order."""
    loss = (program.loss,) if "loss" in outputs else ()
    gradient = program.gradient.values() if "gradient" in outputs else ()
    return (*loss, *gradient)


def _bindings(program: Program, functions: Mapping[str, Bound]) -> dict[str, Any]:
    """The user's functions and slopes by generated name. InputError where one lacks."""
    used = functions_in(program)
    unknown = [name for name in functions if name not in program.general]
    if unknown:
        known = ", ".join(program.general) or "none is left general"
        raise InputError(f"there is no function {shown(unknown[0])}", hint=known)
    found: dict[str, Any] = {}
    for number, (name, arity) in enumerate(sorted(program.general.items())):
        if name not in used:
            continue
        if name not in functions:
            raise InputError(
                f"the function {name} is left general",
                hint=f"give functions={{{name!r}: (function, slope)}}",
            )
        value, slopes = functions[name]
        each = [slopes] if callable(slopes) else list(slopes)
        if not callable(value) or len(each) != arity or not all(map(callable, each)):
            raise InputError(f"{name} needs a function and {arity} slope(s)")
        found[f"g{number}"] = value
        found |= {f"g{number}_{place}": slope for place, slope in enumerate(each)}
    return found
