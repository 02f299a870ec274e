"""The MathML wrapper against hand-written facts, math-core, mutants and noise."""

from __future__ import annotations

import html
import re
import unicodedata
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from math_core import LatexToMathML

from symbackprop.errors import SymbackpropError
from symbackprop.renderers.mathml import COMMANDS, MathMLError, mathml

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
TOKENS = {"mi", "mn", "mo", "mtext"}
# Copied from the MathML Core recommendation, not from the code under test.
CORE = {
    *TOKENS, "math", "mrow", "mfrac", "msqrt", "mroot", "mstyle", "mphantom", "mspace",
    "msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd",
}  # fmt: skip
ARITY = {"mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2}
ARITY |= {"msubsup": 3, "munderover": 3}
INVISIBLE = dict.fromkeys([0x2061, 0x2062, 0x2063, 0x2064, 0xFE00])
# The two converters choose other characters for the same marks.
SAME_MARK = {"\u20d7": "→", "\u0302": "ˆ", "\xa0": " ", "…": "..."}

CHAIN = (
    r"\frac{\partial J}{\partial w_{11}^{(2)}}=\frac{\partial J}{\partial o_1}"
    r"\frac{\partial o_1}{\partial z_1^{(2)}}"
    r"\frac{\partial z_1^{(2)}}{\partial w_{11}^{(2)}}"
)
CHAIN_TEXT = "∂J∂w11(2)=∂J∂o1∂o1∂z1(2)∂z1(2)∂w11(2)"

# LaTeX, the visible characters in document order, and element counts.
CORPUS: list[tuple[str, str, dict[str, int]]] = [
    (CHAIN, CHAIN_TEXT, {"mfrac": 4, "msubsup": 4, "msub": 2}),
    (
        r"-\sum_{k=1}^{2}(y_k-o_k)w_{1k}^{(2)}\cdot h_1^{(1)}(1-h_1^{(1)})x_1",
        "−∑k=12(yk−ok)w1k(2)⋅h1(1)(1−h1(1))x1",
        {"munderover": 1, "msubsup": 3, "msub": 3},
    ),
    (r"J=\frac{1}{2}(y_1-o_1)^2", "J=12(y1−o1)2", {"mfrac": 1, "msup": 1}),
    (r"z_1=w_{11}x_1+b_1", "z1=w11x1+b1", {"msub": 4}),
    (r"\sigma(z)=\frac{1}{1+e^{-z}}", "σ(z)=11+e−z", {"mfrac": 1, "msup": 1}),
    (r"\sigma'(z)=\sigma(z)(1-\sigma(z))", "σ′(z)=σ(z)(1−σ(z))", {"msup": 1}),
    (r"a_3'", "a3′", {"msubsup": 1}),
    (r"a'_3", "a3′", {"msubsup": 1}),
    (r"f''(x)", "f″(x)", {"msup": 1}),
    (r"f'''", "f‴", {"msup": 1}),
    (r"f^{\prime}", "f′", {"msup": 1}),
    (r"x_1^2", "x12", {"msubsup": 1}),
    (r"x^2_1", "x12", {"msubsup": 1}),
    (r"\frac 1 2", "12", {"mfrac": 1}),
    (r"\frac\alpha\beta", "αβ", {"mfrac": 1}),
    (r"\dfrac{a}{b}+\tfrac{c}{d}", "ab+cd", {"mfrac": 2, "mstyle": 2}),
    (r"\frac{\frac{a}{b}}{c}", "abc", {"mfrac": 2}),
    (r"\delta_j=\frac{\partial J}{\partial z_j}", "δj=∂J∂zj", {"mfrac": 1}),
    (r"\nabla_{w}J", "∇wJ", {"msub": 1}),
    (r"w\gets w-\eta\nabla J", "w←w−η∇J", {}),
    (r"w\leftarrow w-\eta\frac{\partial J}{\partial w}", "w←w−η∂J∂w", {"mfrac": 1}),
    (r"-y\ln o-(1-y)\ln(1-o)", "−ylno−(1−y)ln(1−o)", {"mspace": 3}),
    (r"-\sum_{k}y_k\ln o_k", "−∑kyklnok", {"munder": 1, "msub": 2}),
    (r"\exp(-z)", "exp(−z)", {"mspace": 0}),
    (r"\exp\left(-z\right)", "exp(−z)", {"mspace": 0}),
    (r"\log{\left(x \right)}", "log(x)", {"mspace": 0}),
    (r"\sin x+\tanh^2 z", "sinx+tanh2z", {"msup": 1, "mspace": 2}),
    (r"\max(0,z)", "max(0,z)", {}),
    (r"\max_{k}z_k", "maxkzk", {"munder": 1, "msub": 1}),
    (r"\lim_{h\to 0}\frac{f(x+h)-f(x)}{h}", "limh→0f(x+h)−f(x)h", {"munder": 1}),
    (r"\operatorname{softmax}(z)_i", "softmax(z)i", {"msub": 1}),
    (r"\operatorname{f}(x)", "f(x)", {}),
    (r"\mathrm{ReLU}(z)", "ReLU(z)", {"mi": 2}),
    (r"\mathrm{d}x", "dx", {"mi": 2}),
    (r"\frac{\mathrm{d}y}{\mathrm{d}x}", "dydx", {"mfrac": 1}),
    (r"\mathrm d x", "dx", {"mi": 2}),
    (r"\mathbf{W}", "𝐖", {}),
    (r"\mathbf{1}", "𝟏", {"mn": 1}),
    (r"\mathbf{W}^{(1)}\mathbf{x}+\mathbf{b}", "𝐖(1)𝐱+𝐛", {"msup": 1}),
    (r"\boldsymbol{\delta}", "𝜹", {"mi": 1}),
    (r"\boldsymbol{\theta}_{t+1}", "𝜽t+1", {"msub": 1}),
    (r"\boldsymbol{w}", "𝒘", {}),
    (r"x\in\mathbb{R}^{n}", "x∈ℝn", {"msup": 1}),
    (r"\mathcal{L}", "ℒ", {}),
    (r"\sqrt{x}", "x", {"msqrt": 1}),
    (r"\sqrt{x_1^2+x_2^2}", "x12+x22", {"msqrt": 1}),
    (r"\hat{y}", "yˆ", {"mover": 1}),
    (r"\hat y_1-\bar{y}", "yˆ1−y¯", {"mover": 2}),
    (r"\tilde{x}", "x˜", {"mover": 1}),
    (r"\vec{x}", "x→", {"mover": 1}),
    (r"\delta\odot\sigma'(z)", "δ⊙σ′(z)", {}),
    (r"W^{\top}\delta", "W⊤δ", {"msup": 1}),
    (r"\ell(\theta)", "ℓ(θ)", {}),
    (r"a\cdot b\times c", "a⋅b×c", {}),
    (r"x\le y\ge z\ne w\approx v", "x≤y≥z≠w≈v", {}),
    (r"1,2,\ldots,n", "1,2,…,n", {}),
    (r"x_1+\cdots+x_n", "x1+⋯+xn", {}),
    (r"\Delta w=-\eta\,\delta\quad x", "Δw=−ηδx", {"mspace": 2}),
    (r"a\;b", "ab", {"mspace": 1}),
    (r"\lvert x\rvert", "|x|", {}),
    (r"\{1,2\}", "{1,2}", {}),
    (r"\left[\frac{a}{b}\right]^2", "[ab]2", {"mfrac": 1, "msup": 1}),
    (r"\left.\frac{\partial f}{\partial x}\right|_{x=1}", "∂f∂x|x=1", {"msub": 1}),
    (r"\left\{\frac{a}{b}\right\}", "{ab}", {}),
    (r"\underbrace{a+b}_{\text{합}}", "a+b⏟합", {"munder": 2}),
    (r"\overbrace{a+b}^{n}", "a+b⏞n", {"mover": 2}),
    (r"\text{한국어}", "한국어", {"mtext": 1}),
    (r"x=1\text{ 이면 }y=2", "x=1 이면 y=2", {"mtext": 1}),
    (r"\text{50\%}", "50%", {"mtext": 1}),
    (r"\text{a<b}", "a<b", {"mtext": 1}),
    (r"x<y>z", "x<y>z", {}),
    (r"\class{changed}{x+1}", "x+1", {}),
    (r"\frac{\class{changed}{\partial J}}{\partial w}", "∂J∂w", {"mfrac": 1}),
    (r"\class{a}{x\class{b}{y}}_1", "xy1", {"msub": 1}),
    (r"\begin{bmatrix}1&0\\0&1\end{bmatrix}", "[1001]", {"mtr": 2, "mtd": 4}),
    (
        r"\begin{pmatrix}a&b\\c&d\end{pmatrix}^T",
        "(abcd)T",
        {"msup": 1, "mtd": 4, "mtable": 1},
    ),
    (r"\begin{pmatrix}c\\l\end{pmatrix}", "(cl)", {"mtd": 2}),
    (
        r"\begin{cases}x&x>0\\0&\text{그 외}\end{cases}",
        "{xx>00그 외",
        {"mtd": 4, "mtext": 1},
    ),
    (
        r"\begin{aligned}a&=b\\&=c\\&+d\end{aligned}",
        "a=b=c+d",
        {"mtr": 3, "mtd": 6},
    ),
    (r"\begin{align*}a&=b&c&=d\\ e&=f\end{align*}", "a=bc=de=f", {"mtd": 6}),
    (r"\begin{aligned}a&=b\\c&\end{aligned}", "a=bc", {"mtr": 2}),
    (r"\prod_{i=1}^{n}x_i", "∏i=1nxi", {"munderover": 1}),
    (r"0.5x+.25", "0.5x+.25", {"mn": 2}),
    (r"{}-x", "−x", {}),
    (r"a*b", "a∗b", {}),
    (r"n!", "n!", {}),
    (r"a=-b+(-c)", "a=−b+(−c)", {"mo": 6}),
    ("a b\n\tc", "abc", {"mi": 3}),
]

MUTANTS: list[tuple[str, str]] = [
    (r"\foo", r"unknown command \foo at character 1"),
    (r"x+1234567890\foo", r"unknown command \foo at character 13"),
    (r"\fracc{a}{b}", r"nearest \frac"),
    (r"\boxed{x}", "menclose"),
    (r"\cancel{x}", "menclose"),
    (r"\color{red}x", "style sheet"),
    (r"\newcommand{\a}{b}", r"unknown command \newcommand"),
    (r"\tag{3}", r"unknown command \tag"),
    (r"a&b", "& at character 2"),
    (r"\frac{a&b}{c}", "& at character 8"),
    (r"a\\b", "the end of the formula"),
    (r"{a", "end of formula"),
    (r"a}", "} at character 2"),
    (r"\frac{a}", "braces for"),
    (r"\frac{}{b}", "something in"),
    (r"\sqrt{}", "something in"),
    (r"\sqrt[3]{x}", "write a power"),
    (r"x^{}", "something in"),
    (r"x^", "braces for"),
    (r"^2", "^ at character 1"),
    (r"{}^2", "base"),
    (r"x_1_2", "one _ a base"),
    (r"x^1^2", "one ^ a base"),
    (r"x^2'", "primes before"),
    (r"x^12", "write {12}"),
    (r"\left(a", r"\right"),
    (r"a\right)", r"\right at character 2"),
    (r"\left a\right)", "a bracket"),
    (r"\begin{foo}a\end{foo}", "known environment"),
    (r"\begin{pmatrix}a\end{bmatrix}", "{pmatrix}"),
    (r"\begin{pmatrix}a", r"\end"),
    (r"\begin{pmatrix}\end{pmatrix}", "a filled cell"),
    (r"\begin{aligned}a\\[2pt]b\end{aligned}", "row spacing"),
    (r"\text{where $x$}", "$ in"),
    (r"\text{}", "plain text"),
    (r"\text{a{b}}", "plain text"),
    (r"\operatorname{a_b}", "a name of letters"),
    (r'\class{a"b}{x}', "a class name"),
    (r"\class{Changed}{x}", "a class name"),
    (r"\class{a b}{x}", "a class name"),
    (r"\class{1a}{x}", "a class name"),
    (r"\class{a_b}{x}", "a class name"),
    ("\\class{a\n}{x}", "a class name"),
    (r"\class{}{x}", "plain text"),
    (r"|x|", r"\lvert"),
    (r"\mathrm{ab", "end of formula"),
    (r"\text\hat{x}", "plain text in braces"),
    (r"\operatorname\alpha", "plain text in braces"),
    (r"\class{changed}{}", "something in"),
    (r"\mathbb{\delta}", "double-struck"),
    (r"x\limits_1", r"\limits"),
    ("한", r"\text{한}"),
    (r"\mathrm{한}", r"\text{한}"),
    ("α", "its command"),
    ("x−1", "its command"),
    ("", "a formula"),
    ("  ", "a formula"),
    ("{}", "a formula"),
    ("a\x07b", "U+0007"),
    ("a\x00", "U+0000"),
    ("\\text{a\u202eb}", "U+202E"),
    ("\\text{\ud800}", "U+D800"),
    ("$x$", "'$'"),
    ("x % note", "'%'"),
    ("{" * 60 + "x" + "}" * 60, "levels of nesting"),
    ("x" * 100_001, "100001 characters"),
]


def parsed(text: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.tag == NAMESPACE + "math"
    return root


def tag(element: ET.Element) -> str:
    return element.tag.removeprefix(NAMESPACE)


def visible(root: ET.Element) -> str:
    texts = [e.text or "" for e in root.iter() if tag(e) in TOKENS]
    return "".join(texts).translate(INVISIBLE).replace("\xa0", " ")


def assert_core(root: ET.Element) -> None:
    for element in root.iter():
        name = tag(element)
        assert name in CORE
        assert len(element) == ARITY.get(name, len(element))
        if name in TOKENS:
            assert element.text
            assert len(element) == 0
        else:
            assert not (element.text or "").strip()
        if name in {"msqrt", "mrow", "math"}:
            assert len(element)


@pytest.mark.parametrize(("latex", "text", "counts"), CORPUS)
def test_corpus_has_the_expected_text_and_shape(
    latex: str, text: str, counts: dict[str, int]
) -> None:
    output = mathml(latex, display=True)
    root = parsed(output)
    assert_core(root)
    assert visible(root) == text
    names = [tag(e) for e in root.iter()]
    assert {name: names.count(name) for name in counts} == counts
    assert "ns0" not in output
    assert not re.search(r"&(?!lt;|gt;|amp;|quot;)", output)


@pytest.mark.parametrize(("latex", "text", "counts"), CORPUS)
def test_corpus_agrees_with_math_core(
    latex: str, text: str, counts: dict[str, int]
) -> None:
    del text, counts
    oracle = LatexToMathML(xml_namespace=True, fancy_error=False)
    other = re.sub(r"\\class\{\w+\}", "", latex)  # math-core has no \class
    answer = oracle.convert_with_local_state(other, displaystyle=True)
    keep = {"&lt;", "&gt;", "&amp;"}
    plain = re.sub(
        r"&\w+;", lambda m: m[0] if m[0] in keep else html.unescape(m[0]), answer
    )
    table = str.maketrans(SAME_MARK)
    ours = visible(parsed(mathml(latex, display=True)))
    assert ours.translate(table) == visible(parsed(plain)).translate(table)


@pytest.mark.parametrize(("latex", "part"), MUTANTS)
def test_mutants_are_refused_with_advice(latex: str, part: str) -> None:
    with pytest.raises(MathMLError) as caught:
        mathml(latex)
    assert part in str(caught.value)
    assert isinstance(caught.value, SymbackpropError)


def test_corpus_is_as_large_as_promised() -> None:
    assert len({latex for latex, _, _ in CORPUS}) >= 80


def test_operands_keep_their_order() -> None:
    [row] = parsed(mathml(CHAIN))
    fractions = [child for child in row if tag(child) == "mfrac"]
    operands = [["".join(part.itertext()) for part in frac] for frac in fractions]
    assert operands == [
        ["∂J", "∂w11(2)"],
        ["∂J", "∂o1"],
        ["∂o1", "∂z1(2)"],
        ["∂z1(2)", "∂w11(2)"],
    ]


@pytest.mark.parametrize(
    ("latex", "operands"),
    [
        (r"\frac{9}{10}", ["9", "10"]),
        (r"\frac{13}{10}", ["13", "10"]),
        (r"\frac{0.5}{1.25}", ["0.5", "1.25"]),
        (r"\tfrac{12}{7}", ["12", "7"]),
        (r"x_{12}^{10}", ["x", "12", "10"]),
    ],
)
def test_a_number_of_several_digits_stays_whole(
    latex: str, operands: list[str]
) -> None:
    [node] = parsed(mathml(latex))
    while tag(node) in {"mrow", "mstyle"}:
        [node] = node
    assert ["".join(part.itertext()) for part in node] == operands


def test_transposed_matrix_is_one_base() -> None:
    [power] = parsed(mathml(r"\begin{pmatrix}a\\b\end{pmatrix}^T"))
    assert tag(power) == "msup"
    assert [tag(child) for child in power] == ["mrow", "mi"]
    assert [tag(child) for child in power[0]] == ["mo", "mtable", "mo"]


def test_aligned_lines_meet_at_the_relation() -> None:
    root = parsed(mathml(r"\begin{aligned}a&=b\\&+c\end{aligned}", display=True))
    cells = [e for e in root.iter() if tag(e) == "mtd"]
    sides = [re.findall(r"text-align:(\w+)", e.get("style", "")) for e in cells]
    assert sides == [["right"], ["left"]] * 2
    plus = [e for e in root.iter() if e.text == "+"]
    assert [e.get("form") for e in plus] == ["infix"]


def test_limits_stand_below_only_in_display() -> None:
    def shape(latex: str, *, display: bool) -> list[str]:
        wanted = {"munderover", "msubsup", "munder", "msub"}
        root = parsed(mathml(latex, display=display))
        return [tag(e) for e in root.iter() if tag(e) in wanted]

    assert shape(r"\sum_{k=1}^{2}x", display=True) == ["munderover"]
    assert shape(r"\sum_{k=1}^{2}x", display=False) == ["msubsup"]
    assert shape(r"\max_{k}x", display=True) == ["munder"]
    assert shape(r"\max_{k}x", display=False) == ["msub"]
    assert shape(r"\frac{\sum_{k=1}^{2}x}{2}", display=True) == ["msubsup"]
    assert shape(r"\left(\sum_{k=1}^{2}x\right)", display=True) == ["munderover"]


def test_a_sign_after_a_relation_is_not_spaced_as_a_sum() -> None:
    root = parsed(mathml(r"a=-b-c(-d)"))
    forms = [e.get("form") for e in root.iter() if e.text == "−"]
    assert forms == ["prefix", None, "prefix"]


def test_classes_are_kept_and_nested() -> None:
    [row] = parsed(mathml(r"\class{changed}{x+\class{inner-2}{y}}"))
    assert row.get("class") == "changed"
    inner = row.find(NAMESPACE + "mrow")
    assert inner is not None
    assert (inner.get("class"), "".join(inner.itertext())) == ("inner-2", "y")


def test_letters_are_upright_where_tex_says_so() -> None:
    def variant(latex: str) -> str | None:
        [letter] = parsed(mathml(latex))
        return letter.get("mathvariant")

    assert variant(r"\mathrm{d}") == "normal"
    assert variant(r"\Delta") == "normal"
    assert variant(r"\nabla") == "normal"
    assert variant("d") is None
    assert variant(r"\partial") is None


def test_attributes_of_the_root() -> None:
    block = parsed(mathml("x", display=True, alttext='a < b & "c"'))
    assert block.attrib == {"display": "block", "alttext": 'a < b & "c"'}
    assert parsed(mathml("x")).attrib == {}
    assert parsed(mathml("x", alttext="b")).attrib == {"alttext": "b"}
    assert mathml("x").startswith('<math xmlns="http://www.w3.org/1998/Math/MathML">')
    with pytest.raises(MathMLError, match=r"U\+0001"):
        mathml("x", alttext="\x01")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (r"\varepsilon", "GREEK SMALL LETTER EPSILON"),
        (r"\epsilon", "GREEK LUNATE EPSILON SYMBOL"),
        (r"\Omega", "GREEK CAPITAL LETTER OMEGA"),
        (r"\infty", "INFINITY"),
        (r"\le", "LESS-THAN OR EQUAL TO"),
        (r"\ne", "NOT EQUAL TO"),
        (r"\odot", "CIRCLED DOT OPERATOR"),
        (r"\pm", "PLUS-MINUS SIGN"),
        (r"\to", "RIGHTWARDS ARROW"),
        (r"\Rightarrow", "RIGHTWARDS DOUBLE ARROW"),
        (r"\colon", "COLON"),
        (r"\prod", "N-ARY PRODUCT"),
    ],
)
def test_symbols_are_the_unicode_characters_of_that_name(
    command: str, name: str
) -> None:
    assert visible(parsed(mathml(command))) == unicodedata.lookup(name)


def test_no_allowed_command_reaches_the_page_as_its_name() -> None:
    shapes = ("{0}", "{0}{{x}}", "{0}{{x}}{{y}}", "x{0}_1", r"{0}(x\right)", "{0} x")
    reached: set[str] = set()
    for command in COMMANDS:
        for shape in shapes:
            try:
                output = mathml(shape.format(command))
            except MathMLError as refusal:
                assert "fault of symbackprop" not in str(refusal)
                continue
            assert "\\" not in output
            reached.add(command)
    # These close, separate or need company of their own.
    alone = {"\\\\", r"\begin", r"\end", r"\right"}
    assert set(COMMANDS) - reached <= alone


def test_the_same_input_gives_the_same_output() -> None:
    assert len({mathml(CHAIN, display=True) for _ in range(5)}) == 1


PIECES = [*COMMANDS, *"{}&^_'()[]|+-=<>,.x1yA \n", r"\text{한}", r"\begin{cases}"]
PIECES += [r"\end{cases}", r"\class{a}", r"\left(", r"\right)", r"\frac{x}{y}", "{x}"]
PIECES += [r"\begin{pmatrix}", r"\end{pmatrix}", r"\operatorname{f}", "&=", "\\\\"]


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.text(st.characters(max_codepoint=127)),
        st.text(),
        st.lists(st.sampled_from(PIECES)).map("".join),
        st.lists(st.sampled_from(PIECES)).map(" ".join),
    ),
    st.booleans(),
)
def test_noise_is_refused_or_shown_validly(latex: str, display: bool) -> None:
    try:
        output = mathml(latex, display=display)
    except MathMLError as refusal:
        assert "fault of symbackprop" not in str(refusal)
        return
    assert "ns0:" not in output
    assert_core(parsed(output))


@settings(max_examples=150, deadline=None)
@given(st.text(min_size=1))
def test_any_alternative_text_survives_or_is_refused(text: str) -> None:
    try:
        output = mathml("x", alttext=text)
    except MathMLError:
        assert any(
            unicodedata.category(c) in {"Cc", "Cf", "Cs", "Cn", "Zl", "Zp"}
            for c in text
        )
        return
    assert parsed(output).get("alttext") == text
