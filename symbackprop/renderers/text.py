"""A document as plain text: formulas in Unicode, reasons at the right."""

import unicodedata

from symbackprop.formula.tree import Formula
from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import (
    Block,
    Calculations,
    Chain,
    Document,
    Equations,
    Figure,
    Heading,
    Inline,
    Items,
    Line,
    Prose,
    Row,
    Table,
)
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word

REASON_COLUMN = 64
LINE = 88
"""So wide a calculation may be and still stand in one line."""


def text(document: Document) -> str:
    """The whole document."""
    page = _Page(document)
    head = [document.title, "=" * width(document.title)]
    if document.source:
        head.append(f"{word('page', 'source', document.language)}: {document.source}")
    return "\n".join([*head, "", *page.blocks(document.blocks)]).rstrip() + "\n"


def fragment(document: Document) -> str:
    """The blocks alone, for a notebook's plain-text view."""
    return "\n".join(_Page(document).blocks(document.blocks)).rstrip()


def width(line: str) -> int:
    """The columns that a line takes in a terminal."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in line
    )


class _Page:
    """One document's lines."""

    def __init__(self, document: Document) -> None:
        self.language = document.language
        self.typeset = Typesetter(document.context, "text")

    def inline(self, parts: Inline) -> str:
        """Words with formulas between them."""
        return "".join(p if isinstance(p, str) else self.typeset(p) for p in parts)

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        """Every block with an empty line after it."""
        lines: list[str] = []
        for block in blocks:
            lines += [*self.block(block), ""]
        return lines

    def block(self, block: Block) -> list[str]:
        """One block."""
        match block:
            case Heading(parts, level, _):
                title = self.inline(parts)
                return [title, "-" * width(title)] if level == 2 else [title]
            case Prose(parts):
                return [self.inline(parts)]
            case Chain():
                return self.chain(block, "")
            case Equations():
                return self.equations(block)
            case Calculations(rows):
                return [line for row in rows for line in self.calculation(*row)]
            case Items(items):
                return [f"  - {self.inline(item)}" for item in items]
            case Figure(_, drawings):
                return [drawing.description for drawing in drawings]
            case Table(header, rows):
                cells = [[self.inline(c) for c in row] for row in (header, *rows)]
                sizes = [max(map(width, column)) for column in zip(*cells, strict=True)]
                return [
                    "  "
                    + "  ".join(
                        cell + " " * (size - width(cell))
                        for cell, size in zip(row, sizes, strict=True)
                    ).rstrip()
                    for row in cells
                ]

    def equations(self, block: Equations) -> list[str]:
        """Definitions with their values in a column of their own."""
        shown = [
            f"  {self.typeset(name)} {block.relation} {self.typeset(form)}"
            + (f"    {self.inline(gloss)}" if gloss else "")
            for name, form, gloss in block.rows
        ]
        column = min(max(map(width, shown), default=0) + 4, REASON_COLUMN)
        return [
            _padded(line, self.link(value), column) if value else line
            for line, (*_, value) in zip(shown, block.valued, strict=True)
        ]

    def link(self, link: Link) -> str:
        """A relation and what stands behind it."""
        return f"{link.relation} {self.typeset(link.form)}"

    def calculation(self, left: Formula, links: tuple[Link, ...]) -> list[str]:
        """A quantity worked out, in one line if it fits, else a line a link."""
        first, *rest = map(self.link, links)
        whole = "  " + " ".join([self.typeset(left), first, *rest])
        if width(whole) <= LINE:
            return [whole]
        return [f"  {self.typeset(left)} {first}", *(f"    {link}" for link in rest)]

    def chain(self, chain: Chain, indent: str) -> list[str]:
        """left = first line, then = line after line, each with its reason."""
        lines: list[str] = []
        if chain.note:
            lines.append(indent + self.inline(chain.note))
        left = self.typeset(chain.left)
        if not chain.lines:
            return [*lines, indent + left]
        for number, line in enumerate(chain.lines, 1):
            start = f"{left} = " if number == 1 else "  = "
            lines += self.line(start, line, indent)
            if number == chain.aside_after:
                for aside in chain.aside:
                    note = word("page", "with", self.language)
                    lines += [
                        f"{indent}    {note}",
                        *self.chain(aside, indent + "      "),
                    ]
        if value := chain.lines[-1].value:
            where = word("page", "at_values", self.language)
            lines.append(_padded(f"{indent}  {self.link(value)}", f"  {where}"))
        for condition in chain.lines[-1].conditions:
            where = word("page", "conditions", self.language)
            lines.append(f"{indent}    ({where}: {self.inline(condition)})")
        return lines

    def line(self, start: str, line: Line, indent: str) -> list[str]:
        """One printed line, its small steps below it when they are open."""
        form = indent + start + self.typeset(line.form)
        reason = self.inline(line.reason)
        rules = ", ".join(line.rules)
        lines = [_padded(form, f"✓ {reason}  [{rules}]")]
        if line.open:
            for row in line.rows:
                lines += self.row(row, indent + "      ")
        return lines

    def row(self, row: Row, indent: str) -> list[str]:
        """One small step."""
        form = f"{indent}· {self.typeset(row.form)}"
        lines = [
            _padded(form, f"✓ {self.inline(row.reason)}  [{row.rule}: {row.evidence}]")
        ]
        if row.opens is not None:
            lines += self.chain(row.opens, indent + "    ")
        return lines


def _padded(form: str, behind: str, column: int = REASON_COLUMN) -> str:
    """A formula and what stands behind it, in a column of its own or close."""
    return form + " " * max(3, column - width(form)) + behind
