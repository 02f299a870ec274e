"""Forward functions against mpmath at 50 digits, tails and edges included.

The bounds: no warning and no nan for |z| up to 1000; relative error below 1e-12 where
the true value is at least 2.3e-308, absolute below that.
"""

import inspect
import math
from types import FunctionType

import mpmath as mp
import numpy as np
import pytest

from symbackprop.network import ACTIVATIONS
from symbackprop.ops import forward
from symbackprop.ops.forward import ARRAY, COMPLEX, SCALAR

TRUE = {
    "identity": lambda z: z,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "tanh": mp.tanh,
    "relu": lambda z: max(z, mp.mpf(0)),
    "leaky_relu": lambda z: max(z, z / 100),
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z / 2 * mp.erfc(-z / mp.sqrt(2)),
    "step": lambda z: mp.mpf(1 if z > 0 else 0),
    "erf": mp.erf,
    "erfc": mp.erfc,
}
COLUMNS = ("highest", "logsumexp", "log_share")
ROWS = ("softmax", "log_softmax")
FLOORS = {np.float32: "1.2e-38", np.float64: "2.3e-308", np.longdouble: "1e-4900"}
BOUNDS = {np.float32: 1e-4, np.float64: 1e-12, np.longdouble: 1e-12}
GRID = np.unique(
    np.concatenate(
        [
            np.linspace(-1000, 1000, 81),
            np.linspace(-50, 50, 101),
            np.linspace(-3, 3, 41),
            np.linspace(-750, -700, 51),  # where e^z leaves the normal numbers
            np.linspace(-40, -36, 33),  # where GELU does
            np.linspace(26, 28, 17),  # where erfc does
            np.outer([1, -1], 10.0 ** -np.arange(1, 308, 30.0)).ravel(),
            [5e-324, -5e-324, 2.3e-308],
        ]
    )
)


def exact(number: np.floating) -> mp.mpf:
    """A float of any type as it is."""
    part, power = np.frexp(number)
    head = float(part)
    return mp.ldexp(mp.mpf(head) + mp.mpf(float(part - type(part)(head))), int(power))


def near(value: np.floating, true: mp.mpf, floor: str = "2.3e-308") -> bool:
    """Whether a value is right to 1e-12, or to the floor where that is more."""
    error = abs(exact(np.asarray(value)[()]) - true)
    return error <= max(mp.mpf(10) ** -12 * abs(true), mp.mpf(floor))


def worst(values: np.ndarray, name: str, z: np.ndarray) -> float:
    """The largest error of values of a function, in units of what is allowed."""
    kind = z.dtype.type
    found = 0.0
    floor, bound = mp.mpf(FLOORS[kind]), BOUNDS[kind]
    with mp.workdps(50):
        for number, value in zip(z, values, strict=True):
            if not np.isfinite(value):
                return math.inf
            true = TRUE[name](exact(number))
            small = abs(true) < floor
            allowed = floor if small else bound * abs(true)
            found = max(found, float(abs(exact(value) - true) / allowed))
    return found


# ---- values


@pytest.mark.parametrize("kind", FLOORS)
@pytest.mark.parametrize("name", TRUE)
def test_an_array_function_is_right_and_keeps_its_type(name, kind):
    z = GRID.astype(kind)
    values = ARRAY[name](z)
    assert values.dtype == kind
    assert worst(values, name, z) <= 1


@pytest.mark.parametrize("name", TRUE)
def test_a_scalar_function_is_right(name):
    values = np.array([SCALAR[name](float(z)) for z in GRID])
    assert worst(values, name, GRID) <= 1


@pytest.mark.parametrize("name", ["gelu", "erf", "erfc"])
def test_longdouble_digits_are_used(name):
    if np.finfo(np.longdouble).eps >= np.finfo(float).eps:
        pytest.skip("longdouble is no wider than float64 here")
    z = np.concatenate([np.linspace(-6, 12, 145), np.linspace(0.98, 1.02, 9)])
    z = z.astype(np.longdouble)
    assert worst(ARRAY[name](z), name, z) <= 1e-5  # that is 1e-17, relative


@pytest.mark.parametrize("name", TRUE)
def test_shapes_and_numbers_pass(name):
    grid = np.linspace(-2, 2, 6).reshape(2, 3)
    assert ARRAY[name](grid).shape == (2, 3)
    assert np.ndim(ARRAY[name](np.float64(0.5))) == 0
    assert ARRAY[name](0.5) == pytest.approx(float(TRUE[name](mp.mpf(0.5))))
    assert ARRAY[name](grid[:0]).shape == (0, 3)


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "relu", "step", "gelu"])
def test_nan_stays_nan(name):
    assert np.isnan(ARRAY[name](np.array([np.nan])))[0]
    assert math.isnan(SCALAR[name](math.nan))


def naive(name: str, z: np.ndarray) -> np.ndarray:
    """The function as a book writes it."""
    with np.errstate(all="ignore"):
        return {
            "sigmoid": lambda: 0.5 + 0.5 * np.tanh(z / 2),
            "softplus": lambda: np.log(1 + np.exp(z)),
            "silu": lambda: z * (0.5 + 0.5 * np.tanh(z / 2)),
            "tanh": lambda: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
            "gelu": lambda: z / 2 * (1 + ARRAY["erf"](z / math.sqrt(2))),
            "erfc": lambda: 1 - ARRAY["erf"](z),
            "leaky_relu": lambda: np.maximum(z, np.float32(0.01) * z),
        }[name]()


@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "silu", "tanh", "gelu", "erfc", "leaky_relu"]
)
def test_an_unstable_form_would_be_seen(name):
    assert worst(naive(name, GRID), name, GRID) > 1


# ---- functions of several numbers

TUPLES = [
    (0.3, -0.2, 1.7),
    (1000.0, -1000.0, 0.0),
    (-1000.0, -1000.0, -999.0),
    (40.0, 0.0, -3.0),
    (700.0, 1000.0, 1000.0),
    (5.0, 5.0, 5.0),
]


@pytest.mark.parametrize("kind", [np.float64, np.longdouble])
@pytest.mark.parametrize("z", TUPLES)
def test_columns_and_rows_agree_with_mpmath(z, kind):
    with mp.workdps(50):
        e = [mp.exp(mp.mpf(u)) for u in z]
        share = [part / sum(e) for part in e]
        logs = [-mp.log1p((sum(e) - part) / part) for part in e]
        total = mp.log(sum(e))
        columns = [np.array([u], kind) for u in z]
        assert near(ARRAY["logsumexp"](*columns)[0], total)
        assert near(SCALAR["logsumexp"](*z), total)
        assert float(ARRAY["highest"](*columns)[0]) == SCALAR["highest"](*z) == max(z)
        for k in range(3):
            others = [u for j, u in enumerate(columns) if j != k]
            plain = [u for j, u in enumerate(z) if j != k]
            row = np.array([z], kind)
            for found, true in (
                (ARRAY["log_share"](columns[k], *others)[0], logs[k]),
                (SCALAR["log_share"](z[k], *plain), logs[k]),
                (ARRAY["log_softmax"](row)[0, k], logs[k]),
                (SCALAR["log_softmax"](list(z))[k], logs[k]),
                (ARRAY["softmax"](row)[0, k], share[k]),
                (SCALAR["softmax"](list(z))[k], share[k]),
            ):
                assert near(found, true)


def test_a_logarithm_of_a_rounded_share_would_be_seen():
    z = np.array([40.0, 0.0, -3.0])
    with mp.workdps(50):
        true = -mp.log1p(mp.exp(-40) + mp.exp(-43))
        assert near(ARRAY["log_softmax"](z)[0], true)
        assert not near(np.log(ARRAY["softmax"](z))[0], true)


def test_one_column_alone_has_the_whole_share():
    assert ARRAY["log_share"](np.array([3.0]))[0] == 0.0
    assert SCALAR["log_share"](3.0) == 0.0


# ---- complex values


SLOPES = {
    "identity": lambda _: mp.mpf(1),
    "sigmoid": lambda z: mp.sech(z / 2) ** 2 / 4,
    "tanh": lambda z: mp.sech(z) ** 2,
    "softplus": TRUE["sigmoid"],
    "silu": lambda z: TRUE["sigmoid"](z) + z * mp.sech(z / 2) ** 2 / 4,
}


@pytest.mark.parametrize("name", SLOPES)
def test_a_complex_step_gives_the_slope(name):
    z = np.concatenate([np.linspace(-600, 1000, 65), np.linspace(-20, 20, 41)])
    h = 1e-20
    slopes = np.imag(COMPLEX[name](z + 1j * h)) / h
    for point, slope in zip(z, slopes, strict=True):
        with mp.workdps(50):
            assert near(slope, SLOPES[name](mp.mpf(point)), "1e-280")


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "silu", "log1p"])
def test_a_complex_value_is_right(name):
    true = TRUE | {"log1p": mp.log1p}
    for z in (0.3 + 0.4j, -2 + 1j, 5 - 0.5j, 1e-9 + 1e-12j, -30 + 0.1j):
        found = complex(COMPLEX[name](np.array([z]))[0])
        with mp.workdps(50):
            value = complex(true[name](mp.mpc(z)))
        assert found == pytest.approx(value, rel=1e-12)


def test_a_complex_softmax_gives_its_jacobian():
    z, h = np.array([0.2, -1.0, 800.0]), 1e-20
    o = ARRAY["softmax"](z)
    for k in range(3):
        moved = z + 1j * h * (np.arange(3) == k)
        jacobian = o * ((np.arange(3) == k) - o[k])
        found = np.imag(COMPLEX["softmax"](moved)) / h
        assert found == pytest.approx(jacobian, abs=1e-15)


def test_what_has_a_kink_or_an_erf_has_no_complex_twin():
    assert set(COMPLEX) & {"relu", "leaky_relu", "step", "gelu", "erf", "erfc"} == set()


# ---- the tables


def test_every_activation_has_both_functions():
    assert set(ACTIVATIONS) <= set(ARRAY)
    assert set(ARRAY) == set(SCALAR) == {*TRUE, *COLUMNS, *ROWS}


def foreign(function: FunctionType) -> set[str]:
    """The global names that a function uses and a printed module would lack."""
    own = {
        name
        for name, value in vars(forward).items()
        if inspect.isfunction(value) and value.__module__ == forward.__name__
    }
    return set(inspect.getclosurevars(function).globals) - own - {"np", "math"}


@pytest.mark.parametrize(
    "function",
    {*ARRAY.values(), *SCALAR.values(), *COMPLEX.values()},
    ids=lambda function: function.__name__,
)
def test_a_function_uses_nothing_from_outside_its_file(function):
    assert foreign(function) == set()


def test_a_constant_of_the_module_would_be_seen():
    def leaning(z):
        return worst(z, "erf", z)

    assert foreign(leaning) == {"worst"}
