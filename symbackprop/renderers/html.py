"""The document as one HTML file that needs no network.

Every word of the document is escaped here; formulas become MathML with `alttext`.
The same input gives the same bytes.
"""

import re
from collections.abc import Sequence
from html import escape

from symbackprop.formula.tree import Formula, Path, names_in
from symbackprop.numeric.worked import Link
from symbackprop.renderers.breaking import pieces, spaced
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
from symbackprop.renderers.live import figure_html, live_script
from symbackprop.renderers.margin import margin, toned_row
from symbackprop.renderers.mathml import mathml
from symbackprop.renderers.pagetext import PageText, link_to, new
from symbackprop.renderers.slim import chains_once, steps_once
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.webfile import shipped_text, web_file
from symbackprop.renderers.words import word

_LONG_PAGE = 3  # from this many sections on a page has a table of contents
_PAGE_ONLY = "/* page only */"  # what stands below it in page.css is not for Jupyter
_WRAPS = 24.0  # a product of numbers wider than so many letters may be broken
_SEE = re.compile(r' ?<a class="see" href="([^"]*)">[^<]*</a>')


def html(document: Document) -> str:
    """The document as one self-contained HTML file."""
    page = _Page(document, script=True)
    body = page.body() + page.data()
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    contents = page.contents(headings) if len(headings) >= _LONG_PAGE else ""
    source = f"{page.say('source')}: {escape(document.source)}"
    source = f'<p class="source">{source}</p>\n' if document.source else ""
    content = (
        f"<header>\n<h1>{escape(document.title)}</h1>\n{source}{page.tools()}</header>\n"
        f"{contents}<main>\n{body}</main>\n"
        f'<p class="status" role="status" data-copied="{page.say("copied")}"'
        f' data-failed="{page.say("failed")}"></p>\n'
    )
    kind = "long" if contents else ""
    script, style, live = shipped_text("page.js"), "", document.live
    if live is not None:
        script, style = script + live_script(live), shipped_text("live.css")
    return web_file(document.title, document.language, content, kind, script, style)


def fragment(document: Document) -> str:
    """The document's body with its own style and without script, for Jupyter."""
    style = shipped_text("page.css").partition(_PAGE_ONLY)[0]
    return (
        f'<div class="symbackprop" lang="{escape(document.language)}">'
        f"<style>\n{style}</style>\n{_Page(document, script=False).body()}</div>\n"
    )


class _Page(PageText):
    """One document on its way to HTML."""

    def tools(self) -> str:
        """Buttons and keys; they show once the script runs.

        A page without a chain has nothing to fold and no line to go to.
        """
        folds = any(isinstance(block, Chain) for block in self.document.blocks)
        acts = ("open_all", "close_all", "theme") if folds else ("theme",)
        buttons = "".join(
            f'<button type="button" data-do="{act}">{self.say(act)}</button>\n'
            for act in acts
        )
        keys = re.sub("`(.+?)`", r"<kbd>\1</kbd>", self.say("help"))
        help_ = f'<p class="help">{keys}</p>\n' if folds else ""
        return f'<div class="tools" hidden="hidden">\n{buttons}{help_}</div>\n'

    def contents(self, headings: Sequence[Heading]) -> str:
        """The table of contents."""
        rows = "".join(
            f'<li class="level{_level(h)}"><a href="{link_to(h.anchor)}">'
            f"{self.inline(h.text)}</a></li>\n"
            for h in headings
        )
        name = self.say("contents")
        return (
            f'<nav class="contents" aria-label="{name}"><details open="open">'
            f"<summary>{name}</summary>\n<ol>\n{rows}</ol></details></nav>\n"
        )

    def body(self) -> str:
        """Every block in order, the appendix folded, no link to nowhere."""
        text = "".join(self.block(block) for block in self.document.blocks)
        entries = list(map(self.folded, self.document.appendix))
        targets = {link_to(anchor) for anchor in self.anchors}

        def linked(text: str) -> str:
            """Without links to nowhere."""
            return _SEE.sub(lambda link: link[0] if link[1] in targets else "", text)

        text, entries = linked(text), list(map(linked, entries))
        alike = escape(word("live", "alike", self.document.language))
        if self.script:
            entries = chains_once(entries, alike)
        if entries:
            text += f'<section class="shared">\n<h2>{self.say("shared")}</h2>\n'
            text += "".join(entries) + "</section>\n"
        return steps_once(text, alike) if self.script else text

    def folded(self, block: Block) -> str:
        """A block of the appendix: a chain shows how it starts and ends."""
        if not isinstance(block, Chain) or not block.lines:
            return self.block(block)
        ends = f"{self.math(block.left)} = {self.math(block.lines[-1].form)}"
        return self.fold(ends, self.chain(block), opened=False) + "\n"

    def block(self, block: Block) -> str:
        """A block by its kind."""
        match block:
            case Heading():
                level = _level(block)
                text = self.inline(block.text)
                return f"<h{level}{self.anchor(block.anchor)}>{text}</h{level}>\n"
            case Prose(text):
                return f"<p>{self.inline(text)}</p>\n"
            case Items(items):
                rows = "".join(f"<li>{self.inline(item)}</li>\n" for item in items)
                return f"<ul>\n{rows}</ul>\n"
            case Table():
                return self.table(block)
            case Equations():
                return self.equations(block)
            case Calculations():
                return self.calculations(block)
            case Chain():
                return self.chain(block)
            case Figure():
                alive = self.controls and block.anchor == "picture"
                rest = self.controls.html() if self.controls and alive else ""
                return figure_html(block, self.inline, rest)

    def table(self, table: Table) -> str:
        """A table that scrolls inside itself."""
        head = "".join(f'<th scope="col">{self.inline(c)}</th>' for c in table.header)
        cells = [[f"<td>{self.inline(c)}</td>" for c in row] for row in table.rows]
        tones = table.tones or ("",) * len(cells)
        rows = "".join(map(toned_row, cells, tones))
        return (
            f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{rows}</tbody></table></div>\n"
        )

    def equations(self, equations: Equations) -> str:
        """Definitions in the grid of a chain, their values in its last column."""
        notes = equations.notes or ((),) * len(equations.rows)
        defined = equations.relation == "="
        rows = "".join(
            f'<li class="line"{self.definition(left) if defined else ""}>'
            f"{self.cells(left, form, (), equations.relation)}"
            f'<div class="why">{self.inline(gloss)}'
            f"{self.value(value, left if defined else new(left))}</div>"
            f"{margin(printed, self.inline)}</li>\n"
            for (left, form, gloss, value), printed in zip(
                equations.valued, notes, strict=True
            )
        )
        return f'<div class="chain equations"><ul class="lines">\n{rows}</ul></div>\n'

    def worth(self, link: Link | None, of: Formula) -> str:
        """What a chain comes to, as a row of its own under its last line."""
        if link is None:
            return ""
        return (
            f'<li class="worth"{self.place(of)}>'
            f'<span class="rel">{escape(link.relation)}</span>'
            f'<div class="formula">{self.math(link.form)}</div>'
            f'<div class="why">{self.say("at_values")}</div></li>\n'
        )

    def calculations(self, block: Calculations) -> str:
        """Quantities worked out: results in a column, what leads to them before."""
        rows = "".join(
            f'<li><div class="left">{self.math(left, display=True)}</div>'
            f'<div class="way">'
            f"{''.join(map(self.link, links[:-1]))}</div>"
            f'<div class="result">{self.link(links[-1])}</div></li>\n'
            for left, links in block.rows
        )
        return f'<div class="chain workings"><ul>\n{rows}</ul></div>\n'

    def link(self, link: Link) -> str:
        """A relation sign and what stands behind it; a long product may wrap."""
        sign = f'<span class="rel">{escape(link.relation)}</span>'
        shown = [self.math(link.form, display=True)]
        parts = pieces(link.form, self.typeset) if not names_in(link.form) else []
        if sum(part.width for part in parts) > _WRAPS:
            shown = [mathml(spaced(part), display=True) for part in parts]
        cells = "".join(f'<span class="formula">{math}</span>' for math in shown)
        if len(shown) > 1:
            said = escape(spoken(link.form, self.document.context))
            told = f'role="math" aria-label="{said}"'
            cells = f'<span class="pieces" {told}>{cells}</span>'
        return f'<span class="link">{sign}{cells}</span>'

    def cells(
        self,
        left: Formula | None,
        form: Formula,
        changed: tuple[Path, ...],
        relation: str = "=",
    ) -> str:
        """Left side, relation, formula: the columns that all lines share."""
        side = self.math(left, display=True) if left else ""
        return (
            (f'<div class="left">{side}</div>' if left else "")
            + f'<span class="rel">{escape(relation)}</span><div class="formula">'
            + f"{self.math(form, changed, display=True)}</div>"
        )

    def chain(self, chain: Chain) -> str:
        """An equation chain with its asides behind the line that uses them."""
        rows: list[str] = []
        aside = "".join(
            f'<li class="aside"><span class="with">{self.say("with")}</span>'
            f"{self.chain(part)}</li>\n"
            for part in chain.aside
        )
        place = min(max(chain.aside_after, 1), len(chain.lines))
        for number, line in enumerate(chain.lines, 1):
            left = chain.left if number == 1 else None
            rows.append(self.line(line, left, checked=chain.checked))
            if number == place:
                rows.append(aside)
        value = chain.lines[-1].value if chain.lines else None
        rows.append(self.worth(value, chain.left))
        note = f'<p class="note">{self.inline(chain.note)}</p>\n' if chain.note else ""
        return (
            f'<div class="chain"{self.anchor(chain.anchor)}>\n{note}'
            f'<ol class="lines" role="list">\n{"".join(rows)}</ol>\n'
            f"{self.copy(chain)}</div>\n"
        )

    def copy(self, chain: Chain) -> str:
        """The button that copies a chain as LaTeX, without marks."""
        if not self.script:
            return ""
        lines = " \\\\\n  &=".join(self.typeset(line.form) for line in chain.lines)
        latex = f"{self.typeset(chain.left)} &={lines}"
        latex = f"\\begin{{align*}}\n  {latex}\n\\end{{align*}}\n"
        return (
            f'<button type="button" class="copy" hidden="hidden"'
            f' data-latex="{escape(latex)}">{self.say("copy")}</button>\n'
        )

    def line(self, line: Line, left: Formula | None, *, checked: bool) -> str:
        """One printed line: formula, why, conditions, and its small steps folded."""
        rows, row = line.rows, line.rows[0] if len(line.rows) == 1 else None
        reason, rules, evidence = line.reason, line.rules, line.evidence
        conditions, see, inner = line.conditions, "", ""
        if row and row.form == line.form:  # the step says nothing more than the line
            reason, rules = reason or row.reason, rules or (row.rule,)
            evidence = evidence or row.evidence
            conditions += tuple(c for c in row.conditions if c not in conditions)
            see, rows = row.see, ()
            inner = self.because(row.opens, opened=line.open)
        if rows:
            small = "".join(self.row(row, checked=checked) for row in rows)
            inner = self.fold(
                f"{self.say('steps')} <span>({len(rows)})</span>",
                f'<ol class="rows" role="list">\n{small}</ol>\n',
                opened=line.open,
            )
        why = self.why(reason, rules, evidence if checked else "", see)
        return (
            f'<li class="line">'
            f"{self.cells(left, line.form, line.changed)}"
            f"{why}{margin(line.notes, self.inline)}{self.conditions(conditions)}"
            f"{inner}</li>\n"
        )

    def row(self, row: Row, *, checked: bool) -> str:
        """One small step, with its own derivation or a link to it."""
        evidence = row.evidence if checked else ""
        why = self.why(row.reason, (row.rule,), evidence, row.see, full=True)
        return (
            f'<li class="line row">'
            f"{self.cells(None, row.form, row.changed)}{why}"
            f"{self.conditions(row.conditions)}{self.because(row.opens)}</li>\n"
        )

    def because(self, chain: Chain | None, *, opened: bool = False) -> str:
        """What a step opens into, folded."""
        if chain is None:
            return ""
        title = f"{self.say('because')} {self.math(chain.left)}"
        return self.fold(title, self.chain(chain), opened=opened)

    def fold(self, title: str, body: str, *, opened: bool) -> str:
        """Something that unfolds."""
        attribute = ' open="open"' if opened else ""
        return f"<details{attribute}><summary>{title}</summary>\n{body}</details>"

    def why(
        self,
        reason: Inline,
        rules: tuple[str, ...],
        evidence: str,
        see: str,
        *,
        full: bool = False,
    ) -> str:
        """Reason, rule names, check mark; `full` writes the evidence out."""
        text = self.inline(reason)
        parts = [f'<span class="reason">{text}</span>'] if text else []
        if names := ", ".join(escape(rule.replace("_", " ")) for rule in rules):
            parts.append(f'<span class="rules">{names}</span>')
        said = escape(evidence)
        if evidence and full:
            parts.append('<span class="tick">✓</span>')
            parts.append(f'<span class="evidence">{said}</span>')
        elif evidence:
            said = f"{self.say('checked')}: {said}"
            parts.append(f'<span class="tick" role="img" title="{said}">✓</span>')
        if see:
            parts.append(f'<a class="see" href="{link_to(see)}">{self.say("see")}</a>')
        return f'<div class="why">{" ".join(parts)}</div>' if parts else ""

    def conditions(self, conditions: tuple[Inline, ...]) -> str:
        """What a line needs to hold."""
        if not conditions:
            return ""
        listed = ", ".join(map(self.inline, conditions))
        return f'<p class="conditions">{self.say("conditions")} {listed}</p>'


def _level(heading: Heading) -> int:
    """h2 to h4: the title has h1."""
    return min(max(heading.level, 2), 4)
