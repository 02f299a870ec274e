"""The reason of a line says what a teacher would say of it."""

import pytest

from symbackprop.formula.reader import read
from symbackprop.strategies.tidy import reason_between

LINES = [
    ("3*(1000/10)", "3*100", "arithmetic"),
    ("3*100", "300", "arithmetic"),
    ("2*3*x", "6*x", "arithmetic"),
    ("2*(3*x)", "6*x", "arithmetic"),
    ("(a + b) + c", "a + b + c", "flatten"),
    ("a*(b*c)", "a*b*c", "flatten"),
    ("1*x", "x", "drop_one"),
    ("0 + x", "x", "drop_zero"),
    ("-(-x)", "x", "signs"),
    ("-2*(-x)", "2*x", "signs"),
]


@pytest.mark.parametrize(("before", "after", "reason"), LINES)
def test_a_line_that_changes_numbers_is_no_line_of_brackets(
    before: str, after: str, reason: str
) -> None:
    assert reason_between(read(before), read(after)) == reason


@pytest.mark.parametrize("power", ["x**2", "x**3"])
def test_a_power_is_not_mistaken_for_arithmetic(power: str) -> None:
    factors = "*".join("x" * int(power[-1]))
    assert reason_between(read(factors), read(power)) != "arithmetic"
