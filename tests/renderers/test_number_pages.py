"""The pages of worked numbers, and the numbers beside the lines of a derivation."""

import re
import shutil
import subprocess
from functools import cache
from itertools import pairwise

import pytest

from symbackprop import Layer, Network, derive, load_example, render
from symbackprop.examples import read_example, shipped
from symbackprop.formula.text import text_of
from symbackprop.graph.build import graph_of
from symbackprop.renderers.document import Calculations, Chain, Equations
from symbackprop.worked import numbers


def pairs(text):
    """A table of texts: name=digits, separated by blanks."""
    return dict(item.split("=") for item in text.split())


NETWORK = Network(2, (Layer(2, "tanh"), Layer(2, "sigmoid")), "binary_cross_entropy")
NETWORK_VALUES = pairs(
    "x1=-0.7313 x2=0.6949 y1=0.5275 y2=1 w1_1_1=-0.0091 w1_2_1=-0.101 "
    "w1_1_2=0.3032 w1_2_2=0.5774 w2_1_1=0.6715 w2_2_1=-0.1345 "
    "w2_1_2=0.5246 w2_2_2=0.9958 b1_1=-0.8123 b1_2=-0.9433 b2_1=-0.1092 "
    "b2_2=0.4431"
)


def with_values():
    """The shipped examples that have a value for every leaf and no general function."""
    found = []
    for name in shipped():
        example = load_example(name)
        graph = graph_of(example)
        leaves = {node.name for node in graph.nodes if node.body is None}
        if not graph.general and leaves <= set(example.values):
            found.append(name)
    return found


VALUED = with_values()


@cache
def worked(name, digits=8, *, exact=False):
    """The numbers of an example, or of the network of this file."""
    if name == "network":
        source = derive(NETWORK)
        return numbers(
            source, NETWORK_VALUES, digits=digits, exact=exact, learning_rate="0.5"
        )
    return numbers(name, digits=digits, exact=exact)


def test_korean_pages_have_korean_words():
    page = numbers("single-neuron-mse", lang="ko").render("text")
    for word in ("수치 계산", "입력: ", "학습률: ", "순전파", "출력층", "갱신"):
        assert word in page
    assert "유효숫자 8자리" in page
    assert not re.search("Values|Inputs|Forward|rounded", page)


HOSTILE = """
title.en = "</title><script>alert(1)</script> $x$ \\\\input{a} *b*"
source = "<img src=x onerror=alert(1)>"
[formulas]
y = "w*x"
[values]
w = "0.5"
x = "-2"
[update]
learning_rate = "1"
[notation.labels]
w = { en = "</span><script>alert(1)</script> $ \\\\input{a}" }
[derive]
wrt = ["w"]
"""


@pytest.mark.parametrize("verb", ["numbers", "derive"])
def test_labels_and_titles_are_words_alone(verb):
    example = read_example(HOSTILE, name="hostile")
    table = numbers(example)
    page = table.render if verb == "numbers" else lambda to: render(derive(example), to)
    html = page("html")
    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.partition("<body>")[0].count("</title>") == 1
    assert r"\input" not in page("latex").replace(r"\textbackslash{}input", "")
    assert "<script" not in page("markdown").replace(r"\<script", "")
    if verb == "numbers":
        assert {*page("csv")} <= {chr(n) for n in range(32, 127)} | {"\r", "\n"}


def blocks(document, kind):
    """The blocks of one kind, asides too."""
    found = []
    for block in (*document.blocks, *document.appendix):
        if isinstance(block, kind):
            found.append(block)
        if isinstance(block, Chain) and kind is Chain:
            found += block.aside
    return found


def said(link):
    """A link as text."""
    return None if link is None else f"{link.relation} {text_of(link.form)}"


def test_the_page_of_a_derivation_has_the_same_numbers():
    document = derive("single-neuron-mse").document()
    table = worked("single-neuron-mse")
    forward, update = blocks(document, Equations)
    for name, _, _, value in forward.valued:
        assert value == table[name.id].result.link
    for name, _, _, value in update.valued:
        assert value == table[f"{name.id}'"].result.link
    shown = {text_of(c.left): said(c.lines[-1].value) for c in blocks(document, Chain)}
    assert shown["D(J, w1_1_1)"] == "≈ 0.48775333"
    assert shown["D(J, w1_2_1)"] == "≈ 1.2193833"
    assert shown["D(J, z1_1)"] == "≈ 0.24387666"
    assert shown["P(o1, z1_1)"] == "≈ 0.14914645"  # o(1 - o), by hand
    assert all(
        c.lines[-2].value is None for c in blocks(document, Chain) if c.lines[1:]
    )


@pytest.mark.parametrize("name", VALUED)
def test_every_page_with_values_shows_them(name):
    document = derive(name).document()
    table = worked(name)
    loss = table.story.graph.loss.id
    for chain in blocks(document, Chain):
        key = text_of(chain.left).replace(f"D({loss}, ", f"d{loss}/d").rstrip(")")
        value = chain.lines[-1].value if chain.lines else None
        if key in table and value is not None:
            assert value == table[key].result.link
    shown = [c for c in blocks(document, Chain) if c.lines and c.lines[-1].value]
    assert shown
    for to in ("text", "markdown", "latex", "html"):
        assert "at the values above" in render(derive(name), to)


def test_a_lemma_s_x_is_not_the_page_s_x():
    text = (
        'title.en = "t"\n[formulas]\nu = "2*x"\ns = "sigmoid(u)"\nz = "s*x"\n'
        '[values]\nx = "1.5"\n[derive]\nlemmas = ["sigmoid-derivative"]\n'
    )
    document = derive(read_example(text, name="t")).document("standard")
    lemma = [c for c in document.appendix if text_of(c.left) == "P(sigmoid(x), x)"]
    assert len(lemma) == 1
    assert all(line.value is None for line in lemma[0].lines)
    own = [c for c in blocks(document, Chain) if text_of(c.left) == "D(z, x)"]
    assert own[0].lines[-1].value is not None


@pytest.mark.parametrize("name", ["mlp-2-2-2-mse", "linear-regression", "composite"])
def test_a_page_without_all_values_has_no_numbers(name):
    document = derive(name).document()
    assert all(not block.values for block in blocks(document, Equations))
    assert all(line.value is None for c in blocks(document, Chain) for line in c.lines)
    assert "at the values above" not in render(derive(name), "markdown")


def test_a_line_that_is_a_number_has_none_beside_it():
    chains = blocks(derive("wx-plus-b").document(), Chain)
    shown = {text_of(c.left): said(c.lines[-1].value) for c in chains}
    assert shown["D(f, g)"] is None  # it is 1
    assert shown["D(f, x)"] == "= -2"


def test_a_copied_chain_has_no_numbers():
    html = render(derive("single-neuron-mse"), "html")
    copied = re.findall(r'data-latex="([^"]*)"', html)
    assert copied
    assert all("approx" not in latex and "0.48" not in latex for latex in copied)


def test_a_page_of_numbers_has_nothing_to_fold():
    html = worked("single-neuron-mse").render("html")
    assert 'data-do="theme"' in html
    assert 'data-do="open_all"' not in html
    assert "<kbd>" not in html
    rows = html.count('class="result"')
    workings = [r for r in worked("single-neuron-mse").values() if r.part != "given"]
    assert rows == len(workings)


def test_a_long_product_may_wrap_and_is_still_read_as_one():
    html = worked("network").render("html")
    pieces = re.findall(r'<span class="pieces"[^>]*aria-label="([^"]*)"', html)
    assert pieces
    assert all("times" in said or "plus" in said or "minus" in said for said in pieces)


@pytest.mark.parametrize("to", ["latex", "markdown", "html", "mathml", "text"])
@pytest.mark.parametrize("name", [*VALUED, "network"])
def test_every_format_has_every_result(name, to):
    table = worked(name)
    page = table.render(to)
    for row in table.values():
        digits = text_of(row.result.decimal).lstrip("-").partition("e")[0]
        assert digits in page


def test_the_blocks_of_a_page_hold_the_rows():
    document = worked("network").document()
    found = [row for block in blocks(document, Calculations) for row in block.rows]
    rows = [row for row in worked("network").values() if row.part != "given"]
    assert [(row.quantity, row.links) for row in rows] == found
    levels = [b.level for b in document.blocks if hasattr(b, "level")]
    assert all(b - a <= 1 for a, b in pairwise([1, *levels]))


def test_latex_compiles_without_a_line_too_wide(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    begin, end = r"\begin{document}", r"\end{document}"
    pages = [
        worked(name, exact=exact).render("latex")
        for name in ("network", "mlp-2-3-1-forward", "gradient-descent")
        for exact in (False, True)
    ]
    pages.append(render(derive("single-neuron-mse").document(), "latex"))
    heads = {page.partition(begin)[0] for page in pages}
    assert len(heads) == 1, "the preamble depends on letters alone"
    bodies = [page.partition(begin)[2].partition(end)[0] for page in pages]
    whole = heads.pop() + begin + "\n\\newpage\n".join(bodies) + end
    (tmp_path / "pages.tex").write_text(whole, "utf-8")
    subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "pages.tex"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        timeout=60,
    )
    log = (tmp_path / "pages.log").read_text("utf-8", "replace").replace("\n", "")
    assert "Missing character" not in log
    wide = [float(n) for n in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0.0) <= 10.0, sorted(wide)
