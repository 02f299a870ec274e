"""Gradients that others wrote: what they may look like, and what the report says."""

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest

from symbackprop import InputError, Layer, Network, load_example
from symbackprop.checks.report import Report, json_of_reports
from symbackprop.examined import check_function
from symbackprop.graph.build import graph_of

Values = Mapping[str, Any]
Given = dict[str, Any]
NET = Network(2, (Layer(2, "sigmoid"), Layer(1, "sigmoid")))
ONE = Network(1, (Layer(1, "sigmoid"),))
SATURATED = {"x1": 1.0, "y1": 0.5, "w1_1_1": 19.3, "b1_1": 1.0}
"""o is 1 - 1.5e-9: of the digits of 1 - o seven are left."""

DEEP = Network(3, (Layer(3, "tanh"), Layer(3, "sigmoid"), Layer(3, "tanh")))


# ---- textbook backpropagation by hand: slopes from the output, nothing stable

_erf = np.vectorize(math.erf, otypes=[float])


def bell(z: np.ndarray) -> np.ndarray:
    return np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def phi(z: np.ndarray) -> np.ndarray:
    return (1 + _erf(z.astype(float) / math.sqrt(2))) / 2


BY_HAND: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "identity": (lambda z: z, lambda z, _: 0 * z + 1),
    "sigmoid": (logistic, lambda _, h: h * (1 - h)),
    "tanh": (np.tanh, lambda _, h: 1 - h * h),
    "relu": (lambda z: np.maximum(z, 0), lambda z, _: (z > 0) * 1.0),
    "leaky_relu": (
        lambda z: np.maximum(z, z / 100),
        lambda z, _: np.where(z > 0, 1, np.asarray(1, z.dtype) / 100),
    ),
    "softplus": (lambda z: np.log(1 + np.exp(z)), lambda z, _: logistic(z)),
    "silu": (
        lambda z: z * logistic(z),
        lambda z, _: logistic(z) + z * logistic(z) * (1 - logistic(z)),
    ),
    "gelu": (lambda z: z * phi(z), lambda z, _: phi(z) + z * bell(z)),
}
BY_OUTPUT: dict[str, Callable[..., Any]] = {
    "squared_error": lambda o, y: 2 * (o - y),
    "half_squared_error": lambda o, y: o - y,
    "mean_squared_error": lambda o, y: 2 * (o - y) / len(o),
    "binary_cross_entropy": lambda o, y: (o - y) / (o * (1 - o)),
    "categorical_cross_entropy": lambda o, y: -y / o,
}


def lecture(network: Network, kind: type = np.longdouble) -> Callable[[Given], Given]:
    """Backpropagation of any network, as a lecture has it."""

    def gradient(values: Given) -> Given:
        values = {name: kind(value) for name, value in values.items()}
        widths = [network.inputs, *(layer.units for layer in network.layers)]
        units = [np.array([values[f"x{i + 1}"] for i in range(widths[0])])]
        sums: list[Any] = []
        weights: list[Any] = []
        for n, layer in enumerate(network.layers, 1):
            rows = [
                [values[f"w{n}_{i + 1}_{j + 1}"] for i in range(widths[n - 1])]
                for j in range(widths[n])
            ]
            weights.append(np.array(rows))
            z = weights[-1] @ units[-1]
            if network.biases == "unit":
                z = z + np.array([values[f"b{n}_{j + 1}"] for j in range(widths[n])])
            elif network.biases == "layer":
                z = z + values[f"b{n}"]
            sums.append(z)
            softened = layer.activation == "softmax"
            units.append(
                np.exp(z) / np.sum(np.exp(z))
                if softened
                else BY_HAND[layer.activation][0](z)
            )
        y = np.array([values[f"y{k + 1}"] for k in range(widths[-1])])
        error = BY_OUTPUT[network.loss](units[-1], y)
        found: Given = {}
        for n in range(len(network.layers), 0, -1):
            activation, h = network.layers[n - 1].activation, units[n]
            if activation == "softmax":
                error = h * (error - np.sum(h * error))
            else:
                error = error * BY_HAND[activation][1](sums[n - 1], h)
            for j in range(widths[n]):
                for i in range(widths[n - 1]):
                    found[f"w{n}_{i + 1}_{j + 1}"] = error[j] * units[n - 1][i]
                if network.biases == "unit":
                    found[f"b{n}_{j + 1}"] = error[j]
            if network.biases == "layer":
                found[f"b{n}"] = np.sum(error)
            error = weights[n - 1].T @ error
        return found

    return gradient


def kept(network: Network) -> Callable[[Given], Given]:
    """The same in the type of the values that come in."""

    def gradient(values: Given) -> Given:
        return lecture(network, type(next(iter(values.values()))))(values)

    return gradient


def in_float64(network: Network) -> Callable[[Given], Given]:
    """The same for code that knows float64 alone."""
    return lecture(network, np.float64)


def point(network: Network, seed: int, scale: float = 1.0) -> dict[str, float]:
    random = np.random.default_rng(seed)
    outputs = range(1, network.layers[-1].units + 1)
    values = {f"x{i}": random.normal() for i in range(1, network.inputs + 1)}
    values |= {f"y{k}": random.uniform(0.05, 0.95) for k in outputs}
    names = [name.id for name in graph_of(network).wrt]
    return values | {name: scale * random.normal() for name in names}


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(verdict.outcome, verdict.kind) for verdict in report.verdicts}


# ---- what is right


def any_network(seed: int) -> Network:
    random = np.random.default_rng(seed)
    count = int(random.integers(1, 4))
    layers = [
        Layer(int(random.integers(1, 5)), str(random.choice(list(BY_HAND))))
        for _ in range(count)
    ]
    loss = str(random.choice(list(BY_OUTPUT)))
    last = max(2, layers[-1].units)
    if loss == "binary_cross_entropy":
        layers[-1] = Layer(last, "sigmoid")
    if loss == "categorical_cross_entropy" or seed % 10 == 0:
        layers[-1] = Layer(last, "softmax")
    biases = ("unit", "layer", False)[int(random.integers(3))]
    return Network(int(random.integers(1, 4)), tuple(layers), loss, biases)


@pytest.mark.parametrize("written", [kept, in_float64])
@pytest.mark.parametrize("scale", [1e-5, 1.0, 10.0, 30.0])
def test_right_code_raises_no_alarm_whatever_the_network(
    written: Callable[[Network], Callable[[Given], Given]], scale: float
) -> None:
    for seed in range(40):
        network = any_network(seed)
        report = check_function(written(network), network, point(network, seed, scale))
        wrong = [v for v in report.verdicts if v.outcome != "agrees"]
        # A cross-entropy written as (o - y)/(o(1 - o)) is 0/0 where o is 1.
        assert {v.kind for v in wrong} <= {"not a number"}, (seed, report)
        if wrong:
            assert scale >= 10
            assert "cross_entropy" in network.loss or network.layers[-1].activation == (
                "softmax"
            )


def test_autograd_agrees() -> None:
    """A witness that nobody here wrote."""
    autograd = pytest.importorskip("autograd")
    anp = pytest.importorskip("autograd.numpy")

    def loss(weights: Any, x: Any, y: Any) -> Any:
        for matrix, bias in weights:
            x = 1 / (1 + anp.exp(-(matrix @ x + bias)))
        return anp.sum((y - x) ** 2) / 2

    def gradient(values: Given) -> np.ndarray:
        v = {name: float(value) for name, value in values.items()}
        shapes = [(1, (2, 2)), (2, (2, 1))]
        weights = [
            (
                np.array(
                    [[v[f"w{n}_{i + 1}_{j + 1}"] for i in range(a)] for j in range(b)]
                ),
                np.array([v[f"b{n}_{j + 1}"] for j in range(b)]),
            )
            for n, (a, b) in shapes
        ]
        x, y = np.array([v["x1"], v["x2"]]), np.array([v["y1"]])
        found = autograd.grad(loss)(weights, x, y)
        return np.concatenate([part.reshape(-1) for pair in found for part in pair])

    assert check_function(gradient, NET).outcome == "agrees"


@cache
def plain() -> Report:
    return check_function(lecture(NET, np.float64), NET)


def test_one_verdict_a_weight_in_parameter_order() -> None:
    names = [name.id for name in graph_of(NET).wrt]
    assert [verdict.weight for verdict in plain().verdicts] == names
    assert [verdict.question for verdict in plain().verdicts] == [
        f"dJ/d{name}" for name in names
    ]
    assert plain().layers == {name: int(name[1]) for name in names}
    assert plain().outcome == "agrees"


def test_the_same_seed_asks_the_same_questions() -> None:
    again = check_function(lecture(NET, np.float64), NET)
    other = check_function(lecture(NET, np.float64), NET, seed=1)
    assert again.data == plain().data
    assert other.data["points"] != plain().data["points"]
    assert {verdict.seed for verdict in other.verdicts} == {1}
    assert json.loads(json_of_reports([again]))["outcome"] == "agrees"


def test_an_array_in_parameter_order_is_as_good_as_a_mapping() -> None:
    def flat(values: Given) -> np.ndarray:
        found = lecture(NET, np.float64)(values)
        return np.array([found[name.id] for name in graph_of(NET).wrt])

    def backwards(values: Given) -> np.ndarray:
        return flat(values)[::-1]

    assert check_function(flat, NET).outcome == "agrees"
    assert check_function(lambda v: flat(v).tolist(), NET).outcome == "agrees"
    assert check_function(backwards, NET).outcome == "differs"


def test_an_example_or_its_name_stands_for_its_network() -> None:
    name = "single-neuron-mse"
    network = load_example(name).network
    assert network is not None
    for source in (name, load_example(name), network):
        assert check_function(kept(network), source).outcome == "agrees"
    with pytest.raises(InputError, match="takes a Network"):
        check_function(kept(network), "gates")


def test_several_points_are_all_asked() -> None:
    right = lecture(NET, np.float64)

    def wrong_at_one(values: Given) -> Given:
        found = right(values)
        return found if values["x1"] != 2.0 else {k: -v for k, v in found.items()}

    points = [point(NET, seed) for seed in range(3)]
    assert check_function(wrong_at_one, NET, points).outcome == "agrees"
    points[1]["x1"] = 2.0
    report = check_function(wrong_at_one, NET, points)
    assert report.outcome == "differs"
    assert {verdict.point["x1"] for verdict in report.differing} == {"2.0"}


def test_the_function_may_change_what_it_is_given() -> None:
    def greedy(values: Given) -> Given:
        found = lecture(NET, np.float64)(values)
        values.clear()
        return found

    assert check_function(greedy, NET).outcome == "agrees"


# ---- what is no gradient at all


def altered(change: Callable[[Given], Any]) -> Callable[[Given], Any]:
    return lambda values: change(lecture(NET, np.float64)(values))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda v: v["w3"], r"raised KeyError: 'w3'.*by id: x1, x2"),
        (lambda _: 1 / 0, "raised ZeroDivisionError"),
        (altered(lambda g: {k: g[k] for k in g if k != "b1_2"}), "has no b1_2"),
        (altered(lambda g: {**g, "b1_3": 0.0}), "unknown id 'b1_3'"),
        (altered(lambda g: {**g, "b1_2": np.zeros(3)}), r"b1_2 has shape \(3,\)"),
        (altered(lambda g: list(g.values())[:-1]), r"found shape \(8,\)"),
        (altered(lambda _: np.zeros((9, 1))), r"found shape \(9, 1\)"),
        (altered(lambda _: np.zeros(9, complex)), "found complex128"),
        (altered(lambda _: ["a"] * 9), "expected real numbers"),
        (altered(lambda _: None), r"found shape \(\)"),
        (altered(lambda _: [[1], [2, 3]]), "is no array"),
        (altered(lambda _: np.zeros(9, np.float32)), "return float64"),
    ],
)
def test_an_answer_of_another_form_is_refused(
    function: Callable[[Given], Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        check_function(function, NET)


def test_float32_may_be_held_to_what_it_can_show() -> None:
    single = altered(lambda g: {name: np.float32(value) for name, value in g.items()})
    assert check_function(single, NET, tolerance=1e-4).outcome == "agrees"
    wrong = altered(lambda g: {n: np.float32(v * 1.001) for n, v in g.items()})
    assert check_function(wrong, NET, tolerance=1e-4).outcome == "differs"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_differs_with_its_point(bad: float) -> None:
    report = check_function(altered(lambda g: {**g, "b1_2": bad}), NET, seed=4)
    (wrong,) = report.differing
    assert (wrong.weight, wrong.kind, wrong.seed) == ("b1_2", "not a number", 4)
    assert wrong.point["b1_2"]
    json.loads(json_of_reports([report]), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ({"x1": 1.0}, "no value for x2"),
        ({**point(NET, 0), "w9_1_1": 1.0}, "unknown id 'w9_1_1'"),
        ({**point(NET, 0), "x1": float("inf")}, "value of x1 is inf"),
        ({**point(NET, 0), "x1": np.ones(2)}, "one number a point"),
    ],
)
def test_points_that_do_not_fit_are_refused(at: Values, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_function(kept(NET), NET, at)


# ---- rounding or wrong


def test_rounding_is_named_with_and_without_long_doubles() -> None:
    for written in (kept(ONE), in_float64(ONE)):
        report = check_function(written, ONE, SATURATED)
        assert outcomes(report) == {("agrees", "rounding in float64")}
        for verdict in report.verdicts:
            assert verdict.gap is not None
            assert verdict.bound is not None
            assert verdict.gap > verdict.bound


def test_code_that_is_wrong_where_units_saturate_is_wrong() -> None:
    """z cut off at 5 is no rounding, though smaller weights never show it."""

    def cut(values: Given) -> Given:
        v = {name: float(value) for name, value in values.items()}
        z = v["w1_1_1"] * v["x1"] + v["b1_1"]
        o = 1 / (1 + math.exp(-max(-5.0, min(5.0, z))))
        delta = (o - v["y1"]) * o * (1 - o)
        return {"w1_1_1": delta * v["x1"], "b1_1": delta}

    network = Network(1, (Layer(1),))
    small = {"x1": 1.0, "y1": 0.25, "w1_1_1": 2.0, "b1_1": 0.5}
    assert check_function(cut, network, small).outcome == "agrees"
    for sign in (1, -1):
        large = {**small, "w1_1_1": sign * 10.0}
        report = check_function(cut, network, large)
        assert outcomes(report) == {("differs", "wrong")}
        for verdict in report.verdicts:
            assert verdict.diagnosis is not None
            assert verdict.diagnosis.cause == "unknown"
            assert "right at other points" in verdict.diagnosis.detail


def test_without_the_allowance_for_rounding_right_code_would_be_accused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("symbackprop.checks.user_code.ROOM", 0.0)
    assert check_function(in_float64(ONE), ONE, SATURATED).outcome == "differs"


def test_without_companion_points_saturated_slips_would_be_missed() -> None:
    """Every output is 1 in float64: the point itself shows nothing but zeros."""
    network = Network(1, (Layer(1),))
    at = {"x1": 1.0, "y1": 0.5, "w1_1_1": 60.0, "b1_1": 1.0}
    right = in_float64(network)
    assert set(right(at).values()) == {0.0}
    for factor in (2.0, 1 + 1e-10):

        def times(values: Given, factor: float = factor) -> Given:
            return {name: factor * value for name, value in right(values).items()}

        report = check_function(times, network, at)
        assert outcomes(report) == {("differs", "wrong")}
        assert float(report.verdicts[0].point["w1_1_1"]) < 10
        assert report.verdicts[0].point["x1"] == "1.0"
    assert check_function(right, network, at).outcome == "agrees"


def test_a_derivative_that_is_exactly_0_has_to_be_0() -> None:
    """A shared bias moves every unit of a softmax alike, so nothing changes."""
    network = Network(2, (Layer(3, "softmax"),), "categorical_cross_entropy", "layer")
    at = point(network, 1)
    assert check_function(in_float64(network), network, at).outcome == "agrees"

    def off(values: Given) -> Given:
        return {**in_float64(network)(values), "b1": 1e-9}

    report = check_function(off, network, at)
    assert [verdict.weight for verdict in report.differing] == ["b1"]


# ---- kinks


def relu_with(slope_at_0: float) -> Callable[[Given], Given]:
    """One ReLU unit whose z is exactly 0 at the test's point."""

    def gradient(v: Given) -> Given:
        z = v["w1_1_1"] * v["x1"] + v["b1_1"]
        slope = slope_at_0 if z == 0 else float(z > 0)
        delta = (max(z, 0) - v["y1"]) * slope
        return {"w1_1_1": delta * v["x1"], "b1_1": delta}

    return gradient


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_every_slope_between_left_and_right_is_right_at_a_kink(slope: float) -> None:
    network = Network(1, (Layer(1, "relu"),))
    at = {"x1": 2.0, "y1": 3.0, "w1_1_1": 0.5, "b1_1": -1.0}
    report = check_function(relu_with(slope), network, at)
    assert {verdict.outcome for verdict in report.verdicts} == {"agrees"}
    assert {verdict.kind for verdict in report.verdicts} == {"kink"}
    (weight, _) = report.verdicts
    assert weight.expected == "[-6, 0]"


@pytest.mark.parametrize("slope", [-0.1, 1.1, 2.0])
def test_what_lies_outside_is_wrong(slope: float) -> None:
    network = Network(1, (Layer(1, "relu"),))
    at = {"x1": 2.0, "y1": 3.0, "w1_1_1": 0.5, "b1_1": -1.0}
    report = check_function(relu_with(slope), network, at)
    assert outcomes(report) == {("differs", "wrong")}


def test_a_kink_that_rounding_moves_is_still_a_kink() -> None:
    """0.1·3 - 0.3 is 5.6e-17 in float64: its sign is nobody's fault."""
    network = Network(1, (Layer(1, "relu"),))
    at = {"x1": 3.0, "y1": 1.0, "w1_1_1": 0.1, "b1_1": -0.3}
    assert at["w1_1_1"] * 3 + at["b1_1"] != 0

    def other_side(_: Given) -> Given:
        return dict.fromkeys(("w1_1_1", "b1_1"), 0.0)

    assert check_function(other_side, network, at).outcome == "agrees"
    away = {**at, "b1_1": -0.2}
    assert check_function(other_side, network, away).outcome == "differs"


# ---- causes in deeper networks, each planted here by hand


def planted(slip: str) -> Callable[[Given], Given]:
    """DEEP with one slip in its middle layer."""

    def gradient(values: Given) -> Given:
        v = {name: float(value) for name, value in values.items()}
        units = range(1, 4)
        w = {
            n: np.array([[v[f"w{n}_{i}_{j}"] for i in units] for j in units])
            for n in units
        }
        b = {n: np.array([v[f"b{n}_{j}"] for j in units]) for n in units}
        h = {0: np.array([v[f"x{i}"] for i in units])}
        h[1] = np.tanh(w[1] @ h[0] + b[1])
        forgotten = 0 if slip == "bias" else 1
        h[2] = logistic(w[2] @ h[1] + forgotten * b[2])
        h[3] = np.tanh(w[3] @ h[2] + b[3])
        slope = {1: 1 - h[1] ** 2, 2: h[2] * (1 - h[2]), 3: 1 - h[3] ** 2}
        y = np.array([v[f"y{k}"] for k in units])
        d = {3: (h[3] - y) * slope[3]}
        if slip == "slope":
            slope[2] = 1 + 0 * slope[2]
        if slip == "slope of the layer above":
            slope[2] = slope[3]
        d[2] = (w[3].T @ d[3]) * slope[2]
        d[1] = ((w[2] if slip == "transpose" else w[2].T) @ d[2]) * slope[1]
        below = {n: h[n - 1] for n in units}
        if slip == "own units":
            below[2] = h[2]
        used = dict(d)
        if slip == "error of the layer above":
            used[2] = d[3]
        found: Given = {}
        for n in units:
            block = np.outer(used[n], below[n])
            block = block.T if slip == "transposed result" and n == 2 else block
            for j in units:
                found[f"b{n}_{j}"] = used[n][j - 1]
                for i in units:
                    found[f"w{n}_{i}_{j}"] = block[j - 1, i - 1]
        if slip == "signs":
            for name in found:
                if name[1] == "2":
                    found[name] = -found[name]
                if name[1] == "3":
                    found[name] = 3 * found[name]
        return found

    return gradient


CAUSES = {
    "": (),
    "bias": ("missing bias", "layer 2: the bias is left out of the forward pass"),
    "slope": ("missing slope", "layer 2: the activation's slope is left out"),
    "transpose": (
        "transpose",
        "layer 2: the error is handed back by W, not by its transpose",
    ),
    "transposed result": ("transpose", "layer 2: ∂J/∂W is transposed"),
    "slope of the layer above": (
        "layer shifted",
        "layer 2: the slope is taken at the z of the layer above",
    ),
    "own units": (
        "layer shifted",
        "layer 2: ∂J/∂W takes the units of the layer above",
    ),
    "error of the layer above": (
        "layer shifted",
        "layer 2: ∂J/∂W takes the error term of the layer above",
    ),
}


@pytest.mark.parametrize("slip", CAUSES)
def test_the_cause_in_a_middle_layer_is_found(slip: str) -> None:
    report = check_function(planted(slip), DEEP, seed=2)
    found = {
        (verdict.diagnosis.cause, verdict.diagnosis.detail)
        for verdict in report.differing
        if verdict.diagnosis
    }
    assert found == ({CAUSES[slip]} if slip else set())
    for verdict in report.differing:
        assert verdict.diagnosis is not None
        ratio = float(verdict.measured) / float(verdict.expected)
        assert verdict.diagnosis.ratio == pytest.approx(ratio)
    assert report.outcome == ("differs" if slip else "agrees")


def test_two_slips_in_two_layers_are_told_apart() -> None:
    report = check_function(planted("signs"), DEEP)
    found = {
        (verdict.diagnosis.layer, verdict.diagnosis.cause, verdict.diagnosis.ratio)
        for verdict in report.differing
        if verdict.diagnosis
    }
    assert {(layer, cause) for layer, cause, _ in found} == {(2, "sign"), (3, "factor")}
    for layer, _, ratio in found:
        assert ratio == pytest.approx({2: -1.0, 3: 3.0}[layer], rel=1e-9)
    text = str(report)
    assert "suspected cause: sign (the weights of layer 2" in text
    assert "suspected cause: factor (the weights of layer 3" in text


def test_what_nothing_reproduces_is_unknown() -> None:
    def noise(values: Given) -> Given:
        return {name: math.sin(1e3 * value) for name, value in values.items()}

    names = [name.id for name in graph_of(NET).wrt]
    report = check_function(lambda v: {n: noise(v)[n] for n in names}, NET)
    assert {v.diagnosis.cause for v in report.differing if v.diagnosis} == {"unknown"}
