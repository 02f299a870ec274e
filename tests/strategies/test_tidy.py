"""The reason of a line says what a teacher would say of it."""

from itertools import pairwise

import pytest

from symbackprop import derive
from symbackprop.examples import shipped
from symbackprop.formula.reader import read
from symbackprop.formula.text import text_of
from symbackprop.renderers.document import Chain
from symbackprop.strategies.tidy import reason_between, tidy

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
    ("(1 - b**0)*g", "(1 - 1)*g", "power_zero"),
    ("b**0*g", "g", "power_zero"),
    ("(1 - b)/(1 - b**1)", "(1 - b)/(1 - b)", "power_one"),
    ("(1 - 1)*g", "0", "arithmetic"),
    ("1 - s - s", "1 - 2*s", "collect"),
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


def test_more_than_an_exponent_0_is_not_called_so() -> None:
    assert reason_between(read("b**0*(c + d)"), read("d + c")) != "power_zero"


@pytest.mark.parametrize(
    ("line", "neat"),
    [  # collected by hand
        ("1 - s - s", "1 - 2*s"),
        ("x*y + 2*(x*y) - z", "3*x*y - z"),
        ("a - a", "0"),
        ("a + b - a", "b"),
        ("-x - x", "-2*x"),
        ("x*y + y*x", "x*y + y*x"),  # in another order: left to the reader
        ("x + x**2", "x + x**2"),
    ],
)
def test_equal_terms_are_collected(line: str, neat: str) -> None:
    found = tidy(read(line))
    assert text_of(found) == text_of(read(neat))


def _drops(name: str, detail: str = "standard") -> list[tuple[str, ...]]:
    """The reasons of each chain of an example's page."""
    document = derive(name).document(detail)
    blocks = (*document.blocks, *document.appendix)
    return [
        tuple("".join(map(str, line.reason)) for line in block.lines)
        for block in blocks
        if isinstance(block, Chain)
    ]


@pytest.mark.parametrize("name", shipped())
def test_no_two_lines_in_a_row_drop_the_factor_1(name: str) -> None:
    for reasons in _drops(name):
        for above, below in pairwise(reasons):
            assert (above, below) != ("drop the factor 1",) * 2


def test_the_bias_of_a_linear_output_drops_both_factors_in_one_line() -> None:
    chains = [reasons for reasons in _drops("overfitting") if len(reasons) == 3]
    assert ("chain rule", "local slope", "drop the factor 1") in chains
