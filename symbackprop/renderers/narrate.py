"""From a checked story to a Document: which blocks, in which order, in which words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction as Rational

from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Call, Derivative, Formula, Idx, Name, walk
from symbackprop.graph.graph import Graph, Node
from symbackprop.graph.ranges import discharged
from symbackprop.kernel.derivation import Derivation
from symbackprop.numeric.live import Live
from symbackprop.numeric.sheet import rate_name, updated
from symbackprop.numeric.worked import DIGITS
from symbackprop.ops.table import LOSSES, OPS
from symbackprop.renderers.beside import beside, given_blocks
from symbackprop.renderers.chains import Detail, Narrator
from symbackprop.renderers.document import (
    Block,
    Document,
    Equations,
    Figure,
    Heading,
    Inline,
    Items,
    Prose,
)
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.words import phrase

MAX_NAMED = 8
"""So many layers' activations are named in the summary."""


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that a page tells, already derived and checked.

    `derivations` by the name differentiated by; `shared` by anchor, what their steps
    refer to; `authored` are further chains with their titles; `errors` are error terms
    that are shown before the weights of their layer; `openings` derive in full what a
    local step gives at once; `loss` writes the loss out; `update` asks for the update
    rule. `given` are values by name; the page has numbers if every leaf has one.
    `samples` is the sentence that says which of them no file gives.
    """

    title: str
    graph: Graph
    context: Context
    derivations: Mapping[Name, Derivation]
    shared: Mapping[str, Derivation] = field(default_factory=dict)
    authored: tuple[tuple[str, Derivation], ...] = ()
    errors: Mapping[Name, Derivation] = field(default_factory=dict)
    openings: Mapping[Derivative, Derivation] = field(default_factory=dict)
    loss: Derivation | None = None
    update: bool = False
    source: str = ""
    widths: str = ""
    given: Mapping[Name, Rational] = field(default_factory=dict[Name, Rational])
    rate: Rational | None = None
    samples: str = ""
    figures: tuple[Figure, ...] = ()
    live: Live | None = None

    @property
    def chains(self) -> tuple[Derivation, ...]:
        """Everything that was derived for it, its own derivations first."""
        own = (*self.derivations.values(), *(chain for _, chain in self.authored))
        return (*own, *self.errors.values(), *self.shared.values())


def narrated(story: Story, detail: Detail = "standard") -> Document:
    """The document of a story in its context's language."""
    return _Page(story, detail).document()


class _Page:
    """One document in the making."""

    def __init__(self, story: Story, detail: Detail) -> None:
        self.story = story
        self.graph = story.graph
        self.language = story.context.language
        self.detail = detail
        partial = {
            d.goal: d
            for d in story.shared.values()
            if isinstance(d.goal, Derivative)
            and d.goal.head == "D"
            and d.goal.of != story.graph.loss
            and self._is_unit(d.goal.by)
        }
        self.beside = beside(story.graph, story.chains, story.given, story.rate)
        self.narrator = Narrator(
            self.language, detail, self._hidden, story.shared, partial, story.openings
        )
        if self.beside is not None:
            self.narrator.value = self.beside.last

    def _is_unit(self, name: Name) -> bool:
        """Whether a name is a hidden unit's value."""
        return name in self.graph and self.graph.node(name).role == "activation"

    def _hidden(self, condition: Assumption) -> bool:
        """Whether a condition need not be printed."""
        return discharged(self.graph, condition)

    def say(self, key: str, **arguments: str | Formula | Inline) -> Inline:
        """A sentence of the page."""
        return phrase("page", key, self.language, arguments)

    def document(self) -> Document:
        """Title, model, derivations, update; what they share as the appendix."""
        story = self.story
        blocks: list[Block] = [*self._model(), *self._derived()]
        if story.update:
            blocks += self._updates()
        appendix = [
            self.narrator.chain(derivation, anchor)
            for anchor, derivation in story.shared.items()
            if self.detail != "full"
        ]
        return Document(
            story.title,
            self.language,
            story.context,
            tuple(blocks),
            tuple(appendix),
            story.source,
            story.live,
        )

    def _model(self) -> list[Block]:
        """What is given: the network or the formulas, the loss, the assumptions."""
        graph = self.graph
        is_network = bool(graph.activations)
        blocks: list[Block] = []
        key = "network" if is_network else "formulas"
        blocks.append(Heading(self.say(key), 2, key))
        if is_network:
            blocks.append(Prose(self._summary()))
            gloss = self.story.context.notation.gloss[self.language]
            blocks.append(Prose(self.say("notation", gloss=gloss)))
        if self.beside is not None:
            blocks += given_blocks(graph, self.beside.given, self.language)
            blocks += self.beside.notes(self.language)
            if self.story.samples:
                blocks.append(Prose(self.say(self.story.samples)))
            if self.beside.rounds:
                blocks.append(Prose(self.say("signs", digits=str(DIGITS))))
        blocks += self.story.figures
        if is_network:
            blocks.append(Prose(self.say("forward")))
        shown = {
            node.name: node.body
            for node in graph.nodes
            if node.body is not None and self._shown(node)
        }
        rows = tuple((name, body, ()) for name, body in shown.items())
        values = tuple(map(self.beside.of, shown)) if self.beside else ()
        blocks.append(Equations(rows, values=values))
        if self.story.loss is not None:
            blocks.append(self.narrator.chain(self.story.loss, "loss"))
        if graph.facts:
            blocks.append(Heading(self.say("assumptions"), 3, "assumptions"))
            facts = tuple(
                (fact.left, f" {fact.relation} ", fact.right) for fact in graph.facts
            )
            blocks.append(Items(facts))
        blocks += conventions(graph, self.language)
        return blocks

    def _shown(self, node: Node) -> bool:
        """Every definition, except one that the loss chain writes out anyway."""
        return not (self.story.loss is not None and node.name == self.graph.loss)

    def _summary(self) -> Inline:
        """Widths, activations, loss in one sentence."""
        glosses = [
            OPS[name].gloss[self.language] if name in OPS else name
            for name in self.graph.activations[:MAX_NAMED]
        ]
        if len(self.graph.activations) > MAX_NAMED:
            glosses.append("…")
        loss = LOSSES[self.graph.loss_name].gloss[self.language]
        return self.say(
            "layer_note",
            widths=self.story.widths,
            activations=", ".join(glosses),
            loss=loss,
        )

    def _derived(self) -> list[Block]:
        """The derivations, a network's from the output layer down."""
        story, graph = self.story, self.graph
        blocks: list[Block] = []
        last = max((node.layer for node in graph.nodes), default=0)
        layers = sorted({graph.node(name).layer for name in story.derivations})
        if not graph.activations:
            blocks.append(Heading(self.say("derivatives"), 2, "derivatives"))
            for name, derivation in story.derivations.items():
                blocks.append(self.narrator.chain(derivation, f"d-{name.id}"))
        else:
            blocks.append(Heading(self.say("backward"), 2, "backward"))
            blocks.append(Prose(self.say("every_line")))
            if story.errors:
                z = Name("z", (Idx("l"), Idx("j")))
                loss = graph.loss  # as P it is written out, as D it is the letter
                terms = (Derivative("D", loss, z), Derivative("P", loss, z))
                said = self.say("error_terms", delta=terms[0], derivative=terms[1])
                blocks.append(Prose(said))
            for layer in reversed(layers):
                blocks += self._layer(layer, last)
        for number, (title, derivation) in enumerate(story.authored, 1):
            if title:
                blocks.append(Heading((title,), 3, f"lines-{number}"))
            blocks.append(self.narrator.chain(derivation, f"lines-{number}-chain"))
        return blocks

    def _layer(self, layer: int, last: int) -> list[Block]:
        """One layer's weights and biases."""
        story, graph = self.story, self.graph
        shift = story.context.notation.first_layer - 1
        title = (
            self.say("output_layer")
            if layer == last
            else self.say("hidden_layer", number=str(layer + shift))
            if layer
            else self.say("inputs")
        )
        blocks: list[Block] = [Heading(title, 3, f"layer-{layer}")]
        for name, derivation in story.errors.items():
            node = graph.node(name)
            if node.layer == layer and node.role == "preactivation":
                anchor = f"e-{name.id}"
                blocks.append(self.narrator.chain(derivation, anchor))
        for name, derivation in story.derivations.items():
            if graph.node(name).layer == layer:
                blocks.append(self.narrator.chain(derivation, f"d-{name.id}"))
        if layer == last:
            blocks += self._cancelled()
        return blocks

    def _cancelled(self) -> list[Block]:
        """Why a sigmoid with cross-entropy ends like a linear output."""
        graph = self.graph
        row = LOSSES.get(graph.loss_name)
        if row is None or row.after.get(graph.activations[-1]) != "-(y - o)":
            return []
        for derivation in self.story.shared.values():
            goal = derivation.goal
            if isinstance(goal, Derivative) and goal.of == graph.loss:
                node = graph.node(goal.by) if goal.by in graph else None
                outer = node and node.layer == len(graph.activations)
                if (
                    node
                    and node.role == "preactivation"
                    and outer
                    and len(derivation.printed) > 2
                ):
                    before, after = derivation.printed[2], derivation.result
                    return [Prose(self.say("cancelled", before=before, after=after))]
        return []

    def _updates(self) -> list[Block]:
        """w := w - η ∂J/∂w for everything differentiated by."""
        eta = rate_name(self.graph)
        names = tuple(self.story.derivations)
        rows = tuple((name, updated(self.graph, name, eta), ()) for name in names)
        values = tuple(map(self.beside.new, names)) if self.beside else ()
        return [
            Heading(self.say("update"), 2, "update"),
            Prose(self.say("update_text", eta=eta)),
            Equations(rows, ":=", values),
        ]


def conventions(graph: Graph, language: str) -> list[Block]:
    """The slopes at kinks that are a convention, said once each."""
    used = {
        part.function
        for node in graph.nodes
        for part in (walk(node.body) if node.body is not None else ())
        if isinstance(part, Call)
    }
    rows = [op for name, op in OPS.items() if name in used and op.kinks]
    return [
        Prose(
            phrase(
                "page",
                "kink",
                language,
                {
                    "function": op.gloss[language],
                    "at": op.kinks[0],
                    "value": op.convention,
                },
            )
        )
        for op in rows
    ]
