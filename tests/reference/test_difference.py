"""Differences and the complex step: right within their bounds, and the bounds useful.

True slopes come from mpmath at 200 digits, of networks written out in conftest.py.
"""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

from symbackprop.errors import InputError
from symbackprop.network import LOSSES
from symbackprop.reference import difference
from symbackprop.reference.difference import central, complex_step
from symbackprop.reference.engine import gradient, leaves, loss_of, parameters

WIDER = np.finfo(np.longdouble).eps < np.finfo(float).eps
CASES = [
    ("sigmoid", "sigmoid", "half_squared_error"),
    ("tanh", "sigmoid", "binary_cross_entropy"),
    ("silu", "softmax", "categorical_cross_entropy"),
    ("softplus", "softmax", "binary_cross_entropy"),
    ("relu", "identity", "mean_squared_error"),
    ("leaky_relu", "identity", "squared_error"),
    ("gelu", "softplus", "squared_error"),
]
SCALES = [1e-5, 1.0, 10.0, 30.0]


def exact(number) -> mp.mpf:
    """A float of any type as it is."""
    head = float(number)
    return mp.mpf(head) + mp.mpf(float(number - type(number)(head)))


def excess(slopes, truth, least: float = 1e-100) -> float:
    """The largest error in units of its bound; below 1 where every bound holds."""
    found = 0.0
    with mp.workdps(200):
        for name, slope in slopes.gradient.items():
            # Differences at 200 digits know nothing below 1e-100.
            bound = slopes.bound[name] + least
            if np.isfinite(slope):
                found = max(found, float(abs(exact(slope) - truth[name]) / bound))
            else:
                assert slopes.bound[name] == np.inf
    return found


@pytest.fixture(params=CASES, ids="-".join)
def case(request, written_out):
    """A network of each kind."""
    return written_out.network_of((2, 2, 2), *request.param)


# ---- bounds hold, at every scale


@pytest.mark.parametrize("scale", SCALES)
def test_no_bound_is_violated(case, scale, written_out):
    for seed in (1, 11):
        values = written_out.values_of(leaves(case), seed, scale)
        ids = parameters(case)
        truth = {name: written_out.slope(case, values, name) for name in ids}
        assert excess(central(loss_of(case), values, ids), truth) < 1
        narrow = central(loss_of(case), values, ids, kind=np.float64)
        assert excess(narrow, truth) < 1
        if not {layer.activation for layer in case.layers} & {
            "relu",
            "leaky_relu",
            "gelu",
        }:
            assert excess(complex_step(loss_of(case), values, ids), truth) < 1


def test_bounds_are_narrow_enough_to_judge_by(written_out):
    network = written_out.network_of((16, 16, 16), *CASES[0])
    values = written_out.values_of(leaves(network), 1)
    found = gradient(network, values).gradient
    size = max(map(abs, found.values()))
    stepped = complex_step(loss_of(network), values, parameters(network))
    assert max(stepped.bound[n] / abs(found[n]) for n in found) < 1e-11
    differences = central(loss_of(network), values, parameters(network))
    assert max(differences.bound.values()) < (2e-13 if WIDER else 2e-9) * size
    for slopes in (stepped, differences):
        for name, slope in found.items():
            error = abs(float(slopes.gradient[name]) - slope)
            assert error <= slopes.bound[name] + 1e-14 * size


def test_a_slip_of_1e_10_is_outside_the_bounds(written_out):
    network = written_out.network_of((2, 2, 2), *CASES[0])
    for scale in SCALES:
        values = written_out.values_of(leaves(network), 3, scale)
        found = gradient(network, values).gradient
        stepped = complex_step(loss_of(network), values, parameters(network))
        for name, slope in found.items():
            slip = abs(float(stepped.gradient[name]) - slope * (1 + 1e-10))
            assert slip > stepped.bound[name]


def test_the_true_slopes_are_held_by_both_methods_at_once(written_out):
    network = written_out.network_of((3, 3, 3), *CASES[1])
    values = written_out.values_of(leaves(network), 5)
    first, second = (
        method(loss_of(network), values) for method in (central, complex_step)
    )
    assert list(first.gradient) == list(second.gradient) == list(values)
    for name in values:
        gap = abs(float(first.gradient[name]) - float(second.gradient[name]))
        assert gap <= first.bound[name] + second.bound[name]


# ---- functions of one number, with a scale, an edge or a kink

FUNCTIONS = {
    "sin": (np.sin, mp.sin),
    "log": (np.log, mp.log),
    "reciprocal": (lambda x: 1 / x, lambda x: 1 / x),
    "eighth power": (lambda x: x**8, lambda x: x**8),
    "steep": (lambda x: np.tanh(30 * (x - 1)), lambda x: mp.tanh(30 * (x - 1))),
    "fast": (lambda x: np.sin(1e4 * x), lambda x: mp.sin(10000 * x)),
    "bump": (
        lambda x: np.exp(-((40 * (x - 1)) ** 2)),
        lambda x: mp.exp(-((40 * (x - 1)) ** 2)),
    ),
    "rounded inside": (
        lambda x: np.sin(x.astype(float)).astype(x.dtype),
        mp.sin,
    ),
}
POINTS = [*10.0 ** np.arange(-5, 3, 0.5), *np.linspace(0.8, 1.2, 9)]


def quiet(function):
    """A loss of x alone; outside its domain it is nan."""

    def loss(values):
        with np.errstate(all="ignore"):
            return function(values["x"])

    return loss


@pytest.mark.parametrize("kind", [np.longdouble, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_bound_holds_near_edges_and_at_small_scales(name, kind):
    function, true = FUNCTIONS[name]
    for x in POINTS:
        slopes = central(quiet(function), {"x": x}, kind=kind)
        with mp.workdps(60):
            truth = {"x": mp.diff(true, mp.mpf(x), h=mp.mpf(10) ** -20)}
        assert excess(slopes, truth) < 1


@pytest.mark.parametrize("name", ["sin", "log", "eighth power", "fast"])
def test_the_step_finds_its_scale(name):
    function, _ = FUNCTIONS[name]
    for x in (1e-3, 0.3, 20.0):
        slopes = central(quiet(function), {"x": x})
        relative = slopes.bound["x"] / abs(float(slopes.gradient["x"]))
        assert relative < (1e-8 if WIDER else 1e-4)


def kinked(at: float):
    """A loss with slope 0.5 at 0.25, where the kink at `at` is not in the way."""
    return lambda values: 3 * np.maximum(values["x"] - at, 0) + values["x"] ** 2


@pytest.mark.parametrize("kind", [np.longdouble, np.float64])
def test_a_kink_nearby_is_allowed_for(kind):
    for gap in 10.0 ** np.linspace(-15, 1, 240):
        for at, slope in ((0.25 + gap, 0.5), (0.25 - gap, 3.5)):
            found = central(kinked(at), {"x": 0.25}, kind=kind)
            assert abs(float(found.gradient["x"]) - slope) <= found.bound["x"]


def test_at_a_kink_the_bound_holds_both_slopes():
    found = central(kinked(0.25), {"x": 0.25})
    middle, bound = float(found.gradient["x"]), found.bound["x"]
    assert middle - bound <= 0.5
    assert middle + bound >= 3.5
    assert bound < 10


def test_a_constant_has_slope_zero():
    found = central(lambda values: values["x"] * 0 + 3, {"x": 1.0})
    assert found.gradient["x"] == 0
    assert found.bound["x"] < 1e-9


def test_where_nothing_is_defined_nothing_is_said():
    found = central(quiet(np.log), {"x": -1.0})
    assert np.isnan(found.gradient["x"])
    assert found.bound["x"] == np.inf


# ---- each guard is needed: without it some bound is violated


def violations(written_out) -> float:
    """The largest excess over functions and networks of this file."""
    found = 0.0
    for name, (function, true) in FUNCTIONS.items():
        for kind in (np.longdouble, np.float64):
            for x in (0.01, 0.95, 1.0, 56.23413251903491):
                if name == "log" and x < 0:
                    continue
                slopes = central(quiet(function), {"x": x}, kind=kind)
                with mp.workdps(60):
                    truth = {"x": mp.diff(true, mp.mpf(x), h=mp.mpf(10) ** -20)}
                found = max(found, excess(slopes, truth))
    at_kink = central(kinked(0.25), {"x": 0.25})
    found = max(found, 1.4 / at_kink.bound["x"] if at_kink.bound["x"] else np.inf)
    network = written_out.network_of((2, 2, 2), *CASES[2])
    for seed in (11, 47):
        values = written_out.values_of(leaves(network), seed, 30.0)
        truth = {n: written_out.slope(network, values, n) for n in parameters(network)}
        for method in (central, complex_step):
            slopes = method(loss_of(network), values, parameters(network))
            found = max(found, excess(slopes, truth))
    return found


def test_with_every_guard_no_bound_is_violated(written_out):
    assert violations(written_out) < 1


@pytest.mark.parametrize("guard", ["_conditioning", "_judged"])
def test_without_a_guard_a_bound_is_violated(guard, monkeypatch, written_out):
    right = getattr(difference, guard)
    if guard == "_conditioning":
        monkeypatch.setattr(
            difference, guard, lambda *given: right(*given) * 0 + 1e-300
        )
    else:

        def blind(table, steps, *rest):
            """Truncation alone, as two four-point rules see it."""
            slope, error, power = right(table, steps, *rest)
            one, two, four = (
                (table[:, 3 + k] - table[:, 3 - k]) / (2 * reach * steps)
                for k, reach in ((1, 1), (2, 2), (3, 4))
            )
            cut = np.abs((4 * one - two) / 3 - (4 * two - four) / 3)
            return slope, np.where(np.isfinite(error), cut, error).astype(float), power

        monkeypatch.setattr(difference, guard, blind)
    assert violations(written_out) > 1


@pytest.mark.skipif(not WIDER, reason="the point was found with 64-bit longdouble")
@pytest.mark.parametrize("guarded", [True, False])
def test_a_loss_in_steps_of_its_own_rounding(guarded, monkeypatch, written_out):
    # z is near 585 and one weight moves it by less than its last digit: what the
    # differences see is a staircase, whose height only the jittered loss tells.
    if not guarded:
        monkeypatch.setattr(difference, "_grain", lambda *_: np.longdouble(0))
    network = written_out.network_of((2, 2, 2), *CASES[2])
    values = written_out.values_of(leaves(network), 11, 30.0) | {"y1": 1.0, "y2": 0.0}
    ids = ["w2_2_1", "w2_2_2"]
    truth = {name: written_out.slope(network, values, name, 1000) for name in ids}
    slopes = central(loss_of(network), values, parameters(network))
    asked = replace(slopes, gradient={name: slopes.gradient[name] for name in ids})
    assert (excess(asked, truth, 0.0) < 1) is guarded


def test_a_wrong_rule_is_outside_the_bounds(monkeypatch, written_out):
    right = difference._judged

    def second_order(table, steps, *rest):
        _, error, power = right(table, steps, *rest)
        return (table[:, 4] - table[:, 2]) / (2 * steps), error, power

    monkeypatch.setattr(difference, "_judged", second_order)
    network = written_out.network_of((2, 2, 2), *CASES[1])
    values = written_out.values_of(leaves(network), 1)
    truth = {n: written_out.slope(network, values, n) for n in parameters(network)}
    assert excess(central(loss_of(network), values, parameters(network)), truth) > 1


# ---- what is asked, what comes back


def test_only_what_is_asked_for_is_computed():
    asked = []

    def loss(values):
        asked.append({name for name, column in values.items() if np.ndim(column)})
        return values["a"] * values["b"] + 0 * values["c"]

    found = central(loss, {"a": 2.0, "b": 3.0, "c": 1.0}, ["b"])
    assert dict(found.gradient) == {"b": pytest.approx(2.0)}
    assert found.method == "central differences"
    assert {"b"} in asked
    stepped = complex_step(loss, {"a": 2.0, "b": 3.0, "c": 1.0}, ["b"])
    assert dict(stepped.gradient) == {"b": 2.0}
    assert stepped.method == "complex step"


@pytest.mark.parametrize("method", [central, complex_step])
def test_many_values_are_asked_for_in_pieces(method, monkeypatch):
    monkeypatch.setattr(difference, "ROOM", 200)
    rows = []

    def loss(values):
        total = sum((n + 1) * value**2 for n, value in enumerate(values.values()))
        rows.append(np.size(total))
        return total

    found = method(loss, {f"v{n}": float(n) for n in range(12)})
    slopes = [float(found.gradient[f"v{n}"]) for n in range(12)]
    assert slopes == pytest.approx([2.0 * (n + 1) * n for n in range(12)], abs=1e-9)
    assert max(rows) < 30


def test_the_same_question_has_the_same_answer(written_out):
    network = written_out.network_of((2, 2), "tanh", "sigmoid", LOSSES[0])
    values = written_out.values_of(leaves(network), 1)
    for method in (central, complex_step):
        first, second = (method(loss_of(network), values) for _ in range(2))
        assert first == second


@pytest.mark.parametrize("method", [central, complex_step])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "no value"),
        ({"x": np.zeros(2)}, "one finite number for x"),
        ({"x": float("inf")}, "one finite number for x"),
    ],
)
def test_an_unusable_point_is_refused(method, values, message):
    with pytest.raises(InputError, match=message):
        method(lambda given: given["x"], values)


@pytest.mark.parametrize("method", [central, complex_step])
def test_an_id_without_a_value_is_refused(method):
    with pytest.raises(InputError, match=r"no value for y .known: x"):
        method(lambda given: given["x"], {"x": 1.0}, ["y"])


def test_a_loss_that_keeps_no_rows_is_refused():
    with pytest.raises(InputError, match="losses, found an array"):
        central(lambda _: np.ones(3), {"x": 1.0})


def test_a_loss_that_gives_up_the_imaginary_part_is_refused():
    with pytest.raises(InputError, match="imaginary"):
        complex_step(lambda given: np.real(given["x"]), {"x": 1.0})
