"""Every row of the activations: its value against printed tables, its slope against
mpmath's own derivative; nothing here uses the package's calculus."""

import mpmath as mp
import pytest

from symbackprop.network import ACTIVATIONS, LOSSES
from symbackprop.ops.table import LOSSES as LOSS_ROWS
from symbackprop.ops.table import OPS

NAMES = {
    "exp": mp.exp,
    "log": mp.log,
    "sqrt": mp.sqrt,
    "erf": mp.erf,
    "Max": max,
    "pi": mp.pi,
    "step": lambda x: mp.mpf(1) if x > 0 else mp.mpf(0),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
}
POINTS = ["-2.3", "-0.7", "0.4", "1.9"]


def value(text: str, **names: mp.mpf) -> mp.mpf:
    """A row's text evaluated by mpmath."""
    return mp.mpf(eval(text, {"__builtins__": {}}, NAMES | names))


@pytest.mark.parametrize("name", OPS)
def test_a_row_has_the_printed_values(name: str) -> None:
    assert OPS[name].known
    for x, printed in OPS[name].known:
        digits = len(printed.partition(".")[2])
        got = value(OPS[name].definition, x=mp.mpf(x))
        assert mp.nstr(mp.mpf(printed), 15) == mp.nstr(
            mp.mpf(round(float(got), digits)), 15
        )


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", OPS)
def test_a_slope_is_mpmath_s_derivative(name: str, point: str) -> None:
    with mp.workdps(50):
        x = mp.mpf(point)
        y = value(OPS[name].definition, x=x)
        slope = value(OPS[name].slope, x=x, y=y)
        true = mp.diff(lambda t: value(OPS[name].definition, x=t), x)
        assert mp.almosteq(slope, true, mp.mpf(10) ** -20)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("name", OPS)
def test_a_range_holds(name: str, point: str) -> None:
    low, high = OPS[name].range
    y = value(OPS[name].definition, x=mp.mpf(point))
    assert low is None or y >= mp.mpf(low)
    assert high is None or y < mp.mpf(high)


@pytest.mark.parametrize("name", LOSS_ROWS)
def test_a_loss_s_slope_is_mpmath_s_derivative(name: str) -> None:
    row = LOSS_ROWS[name]
    with mp.workdps(50):
        y, o, n = mp.mpf("0.3"), mp.mpf("0.6"), mp.mpf(3)
        true = mp.diff(lambda t: value(row.part, y=y, o=t, n=n), o)
        assert mp.almosteq(value(row.slope, y=y, o=o, n=n), true, mp.mpf(10) ** -20)


def test_the_network_knows_every_row() -> None:
    assert {*OPS, "softmax"} == set(ACTIVATIONS)
    assert set(LOSS_ROWS) == set(LOSSES)
