"""A formula set in letters: MathML in, glyphs with places and an exact box out.

Sizes are in ems of the label's font, y upwards from the baseline. What the table of
letters lacks (Hangul) becomes a run of text that is fitted into a measured width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias
from xml.etree import ElementTree as ET

from symbackprop.drawing.font import (
    AXIS,
    FALLBACK_ASCENT,
    FALLBACK_DESCENT,
    covered,
    foreign_width,
    glyphs,
    italic,
)
from symbackprop.renderers.mathml import MathMLError, mathml

_SCRIPT = 0.7
_BAR = 0.05
_GAP = 0.16
_SUB, _SUP = 0.24, 0.38
_RELATIONS = frozenset("=<>≤≥≠≈∈→←")
_BINARY = frozenset("+−×⋅·±∓⊙∗∘")
_OPENING = frozenset("([{")

Kind: TypeAlias = Literal["glyph", "rule", "text"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A glyph, a rule or a run of text: its left end on the baseline, its size.

    A rule stands on `y` and is `size` thick; `stretch` scales a bracket upwards.
    """

    kind: Kind
    text: str
    x: float
    y: float
    size: float
    width: float
    stretch: float = 1.0


@dataclass(frozen=True, slots=True)
class Setting:
    """A box of marks: its width, how far it reaches above and below the baseline."""

    width: float
    ascent: float
    descent: float
    marks: tuple[Mark, ...] = ()

    def moved(self, x: float, y: float) -> tuple[Mark, ...]:
        """The marks somewhere else."""
        return tuple(replace(mark, x=mark.x + x, y=mark.y + y) for mark in self.marks)


def set_latex(latex: str) -> Setting:
    """A formula set in one line. What cannot be set stands as its LaTeX."""
    try:
        tree = ET.fromstring(mathml(latex))  # noqa: S314 - our own text, no entities
        return _row(list(tree), 1.0)
    except (MathMLError, _Unset):
        return set_text(latex)


def set_text(text: str, size: float = 1.0) -> Setting:
    """Words: in the table's letters, or as one run of text fitted into its room."""
    text = text.replace("\N{NO-BREAK SPACE}", " ")
    if covered(text):
        return _run(text, size)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    width = foreign_width(shown) * size
    mark = Mark("text", shown, 0.0, 0.0, size, width)
    return Setting(width, FALLBACK_ASCENT * size, FALLBACK_DESCENT * size, (mark,))


class _Unset(Exception):
    """An element that labels have no use for."""


def _run(text: str, size: float) -> Setting:
    """Letters side by side by their advances; the box is that of the ink."""
    marks: list[Mark] = []
    here, ascent, descent = 0.0, 0.0, 0.0
    edge = 0.0
    for character in text:
        glyph = glyphs()[character]
        marks.append(Mark("glyph", character, here, 0.0, size, glyph.advance * size))
        edge = here + max(glyph.advance, glyph.right) * size
        here += glyph.advance * size
        if glyph.outline:
            ascent = max(ascent, glyph.top * size)
            descent = max(descent, -glyph.bottom * size)
    return Setting(max(edge, here), ascent, descent, tuple(marks))


def _set(node: ET.Element, size: float) -> Setting:
    """One element."""
    tag = node.tag.rpartition("}")[2]
    if tag in _LEAVES:
        return _LEAVES[tag](node.text or "", node.get("mathvariant") == "normal", size)
    if tag == "mspace":
        return Setting(float(node.get("width", "0em").removesuffix("em")) * size, 0, 0)
    if tag not in _PARTS:
        raise _Unset(tag)
    return _PARTS[tag](list(node), size)


def _identifier(text: str, upright: bool, size: float) -> Setting:
    """A single letter slanted, a word upright."""
    slanted = italic(text) if len(text) == 1 and not upright else text
    return set_text(slanted, size)


def _plain(text: str, _upright: bool, size: float) -> Setting:
    """Digits, signs and words as they are."""
    return set_text("" if text == "\N{FUNCTION APPLICATION}" else text, size)


_LEAVES: dict[str, Callable[[str, bool, float], Setting]] = {
    "mi": _identifier,
    "mn": _plain,
    "mo": _plain,
    "mtext": _plain,
}


def _row(nodes: Sequence[ET.Element], size: float) -> Setting:
    """Elements side by side, spaced by what the signs between them are."""
    flat = _flattened(nodes)
    boxes = [_set(node, size) for node in flat]
    tallest = max((box.ascent for box in boxes), default=0.0)
    deepest = max((box.descent for box in boxes), default=0.0)
    marks: list[Mark] = []
    here, ascent, descent = 0.0, 0.0, 0.0
    for place, (node, box) in enumerate(zip(flat, boxes, strict=True)):
        if node.get("stretchy") == "true":
            box = _stretched(node.text or "", size, tallest, deepest)  # noqa: PLW2901
        before, after = _spaces(flat, place)
        tight = size < 1  # scripts are set without spaces
        here += 0 if tight or not marks else before * size
        marks += box.moved(here, 0.0)
        here += box.width + (0 if tight else after * size)
        ascent, descent = max(ascent, box.ascent), max(descent, box.descent)
    return Setting(here, ascent, descent, tuple(marks))


def _flattened(nodes: Sequence[ET.Element]) -> list[ET.Element]:
    """Rows inside rows opened, so that signs see their neighbours."""
    flat: list[ET.Element] = []
    for node in nodes:
        tag = node.tag.rpartition("}")[2]
        if tag in ("mrow", "mstyle"):
            flat += _flattened(list(node))
        else:
            flat.append(node)
    return flat


def _spaces(row: Sequence[ET.Element], place: int) -> tuple[float, float]:
    """The space before and after an element, in ems."""
    text = row[place].text or ""
    tag = row[place].tag.rpartition("}")[2]
    before = row[place - 1].text or "" if place else ""
    sided = place > 0 and place < len(row) - 1
    after_sign = before in _RELATIONS or before in _BINARY or before in _OPENING
    if tag == "mo" and text in _RELATIONS and sided:
        return 0.27, 0.27
    if tag == "mo" and text in _BINARY and sided and not (after_sign or before == ","):
        return (0.13, 0.13) if text in "⋅·" else (0.21, 0.21)
    if tag == "mo" and text == ",":
        return 0.0, 0.16
    word = tag == "mi" and len(text) > 1
    following = row[place + 1].text or "" if place < len(row) - 1 else ""
    if following == "\N{FUNCTION APPLICATION}" and place < len(row) - 2:
        following = row[place + 2].text or ""
    if word:
        return (
            0.16 if place and not after_sign else 0.0,
            0.16 if following and following not in _OPENING and place + 1 < len(row)
            and following not in _RELATIONS | _BINARY | {")", ","} else 0.0,
        )  # fmt: skip
    return 0.0, 0.0


def _stretched(text: str, size: float, tallest: float, deepest: float) -> Setting:
    """A bracket as high as what stands beside it."""
    box = set_text(text, size)
    reach = max(tallest - AXIS * size, deepest + AXIS * size)
    stretch = max(1.0, reach / max(box.ascent - AXIS * size, 0.1))
    if stretch < 1.15 or not box.marks:
        return box
    shift = AXIS * size * (1 - stretch)
    marks = tuple(replace(mark, y=shift, stretch=stretch) for mark in box.marks)
    ascent, descent = box.ascent * stretch + shift, box.descent * stretch - shift
    return Setting(box.width, ascent, descent, marks)


def _scripts(
    base: Setting, sub: Setting | None, sup: Setting | None, size: float
) -> Setting:
    """A base with what stands below and above at its right."""
    marks = list(base.marks)
    width, ascent, descent = base.width, base.ascent, base.descent
    low = max(_SUB * size, base.descent * 0.6)
    high = max(_SUP * size, base.ascent - 0.32 * size)
    if sub is not None and sup is not None:
        gap = (high - sup.descent) - (sub.ascent - low)
        if gap < 0.08 * size:
            low += (0.08 * size - gap) / 2
            high += (0.08 * size - gap) / 2
    advance = base.marks[-1].x + base.marks[-1].width if base.marks else base.width
    if sub is not None:
        marks += sub.moved(advance, -low)
        width = max(width, advance + sub.width)
        ascent = max(ascent, sub.ascent - low)
        descent = max(descent, low + sub.descent)
    if sup is not None:
        marks += sup.moved(base.width + 0.03 * size, high)
        width = max(width, base.width + 0.03 * size + sup.width)
        ascent = max(ascent, high + sup.ascent)
        descent = max(descent, sup.descent - high)
    return Setting(width + 0.03 * size, ascent, descent, tuple(marks))


def _sub(nodes: list[ET.Element], size: float) -> Setting:
    """x with an index below."""
    return _scripts(_set(nodes[0], size), _set_small(nodes[1], size), None, size)


def _sup(nodes: list[ET.Element], size: float) -> Setting:
    """x with an exponent."""
    return _scripts(_set(nodes[0], size), None, _set_small(nodes[1], size), size)


def _subsup(nodes: list[ET.Element], size: float) -> Setting:
    """x with both, one above the other."""
    below, above = _set_small(nodes[1], size), _set_small(nodes[2], size)
    return _scripts(_set(nodes[0], size), below, above, size)


def _set_small(node: ET.Element, size: float) -> Setting:
    """An index or exponent; never smaller than half the label's letters."""
    if node.text == "′":  # its glyph is high up already
        return _lowered(set_text("′", size), _SUP * size)
    return _row([node], max(size * _SCRIPT, 0.5))


def _lowered(box: Setting, by: float) -> Setting:
    """A box further down."""
    marks = box.moved(0.0, -by)
    return Setting(box.width, box.ascent - by, box.descent + by, marks)


def _fraction(nodes: list[ET.Element], size: float) -> Setting:
    """One row above another, a bar between them."""
    inner = size * 0.86
    top, bottom = _row([nodes[0]], inner), _row([nodes[1]], inner)
    width = max(top.width, bottom.width) + 0.12 * size
    axis, bar = AXIS * size, _BAR * size
    up = axis + bar / 2 + _GAP * size + top.descent
    down = axis - bar / 2 - _GAP * size - bottom.ascent
    rule = Mark("rule", "", 0.0, axis - bar / 2, bar, width)
    marks = (
        *top.moved((width - top.width) / 2, up),
        rule,
        *bottom.moved((width - bottom.width) / 2, down),
    )
    return Setting(width, up + top.ascent, bottom.descent - down, marks)


def _over(nodes: list[ET.Element], size: float) -> Setting:
    """A letter with a hat or a bar."""
    base, accent = _set(nodes[0], size), _set(nodes[1], size)
    glyph = glyphs().get(nodes[1].text or "")
    if glyph is None or len(accent.marks) != 1:
        raise _Unset("mover")
    middle = (glyph.left + glyph.right) / 2 * size
    lift = base.ascent + 0.07 * size - glyph.bottom * size
    lean = 0.06 * size
    marks = (*base.marks, *accent.moved(base.width / 2 + lean - middle, lift))
    return Setting(base.width, lift + glyph.top * size, base.descent, marks)


def _limits(nodes: list[ET.Element], size: float) -> Setting:
    """Limits stand beside the sign: a label has one line."""
    if len(nodes) == 3:
        return _subsup(nodes, size)
    return _sub(nodes, size)


def _root(nodes: list[ET.Element], size: float) -> Setting:
    """A root sign, its bar over what stands under it."""
    inner = _row(nodes, size)
    sign = _stretched("√", size, inner.ascent + 0.12 * size, inner.descent)
    bar = _BAR * size
    top = max(sign.ascent, inner.ascent + 0.12 * size)
    rule = Mark("rule", "", sign.width, top - bar, bar, inner.width + 0.08 * size)
    marks = (*sign.marks, *inner.moved(sign.width + 0.04 * size, 0.0), rule)
    width = sign.width + inner.width + 0.1 * size
    return Setting(width, top, max(sign.descent, inner.descent), marks)


_PARTS: dict[str, Callable[[list[ET.Element], float], Setting]] = {
    "mrow": _row,
    "mstyle": _row,
    "msub": _sub,
    "msup": _sup,
    "msubsup": _subsup,
    "mfrac": _fraction,
    "mover": _over,
    "munder": _limits,
    "munderover": _limits,
    "msqrt": _root,
}
