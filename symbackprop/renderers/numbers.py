"""Worked numbers as a document, as CSV, as JSON."""

import csv
import io
import json
from collections.abc import Iterable, Sequence

from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Name
from symbackprop.graph.graph import Graph
from symbackprop.numeric.worked import Link, Style, Working
from symbackprop.renderers.beside import given_blocks
from symbackprop.renderers.document import (
    Block,
    Calculations,
    Document,
    Heading,
    Inline,
    Prose,
)
from symbackprop.renderers.narrate import Story, conventions
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import phrase

SCHEMA = 1
COLUMNS = ("quantity", "formula", "substituted", "result", "exact")


def numbers_document(
    story: Story, workings: Sequence[Working], style: Style
) -> Document:
    """The page of worked numbers: given, forward, backward by layer, update."""
    return _Numbers(story, workings, style).document()


class _Numbers:
    """One page of numbers in the making."""

    def __init__(self, story: Story, workings: Sequence[Working], style: Style) -> None:
        self.story = story
        self.graph: Graph = story.graph
        self.language = story.context.language
        self.workings = workings
        self.style = style

    def say(self, key: str, **arguments: str | Formula | Inline) -> Inline:
        """A sentence of the page."""
        return phrase("page", key, self.language, arguments)

    def document(self) -> Document:
        """Every part under its heading."""
        title = "".join(map(str, self.say("numbers", title=self.story.title)))
        blocks = [*self._given(), *self._forward(), *self._backward(), *self._update()]
        return Document(
            title,
            self.language,
            self.story.context,
            tuple(blocks),
            source=self.story.source,
        )

    def part(self, part: str) -> list[Working]:
        """The workings of one part."""
        return [working for working in self.workings if working.part == part]

    def _given(self) -> list[Block]:
        """What everything is computed from, and what the signs mean."""
        blocks: list[Block] = [Heading(self.say("given"), 2, "given")]
        given = self.part("given")
        blocks += given_blocks(self.graph, given, self.language, alone=True)
        rounded = any(not working.result.whole for working in self.workings)
        if rounded:
            signs = self.say("signs", digits=str(self.style.digits))
            blocks.append(Prose((*signs, " ", *self.say("not_from_rounded"))))
        return [*blocks, *conventions(self.graph, self.language)]

    def _forward(self) -> list[Block]:
        """Each quantity from those above it."""
        return [
            Heading(self.say("forward_pass"), 2, "forward"),
            _calculations(self.part("forward")),
        ]

    def _backward(self) -> list[Block]:
        """Each derivative; a network's layer by layer from the loss."""
        rows = self.part("backward")
        if not self.graph.activations:
            heading = Heading(self.say("derivatives"), 2, "derivatives")
            return [heading, _calculations(rows)]
        blocks: list[Block] = [Heading(self.say("backward"), 2, "backward")]
        last = max(node.layer for node in self.graph.nodes)
        shift = self.story.context.notation.first_layer - 1
        start = [row for row in rows if _by(row) == self.graph.loss]
        if start:
            blocks.append(_calculations(start))
        rows = [row for row in rows if row not in start]
        for layer in dict.fromkeys(row.layer for row in rows):
            number = str(layer + shift)
            title = (
                self.say("output_layer")
                if layer == last
                else self.say("hidden_layer", number=number)
                if layer
                else self.say("inputs")
            )
            blocks.append(Heading(title, 3, f"layer-{layer}"))
            blocks.append(_calculations([row for row in rows if row.layer == layer]))
        return blocks

    def _update(self) -> list[Block]:
        """Each parameter after one step of gradient descent."""
        rows = self.part("update")
        if not rows:
            return []
        return [Heading(self.say("update"), 2, "update"), _calculations(rows)]


def _by(working: Working) -> Name | None:
    """What a derivative is by."""
    quantity = working.quantity
    return quantity.by if isinstance(quantity, Derivative) else None


def _calculations(workings: Iterable[Working]) -> Block:
    """Workings as a block."""
    return Calculations(tuple((row.quantity, row.links) for row in workings))


def quantity_id(form: Formula) -> str:
    """A quantity as claims name it: o1, dJ/dw1_1_1, w1_1_1'."""
    match form:
        case Derivative("D", Name() as of, by):
            return f"d{of.id}/d{by.id}"
        case Call("new", (Name() as name,)):
            return f"{name.id}'"
        case _:
            return text_of(form)


def _plain(form: Formula | None) -> str:
    """A form in the language of the files."""
    return "" if form is None else text_of(form)


def csv_text(workings: Iterable[Working]) -> str:
    """RFC 4180, a row a quantity; `exact` is its rational, empty where it has none."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in workings:
        rational = row.result.rational
        writer.writerow(
            [
                quantity_id(row.quantity),
                _plain(row.formula),
                _plain(row.put_in),
                _plain(row.result.decimal),
                "" if rational is None else str(rational),
            ]
        )
    return stream.getvalue()


def json_text(
    workings: Iterable[Working], name: str, style: Style, story: Story
) -> str:
    """JSON, schema 1: every number is a string, so that no digit is lost."""
    typeset = Typesetter(story.context)
    rows = [_record(row, typeset) for row in workings]
    record = {
        "schema": SCHEMA,
        "example": name,
        "loss": story.graph.loss.id,
        "digits": style.digits,
        "rows": rows,
    }
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def _record(row: Working, typeset: Typesetter) -> dict[str, object]:
    """One quantity."""
    rational = row.result.rational
    return {
        "quantity": quantity_id(row.quantity),
        "part": row.part,
        "layer": row.layer,
        "formula": None if row.formula is None else _plain(row.formula),
        "substituted": None if row.put_in is None else _plain(row.put_in),
        "operands_exact": row.relation == "=",
        "result": _plain(row.result.decimal),
        "result_exact": row.result.whole,
        "exact": None if rational is None else str(rational),
        "latex": {
            "quantity": typeset(row.quantity),
            "links": [[link.relation, _latex(link, typeset)] for link in row.links],
        },
    }


def _latex(link: Link, typeset: Typesetter) -> str:
    """What stands behind a sign, in LaTeX."""
    return typeset(link.form)
