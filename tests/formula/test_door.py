"""The door to SymPy, held against mpmath at 50 digits; mpmath never sees a form."""

from collections.abc import Callable

import mpmath as mp
import pytest
import sympy

from symbackprop.formula.door import to_sympy
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import atom_id
from symbackprop.formula.tree import Derivative, Name

DIGITS = 50
WORDS = Vocabulary(functions={"f": None, "sigmoid": 1}, indices="ij")
POINTS = [("0.7", "1.9"), ("-1.3", "0.4"), ("2.5", "-0.6")]
Function = Callable[[mp.mpf, mp.mpf], mp.mpf]

VALUES: list[tuple[str, Function]] = [
    ("x - y + 1/3", lambda x, y: x - y + mp.mpf(1) / 3),
    ("-(x + y)*x", lambda x, y: -(x + y) * x),
    ("0.1*x", lambda x, _: x / 10),
    ("x*y/(x + 5)", lambda x, y: x * y / (x + 5)),
    ("x**3 - y**(-2)", lambda x, y: x**3 - 1 / y**2),
    ("1/(1 + exp(-x))", lambda x, _: 1 / (1 + mp.exp(-x))),
    ("exp(-x)/(1 + exp(-x))**2", lambda x, _: mp.exp(-x) / (1 + mp.exp(-x)) ** 2),
    ("log(1 + exp(x))", lambda x, _: mp.log(1 + mp.exp(x))),
    ("sqrt(x**2 + 1)", lambda x, _: mp.sqrt(x**2 + 1)),
    ("sqrt(x**2)", lambda x, _: mp.fabs(x)),
    ("(x**2 + 1)**(1/3)", lambda x, _: mp.cbrt(x**2 + 1)),
    ("x/2*(1 + erf(x/sqrt(2)))", lambda x, _: x * mp.ncdf(x)),
    ("Max(0, x)", lambda x, _: x if x > 0 else mp.mpf(0)),
    ("Max(x, y, -1)", lambda x, y: max(x, y, mp.mpf(-1))),
    ("abs(x - y)", lambda x, y: mp.fabs(x - y)),
    ("step(x)*y", lambda x, y: y if x > 0 else mp.mpf(0)),
    ("pi*x", lambda x, _: mp.pi * x),
    ("exp(1)*x", lambda x, _: mp.e * x),
    ("Sum(x, k, 1, 4)", lambda x, _: 4 * x),
    ("kronecker(1, 1)*x + kronecker(1, 2)*y", lambda x, _: x),
]


def numbers(point: tuple[str, str]) -> tuple[mp.mpf, mp.mpf]:
    """A point's exact decimals at the working precision."""
    return mp.mpf(point[0]), mp.mpf(point[1])


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_the_sympy_expression_has_the_form_s_value(
    text: str, value: Function, point: tuple[str, str]
) -> None:
    """SymPy's digits are mpmath's digits, at points of both signs."""
    symbols = [sympy.Symbol(name) for name in "xy"]
    given = dict(zip(symbols, map(sympy.Rational, point), strict=True))
    with mp.workdps(DIGITS + 10):
        measured = mp.mpf(str(sympy.N(to_sympy(read(text)).subs(given), DIGITS)))
        expected = value(*numbers(point))
        assert mp.almosteq(measured, expected, mp.mpf(10) ** (5 - DIGITS))


def test_names_become_plain_symbols_of_the_same_id() -> None:
    """A user's own Symbol("x") is the one in the expression."""
    expression = to_sympy(read("w1_1_2*x + b1"))
    assert {s.name for s in expression.free_symbols} == {"w1_1_2", "x", "b1"}
    assert sympy.Symbol("x") in expression.free_symbols


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("D(J, z1_2)", "delta1_2"),
        ("D(J, h1_1)", "dJ_dh1_1"),
        ("D(L1, z1_2)", "dL1_dz1_2"),
        ("P(z1_2, x1)", "P(z1_2, x1)"),
    ],
)
def test_a_derivative_is_a_symbol(text: str, name: str) -> None:
    """Error terms have ids of their own; derivatives are never evaluated."""
    form = read(text)
    assert isinstance(form, Derivative)
    assert atom_id(form) == name
    assert to_sympy(form) == sympy.Symbol(name)


def test_a_slope_of_a_general_function_is_sympy_s_derivative() -> None:
    """slope(f(u), 1) at u = 2x, for f = sin, is cos(2x)."""
    x = sympy.Symbol("x")
    expression = to_sympy(read("slope(f(2*x), 1)", WORDS))
    sine = expression.replace(sympy.Function("f"), sympy.sin).doit()
    assert sympy.simplify(sine - sympy.cos(2 * x)) == 0


def test_a_symbolic_sum_stays_a_sum() -> None:
    """Σ_k x of length n is n x."""
    total = to_sympy(read("Sum(x, k, 1, n)"))
    x, n = (sympy.Symbol(name) for name in "xn")
    assert sympy.simplify(total.doit() - n * x) == 0


def test_two_quantities_never_share_a_symbol() -> None:
    """D(J, u) and P(J, u) are two symbols."""
    total = Derivative("D", Name("J"), Name("u"))
    partial = Derivative("P", Name("J"), Name("u"))
    assert to_sympy(total) != to_sympy(partial)
