"""A picture's cells drafted from its graph: signs, names, numbers, feeds."""

import re
from collections.abc import Iterator
from dataclasses import replace

from symbackprop.drawing.diagram import (
    Cell,
    Diagram,
    Feed,
    Outline,
    Picture,
    Text,
    Weight,
    ways_back,
)
from symbackprop.drawing.operations import HOLE, is_plain, with_hole
from symbackprop.drawing.setting import set_latex, set_text
from symbackprop.errors import InputError
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Name,
    Product,
    Sum,
    names_in,
)
from symbackprop.graph.graph import Node
from symbackprop.ops.table import LOSSES, OPS
from symbackprop.renderers.lettering import function_symbol
from symbackprop.renderers.typeset import Typesetter

END = "end:"
ONE = "one:"
"""Ids of cells that are no quantity; a colon is in no quantity's id."""

_WIDEST = 6.5
"""The widest formula in a node, in ems."""
_SMALL = 0.85
_NUMBER = re.compile(r"([+-]?)(\d+(?:\.\d+)?)(?:e([+-]?\d+))?", re.ASCII)
_HEADS = {"log": r"\ln", "exp": r"\exp", "Max": r"\max", "erf": r"\operatorname{erf}"}
_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "{}$&#_%"},
}  # fmt: skip


def diagram_of(picture: Picture) -> Diagram:
    """The cells of a picture. InputError where the view has nothing to show."""
    if picture.view == "network" and not picture.graph.activations:
        raise InputError(
            "the network view needs a [network], found formulas",
            hint="--view graph draws every example",
        )
    return _Draft(picture).diagram()


def number_text(text: str, size: float = 1.0, room: str = "") -> Text:
    """A number as it was handed in; anything else as plain words.

    A ≈ before it says that it is rounded; it stands where a name stands before that.
    """
    rounded, text = text.startswith("≈"), text.removeprefix("≈")
    match = _NUMBER.fullmatch(text)
    if match is None:
        return words_text(text, size)
    sign, digits, exponent = match.groups()
    latex = sign.replace("+", "") + digits
    if exponent is not None:
        latex += rf"\cdot 10^{{{int(exponent)}}}"
    setting = set_latex(latex)
    if room:
        width = max(setting.width, set_latex(room).width)
        setting = replace(setting, width=width)
    return Text(latex, setting, size, text, rounded=rounded)


def equated(name: Text, number: Text) -> Text:
    """A name, an equals sign, a number."""
    sign = r"\approx " if number.rounded else "="
    latex = f"{name.latex}{sign}{number.latex}"
    setting = set_latex(latex)
    at = setting.width - set_latex(number.latex).width
    setting = replace(setting, width=at + number.setting.width)
    return Text(latex, setting, name.size, number.number, at, number.rounded)


def words_text(text: str, size: float = 1.0) -> Text:
    """Words as a label."""
    escaped = "".join(_SPECIAL.get(character, character) for character in text)
    return Text(rf"\text{{{escaped}}}", set_text(text), size)


class _Draft:
    """One picture on its way to a diagram."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.graph = picture.shown
        labels = {**picture.context.labels, HOLE.id: {"latex": r"(\cdot)"}}
        self.context = replace(picture.context, labels=labels)
        self.typeset = Typesetter(self.context)
        wrt = picture.graph.node(picture.wrt).name if picture.wrt else None
        self.on = ways_back(self.graph, wrt) if wrt else frozenset[str]()
        self.loss = picture.graph.loss
        self.weights: dict[str, Weight] = {}
        self.made: set[str] = set()
        self.folds = bool(picture.graph.activations) and self.graph is picture.graph

    def diagram(self) -> Diagram:
        """The cells of the view."""
        network = self.picture.view == "network"
        cells = tuple(self.units() if network else self.quantities())
        used = {feed.source for cell in cells for feed in cell.feeds}
        kept = tuple(cell for cell in cells if cell.feeds or cell.id in used)
        return Diagram(self.picture.view, kept, self.weights, self.on)

    # --- what stands where

    def latex(self, latex: str, size: float = 1.0) -> Text:
        """LaTeX as a label."""
        return Text(latex, set_latex(latex), size)

    def number(self, text: str, size: float = 1.0) -> Text:
        """A number with the room that the picture asks for."""
        return number_text(text, size, self.picture.room)

    def name(self, name: Name, size: float = 1.0) -> Text:
        """A quantity's name."""
        return self.latex(self.typeset(name), size)

    def is_part(self, name: Name) -> bool:
        """Whether the author gave a quantity no name."""
        return name not in self.picture.graph

    def above(self, name: Name, *, named: bool) -> Text | None:
        """The forward value, behind the name unless that stands elsewhere."""
        value = self.picture.values.get(name.id)
        shown = named and not self.is_part(name)
        if value is None:
            return self.name(name) if shown else None
        number = self.number(value)
        return equated(self.name(name), number) if shown else number

    def below(self, name: Name) -> Text | None:
        """The gradient's value, or its name where no numbers are given."""
        gradients = self.picture.gradients
        if name.id in gradients:
            return self.number(gradients[name.id])
        if gradients and name == self.loss:
            return self.number("1")
        node = self.graph.node(name)
        asked = node.body is not None or name in self.graph.wrt or name.id in self.on
        if gradients or self.is_part(name) or name == self.loss or not asked:
            return None
        return self.latex(self.typeset(Derivative("D", self.loss, name)))

    def sign(self, node: Node, body: Formula) -> tuple[Outline, tuple[Text, ...]]:
        """What an operation is drawn as."""
        if is_plain(body):
            return "circle", (self.latex("+" if isinstance(body, Sum) else r"\times"),)
        if node.role == "preactivation":
            return "circle", (self.latex(r"\Sigma"),)
        if isinstance(body, Name):
            return "box", (self.latex(OPS["identity"].symbol),)
        if node.role in ("activation", "output") and not isinstance(body, Call):
            return "box", (self.latex(r"\operatorname{softmax}"),)
        if isinstance(body, Call) and all(isinstance(a, Name) for a in body.arguments):
            head = _HEADS.get(body.function)
            if head is None and body.function not in ("sqrt", "abs", "step"):
                head = function_symbol(body.function, self.context, "latex")
            if head is not None:
                return "box", (self.latex(head),)
        arguments = names_in(body)
        form = with_hole(body, arguments[0]) if len(arguments) == 1 else body
        text = self.latex(self.typeset(form))
        if text.setting.width <= _WIDEST:
            return "box", (text,)
        return "box", self.gloss(node)

    def gloss(self, node: Node) -> tuple[Text, ...]:
        """The loss's name where its formula is too wide; f for anything else."""
        loss = self.graph.loss_name
        if node.role not in ("part", "loss") or loss not in LOSSES:
            return (self.latex("f"),)
        glosses = LOSSES[loss].gloss
        words = glosses.get(self.context.language, glosses["en"]).split()
        middle = len(words) // 2
        rows = (" ".join(words[:middle]), " ".join(words[middle:]))
        return tuple(words_text(row, _SMALL) for row in rows if row)

    # --- the graph

    def quantities(self) -> Iterator[Cell]:
        """A cell a quantity, and the end."""
        for node in self.graph.nodes:
            name, on = node.name, node.id in self.on
            if node.body is None:
                lines = (self.name(name),)
                above, below = self.above(name, named=False), self.below(name)
                yield Cell(node.id, node.id, "pill", lines, (), above, below, on)
                continue
            outline, lines = self.sign(node, node.body)
            feeds = tuple(self.feeds(node, node.body))
            yield from self.ones(feeds)
            above = self.above(name, named=name != self.loss)
            below = self.below(name)
            yield Cell(node.id, node.id, outline, lines, feeds, above, below, on)
        loss = self.loss
        end = (Feed(loss.id),)
        yield Cell(END, loss.id, "pill", (self.name(loss),), end, on=bool(self.on))

    def feeds(self, node: Node, body: Formula) -> Iterator[Feed]:
        """What a definition takes in, in reading order, each quantity once."""
        if not (self.folds and node.role == "preactivation"):
            yield from (Feed(name.id) for name in names_in(body))
            return
        for term in body.terms if isinstance(body, Sum) else (body,):
            match term:
                case Product((Name() as weight, Name() as unit)):
                    yield Feed(unit.id, self.weight(weight))
                case Name() if self.stands_on_edge(term):
                    yield Feed(f"{ONE}{node.layer}", self.weight(term))
                case _:
                    yield from (Feed(name.id) for name in names_in(term))

    def stands_on_edge(self, name: Name) -> bool:
        """Whether a term is a unit's own bias, or any bias in the network view."""
        bias = self.graph.node(name).role == "bias"
        return bias and (self.picture.view == "network" or len(name.indices) == 2)

    def weight(self, name: Name) -> str:
        """A weight that stands on an edge; its labels are made when first met."""
        if name.id in self.weights:
            return name.id
        value = self.picture.values.get(name.id)
        letter = self.name(name, _SMALL)
        above: tuple[Text, ...] = (letter,)
        if value is not None:
            number = self.number(value, _SMALL)
            above = (equated(letter, number), number)
        on = name.id == self.picture.wrt
        gradient = self.picture.gradients.get(name.id)
        below = self.number(gradient, _SMALL) if gradient is not None else None
        if below is None and on:
            below = self.below(name)
        self.weights[name.id] = Weight(name.id, above, below, on)
        return name.id

    def ones(self, feeds: tuple[Feed, ...]) -> Iterator[Cell]:
        """The unit that is always 1, before the first bias that it carries."""
        for feed in feeds:
            if feed.source.startswith(ONE) and feed.source not in self.made:
                self.made.add(feed.source)
                yield Cell(feed.source, "", "pill", (self.latex("1"),))

    # --- the network

    def units(self) -> Iterator[Cell]:
        """A cell a unit, layer by layer, and the loss."""
        numbers = bool(self.picture.values)
        for node in self.graph.nodes:
            if node.role == "input":
                yield self.unit(node, (), numbers=numbers)
        for layer in range(1, len(self.graph.activations) + 1):
            here = [node for node in self.graph.nodes if node.layer == layer]
            sums = [node for node in here if node.role == "preactivation"]
            outs = [node for node in here if node.role in ("activation", "output")]
            for total, out in zip(sums, outs, strict=True):
                assert total.body is not None
                feeds = tuple(self.feeds(total, total.body))
                yield from self.ones(feeds)
                yield self.unit(out, feeds, numbers=numbers)
        loss = self.above(self.loss, named=True)
        assert loss is not None
        outputs = (node.id for node in self.graph.nodes if node.role == "output")
        feeds = tuple(map(Feed, outputs))
        yield Cell(END, self.loss.id, "box", (loss,), feeds, on=bool(self.on))

    def unit(self, node: Node, feeds: tuple[Feed, ...], *, numbers: bool) -> Cell:
        """One unit: its name in a circle, its numbers at the line that leaves it."""
        above = self.above(node.name, named=False) if numbers else None
        below = self.below(node.name) if numbers else None
        lines, on = (self.name(node.name),), node.id in self.on
        return Cell(node.id, node.id, "circle", lines, feeds, above, below, on)
