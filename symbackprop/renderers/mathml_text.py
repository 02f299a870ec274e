"""A document's equations as MathML: well-formed XHTML, one element an equation."""

from xml.sax.saxutils import escape

from symbackprop.formula.tree import Formula
from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import (
    Calculations,
    Chain,
    Document,
    Equations,
    Figure,
    Heading,
    Inline,
    Items,
    Prose,
    Table,
)
from symbackprop.renderers.dollars import SIGNS
from symbackprop.renderers.mathml import mathml
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word


def mathml_page(document: Document) -> str:
    """Every equation of a document in order, with its words in `alttext`."""
    typeset = Typesetter(document.context)

    def element(left: Formula, *links: tuple[str, Formula] | None) -> str:
        latex = typeset(left)
        words = spoken(left, document.context)
        for relation, right in filter(None, links):
            latex += f"{SIGNS[relation]}{typeset(right)}"
            words += f" {relation} {spoken(right, document.context)}"
        return f"<p>{mathml(latex, display=True, alttext=words)}</p>"

    def plain(link: Link | None) -> tuple[str, Formula] | None:
        return link and (link.relation, link.form)

    def inline(parts: Inline) -> str:
        return "".join(
            escape(part)
            if isinstance(part, str)
            else mathml(typeset(part), alttext=spoken(part, document.context))
            for part in parts
        )

    body: list[str] = [f"<h1>{escape(document.title)}</h1>"]

    def chain(block: Chain) -> None:
        if not block.lines:
            body.append(element(block.left))
        for number, line in enumerate(block.lines, 1):
            value = plain(line.value)
            body.append(element(block.left, ("=", line.form), value))
            for row in line.rows if line.open else ():
                body.append(element(row.form))
                if row.opens is not None:
                    chain(row.opens)
            if number == block.aside_after:
                for aside in block.aside:
                    chain(aside)
        where = escape(word("page", "conditions", document.language))
        for condition in block.lines[-1].conditions if block.lines else ():
            body.append(f"<p>{where} {inline(condition)}</p>")

    for block in document.blocks:
        match block:
            case Heading(parts, level, _):
                body.append(f"<h{level}>{inline(parts)}</h{level}>")
            case Equations(_, relation):
                body += [
                    element(name, (relation, form), plain(value))
                    for name, form, _, value in block.valued
                ]
            case Calculations(rows):
                body += [element(left, *map(plain, links)) for left, links in rows]
            case Chain():
                chain(block)
            case Prose(parts):
                body.append(f"<p>{inline(parts)}</p>")
            case Figure(_, drawings):
                body += [f"<p>{drawing.svg}</p>" for drawing in drawings]
            case Items(items):
                body += [f"<p>{inline(item)}</p>" for item in items]
            case Table(header, rows):
                lines = (" ".join(map(inline, row)) for row in (header, *rows))
                body += [f"<p>{line}</p>" for line in lines]
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml" lang="{document.language}">'
        f"<head><title>{escape(document.title)}</title></head>\n<body>\n"
    )
    return head + "\n".join(body) + "\n</body></html>\n"
