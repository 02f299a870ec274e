"""LaTeX to one MathML Core element: the only place that calls latex2mathml.

What the strict reader accepted is converted, repaired and then checked against Core.
"""

import functools
import html
import re
from xml.etree import ElementTree as ET
from xml.sax.saxutils import quoteattr

from latex2mathml.converter import Converter

from symbackprop.renderers.latex_reader import (
    COMMANDS,
    MathMLError,
    Reader,
    is_upright,
)

__all__ = ["COMMANDS", "MathMLError", "mathml"]

_ORDINARY = "∂∇∞⊤"  # signs that are letters of the notation, not operators
# Signs where unicode-math, hence every font, has a better character.
_SIGNS = str.maketrans("*·", "∗⋅")


# Characters that XML forbids, or that make text show otherwise than it reads.
_UNPRINTABLE = re.compile(
    "[^\t\n -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def mathml(latex: str, *, display: bool = False, alttext: str | None = None) -> str:
    """One `<math>` element for the LaTeX, or a MathMLError that says what to change."""
    for text in (latex, alttext or ""):
        if found := _UNPRINTABLE.search(text):
            code = f"control character U+{ord(found[0]):04X}"
            at = f"at character {found.start() + 1}"
            raise MathMLError(f"{code} {at}: expected printable text; try: remove it")
    attributes = ' display="block"' if display else ""
    if alttext is not None:
        attributes += " alttext=" + quoteattr(alttext, {'"': "&quot;"})
    namespace = "http://www.w3.org/1998/Math/MathML"
    return f'<math xmlns="{namespace}"{attributes}>{_content(latex, display)}</math>'


@functools.lru_cache(maxsize=1024)
def _content(latex: str, display: bool) -> str:
    """Convert; cached, since a derivation shows the same formulas again and again."""
    reader = Reader(latex)
    source = reader.formula(display=display)
    try:
        tree = Converter().convert_to_element(source)
    except Exception as problem:  # latex2mathml has no common base error
        raise _broken(f"latex2mathml failed: {problem!r}", latex) from problem
    tree.attrib.clear()
    used: set[int] = set()
    _repair(tree, reader, used)
    lost = "latex2mathml lost a part" if len(used) != len(reader.leaves) else ""
    if fault := lost or _fault(tree):
        raise _broken(fault, latex)
    return "".join(ET.tostring(child, encoding="unicode") for child in tree)


def _broken(fault: str, latex: str) -> MathMLError:
    return MathMLError(
        f"expected MathML Core, but {fault}; this is a fault of symbackprop, not of the"
        f" formula; try a simpler form and report this one: {latex[:200]!r}"
    )


def _repair(node: ET.Element, reader: Reader, used: set[int]) -> ET.Element | None:
    """Put the leaves in, set signs and tables right; None means leave the node out."""
    if node.tag == "mtext":
        index = int(node.text or "-1")
        used.add(index)
        return reader.leaves[index]
    attribute = {"mover": "accent", "munder": "accentunder"}.get(node.tag)
    if attribute and {c.text for c in node if c.tag == "mtext"} & reader.accents:
        node.set(attribute, "true")
    if node.tag in {"mi", "mo", "mn"}:
        text = node.text = html.unescape(node.text or "").translate(_SIGNS)
        if node.tag != "mn":
            node.tag = "mi" if text.isalpha() or text in _ORDINARY else "mo"
        if node.tag == "mi" and is_upright(text):
            node.set("mathvariant", "normal")
        return node if text else None
    node[:] = [kept for c in node if (kept := _repair(c, reader, used)) is not None]
    if node.tag == "mtable":
        _align(node)
    if node.tag == "mrow" and len(node) < 2 and not node.attrib:
        return node[0] if len(node) else None
    return node


def _align(table: ET.Element) -> None:
    """Say alignment in styles: browsers ignore the MathML 3 attributes."""
    aligned = table.attrib.pop("columnspacing", None) is not None
    table.attrib.pop("rowspacing", None)
    for row in table:
        for column, cell in enumerate(row):
            side = cell.attrib.pop("columnalign", "")
            if not side:
                continue
            edge = "end" if side == "right" else "start"  # Chromium obeys only this
            style = f"text-align:{side};justify-items:{edge}"
            if aligned and column % 2:
                style += ";padding-left:0"
                first = cell
                while len(first) and first.tag in {"mtd", "mrow"}:
                    first = first[0]
                if first.text in {*"+−±∓"}:  # a sum goes on, this is not a sign
                    first.set("form", "infix")
            elif aligned:
                style += f";padding-right:0;padding-left:{'2em' if column else '0'}"
            cell.set("style", style)


_ARITY = {
    **dict.fromkeys(("mfrac", "msub", "msup", "mover", "munder"), 2),
    **dict.fromkeys(("msubsup", "munderover"), 3),
}
_ALLOWED = {
    **dict.fromkeys([*_ARITY, "math", "msqrt", "mtr", "mtext", "mn"], ""),
    "mrow": "class", "mtd": "style", "mtable": "displaystyle", "mspace": "width",
    "mstyle": "displaystyle scriptlevel", "mi": "mathvariant",
    "mover": "accent", "munder": "accentunder", "mo": "form fence stretchy",
}  # fmt: skip


def _fault(node: ET.Element) -> str:
    """Say what is outside MathML Core, or nothing: the guard on every output."""
    tag = node.tag
    if tag not in _ALLOWED:
        return f"the element {tag} came"
    if alien := set(node.attrib) - set(_ALLOWED[tag].split()):
        return f"{tag} came with {sorted(alien)}"
    if tag in {"mi", "mn", "mo", "mtext"}:
        bad = not node.text or len(node) or ("\\" in node.text and tag != "mtext")
        return f"{tag} came with {node.text!r}" if bad else ""
    inside = {"mtable": "mtr", "mtr": "mtd"}.get(tag)
    wrong = inside is not None and any(child.tag != inside for child in node)
    least = 0 if tag in {"mspace", "mtd"} else 1
    count = _ARITY.get(tag, len(node))
    if wrong or node.text or len(node) < least or len(node) != count:
        return f"{tag} came with {[child.tag for child in node]}"
    faults = (_fault(child) for child in node)
    return next((fault for fault in faults if fault), "")
