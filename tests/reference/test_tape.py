"""The tape's own slopes and sweeps against mpmath's derivatives at 50 digits."""

from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest
from flint import arb, ctx

from symbackprop.errors import InputError
from symbackprop.reference import tape
from symbackprop.reference.arithmetic import NUMPY, elementwise
from symbackprop.reference.tape import (
    FUNCTIONS,
    ROWS,
    Row,
    Var,
    applied,
    called,
    derivatives,
    log_odds,
    softmax,
)

SLOPES = {
    "exp": mp.exp,
    "log": lambda z: 1 / z,
    "sqrt": lambda z: 1 / (2 * mp.sqrt(z)),
    "erf": lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-z * z),
    "abs": mp.sign,
    "step": lambda _: mp.mpf(0),
    "identity": lambda _: mp.mpf(1),
    "sigmoid": lambda z: mp.sech(z / 2) ** 2 / 4,
    "tanh": lambda z: mp.sech(z) ** 2,
    "relu": lambda z: mp.mpf(1 if z > 0 else 0),
    "leaky_relu": lambda z: 1 if z > 0 else mp.mpf(1) / 100,
    "softplus": lambda z: 1 / (1 + mp.exp(-z)),
    "silu": lambda z: 1 / (1 + mp.exp(-z)) + z * mp.sech(z / 2) ** 2 / 4,
    "gelu": lambda z: mp.erfc(-z / mp.sqrt(2)) / 2 + z * mp.npdf(z),
}
GRID = np.concatenate(
    [
        np.linspace(-700, 700, 57),
        np.linspace(-37, 37, 75) + 0.01,
        np.linspace(-1.5, 1.5, 30),
    ]
)


@pytest.fixture
def balls():
    """Python-flint's balls at 60 digits."""
    before, ctx.dps = ctx.dps, 60
    yield elementwise(
        {
            "exp": arb.exp,
            "log": arb.log,
            "sqrt": arb.sqrt,
            "erf": arb.erf,
            "erfc": arb.erfc,
            "absolute": abs,
            "maximum": arb.max,
            "step": lambda z: arb(1) if z > 0 else arb(0) if z <= 0 else arb(0.5, 0.5),
        },
        arb.pi(),
    )
    ctx.dps = before


def grid_of(name: str) -> np.ndarray:
    """Points where a function has a slope."""
    if name in ("log", "sqrt"):
        return np.abs(GRID[GRID != 0])
    if name == "exp":
        return GRID[np.abs(GRID) < 600]
    return GRID[GRID != 0]


def worst(name: str) -> float:
    """The largest error of a slope on its grid, relative to its largest terms."""
    z = Var(grid_of(name))
    (found,) = derivatives(called(name, z), [z])
    largest = 0.0
    with mp.workdps(50):
        for point, slope in zip(z.value, found, strict=True):
            true = SLOPES[name](mp.mpf(point))
            # At the lowest point of GELU and SiLU two terms cancel; they are below 1.
            scale = abs(true) + (mp.mpf("1e-4") if -3 < point < 0 else 0)
            error = abs(mp.mpf(slope) - true)
            largest = max(largest, float(error / max(scale, mp.mpf("2.3e-308"))))
    return largest


@pytest.mark.parametrize("name", ROWS)
def test_a_slope_is_right_in_the_tails_too(name):
    assert worst(name) < 1e-12


def test_every_row_is_tested():
    assert set(SLOPES) == set(ROWS)
    assert set(FUNCTIONS) == {*ROWS, "max", "Max"}


@pytest.mark.parametrize("name", ROWS)
def test_a_wrong_slope_would_be_seen(name, monkeypatch):
    right = ROWS[name]
    wrong = Row(
        right.value, lambda a, z, y: right.slope(a, z, y) * (1 + 1e-11) + 1e-290
    )
    monkeypatch.setattr(tape, "ROWS", {**ROWS, name: wrong})
    assert worst(name) > 1e-12


def test_a_slope_from_the_output_would_be_seen(monkeypatch):
    wrong = Row(ROWS["sigmoid"].value, lambda _, __, y: y * (1 - y))
    monkeypatch.setattr(tape, "ROWS", {**ROWS, "sigmoid": wrong})
    assert worst("sigmoid") > 1e-3


@pytest.mark.parametrize("name", ROWS)
def test_slopes_in_balls_hold_the_true_slope(name, balls):
    for text in ("-7.25", "-0.75", "0.5", "31.5"):
        if name in ("log", "sqrt") and text[0] == "-":
            continue
        z = Var(np.array([arb(text)]), balls)
        (found,) = derivatives(called(name, z), [z])
        with mp.workdps(70):
            true = arb(mp.nstr(SLOPES[name](mp.mpf(text)), 65))
        # Both: the middle is close, and the ball is small.
        assert abs(found[0] - true) < arb("1e-50") * (1 + abs(true))


# ---- whole expressions


def expression(f: dict, x, y):
    """Each operator once, with constants on both sides."""
    first = (x * y - 2 / x + 3) / (1 + y**2)
    second = f["exp"](-x) ** 2 - 1.5 * f["sqrt"](abs(y)) + x ** Fraction(2, 3)
    third = 2 - f["log"](x + y * 0.5) * f["tanh"](x - 0.25) + y**-3
    return first * second + third**2 + x**y + 2 ** (x * 0.5) - f["sigmoid"](y) + x**1


OF_MPMATH = {
    "exp": mp.exp,
    "sqrt": mp.sqrt,
    "log": mp.log,
    "tanh": mp.tanh,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
}


def in_mpmath(x, y):
    """The same expression; mpmath knows no Fraction."""

    class Number(mp.mpf):
        def __pow__(self, power):
            if isinstance(power, Fraction):
                return mp.power(self, mp.mpf(power.numerator) / power.denominator)
            return mp.power(self, power)

    return expression(OF_MPMATH, Number(x), y)


def test_an_expression_and_its_slopes_agree_with_mpmath():
    x, y = Var(np.array([0.7, 1.9])), Var(np.array([1.3, 0.4]))
    result = expression(FUNCTIONS, x, y)
    by_x, by_y = derivatives(result, [x, y])
    for n in range(2):
        at = (mp.mpf(x.value[n]), mp.mpf(y.value[n]))
        with mp.workdps(40):
            assert result.value[n] == pytest.approx(float(in_mpmath(*at)), rel=1e-13)
            true = [mp.diff(in_mpmath, at, order) for order in ((1, 0), (0, 1))]
        assert [by_x[n], by_y[n]] == pytest.approx([float(t) for t in true], rel=1e-12)


@pytest.mark.parametrize("kind", [np.float32, np.longdouble])
def test_the_type_of_the_leaves_is_kept(kind):
    x, y = Var(np.array([0.7], kind)), Var(np.array([1.3], kind))
    result = expression(FUNCTIONS, x, y)
    assert {result.value.dtype, *(d.dtype for d in derivatives(result, [x, y]))} == {
        np.dtype(kind)
    }


def test_a_leaf_used_twice_gets_both_shares():
    x = Var(3.0)
    square = x * x
    assert derivatives(square * x + square, [x]) == [3 * 9.0 + 2 * 3.0]


def test_what_has_no_part_has_slope_zero():
    x, y = Var(3.0), Var(np.array([1.0, 2.0]))
    assert derivatives(x * 2, [y])[0].tolist() == [0.0, 0.0]


def test_the_slope_by_a_result_between():
    x = Var(0.5)
    between = FUNCTIONS["exp"](x)
    assert derivatives(between * between, [between]) == [2 * np.exp(0.5)]


def test_broadcast_leaves_get_the_sum():
    scalar, row = Var(2.0), Var(np.array([1.0, 2.0, 3.0]))
    single = Var(np.array([[1.0], [10.0]]))
    product = (scalar * row * single).sum().sum()
    by_scalar, by_row, by_single = derivatives(product, [scalar, row, single])
    assert by_scalar == 66.0
    assert by_row.tolist() == [22.0, 22.0, 22.0]
    assert by_single.tolist() == [[12.0], [12.0]]


def test_a_row_by_a_matrix_one_and_many():
    rng = np.random.default_rng(3)
    v, w, g = rng.normal(size=(5, 2)), rng.normal(size=(5, 2, 3)), rng.normal(size=3)
    many, matrices = Var(v), Var(w)
    by_v, by_w = derivatives((many.times(matrices) * g).sum(), [many, matrices])
    for n in range(5):
        assert by_v[n] == pytest.approx(w[n] @ g)
        assert by_w[n] == pytest.approx(np.outer(v[n], g))
    assert many.times(Var(w[0])).value == pytest.approx(v @ w[0])


def test_a_unit_taken_out():
    v = Var(np.array([[1.0, 2.0], [3.0, 4.0]]))
    (found,) = derivatives(v[1] * v[1] + v[0], [v])
    assert found.tolist() == [[1.0, 4.0], [1.0, 8.0]]


def test_a_function_of_ones_own():
    x, y = Var(0.3), Var(0.8)
    own = applied(np.sin(0.3) * 0.8, [(x, np.cos(0.3) * 0.8), (y, np.sin(0.3))])
    by_x, by_y = derivatives(own * own, [x, y])
    assert by_x == pytest.approx(2 * np.sin(0.3) * np.cos(0.3) * 0.64)
    assert by_y == pytest.approx(2 * np.sin(0.3) ** 2 * 0.8)


def test_the_larger_hands_its_slope_on():
    x, y = Var(np.array([1.0, 4.0])), Var(np.array([2.0, 3.0]))
    by_x, by_y = derivatives(FUNCTIONS["max"](x, y) * 5, [x, y])
    assert by_x.tolist() == [0.0, 5.0]
    assert by_y.tolist() == [5.0, 0.0]
    (found,) = derivatives(FUNCTIONS["Max"](x, 2), [x])
    assert found.tolist() == [0.0, 1.0]


def test_a_chain_of_any_length():
    x = Var(1.0)
    result = x
    for _ in range(5_000):
        result = result + x * 0.5
    assert derivatives(result, [x]) == [2_501.0]


# ---- all units of a layer

UNITS = [
    [0.3, -1.2, 2.0],
    [900.0, -900.0, 0.0],
    [-1000.0, -990.0, -1000.0],
    [55.0, 1.0, -2.0],
    [4.0, 4.0],
]


@pytest.mark.parametrize("z", UNITS)
def test_softmax_and_its_log_odds(z):
    weights = np.arange(1.0, len(z) + 1)
    var = Var(np.array([z, z]))
    o, d = softmax(var), log_odds(var)
    found = [derivatives((part * weights).sum(), [var])[0] for part in (o, d)]
    with mp.workdps(60):
        e = [mp.exp(mp.mpf(u)) for u in z]
        share = [part / sum(e) for part in e]
        rest = [sum(e[:k] + e[k + 1 :]) for k in range(len(z))]
        for k in range(len(z)):
            assert float(o.value[0, k]) == pytest.approx(float(share[k]), rel=1e-12)
            odds = float(mp.log(e[k] / rest[k]))
            assert float(d.value[1, k]) == pytest.approx(odds, rel=1e-13, abs=1e-13)
            by_o = share[k] * sum(
                part * mp.mpf(weights[k] - w)
                for part, w in zip(share, weights, strict=True)
            )
            by_d = weights[k] - sum(
                weights[j] * e[k] / rest[j] for j in range(len(z)) if j != k
            )
            assert found[0][0, k] == pytest.approx(float(by_o), rel=1e-12, abs=1e-307)
            assert found[1][1, k] == pytest.approx(float(by_d), rel=1e-12, abs=1e-14)


def test_softmax_in_balls(balls):
    var = Var(np.array([arb("0.3"), arb("-1.2"), arb("2")]), balls)
    plain = Var(np.array([0.3, -1.2, 2.0]))
    for function in (softmax, log_odds):
        (found,) = derivatives((function(var) * 2)[0], [var])
        (close,) = derivatives((function(plain) * 2)[0], [plain])
        assert [float(part) for part in found] == pytest.approx(
            close.tolist(), rel=1e-14
        )
        assert max(float(part.rad()) for part in found) < 1e-50


# ---- arithmetics


def test_numbers_of_mpmath_are_computed_with_too():
    functions = {
        "exp": mp.exp,
        "log": mp.log,
        "sqrt": mp.sqrt,
        "erf": mp.erf,
        "erfc": mp.erfc,
        "absolute": abs,
        "maximum": max,
        "step": lambda z: mp.mpf(1 if z > 0 else 0),
    }
    with mp.workdps(50):
        own = elementwise(functions, +mp.pi)
        for name in ("softplus", "tanh", "gelu", "silu"):
            z = Var(np.array([mp.mpf("-0.4")]), own)
            (found,) = derivatives(called(name, z), [z])
            assert mp.almosteq(found[0], SLOPES[name](mp.mpf("-0.4")), mp.mpf("1e-45"))


@pytest.mark.parametrize("name", ["abs", "step", "relu", "leaky_relu", "gelu", "erf"])
def test_a_complex_number_is_refused_where_there_is_no_slope(name):
    with pytest.raises(InputError, match="takes no complex number"):
        called(name, Var(np.array([1 + 1j])))


def test_outside_the_domain_is_nan_without_a_warning():
    z = np.array([-1.0, 0.0, 4.0])
    assert np.isnan(NUMPY.log(z)).tolist() == [True, True, False]
    assert NUMPY.sqrt(z)[1:].tolist() == [0.0, 2.0]
    assert np.isnan(NUMPY.sqrt(z)[0])
