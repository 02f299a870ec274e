"""Printed digits: what they hold, ties, truncation, exponents; against decimal."""

import random
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from flint import arb, fmpq

from symbackprop.claims.printed import printed_of
from symbackprop.errors import InputError


def exact(text: str) -> fmpq:
    value = Fraction(text)
    return fmpq(value.numerator, value.denominator)


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("0.818", "0.817574476193643", True),
        ("0.8180", "0.817574476193643", False),
        ("0.8176", "0.817574476193643", True),
        ("200", "199.5", True),
        ("200", "199.4999999", False),
        ("200.", "200.5", True),
        (".5", "0.45", True),
        (".5", "0.449", False),
        ("-1.12", "-1.119383", True),
        ("-1.12", "1.119383", False),
        ("4.38568e-4", "0.000438568001", True),
        ("4.38568e-4", "0.0004385686", False),
        ("1e3", "1040", True),
        ("1e3", "1600", False),
        ("1.0E+2", "104.9", True),
        ("0", "0.5", True),
        ("0.00", "-0.005", True),
        ("-0.00", "0.001", True),
        ("0.00", "0.0051", False),
    ],
)
def test_digits_hold_what_rounds_to_them(text, value, holds):
    assert printed_of(text).holds(exact(value)) is holds


@pytest.mark.parametrize("text", ["0.12", "0.13"])
def test_a_tie_may_go_either_way(text):
    assert printed_of(text).holds(exact("0.125")) is True
    assert printed_of(text).holds(exact("-0.125")) is False


def test_a_ball_over_the_edge_decides_nothing():
    edge = arb("0.125 +/- 1e-9")
    assert printed_of("0.12").holds(edge) is None
    assert printed_of("0.12").like(edge) is None
    assert printed_of("0.12").holds(arb("0.1249 +/- 1e-9")) is True
    assert printed_of("0.12").holds(arb("0.1251 +/- 1e-9")) is False
    assert printed_of("0.12").holds(arb("nan")) is None


def test_a_ball_that_reaches_beyond_all_floats_has_no_digits():
    """e^(-10^41) is no rational that a machine can hold."""
    ball = (-(arb(10) ** 41)).exp().union(arb("0.7"))
    assert printed_of("1").like(ball) is None
    assert printed_of("1").like(ball, "down") == "0"
    assert printed_of("1").units_from(ball) is None


@pytest.mark.parametrize(
    ("text", "value", "same"),
    [
        ("2", "1", True),
        ("2", "0.99", False),
        ("2", "4", True),
        ("2", "4.01", False),
        ("-2", "-3", True),
        ("-2", "3", False),
        ("0", "0.1", False),
        ("1e300", "0.3", False),
    ],
)
def test_sizes_are_compared(text, value, same):
    assert printed_of(text).is_sized_as(exact(value)) is same
    assert printed_of(text).is_sized_as(arb("3 +/- 2")) in (None, False)


def test_rounding_and_cutting_off_are_those_of_decimal():
    rng = random.Random(4)
    for _ in range(500):
        places = rng.randint(0, 8)
        unit = Decimal(1).scaleb(-places)
        true = Decimal(rng.randint(-(10**12), 10**12)).scaleb(-rng.randint(4, 12))
        rounded = true.quantize(unit, ROUND_HALF_UP)
        cut = true.quantize(unit, ROUND_DOWN)
        printed = printed_of(f"{rounded:f}")
        value = exact(str(true))
        assert printed.holds(value)
        assert Decimal(printed.like(value)) == rounded
        assert Decimal(printed.like(value, "down")) == cut
        assert printed.truncates(value) is (cut == rounded)
        off = printed_of(f"{rounded + unit:f}")
        assert off.holds(value) is (abs(true - rounded - unit) * 2 <= unit)
        assert off.units_from(value) == 1


def test_the_style_of_the_digits_is_kept():
    assert printed_of("4.38568e-4").like(exact("0.00043")) == "4.30000e-4"
    assert printed_of("12.50").like(exact("7")) == "7.00"
    assert printed_of("300").like(exact("99.7")) == "100"


def test_how_far_shortened_digits_are_right():
    value = arb("0.81757447619364365961")
    assert printed_of("0.8180").right_to(value) == 3
    assert printed_of("0.670").right_to(arb("0.66842802412331080311")) == 2
    assert printed_of("0.136").right_to(arb("0.012246670289828939615")) == -1
    assert printed_of("0.8").right_to(value) == -1


def test_digits_that_count():
    counts = {"0.0122": 3, "1.50": 3, "0.000": 1, "-12e5": 2, "00.5": 1}
    for text, count in counts.items():
        assert printed_of(text).significant == count


@pytest.mark.parametrize("text", ["", ".", "e5", "0x1", "1.2.3", "1,5", "nan", "inf"])
def test_what_is_no_decimal_is_refused(text):
    with pytest.raises(InputError, match="expected a decimal number"):
        printed_of(text)
