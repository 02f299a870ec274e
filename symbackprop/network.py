"""A network as data: what it is made of, never how it is computed."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from symbackprop.errors import InputError

MAX_UNITS = 64
MAX_LAYERS = 1024
MAX_WEIGHTS = 20_000
MAX_SOFTMAX = 16

Biases: TypeAlias = Literal["unit", "layer", False]
ACTIVATIONS = (
    "identity",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "softplus",
    "silu",
    "gelu",
    "softmax",
)
LOSSES = (
    "squared_error",
    "half_squared_error",
    "mean_squared_error",
    "binary_cross_entropy",
    "categorical_cross_entropy",
)


@dataclass(frozen=True, slots=True)
class Layer:
    """One fully connected layer: so many units, one activation."""

    units: int
    activation: str = "sigmoid"

    def __post_init__(self) -> None:
        """Refuse sizes and names that no later room could use."""
        _check_count("units", self.units, MAX_UNITS)
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"unknown activation {self.activation!r}",
                hint="known: " + ", ".join(ACTIVATIONS),
            )


@dataclass(frozen=True, slots=True)
class Network:
    """Inputs, layers, a loss; biases one a unit, one a layer, or none."""

    inputs: int
    layers: tuple[Layer, ...]
    loss: str = "half_squared_error"
    biases: Biases = "unit"

    def __post_init__(self) -> None:
        """Refuse what cannot be written out, before anything is built."""
        given: object = self.layers
        if not isinstance(given, list | tuple) or any(
            not isinstance(layer, Layer) for layer in self.layers
        ):
            raise InputError(f"expected a list of Layer, found {given!r:.60}")
        object.__setattr__(self, "layers", tuple(self.layers))
        _check_count("inputs", self.inputs, MAX_UNITS)
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise InputError(
                f"expected 1 to {MAX_LAYERS} layers, found {len(self.layers)}"
            )
        if self.loss not in LOSSES:
            raise InputError(
                f"unknown loss {self.loss!r}", hint="known: " + ", ".join(LOSSES)
            )
        if any(
            n.activation == "softmax" and n.units > MAX_SOFTMAX for n in self.layers
        ):
            raise InputError(
                f"a softmax layer may have at most {MAX_SOFTMAX} units",
                hint="every output depends on every unit; wider ones are for matrices",
            )
        widths = (self.inputs, *(layer.units for layer in self.layers))
        weights = sum(a * b for a, b in pairwise(widths))
        if weights > MAX_WEIGHTS:
            raise InputError(
                f"{weights:,} weights are too many to write out one by one",
                hint=f"the limit is {MAX_WEIGHTS:,}",
            )
        if self.biases is not False and self.biases not in ("unit", "layer"):
            raise InputError(
                f"biases is {self.biases!r}", hint='one of "unit", "layer", false'
            )

    def __str__(self) -> str:
        """The widths, as in 2-2-2."""
        return "-".join(map(str, (self.inputs, *(n.units for n in self.layers))))


def _check_count(what: str, count: object, most: int) -> None:
    """A whole number in range."""
    if not isinstance(count, int) or isinstance(count, bool):
        raise InputError(f"expected a whole number of {what}, found {count!r}")
    if not 1 <= count <= most:
        raise InputError(f"expected 1 to {most} {what}, found {count}")
