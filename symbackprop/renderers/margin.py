"""What a book prints, in the margin of an HTML page: sign, words, colour."""

from collections.abc import Callable, Sequence
from html import escape

from symbackprop.renderers.document import Inline, Note


def margin(notes: Sequence[Note], inline: Callable[[Inline], str]) -> str:
    """The notes beside one line; nothing where there are none."""
    items = "".join(
        f'<li class="{escape(note.tone)}">'
        f'<span class="sign">{escape(note.sign)}</span> {inline(note.text)}</li>'
        for note in notes
    )
    return f'<ul class="book">{items}</ul>' if items else ""


def toned_row(cells: Sequence[str], tone: str) -> str:
    """A row of a table, in the colour of its outcome if it has one."""
    attribute = f' class="{escape(tone)}"' if tone else ""
    return f"<tr{attribute}>{''.join(cells)}</tr>\n"
