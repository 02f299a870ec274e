"""The compiled gradient against independent engines, in the tails, and misused."""

import math
import subprocess
import sys
from fractions import Fraction

import mpmath
import numpy as np
import pytest

from symbackprop import InputError, Layer, Network, compiled, derive, graph_of
from symbackprop.computed import module
from symbackprop.examples import load_example, shipped
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Name, Num, Power, Product, Sum
from symbackprop.graph.build import graph_of_formulas
from symbackprop.numeric import tails
from symbackprop.ops.table import LOSSES, OPS
from symbackprop.reference.engine import gradient as engine

SIGMOID_MSE = Network(
    2, (Layer(2, "sigmoid"), Layer(2, "identity")), "half_squared_error"
)


def random_values(function, seed=1, scale=1.0):
    generator = np.random.default_rng(seed)
    return {name: float(generator.normal() * scale) for name in function.arguments}


def of(network, **options):
    return compiled(derive(graph_of(network)), **options)


def networks():
    for biases in (False, "layer"):
        for activation in ("sigmoid", "gelu"):
            yield activation, "sigmoid", "binary_cross_entropy", biases
    for activation in OPS:
        for loss in LOSSES:
            for output in ("identity", "sigmoid", "tanh", "softmax"):
                log = "cross_entropy" in loss
                if log and output in ("identity", "tanh"):
                    continue  # the logarithm of a negative output
                yield activation, output, loss, "unit"


@pytest.mark.parametrize(("activation", "output", "loss", "biases"), list(networks()))
def test_every_network_against_the_engine(activation, output, loss, biases):
    layers = (Layer(3, activation), Layer(2, activation), Layer(3, output))
    network = Network(2, layers, loss, biases)
    function = of(network)
    values = random_values(function)
    expected = engine(network, values)
    found = function(values)
    assert found.loss == pytest.approx(float(expected.loss), rel=1e-13)
    largest = max(abs(float(g)) for g in expected.gradient.values())
    for name, value in found.gradient.items():
        true = float(expected.gradient[name])
        assert value == pytest.approx(true, rel=1e-12, abs=1e-14 * largest), name


def test_a_dropped_bias_would_be_seen():
    network = Network(2, (Layer(2, "sigmoid"), Layer(1, "sigmoid")), "squared_error")
    function = of(network)
    values = random_values(function)
    wrong = engine(network, {**values, "b1_1": 0.0})
    assert abs(float(wrong.loss) - function(values).loss) > 1e-6


# ---- the tails: every op's value and slope against 50 digits

TRUE = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "leaky_relu": lambda x: max(x, x / 100),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
}
SLOPES = {
    "identity": lambda _: mpmath.mpf(1),
    "sigmoid": lambda x: mpmath.exp(-abs(x)) / (1 + mpmath.exp(-abs(x))) ** 2,
    "tanh": lambda x: mpmath.sech(x) ** 2,
    "relu": lambda x: mpmath.mpf(x > 0),
    "leaky_relu": lambda x: mpmath.mpf(1 if x > 0 else mpmath.mpf(1) / 100),
    "softplus": TRUE["sigmoid"],
    "silu": lambda x: (1 + x / (1 + mpmath.exp(x))) / (1 + mpmath.exp(-x)),
    "gelu": lambda x: (
        mpmath.erfc(-x / mpmath.sqrt(2)) / 2
        + x * mpmath.exp(-(x**2) / 2) / mpmath.sqrt(2 * mpmath.pi)
    ),
}
POINTS = [
    *(-1000.0, -750.0, -745.2, -710.0, -708.3, -400.0, -87.4, -40.0, -37.7, -30.1),
    *(-12.5, -3.25, -1.0, -0.3, -1e-9, 0.0, 1e-9, 0.7, 1.5, 9.75, 20.0, 36.8, 45.0),
    *(88.8, 300.0, 708.3, 710.0, 745.2, 1000.0),
]
SMALLEST = 2.3e-308


def assert_close(found, true):
    if abs(true) >= SMALLEST:
        assert abs((found - true) / true) < 1e-12, (found, true)
    else:
        assert abs(found - true) < SMALLEST, (found, true)


def one_op(op):
    x = Name("x")
    return compiled(derive(graph_of_formulas({Name("y"): Call(op, (x,))}, Name("y"))))


@pytest.mark.parametrize("op", list(OPS))
@pytest.mark.parametrize("kind", ["floats", "columns"])
def test_value_and_slope_keep_twelve_digits(op, kind):
    function = one_op(op)
    if kind == "floats":
        rows = [function.raw(x) for x in POINTS]
    else:
        value, slope = function.raw(np.array(POINTS))
        rows = list(zip(value, np.broadcast_to(slope, len(POINTS)), strict=True))
    with mpmath.workdps(50):
        for x, (value, slope) in zip(POINTS, rows, strict=True):
            assert_close(mpmath.mpf(float(value)), TRUE[op](mpmath.mpf(x)))
            assert_close(mpmath.mpf(float(slope)), SLOPES[op](mpmath.mpf(x)))


def test_the_written_slope_would_not_keep_them():
    with mpmath.workdps(50):
        h = 1 / (1 + math.exp(-40.0))
        true = SLOPES["sigmoid"](mpmath.mpf(40))
        with pytest.raises(AssertionError):
            assert_close(mpmath.mpf(h * (1 - h)), true)


@pytest.mark.parametrize("size", [1.0, 40.0, 300.0, 1000.0])
@pytest.mark.parametrize(
    ("output", "loss"),
    [
        ("sigmoid", "binary_cross_entropy"),
        ("sigmoid", "categorical_cross_entropy"),
        ("softmax", "categorical_cross_entropy"),
        ("softmax", "half_squared_error"),
    ],
)
def test_cross_entropies_stay_finite_and_right_when_saturated(output, loss, size):
    network = Network(1, (Layer(3, output),), loss, biases=False)
    function = of(network)
    for signs in ((1, -1, 0.5), (-1, 0.3, 1), (-1, -0.9, -0.8)):
        weights = dict(
            zip(("w1_1_1", "w1_1_2", "w1_1_3"), (s * size for s in signs), strict=True)
        )
        for targets in ((1.0, 0.0, 0.0), (0.0, 0.25, 0.75)):
            given = dict(zip(("y1", "y2", "y3"), targets, strict=True))
            values = {"x1": 1.0, **given, **weights}
            columns = {k: np.array([v, v]) for k, v in values.items()}
            with mpmath.workdps(500):
                loss_value, gradient = exact_output_layer(output, loss, values)
                largest = max(abs(g) for g in gradient)
                for found in (function(values), function(columns)):
                    error = abs(mpmath.mpf(float(np.ravel(found.loss)[0])) - loss_value)
                    if "entropy" in loss:
                        assert error <= 1e-13 * abs(loss_value) + SMALLEST
                    else:  # (y - o)² is a difference: as exact as y and o are
                        assert error <= 1e-15
                    for value, true in zip(
                        found.gradient.values(), gradient, strict=True
                    ):
                        error = abs(mpmath.mpf(float(np.ravel(value)[0])) - true)
                        assert error <= 1e-14 * max(largest, 1), (value, true)


def exact_output_layer(output, loss, values):
    z = [mpmath.mpf(values[f"w1_1_{k}"]) for k in (1, 2, 3)]
    y = [mpmath.mpf(values[f"y{k}"]) for k in (1, 2, 3)]
    if output == "softmax":
        total = sum(map(mpmath.exp, z))
        o = [mpmath.exp(v) / total for v in z]
        slope = [[o[i] * ((i == j) - o[j]) for j in range(3)] for i in range(3)]
    else:
        o = [1 / (1 + mpmath.exp(-v)) for v in z]
        slope = [[o[i] * (1 - o[i]) * (i == j) for j in range(3)] for i in range(3)]
    if loss == "half_squared_error":
        value = sum((a - b) ** 2 for a, b in zip(y, o, strict=True)) / 2
        by_output = [b - a for a, b in zip(y, o, strict=True)]
    elif loss == "binary_cross_entropy":
        value = -sum(
            a * mpmath.log(b) + (1 - a) * mpmath.log(1 - b)
            for a, b in zip(y, o, strict=True)
        )
        by_output = [-(a / b - (1 - a) / (1 - b)) for a, b in zip(y, o, strict=True)]
    else:
        value = -sum(a * mpmath.log(b) for a, b in zip(y, o, strict=True))
        by_output = [-a / b for a, b in zip(y, o, strict=True)]
    return value, [sum(by_output[i] * slope[i][j] for i in range(3)) for j in range(3)]


# ---- what is computed is what the kernel has accepted


@pytest.mark.parametrize("activation", list(OPS))
def test_what_is_computed_otherwise_than_written_is_a_checked_step(activation):
    network = Network(
        2, (Layer(2, activation), Layer(3, "softmax")), "categorical_cross_entropy"
    )
    program = of(network).program
    changed = [line for line in program.lines if line.derivation is not None]
    exchanged = 0
    for line in changed:
        steps = line.derivation.lines[-1]
        assert steps[-1].after == line.derivation.result
        for step in steps:
            judged = [inner for d in step.because for inner in d.steps] or [step]
            if judged[-1].reason.key == "stable":
                exchanged += 1
                assert judged[-1].rule == "algebra"
                assert judged[-1].evidence.method
    assert exchanged >= 6  # three softmax units and three parts of the loss


def test_the_kernel_refuses_a_wrong_tail(monkeypatch):
    def wrong(look, part):
        found = tails._sigmoid_tail(look, part)
        if found is None:
            return None
        u = found.new.arguments[0].body
        return tails.Exchange(Call("sigmoid", (u,)), found.opened)

    finders = [f for f in tails.FINDERS if f is not tails._sigmoid_tail]
    monkeypatch.setattr(tails, "FINDERS", (wrong, *finders))
    function = of(SIGMOID_MSE)
    source = function.source
    assert "sigmoid(z1_1)" in source  # the definition
    assert "(1 - h1_1)" in source  # the slope as written: nothing was exchanged


# ---- batches, layers, types


def test_a_batch_by_id_by_layer_and_row_by_row():
    function, mean = of(SIGMOID_MSE), of(SIGMOID_MSE, batch="mean")
    total = of(SIGMOID_MSE, batch="sum")
    generator = np.random.default_rng(3)
    rows = 4096 + 37
    x, y = generator.normal(size=(rows, 2)), generator.normal(size=(rows, 2))
    w1, w2 = generator.normal(size=(2, 2)), generator.normal(size=(2, 2))
    b1, b2 = generator.normal(size=2), generator.normal(size=2)
    whole = {"x": x, "y": y, "w1": w1, "w2": w2, "b1": b1, "b2": b2}
    found = function(whole)
    assert found.loss.shape == (rows,)
    assert found.vector.shape == (rows, 12)
    hidden = 1 / (1 + np.exp(-(x @ w1 + b1)))
    error = hidden @ w2 + b2 - y
    back = (error @ w2.T) * hidden * (1 - hidden)
    np.testing.assert_allclose(found.loss, (error**2).sum(1) / 2, rtol=1e-12)
    outer = np.einsum("bi,bj->bij", x, back)
    for i in (1, 2):
        for j in (1, 2):
            expected = outer[:, i - 1, j - 1]
            np.testing.assert_allclose(
                found.gradient[f"w1_{i}_{j}"], expected, rtol=1e-9, atol=1e-15
            )
            average = mean(whole).gradient[f"w1_{i}_{j}"]
            assert average == pytest.approx(expected.mean(), rel=1e-10)
            summed = total(whole).gradient[f"w1_{i}_{j}"]
            assert summed == pytest.approx(expected.sum(), rel=1e-10)
    assert mean(whole).loss == pytest.approx(found.loss.mean(), rel=1e-12)
    assert mean(whole).gradient["b2_2"] == pytest.approx(error[:, 1].mean(), rel=1e-10)
    one = function({**whole, "x": x[5], "y": y[5]})
    assert one.loss == pytest.approx(found.loss[5], rel=1e-14)
    assert one.vector.shape == (12,)


def test_a_weight_may_vary_over_the_batch_too():
    mean, function = of(SIGMOID_MSE, batch="mean"), of(SIGMOID_MSE)
    values = random_values(function)
    values["w1_1_1"] = np.array([0.1, 0.2, 0.3])
    rows = function(values)
    assert mean(values).gradient["w2_1_1"] == pytest.approx(
        rows.gradient["w2_1_1"].mean(), rel=1e-13
    )
    assert mean(values).loss == pytest.approx(rows.loss.mean(), rel=1e-13)


def test_constants_count_once_for_each_row():
    x, c = Name("x"), Name("c")
    graph = graph_of_formulas(
        {Name("y"): Sum((Product((Num("3"), x)), Product((c, c))))}, Name("y")
    )
    found = compiled(derive(graph), batch="sum")(x=np.array([1.0, 2.0, 5.0]), c=2.0)
    assert found.loss == 3 * 8 + 12
    assert found.gradient["x"] == 9
    assert found.gradient["c"] == 12


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("batch", [None, "mean"])
def test_the_type_of_float_is_kept(kind, batch):
    function = of(SIGMOID_MSE, batch=batch)
    values = {
        name: np.array([value] * 3, dtype=kind)
        for name, value in random_values(function).items()
    }
    found = function(values)
    assert np.asarray(found.loss).dtype == kind
    assert {np.asarray(value).dtype for value in found.gradient.values()} == {
        np.dtype(kind)
    }


def test_whole_numbers_are_floats():
    function = of(SIGMOID_MSE)
    found = function(dict.fromkeys(function.arguments, 1))
    same = function(dict.fromkeys(function.arguments, 1.0))
    assert found.vector.tolist() == same.vector.tolist()


# ---- bad input


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"x3": 1.0}, "unknown id 'x3'"),
        ({"x1": math.nan}, "'x1' is nan: not finite"),
        ({"x1": np.array([1.0, math.inf])}, r"'x1' is inf at \(1,\): not finite"),
        ({"x1": "1.0"}, "expected real numbers"),
        ({"x1": 1j}, "expected real numbers"),
        ({"x1": True}, "expected real numbers"),
        ({"x1": [[1.0]]}, r"x1: expected shape \(\) or \(batch,\), found \(1, 1\)"),
        ({"x1": [1.0, [2.0]]}, "ragged"),
        ({"x1": np.zeros(3), "x2": np.zeros(4)}, "the batches differ: x1 has 3 rows"),
        ({"x": [1.0, 2.0]}, "given twice"),
        ({"w1": np.zeros((3, 2))}, r"w1: expected shape \(2, 2\) or \(batch, 2, 2\)"),
    ],
)
def test_unfit_values_are_refused(change, what):
    function = of(SIGMOID_MSE)
    with pytest.raises(InputError, match=what):
        function({**random_values(function), **change})


def test_a_missing_id_and_one_given_twice_are_refused():
    function = of(SIGMOID_MSE)
    values = random_values(function)
    with pytest.raises(InputError, match="'x1' is given twice"):
        function(values, x1=1.0)
    del values["w2_1_2"]
    with pytest.raises(InputError, match="no value for w2_1_2"):
        function(values)
    with pytest.raises(InputError, match="outputs are"):
        of(SIGMOID_MSE, outputs=("losses",))
    with pytest.raises(InputError, match="batch is"):
        of(SIGMOID_MSE, batch="max")


def test_no_finite_value_is_said():
    x = Name("x")
    graph = graph_of_formulas({Name("y"): Call("log", (x,))}, Name("y"))
    function = compiled(derive(graph))
    for value in (0.0, -1.0, np.array([1.0, 0.0])):
        with pytest.raises(InputError, match="no finite value here"):
            function(x=value)
    big = compiled(derive(graph_of_formulas({Name("y"): Call("exp", (x,))}, Name("y"))))
    for value in (1000.0, np.array([1.0, 1000.0])):
        with pytest.raises(InputError, match="no finite value here"):
            big(x=value)


def test_loss_or_gradient_alone():
    both = of(SIGMOID_MSE)
    values = random_values(both)
    loss, gradient = (
        of(SIGMOID_MSE, outputs=("loss",)),
        of(SIGMOID_MSE, outputs=("gradient",)),
    )
    assert loss(values).loss == both(values).loss
    assert loss(values).gradient == {}
    assert gradient(values).loss is None
    assert gradient(values).gradient == both(values).gradient
    assert "delta" not in loss.source
    assert "J =" not in gradient.source


# ---- functions left general


def test_general_functions_are_bound_with_their_slopes():
    derivations = derive(load_example("composite"))
    with pytest.raises(InputError, match="a1 is left general"):
        compiled(derivations)
    function = compiled(
        derivations,
        functions={
            "a1": (np.sin, np.cos),
            "a2": (np.exp, np.exp),
            "a3": (np.square, lambda u: 2 * u),
        },
    )
    found = function(x=0.4)
    inner = math.exp(math.sin(0.4))
    assert found.loss == pytest.approx(inner**2)
    assert found.gradient["x"] == pytest.approx(2 * inner * inner * math.cos(0.4))
    with pytest.raises(InputError, match="needs a function and 1 slope"):
        compiled(
            derivations,
            functions={
                "a1": (np.sin, (np.cos, np.cos)),
                "a2": (np.exp, np.exp),
                "a3": (np.exp, np.exp),
            },
        )
    with pytest.raises(InputError, match="no function 'a4'"):
        compiled(derivations, functions={"a4": (np.sin, np.cos)})


def test_two_arguments_have_two_slopes():
    one = (np.sin, np.cos)
    function = compiled(
        derive(load_example("two-paths")),
        functions={
            "o": (lambda p, z: p * z * z, (lambda _, z: z * z, lambda p, z: 2 * p * z)),
            **dict.fromkeys(("p", "z", "y", "x"), one),
        },
    )
    w = 0.3
    s = math.sin(math.sin(w))
    step = math.cos(math.sin(w)) * math.cos(w)
    assert function(w=w).gradient["w"] == pytest.approx(3 * s * s * step)


# ---- names never reach generated code


HOSTILE = [
    "__import__('os').system('touch /tmp/hacked')",
    "exp",
    "v0",
    "sigmoid",
    "lambda",
    "x\nimport os",
    "x#",
    '"""',
    "t1",
    "한글",
    "rows",
]


@pytest.mark.parametrize("base", HOSTILE)
def test_hostile_names_stay_outside(base):
    x, other = Name(base), Name("other")
    graph = graph_of_formulas(
        {
            Name("a"): Call("exp", (Product((x, other)),)),
            Name(base, (7,)): Sum((Call("sigmoid", (Name("a"),)), Product((x, x)))),
            Name("loss"): Product((Name(base, (7,)), Name("a"))),
        },
        Name("loss"),
    )
    function = compiled(derive(graph))
    names = set(function.code.function.__code__.co_names)
    assert names <= {"exp", "sigmoid"}
    assert set(function.code.function.__code__.co_varnames) <= {
        f"v{n}" for n in range(40)
    }
    found = function({base: 0.5, "other": 0.25})
    e = math.exp(0.125)
    s = 1 / (1 + math.exp(-e))
    assert found.loss == pytest.approx((s + 0.25) * e)
    for line in function.source.splitlines()[1:-1]:
        code, _, comment = line.partition("#")
        assert line.isascii()
        assert not code.strip() or not comment
    assert "\r" not in function.source


def test_hostile_function_names_stay_outside():
    name = "f(); import os; g"
    x = Name("x")
    graph = graph_of_formulas(
        {Name("y"): Call(name, (x,))}, Name("y"), general={name: 1}
    )
    function = compiled(derive(graph), functions={name: (np.sin, np.cos)})
    assert set(function.code.function.__code__.co_names) == {"g0", "g0_0"}
    assert function(x=0.3).gradient["x"] == pytest.approx(math.cos(0.3))


def test_a_users_symbol_called_exp_does_not_shadow_exp():
    names = Name("exp"), Name("sigmoid")
    body = Sum((Call("exp", (names[0],)), Call("sigmoid", (names[1],))))
    function = compiled(derive(graph_of_formulas({Name("y"): body}, Name("y"))))
    assert function({"exp": 0.0, "sigmoid": 0.0}).loss == 1.5


# ---- deep and large


def test_a_thousand_layers_under_the_default_recursion_limit():
    assert sys.getrecursionlimit() <= 1000
    network = Network(1, (Layer(1, "sigmoid"),) * 1000, "half_squared_error")
    function = of(network)
    values = random_values(function)
    expected = engine(network, values)
    assert function(values).loss == pytest.approx(float(expected.loss), rel=1e-12)
    assert function(values).gradient["w999_1_1"] == pytest.approx(
        float(expected.gradient["w999_1_1"]), rel=1e-11
    )
    assert nesting(function.source) <= 20


def nesting(source):
    deepest = 0
    for line in source.splitlines():
        level = 0
        for character in line.partition("#")[0]:
            level += (character == "(") - (character == ")")
            deepest = max(deepest, level)
    return deepest


def test_deep_and_wide_formulas_are_cut_into_lines():
    x = Name("x")
    deep = x
    for _ in range(90):
        deep = Sum((Num("1"), Product((x, deep))))
    wide = Sum(tuple(Product((Num(str(n)), Power(x, Num("2")))) for n in range(900)))
    graph = graph_of_formulas(
        {Name("a"): deep, Name("b"): wide, Name("y"): Sum((Name("a"), Name("b")))},
        Name("y"),
    )
    function = compiled(derive(graph))
    assert nesting(function.source) <= 20
    value = Fraction(1, 2)
    true = sum(value**k for k in range(90)) + value**91
    assert function(x=0.5).loss == pytest.approx(
        float(true) + 0.25 * sum(range(900)), rel=1e-13
    )


def test_shared_parts_are_computed_once():
    network = Network(2, (Layer(4, "softmax"),), "half_squared_error", biases=False)
    code = [line.partition("#")[0] for line in of(network).source.splitlines()]
    text = "\n".join(code)
    assert text.count("exp(") == 4
    assert text.count("highest(") == 1


# ---- the text


@pytest.mark.parametrize("name", list(shipped()))
def test_the_module_of_every_example_runs_alone(name, tmp_path):
    example = load_example(name)
    path = tmp_path / "alone.py"
    path.write_text(module(derive(example)), encoding="utf-8")
    code = (
        "import sys, runpy\n"
        f"space = runpy.run_path({str(path)!r}, run_name='__main__')\n"
        "assert callable(space['gradient'])\n"
        "assert 'symbackprop' not in sys.modules and 'sympy' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if name == "single-neuron-mse":  # systems.md part C, from mpmath
        printed = dict(line.split(" = ") for line in done.stdout.splitlines())
        assert float(printed["w1_2_1"]) == pytest.approx(1.21938332427542752, rel=1e-14)
        assert float(printed["loss"]) == pytest.approx(0.668428024123310801, rel=1e-14)


def test_each_line_names_its_equation():
    source = of(SIGMOID_MSE).source
    lines = [line.strip() for line in source.splitlines()]
    place = lines.index("# z1_1 = w1_1_1*x1 + w1_2_1*x2 + b1_1")
    assert lines[place + 1].startswith("v")
    assert text_of(Name("w1", ())) == "w1"
    assert "# delta1_1 = " in source
    assert source.count("\n    #") >= source.count("\n    v")
