"""Backpropagation of a Network on the tape: an outside witness for every gradient.

It reads the network itself, never a graph or a derivation made of it. All results are
per sample: a leading batch axis of the values is a batch of separate questions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from symbackprop.errors import InputError
from symbackprop.network import Layer, Network
from symbackprop.reference.arithmetic import NUMPY, Arithmetic, Numbers
from symbackprop.reference.tape import (
    FUNCTIONS,
    ROWS,
    Var,
    derivatives,
    log_odds,
    softmax,
)

Values: TypeAlias = Mapping[str, Numbers]
"""A number or an array of samples for each id."""


@dataclass(frozen=True, slots=True)
class LayerPass:
    """One layer, forward and backward; the last axis counts units.

    dJ/dW[i, j] = below[i] delta[j]. `slope` is a'(z), None for softmax; `sensitivity`
    is dJ/dh, nan where it is too large to be a number though `delta` is not.
    """

    activation: str
    below: Numbers
    weights: Numbers
    bias: Numbers
    z: Numbers
    h: Numbers
    slope: Numbers
    sensitivity: Numbers
    delta: Numbers


@dataclass(frozen=True, slots=True)
class Backward:
    """The loss of a network and its derivatives by parameters, inputs and targets."""

    loss: Numbers
    gradient: Mapping[str, Numbers]
    leaves: Mapping[str, Numbers]
    layers: tuple[LayerPass, ...]

    @property
    def by_id(self) -> dict[str, Numbers]:
        """The derivative of the loss by every named quantity."""
        found = {**self.gradient, **self.leaves}
        last = len(self.layers)
        for number, layer in enumerate(self.layers, 1):
            for k in range(layer.z.shape[-1]):
                unit = f"o{k + 1}" if number == last else f"h{number}_{k + 1}"
                found[f"z{number}_{k + 1}"] = layer.delta[..., k]
                found[unit] = layer.sensitivity[..., k]
        return found


def parameters(network: Network) -> tuple[str, ...]:
    """The ids of weights and biases, layer by layer, as a graph lists them."""
    found: list[str] = []
    below = network.inputs
    for number, layer in enumerate(network.layers, 1):
        found += [
            f"w{number}_{i}_{j}"
            for j in range(1, layer.units + 1)
            for i in range(1, below + 1)
        ]
        found += _bias_ids(network, number, layer)
        below = layer.units
    return tuple(found)


def leaves(network: Network) -> tuple[str, ...]:
    """The ids of inputs, targets and parameters."""
    x = [f"x{i}" for i in range(1, network.inputs + 1)]
    y = [f"y{k}" for k in range(1, network.layers[-1].units + 1)]
    return (*x, *y, *parameters(network))


def not_analytic(network: Network) -> tuple[str, ...]:
    """The activations that bar the complex step: a kink, or no complex erf."""
    barred = ("relu", "leaky_relu", "gelu")
    used = {layer.activation for layer in network.layers}
    return tuple(name for name in barred if name in used)


def gradient(
    network: Network, values: Values, arithmetic: Arithmetic = NUMPY
) -> Backward:
    """The loss and all of its derivatives at these values, by reverse mode."""
    run = _run(network, values, arithmetic)
    loss = np.asarray(run.loss.value)
    if loss.dtype != object and not np.all(np.isfinite(loss)):
        raise InputError(
            f"the loss {network.loss} is undefined or overflows at these values",
            hint="a cross-entropy needs outputs between 0 and 1",
        )
    inner = [var for z, h in run.units for var in (z, h)]
    found = derivatives(run.loss, [run.x, run.y, *run.weights, *run.biases, *inner])
    x, y, found = found[0], found[1], found[2:]
    count = len(network.layers)
    weights, found = found[:count], found[count:]
    biases, found = found[: len(run.biases)], found[len(run.biases) :]
    return Backward(
        run.loss.value,
        MappingProxyType(_parameter_slopes(run.ids, weights, biases)),
        MappingProxyType({**_numbered("x", x), **_numbered("y", y)}),
        tuple(
            _layer_pass(network, run, number, found[2 * number], found[2 * number + 1])
            for number in range(count)
        ),
    )


def loss_of(
    network: Network, arithmetic: Arithmetic = NUMPY
) -> Callable[[Values], Numbers]:
    """The loss as a function of the values, real or complex; nan where undefined."""
    return lambda values: _run(network, values, arithmetic).loss.value


# ---- forward


@dataclass(frozen=True, slots=True)
class _Run:
    """The tape of one forward pass, and the ids of its parameters."""

    ids: tuple[str, ...]
    x: Var
    y: Var
    weights: list[Var]
    biases: list[Var]
    units: list[tuple[Var, Var]]
    loss: Var


def _run(network: Network, values: Values, arithmetic: Arithmetic) -> _Run:
    """The forward pass."""
    ids = leaves(network)
    block = _block(ids, values)
    taken = 0

    def take(*shape: int) -> Var:
        """The next leaves as one array, units last."""
        nonlocal taken
        size = int(np.prod(shape))
        part = block[taken : taken + size].reshape(*shape, *block.shape[1:])
        taken += size
        batch_first = np.moveaxis(part, range(len(shape)), range(-len(shape), 0))
        return Var(batch_first, arithmetic)

    x, y = take(network.inputs), take(network.layers[-1].units)
    weights: list[Var] = []
    biases: list[Var] = []
    units: list[tuple[Var, Var]] = []
    below = x
    for layer in network.layers:
        stored = take(layer.units, below.value.shape[-1])
        weights.append(Var(np.swapaxes(stored.value, -1, -2), arithmetic))
        z = below.times(weights[-1])
        if network.biases is not False:
            biases.append(take(layer.units if network.biases == "unit" else 1))
            z = z + biases[-1]
        softened = layer.activation == "softmax"
        below = softmax(z) if softened else FUNCTIONS[layer.activation](z)
        units.append((z, below))
    loss = _loss(network, y, *units[-1])
    first = x.value.shape[-1] + y.value.shape[-1]
    return _Run(ids[first:], x, y, weights, biases, units, loss)


def _block(ids: Sequence[str], values: Values) -> Numbers:
    """The values as one array: ids first, samples after."""
    missing = [name for name in ids if name not in values]
    if missing:
        raise InputError(f"no value for {missing[0]}", hint=f"{len(ids)} are needed")
    if len(values) > len(ids):
        unknown = min(set(values) - set(ids))
        raise InputError(f"unknown id {unknown!r}", hint="known: " + ", ".join(ids))
    given = [values[name] for name in ids]
    if all(type(value) is float for value in given):
        block = np.array(given)
    else:
        arrays = [np.asarray(value) for value in given]
        try:
            batch = np.broadcast_shapes(*{array.shape for array in arrays})
        except ValueError as error:
            raise InputError("the values have batches of different sizes") from error
        if len(batch) > 1:
            raise InputError(f"expected one batch axis, found shape {batch}")
        kind = np.result_type(*{array.dtype for array in arrays})
        block = np.empty((len(ids), *batch), float if kind.kind in "iub" else kind)
        for row, array in enumerate(arrays):
            block[row] = array
    if block.dtype != object and not np.all(np.isfinite(block)):
        bad = ids[int(np.argwhere(~np.isfinite(block))[0][0])]
        raise InputError(f"the value of {bad} is not finite")
    return block


def _loss(network: Network, y: Var, z: Var, o: Var) -> Var:
    """The loss of outputs o with pre-activations z; cross-entropies from z."""
    count = o.value.shape[-1]
    error = y - o
    match network.loss:
        case "squared_error":
            return (error * error).sum()
        case "half_squared_error":
            return (error * error).sum() / 2
        case "mean_squared_error":
            return (error * error).sum() / count
        case "binary_cross_entropy":
            on, off = _logarithms(network.layers[-1], z, o)
            return -(y * on + (1 - y) * off).sum()
        case "categorical_cross_entropy":
            on, _ = _logarithms(network.layers[-1], z, o)
            return -(y * on).sum()
        case other:
            raise InputError(f"the reference engine has no loss {other}")


def _logarithms(layer: Layer, z: Var, o: Var) -> tuple[Var, Var]:
    """log o and log(1 - o), where possible from z: right for saturated units."""
    softplus = FUNCTIONS["softplus"]
    if layer.activation == "softmax" and layer.units == 1:
        one = z * 0
        return one, FUNCTIONS["log"](one)
    if layer.activation in ("sigmoid", "softmax"):
        odds = z if layer.activation == "sigmoid" else log_odds(z)
        return -softplus(-odds), -softplus(odds)
    if layer.activation == "tanh":
        two = z.value * 0 + 2
        return FUNCTIONS["log"](o), FUNCTIONS["log"](z.lifted(two)) - softplus(z * 2)
    return FUNCTIONS["log"](o), FUNCTIONS["log"](1 - o)


# ---- backward, by id


def _bias_ids(network: Network, number: int, layer: Layer) -> list[str]:
    """The ids of one layer's biases."""
    if network.biases == "unit":
        return [f"b{number}_{j}" for j in range(1, layer.units + 1)]
    return [f"b{number}"] if network.biases == "layer" else []


def _parameter_slopes(
    ids: Sequence[str], weights: Sequence[Numbers], biases: Sequence[Numbers]
) -> dict[str, Numbers]:
    """The derivatives by weights and biases, under their ids."""
    rows: list[Numbers] = []
    for number, weight in enumerate(weights):
        units_first = np.moveaxis(weight, (-1, -2), (0, 1))
        rows += list(units_first.reshape(-1, *weight.shape[:-2]))
        if biases:
            rows += list(np.moveaxis(biases[number], -1, 0))
    return dict(zip(ids, rows, strict=True))


def _numbered(letter: str, slopes: Numbers) -> dict[str, Numbers]:
    """The derivatives by x1, x2, … or by y1, y2, … in order."""
    rows = np.moveaxis(slopes, -1, 0)
    return {f"{letter}{k}": row for k, row in enumerate(rows, 1)}


def _layer_pass(
    network: Network, run: _Run, number: int, delta: Numbers, sensitivity: Numbers
) -> LayerPass:
    """What one layer did, from the tape."""
    layer, (z, h) = network.layers[number], run.units[number]
    if number == len(network.layers) - 1 and network.loss.endswith("cross_entropy"):
        sensitivity = _output_sensitivity(network, run)
    a, name = z.arithmetic, layer.activation
    return LayerPass(
        activation=name,
        below=run.units[number - 1][1].value if number else run.x.value,
        weights=run.weights[number].value,
        bias=run.biases[number].value if run.biases else None,
        z=z.value,
        h=h.value,
        slope=None if name == "softmax" else ROWS[name].slope(a, z.value, h.value),
        sensitivity=sensitivity,
        delta=delta,
    )


def _output_sensitivity(network: Network, run: _Run) -> Numbers:
    """dJ/do of a cross-entropy, which the tape passed by: -y/o + (1 - y)/(1 - o)."""
    (z, o), y, a = run.units[-1], run.y.value, run.x.arithmetic
    on, off = _logarithms(network.layers[-1], z, o)
    pulled = -y / _nonzero(a.exp(on.value))
    if network.loss == "categorical_cross_entropy":
        return pulled
    return pulled + (1 - y) / _nonzero(a.exp(off.value))


def _nonzero(share: Numbers) -> Numbers:
    """A divisor, nan where its quotient would overflow."""
    if share.dtype == object:
        return share
    least = np.finfo(share.dtype).tiny
    return np.where(share > least, share, np.nan)
