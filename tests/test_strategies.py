"""Strategies agree with each other and with numbers that owe nothing to the code.

The gradients to compare with are central differences at 50 digits of a forward pass
that is written here; nothing of the package's own evaluation is used.
"""

import itertools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import mpmath as mp
import pytest

from symbackprop import (
    InputError,
    Layer,
    Network,
    TooLarge,
    derive,
    graph_of,
    load_example,
    render,
)
from symbackprop.cli import main
from symbackprop.derived import LineError
from symbackprop.examples import shipped
from symbackprop.formula.binding import written_out
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Derivative,
    Formula,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
    positions,
    replaced,
)
from symbackprop.graph.build import graph_of_formulas
from symbackprop.kernel.equality import compared
from symbackprop.network import ACTIVATIONS, LOSSES
from symbackprop.strategies.paths import MAX_PATHS

mp.mp.dps = 50
STEP = mp.mpf(10) ** -15
SEED = 20240229


# ---- an independent forward pass


def softplus(z: mp.mpf) -> mp.mpf:
    return mp.log(1 + mp.exp(z))


def sigmoid(z: mp.mpf) -> mp.mpf:
    return 1 / (1 + mp.exp(-z))


UNIT: Mapping[str, Callable[[mp.mpf], mp.mpf]] = {
    "identity": lambda z: z,
    "sigmoid": sigmoid,
    "tanh": mp.tanh,
    "relu": lambda z: max(mp.mpf(0), z),
    "leaky_relu": lambda z: z if z > 0 else z / 100,
    "softplus": softplus,
    "silu": lambda z: z * sigmoid(z),
    "gelu": lambda z: z * mp.ncdf(z),
}


def activated(name: str, zs: Sequence[mp.mpf]) -> list[mp.mpf]:
    if name == "softmax":
        total = mp.fsum(map(mp.exp, zs))
        return [mp.exp(z) / total for z in zs]
    return [UNIT[name](z) for z in zs]


def loss_of(name: str, ys: Sequence[mp.mpf], os: Sequence[mp.mpf]) -> mp.mpf:
    squares = mp.fsum((y - o) ** 2 for y, o in zip(ys, os, strict=True))
    match name:
        case "squared_error":
            return squares
        case "half_squared_error":
            return squares / 2
        case "mean_squared_error":
            return squares / len(ys)
        case "binary_cross_entropy":
            return -mp.fsum(
                y * mp.log(o) + (1 - y) * mp.log(1 - o)
                for y, o in zip(ys, os, strict=True)
            )
        case "categorical_cross_entropy":
            return -mp.fsum(y * mp.log(o) for y, o in zip(ys, os, strict=True))
    raise AssertionError(name)


def forward(network: Network, at: Mapping[str, mp.mpf]) -> mp.mpf:
    """The loss at a point, from the network's description alone."""
    units = [at[f"x{i}"] for i in range(1, network.inputs + 1)]
    for number, layer in enumerate(network.layers, 1):
        sums = []
        for j in range(1, layer.units + 1):
            total = mp.fsum(
                at[f"w{number}_{i}_{j}"] * unit for i, unit in enumerate(units, 1)
            )
            bias = {"unit": f"b{number}_{j}", "layer": f"b{number}"}
            if network.biases:
                total += at[bias[network.biases]]
            sums.append(total)
        units = activated(layer.activation, sums)
    ys = [at[f"y{k}"] for k in range(1, len(units) + 1)]
    return loss_of(network.loss, ys, units)


def parameters(network: Network) -> list[str]:
    names: list[str] = []
    below = network.inputs
    for number, layer in enumerate(network.layers, 1):
        js = range(1, layer.units + 1)
        names += [f"w{number}_{i}_{j}" for j in js for i in range(1, below + 1)]
        if network.biases == "unit":
            names += [f"b{number}_{j}" for j in js]
        elif network.biases == "layer":
            names.append(f"b{number}")
        below = layer.units
    return names


def point(network: Network, seed: int = SEED) -> dict[str, mp.mpf]:
    """A point with all outputs in (0, 1), whatever the activations."""
    draw = random.Random(seed)
    at = {name: mp.mpf(draw.randint(80, 420)) / 1000 for name in parameters(network)}
    for i in range(1, network.inputs + 1):
        at[f"x{i}"] = mp.mpf(draw.randint(200, 700)) / 1000
    for k in range(1, network.layers[-1].units + 1):
        at[f"y{k}"] = mp.mpf(draw.randint(100, 900)) / 1000
    return at


def differences(
    loss: Callable[[Mapping[str, mp.mpf]], mp.mpf],
    at: Mapping[str, mp.mpf],
    names: Sequence[str],
) -> dict[str, mp.mpf]:
    """The gradient by central differences."""
    return {
        name: (
            loss({**at, name: at[name] + STEP}) - loss({**at, name: at[name] - STEP})
        )
        / (2 * STEP)
        for name in names
    }


# ---- an independent reader of the JSON


def evaluated(
    data: Mapping[str, object], at: Mapping[str, mp.mpf]
) -> dict[str, object]:
    """Every `result` of a JSON text at a point, with what stands in it alone."""
    space: dict[str, object] = {
        "__builtins__": {},
        "exp": mp.exp,
        "log": mp.log,
        "sqrt": mp.sqrt,
        "erf": mp.erf,
        "Max": max,
    }
    for name, body in data["functions"].items():
        code = compile(body, name, "eval")
        is_function = "x" in code.co_names
        source = f"lambda x: {body}" if is_function else body
        space[name] = eval(source, space)
    space |= at
    for name, body in data["definitions"].items():
        assert name not in space, f"{name} is defined twice"
        space[name] = eval(body, space)
    return {row["wrt"]: eval(row["result"], space) for row in data["derivations"]}


def loaded(source: object, **options: object) -> dict[str, object]:
    return json.loads(render(derive(source, **options), "json"))


def close(a: mp.mpf, b: mp.mpf, within: float = 1e-10) -> bool:
    return abs(a - b) <= within * max(1, abs(b))


def checked(network: Network, **options: object) -> None:
    """Hold every gradient of a network against central differences."""
    at = point(network)
    names = parameters(network)
    found = evaluated(loaded(network, **options), at)
    expected = differences(lambda here: forward(network, here), at, names)
    assert list(found) == names
    for name in names:
        assert close(found[name], expected[name]), (name, SEED)


# ---- every activation with every loss


def small(activation: str, loss: str, widths: Sequence[int] = (2, 2, 2)) -> Network:
    layers = tuple(Layer(n, activation) for n in widths[1:])
    return Network(widths[0], layers, loss, "unit")


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_with_every_loss(activation: str, loss: str) -> None:
    checked(small(activation, loss))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_single_output(activation: str, loss: str) -> None:
    if (activation, loss) == ("softmax", "binary_cross_entropy"):
        return  # a softmax of one unit is 1, where ln(1 - o) has no value
    checked(small(activation, loss, (2, 3, 1)))


@pytest.mark.parametrize("biases", ["unit", "layer", False])
@pytest.mark.parametrize(
    ("inputs", "layers", "loss"),
    [
        (3, [(3, "tanh"), (2, "identity")], "mean_squared_error"),
        (2, [(3, "sigmoid"), (2, "softplus"), (2, "sigmoid")], "binary_cross_entropy"),
        (2, [(2, "gelu"), (3, "softmax")], "categorical_cross_entropy"),
        (1, [(1, "silu")], "squared_error"),
        (2, [(2, "sigmoid")] * 4 + [(2, "identity")], "half_squared_error"),
        (2, [(3, "relu"), (4, "leaky_relu"), (3, "softmax")], "binary_cross_entropy"),
    ],
)
def test_mixed_networks(
    inputs: int, layers: list[tuple[int, str]], loss: str, biases: object
) -> None:
    checked(Network(inputs, tuple(Layer(*row) for row in layers), loss, biases))


def test_the_three_worked_networks_with_numbers() -> None:
    """mlp-2-3-1-forward and single-neuron-mse at the values in their own files."""
    for name in ("mlp-2-3-1-forward", "single-neuron-mse"):
        example = load_example(name)
        assert example.network is not None
        at = {n.id: mp.mpf(v.numerator) / v.denominator
              for n, v in example.values.items()}  # fmt: skip
        found = evaluated(loaded(example), at)
        names = parameters(example.network)
        expected = differences(
            lambda here, e=example: forward(e.network, here), at, names
        )
        for key in names:
            assert close(found[key], expected[key])


def test_one_neuron_gives_the_source_s_numbers() -> None:
    at = {"x1": 2, "x2": 5, "w1_1_1": mp.mpf("0.5"), "w1_2_1": mp.mpf("0.1"), "y1": 0}
    found = evaluated(loaded("single-neuron-mse"), at)
    assert str(found["w1_1_1"])[:8] == "0.487753"
    assert str(found["w1_2_1"])[:8] == "1.219383"


def at_values(name: str) -> dict[str, mp.mpf]:
    values = load_example(name).values
    return {n.id: mp.mpf(v.numerator) / v.denominator for n, v in values.items()}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apple-tax", {"pretax": "1.1", "price": "2.2", "count": "110", "tax": "200"}),
        (
            "fruit-tax",
            {
                "pretax": "1.1",
                "apples": "1.1",
                "oranges": "1.1",
                "apple_price": "2.2",
                "apple_count": "110",
                "orange_price": "3.3",
                "orange_count": "165",
                "tax": "650",
            },
        ),
        ("wx-plus-b", {"g": "1", "b": "1", "x": "-2", "w": "5"}),
    ],
)
def test_plain_arithmetic(name: str, expected: dict[str, str]) -> None:
    found = evaluated(loaded(name), at_values(name))
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert close(mp.mpf(found[key]), mp.mpf(value), 1e-30)


@pytest.mark.parametrize("activation", [a for a in ACTIVATIONS if a in UNIT][1:])
@pytest.mark.parametrize("x", ["-2.75", "-0.4", "0.3", "1.5"])
def test_the_derivatives_of_the_activations(activation: str, x: str) -> None:
    name = f"{activation.replace('_', '-')}-derivative"
    at = {"x": mp.mpf(x)}
    found = evaluated(loaded(name), at)["x"]
    slope = differences(lambda here: UNIT[activation](here["x"]), at, ["x"])["x"]
    assert close(found, slope, 1e-14)


def test_the_power_rule_at_real_exponents() -> None:
    for x, n in itertools.product(("0.3", "2.25"), ("-1.5", "0.5", "3")):
        at = {"x": mp.mpf(x), "n": mp.mpf(n)}
        found = evaluated(loaded("power-rule"), at)["x"]
        slope = differences(lambda here: here["x"] ** here["n"], at, ["x"])["x"]
        assert close(found, slope, 1e-14)


# ---- backprop and paths

PAIRS = {
    "2-2-2 mse": Network(
        2, (Layer(2, "sigmoid"), Layer(2, "identity")), "half_squared_error"
    ),
    "2-2-2 ce": Network(
        2, (Layer(2, "sigmoid"), Layer(2, "sigmoid")), "binary_cross_entropy"
    ),
    "3-2-2": Network(
        3, (Layer(2, "tanh"), Layer(2, "identity")), "squared_error", biases=False
    ),
    "2-2-2-2": Network(
        2,
        (Layer(2, "sigmoid"), Layer(2, "sigmoid"), Layer(2, "identity")),
        "half_squared_error",
    ),
    "softmax": Network(
        2, (Layer(2, "sigmoid"), Layer(3, "softmax")), "categorical_cross_entropy"
    ),
    "layer biases": Network(
        2, (Layer(2, "sigmoid"), Layer(2, "identity")), "half_squared_error", "layer"
    ),
}


@cache
def both(key: str) -> tuple[object, object]:
    network = PAIRS[key]
    return derive(network, by="backprop"), derive(network, by="paths")


def unfolded(form: Formula, results: Callable[[Derivative], Formula | None]) -> Formula:
    """A form with every Σ written out and every error term replaced by its result."""
    while True:
        for path, node in positions(form):
            if isinstance(node, Sigma):
                form = replaced(form, path, written_out(node))
                break
            if isinstance(node, Derivative):
                other = results(node)
                assert other is not None, text_of(node)
                form = replaced(form, path, other)
                break
        else:
            return form


@pytest.mark.parametrize("key", PAIRS)
def test_backprop_and_paths_are_proved_equal(key: str) -> None:
    one, other = both(key)
    graph = graph_of(PAIRS[key])

    @cache
    def error_term(node: Derivative) -> Formula:
        assert node.head == "D"
        assert node.of == graph.loss
        return derive(graph, node.by.id).checked.result

    assert list(one) == list(other)
    for name in one:
        left, right = one[name].checked, other[name].checked
        judged = compared(
            unfolded(left.result, error_term),
            unfolded(right.result, error_term),
            left.definitions,
        )
        assert judged.outcome == "proved", (name, judged)


@pytest.mark.parametrize("key", PAIRS)
def test_paths_gives_the_right_numbers(key: str) -> None:
    checked(PAIRS[key], by="paths")


def test_paths_spells_out_one_product_a_path() -> None:
    """2-2-2: two paths lead from J to a hidden weight, one for each output."""
    lines = derive("mlp-2-2-2-mse", "w1_1_1", by="paths").lines
    first = text_of(lines[1])
    chain = "P(J, L{k})*P(L{k}, o{k})*P(o{k}, z2_{k})*P(z2_{k}, h1_1)"
    tail = "*P(h1_1, z1_1)*P(z1_1, w1_1_1)"
    assert first == " + ".join(chain.format(k=k) + tail for k in (1, 2))


def test_paths_refuses_above_the_limit() -> None:
    layers = tuple(Layer(3, "sigmoid") for _ in range(5))
    network = Network(2, layers, "half_squared_error")
    with pytest.raises(TooLarge) as caught:  # 3 units in each of 4 layers above
        derive(network, "w1_1_1", by="paths")
    message = str(caught.value)
    assert str(3**4) in message
    assert str(MAX_PATHS) in message
    assert "backprop" in message  # what to do instead
    last = derive(network, "w5_1_1", by="paths")  # few paths: not refused
    assert text_of(last.lines[-1])


def test_paths_counts_before_it_lists() -> None:
    layers = tuple(Layer(16, "sigmoid") for _ in range(12))
    network = Network(2, layers, "half_squared_error", biases=False)
    with pytest.raises(TooLarge, match=f"{16**11:,}"):
        derive(network, "w1_1_1", by="paths")


def test_an_unknown_strategy_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"backprop.*paths.*authored"):
        derive("mlp-2-2-2-mse", by="guess")


# ---- confluence


@pytest.mark.parametrize("name", ["mlp-2-2-2-mse-biases", "gates", "fruit-tax"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_wrt_does_not_matter(name: str, seed: int) -> None:
    straight = derive(name)
    names = list(straight)
    random.Random(seed).shuffle(names)
    shuffled = derive(name, names)
    assert list(shuffled) == names
    for key in names:
        assert text_of(shuffled[key].checked.result) == text_of(
            straight[key].checked.result
        )
        alone = derive(name, key)
        assert alone.checked.printed == straight[key].checked.printed
        assert alone.checked.printed == shuffled[key].checked.printed


def test_the_order_of_wrt_does_not_matter_in_a_deep_network() -> None:
    network = PAIRS["2-2-2-2"]
    straight = derive(network)
    backwards = derive(network, list(straight)[::-1])
    for key in straight:
        assert backwards[key].checked.printed == straight[key].checked.printed


# ---- an author's lines, each altered

SIGMOID = [
    "D(sigmoid(x), x)",
    "D((1 + exp(-x))**(-1), x)",
    "(-1)*(1/(1 + exp(-x))**2)*D(1 + exp(-x), x)",
    "(-1)*(1/(1 + exp(-x))**2)*(0 + exp(-x))*D(-x, x)",
    "(-1)*(1/(1 + exp(-x))**2)*exp(-x)*(-1)",
    "exp(-x)/(1 + exp(-x))**2",
    "(1 + exp(-x) - 1)/(1 + exp(-x))**2",
    "(1 + exp(-x))/(1 + exp(-x))**2 - 1/(1 + exp(-x))**2",
    "1/(1 + exp(-x)) - 1/(1 + exp(-x))**2",
    "1/(1 + exp(-x))*(1 - 1/(1 + exp(-x)))",
    "sigmoid(x)*(1 - sigmoid(x))",
]
POWER = [
    "D(x**n, x)",
    "D(exp(n*log(x)), x)",
    "exp(n*log(x))*D(n*log(x), x)",
    "exp(n*log(x))*n*(1/x)",
    "x**n*n*(1/x)",
    "n*x**(n - 1)",
]
CROSS = [
    "-(y[k]/o[k] - (1 - y[k])/(1 - o[k]))*o[k]*(1 - o[k])",
    "-((y[k] - y[k]*o[k] - o[k] + y[k]*o[k])/(o[k]*(1 - o[k])))*o[k]*(1 - o[k])",
    "-(y[k] - o[k])",
]
SLIPS = {  # an exponent or a term, line by line
    "sigmoid-derivative": {
        1: ["D(sigmoid(x)**2, x)"],
        2: ["D((1 + exp(-x))**(-2), x)", "D((exp(-x))**(-1), x)"],
        3: [
            "(-1)*(1/(1 + exp(-x))**3)*D(1 + exp(-x), x)",
            "(-1)*(1/(1 + exp(-x))**2)*D(1, x)",
        ],
        4: [
            "(-1)*(1/(1 + exp(-x)))*(0 + exp(-x))*D(-x, x)",
            "(-1)*(1/(1 + exp(-x))**2)*(0 + exp(-x))",
        ],
        5: [
            "(-1)*(1/(1 + exp(-x))**2)*exp(-x)",
            "(-1)*(1/(1 + exp(-2*x))**2)*exp(-x)*(-1)",
        ],
        6: ["exp(-x)/(1 + exp(-x))", "exp(-x)/(exp(-x))**2"],
        7: ["(1 + exp(-x))/(1 + exp(-x))**2", "(1 + exp(-x) - 1)/(1 + exp(-x))**3"],
        8: [
            "(1 + exp(-x))/(1 + exp(-x))**2",
            "(1 + exp(-x))/(1 + exp(-x))**2 + 1/(1 + exp(-x))**2",
        ],
        9: ["1/(1 + exp(-x))", "1/(1 + exp(-x)) - 1/(1 + exp(-x))**3"],
        10: ["1/(1 + exp(-x))*(1 + 1/(1 + exp(-x)))", "1/(1 + exp(-x))*1"],
        11: ["sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x)**2)"],
    },
    "power-rule": {
        1: ["D(x**(n + 1), x)"],
        2: ["D(exp(log(x)), x)", "D(exp(n*log(x)), x)**3"],
        3: ["exp(n*log(x))*D(log(x), x)", "exp(2*n*log(x))*D(n*log(x), x)"],
        4: ["exp(n*log(x))*n", "exp(n*log(x))*n*(1/x**2)"],
        5: ["x**n*n", "x**(n + 1)*n*(1/x)"],
        6: ["n*x**n", "n*x**(n + 1)", "(n - 1)*x**(n - 1)"],
    },
    "mlp-2-2-2-cross-entropy": {
        2: [
            "-((y[k] - o[k] + y[k]*o[k])/(o[k]*(1 - o[k])))*o[k]*(1 - o[k])",
            "-((y[k] - y[k]*o[k] - o[k] + y[k]*o[k])/(o[k]*(1 - o[k])))*o[k]**2",
            "-((y[k] + y[k]*o[k] - o[k] + y[k]*o[k])/(o[k]*(1 - o[k])))*o[k]",
        ],
        3: ["-(y[k] + o[k])", "-y[k]", "-(y[k] - o[k]**2)", "y[k] - o[k]"],
    },
}
CHAINS = {
    "sigmoid-derivative": SIGMOID,
    "power-rule": POWER,
    "mlp-2-2-2-cross-entropy": CROSS,
}
WRAPS = {"sign": "-({})", "factor": "2*({})", "exponent": "({})**2", "term": "{} + 1"}


def mutants() -> list[object]:
    cases: list[object] = []
    for name, chain in CHAINS.items():
        for number, line in enumerate(chain, 1):
            altered = {kind: wrap.format(line) for kind, wrap in WRAPS.items()}
            slips = SLIPS[name].get(number, [])
            altered |= {f"slip{n}": slip for n, slip in enumerate(slips, 1)}
            cases += [
                pytest.param(name, number, text, id=f"{name}-{number}-{kind}")
                for kind, text in altered.items()
                if (name, number) != ("mlp-2-2-2-cross-entropy", 1)
            ]
    return cases


def without_claims(name: str) -> str:
    """A shipped file's text without its claims, which repeat the author's lines."""
    return shipped()[name].read_text("utf-8").partition("[[claims]]")[0]


@pytest.mark.parametrize("name", CHAINS)
def test_the_author_s_lines_stand_in_the_file(name: str) -> None:
    """The mutants below are made from these very lines."""
    text = without_claims(name)
    assert all(text.count(f'"{line}"') == 1 for line in CHAINS[name])


@pytest.mark.parametrize(("name", "number", "altered"), mutants())
def test_an_altered_line_is_named(
    name: str,
    number: int,
    altered: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = without_claims(name)
    line = CHAINS[name][number - 1]
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(f'"{line}"', f'"{altered}"'), "utf-8")
    before = text[: text.index(f'"{line}"')]
    row, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    code = main(["derive", str(file)])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"mine.toml:{row}:{column}" in err
    assert f"line {number}:" in err
    assert "refuted at" in err
    assert code == 1


def test_an_altered_first_line_of_an_identity_breaks_the_second(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "mlp-2-2-2-cross-entropy"
    text = shipped()[name].read_text("utf-8")
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(f'"{CROSS[0]}"', f'"2*({CROSS[0]})"'), "utf-8")
    row = text[: text.index(CROSS[1])].count("\n") + 1
    assert main(["derive", str(file)]) == 1
    err = capsys.readouterr().err
    assert f"mine.toml:{row}:" in err
    assert "line 2:" in err


def test_the_refuting_point_refutes(tmp_path: Path) -> None:
    """The point in the message is one where the two sides do differ."""
    file = tmp_path / "mine.toml"
    text = shipped()["sigmoid-derivative"].read_text("utf-8")
    file.write_text(text.replace(SIGMOID[5], "exp(-x)/(1 + exp(-x))"), "utf-8")
    with pytest.raises(LineError) as caught:
        derive(str(file))
    assert caught.value.decided
    x = mp.mpf(
        str(caught.value).split("x = ")[1].split(")")[0].split(",")[0].strip("[")
    )
    assert abs(mp.exp(-x) / (1 + mp.exp(-x)) ** 2 - mp.exp(-x) / (1 + mp.exp(-x))) > 0


def test_a_removed_line_is_bridged_or_refused_but_never_wrong(tmp_path: Path) -> None:
    """Any chain that is accepted ends in the same result."""
    text = shipped()["sigmoid-derivative"].read_text("utf-8")
    for line in SIGMOID[1:-1]:
        file = tmp_path / "mine.toml"
        file.write_text(text.replace(f'    "{line}",\n', ""), "utf-8")
        try:
            derivation = derive(str(file), "x")
        except LineError as error:
            assert not error.decided
        else:
            assert text_of(derivation.checked.result) == SIGMOID[-1]


def test_a_direct_slope_does_not_look_like_the_whole() -> None:
    """Where ∂ stands for both, ∂L/∂w may not stand on both sides of a line."""
    z, w, x, loss = Name("z"), Name("w"), Name("x"), Name("L")
    square = Num("2")
    body = Sum((Power(z, square), Power(w, square)))
    graph = graph_of_formulas({z: Product((w, x)), loss: body}, loss)
    checked = derive(graph, "w").checked
    first = checked.printed[1]
    assert text_of(first) == "D(L, z)*P(z, w) + 2*w"
    assert text_of(checked.result) == "2*z*x + 2*w"
