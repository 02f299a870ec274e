"""The engine against engines that nobody here wrote, and against plain differences.

HIPS autograd differentiates networks written in this file; mpmath takes differences of
networks written out unit by unit in conftest.py; PyTorch and JAX where installed.
"""

from itertools import pairwise

import autograd
import autograd.numpy as anp
import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx

from symbackprop.errors import InputError
from symbackprop.graph.build import graph_of
from symbackprop.network import ACTIVATIONS, LOSSES, Layer, Network
from symbackprop.reference import engine, tape
from symbackprop.reference.arithmetic import elementwise
from symbackprop.reference.engine import (
    gradient,
    leaves,
    loss_of,
    not_analytic,
    parameters,
)

# ---- networks in autograd's NumPy, or in PyTorch, layer by layer


def activations(np_):
    """The activations as a book writes them."""
    return {
        "identity": lambda z: z,
        "sigmoid": lambda z: 1 / (1 + np_.exp(-z)),
        "tanh": np_.tanh,
        "relu": lambda z: z * (z > 0),
        "leaky_relu": lambda z: z * (z > 0) + 0.01 * z * (z <= 0),
        "softplus": lambda z: np_.log(1 + np_.exp(z)),
        "silu": lambda z: z / (1 + np_.exp(-z)),
        "softmax": lambda z: np_.exp(z) / np_.sum(np_.exp(z)),
    }


def losses(np_, y, o):
    """The losses as a book writes them."""
    return {
        "squared_error": lambda: np_.sum((y - o) ** 2),
        "half_squared_error": lambda: np_.sum((y - o) ** 2) / 2,
        "mean_squared_error": lambda: np_.sum((y - o) ** 2) / len(o),
        "binary_cross_entropy": lambda: (
            -np_.sum(y * np_.log(o) + (1 - y) * np_.log(1 - o))
        ),
        "categorical_cross_entropy": lambda: -np_.sum(y * np_.log(o)),
    }


def arrays_of(network, values):
    """x, y, weight matrices and biases of a network, by their ids."""
    x = np.array([values[f"x{i + 1}"] for i in range(network.inputs)])
    widths = [network.inputs, *(layer.units for layer in network.layers)]
    y = np.array([values[f"y{k + 1}"] for k in range(widths[-1])])
    weights, biases = [], []
    for number, (n, m) in enumerate(pairwise(widths), 1):
        weights.append(
            np.array(
                [
                    [values[f"w{number}_{i + 1}_{j + 1}"] for j in range(m)]
                    for i in range(n)
                ]
            )
        )
        if network.biases == "unit":
            biases.append(np.array([values[f"b{number}_{j + 1}"] for j in range(m)]))
        else:
            biases.append(np.array([values.get(f"b{number}", 0.0)]))
    return x, y, weights, biases


def written(np_, network, x, y, weights, biases):
    """The loss in another library."""
    h = x
    rows = activations(np_)
    for layer, w, b in zip(network.layers, weights, biases, strict=True):
        h = rows[layer.activation](h @ w + b)
    return losses(np_, y, h)[network.loss]()


def by_id(network, x, y, weights, biases):
    """Arrays of slopes under the ids of the file format."""
    found = {f"x{i}": v for i, v in enumerate(x, 1)}
    found |= {f"y{k}": v for k, v in enumerate(y, 1)}
    for number, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        for (i, j), value in np.ndenumerate(w):
            found[f"w{number}_{i + 1}_{j + 1}"] = value
        if network.biases == "unit":
            found |= {f"b{number}_{j}": value for j, value in enumerate(b, 1)}
        elif network.biases == "layer":
            found[f"b{number}"] = b[0]
    return found


def autograds(network, values):
    """Loss and gradient by HIPS autograd."""
    parts = arrays_of(network, values)

    def loss(given):
        return written(anp, network, *given)

    value, slopes = autograd.value_and_grad(loss)(parts)
    return value, by_id(network, *slopes)


def distance(network, values) -> float:
    """The largest difference between engine and autograd, beside the largest slope."""
    value, slopes = autograds(network, values)
    found = gradient(network, values)
    ours = {**found.leaves, **found.gradient}
    assert set(ours) == set(slopes)
    size = max(map(abs, slopes.values()))
    error = max(abs(ours[name] - slope) for name, slope in slopes.items())
    return max(error / size, abs(found.loss - value) / abs(value))


# ---- against autograd

OUTPUTS = [
    *(("identity", loss) for loss in LOSSES[:3]),
    *(("sigmoid", loss) for loss in LOSSES),
    *(("softmax", loss) for loss in LOSSES),
    ("tanh", "binary_cross_entropy"),
    ("softplus", "categorical_cross_entropy"),
    ("relu", "mean_squared_error"),
]
HIDDEN = [name for name in ACTIVATIONS if name != "gelu"]


@pytest.mark.parametrize(("output", "loss"), OUTPUTS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_the_engine_agrees_with_autograd(hidden, output, loss, written_out):
    network = written_out.network_of((3, 4, 2, 3), hidden, output, loss)
    values = written_out.values_of(leaves(network), 5)
    if output in ("tanh", "softplus"):  # outputs where their logarithms exist
        values |= {f"w3_{i}_{k}": 0.05 for i in (1, 2) for k in (1, 2, 3)}
        values |= {f"b3_{k}": 0.4 for k in (1, 2, 3)}
    assert distance(network, values) < 1e-13


@pytest.mark.parametrize("biases", ["unit", "layer", False])
def test_biases_of_each_kind_and_a_deep_network(biases, written_out):
    network = written_out.network_of(
        (2, 5, 1, 4, 2, 3), "tanh", "sigmoid", "half_squared_error", biases
    )
    for seed in range(5):
        values = written_out.values_of(leaves(network), seed)
        assert distance(network, values) < 1e-13


@pytest.mark.parametrize("activation", HIDDEN)
def test_a_wrong_slope_would_be_seen(activation, monkeypatch, written_out):
    network = written_out.network_of((2, 3, 2), activation, activation, LOSSES[0])
    values = written_out.values_of(leaves(network), 1)
    assert distance(network, values) < 1e-13
    if activation == "softmax":
        monkeypatch.setattr(engine, "softmax", lambda z: tape.softmax(z * 1.000001))
    else:
        row = tape.ROWS[activation]
        wrong = tape.Row(row.value, lambda a, z, y: row.slope(a, z, y) + 1e-9)
        monkeypatch.setattr(tape, "ROWS", {**tape.ROWS, activation: wrong})
    assert distance(network, values) > 1e-11


@pytest.mark.parametrize("loss", LOSSES)
def test_a_wrong_loss_would_be_seen(loss, monkeypatch, written_out):
    network = written_out.network_of((2, 3, 2), "tanh", "softmax", loss)
    values = written_out.values_of(leaves(network), 1)
    right = engine.log_odds
    monkeypatch.setattr(engine, "log_odds", lambda z: right(z) * (1 + 1e-9))
    if not loss.endswith("cross_entropy"):
        monkeypatch.setattr(engine, "softmax", lambda z: tape.softmax(z) + 1e-9)
    assert distance(network, values) > 1e-11


def test_a_transposed_product_would_be_seen(monkeypatch, written_out):
    network = written_out.network_of((3, 3, 3), "tanh", "identity", LOSSES[0])
    values = written_out.values_of(leaves(network), 1)

    def transposed(v, matrix):
        a, w = v.value, matrix.value
        return v.made(a @ w, (v, lambda g: w.T @ g), (matrix, lambda g: np.outer(a, g)))

    assert distance(network, values) < 1e-13
    monkeypatch.setattr(tape.Var, "times", transposed)
    assert distance(network, values) > 1e-11


# ---- against mpmath, to 50 digits

CASES = [
    ("sigmoid", "sigmoid", "binary_cross_entropy"),
    ("gelu", "gelu", "mean_squared_error"),
    ("silu", "softmax", "categorical_cross_entropy"),
    ("softmax", "softmax", "binary_cross_entropy"),
    ("leaky_relu", "softplus", "squared_error"),
    ("tanh", "identity", "half_squared_error"),
]


@pytest.mark.parametrize("scale", [1e-5, 1.0, 10.0])
@pytest.mark.parametrize("case", CASES)
def test_every_slope_agrees_with_fifty_digits(case, scale, written_out):
    network = written_out.network_of((2, 3, 2), *case)
    values = written_out.values_of(leaves(network), 7, scale)
    found = gradient(network, values)
    with mp.workdps(80):
        value = written_out.loss(network, {k: mp.mpf(v) for k, v in values.items()})
    assert found.loss == pytest.approx(float(value), rel=1e-13)
    slopes = {**found.gradient, **found.leaves}
    true = {name: float(written_out.slope(network, values, name)) for name in values}
    for part in (found.gradient, found.leaves):
        # Differences at 200 digits know nothing below 1e-60.
        least = max(1e-14 * max(abs(true[name]) for name in part), 1e-60)
        for name in part:
            close = pytest.approx(true[name], rel=1e-11, abs=least)
            assert slopes[name] == close


@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
def test_a_saturated_output_keeps_its_digits(output, loss, written_out):
    network = written_out.network_of((1, 2), "tanh", output, loss, biases=False)
    values = {"x1": 1.0, "y1": 1.0, "y2": 0.0, "w1_1_1": 45.0, "w1_1_2": -45.0}
    found = gradient(network, values)
    with mp.workdps(80):
        value = written_out.loss(network, {k: mp.mpf(v) for k, v in values.items()})
    assert 0 < found.loss == pytest.approx(float(value), rel=1e-13)
    true = float(written_out.slope(network, values, "w1_1_1"))
    assert found.gradient["w1_1_1"] == pytest.approx(true, rel=1e-13)
    assert abs(found.gradient["w1_1_1"]) < 1e-18


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "categorical_cross_entropy"])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_units_far_out_overflow_nowhere(output, loss, written_out):
    network = written_out.network_of((1, 3), "tanh", output, loss, biases=False)
    values = {"x1": 1.0, "y1": 1.0, "y2": 0.0, "y3": 0.0}
    values |= {"w1_1_1": -1000.0, "w1_1_2": 1000.0, "w1_1_3": 0.0}
    found = gradient(network, values)
    assert found.loss >= 1000
    assert found.gradient["w1_1_1"] == -1.0
    assert all(map(np.isfinite, found.gradient.values()))


def test_balls_hold_the_true_gradient(written_out):
    network = written_out.network_of((2, 2, 2), "silu", "softmax", LOSSES[4])
    values = written_out.values_of(leaves(network), 3)
    before, ctx.dps = ctx.dps, 60
    try:
        balls = elementwise(
            {
                "exp": arb.exp,
                "log": arb.log,
                "sqrt": arb.sqrt,
                "erf": arb.erf,
                "erfc": arb.erfc,
                "absolute": abs,
                "step": lambda z: arb(1) if z > 0 else arb(0),
                "maximum": arb.max,
            },
            arb.pi(),
        )
        exact = {name: arb(value) for name, value in values.items()}
        found = gradient(network, exact, balls)
        for name in parameters(network):
            true = arb(mp.nstr(written_out.slope(network, values, name, 150), 45))
            assert abs(found.gradient[name] - true) < 1e-40
    finally:
        ctx.dps = before


# ---- what comes back


@pytest.fixture
def small():
    return Network(2, (Layer(3, "tanh"), Layer(2, "sigmoid")), "squared_error")


@pytest.mark.parametrize("biases", ["unit", "layer", False])
def test_the_ids_are_those_of_the_graph_in_its_order(biases):
    layers = (Layer(3, "tanh"), Layer(2, "sigmoid"), Layer(2, "identity"))
    network = Network(2, layers, "squared_error", biases)
    graph = graph_of(network)
    assert parameters(network) == tuple(name.id for name in graph.wrt)
    inner = [node.name.id for node in graph.nodes if node.body is None]
    assert sorted(leaves(network)) == sorted(inner)


def test_a_batch_is_a_batch_of_separate_questions(small, written_out):
    rows = [written_out.values_of(leaves(small), seed) for seed in range(4)]
    batch = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    batch["b1_2"] = 0.25  # one number for all samples
    found = gradient(small, batch)
    assert found.loss.shape == (4,)
    for n, row in enumerate(rows):
        single = gradient(small, row | {"b1_2": 0.25})
        assert found.loss[n] == pytest.approx(single.loss, rel=1e-15)
        for name, slope in single.by_id.items():
            assert found.by_id[name][n] == pytest.approx(slope, rel=1e-13)
    assert found.gradient["b1_2"].shape == (4,)


def test_every_named_quantity_has_its_derivative(small, written_out):
    values = written_out.values_of(leaves(small), 2)
    found = gradient(small, values)
    nodes = {node.name.id for node in graph_of(small).nodes}
    assert set(found.by_id) == {n for n in nodes if n[0] not in "JL"}
    for layer in found.layers:
        assert layer.h == pytest.approx(
            {"tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}[
                layer.activation
            ](layer.z)
        )
        assert layer.z == pytest.approx(layer.below @ layer.weights + layer.bias)
        assert layer.delta == pytest.approx(layer.sensitivity * layer.slope)
    first, last = found.layers
    assert first.sensitivity == pytest.approx(last.weights @ last.delta)
    assert found.gradient["w2_3_1"] == pytest.approx(last.below[2] * last.delta[0])
    assert last.sensitivity[1] == pytest.approx(2 * (last.h[1] - values["y2"]))


@pytest.mark.parametrize("loss", LOSSES[3:])
@pytest.mark.parametrize("output", ["sigmoid", "softmax"])
def test_a_cross_entropy_has_its_slope_by_the_output(output, loss, written_out):
    network = written_out.network_of((2, 2), "tanh", output, loss)
    values = written_out.values_of(leaves(network), 2)
    found = gradient(network, values)
    o, y = found.layers[-1].h, np.array([values["y1"], values["y2"]])
    rest = (1 - y) / (1 - o) if loss == "binary_cross_entropy" else 0
    assert found.layers[-1].sensitivity == pytest.approx(-y / o + rest)
    values |= {"w1_1_1": -9e3, "w1_2_1": -9e3}
    found = gradient(network, values)
    assert np.isnan(found.by_id["o1"])
    assert np.isfinite(found.by_id["z1_1"])


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
def test_the_type_of_the_values_is_kept(kind, small, written_out):
    values = written_out.values_of(leaves(small), 2)
    found = gradient(small, {n: np.array([value], kind) for n, value in values.items()})
    assert {np.asarray(slope).dtype for slope in found.by_id.values()} == {
        np.dtype(kind)
    }
    exact = gradient(small, values)
    close = pytest.approx(exact.gradient["w1_2_3"], rel=1e-5)
    assert found.gradient["w1_2_3"] == close


def test_longdouble_carries_more_digits(small, written_out):
    if np.finfo(np.longdouble).eps >= np.finfo(float).eps:
        pytest.skip("longdouble is no wider than float64 here")
    values = written_out.values_of(leaves(small), 2)
    wide = {name: np.longdouble(value) for name, value in values.items()}
    found = gradient(small, wide).gradient["w1_2_3"]
    with mp.workdps(40):
        head = float(found)
        value = mp.mpf(head) + mp.mpf(float(found - np.longdouble(head)))
        true = written_out.slope(small, values, "w1_2_3")
        assert abs(value / true - 1) < 1e-17


def test_whole_numbers_are_numbers(small):
    found = gradient(small, dict.fromkeys(leaves(small), 1))
    assert found.loss.dtype == float


def test_one_unit_of_softmax_is_always_one():
    network = Network(1, (Layer(1, "softmax"),), "categorical_cross_entropy")
    found = gradient(network, {"x1": 2.0, "y1": 1.0, "w1_1_1": 3.0, "b1_1": 0.5})
    assert found.loss == 0
    assert set(found.gradient.values()) == {0.0}


def test_a_thousand_layers():
    network = Network(1, (Layer(1, "tanh"),) * 1000)
    values = dict.fromkeys(leaves(network), 1.0)
    assert np.isfinite(gradient(network, values).gradient["w1_1_1"])


# ---- the loss alone


def test_the_loss_alone_is_real_or_complex(small, written_out):
    values = written_out.values_of(leaves(small), 2)
    found = gradient(small, values)
    assert loss_of(small)(values) == found.loss
    moved = values | {"w1_1_1": values["w1_1_1"] + 1e-20j}
    assert loss_of(small)(moved).imag / 1e-20 == pytest.approx(
        found.gradient["w1_1_1"], rel=1e-13
    )


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "gelu"])
def test_what_bars_the_complex_step_is_named(activation):
    network = Network(1, (Layer(1, activation), Layer(1, "tanh")))
    assert not_analytic(network) == (activation,)
    values = dict.fromkeys(leaves(network), 0.5 + 1e-20j)
    with pytest.raises(InputError, match="complex"):
        loss_of(network)(values)


@pytest.mark.parametrize(
    "activation", sorted(set(ACTIVATIONS) - {"relu", "leaky_relu", "gelu"})
)
def test_the_rest_is_analytic(activation):
    network = Network(2, (Layer(2, activation), Layer(2, activation)))
    assert not_analytic(network) == ()
    values = dict.fromkeys(leaves(network), 0.5 + 1e-20j)
    assert np.isfinite(loss_of(network)(values))


# ---- refusals

BAD = [
    ({"w1_1_1": None}, "no value for w1_1_1"),
    ({"w9": 1.0}, "unknown id 'w9'"),
    ({"x1": float("nan")}, "the value of x1 is not finite"),
    ({"x1": np.array([1.0, np.inf])}, "the value of x1 is not finite"),
    ({"x1": np.zeros(2), "x2": np.zeros(3)}, "batches of different sizes"),
    ({"x1": np.zeros((2, 2))}, "expected one batch axis"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_unusable_values_are_refused(change, message, small):
    values = {**dict.fromkeys(leaves(small), 0.5), **change}
    values = {name: value for name, value in values.items() if value is not None}
    with pytest.raises(InputError, match=message):
        gradient(small, values)


@pytest.mark.parametrize("output", ["identity", "tanh", "relu"])
def test_a_logarithm_outside_its_domain_is_refused(output):
    network = Network(1, (Layer(1, output),), "binary_cross_entropy", biases=False)
    values = {"x1": 1.0, "y1": 0.5, "w1_1_1": -2.0}
    with pytest.raises(InputError, match="undefined"):
        gradient(network, values)
    assert np.isnan(loss_of(network)(values))


# ---- other engines, where they are installed


def test_the_engine_agrees_with_pytorch(written_out):
    torch = pytest.importorskip("torch")
    network = written_out.network_of((2, 3, 2), "tanh", "sigmoid", LOSSES[3])
    values = written_out.values_of(leaves(network), 4)
    x, y, weights, biases = arrays_of(network, values)
    parts = [torch.tensor(part, requires_grad=True) for part in (*weights, *biases)]
    count = len(weights)
    given = (torch.tensor(x), torch.tensor(y), parts[:count], parts[count:])
    written(torch, network, *given).backward()
    slopes = [part.grad.numpy() for part in parts]
    true = by_id(network, [], [], slopes[:count], slopes[count:])
    true = {name: float(slope) for name, slope in true.items()}
    found = gradient(network, values).gradient
    ours = {name: float(slope) for name, slope in found.items()}
    assert ours == pytest.approx(true, rel=1e-12)


def test_the_engine_agrees_with_jax(written_out):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)  # noqa: FBT003 - its own signature
    network = written_out.network_of((2, 3, 2), "silu", "softmax", LOSSES[4])
    values = written_out.values_of(leaves(network), 4)
    slopes = jax.grad(lambda given: written(jax.numpy, network, *given))(
        arrays_of(network, values)
    )
    true = by_id(network, *jax.tree.map(np.asarray, slopes))
    true = {name: float(slope) for name, slope in true.items()}
    found = gradient(network, values)
    ours = {**found.gradient, **found.leaves}
    ours = {name: float(slope) for name, slope in ours.items()}
    assert ours == pytest.approx(true, rel=1e-12)
