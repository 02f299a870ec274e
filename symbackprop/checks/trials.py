"""Trials: the points at which gradients are examined, seeded or given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from functools import cached_property
from math import isfinite
from typing import Any, TypeAlias

import numpy as np

from symbackprop.checks.functions import Smooth, smooth_functions
from symbackprop.errors import InputError
from symbackprop.formula.tree import Name, name_of
from symbackprop.graph.graph import Graph
from symbackprop.kernel.balls import Balls
from symbackprop.kernel.definitions import Definitions
from symbackprop.network import Network
from symbackprop.reference.engine import leaves

Number: TypeAlias = Rational | float
"""An exact number: a rational, or a float taken as what it is."""

SCALES = (1.0, 0.125, 4.0)
"""How large the weights of a network's seeded trials are, one after the other."""

SPREADS = (1, 4, 1)
"""The same for the leaves of formulas."""

DECIMAL = re.compile(r"[+-]?\d{1,100}(\.\d{1,100})?([eE][+-]?\d{1,3})?")
"""An exact decimal that a caller gives as text."""

MORE = 24
"""Seeds tried beyond the first ones where a loss is undefined at a point."""


class Words(Mapping[str, str]):
    """A point as text, written down when it is asked for."""

    def __init__(self, trial: "Trial") -> None:
        """Keep the trial."""
        self._trial = trial

    @cached_property
    def _words(self) -> dict[str, str]:
        """Every value, and every function, as text."""
        trial = self._trial
        words = {name: text_of_number(value) for name, value in trial.values.items()}
        return words | {f"{name}(…)": str(f) for name, f in trial.functions.items()}

    def __getitem__(self, key: str) -> str:
        """One value as text."""
        return self._words[key]

    def __iter__(self) -> Iterator[str]:
        """The ids, then the functions."""
        return iter(self._words)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._words)

    def __repr__(self) -> str:
        """The values."""
        return repr(self._words)


@dataclass(frozen=True, slots=True)
class Trial:
    """One point: exact values by id, what stands for general functions, the seed.

    `words` is the point as verdicts print it.
    """

    values: Mapping[str, Number]
    functions: Mapping[str, Smooth] = field(default_factory=dict)
    seed: int | None = None
    words: Words = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Have the point written down once."""
        object.__setattr__(self, "words", Words(self))

    @property
    def floats(self) -> dict[str, float]:
        """The values rounded to float64."""
        return {name: float(value) for name, value in self.values.items()}

    @property
    def rounded(self) -> "Trial":
        """The trial at the values that float64 has; itself where it has all."""
        floats = self.floats
        if all(floats[name] == value for name, value in self.values.items()):
            return self
        return Trial(floats, self.functions, self.seed)

    @property
    def by_name(self) -> dict[Name, Rational]:
        """The exact values by name."""
        return {name_of(id_): Rational(value) for id_, value in self.values.items()}


def scaled(trial: Trial, ids: Sequence[str], scale: float) -> Trial:
    """A trial with some of its values multiplied."""
    values: dict[str, Number] = dict(trial.values)
    for name in ids:
        values[name] = float(values[name]) * scale
    return Trial(values, trial.functions, trial.seed)


def text_of_number(value: Number) -> str:
    """A number as the shortest text that gives it back."""
    rounded = float(value)
    return repr(rounded) if rounded == value else str(value)


def given_trials(
    at: object, ids: Sequence[str], seed: int, general: Mapping[str, int | None]
) -> tuple[Trial, ...]:
    """The points that a caller gives: one mapping from id to number, or several."""
    points = [at] if isinstance(at, Mapping) else at
    if not isinstance(points, Sequence) or isinstance(points, str) or not points:
        raise InputError(
            f"at takes a mapping from id to number, or a list of them, found {at!r:.60}"
        )
    return tuple(
        Trial(
            exact_values(point, ids),
            smooth_functions(general, seed, number),
            seed if general else None,
        )
        for number, point in enumerate(points)
    )


def exact_values(point: object, ids: Sequence[str]) -> dict[str, Number]:
    """A caller's numbers by id. InputError for one missing, unknown, not finite."""
    if not isinstance(point, Mapping):
        raise InputError(f"expected a mapping from id to number, found {point!r:.60}")
    known = set(ids)
    unknown = [name for name in point if name not in known]
    if unknown:
        raise InputError(
            f"unknown id {unknown[0]!r:.60}", hint="known: " + shortened(ids)
        )
    missing = [name for name in ids if name not in point]
    if missing:
        raise InputError(
            f"no value for {missing[0]}", hint=f"{len(ids)} ids need a number"
        )
    return {name: exact_number(name, point[name]) for name in ids}


def exact_number(name: str, value: Any) -> Number:  # noqa: ANN401 - what a caller passes
    """One number; a decimal in quotes is exact. InputError where it is none."""
    if type(value) is float and isfinite(value):
        return value
    if isinstance(value, Rational | int) and not isinstance(value, bool):
        return Rational(value)
    if isinstance(value, str) and DECIMAL.fullmatch(value):
        return Rational(value)
    try:
        plain = float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"the value of {name} is {value!r:.60}", hint="one number a point"
        ) from None
    if not isfinite(plain):
        raise InputError(f"the value of {name} is {plain}, not a finite number")
    return plain


def shortened(ids: Sequence[str]) -> str:
    """Some ids, for a hint."""
    return ", ".join(ids) if len(ids) <= 12 else f"{', '.join(ids[:6])}, … {ids[-1]}"


def network_trials(network: Network, seed: int) -> Iterator[Trial]:
    """Seeded points of a network, one a scale, then more at the first scale."""
    ids = leaves(network)
    for number in range(len(SCALES) + MORE):
        scale = SCALES[number] if number < len(SCALES) else 1.0
        random = np.random.default_rng((abs(seed), seed < 0, number))
        drawn = random.standard_normal(len(ids)).tolist()
        shares = random.uniform(0.05, 0.95, len(ids)).tolist()
        values: dict[str, Number] = {}
        for name, draw, share in zip(ids, drawn, shares, strict=True):
            kind = name[0]
            value = share if kind == "y" else draw if kind == "x" else draw * scale
            values[name] = float(f"{value:.6g}")
        yield Trial(values, {}, seed)


def graph_trials(graph: Graph, definitions: Definitions, seed: int) -> Iterator[Trial]:
    """Seeded points of a graph at which all of its assumptions hold."""
    ids = [node.name for node in graph.nodes if node.body is None]
    for number in range(len(SPREADS) + MORE):
        balls = Balls(definitions, seed * (len(SPREADS) + MORE) + number)
        balls.spread = SPREADS[number % len(SPREADS)]
        for name in ids:
            balls.leaf(name)
        if not balls.admits():
            continue
        functions = smooth_functions(graph.general, seed, number)
        yield Trial({name.id: balls.leaves[name] for name in ids}, functions, seed)
