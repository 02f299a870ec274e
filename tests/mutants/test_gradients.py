"""Wrong gradients, written by hand in NumPy: each is seen, at every size and scale.

The right code computes slopes as h(1 - h), as everybody does; where units saturate it
loses digits, and that must be told from a wrong formula. Stock checkers miss errors of
1e-6 and more, and the small weights.
"""

from collections.abc import Callable

import numpy as np
import pytest

from symbackprop.checks.report import Report
from symbackprop.examined import check_function
from symbackprop.network import Layer, Network

SEEDS = range(5)
SIZES = (2, 16)
SCALES = (1e-5, 1.0, 10.0, 30.0)
LAYERS = (1, 2)
Matrices = dict[str, np.ndarray]


def network(n: int) -> Network:
    return Network(n, (Layer(n, "sigmoid"), Layer(n, "sigmoid")))


def point(n: int, seed: int, scale: float) -> dict[str, float]:
    """Inputs and targets of ordinary size; weights and biases of the scale's."""
    random = np.random.default_rng(seed)
    units = range(1, n + 1)
    values = {f"x{i}": random.normal() for i in units}
    values |= {f"y{k}": random.uniform(0.05, 0.95) for k in units}
    for layer in LAYERS:
        for j in units:
            for i in units:
                values[f"w{layer}_{i}_{j}"] = scale * random.normal()
            values[f"b{layer}_{j}"] = scale * random.normal()
    return values


def matrices(values: dict[str, float], n: int) -> Matrices:
    """Ids as matrices: W[j, i] goes from unit i to unit j."""
    units = range(1, n + 1)
    found = {
        "x": np.array([values[f"x{i}"] for i in units]),
        "y": np.array([values[f"y{k}"] for k in units]),
    }
    for layer in LAYERS:
        rows = [[values[f"w{layer}_{i}_{j}"] for i in units] for j in units]
        found[f"W{layer}"] = np.array(rows)
        found[f"b{layer}"] = np.array([values[f"b{layer}_{j}"] for j in units])
    return found


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def by_hand(m: Matrices, slip: str) -> Matrices:
    """Backpropagation as a lecture has it, with at most one slip."""
    first_bias = 0 * m["b1"] if slip == "bias forgotten" else m["b1"]
    h = sigmoid(m["W1"] @ m["x"] + first_bias)
    o = sigmoid(m["W2"] @ h + m["b2"])
    last = (o - m["y"]) * (1 if slip == "no slope at the output" else o * (1 - o))
    handed = (m["W2"] if slip == "transposed W" else m["W2"].T) @ last
    first = handed * (1 if slip == "no slope in layer 1" else h * (1 - h))
    below = m["x"] if slip == "layer below" else h
    found = {
        "W1": np.outer(first, m["x"]),
        "b1": first,
        "W2": np.outer(last, below),
        "b2": last,
    }
    match slip:
        case "sign":
            found = {key: -part for key, part in found.items()}
        case "sign of layer 1":
            found |= {"W1": -found["W1"], "b1": -found["b1"]}
        case "sign of layer 2":
            found |= {"W2": -found["W2"], "b2": -found["b2"]}
        case "factor 2":
            found = {key: 2 * part for key, part in found.items()}
        case "no bias gradients":
            found |= {"b1": 0 * first, "b2": 0 * last}
        case "one weight":
            found["W1"][0, 1] *= 1.1
        case _ if slip.startswith("all off by "):
            off = float(slip.removeprefix("all off by "))
            found = {key: part * (1 + off) for key, part in found.items()}
    return found


def gradient_with(slip: str, n: int) -> Callable[[dict[str, float]], np.ndarray]:
    """The function under examination; one array in the order of the parameters."""

    def gradient(values: dict[str, float]) -> np.ndarray:
        found = by_hand(matrices(values, n), slip)
        parts = [found[key].reshape(-1) for key in ("W1", "b1", "W2", "b2")]
        return np.concatenate(parts)

    return gradient


def examined(slip: str, n: int, scale: float, seed: int) -> Report:
    return check_function(gradient_with(slip, n), network(n), point(n, seed, scale))


BACK_BY_W = "layer 2: the error is handed back by W, not by its transpose"
SLIPS = {
    "sign": ("sign", "every weight: the sign is flipped", -1.0),
    "sign of layer 1": ("sign", "the weights of layer 1: the sign is flipped", -1.0),
    "sign of layer 2": ("sign", "the weights of layer 2: the sign is flipped", -1.0),
    "factor 2": ("factor", "every weight: 2 times too large", 2.0),
    "transposed W": ("transpose", BACK_BY_W, None),
    "no slope in layer 1": (
        "missing slope",
        "layer 1: the activation's slope is left out",
        None,
    ),
    "no slope at the output": (
        "missing slope",
        "layer 2: the activation's slope is left out",
        None,
    ),
    "no bias gradients": ("missing bias", "the biases of layer 1, 2: left at 0", 0.0),
    "bias forgotten": (
        "missing bias",
        "layer 1: the bias is left out of the forward pass",
        None,
    ),
    "layer below": (
        "layer shifted",
        "layer 2: ∂J/∂W takes the units of the layer below",
        None,
    ),
    "one weight": ("factor", "w1_2_1 alone: 1.1 times too large", 1.1),
    **{
        f"all off by {size}": (
            "factor",
            f"every weight: {1 + float(size):.12g} times too large",
            1 + float(size),
        )
        for size in ("1e-2", "1e-4", "1e-6", "1e-8", "1e-10")
    },
}
"""The slip, and what the report has to say of it: cause, words, ratio."""


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("slip", SLIPS)
def test_a_wrong_gradient_is_seen_and_explained(
    slip: str, n: int, scale: float
) -> None:
    cause, detail, ratio = SLIPS[slip]
    for seed in SEEDS:
        report = examined(slip, n, scale, seed)
        assert report.outcome == "differs", (seed, report)
        found = [verdict.diagnosis for verdict in report.differing]
        assert {d and (d.cause, d.detail) for d in found} == {(cause, detail)}, seed
        for diagnosis in found:
            assert diagnosis is not None
            assert diagnosis.weight[1] == str(diagnosis.layer)
            if ratio is not None:
                assert diagnosis.ratio is not None
                assert abs(diagnosis.ratio - ratio) <= 1e-12 * abs(ratio)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("n", SIZES)
def test_the_right_gradient_raises_no_alarm(n: int, scale: float) -> None:
    kinds: set[str] = set()
    for seed in SEEDS:
        report = examined("", n, scale, seed)
        assert report.outcome == "agrees", (seed, report)
        kinds |= {verdict.kind for verdict in report.verdicts}
    # From 10 on h(1 - h) has lost digits somewhere, and the report says what that is.
    rounded = {"rounding in float64"} if scale >= 10 else set()
    assert kinds == {"within the bound"} | rounded


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(
    ("slip", "wrong"),
    [("one weight", {"w1_2_1"}), ("layer below", {"2"}), ("sign of layer 1", {"1"})],
)
def test_what_is_right_is_not_called_wrong(
    slip: str, wrong: set[str], scale: float
) -> None:
    """Entries that the slip leaves alone agree, saturated or not."""
    for n in SIZES:
        report = examined(slip, n, scale, 3)
        assert {v.weight for v in report.differing} <= {
            v.weight
            for v in report.verdicts
            if v.weight in wrong or v.weight[1] in wrong
        }


def test_code_that_knows_only_float64_is_told_from_a_wrong_formula() -> None:
    """Without long doubles the companion points decide."""
    for seed in SEEDS:
        for slip in ("", "transposed W", "all off by 1e-10"):
            right = gradient_with(slip, 2)

            def single(values: dict[str, float], right: object = right) -> object:
                assert callable(right)
                return right({name: float(value) for name, value in values.items()})

            report = check_function(single, network(2), point(2, seed, 30.0))
            assert report.outcome == ("differs" if slip else "agrees")
