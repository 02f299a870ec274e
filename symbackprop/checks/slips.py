"""Slips of backpropagation in a network, each as the gradient that it gives.

One row a slip and a table of them: an error handed back through W where its transpose
belongs, a slope left out, a neighbour layer's numbers, a bias forgotten.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.checks.verdict import Cause
from symbackprop.network import Network
from symbackprop.reference import engine
from symbackprop.reference.engine import LayerPass

Array: TypeAlias = NDArray[Any]
Values: TypeAlias = Mapping[str, float]
Passes: TypeAlias = Sequence[LayerPass]


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip: its cause, in words, and the gradient by id that it leads to.

    The gradient is made from the values and from the right pass at these values.
    """

    cause: Cause
    detail: str
    gradient: Callable[[Values, Passes], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong in which layers of the backward pass (layers count from 1).

    `turned`: W_l hands the error back untransposed. `flat`: a'(z_l) is left out.
    `turned_result`: ∂J/∂W_l is transposed. The rest take another layer's numbers,
    so many layers up: of h entering a layer, of its slope, of its error term.
    """

    turned: frozenset[int] = frozenset()
    flat: frozenset[int] = frozenset()
    turned_result: frozenset[int] = frozenset()
    entering: Mapping[int, int] | None = None
    slope: Mapping[int, int] | None = None
    error: Mapping[int, int] | None = None


def slips_of(network: Network) -> Iterator[Slip]:
    """Every slip that the network's shape admits, in single layers and in all."""
    depth = len(network.layers)
    widths = (network.inputs, *(layer.units for layer in network.layers))
    every = range(1, depth + 1)
    square = [n for n in every if widths[n - 1] == widths[n]]

    def faulty(cause: Cause, detail: str, faults: Faults) -> Slip:
        """A slip of the backward pass."""
        return Slip(
            cause, detail, lambda _, passes: backward_with(network, passes, faults)
        )

    for layers, words in _groups([n for n in square if n > 1]):
        detail = f"{words}: the error is handed back by W, not by its transpose"
        yield faulty("transpose", detail, Faults(turned=layers))
    for layers, words in _groups(square):
        detail = f"{words}: ∂J/∂W is transposed"
        yield faulty("transpose", detail, Faults(turned_result=layers))
    sloped = [n for n in every if network.layers[n - 1].activation != "identity"]
    for layers, words in _groups(sloped, whole=("every layer", "every hidden layer")):
        detail = f"{words}: the activation's slope is left out"
        yield faulty("missing slope", detail, Faults(flat=layers))
    if network.biases is not False:
        for layers, words in _groups(list(every)):
            detail = f"{words}: the bias is left out of the forward pass"
            yield Slip("missing bias", detail, _unbiased(network, layers))
    yield from _shifted(network, widths, faulty)


def _groups(
    layers: list[int], whole: tuple[str, ...] = ("every layer",)
) -> Iterator[tuple[frozenset[int], str]]:
    """Each layer alone, then all of them, then all but the last if that is named."""
    for layer in layers:
        yield frozenset([layer]), f"layer {layer}"
    if len(layers) > 1:
        yield frozenset(layers), whole[0]
    if len(layers) > 2 and len(whole) > 1:
        yield frozenset(layers[:-1]), whole[1]


def _shifted(
    network: Network,
    widths: tuple[int, ...],
    faulty: Callable[[Cause, str, Faults], Slip],
) -> Iterator[Slip]:
    """A neighbour layer's numbers where their count fits."""
    depth = len(network.layers)
    for by in (1, -1):
        entering = {
            n: by
            for n in range(1, depth + 1)
            if 0 <= n - 1 + by <= depth and widths[n - 1 + by] == widths[n - 1]
        }
        inner = {
            n: by
            for n in range(1, depth + 1)
            if 1 <= n + by <= depth and widths[n + by] == widths[n]
        }
        word = "above" if by > 0 else "below"
        for field, fits, what in (
            ("entering", entering, "∂J/∂W takes the units"),
            ("slope", inner, "the slope is taken at the z"),
            ("error", inner, "∂J/∂W takes the error term"),
        ):
            for layers, words in _groups(list(fits)):
                chosen = dict.fromkeys(layers, by)
                detail = f"{words}: {what} of the layer {word}"
                faults = replace(Faults(), **{field: chosen})
                yield faulty("layer shifted", detail, faults)


def _unbiased(
    network: Network, layers: frozenset[int]
) -> Callable[[Values, Passes], dict[str, float]]:
    """The gradient of the network with some biases taken as 0."""
    ids = [
        name
        for name in engine.parameters(network)
        if name[0] == "b" and int(name[1:].partition("_")[0]) in layers
    ]

    def gradient(values: Values, _: Passes) -> dict[str, float]:
        """The engine's gradient there."""
        return dict(
            engine.gradient(network, {**values, **dict.fromkeys(ids, 0.0)}).gradient
        )

    return gradient


def backward_with(network: Network, passes: Passes, faults: Faults) -> dict[str, float]:
    """The gradient by id of a backward pass with faults in it."""
    slope, entering, error = (
        faults.slope or {},
        faults.entering or {},
        faults.error or {},
    )
    deltas: dict[int, Any] = {}
    for number in range(len(passes), 0, -1):
        layer = passes[number - 1]
        if number == len(passes):
            if number not in faults.flat and number not in slope:
                deltas[number] = layer.delta
                continue
            handed = layer.sensitivity
        else:
            weights = passes[number].weights
            turned = weights.T if number + 1 in faults.turned else weights
            handed = turned @ deltas[number + 1]
        sloped = passes[number - 1 + slope.get(number, 0)]
        deltas[number] = handed if number in faults.flat else _through(sloped, handed)
    units = [passes[0].below, *(layer.h for layer in passes)]
    found: dict[str, float] = {}
    for number in range(1, len(passes) + 1):
        below = units[number - 1 + entering.get(number, 0)]
        delta = deltas[number + error.get(number, 0)]
        weights = np.outer(below, delta)
        if number in faults.turned_result:
            weights = weights.T
        found |= _by_id(network, number, weights, delta)
    return found


def _through(layer: LayerPass, handed: Array) -> Array:
    """What is handed back, through the activation."""
    if layer.slope is None:
        return layer.h * (handed - np.sum(layer.h * handed))
    return handed * layer.slope


def _by_id(
    network: Network, number: int, weights: Array, delta: Array
) -> dict[str, float]:
    """One layer's weights and biases by id."""
    inputs, units = weights.shape
    found = {
        f"w{number}_{i + 1}_{j + 1}": weights[i, j]
        for j in range(units)
        for i in range(inputs)
    }
    if network.biases == "unit":
        found |= {f"b{number}_{j + 1}": delta[j] for j in range(units)}
    elif network.biases == "layer":
        found[f"b{number}"] = np.sum(delta)
    return found
