"""Printed formulas: proved, refuted where the reader can see it, inherited, open."""

import re
from fractions import Fraction

import pytest
from mpmath import exp, mp, mpf

from symbackprop.examples import read_example
from symbackprop.formula.text import text_of
from symbackprop.judged import verify
from symbackprop.numeric.worked import Link

LINE = """title.en = "A line"
[formulas]
yhat = "w*x + b"
L = "1/2*(y - yhat)**2"
[derive]
wrt = ["w", "b"]
"""
NET = """title.en = "A network"
[network]
inputs = 2
layers = [{ units = 2, activation = "sigmoid" }, { units = 2, activation = "softmax" }]
loss = "categorical_cross_entropy"
[assumptions]
facts = ["y1 + y2 = 1"]
"""


def judged(head: str, *claims: tuple[str, str]):
    tables = "".join(
        f'[[claims]]\nquantity = "{quantity}"\nformula = "{formula}"\n'
        for quantity, formula in claims
    )
    return verify(read_example(head + tables, name="made")).verdicts


def one(head: str, quantity: str, formula: str):
    return judged(head, (quantity, formula))[0]


def number(link: Link) -> Fraction:
    return Fraction(text_of(link.form))


@pytest.mark.parametrize(
    ("quantity", "formula"),
    [
        ("dL/dw", "-(y - yhat)*x"),
        ("dL/dw", "(w*x + b - y)*x"),
        ("dL/dw", "D(L, yhat)*P(yhat, w)"),
        ("dL/dw", "x*D(L, b)"),
        ("w'", "w - eta*D(L, w)"),
        ("w'", "w + eta*(y - w*x - b)*x"),
        ("L", "(y**2 - 2*y*yhat + yhat**2)/2"),
        ("yhat - y", "-(y - b) + x*w"),
        ("D(yhat**2, w)", "2*yhat*x"),
    ],
)
def test_right_formulas_are_proved(quantity, formula):
    verdict = one(LINE, quantity, formula)
    assert (verdict.kind, verdict.outcome) == ("exact", "agrees")


@pytest.mark.parametrize(
    ("quantity", "formula", "closer"),
    [
        ("dL/dw", "(y - yhat)*x", "sign"),
        ("dL/dw", "-(y - yhat)", "other"),
        ("dL/db", "-(y - yhat)*x", "other"),
        ("w'", "w - D(L, w)", "other"),
        ("L", "1/2*(y - w*x - b)", "other"),
        ("yhat", "w*x - b", "other"),
    ],
)
def test_wrong_formulas_are_refuted_at_a_point(quantity, formula, closer):
    """The point is recomputed here with exact fractions."""
    verdict = one(LINE, quantity, formula)
    assert (verdict.kind, verdict.closer) == ("wrong", closer)
    v = {k: number(t) for k, t in verdict.point.items() if " side" not in k}
    v = {"w": 0, "x": 0, "b": 0, "y": 0, **v}
    v.setdefault("yhat", v["w"] * v["x"] + v["b"])
    gap = v["y"] - v["yhat"]
    true = {
        "dL/dw": -gap * v["x"],
        "dL/db": -gap,
        "L": gap**2 / 2,
        "yhat": v["w"] * v["x"] + v["b"],
    }
    if quantity in true:
        left = number(verdict.point["left side"])
        assert abs(left - true[quantity]) < Fraction(1, 10**6)
    assert number(verdict.point["left side"]) != number(verdict.point["right side"])


def test_the_files_own_values_are_the_point_where_they_tell():
    head = LINE + '[values]\nw = "3"\nx = "2"\nb = "1"\ny = "5"\n'
    verdict = one(head, "dL/dw", "(y - yhat)*x")
    assert verdict.kind == "wrong"
    shown = {key: number(link) for key, link in verdict.point.items()}
    assert shown == {"y": 5, "yhat": 7, "x": 2, "left side": 4, "right side": -4}
    assert {link.relation for link in verdict.point.values()} == {"="}


def test_what_is_rounded_in_a_point_is_marked():
    head = LINE.replace("w*x + b", "exp(w*x + b)")
    head += '[values]\nw = "3"\nx = "0.5"\nb = "-1"\ny = "5"\n'
    point = one(head, "dL/dw", "(y - yhat)*x").point
    shown = {key: (link.relation, text_of(link.form)) for key, link in point.items()}
    with mp.workdps(50):
        yhat = exp(mpf("0.5"))
        slope = (yhat - 5) * yhat / 2
        wrong = (5 - yhat) / 2
    assert shown == {
        "w": ("=", "3"),
        "b": ("=", "-1"),
        "y": ("=", "5"),
        "yhat": ("≈", mp.nstr(yhat, 8)),
        "x": ("=", "0.5"),
        "left side": ("≈", mp.nstr(slope, 8)),
        "right side": ("≈", mp.nstr(wrong, 8)),
    }


GENERAL = (
    'title.en = "A composite"\n[formulas]\nu = "g(x)"\nF = "f(u)"\n'
    '[functions]\ng = 1\nf = 1\n[derive]\nwrt = ["x"]\n'
)


def test_a_sign_is_no_digit():
    point = one(GENERAL, "dF/dx", "-slope(f(u), 1)*slope(g(x), 1)").point
    left, right = (text_of(point[side].form) for side in ("left side", "right side"))
    assert left.lstrip("-") == right.lstrip("-")
    assert len(left.lstrip("-").replace(".", "").lstrip("0")) == 8
    assert point["x"].relation == "="
    assert point["left side"].relation == "≈"


@pytest.mark.parametrize(
    ("head", "quantity", "formula"),
    [
        (GENERAL, "dF/dx", "(1 + 1/10**12)*slope(f(u), 1)*slope(g(x), 1)"),
        (LINE + '[values]\nw = "0.7"\nx = "3"\nb = "1"\n', "yhat", "w*x + b + 1e-12"),
        (LINE.replace("w*x", "exp(w*x)"), "yhat", "exp(w*x) + b + 1e-24"),
    ],
)
def test_the_digits_of_a_point_tell_both_sides_apart(head, quantity, formula):
    point = one(head, quantity, formula).point
    assert number(point["left side"]) != number(point["right side"])


def test_values_at_which_an_error_hides_do_not_make_it_right():
    """At y = yhat every factor of the gap looks right."""
    head = LINE + '[values]\nw = "3"\nx = "2"\nb = "1"\ny = "7"\n'
    assert one(head, "dL/dw", "(y - yhat)*x").kind == "wrong"
    assert one(head, "dL/dw", "-(y - yhat)*x").kind == "exact"


def test_a_right_step_on_a_wrong_formula_is_inherited():
    first, rule, second = judged(
        LINE,
        ("dL/dw", "(y - yhat)*x"),
        ("w'", "w - eta*D(L, w)"),
        ("w'", "w - eta*(y - yhat)*x"),
    )
    assert [first.kind, rule.kind, second.kind] == ["wrong", "exact", "inherited"]
    assert second.root is first.claim
    alone = one(LINE, "w'", "w - eta*(y - yhat)*x")
    assert alone.kind == "wrong"
    again = judged(LINE, ("dL/dw", "(y - yhat)*x"), ("dL/dw", "x*y - x*yhat"))
    assert [v.kind for v in again] == ["wrong", "inherited"]
    other = judged(LINE, ("dL/dw", "(y - yhat)*x"), ("dL/dw", "(y - yhat)/x"))
    assert [v.kind for v in other] == ["wrong", "wrong"]


def test_a_number_from_a_wrong_formula_is_inherited():
    values = '[values]\nw = "3"\nx = "2"\nb = "1"\ny = "5"\n'
    number = '[[claims]]\nquantity = "dL/dw"\nprinted = "-4"\n'
    formula = '[[claims]]\nquantity = "dL/dw"\nformula = "(y - yhat)*x"\n'
    both = verify(read_example(LINE + values + formula + number, name="made")).verdicts
    assert [v.kind for v in both] == ["wrong", "inherited"]
    assert both[1].root is both[0].claim
    alone = verify(read_example(LINE + values + number, name="made")).verdicts
    assert (alone[0].kind, alone[0].closer) == ("wrong", "sign")


def test_formulas_that_go_in_a_circle_end():
    values = '[values]\nw = "3"\nx = "2"\nb = "1"\ny = "5"\n'
    rows = ('yhat", "L - 1', 'L", "yhat + 1')
    tables = "".join(
        '[[claims]]\nquantity = "{}"\nformula = "{}"\n'.format(*row.split('", "'))
        for row in rows
    )
    tables += '[[claims]]\nquantity = "L"\nprinted = "8"\n'
    verdicts = verify(read_example(LINE + values + tables, name="made")).verdicts
    assert [v.outcome for v in verdicts] == ["differs"] * 3


def test_an_assumed_equation_may_be_used():
    assert one(NET, "dJ/dz2_1", "o1 - y1").kind == "exact"
    assert one(NET, "dJ/dz2_1", "y1 - o1").closer == "sign"
    assert one(NET, "dJ/dz2_1", "o2 - y1").kind == "wrong"


def test_another_activation_is_another_model():
    verdict = one(NET, "h1_1", "tanh(z1_1)")
    assert (verdict.kind, verdict.reason) == ("undecided", "undecided_model")
    assert one(NET, "h1_1", "sigmoid(z1_1)").kind == "exact"
    assert one(NET, "h1_1", "tanh(z1_2)").kind == "wrong"


def test_general_functions_stay_opaque_but_are_refuted():
    head = (
        'title.en = "A composite"\n[formulas]\nu = "g(x)"\nF = "f(u)"\n'
        '[functions]\ng = 1\nf = 1\n[derive]\nwrt = ["x"]\n'
    )
    slopes = "slope(f(u), 1)*slope(g(x), 1)"
    assert one(head, "dF/dx", slopes).kind == "exact"
    assert one(head, "F", slopes).kind == "wrong"
    assert one(head, "dF/dx", "slope(f(u), 1)").kind == "wrong"
    assert one(head, "dF/dx", "slope(f(x), 1)*slope(g(x), 1)").kind == "wrong"


def test_the_kink_of_a_formula_is_not_forged():
    head = 'title.en = "A kink"\n[formulas]\ny = "max(0, x)"\n'
    assert one(head, "y", "(x + abs(x))/2").outcome != "differs"
    assert one(head, "y", "x").kind == "wrong"


def test_the_right_formula_is_named():
    verdict = one(LINE, "dL/dw", "(y - yhat)*x")
    assert re.sub(r"\s", "", verdict.expected) == "-(y-yhat)*x"
