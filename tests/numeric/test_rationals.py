"""Rationals beside balls: what is rational for sure, by hand, and what is not."""

from fractions import Fraction

import pytest

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Name
from symbackprop.numeric.point import Point
from symbackprop.numeric.program import Assignment
from symbackprop.numeric.rationals import Rationals
from symbackprop.numeric.worked import Digits
from symbackprop.ops.table import OPS

WORDS = Vocabulary(dict.fromkeys(OPS, 1))
LINES = [("h", "sigmoid(x)"), ("z", "h*v + b"), ("q", "z**2 - 1/4")]
VALUES = {"x": "1.5", "v": "0", "b": "0.1"}


def point(lines=LINES, **values):
    """The lines at x = 1.5, v = 0, b = 0.1 unless told others."""
    made = [Assignment(Name(n), read(t, WORDS), "forward") for n, t in lines]
    given = {**VALUES, **values}
    return Point(made, {Name(n): Fraction(v) for n, v in given.items()})


KNOWN = [  # worked out by hand
    ("b - v*exp(x)", "0.1"),
    ("z", "0.1"),
    ("q", "-0.24"),
    ("z/b", "1"),
    ("v/h + b", "0.1"),
    ("-(v*h) + b", "0.1"),
    ("h**0 + b", "1.1"),
    ("exp(v*h)", "1"),
    ("sqrt((z*10)**2)", "1"),
    ("b - v*log(x) - v*h*h", "0.1"),
    ("step(z)", "1"),
]
UNKNOWN = ["h", "h*b", "b - h*z", "h - h", "h/h", "b/h", "exp(z)", "h**2 + v", "-h"]


@pytest.mark.parametrize(("text", "value"), KNOWN)
def test_a_rational_is_known_where_a_ball_is_multiplied_by_0(text, value):
    found = Rationals(point()).of(read(text, WORDS))
    assert found is not None
    assert Fraction(int(found.p), int(found.q)) == Fraction(value)
    figure = Digits(point()).figure(read(text, WORDS))
    assert figure.whole
    assert figure.rational == Fraction(value)
    assert text_of(figure.decimal) == value


@pytest.mark.parametrize("text", UNKNOWN)
def test_nothing_else_is_taken_for_a_rational(text):
    assert Rationals(point()).of(read(text, WORDS)) is None


@pytest.mark.parametrize("text", ["h*v + b", "z", "h*v + 1/10"])
def test_a_factor_that_is_only_nearly_0_keeps_the_ball(text):
    """The mutant of the above: v = 10^-30 is not 0."""
    assert Rationals(point(v="1e-30")).of(read(text, WORDS)) is None
    assert not Digits(point(v="1e-30")).figure(read(text, WORDS)).whole


def test_what_has_no_value_elsewhere_does_not_matter_here():
    lines = [*LINES, ("p", "1/(v*h)"), ("r", "log(v*h)")]
    assert Rationals(point(lines)).of(Name("z")) is not None
    assert Rationals(point(lines)).of(Name("p")) is None
    assert Rationals(point(lines)).of(Name("r")) is None


def test_a_rational_too_long_to_be_kept_is_unknown():
    lines = [("p", "(b**64)**64"), ("q", "p**64")]
    assert Rationals(point(lines)).of(Name("p")) is not None
    assert Rationals(point(lines)).of(Name("q")) is None
