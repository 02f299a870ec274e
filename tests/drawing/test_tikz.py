"""TikZ: compiles for every shipped example, in English and in Korean."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.tikz import tikz, tikz_picture

MANY = r"""\documentclass{article}
\usepackage[paperwidth=120cm,paperheight=60cm,margin=1cm]{geometry}
%s
\usepackage{amsmath,amssymb,tikz}
\usetikzlibrary{arrows.meta}
\begin{document}
%s
\end{document}
"""


def compiled(engine: str, text: str, folder: Path) -> str:
    """The log of a run that succeeded."""
    if shutil.which(engine) is None:
        pytest.skip(f"no {engine}")
    (folder / "picture.tex").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "picture.tex"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    log = (folder / "picture.log").read_text("utf-8", errors="replace")
    assert done.returncode == 0, log[-1500:]
    return log


def test_every_picture_compiles(pictures, tmp_path):
    chosen = [name for name in pictures if name.endswith("-en")]
    bodies = [tikz_picture(layout_of(pictures[name]())) for name in chosen]
    log = compiled("pdflatex", MANY % ("", "\n\\newpage\n".join(bodies)), tmp_path)
    assert f"({len(chosen)} pages" in log
    assert "Missing character" not in log


def test_every_korean_picture_compiles(pictures, tmp_path):
    chosen = [name for name in pictures if name.endswith("-ko")]
    bodies = [tikz_picture(layout_of(pictures[name]())) for name in chosen]
    text = MANY % (r"\usepackage{kotex}", "\n\\newpage\n".join(bodies))
    log = compiled("xelatex", text, tmp_path)
    assert f"({len(chosen)} pages" in log
    assert "Missing character" not in log


@pytest.mark.parametrize(
    ("name", "engine"), [("fruit-tax-ko", "xelatex"), ("reuse", "pdflatex")]
)
def test_one_document_stands_alone(name, engine, pictures, tmp_path):
    text = tikz(layout_of(pictures[name]()), "a title\n\\evil")
    assert ("kotex" in text) == name.endswith("-ko")
    assert text.startswith("% a title\n% \\evil\n")
    assert "(1 page" in compiled(engine, text, tmp_path)


def test_a_broken_picture_does_not_compile(pictures, tmp_path):
    text = tikz(layout_of(pictures["reuse"]()))
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex")
    with pytest.raises(AssertionError):
        compiled("pdflatex", text.replace("controls", "contrls", 1), tmp_path)


HOSTILE = (
    r"$\input{/etc/passwd}$",
    r"\end{document}",
    "50% & more_",
    "{",
    "}",
    "#1 ~ ^ \\",
    "$",
)


def test_hostile_labels_compile_to_letters(worked, tmp_path):
    bodies: list[str] = []
    for text in HOSTILE:
        labels = {id_: {"en": text} for id_ in ("w", "g", "f")}
        picture = replace(worked, context=replace(worked.context, labels=labels))
        picture = replace(picture, values={**worked.values, "x": text})
        bodies.append(tikz_picture(layout_of(picture)))
    assert r"\input" not in "".join(bodies)
    log = compiled("pdflatex", MANY % ("", "\n\\newpage\n".join(bodies)), tmp_path)
    assert f"({len(bodies)} pages" in log


def test_the_same_coordinates_as_the_layout(worked):
    layout = layout_of(worked)
    text = tikz_picture(layout)
    for shape in layout.shapes:
        if shape.outline == "circle":
            assert f"({shape.x:.2f}".rstrip("0").rstrip(".") in text
    assert text.count(r"\node") == len(layout.labels)
    assert text.count("lit") - 1 == sum(
        line.on and line.flow == "forward" for line in layout.lines
    )
