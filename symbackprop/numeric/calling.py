"""A compiled gradient as users call it: ids or whole layers in, checked, named out."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
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
_NUMPY = (np.ndarray, np.generic)
_LOOK_FOR = "look for a division by zero, a logarithm of 0, a huge exponent"

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


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What a compiled gradient gives: the loss, and ∂loss/∂w by id.

    With a batch and no reduction every value has the batch's axis in front.
    """

    loss: Any
    gradient: Mapping[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and pickled with a dictionary: a view of one is not."""
        return Evaluated, (self.loss, dict(self.gradient))

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
        listed: object = outputs
        several = isinstance(listed, Sequence) and not isinstance(listed, str)
        if not several or not outputs or any(name not in OUTPUTS for name in outputs):
            raise InputError(
                f"outputs are a tuple of {' and '.join(OUTPUTS)}, found {outputs!r}"
            )
        if batch not in (None, "mean", "sum"):
            raise InputError(f"batch is 'mean', 'sum' or None, found {batch!r}")
        self.program = program
        self.outputs = tuple(name for name in OUTPUTS if name in outputs)
        self.batch: Batch | None = batch
        self.arguments = tuple(name.id for name in program.arguments)
        self.parameters = tuple(name.id for name in program.gradient)
        self.code = Code(program, self._atoms())
        self.functions = {} if functions is None else functions
        self._own = _bindings(program, self.functions)
        over_rows = {name: _of_every_row(own) for name, own in self._own.items()}
        self._columns: dict[str, Any] = {**_COLUMNS, **over_rows}
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
            self._sums[columns] = code.bound(self._columns)
        return self._sums[columns]

    def _made_raw(self) -> Callable[..., tuple[Any, ...]]:
        """Floats go to scalar code, columns to array code, in blocks if summed."""
        on_floats = self.code.bound({**_FLOATS, **self._own})
        on_columns = self.code.bound(self._columns)
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
        places = [
            n for n, v in enumerate(values) if isinstance(v, np.ndarray) and v.ndim
        ]
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
        /,
        **named: Any,  # noqa: ANN401 - floats or arrays
    ) -> Evaluated:
        """The loss and the gradient at values by id or by layer.

        InputError for what is missing, unknown, twice, of a wrong shape, not finite.
        """
        unfit: object = values
        if unfit is not None and not isinstance(unfit, Mapping):
            raise InputError(
                f"expected values by id, found a {type(unfit).__name__}",
                hint="give a mapping, or keywords; raw takes values in order",
            )
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
        kinds = {column.dtype for column in columns if isinstance(column, _NUMPY)}
        kind = np.result_type(*kinds or {np.float64}).newbyteorder("=")
        results = self._finite(columns, kind)
        if rows is not None and self.batch is None:
            results = _own_columns(results, columns, (rows,))
        return self._named(results)

    def _finite(
        self, values: Sequence[Any], kind: np.dtype[Any] | None = None
    ) -> Sequence[Any]:
        """The raw results, of one type if told; InputError where one does not exist."""
        try:
            with np.errstate(all="raise", under="ignore"):
                results: Sequence[Any] = self.raw(*values)
                if kind is not None:
                    results = [_typed(value, kind) for value in results]
        except (ArithmeticError, ValueError) as error:
            raise InputError(
                f"the loss or its gradient has no finite value here: {error}",
                hint=_LOOK_FOR,
            ) from None
        if not all(map(_is_finite, results)):  # products of floats overflow in silence
            raise InputError("the loss or its gradient is not finite", hint=_LOOK_FOR)
        return results

    def _named(self, results: Sequence[Any]) -> Evaluated:
        """Results by name."""
        has_loss = "loss" in self.outputs
        gradient = results[has_loss:] if "gradient" in self.outputs else ()
        names = self.parameters if "gradient" in self.outputs else ()
        return Evaluated(
            results[0] if has_loss else None,
            MappingProxyType(dict(zip(names, gradient, strict=True))),
        )

    def __repr__(self) -> str:
        """What it computes, short."""
        by = ", ".join(self.parameters[:3]) + (" …" if len(self.parameters) > 3 else "")
        what = " and ".join(self.outputs)
        return f"<compiled {what} of {self.program.loss.id} by {by}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Made again from the program where it is unpickled."""
        again = partial(Compiled, batch=self.batch, functions=self.functions)
        return again, (self.program, self.outputs)

    @property
    def source(self) -> str:
        """The generated code, with one comment a line that names its equation."""
        return self.code.source


def atoms_wanted(program: Program, outputs: Sequence[str]) -> tuple[Formula, ...]:
    """The loss, the gradient, or both, as atoms in order."""
    loss = (program.loss,) if "loss" in outputs else ()
    gradient = program.gradient.values() if "gradient" in outputs else ()
    return (*loss, *gradient)


def _is_finite(value: Any) -> bool:  # noqa: ANN401 - whatever raw returned
    """Whether a result is a number, or all numbers, neither nan nor infinite."""
    if type(value) is float:
        return math.isfinite(value)
    try:
        return bool(np.isfinite(value).all())
    except TypeError:
        return False


def _typed(value: Any, kind: np.dtype[Any]) -> Any:  # noqa: ANN401 - a result
    """A result of the values' type of float: NumPy's σ(0.5) would widen float32."""
    if isinstance(value, _NUMPY):
        return value.astype(kind, copy=False)
    return float(value) if kind == np.float64 else kind.type(value)


def _own_columns(
    results: Sequence[Any],
    columns: Sequence[Any],
    shape: tuple[int, ...],
) -> list[NDArray[Any]]:
    """Each result as a column that no other result and no argument shares."""
    taken = {id(column) for column in columns}
    own: list[NDArray[Any]] = []
    for value in results:
        if np.shape(value) != shape or id(value) in taken:
            own.append(np.array(np.broadcast_to(value, shape)))
        else:
            taken.add(id(value))
            own.append(value)
    return own


def _of_every_row(function: Callable[..., Any]) -> Callable[..., Any]:
    """A user's function whose value for columns is a column, also if constant."""

    def over_rows(*arguments: Any) -> Any:  # noqa: ANN401 - floats or columns
        """The function's value, one a row."""
        value = function(*arguments)
        shape = np.broadcast_shapes(*map(np.shape, arguments))
        return value if np.shape(value) == shape else np.broadcast_to(value, shape)

    return over_rows


def _bindings(program: Program, functions: Mapping[str, Bound]) -> dict[str, Any]:
    """The user's functions and slopes by generated name. InputError where one lacks."""
    used = functions_in(program)
    given: object = functions
    if not isinstance(given, Mapping):
        raise InputError("functions is a mapping from a name to (function, slope)")
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
        value, each = _pair(functions[name])
        if not callable(value) or len(each) != arity or not all(map(callable, each)):
            raise InputError(f"{name} needs a function and {arity} slope(s)")
        found[f"g{number}"] = value
        found |= {f"g{number}_{place}": slope for place, slope in enumerate(each)}
    return found


def _pair(bound: object) -> tuple[object, list[Any]]:
    """A function and its slopes, or nothing, where a user gave something else."""
    match bound:
        case (value, slope) if callable(slope):
            return value, [slope]
        case (value, [*slopes]):
            return value, slopes
        case _:
            return None, []
