"""How far right code in float64 may be off at a point, and where it is not.

The bound follows the rounding of each operation through a textbook's backpropagation
(slopes from the output, as in h(1-h)) to first order. It excuses nothing by itself: an
entry that rounding may have hidden is asked for again at a companion point.
"""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from symbackprop.checks.trials import Trial, scaled
from symbackprop.network import Network
from symbackprop.reference import engine
from symbackprop.reference.engine import Backward, LayerPass

Array: TypeAlias = NDArray[Any]

UNIT = 2.0**-53
ROOM = 16.0
"""What first order leaves out, and other ways to write the same formula."""

COMPANIONS = 3
REACH = 3.0
"""How large |z| may be at a companion point: nothing saturates there."""

LADDER = tuple(2.0**power for power in range(-24, 25))


def allowance(network: Network, backward: Backward) -> dict[str, Any]:
    """The error by id that rounding alone may leave in a gradient in float64."""
    passes = backward.layers
    below_error = UNIT * np.abs(passes[0].below)
    value_errors: list[tuple[Any, Any]] = []
    for layer in passes:
        z_error = _sum_error(layer, below_error)
        h_error = _activation_error(layer, z_error)
        value_errors.append((z_error, h_error))
        below_error = h_error
    by_layer: list[dict[str, Any]] = []
    delta_error: Array = np.zeros(0)
    for number in range(len(passes), 0, -1):
        layer, (z_error, h_error) = passes[number - 1], value_errors[number - 1]
        if number == len(passes):
            delta_error = _output_error(network, layer, z_error, h_error)
        else:
            above = passes[number]
            back = np.abs(above.weights) @ delta_error
            size = np.abs(above.weights) @ np.abs(above.delta)
            back = back + UNIT * (above.weights.shape[-1] + 2) * size
            delta_error = _through(layer, np.abs(layer.sensitivity), back, z_error)
        entering = (
            UNIT * np.abs(layer.below) if number == 1 else value_errors[number - 2][1]
        )
        by_layer.append(_by_id(network, number, layer, entering, delta_error))
    found: dict[str, Any] = {}
    for part in reversed(by_layer):
        found |= part
    return found


def kink_margin(backward: Backward) -> float:
    """How near 0 a kinked unit's z may lie before rounding decides its side.

    0 where no unit is that near.
    """
    margin = 0.0
    below_error = UNIT * np.abs(backward.layers[0].below)
    for layer in backward.layers:
        z_error = _sum_error(layer, below_error)
        if layer.activation in ("relu", "leaky_relu"):
            near = np.abs(layer.z) <= ROOM * z_error
            margin = max(margin, float(np.max(z_error[near], initial=0.0)))
        below_error = _activation_error(layer, z_error)
    return ROOM * margin


def _sum_error(layer: LayerPass, below_error: Array) -> Array:
    """The error of z = Σ w h + b."""
    weights = np.abs(layer.weights)
    size = np.abs(layer.below) @ weights
    if layer.bias is not None:
        size = size + np.abs(layer.bias)
    return below_error @ weights + UNIT * (weights.shape[0] + 2) * size


def _slope_size(layer: LayerPass) -> Array:
    """|a'(z)|; for softmax a bound on every entry of its matrix."""
    return np.abs(layer.h) if layer.slope is None else np.abs(layer.slope)


def _activation_error(layer: LayerPass, z_error: Array) -> Array:
    """The error of h = a(z), tails lost as in 1 + erf."""
    entering = np.max(z_error) * 2 if layer.slope is None else z_error
    return _slope_size(layer) * entering + 4 * UNIT * (np.abs(layer.h) + 1)


def _slope_error(layer: LayerPass, z_error: Array) -> Array:
    """The error of a'(z) where it is computed from h, as 1 - h is."""
    return 2 * z_error + 8 * UNIT * (1 + np.abs(layer.z))


def _through(
    layer: LayerPass, handed: Array, handed_error: Array, z_error: Array
) -> Array:
    """The error of δ = (what is handed back) a'(z)."""
    if layer.slope is None:
        whole = np.sum(np.abs(layer.h) * handed_error)
        spread = np.max(handed) * _slope_error(layer, np.max(z_error))
        return np.abs(layer.h) * (handed_error + whole) + 2 * spread
    first = np.abs(layer.slope) * handed_error
    return first + handed * _slope_error(layer, z_error) + UNIT * np.abs(layer.delta)


def _output_error(
    network: Network, layer: LayerPass, z_error: Array, o_error: Array
) -> Array:
    """The error of δ at the output."""
    if not network.loss.endswith("cross_entropy"):
        return _through(layer, np.abs(layer.sensitivity), 2 * o_error, z_error)
    if layer.activation in ("sigmoid", "softmax"):
        return 2 * np.max(o_error) + 8 * UNIT * (1 + np.abs(layer.delta))
    sensitivity = np.abs(layer.sensitivity)
    steep = 4 * sensitivity * (1 + sensitivity) * (o_error + UNIT)
    return _through(layer, sensitivity, steep, z_error)


def _by_id(
    network: Network, number: int, layer: LayerPass, entering: Array, delta_error: Array
) -> dict[str, Any]:
    """The errors of one layer's weights and biases."""
    delta = np.abs(layer.delta)
    weights = np.outer(np.abs(layer.below), delta_error + UNIT * delta)
    weights = weights + np.outer(entering, delta)
    inputs, units = weights.shape
    ids = [
        f"w{number}_{i}_{j}" for j in range(1, units + 1) for i in range(1, inputs + 1)
    ]
    found = dict(zip(ids, weights.T.reshape(-1), strict=True))
    if network.biases == "unit":
        found |= {f"b{number}_{j + 1}": delta_error[j] for j in range(units)}
    elif network.biases == "layer":
        size = UNIT * units * np.sum(delta)
        found[f"b{number}"] = np.sum(delta_error) + size
    return found


def companions(network: Network, trial: Trial) -> tuple[Trial, ...]:
    """The same point with all weights larger or smaller, so that nothing saturates.

    The first has the largest weights of the ladder that keep every |z| within reach.
    """
    parameters = engine.parameters(network)
    floats = trial.floats
    rows = {
        **floats,
        **{name: floats[name] * np.array(LADDER) for name in parameters},
    }
    reach = np.zeros(len(LADDER))
    with np.errstate(all="ignore"):
        for layer in engine.gradient(_smooth(network), rows).layers:
            reach = np.maximum(reach, np.max(np.abs(layer.z), axis=-1))
    fitting = [scale for scale, z in zip(LADDER, reach, strict=True) if z <= REACH]
    largest = fitting[-1] if fitting else LADDER[0]
    return tuple(
        scaled(trial, parameters, largest / 2.0**number) for number in range(COMPANIONS)
    )


def _smooth(network: Network) -> Network:
    """The same layers under a loss that is defined everywhere."""
    return Network(network.inputs, network.layers, "half_squared_error", network.biases)
