"""A document as Markdown with dollar maths, for notebooks, wikis and static sites."""

import base64
import re

from symbackprop.formula.tree import Formula
from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import (
    Block,
    Calculations,
    Chain,
    Document,
    Drawing,
    Equations,
    Figure,
    Heading,
    Inline,
    Items,
    Prose,
    Table,
)
from symbackprop.renderers.dollars import between_dollars, linked
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$&~])")


def markdown(document: Document) -> str:
    """The whole document."""
    page = _Page(document)
    head = [f"# {escaped(document.title)}", ""]
    if document.source:
        label = word("page", "source", document.language)
        head += [f"*{escaped(label)}: {escaped(document.source)}*", ""]
    body = page.blocks(document.blocks)
    return "\n".join([*head, *body, *page.images]).rstrip() + "\n"


def escaped(text: str) -> str:
    """Plain words: nothing in them is markup."""
    return _SPECIAL.sub(r"\\\1", text)


class _Page:
    """One document's Markdown."""

    def __init__(self, document: Document) -> None:
        self.language = document.language
        self.typeset = Typesetter(document.context)
        self.images: list[str] = []

    def inline(self, parts: Inline) -> str:
        """Words with formulas between them."""
        return between_dollars(parts, self.typeset, escaped)

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        """Every block with an empty line after it."""
        return [line for block in blocks for line in [*self.block(block), ""]]

    def block(self, block: Block) -> list[str]:
        """One block."""
        match block:
            case Heading(parts, level, _):
                return [f"{'#' * level} {self.inline(parts)}"]
            case Prose(parts):
                return [self.inline(parts)]
            case Chain():
                return self.chain(block)
            case Equations(_, relation):
                lines = [
                    f"{self.typeset(name)} &{relation} {self.typeset(form)}"
                    + (rf" \qquad {self.link(value)}" if value else "")
                    for name, form, _, value in block.valued
                ]
                return _display(lines)
            case Calculations(rows):
                return _display([line for row in rows for line in self.working(*row)])
            case Figure(anchor, drawings):
                return self.figure(anchor, drawings)
            case Items(items):
                return [f"- {self.inline(item)}" for item in items]
            case Table(header, rows):
                cells = [[self.inline(cell) for cell in row] for row in (header, *rows)]
                lines = ["| " + " | ".join(row) + " |" for row in cells]
                rule = "|" + " --- |" * len(header)
                return [lines[0], rule, *lines[1:]]

    def figure(self, anchor: str, drawings: tuple[Drawing, ...]) -> list[str]:
        """Images that are named here and stand at the end of the file."""
        out: list[str] = []
        for number, drawing in enumerate(drawings, 1):
            name = f"{anchor}-{number}"
            svg = base64.b64encode(drawing.svg.encode()).decode()
            self.images.append(f"[{name}]: data:image/svg+xml;base64,{svg}")
            out += [f"![{escaped(drawing.description)}][{name}]", ""]
        return out[:-1]

    def link(self, link: Link) -> str:
        """A relation and what stands behind it."""
        return linked(link, self.typeset)

    def working(self, left: Formula, links: tuple[Link, ...]) -> list[str]:
        """A quantity worked out: its formula, then numbers and result below."""
        first, *rest = map(self.link, links)
        rows = [f"{self.typeset(left)} &{first}"]
        return [*rows, f"&{' '.join(rest)}"] if rest else rows

    def chain(self, chain: Chain) -> list[str]:
        """The chain as aligned maths, its reasons as a numbered list below."""
        out: list[str] = []
        if chain.note:
            out += [self.inline(chain.note), ""]
        left = self.typeset(chain.left)
        rows = [
            f"{left if number == 0 else ''} &= {self.typeset(line.form)}"
            for number, line in enumerate(chain.lines)
        ]
        out += _display(rows or [left])
        out.append("")
        for number, line in enumerate(chain.lines, 1):
            out.append(f"{number}. ✓ {self.inline(line.reason)}")
            for row in line.rows if line.open else ():
                step = f"${self.typeset(row.form)}$ — {self.inline(row.reason)}"
                out.append(f"   - {step}")
                if row.opens is not None:
                    out += ["", *self.chain(row.opens), ""]
        if chain.lines and (value := chain.lines[-1].value):
            where = word("page", "at_values", self.language)
            out.append(f"\n*{where}:* ${self.link(value)}$")
        for condition in chain.lines[-1].conditions if chain.lines else ():
            where = word("page", "conditions", self.language)
            out.append(f"\n*{where}: {self.inline(condition)}*")
        for aside in chain.aside:
            out += ["", word("page", "with", self.language), "", *self.chain(aside)]
        return out


def _display(rows: list[str]) -> list[str]:
    """Rows in one displayed block."""
    return ["$$", r"\begin{aligned}", " \\\\\n".join(rows), r"\end{aligned}", "$$"]
