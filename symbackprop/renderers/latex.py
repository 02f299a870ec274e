"""A document as LaTeX that compiles as it stands: align*, the reason at the right."""

from itertools import pairwise

from symbackprop.formula.tree import Formula, Minus, Product, Sum
from symbackprop.numeric.worked import Link
from symbackprop.renderers.breaking import in_rows, wide
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
    Line,
    Prose,
    Row,
    Table,
)
from symbackprop.renderers.dollars import SIGNS, between_dollars, linked
from symbackprop.renderers.measure import grouped, measured
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word

ROOM = 46.0
"""The width that a formula may take beside its reason, in average letters."""

WIDE = 78.0
"""The width of a row of numbers, in average letters."""

GAP = 3.0
"""The room that a relation sign takes between two formulas."""

NEXT_ROW = " \\\\\n  &\\quad "
"""From one row of a formula to the next."""

_PREAMBLE = r"""\documentclass[a4paper,11pt]{article}
\usepackage{iftex}
\ifPDFTeX
  \usepackage[T1]{fontenc}
  \usepackage[utf8]{inputenc}
  \IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\fi
%KOREAN%
\usepackage{amsmath,amssymb}
\usepackage[margin=2cm]{geometry}
\usepackage{graphicx}
%TIKZ%
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt}
\allowdisplaybreaks
\newcommand{\why}[1]{\tag*{\parbox[c]{4.4cm}{\raggedleft\footnotesize #1}}}
\begin{document}
"""
_TIKZ = "\\usepackage{tikz}\n\\usetikzlibrary{arrows.meta}\n"
_TIE = "\N{NO-BREAK SPACE}"
_LETTERS = "αβγδεζηθικλμνξπρσςτυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_COMMANDS = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho"
    " sigma varsigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma"
    " Upsilon Phi Psi Omega"
)
_SPECIAL = {
    _TIE: "~",
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "≠": r"$\neq$",
    "→": r"$\to$",
    "∂": r"$\partial$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "−": r"$-$",
    "∞": r"$\infty$",
    "≈": r"$\approx$",
    "✓": r"$\checkmark$",
    "√": r"$\surd$",
    "…": r"\dots{}",
    **{
        letter: rf"$\{command}$"
        for letter, command in zip(_LETTERS, _COMMANDS.split(), strict=True)
    },
}


def latex(document: Document) -> str:
    """The whole document, preamble included."""
    page = _Page(document)
    korean = r"\usepackage{kotex}" if _has_hangul(document) else ""
    figures = any(isinstance(block, Figure) for block in document.blocks)
    head = [_PREAMBLE.replace("%KOREAN%", korean).replace("%TIKZ%\n", _TIKZ * figures)]
    head.append(rf"\section*{{{escaped(document.title)}}}")
    if document.source:
        label = word("page", "source", document.language)
        head.append(rf"\textit{{{escaped(label)}: {escaped(document.source)}}}")
        head.append("")
    body = page.blocks(document.blocks)
    return "\n".join([*head, *body, r"\end{document}", ""])


def fragment(document: Document) -> str:
    """The first chain alone, valid inside display math."""
    chains = [block for block in document.blocks if isinstance(block, Chain)]
    return f"$$\n{aligned(chains[0], document)}\n$$" if chains else ""


def aligned(chain: Chain, document: Document) -> str:
    """A chain as one `aligned` block, without reasons: what a reader copies."""
    typeset = Typesetter(document.context)
    rows = [f"{typeset(chain.left)}"]
    rows[0] += f" &= {typeset(chain.lines[0].form)}" if chain.lines else ""
    rows += [f"&= {typeset(line.form)}" for line in chain.lines[1:]]
    return "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"


def escaped(text: str) -> str:
    """Plain words in LaTeX."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _has_hangul(document: Document) -> bool:
    """Whether Korean letters occur in words, labels or titles."""
    labels = "".join(
        text for label in document.context.labels.values() for text in label.values()
    )
    text = document.title + document.source + labels
    return document.language == "ko" or any("가" <= c <= "힣" for c in text)


class _Page:
    """One document's LaTeX."""

    def __init__(self, document: Document) -> None:
        self.language = document.language
        self.context = document.context
        self.typeset = Typesetter(document.context)

    def inline(self, parts: Inline) -> str:
        """Words with formulas between them."""
        return between_dollars(parts, self.typeset, escaped)

    def ragged(self, parts: Inline) -> str:
        """A paragraph; one of equations that stay whole has a ragged edge."""
        text = self.inline(parts)
        whole = any(isinstance(part, str) and _TIE in part for part in parts)
        return rf"{{\raggedright {text}\par}}" if whole else text

    def blocks(self, blocks: tuple[Block, ...]) -> list[str]:
        """Every block."""
        return [line for block in blocks for line in [*self.block(block), ""]]

    def block(self, block: Block) -> list[str]:
        """One block."""
        match block:
            case Heading(parts, level, _):
                kind = "subsection" if level == 2 else "subsubsection"
                return [rf"\{kind}*{{{self.inline(parts)}}}"]
            case Prose(parts):
                return [self.ragged(parts)]
            case Chain():
                return self.chain(block)
            case Equations(_, relation):
                lines = [
                    f"  {self.typeset(name)} &{relation} {self.rows_of(form)}"
                    + (f" && {linked(value, self.typeset)}" if value else "")
                    for name, form, _, value in block.valued
                ]
                return self.display(lines)
            case Calculations(rows):
                return self.display([self.calculation(*row) for row in rows], "[2pt]")
            case Figure(_, drawings):
                return [line for drawing in drawings for line in self.drawing(drawing)]
            case Items(items):
                rows = [rf"  \item {self.ragged(item)}" for item in items]
                return [r"\begin{itemize}", *rows, r"\end{itemize}"]
            case Table(header, rows):
                spec = "l" * len(header)
                lines = [
                    "  " + " & ".join(self.inline(cell) for cell in row) + r" \\"
                    for row in (header, *rows)
                ]
                return [rf"\begin{{tabular}}{{{spec}}}", *lines, r"\end{tabular}"]

    def drawing(self, drawing: Drawing) -> list[str]:
        """A picture as wide as it is, or as the page is."""
        if not drawing.tikz:
            return []
        caption = self.inline(drawing.label)
        wide = r"\ifdim\width>\linewidth\linewidth\else\width\fi"
        return [
            r"\begin{center}",
            rf"\resizebox{{{wide}}}{{!}}{{%",
            f"{drawing.tikz.rstrip()}%",
            rf"}}\\[4pt]{{\footnotesize {caption}}}",
            r"\end{center}",
        ]

    def rows_of(self, form: Formula) -> str:
        """A right side, its later rows aligned under the first."""
        return NEXT_ROW.join(self.broken(form))

    def calculation(self, left: Formula, links: tuple[Link, ...]) -> str:
        """A quantity worked out, in one row if it fits, else its formula above."""
        rows: list[str] = []
        start = used = measured(left, self.context)
        for link in links:
            width = wide(link.form, self.typeset) + GAP
            parts = in_rows(link.form, WIDE, self.typeset)
            fits = rows and len(parts) == 1 and used + width <= WIDE
            text = f"{SIGNS[link.relation]} " + NEXT_ROW.join(parts)
            if fits:
                rows[-1] += " " + text
            else:
                rows.append(text)
                used = start
            used += width
        return f"  {self.typeset(left)} &" + " \\\\\n  &".join(rows)

    def display(self, lines: list[str], apart: str = "") -> list[str]:
        """Rows in one align*."""
        if not lines:
            return []
        between = rf" \\{apart}" + "\n"
        return [r"\begin{align*}", between.join(lines), r"\end{align*}"]

    def chain(self, chain: Chain) -> list[str]:
        """left = first line, = second line …; the asides after their line."""
        out: list[str] = []
        if chain.note:
            out.append(self.inline(chain.note))
        left = self.typeset(chain.left)
        if not chain.lines:
            return [*out, rf"\[{left}\]"]
        rows: list[str] = []
        for number, line in enumerate(chain.lines, 1):
            start = f"  {left} &= " if number == 1 else "  &= "
            rows.append(start + self.line(line))
            if number == chain.aside_after and chain.aside:
                out += self.display(rows)
                rows = []
                out.append(escaped(word("page", "with", self.language)) + ",")
                for aside in chain.aside:
                    out += self.chain(aside)
            if line.open and line.rows:
                out += [*self.display(rows), *self.rows(line.rows)]
                rows = []
        if value := chain.lines[-1].value:
            where = escaped(word("page", "at_values", self.language))
            rows.append(rf"  &{linked(value, self.typeset)} \why{{{where}}}")
        out += self.display(rows)
        where = escaped(word("page", "conditions", self.language))
        shown = [self.inline(condition) for condition in chain.lines[-1].conditions]
        if shown:
            out.append(rf"\hfill{{\footnotesize {where}: {', '.join(shown)}}}")
        return out

    def line(self, line: Line) -> str:
        """One printed line with its reason; a long one in several rows."""
        why = rf"\why{{{self.inline(line.reason)}}}"
        rows = self.broken(line.form)
        return NEXT_ROW.join([*rows[:-1], f"{rows[-1]} {why}"])

    def rows(self, rows: tuple[Row, ...]) -> list[str]:
        """The small steps under a line, set smaller."""
        out = [r"\begingroup\footnotesize"]
        lines: list[str] = []
        for row in rows:
            why = rf"\why{{{self.inline(row.reason)}}}"
            parts = self.broken(row.form)
            lines.append(
                "  &\\rightarrow " + NEXT_ROW.join([*parts[:-1], parts[-1] + why])
            )
            if row.opens is not None:
                out += [*self.display(lines), *self.chain(row.opens)]
                lines = []
        return [*out, *self.display(lines), r"\endgroup"]

    def broken(self, form: Formula) -> list[str]:
        """A form in rows that fit beside the reason."""
        if measured(form, self.context) <= ROOM:
            return [self.typeset(form)]
        body, sign = (form.body, "-") if isinstance(form, Minus) else (form, "")
        if isinstance(body, Sum) and not sign:
            return self.terms(body)
        if isinstance(body, Product):
            inside = self.inside(body, sign)
            if inside is not None:
                return inside
        return [rf"\resizebox{{11cm}}{{!}}{{$\displaystyle {self.typeset(form)}$}}"]

    def terms(self, form: Sum, room: float = ROOM) -> list[str]:
        """A sum broken before some of its signs."""
        starts = [0, *grouped(form.terms, room, self.context), len(form.terms)]
        rows: list[str] = []
        for start, stop in pairwise(starts):
            part = form.terms[start:stop]
            text = self.typeset(part[0] if len(part) == 1 else Sum(part))
            if start and not isinstance(part[0], Minus):
                text = "+" + text
            rows.append(text)
        return rows

    def inside(self, form: Product, sign: str) -> list[str] | None:
        """A product broken inside its one long bracket, with brackets of fixed size."""
        factors = _flat(form)
        long = [f for f in factors if isinstance(f, Sum)]
        wide = max(long, key=lambda f: measured(f, self.context), default=None)
        if wide is None:
            return None
        place = factors.index(wide)
        before, after = factors[:place], factors[place + 1 :]
        head = self.typeset(Product(before)) if len(before) > 1 else ""
        head = self.typeset(before[0]) if len(before) == 1 else head
        tail = self.typeset(Product(after)) if len(after) > 1 else ""
        tail = self.typeset(after[0]) if len(after) == 1 else tail
        rows = self.terms(wide)
        rows[0] = rf"{sign}{head}\Bigl[{rows[0]}"
        rows[-1] = rf"{rows[-1]}\Bigr]{tail}"
        return rows


def _flat(form: Product) -> tuple[Formula, ...]:
    """The factors with nested products opened."""
    found: list[Formula] = []
    for factor in form.factors:
        found += _flat(factor) if isinstance(factor, Product) else (factor,)
    return tuple(found)
