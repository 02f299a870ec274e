"""Figures, operands and lines: exact where exact, rounded once, against mpmath."""

from fractions import Fraction

import mpmath
import pytest

from symbackprop import Layer, Network, derive
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Fraction as Over
from symbackprop.formula.tree import Minus, Name, Num
from symbackprop.graph.build import graph_of
from symbackprop.numeric.point import Point
from symbackprop.numeric.program import Assignment
from symbackprop.numeric.sheet import (
    backward_order,
    given,
    on_the_way,
    rate_name,
    slopes_put_in,
)
from symbackprop.numeric.worked import Digits, Link, Style, shortened
from symbackprop.ops.table import OPS

WORDS = Vocabulary(dict.fromkeys(OPS, 1))
X = Name("x")


def digits_at(x, digits=8, lines=(), *, exact=False):
    made = tuple(Assignment(Name(n), read(t, WORDS), "forward") for n, t in lines)
    return Digits(Point(made, {X: Fraction(x)}), Style(digits, exact))


def shown(text, x="0", digits=8):
    """The sign and the digits of a form."""
    link = digits_at(x, digits).figure(read(text, WORDS)).link
    return f"{link.relation} {text_of(link.form)}"


# ---- one figure


@pytest.mark.parametrize(
    ("text", "x", "digits", "expected"),
    [  # worked out by hand
        ("x/8", "1", 3, "= 0.125"),
        ("x/8", "1", 2, "≈ 0.13"),  # a tie, away from zero
        ("x/8", "-1", 2, "≈ -0.13"),
        ("x/8", "1", 1, "≈ 0.1"),
        ("x/3", "1", 8, "≈ 0.33333333"),
        ("x/3", "2", 8, "≈ 0.66666667"),
        ("x/3", "3", 8, "= 1"),
        ("x", "9.9999995", 7, "≈ 10.00000"),  # carried over every digit
        ("x", "123456789012", 8, "= 123456789012"),  # whole numbers stay whole
        ("x/2", "246913578.5", 8, "≈ 123456790"),
        ("x", "1.50", 8, "= 1.5"),
        ("x/10", "1e-6", 8, "= 1e-7"),
        ("x/3", "1e-6", 3, "≈ 3.33e-7"),
        ("x - x", "0.3", 8, "= 0"),
        ("relu(x)", "-2.5", 8, "= 0"),
        ("sigmoid(x)", "0", 8, "= 0.5"),
    ],
)
def test_a_figure_and_its_sign(text, x, digits, expected):
    assert shown(text, x, digits) == expected


@pytest.mark.parametrize("digits", [1, 8, 15, 40])
@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("sigmoid(x)", lambda x: 1 / (1 + mpmath.exp(-x))),
        ("exp(x)/1000000", lambda x: mpmath.exp(x) / 10**6),
        ("-sqrt(x)", lambda x: -mpmath.sqrt(x)),
        ("tanh(x) - 1", lambda x: mpmath.tanh(x) - 1),
    ],
)
def test_irrational_figures_against_mpmath(text, true, digits):
    with mpmath.workdps(90):
        expected = true(mpmath.mpf("1.7"))
        sign, found = shown(text, "1.7", digits).split()
        assert sign == "≈"
        exponent = int(mpmath.floor(mpmath.log10(abs(expected))))
        half = mpmath.mpf(10) ** (exponent - digits + 1) / 2
        assert abs(mpmath.mpf(found) - expected) <= half
        assert len(found.partition("e")[0].lstrip("-0.").replace(".", "")) == digits


def test_zeros_at_the_end_of_a_rounded_number_stay():
    """1/101 = 0.00990099 00990099…"""
    assert shown("x/101", "1", 5) == "≈ 0.0099010"
    assert shown("x/101", "1.01", 5) == "= 0.01"


def test_a_tie_that_balls_cannot_decide_shows_one_digit_more():
    assert shown("sqrt(x)*sqrt(x)/16", "2", 2) == "≈ 0.125"
    assert shown("sqrt(x)*sqrt(x)/16", "2", 3) == "≈ 0.125"
    assert shown("sqrt(x) - sqrt(x)", "2", 8) == "≈ 0"


def test_a_product_with_an_exact_zero_is_exact():
    assert shown("0*exp(x)", "1.5") == "= 0"


def test_rationals_of_thousands_of_digits_are_rounded():
    power = "(x**64)**64"
    with mpmath.workdps(30):
        true = (mpmath.mpf(7) / 13) ** 4096
        text = mpmath.nstr(true, 8, strip_zeros=False)
    figure = digits_at(Fraction(7, 13)).figure(read(power, WORDS))
    assert text_of(figure.decimal) == text
    assert not figure.whole
    assert figure.rational is None


def test_digits_of_a_given_value_are_all_there():
    for text in ("0.123456789012345678", "-3", "1e-9", "2.50"):
        working = given(X, Fraction(text), Style(3))
        assert working.result.whole
        (link,) = working.links
        assert link.relation == "="
        value = link.form.body.value * -1 if text[0] == "-" else link.form.value
        assert value == Fraction(text)
    third = given(X, Fraction(1, 3), Style(3))
    assert third.links == (Link("=", Over(Num("1"), Num("3"))),)


@pytest.mark.parametrize(
    ("text", "short"),
    [("1.500", "1.5"), ("200", "200"), ("0.0", "0"), ("1.0e-7", "1e-7"), ("10", "10")],
)
def test_zeros_that_say_nothing_go(text, short):
    assert shortened(text) == short


# ---- numbers put in


def put_in(text, x, digits=8, lines=(), *, exact=False):
    found = digits_at(x, digits, lines, exact=exact).put_in(read(text, WORDS))
    return found[1], text_of(found[0])


def test_operands_are_rounded_and_say_so():
    lines = [("h", "sigmoid(x)"), ("g", "h*x"), ("q", "2*x")]
    assert put_in("q*(x - q)", "1.5", 8, lines) == ("=", "3*(1.5 - 3)")
    assert put_in("h*x", "1.5", 4, lines) == ("≈", "0.8176*1.5")
    assert put_in("x - q", "-1.5", 4, lines) == ("=", "-1.5 - (-3)")


def test_exact_operands_are_fractions_short_forms_or_names():
    lines = [("h", "sigmoid(x)"), ("g", "h + exp(x)*h + tanh(x)*h"), ("o", "g")]
    assert put_in("x/2", "0.3", 8, lines, exact=True) == ("=", "3/10/2")
    found = put_in("h*x", "-0.5", 8, lines, exact=True)
    assert found == ("=", "sigmoid(-1/2)*(-1/2)")
    assert put_in("g*x", "0.5", 8, lines, exact=True) == ("=", "g*(1/2)")
    assert put_in("o*x", "0.5", 8, lines, exact=True) == ("=", "o*(1/2)")


def test_a_working_says_nothing_twice():
    digits = digits_at("-2", lines=[("y", "x")])
    working = digits.working(Name("y"), "forward", X, Name("y"))
    assert working.links == (Link("=", X), Link("=", Minus(Num("2"))))


# ---- which line, which order

NETWORK = Network(
    2, (Layer(2, "sigmoid"), Layer(1, "identity")), "half_squared_error", biases=False
)


def line_for(network, key, values="0.5"):
    """The line that numbers are put into."""
    derivations = derive(network)
    graph = derivations.graph
    leaves = [node.name for node in graph.nodes if node.body is None]
    forward = [
        Assignment(node.name, node.body, "forward") for node in graph.nodes if node.body
    ]
    point = Point(forward, dict.fromkeys(leaves, Fraction(values)))
    line = slopes_put_in(derivations[key].checked, Digits(point))
    return text_of(line, write_sums_out=True)


def test_slopes_of_one_stay_in_sight():
    assert line_for(NETWORK, "w2_1_1") == "((-(y1 - o1))*1)*h1_1"


def test_what_cancels_is_gone():
    """Not the line with y/o - (1 - y)/(1 - o), though it could be evaluated."""
    network = Network(2, (Layer(2, "sigmoid"),), "binary_cross_entropy", biases=False)
    assert line_for(network, "w1_1_2") == "-(y2 - o2)*x1"


def test_a_line_that_only_strategies_can_read_is_none():
    digits = digits_at("1")
    derivation = derive(NETWORK, "w1_1_1").checked
    assert slopes_put_in(derivation, digits) is None  # none of its names has a value


def test_the_order_is_that_of_the_pages():
    graph = graph_of(NETWORK)
    order = [name.id for name in backward_order(graph, graph.wrt)]
    assert order == [
        *("o1", "z2_1", "w2_1_1", "w2_2_1"),
        *("h1_1", "h1_2", "z1_1", "z1_2"),
        *("w1_1_1", "w1_2_1", "w1_1_2", "w1_2_2"),
    ]


def test_only_what_lies_between_is_shown():
    graph = graph_of(NETWORK)
    one = [name.id for name in on_the_way(graph, [Name("w", (1, 1, 2))])]
    assert one == ["o1", "z2_1", "h1_2", "z1_2"]
    assert [n.id for n in on_the_way(graph, [Name("w", (2, 1, 1))])] == ["o1", "z2_1"]


def test_the_learning_rate_s_letter_is_free():
    assert rate_name(graph_of(NETWORK)) == Name("eta")
    graph = derive("gradient-descent").graph
    assert rate_name(graph) == Name("eta")  # a leaf of that name is the learning rate
