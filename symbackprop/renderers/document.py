"""The document: title and blocks, the same for every format. No format lives here.

Words arrive chosen (one language), formulas arrive as forms with positions, so that
every renderer typesets from the same parts and none re-reads text.
"""

from dataclasses import dataclass
from typing import TypeAlias

from symbackprop.formula.tree import Formula, Path
from symbackprop.numeric.live import Live
from symbackprop.numeric.worked import Link
from symbackprop.renderers.lettering import Context

Inline: TypeAlias = tuple["str | Formula", ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A section's title; `anchor` is unique in the document."""

    text: Inline
    level: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Prose:
    """One paragraph."""

    text: Inline


@dataclass(frozen=True, slots=True)
class Note:
    """What a book prints beside a line, judged: a sign, words, and their tone.

    The tone is an outcome (agrees, differs, undecided); it is never shown alone.
    """

    tone: str
    sign: str
    text: Inline


@dataclass(frozen=True, slots=True)
class Row:
    """One small step: what it rewrites into what, why, and how it was accepted.

    `form` is the whole line after the step; `changed` marks positions in it. `opens`
    is the step's own derivation, `see` the anchor where that is shown instead.
    """

    form: Formula
    reason: Inline
    rule: str
    evidence: str
    changed: tuple[Path, ...] = ()
    conditions: tuple[Inline, ...] = ()
    opens: "Chain | None" = None
    see: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. `changed` marks what differs from the line before.

    `rows` are the small steps that lead to it, folded away unless `open`; `value` is
    what the line comes to at the page's values, `notes` what a book prints of it.
    """

    form: Formula
    reason: Inline = ()
    rules: tuple[str, ...] = ()
    evidence: str = ""
    changed: tuple[Path, ...] = ()
    conditions: tuple[Inline, ...] = ()
    rows: tuple[Row, ...] = ()
    open: bool = False
    value: Link | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Chain:
    """An equation chain: `left` = first line = second line …, each with its reason.

    `aside` are chains that a line refers to ("with …"), shown after the lines that
    use them; `note` stands in front (for k = 1, 2).
    """

    anchor: str
    left: Formula
    lines: tuple[Line, ...]
    note: Inline = ()
    aside: tuple["Chain", ...] = ()
    aside_after: int = 1
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Equations:
    """Definitions or updates, one a row: a name, its form, a gloss.

    `values` are what the rows come to at the page's values, one a row or none at all;
    `notes` what a book prints of them.
    """

    rows: tuple[tuple[Formula, Formula, Inline], ...]
    relation: str = "="
    values: tuple[Link | None, ...] = ()
    notes: tuple[tuple[Note, ...], ...] = ()

    @property
    def valued(self) -> tuple[tuple[Formula, Formula, Inline, Link | None], ...]:
        """The rows with their values."""
        values = self.values or (None,) * len(self.rows)
        return tuple(
            (*row, value) for row, value in zip(self.rows, values, strict=True)
        )


@dataclass(frozen=True, slots=True)
class Calculations:
    """Quantities worked out: each with its formula, numbers put in, result."""

    rows: tuple[tuple[Formula, tuple[Link, ...]], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of cells with a header; `tones` are the rows' outcomes, if any."""

    header: tuple[Inline, ...]
    rows: tuple[tuple[Inline, ...], ...]
    tones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Items:
    """A list of short statements."""

    items: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One picture: its label, what it shows in words, its SVG, its TikZ if it has any.

    It is drawn where the document is put together; renderers only place it.
    """

    label: Inline
    description: str
    svg: str
    tikz: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Pictures of one thing, that to be seen first in front."""

    anchor: str
    drawings: tuple[Drawing, ...]


Block: TypeAlias = (
    Heading | Prose | Chain | Equations | Calculations | Table | Items | Figure
)


@dataclass(frozen=True, slots=True)
class Document:
    """A page, a paper, a deck: whatever a renderer makes of it.

    `appendix` holds what is derived once and referred to; a renderer that cannot
    fold leaves it out. `live` is what a page that computes needs.
    """

    title: str
    language: str
    context: Context
    blocks: tuple[Block, ...]
    appendix: tuple[Block, ...] = ()
    source: str = ""
    live: Live | None = None
