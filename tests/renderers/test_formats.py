"""LaTeX that compiles, MathML that parses, Markdown that balances, golden pages."""

import re
import shutil
import subprocess
import tomllib
import unicodedata
import xml.etree.ElementTree as ET
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from symbackprop import Layer, Network, derive, render
from symbackprop.derived import Derivations
from symbackprop.examples import shipped
from symbackprop.renderers.chains import DETAILS
from symbackprop.renderers.document import Chain, Equations
from symbackprop.renderers.latex import escaped

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
DEEP = "3-4-4-2"
PAGES = ("mlp-2-2-2-mse", "mlp-2-2-2-cross-entropy", DEEP, "sigmoid-derivative")
MATHML = "{http://www.w3.org/1998/Math/MathML}"
HBOX = 10.0


@cache
def derived(name: str, lang: str = "en") -> Derivations:
    if name == DEEP:
        layers = (Layer(4, "sigmoid"), Layer(4, "sigmoid"), Layer(2, "identity"))
        return derive(Network(3, layers, "half_squared_error"), lang=lang)
    return derive(name, lang=lang)


def page(name: str, to: str, detail: str = "standard", lang: str = "en") -> str:
    return render(derived(name, lang), to, detail=detail)


# ---- LaTeX


def environments(text: str) -> None:
    """Every environment closes in order, every brace too."""
    stack: list[str] = []
    for verb, name in re.findall(r"\\(begin|end)\{([^}]*)\}", text):
        if verb == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    bare = re.sub(r"\\[{}]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("name", [*shipped(), DEEP])
@pytest.mark.parametrize("detail", DETAILS)
def test_latex_closes_what_it_opens(name: str, detail: str) -> None:
    text = page(name, "latex", detail)
    environments(text)
    assert text.count(r"\begin{document}") == 1
    assert text.count(r"\left") == text.count(r"\right") - text.count(r"\rightarrow")
    # an empty line inside align* is an error in TeX
    for inner in re.findall(
        r"\\begin\{align\*\}(.*?)\\end\{align\*\}", text, re.DOTALL
    ):
        assert "\n\n" not in inner
        assert not inner.rstrip().endswith(r"\\")


def compiled(engine: str, texts: dict[str, str], folder: Path) -> dict[str, str]:
    """Each text through TeX once: its log."""
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    logs: dict[str, str] = {}
    for name, text in texts.items():
        (folder / f"{name}.tex").write_text(text, "utf-8")
        found = subprocess.run(
            [engine, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=60,
        )
        log = (folder / f"{name}.log").read_text("utf-8", "replace")
        assert found.returncode == 0, (name, log[-2000:])
        assert (folder / f"{name}.pdf").stat().st_size > 1000
        logs[name] = log.replace("\n", "")
    return logs


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_latex_compiles_as_it_stands(engine: str, lang: str, tmp_path: Path) -> None:
    """Pages of every detail, set without a line too wide or a letter missing.

    They are bound into one run of TeX for each detail: one preamble, many bodies.
    """
    if lang == "ko" and shutil.which("kpsewhich"):
        here = subprocess.run(
            ["kpsewhich", "kotex.sty"], capture_output=True, check=False
        )
        if not here.stdout.strip():
            pytest.skip("kotex is not installed")
    begin, end = r"\begin{document}", r"\end{document}"
    pages = [page(name, "latex", detail, lang) for name in PAGES for detail in DETAILS]
    heads = {text.partition(begin)[0] for text in pages}
    assert len(heads) == 1, "the preamble does not depend on the page"
    bodies = [text.partition(begin)[2].partition(end)[0] for text in pages]
    whole = heads.pop() + begin + "\n\\newpage\n".join(bodies) + end
    log = compiled(engine, {"pages": whole}, tmp_path)["pages"]
    assert "Missing character" not in log
    assert "Undefined control sequence" not in log
    wide = [float(n) for n in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert max(wide, default=0.0) <= HBOX, sorted(wide)[-5:]


def test_one_page_alone_compiles(tmp_path: Path) -> None:
    text = page("power-rule", "latex")
    log = compiled("pdflatex", {"alone": text}, tmp_path)["alone"]
    assert "Overfull" not in log


LETTERS = "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"  # TeX has no omicron of its own


@pytest.mark.parametrize("letter", LETTERS)
def test_a_greek_letter_in_words_is_the_letter_of_that_name(letter: str) -> None:
    """Unicode's own names are the witness: GREEK SMALL LETTER LAMDA is \\lambda."""
    _, size, _, name = unicodedata.name(letter).split()
    name = name.lower().replace("lamda", "lambda")
    command = name.capitalize() if size == "CAPITAL" else name
    assert escaped(f"a{letter}b") == rf"a$\{command}$b"


@pytest.mark.parametrize("engine", ["pdflatex", "xelatex"])
def test_no_letter_of_the_shipped_words_is_lost_in_tex(
    engine: str, tmp_path: Path
) -> None:
    """Once π was lost from sin(πx), and the page said sin(x)."""
    names = ("overfitting", "gradient-descent")
    words = [f"{LETTERS} ς ≥ − ∞ ≠ ≤ →"]
    for path in shipped().values():
        table = tomllib.loads(path.read_text("utf-8"))
        words += [table["title"]["en"], table.get("source", "")]
        words += [line["title"]["en"] for line in table.get("lines", ())]
    text = page(names[0], "latex")
    spoken = "\n\n".join(escaped(word) for word in words)
    whole = text.replace(r"\end{document}", spoken + "\n\\end{document}")
    texts = {"words": whole, names[1]: page(names[1], "latex")}
    for log in compiled(engine, texts, tmp_path).values():
        assert "Missing character" not in log


# ---- MathML


def alone(block: object) -> int:
    """How many equations a block shows."""
    if isinstance(block, Equations):
        return len(block.rows)
    if isinstance(block, Chain):
        return max(1, len(block.lines)) + sum(map(alone, block.aside))
    return 0


@pytest.mark.parametrize("name", [*shipped(), DEEP])
def test_mathml_is_well_formed_with_one_element_an_equation(name: str) -> None:
    root = ET.fromstring(page(name, "mathml"))
    found = [m for m in root.iter(f"{MATHML}math") if m.get("display") == "block"]
    expected = sum(map(alone, derived(name).document().blocks))
    assert len(found) == expected
    assert all(m.get("alttext", "").strip() for m in root.iter(f"{MATHML}math"))
    assert not list(root.iter(f"{MATHML}merror"))


@pytest.mark.parametrize("name", ["mlp-2-2-2-mse", "sigmoid-derivative"])
def test_mathml_holds_no_latex(name: str) -> None:
    root = ET.fromstring(page(name, "mathml", "standard", "ko"))
    for math in root.iter(f"{MATHML}math"):
        text = "".join(math.itertext())
        assert "\\" not in text
        assert "{" not in text
        assert "\\" not in math.get("alttext", "")


# ---- Markdown


@pytest.mark.parametrize("name", [*shipped(), DEEP])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_markdown_balances_its_dollars(name: str, lang: str) -> None:
    for detail in DETAILS:
        text = page(name, "markdown", detail, lang)
        fences = [line for line in text.splitlines() if line.strip() == "$$"]
        assert len(fences) % 2 == 0
        assert text.count("$$") == len(fences), "a fence stands on a line of its own"
        outside = "".join(text.split("$$")[::2])
        for line in outside.replace(r"\$", "").splitlines():
            assert line.count("$") % 2 == 0, line
        for inside in text.split("$$")[1::2]:
            assert "$" not in inside
            environments(inside)
            assert "\n\n" not in inside.strip("\n")


def test_markdown_headings_and_reasons() -> None:
    text = page("mlp-2-2-2-mse", "markdown")
    assert text.startswith("# A 2-2-2 network with a squared error\n")
    levels = [len(m) for m in re.findall(r"^(#+) ", text, re.MULTILINE)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))
    assert "1. ✓ chain rule" in text


# ---- text


@pytest.mark.parametrize("name", [*shipped(), DEEP])
def test_text_holds_no_latex(name: str) -> None:
    for detail in DETAILS:
        text = page(name, "text", detail)
        assert "\\" not in text
        assert "{" not in text
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), "no trailing spaces"


def test_every_printed_line_of_text_has_its_mark_and_reason() -> None:
    text = page("mlp-2-2-2-mse", "text")
    for line in text.splitlines():
        if re.match(r"\s+= ", line) or line.startswith("∂J"):
            assert re.search(r"✓ \S.*\[[a-z, ]+\]$", line), line


# ---- golden pages, read by eye


@pytest.mark.parametrize("name", ["mlp-2-2-2-mse", "sigmoid-derivative"])
@pytest.mark.parametrize(("to", "suffix"), [("text", ".txt"), ("latex", ".tex")])
def test_golden_pages(name: str, to: str, suffix: str) -> None:
    golden = (GOLDEN / f"{name}{suffix}").read_text("utf-8")
    assert page(name, to) == golden
