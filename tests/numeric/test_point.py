"""Balls and rationals at a point, against mpmath at 80 digits and exact fractions."""

from fractions import Fraction

import mpmath
import pytest
from flint import arb, ctx, fmpq

from symbackprop import InputError, derive, load_example
from symbackprop.computed import program
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Derivative, Name, Num, name_of
from symbackprop.numeric.point import Point, Undecided, decimal_of
from symbackprop.ops.table import OPS

WORDS = Vocabulary(dict.fromkeys(OPS, 1), names=("x", "y"))
X, Y = Name("x"), Name("y")


def at(x, y="0"):
    return Point((), {X: Fraction(x), Y: Fraction(y)})


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("exp(x)", mpmath.exp),
        ("log(x)", mpmath.log),
        ("sqrt(x)", mpmath.sqrt),
        ("erf(x)", mpmath.erf),
        ("sigmoid(x)", lambda x: 1 / (1 + mpmath.exp(-x))),
        ("tanh(x)", mpmath.tanh),
        ("softplus(x)", lambda x: mpmath.log(1 + mpmath.exp(x))),
        ("silu(x)", lambda x: x / (1 + mpmath.exp(-x))),
        ("gelu(x)", lambda x: x * mpmath.ncdf(x)),
        ("x**x", lambda x: x**x),
        ("1/(x + pi)", lambda x: 1 / (x + mpmath.pi)),
        ("-x**3 - 2/x", lambda x: -(x**3) - 2 / x),
    ],
)
@pytest.mark.parametrize("x", ["0.3", "2.75", "41/7"])
def test_forty_digits_against_mpmath(text, true, x):
    with mpmath.workdps(80):
        value = Fraction(x)
        expected = true(mpmath.mpf(value.numerator) / value.denominator)
        found = at(x).rounded(read(text, WORDS), 40)
        assert mpmath.almosteq(mpmath.mpf(found), expected, rel_eps=mpmath.mpf("1e-39"))


@pytest.mark.parametrize(
    ("text", "x", "exact"),
    [
        ("x/3 + 1/7", "0.5", "13/42"),
        ("sigmoid(x)", "0", "1/2"),
        ("exp(x) + log(1 + x) + tanh(x)", "0", "1"),
        ("sqrt(x)", "9/16", "3/4"),
        ("relu(x) + leaky_relu(-x)", "3", "2.97"),
        ("Max(x, 2, -x) + step(x) + abs(-x)", "1.5", "4.5"),
        ("x**-2", "4", "1/16"),
        ("step(x)", "0", "0"),
    ],
)
def test_exact_where_it_is(text, x, exact):
    assert at(x).exact(read(text, WORDS)) == Fraction(exact)


def test_not_exact_where_it_is_not():
    assert at("1").exact(read("sigmoid(x)", WORDS)) is None
    assert at("2").exact(read("sqrt(x)", WORDS)) is None


@pytest.mark.parametrize(
    ("text", "digits", "rounded"),
    [
        ("5/2", 1, "3"),
        ("-5/2", 1, "-3"),
        ("0.125", 2, "0.13"),
        ("999999", 3, "1000000"),
        ("0.00012345", 3, "0.000123"),
        ("0.000009995", 3, "0.0000100"),
        ("0.0000012", 2, "1.2e-6"),
        ("1234567890123456789", 3, "1.23e18"),
        ("120", 5, "120.00"),
        ("0", 7, "0"),
    ],
)
def test_rounding_of_exact_values(text, digits, rounded):
    value = Fraction(text)
    assert decimal_of(fmpq(value.numerator, value.denominator), digits) == rounded


def test_a_ball_that_straddles_a_rounding_boundary_is_not_rounded():
    assert decimal_of(arb("0.12345", "1e-12"), 4) is None
    assert decimal_of(arb("0.123451", "1e-12"), 4) == "0.1235"


def test_precision_grows_until_it_decides():
    close = read("exp(x) - exp(y)", WORDS)
    point = at("1", "1." + "0" * 70 + "1")
    with mpmath.workdps(120):
        expected = -mpmath.e * mpmath.mpf("1e-71")
        assert abs(mpmath.mpf(point.rounded(close, 6)) / expected - 1) < 1e-5


def test_what_no_precision_decides_is_said():
    with pytest.raises(Undecided):
        at("1").rounded(read("exp(x) - exp(y - 1 + x - y + 1)", WORDS), 3)


@pytest.mark.parametrize("text", ["1/y", "log(y)", "log(-x)", "sqrt(-x)", "y**-1"])
def test_no_value_is_an_error(text):
    with pytest.raises(InputError):
        at("1").rounded(read(text, WORDS), 3)


def test_a_missing_leaf_is_named():
    with pytest.raises(InputError, match="no value for y"):
        Point((), {X: Fraction(1)}).value(read("x + y", WORDS))


def test_the_neuron_of_the_book():
    """systems.md part C, computed with mpmath."""
    example = load_example("single-neuron-mse")
    point = Point(program(derive(example)).lines, example.values)
    loss = Name("J")
    with mpmath.workdps(60):
        o = 1 / (1 + mpmath.exp(mpmath.mpf(-3) / 2))
        slope = 2 * o * o * (1 - o)
        for atom, true in [
            (name_of("z1_1"), mpmath.mpf(3) / 2),
            (name_of("o1"), o),
            (loss, o * o),
            (Derivative("D", loss, name_of("z1_1")), slope),
            (Derivative("D", loss, name_of("w1_1_1")), 2 * slope),
            (Derivative("D", loss, name_of("w1_2_1")), 5 * slope),
        ]:
            found = mpmath.mpf(point.rounded(atom, 30))
            assert mpmath.almosteq(found, true, rel_eps=mpmath.mpf("1e-29"))
    assert point.exact(name_of("z1_1")) == Fraction(3, 2)


def test_a_point_leaves_the_precision_of_others_alone():
    before = ctx.prec
    at("1").rounded(read("exp(x)", WORDS), 200)
    with pytest.raises(InputError):
        at("1").value(Num("1") and read("1/y", WORDS))
    assert ctx.prec == before
