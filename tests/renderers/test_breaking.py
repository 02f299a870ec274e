"""Long formulas in parts: put together again they are the same number."""

import re
from fractions import Fraction as Rational

import pytest

from symbackprop.formula.reader import read
from symbackprop.renderers.breaking import in_rows, pieces, spaced
from symbackprop.renderers.mathml import mathml
from symbackprop.renderers.typeset import Typesetter

TYPESET = Typesetter()
FORMS = [
    "-((0.5 - 0.25)*3 + (-2 - 4)*5)*(1 - 0.25)*(-7)*2",
    "((-2)*3)*((-(4 - 1))*5)",
    "(-(4 - 1)*5)*2",
    "-((-2)*3)*4",
    "-(-(2*3))*5",
    "2*3 - 4*5 + (-6) - (-7)",
    "-2*3 - (4 - 5) + (6 - 7)",
    "2*(3 + 4*(5 - 6))*7",
    "-(1 - 2)",
    "-5",
    "2*(1/4 - 1/8)*(-(1/2))",
]


def exact(text):
    """Arithmetic over decimals as fractions."""
    numbers = re.sub(r"\d+(?:\.\d+)?", r"Rational('\g<0>')", text)
    return eval(numbers, {"Rational": Rational})


def value(latex):
    """The number that LaTeX of digits comes to, by Python's arithmetic."""
    text = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", latex)
    text = re.sub(r"\\left|\\right|\\cdot ?", lambda m: "*" * ("c" in m[0]), text)
    text = re.sub(r"(?<=[\d)])(?=\()", "*", text)
    return exact(text)


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("room", [1.0, 12.0, 30.0, 500.0])
def test_the_rows_are_the_formula(text, room):
    true = exact(text)
    assert value("".join(in_rows(read(text), room, TYPESET))) == true
    whole = pieces(read(text), TYPESET)
    assert value("".join(p.sign + p.latex for p in whole)) == true


def test_rows_are_no_wider_than_the_room_where_they_can_be():
    rows = in_rows(read(FORMS[0]), 30.0, TYPESET)
    assert len(rows) == 2
    assert rows[1].startswith(r"\cdot")
    assert len(in_rows(read(FORMS[0]), 500.0, TYPESET)) == 1


@pytest.mark.parametrize("text", FORMS)
def test_each_part_alone_is_mathml(text):
    for piece in pieces(read(text), TYPESET):
        assert mathml(spaced(piece), display=True).startswith("<math")


def test_a_sign_in_front_of_a_part_keeps_its_room():
    first, second = pieces(read("2*3 - 4*5"), TYPESET)
    assert (first.sign, second.sign) == ("", "-")
    assert spaced(first) == r"2\cdot 3"
    assert spaced(second) == r"\,-\,4\cdot 5"
