"""Networks written out a second time, unit by unit in mpmath, as the docs say.

Nothing here is shared with the package: it is what the witnesses are held against.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest

from symbackprop.network import Layer, Network

ACTIVATION: dict[str, Callable[[mp.mpf], mp.mpf]] = {
    "identity": lambda z: z,
    "tanh": mp.tanh,
    "relu": lambda z: max(z, mp.mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "softplus": lambda z: mp.log(1 + mp.exp(z)),
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z * mp.ncdf(z),
}
DIGITS = 200


def loss(network: Network, values: Mapping[str, mp.mpf]) -> mp.mpf:
    """J, unit by unit."""
    below = [values[f"x{i + 1}"] for i in range(network.inputs)]
    for number, layer in enumerate(network.layers, 1):
        z = []
        for j in range(1, layer.units + 1):
            total = mp.mpf(0)
            for i, h in enumerate(below, 1):
                total += values[f"w{number}_{i}_{j}"] * h
            if network.biases == "unit":
                total += values[f"b{number}_{j}"]
            elif network.biases == "layer":
                total += values[f"b{number}"]
            z.append(total)
        rest = []
        if layer.activation == "softmax":
            e = [mp.exp(u) for u in z]
            below = [part / sum(e) for part in e]
            rest = [sum(e[:k] + e[k + 1 :]) / sum(e) for k in range(len(e))]
        elif layer.activation == "sigmoid":
            below = [1 / (1 + mp.exp(-u)) for u in z]
            rest = [1 / (1 + mp.exp(u)) for u in z]
        else:
            below = [ACTIVATION[layer.activation](u) for u in z]
    parts = []
    rest = rest or [1 - o for o in below]
    for k, (o, off) in enumerate(zip(below, rest, strict=True), 1):
        y = values[f"y{k}"]
        match network.loss:
            case "squared_error":
                parts.append((y - o) ** 2)
            case "half_squared_error":
                parts.append((y - o) ** 2 / 2)
            case "mean_squared_error":
                parts.append((y - o) ** 2 / len(below))
            case "binary_cross_entropy":
                parts.append(-(y * mp.log(o) + (1 - y) * mp.log(off)))
            case "categorical_cross_entropy":
                parts.append(-y * mp.log(o))
    return sum(parts)


def slope(
    network: Network, values: Mapping[str, float], name: str, digits: int = DIGITS
) -> mp.mpf:
    """dJ by one value: a central difference whose step takes a third of the digits."""
    with mp.workdps(digits):
        exact = {key: mp.mpf(value) for key, value in values.items()}
        h = mp.mpf(10) ** (-digits // 3)
        up = loss(network, {**exact, name: exact[name] + h})
        down = loss(network, {**exact, name: exact[name] - h})
        return (up - down) / (2 * h)


def network_of(
    widths: tuple[int, ...], activation: str, output: str, loss: str, biases="unit"
) -> Network:
    """A network with one activation for the hidden layers and one for the outputs."""
    layers = [Layer(units, activation) for units in widths[1:-1]]
    return Network(widths[0], (*layers, Layer(widths[-1], output)), loss, biases)


def values_of(ids, seed: int, scale: float = 1.0) -> dict[str, float]:
    """Random values: inputs and targets between 0.1 and 0.9, parameters around 0."""
    rng = np.random.default_rng(seed)
    return {
        name: float(scale * rng.normal() if name[0] in "wb" else rng.uniform(0.1, 0.9))
        for name in ids
    }


@pytest.fixture
def written_out() -> SimpleNamespace:
    """The functions of this file."""
    return SimpleNamespace(
        loss=loss, slope=slope, network_of=network_of, values_of=values_of
    )
