"""What broke compiled functions, points and training once, and must not again."""

import copy
import math
import pickle
import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import arb

from symbackprop import InputError, Layer, Network, compiled, derive, graph_of
from symbackprop.computed import module, program
from symbackprop.examples import load_example
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import name_of
from symbackprop.graph.build import graph_of_formulas
from symbackprop.numeric import training
from symbackprop.numeric.optimizers import rule_of
from symbackprop.numeric.point import Point, decimal_of
from symbackprop.numeric.schedule import Schedule
from symbackprop.ops.table import OPS
from symbackprop.trained import train

ROWS = np.array([1.0, 2.0, 5.0])


def derived(general=None, **formulas):
    functions = dict.fromkeys(OPS, 1) | (general or {})
    words = Vocabulary(functions=functions)
    bodies = {name_of(left): read(right, words) for left, right in formulas.items()}
    loss = name_of(list(formulas)[-1])
    return derive(graph_of_formulas(bodies, loss, general=general))


def of(formulas, **options):
    return compiled(derived(**formulas), **options)


# ---- sums over a batch


@pytest.mark.parametrize(
    ("formulas", "loss", "slopes"),
    [
        # J = w for each of three rows; SymPy makes a number of x/x, x - x and x**0
        ({"u": "x/x", "J": "u*w"}, 6, {"x": 0, "w": 3}),
        ({"u": "x**0", "J": "u*w"}, 6, {"x": 0, "w": 3}),
        ({"u": "x - x", "J": "u*x + w"}, 6, {"x": 0, "w": 3}),
        ({"u": "0*x", "J": "tanh(u)*x + w"}, 6, {"x": 0, "w": 3}),
        ({"u": "x/x", "v": "x*w", "J": "u*v"}, 16, {"x": 6, "w": 8}),
    ],
)
def test_a_column_that_cancels_still_counts_once_for_each_row(formulas, loss, slopes):
    values = {"x": ROWS, "w": 2.0}
    found = of(formulas, batch="sum")(values)
    assert np.ndim(found.loss) == 0
    assert found.loss == loss
    assert dict(found.gradient) == slopes
    mean = of(formulas, batch="mean")(values)
    assert mean.loss == pytest.approx(loss / 3, rel=1e-15)


@pytest.mark.parametrize("loss", ["u + u*x", "u**2 + u", "u*u - u"])
def test_a_quantity_used_twice_in_one_line_stays_a_line(loss):
    expected = {"u + u*x": 16 + 60, "u**2 + u": 120 + 16, "u*u - u": 120 - 16}
    function = of({"u": "x*w", "J": loss}, outputs=("loss",), batch="sum")
    assert function(x=ROWS, w=2.0).loss == expected[loss]


@pytest.mark.parametrize("loss", ["y - b", "3*(y - b)/3"])
def test_a_mean_of_differences_keeps_the_digits_of_each(loss):
    y = 1e8 + np.random.default_rng(4).random(9000)
    offset = Fraction(sum(map(Fraction, y.tolist())), len(y)) - 10**8
    found = of({"J": loss}, batch="mean")(y=y, b=1e8)
    assert found.loss == pytest.approx(float(offset), rel=1e-13)


@pytest.mark.parametrize("loss", ["f(x)*w", "f(x)*x*w", "f(x) + w"])
def test_a_bound_function_may_be_constant(loss):
    bound = {"f": (lambda _: 2.0, lambda _: 0.0)}
    function = derived({"f": 1}, u=loss.replace("w", "1"), J=loss)
    found = compiled(function, batch="sum", functions=bound)(x=ROWS, w=3.0)
    expected = {"f(x)*w": 18, "f(x)*x*w": 48, "f(x) + w": 15}
    assert np.ndim(found.loss) == 0
    assert found.loss == expected[loss]


# ---- random formulas against mpmath


def grown(chance, names, depth):
    """A random expression, smooth but for max and relu."""
    if depth == 0 or chance.random() < 0.15:
        return chance.choice([*names, *names, "0.5", "3", "1/3", "sqrt(2)", "0"])
    one, two = (grown(chance, names, depth - 1) for _ in range(2))
    power = chance.choice(["0", "1", "2", "3"])
    root = chance.choice(["0.5", "-1", "1/3", "-2"])
    named = chance.choice(["sigmoid", "tanh", "softplus", "silu", "gelu", "relu"])
    return chance.choice(
        [
            f"({one} + {two})",
            f"({one} - {two})",
            f"({one} * {two})",
            f"({one})/(({two})**2 + 1)",
            f"({one})**{power}",
            f"(({one})**2 + 0.5)**({root})",
            f"(-({one}))",
            f"max({one}, {two})",
            f"exp(-({one})**2)",
            f"log(({one})**2 + 0.3)",
            f"(1 - {named}({one}))",
            f"{named}({one})",
        ]
    )


def exact(form, known):
    """A form's value at 50 digits, by its SymPy-free tree."""
    kind = type(form).__name__
    inner = [exact(child, known) for child in form.children]
    if kind == "Num":
        return mpmath.mpf(form.value.numerator) / form.value.denominator
    if kind == "Name":
        return known[form]
    if kind == "Call":
        return CALLS[form.function](*inner)
    return {
        "Sum": lambda *terms: mpmath.fsum(terms),
        "Product": lambda *factors: mpmath.fprod(factors),
        "Minus": lambda body: -body,
        "Fraction": lambda top, bottom: top / bottom,
        "Power": lambda base, exponent: base**exponent,
    }[kind](*inner)


CALLS = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "Max": max,
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.erfc(-x / mpmath.sqrt(2)) / 2,
    "relu": lambda x: max(x, mpmath.mpf(0)),
}


@pytest.mark.parametrize("seed", range(25))
def test_random_formulas_row_by_row_and_summed(seed):
    chance = random.Random(seed)
    names, formulas = ["a", "b", "c"], {}
    for number in range(chance.randint(1, 4)):
        formulas[f"q{number}"] = grown(chance, names, chance.randint(1, 3))
        names.append(f"q{number}")
    derivations = derived(**formulas)
    graph, function = derivations.graph, compiled(derivations)
    rows = [{k: chance.uniform(-2, 2) for k in function.arguments} for _ in range(4)]

    def loss(row, moved=None):
        known = {name_of(k): mpmath.mpf(v) for k, v in row.items()}
        if moved is not None:
            known[name_of(moved[0])] += moved[1]
        for node in graph.nodes:
            if node.body is not None:
                known[node.name] = exact(node.body, known)
        return known[graph.loss]

    with mpmath.workdps(50):
        h = mpmath.mpf(10) ** -20
        true = {"loss": [loss(row) for row in rows]}
        for k in function.parameters:
            true[k] = [(loss(r, (k, h)) - loss(r, (k, -h))) / (2 * h) for r in rows]
    columns = {k: np.array([row[k] for row in rows]) for k in function.arguments}
    each = [function(row) for row in rows]
    found = function(columns) if columns else each[0]
    total = compiled(derivations, batch="sum")(columns)
    for k, expected in true.items():
        single, column, summed = (
            [result.loss if k == "loss" else result.gradient[k] for result in results]
            for results in (each, [found], [total])
        )
        assert single == pytest.approx(list(map(float, expected)), rel=1e-9, abs=1e-9)
        assert column[0] == pytest.approx(np.array(single), rel=1e-12, abs=1e-12)
        if columns:
            assert np.ndim(summed[0]) == 0
            assert summed[0] == pytest.approx(float(sum(expected)), rel=1e-9, abs=1e-9)


# ---- types, ownership, and what is no value


@pytest.mark.parametrize(
    "formulas",
    [
        {"J": "x + w"},
        {"J": "sqrt(2)*x*w"},
        {"J": "2**0.5*x*w"},
        {"J": "sigmoid(w)*x"},
        {"J": "gelu(x) + w"},
        {"u": "tanh(x - x)", "J": "u + w*x"},
    ],
)
@pytest.mark.parametrize("batch", [None, "sum"])
def test_columns_of_float32_stay_so_beside_constants(formulas, batch):
    function = of(formulas, batch=batch)
    found = function(x=ROWS.astype(np.float32), w=0.5)
    results = [found.loss, *found.gradient.values()]
    assert {np.asarray(value).dtype.name for value in results} == {"float32"}
    if batch is None:
        assert {np.shape(value) for value in results} == {(3,)}


@pytest.mark.parametrize("formula", ["sqrt(2)*x", "2**0.5*x", "x/sqrt(2*pi)"])
def test_a_constant_root_does_not_widen_the_bare_function(formula):
    assert of({"J": formula}).raw(ROWS.astype(np.float32))[0].dtype == np.float32


def test_a_constant_slope_is_a_float():
    found = of({"J": "x + w"})(x=1.0, w=2.0)
    assert {type(value) for value in found.gradient.values()} == {float}


def test_results_are_the_callers_own():
    x = ROWS.copy()
    found = of({"J": "x*w + identity(x)"})(x=x, w=2.0)
    x[0] = 99.0
    assert found.gradient["w"].tolist() == [1.0, 2.0, 5.0]
    found.gradient["w"][1] = 7.0
    assert found.loss.tolist() == [3.0, 6.0, 15.0]
    found.gradient["x"][0] = 7.0  # a constant slope, and still an array of its own
    assert found.gradient["x"].tolist() == [7.0, 3.0, 3.0]


@pytest.mark.parametrize("kind", [float, np.float64, lambda v: np.array([v, v])])
@pytest.mark.parametrize("batch", [None, "mean"])
def test_what_overflows_is_refused_whatever_comes_in(kind, batch):
    function = of({"J": "x*w"}, batch=batch)
    with pytest.raises(InputError, match="finite"):
        function(x=kind(1e200), w=kind(1e200))


def test_underflow_is_no_error_even_where_numpy_is_told_to_raise():
    function = of({"J": "sigmoid(x)"})
    with np.errstate(all="raise"):
        assert function(x=np.array([-740.0])).loss[0] == pytest.approx(
            math.exp(-740.0), rel=1e-12, abs=5e-324
        )


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([1.0, 2.0], "found a list"),
        ({"x": np.zeros(0), "w": 1.0}, "expected at least one row"),
        ({"x": np.ma.array([1.0, 2.0], mask=[0, 1]), "w": 1.0}, "found a mask"),
    ],
)
def test_values_that_are_no_values(values, what):
    with pytest.raises(InputError, match=what):
        of({"J": "x*w"})(values)


def test_ids_may_be_called_self_and_values():
    assert of({"J": "self*values"})(self=2.0, values=3.0).loss == 6.0


@pytest.mark.parametrize("constant", ["1/(2 - 2)", "(-1)**(1/2)", "(-2)**0.5"])
def test_a_constant_that_is_no_real_number_is_refused(constant):
    with pytest.raises(InputError, match="no real number"):
        of({"J": f"x*{constant}"})


def test_a_number_too_large_for_a_float_is_named_in_short():
    with pytest.raises(InputError, match="digits is too large") as caught:
        of({"J": "x*10**400"})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("functions", [{"f": np.sin}, {"f": (np.sin, 3)}, [1]])
def test_functions_bound_wrongly(functions):
    with pytest.raises(InputError):
        compiled(derived({"f": 1}, J="f(x)"), functions=functions)


def test_functions_and_results_are_copied_and_pickled():
    network = Network(2, (Layer(2, "silu"), Layer(2, "softmax")))
    function = compiled(derive(graph_of(network)), batch="mean")
    values = dict(zip(function.arguments, np.linspace(-1, 1, 16), strict=True))
    expected = function(values).vector.tolist()
    again = pickle.loads(pickle.dumps(function))
    assert again(values).vector.tolist() == expected
    assert copy.deepcopy(function(values)).vector.tolist() == expected
    assert "J" in repr(function)
    assert "w1_1_1" in repr(function)


# ---- points: sizes that no rational may be written out at


@pytest.mark.parametrize(
    ("formula", "x"), [("exp(x)", "-1e12"), ("exp(x)", "1e9"), ("sigmoid(x)", "-1e30")]
)
def test_digits_of_what_is_far_beyond_floats(formula, x):
    lines = program(derived(J=formula)).lines
    found = Point(lines, {name_of("x"): Fraction(x)}).rounded(name_of("J"), 12)
    with mpmath.workdps(60):
        power = mpmath.mpf(x) / mpmath.log(10)
        exponent = mpmath.floor(power)
        digits = mpmath.nint(mpmath.mpf(10) ** (power - exponent + 11))
    text = str(int(digits))
    assert found == f"{text[0]}.{text[1:]}e{int(exponent)}"


def test_an_exact_ball_of_zero_is_no_tiny_number():
    assert decimal_of(arb(0), 5) == "0"
    assert decimal_of(arb(0, 1e-300), 5) is None


@pytest.mark.parametrize("step", ["u*u", "u**1000"])
def test_rationals_that_grow_without_bound_go_on_as_balls(step):
    count = 45 if step == "u*u" else 4
    formulas, last = {}, "x"
    for number in range(count):
        formulas[f"p{number}"] = step.replace("u", last)
        last = f"p{number}"
    lines = program(derived(**formulas)).lines
    found = Point(lines, {name_of("x"): Fraction(11, 10)}).rounded(name_of(last), 12)
    with mpmath.workdps(60):
        power = mpmath.log10(mpmath.mpf(11) / 10) * (
            2**count if step == "u*u" else 1000**count
        )
        exponent = mpmath.floor(power)
        digits = mpmath.nint(mpmath.mpf(10) ** (power - exponent + 11))
    text = str(int(digits))
    assert found == f"{text[0]}.{text[1:]}e{int(exponent)}"


@pytest.mark.parametrize("formula", ["log(x - exp(1))", "sqrt(x - exp(1))"])
def test_outside_its_domain_a_point_says_so(formula):
    lines = program(derived(J=formula)).lines
    with pytest.raises(InputError, match=r"positive|negative"):
        Point(lines, {name_of("x"): Fraction(1)}).rounded(name_of("J"), 5)


# ---- training

TOO_LARGE = """\
title.en = "t"
[formulas]
J = "x**2"
[values]
x = "{x}"
[training]
method = "gradient descent"
learning_rate = "{rate}"
iterations = 3
"""


@pytest.mark.parametrize(("x", "rate"), [("1e400", "1"), ("1", "1e400")])
def test_a_file_with_a_number_too_large_for_floats(tmp_path, x, rate):
    path = tmp_path / "large.toml"
    path.write_text(TOO_LARGE.format(x=x, rate=rate), encoding="utf-8")
    with pytest.raises(InputError, match="too large for a float"):
        train(path)


def test_a_module_of_such_a_file_is_refused(tmp_path):
    path = tmp_path / "large.toml"
    path.write_text(TOO_LARGE.format(x="1e400", rate="1"), encoding="utf-8")
    with pytest.raises(InputError, match="too large for a float"):
        module(derive(load_example(path)))


def test_updates_are_counted_in_whole_numbers():
    with pytest.raises(InputError, match="epochs or updates"):
        train("gradient-descent", iterations=2.5)


def test_a_wide_network_keeps_fewer_records(monkeypatch):
    monkeypatch.setattr(training, "MAX_KEPT", 400)
    start = np.linspace(1.0, 2.0, 20)
    history = training.learned(
        lambda theta, _: (float(theta @ theta), 2 * theta),
        start,
        rule_of("gradient descent"),
        [Fraction(1, 10)],
        Schedule(samples=1, iterations=100),
    )
    assert len(history.records) <= 21
    assert history.records[-1].iteration == 100
    assert history.parameters == pytest.approx(start * 0.8**100, rel=1e-12)
