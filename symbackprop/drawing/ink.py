"""What every SVG of this room shares: letters as outlines, numbers, the frame.

The letters of a picture are defined once and used where they stand; letters that the
table lacks are text that is fitted into its measured width.
"""

from html import escape

from symbackprop.drawing.diagram import Text
from symbackprop.drawing.font import EM, glyphs
from symbackprop.drawing.setting import Mark, set_text

ACCENT = "#c2410c"
_FONTS = (
    "'Noto Sans CJK KR','Noto Sans KR','Malgun Gothic','Apple SD Gothic Neo',sans-serif"
)
_DIGITS = "'STIX Two Math','STIX Two Text','Cambria Math','Times New Roman',serif"


def number(value: float) -> str:
    """A coordinate with two decimals at most."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Ink:
    """The letters of one picture; `prefix` keeps its ids apart from another's.

    `letters` are those that pictures before it in one page have defined, by letter.
    """

    def __init__(self, prefix: str, letters: dict[str, str] | None = None) -> None:
        self.prefix = prefix
        self.letters: dict[str, str] = {} if letters is None else letters
        self.borrowed = frozenset(self.letters)

    def document(
        self,
        size: tuple[float, float],
        title: str,
        description: str,
        language: str,
        body: str,
    ) -> str:
        """The whole SVG element."""
        width, height = map(number, size)
        letters = "".join(
            f'<path id="{id_}" d="{glyphs()[letter].outline}"/>'
            for letter, id_ in self.letters.items()
            if letter not in self.borrowed
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="sbp-picture" '
            f'width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
            f'role="img" aria-labelledby="{self.prefix}-title {self.prefix}-desc" '
            f'lang="{escape(language)}" fill="none" font-family="{_DIGITS}" '
            f'stroke-linecap="round" stroke-linejoin="round">\n'
            f'<title id="{self.prefix}-title">{shown(title)}</title>\n'
            f'<desc id="{self.prefix}-desc">{shown(description)}</desc>\n'
            f"<defs>{letters}</defs>\n{body}</svg>\n"
        )

    def label(
        self,
        text: Text,
        font: float,
        place: tuple[float, float],
        *,
        angle: float = 0.0,
        colour: str = "currentColor",
        kind: str = "label",
        live: bool = False,
    ) -> str:
        """A text by the left end of its baseline; `live` leaves its number as text."""
        turn = f" rotate({number(angle)})" if angle else ""
        where = f"translate({number(place[0])} {number(place[1])}){turn}"
        exchanged = live and text.number != ""
        marks = "".join(
            self._mark(mark, font)
            for mark in text.setting.marks
            if not exchanged or mark.x < text.at - 0.01
        )
        if exchanged:
            marks = self._with_relations(marks) + _exchangeable(text, font)
        return f'<g class="sbp-{kind}" transform="{where}" fill="{colour}">{marks}</g>'

    def _with_relations(self, marks: str) -> str:
        """The same with = and ≈ ready to take each other's place; both are as wide."""
        ids = [self._letter(sign) for sign in "=≈"]
        both = f'class="sbp-relation" data-is="#{ids[0]}" data-about="#{ids[1]}" '
        for id_ in ids:
            marks = marks.replace(f'<use href="#{id_}"', f'<use {both}href="#{id_}"')
        return marks

    def _letter(self, letter: str) -> str:
        """The id of a letter, defined once."""
        return self.letters.setdefault(letter, f"{self.prefix}-{ord(letter):x}")

    def _mark(self, mark: Mark, font: float) -> str:
        """A letter, a rule, or a run of text fitted into its width."""
        x, y = mark.x * font, -mark.y * font
        size, width = mark.size * font, mark.width * font
        if mark.kind == "rule":
            return (
                f'<path d="M{number(x)} {number(y)}h{number(width)}v{number(-size)}'
                f'h{number(-width)}z"/>'
            )
        if mark.kind == "text":
            return (
                f'<text x="{number(x)}" y="{number(y)}" font-size="{number(size)}" '
                f'font-family="{_FONTS}" textLength="{number(width)}" '
                f'lengthAdjust="spacingAndGlyphs">{shown(mark.text)}</text>'
            )
        if not glyphs()[mark.text].outline:
            return ""
        id_ = self._letter(mark.text)
        across = f"{size / EM:.5f}".rstrip("0")
        up = f"{-size * mark.stretch / EM:.5f}".rstrip("0")
        place = f"matrix({across} 0 0 {up} {number(x)} {number(y)})"
        return f'<use href="#{id_}" transform="{place}"/>'


def shown(text: str) -> str:
    """Words as XML: escaped, and without characters that XML cannot hold."""
    printable = (c if c.isprintable() or c == "\n" else "\ufffd" for c in text)
    return escape("".join(printable))


def _exchangeable(text: Text, font: float) -> str:
    """A label's number as text, with the room that it has."""
    room = (text.setting.width - text.at) * font
    digits = text.number.replace("-", "−")
    own = min(set_text(digits).width * font, room)
    return (
        f'<text class="sbp-number" x="{number(text.at * font)}" y="0" '
        f'data-room="{number(room)}" textLength="{number(own)}" '
        f'font-size="{number(font)}">{shown(digits)}</text>'
    )
