"""Brackets, dots and signs, in LaTeX and in text, as a book sets them."""

import pytest

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import (
    Call,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
    name_of,
)
from symbackprop.notation import notation
from symbackprop.ops.table import OPS
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.typeset import Typesetter

WORDS = Vocabulary(
    {**dict.fromkeys(OPS, 1), "f": 1, "g": 2, "a3": 1},
    indices=frozenset("klmn"),
)
LABELS = {"price": {"en": "price"}, "count": {"en": "count"}}
NETWORK = Context(depth=2, labels=LABELS)
X = Name("x")
PART = r"\frac{\partial L_%d}{\partial h_1^{(1)}}"


def latex(text: str, context: Context = NETWORK) -> str:
    return Typesetter(context)(read(text, WORDS))


def plain(text: str, context: Context = NETWORK) -> str:
    return Typesetter(context, "text")(read(text, WORDS))


CASES = [  # source, LaTeX, text
    # sums and signs
    ("a - b", "a-b", "a − b"),
    ("-a + b", "-a+b", "−a + b"),
    ("a - (b - c)", "a-(b-c)", "a − (b − c)"),
    ("a + (b + c)", "a+(b+c)", "a + (b + c)"),
    ("-(a + b)", "-(a+b)", "−(a + b)"),
    ("-(-a)", "-(-a)", "−(−a)"),
    ("a - (-b)", "a-(-b)", "a − (−b)"),
    ("a + (-b)*c", "a+(-bc)", "a + (−b c)"),
    ("-(y1 - o1)*h1_1", "-(y_1-o_1)h_1^{(1)}", "−(y₁ − o₁) h₁⁽¹⁾"),
    # dots
    ("2*t*1", r"2t\cdot 1", "2 t·1"),
    ("2*3", r"2\cdot 3", "2·3"),
    ("a*2", r"a\cdot 2", "a·2"),
    ("a*b", "ab", "a b"),
    ("2*(x + y)", "2(x+y)", "2 (x + y)"),
    ("(a + b)*(c + d)", "(a+b)(c+d)", "(a + b) (c + d)"),
    ("(-1)*a", "(-1)a", "(−1) a"),
    ("a*(-1)", "a(-1)", "a (−1)"),
    ("2*(-3)", r"2\cdot(-3)", "2·(−3)"),
    ("(-2)*(-3)*a", r"(-2)\cdot(-3)a", "(−2)·(−3) a"),
    ("-0.5*(1 - 0.5)*2", r"-0.5(1-0.5)\cdot 2", "−0.5 (1 − 0.5)·2"),
    ("-(y1 - o1)*1*h1_1", r"-(y_1-o_1)\cdot 1\cdot h_1^{(1)}", "−(y₁ − o₁)·1·h₁⁽¹⁾"),
    ("1/2*(y - o)**2", r"\frac{1}{2}(y-o)^2", "1/2·(y − o)²"),
    ("price*count", r"\text{price}\cdot\text{count}", "price·count"),
    ("price*x", r"\text{price}\cdot x", "price·x"),
    (
        "Sum(y[k]*o[k], k, 1, 2)*x1",
        r"\sum_{k=1}^{2}y_ko_k\cdot x_1",
        "Σ[k=1..2] yₖ oₖ·x₁",
    ),
    # Σ
    ("Sum(y[k] + o[k], k, 1, 2)", r"\sum_{k=1}^{2}(y_k+o_k)", "Σ[k=1..2] (yₖ + oₖ)"),
    (
        "Sum(y[k], k, 1, 2) + b",
        r"\left(\sum_{k=1}^{2}y_k\right)+b",
        "(Σ[k=1..2] yₖ) + b",
    ),
    ("b + Sum(y[k], k, 1, 2)", r"b+\sum_{k=1}^{2}y_k", "b + Σ[k=1..2] yₖ"),
    # fractions
    ("a/b", r"\frac{a}{b}", "a/b"),
    ("(a + b)/c", r"\frac{a+b}{c}", "(a + b)/c"),
    ("a/(b*c)", r"\frac{a}{bc}", "a/(b c)"),
    ("a/(b + c)", r"\frac{a}{b+c}", "a/(b + c)"),
    ("a*(b/c)", r"a\frac{b}{c}", "a·(b/c)"),
    ("-(a/b)", r"-\frac{a}{b}", "−a/b"),
    ("(a/b)/(c/d)", r"\frac{\frac{a}{b}}{\frac{c}{d}}", "a/b/(c/d)"),
    # powers
    ("x**2", "x^2", "x²"),
    ("x**10", "x^{10}", "x¹⁰"),
    ("x**n", "x^n", "xⁿ"),
    ("x**(n - 1)", "x^{n-1}", "x^(n − 1)"),
    ("x**(-1)", "x^{-1}", "x⁻¹"),
    ("(a + b)**2", "(a+b)^2", "(a + b)²"),
    ("(-a)**2", "(-a)^2", "(−a)²"),
    ("-a**2", "-a^2", "−a²"),
    ("(a*b)**2", "(ab)^2", "(a b)²"),
    ("(a/b)**2", r"\left(\frac{a}{b}\right)^2", "(a/b)²"),
    ("(x**2)**3", "(x^2)^3", "(x²)³"),
    ("h1_1**2", r"\left(h_1^{(1)}\right)^2", "(h₁⁽¹⁾)²"),
    ("2**x", "2^x", "2^x"),
    ("exp(x)**2", "(e^x)^2", "(e^x)²"),
    ("log(x)**2", r"(\ln x)^2", "(ln x)²"),
    # functions
    ("exp(-x)", "e^{-x}", "e^(−x)"),
    ("exp(x)", "e^{x}", "e^x"),
    ("log(x)", r"\ln x", "ln x"),
    ("log(1 - o1)", r"\ln(1-o_1)", "ln(1 − o₁)"),
    # a dot between a number and a function of a number, whatever the number is
    ("-(0*log(0.0986))", r"-0\cdot\ln 0.0986", "−0·ln 0.0986"),
    ("-(1*log(0.659))", r"-1\cdot\ln 0.659", "−1·ln 0.659"),
    ("0.5*sigmoid(2)", r"0.5\cdot\sigma(2)", "0.5·σ(2)"),
    ("2*log(x)", r"2\ln x", "2 ln x"),
    ("2*sqrt(2)", r"2\sqrt{2}", "2 √(2)"),
    ("2*pi", r"2\pi", "2 π"),
    ("y*log(x)", r"y\ln x", "y ln x"),
    ("sqrt(2)", r"\sqrt{2}", "√(2)"),
    ("sigmoid(x)", r"\sigma(x)", "σ(x)"),
    ("sigmoid(a/b)", r"\sigma\left(\frac{a}{b}\right)", "σ(a/b)"),
    ("tanh(x)**2", r"\tanh(x)^2", "tanh(x)²"),
    ("Max(0, x)", r"\max(0,x)", "max(0, x)"),
    ("abs(x)", r"\lvert x\rvert", "|x|"),
    ("step(x)", r"\mathbf{1}_{x>0}", "[x > 0]"),
    ("slope(a3(x), 1)", "a_3'", "a₃′"),
    # derivatives
    ("D(J, w1_1_2)", r"\frac{\partial J}{\partial w_{12}^{(1)}}", "∂J/∂w₁₂⁽¹⁾"),
    (
        "D(J, o1)*P(o1, z2_1)",
        r"\frac{\partial J}{\partial o_1}\frac{\partial o_1}{\partial z_1^{(2)}}",
        "∂J/∂o₁·∂o₁/∂z₁⁽²⁾",
    ),
    ("D(x**n, x)", r"\frac{\partial}{\partial x}x^n", "∂/∂x xⁿ"),
    ("D(exp(-x), x)", r"\frac{d}{dx}e^{-x}", "d/dx e^(−x)"),
    ("D(1 + exp(-x), x)", r"\frac{d}{dx}(1+e^{-x})", "d/dx (1 + e^(−x))"),
    ("D(-x, x)", r"\frac{d}{dx}(-x)", "d/dx (−x)"),
    (
        "(D(L1, h1_1) + D(L2, h1_1))*x1",
        rf"\left[{PART % 1}+{PART % 2}\right]x_1",
        "[∂L₁/∂h₁⁽¹⁾ + ∂L₂/∂h₁⁽¹⁾] x₁",
    ),
    (
        "1/2*((a + b)**2 + c)",
        r"\frac{1}{2}\left[(a+b)^2+c\right]",
        "1/2·[(a + b)² + c]",
    ),
]


@pytest.mark.parametrize(("source", "expected", "_"), CASES, ids=lambda c: str(c)[:30])
def test_latex(source: str, expected: str, _: str) -> None:
    found = latex(source).replace("^{x}", "^x")
    assert found == expected.replace("^{x}", "^x")


@pytest.mark.parametrize(("source", "_", "expected"), CASES, ids=lambda c: str(c)[:30])
def test_text(source: str, _: str, expected: str) -> None:
    assert plain(source).replace("e^(x)", "e^x") == expected


@pytest.mark.parametrize(
    "source",
    [
        "D((a + b), x)*(c + d)",
        "D(-x, x)*(1 + x)",
        "D(x + 1, x)*exp(x)",
        "D(exp(x), x)*y",
        "D(x**2, x)*x",
        "D(x/2, x)*(1 + x)",
    ],
)
def test_a_derivative_of_a_form_does_not_swallow_what_follows(source: str) -> None:
    """d/dx (u) v reads as d/dx (u v); what is meant has to be bracketed."""
    for text, brackets in ((latex(source), ("(", "[")), (plain(source), ("(", "["))):
        body = text.replace(r"\left", "")
        assert body.startswith(brackets), text


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Product((Minus(X), Minus(X))), "-x(-x)"),
        (Product((X, Minus(Num("2")))), "x(-2)"),
        (Product((X, Product((Minus(X), X)))), "x(-x)x"),
        (Sum((X, Sum((X, X)))), "x+(x+x)"),
        (Sum((X, Minus(Sum((X, X))))), "x-(x+x)"),
        (Sum((Minus(Sum((X, X))), X)), "-(x+x)+x"),
        (Minus(Product((Minus(X), X))), "-(-xx)"),
        (Power(Fraction(X, X), Num("2")), r"\left(\frac{x}{x}\right)^2"),
        (Power(Minus(Num("1")), X), "(-1)^x"),
        (Power(X, Fraction(Num("1"), Num("2"))), r"x^{\frac{1}{2}}"),
        (Num("1e-5"), r"1\cdot 10^{-5}"),
        (Num("2.5E+10"), r"2.5\cdot 10^{10}"),
        (Power(Num("1e5"), Num("2")), r"(1\cdot 10^{5})^2"),
        (Call("new", (name_of("w1_1_2"),)), r"w_{12}^{\prime(1)}"),
        (Call("new", (X,)), "x'"),
    ],
    ids=str,
)
def test_forms_that_no_text_gives(form: object, expected: str) -> None:
    assert Typesetter(NETWORK)(form) == expected


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (Power(Num("1e5"), Num("2")), "(1·10⁵)²"),
        (Fraction(X, Num("1e-7")), "x/(1·10⁻⁷)"),
        (Fraction(Num("1e-7"), X), "(1·10⁻⁷)/x"),
        (Call("log", (Num("1e-7"),)), "ln(1·10⁻⁷)"),
        (Product((Num("2"), Num("1e-7"))), "2·1·10⁻⁷"),
    ],
    ids=str,
)
def test_a_power_of_ten_binds_like_a_product(form: object, expected: str) -> None:
    assert Typesetter(NETWORK, "text")(form) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("w1_1_2", {"sources": "w_{12}^{(1)}", "nielsen": "w_{21}^2"}),
        ("w1_11_2", {"sources": "w_{11,2}^{(1)}", "nielsen": "w_{2,11}^2"}),
        ("b2_1", {"sources": "b_1^{(2)}", "nielsen": "b_1^3"}),
        ("h1_2", {"sources": "h_2^{(1)}", "nielsen": "a_2^2"}),
        ("o1", {"sources": "o_1", "nielsen": "a_1^3"}),
        ("z2_10", {"sources": "z_{10}^{(2)}", "nielsen": "z_{10}^3"}),
        ("x1", {"sources": "x_1", "nielsen": "x_1"}),
        ("L2", {"sources": "L_2", "nielsen": "C_2"}),
        ("J", {"sources": "J", "nielsen": "C"}),
        ("eta", {"sources": r"\eta", "nielsen": r"\eta"}),
        ("yhat", {"sources": r"\hat{y}", "nielsen": r"\hat{y}"}),
        ("rate", {"sources": r"\text{rate}", "nielsen": r"\text{rate}"}),
    ],
)
def test_letters(source: str, expected: dict[str, str]) -> None:
    for name, letters in expected.items():
        assert latex(source, Context(notation(name), depth=2)) == letters


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("D(J, z2_1)", r"\delta_1^{(2)}"),
        ("D(J, w2_1_1)", r"\frac{\partial J}{\partial w_{11}^{(2)}}"),
        ("D(L1, z2_1)", r"\frac{\partial L_1}{\partial z_1^{(2)}}"),
        ("D(J, z2_1)*w2_1_1", r"\delta_1^{(2)}w_{11}^{(2)}"),
    ],
)
def test_error_terms_as_delta(source: str, expected: str) -> None:
    assert latex(source, Context(notation("delta"), depth=2)) == expected


def test_strict_tells_total_from_partial() -> None:
    strict = Context(notation("strict"), depth=2)
    assert latex("D(J, o1)", strict) == r"\frac{\mathrm{d}J}{\mathrm{d}o_1}"
    assert latex("P(J, o1)", strict) == r"\frac{\partial J}{\partial o_1}"
    assert plain("D(J, o1)*P(o1, z2_1)", strict) == "dJ/do₁·∂o₁/∂z₁⁽²⁾"


def test_a_label_with_markup_stays_inside_its_text() -> None:
    label = {"en": r"a} \input{/etc/passwd} $x$ % _"}
    shown = latex("x", Context(labels={"x": label}))
    inside = shown.removeprefix(r"\text{").removesuffix("}")
    assert not set(inside) & set("\\{}$%_#&^~")
