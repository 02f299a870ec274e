"""A layout as TikZ, with the document's own letters.

The same coordinates as every painter's; what differs is only how letters are drawn.
"""

import re

from symbackprop.drawing.geometry import Curve, Point, is_straight
from symbackprop.drawing.shapes import FONT, Label, Layout, Line, Shape

_UNIT = 10.0 / FONT
"""Points a unit."""
_LETTERS = 9.0
"""Points of a label's letters: TeX's are a little wider and higher than ours."""
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

_HEAD = r"""\documentclass[border=4pt]{standalone}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
\fi
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
%KOREAN%\usepackage{amsmath,amssymb}
\usepackage{tikz}
\usetikzlibrary{arrows.meta}
\begin{document}
"""


def tikz(layout: Layout, title: str = "") -> str:
    """The picture as a LaTeX document that compiles as it stands."""
    picture = tikz_picture(layout)
    korean = "\\usepackage{kotex}\n" if _HANGUL.search(picture) else ""
    note = "".join(f"% {line}\n" for line in title.splitlines())
    head = _HEAD.replace("%KOREAN%", korean)
    return f"{note}{head}{picture}\\end{{document}}\n"


def tikz_picture(layout: Layout) -> str:
    """The tikzpicture alone; it needs tikz, arrows.meta and amsmath."""
    lines = [
        r"\definecolor{accent}{HTML}{C2410C}%",
        rf"\begin{{tikzpicture}}[x={_UNIT}pt,y=-{_UNIT}pt,line width=0.6pt,",
        r"  on/.style={draw=accent,line width=1.4pt},",
        r"  lit/.style={on,dash pattern=on 4.5pt off 2.5pt},",
        r"  back/.style={draw=accent,line width=0.7pt},",
        r"  to/.style={-{Stealth[length=4.5pt]}},",
        r"  every node/.style={inner sep=0pt,outer sep=0pt}]",
    ]
    ordered = sorted(layout.lines, key=lambda line: line.on)
    lines += [_line(line) for line in ordered]
    lines += [_shape(shape) for shape in layout.shapes]
    lines += [_label(label) for label in layout.labels]
    return "\n".join([*lines, r"\end{tikzpicture}", ""])


def _number(value: float) -> str:
    """A coordinate."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _point(point: Point) -> str:
    """(x,y)."""
    return f"({_number(point[0])},{_number(point[1])})"


def _line(line: Line) -> str:
    """A line with its arrowhead."""
    style = ["lit"] if line.on and line.flow == "forward" else []
    if line.flow == "back":
        style = ["on"] if line.on else ["back"]
    style += ["to"] * line.arrow
    return rf"\draw[{','.join(style)}] {_way(line.curve)};"


def _way(curve: Curve) -> str:
    """A curve as a path."""
    if is_straight(curve):
        return f"{_point(curve[0])} -- {_point(curve[-1])}"
    text = _point(curve[0])
    for place in range(1, len(curve), 3):
        one, other, end = map(_point, curve[place : place + 3])
        text += f" .. controls {one} and {other} .. {end}"
    return text


def _shape(shape: Shape) -> str:
    """An outline."""
    middle = _point((shape.x, shape.y))
    radius = _number(shape.width / 2 * _UNIT)
    if shape.outline == "dot":
        colour = "accent" if shape.on else "black"
        return rf"\fill[{colour}] {middle} circle[radius={radius}pt];"
    tint = "fill=white" if shape.outline == "pill" else "fill=black!6"
    style = f"on,{tint}" if shape.on else tint
    if shape.outline == "circle":
        return rf"\draw[{style}] {middle} circle[radius={radius}pt];"
    corner = shape.height / 2 if shape.outline == "pill" else 5.0
    style += f",rounded corners={_number(corner * _UNIT)}pt"
    upper, _, lower, _ = shape.corners
    return rf"\draw[{style}] {_point(upper)} rectangle {_point(lower)};"


def _label(label: Label) -> str:
    """A text by the middle of its box."""
    corners = label.corners
    middle = (
        sum(x for x, _ in corners) / len(corners),
        sum(y for _, y in corners) / len(corners),
    )
    size = label.text.size * _LETTERS
    font = rf"\fontsize{{{_number(size)}}}{{{_number(size * 1.2)}}}\selectfont"
    style = [f"font={font}"]
    if label.angle:
        style.append(f"rotate={_number(-label.angle)}")
    if label.role == "gradient":
        style.append("text=accent")
    return rf"\node[{','.join(style)}] at {_point(middle)} {{${label.text.latex}$}};"
