"""A layout as SVG: letters as outlines, one group a quantity, the same bytes each time.

Colours are `currentColor` and one accent, as attributes that any style sheet may
override; shape, weight and dashes say the same without them.
"""

from collections.abc import Iterator, Mapping

from symbackprop.drawing.geometry import Curve, Point, is_straight
from symbackprop.drawing.ink import ACCENT, Ink, number, shown
from symbackprop.drawing.shapes import Label, Layout, Line, Shape

_TINT = {"circle": "0.06", "box": "0.06", "pill": "0"}
_DASHES = ' stroke-dasharray="9 5"'


def svg(
    layout: Layout,
    title: str,
    description: str,
    *,
    language: str = "en",
    words: Mapping[str, str] | None = None,
    prefix: str = "p",
    live: bool = False,
    letters: dict[str, str] | None = None,
) -> str:
    """The picture as one SVG element, also for inside a page.

    `words` say by id what a group shows; `prefix` keeps the ids of two pictures in one
    page apart; `live` leaves the numbers as text, so that a script can exchange them.
    `letters` collects what the pictures of one page define, each letter once.
    """
    ink = Ink(prefix, letters)
    body = "".join(_groups(layout, words or {}, ink, live=live))
    size = (layout.width, layout.height)
    return ink.document(size, title, description, language, body)


def _groups(
    layout: Layout, words: Mapping[str, str], ink: Ink, *, live: bool
) -> Iterator[str]:
    """One group a quantity or weight, in order of first use; the highlighted last."""
    parts = (*layout.lines, *layout.shapes, *layout.labels)
    lit = {part.id for part in (*layout.lines, *layout.shapes) if part.on}
    drawn: dict[str, list[str]] = {part.id: [] for part in parts}
    for line in layout.lines:
        drawn[line.id].append(_line(line))
    for shape in layout.shapes:
        drawn[shape.id].append(_shape(shape))
    for label in layout.labels:
        drawn[label.id].append(_label(label, ink, live=live))
    for id_ in sorted(drawn, key=lambda id_: id_ in lit):
        class_ = "sbp-quantity sbp-on" if id_ in lit else "sbp-quantity"
        data = f' data-id="{shown(id_)}"' if id_ else ""
        title = f"<title>{shown(words[id_])}</title>" if words.get(id_) else ""
        yield f'<g class="{class_}"{data}>{title}{"".join(drawn[id_])}</g>\n'


def _line(line: Line) -> str:
    """A line and its arrowhead; what is highlighted is heavy and dashed."""
    back = line.flow == "back"
    colour = ACCENT if back or line.on else "currentColor"
    width = (2.6 if line.on else 1.6) if back else (3.0 if line.on else 1.4)
    dashes = _DASHES if line.on and not back else ""
    head = ""
    if line.arrow:
        outline = "M" + "L".join(map(_point, line.head)) + "Z"
        head = f'<path class="sbp-head" d="{outline}" fill="{colour}"/>'
    return (
        f'<path class="sbp-{line.flow}" d="{_way(line.shaft)}" stroke="{colour}" '
        f'stroke-width="{number(width)}"{dashes}/>{head}'
    )


def _shape(shape: Shape) -> str:
    """A node's outline, or the dot where a line goes several ways."""
    x, y, r = number(shape.x), number(shape.y), number(shape.width / 2)
    colour = ACCENT if shape.on else "currentColor"
    if shape.outline == "dot":
        return f'<circle class="sbp-dot" cx="{x}" cy="{y}" r="{r}" fill="{colour}"/>'
    style = (
        f'stroke="{colour}" stroke-width="{3 if shape.on else 1.6}" '
        f'fill="currentColor" fill-opacity="{_TINT[shape.outline]}"'
    )
    if shape.outline == "circle":
        return f'<circle class="sbp-node" cx="{x}" cy="{y}" r="{r}" {style}/>'
    left, top = shape.corners[0]
    radius = shape.height / 2 if shape.outline == "pill" else 5.0
    return (
        f'<rect class="sbp-node" x="{number(left)}" y="{number(top)}" '
        f'width="{number(shape.width)}" height="{number(shape.height)}" '
        f'rx="{number(radius)}" {style}/>'
    )


def _label(label: Label, ink: Ink, *, live: bool) -> str:
    """A text in its role's colour."""
    return ink.label(
        label.text,
        label.font,
        (label.x, label.y),
        angle=label.angle,
        colour=ACCENT if label.role == "gradient" else "currentColor",
        kind=label.role,
        live=live and label.role != "sign",
    )


def _way(curve: Curve) -> str:
    """A curve as path data."""
    start = f"M{_point(curve[0])}"
    if is_straight(curve):
        return f"{start}L{_point(curve[-1])}"
    pieces = [
        "C" + " ".join(map(_point, curve[place : place + 3]))
        for place in range(1, len(curve), 3)
    ]
    return start + "".join(pieces)


def _point(point: Point) -> str:
    """x,y."""
    return f"{number(point[0])},{number(point[1])}"
