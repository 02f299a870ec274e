"""What a layout is made of: shapes, lines and labels with their places; no format."""

from dataclasses import dataclass
from math import hypot
from typing import Literal, TypeAlias

from symbackprop.drawing.diagram import Outline, Text
from symbackprop.drawing.geometry import Curve, Point, box, turned

FONT = 20.0
"""The size of a label's letters, in the units of all coordinates."""
_HEAD, _HEAD_ON = 9.0, 12.0
_WIDE = 0.42
_NOTCH = 0.8

Role: TypeAlias = Literal["sign", "value", "gradient"]
Flow: TypeAlias = Literal["forward", "back"]


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline by its middle; a dot where one line goes several ways.

    `id` is the quantity that it belongs to, empty for the unit that is always 1.
    """

    id: str
    outline: Outline | Literal["dot"]
    x: float
    y: float
    width: float
    height: float
    on: bool = False

    @property
    def corners(self) -> tuple[Point, ...]:
        """The upright rectangle around it."""
        left, top = self.x - self.width / 2, self.y - self.height / 2
        return box(left, top, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Line:
    """What flows: its quantity's or weight's id, its way, whether an arrow ends it."""

    id: str
    curve: Curve
    flow: Flow = "forward"
    arrow: bool = False
    on: bool = False

    @property
    def head(self) -> tuple[Point, ...]:
        """The corners of its arrowhead: tip, left, notch, right; none without one."""
        if not self.arrow:
            return ()
        return head_of(self.curve[-2], self.curve[-1], _HEAD_ON if self.on else _HEAD)

    @property
    def shaft(self) -> Curve:
        """Its way as far as the notch of its head."""
        head = self.head
        return (*self.curve[:-1], head[2]) if head else self.curve


def head_of(towards: Point, tip: Point, long: float) -> tuple[Point, ...]:
    """The corners of an arrowhead that comes from a point."""
    (a, b), (c, d) = towards, tip
    length = hypot(c - a, d - b) or 1.0
    x, y = (c - a) / length * long, (d - b) / length * long
    left = (c - x - y * _WIDE, d - y + x * _WIDE)
    right = (c - x + y * _WIDE, d - y - x * _WIDE)
    return tip, left, (c - x * _NOTCH, d - y * _NOTCH), right


@dataclass(frozen=True, slots=True)
class Label:
    """A text by the left end of its baseline, turned about that."""

    id: str
    role: Role
    text: Text
    x: float
    y: float
    angle: float = 0.0
    on: bool = False

    @property
    def font(self) -> float:
        """The size of its letters."""
        return FONT * self.text.size

    @property
    def corners(self) -> tuple[Point, ...]:
        """The box of its ink."""
        setting, font = self.text.setting, self.font
        height = (setting.ascent + setting.descent) * font
        top = self.y - setting.ascent * font
        upright = box(self.x, top, setting.width * font, height)
        return turned(upright, (self.x, self.y), self.angle)


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything of a picture with its place; `left_out`: weights without a label."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    lines: tuple[Line, ...]
    labels: tuple[Label, ...]
    left_out: tuple[str, ...] = ()
