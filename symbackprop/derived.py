"""The verb: derive a graph, tell its story. What users hold in hand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, overload

from symbackprop.errors import InputError, SymbackpropError
from symbackprop.examples import STRATEGIES, Example, Lines, load_example
from symbackprop.formula.tree import Derivative, Formula, Name, name_of
from symbackprop.graph.build import graph_of
from symbackprop.graph.graph import Graph
from symbackprop.kernel import derivation as kernel
from symbackprop.network import Network
from symbackprop.notation import notation as notation_row
from symbackprop.renderers.chains import Detail
from symbackprop.renderers.document import Chain, Document
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.narrate import Story, narrated
from symbackprop.renderers.table import RENDERERS
from symbackprop.renderers.words import LANGUAGES
from symbackprop.strategies.authored import DoesNotFollow, authored
from symbackprop.strategies.backprop import Backprop, chain_instances
from symbackprop.strategies.calculus import line_by_line
from symbackprop.strategies.lemmas import anchor_of, authored_lemma, shared_by
from symbackprop.strategies.loss import loss_chain
from symbackprop.strategies.paths import by_paths
from symbackprop.strategies.writer import definitions_of, op_functions, op_slope

if TYPE_CHECKING:
    import sympy


class LineError(SymbackpropError):
    """A line of an author's chain that does not follow; `decided` if refuted."""

    def __init__(self, message: str, *, decided: bool) -> None:
        """Keep whether a point refutes the line."""
        super().__init__(message)
        self.decided = decided


@dataclass(frozen=True)
class Derivation:
    """One checked derivation, with what is needed to show it.

    `checked` is the kernel's own record. Displays itself in notebooks.
    """

    checked: kernel.Derivation
    whole: "Derivations" = field(repr=False)

    @property
    def result(self) -> "sympy.Expr":
        """The last line as a SymPy expression over symbols named by id."""
        from symbackprop.formula.door import to_sympy  # noqa: PLC0415 - loads SymPy

        return to_sympy(self.checked.result)

    @property
    def lines(self) -> tuple[Formula, ...]:
        """The goal and every printed line, as forms in the author's order."""
        return self.checked.printed

    def document(self, detail: Detail = "standard") -> Document:
        """The derivation alone as a document."""
        goal = self.checked.goal
        chains = ((("", self.checked),)) if not isinstance(goal, Derivative) else ()
        derivations = {goal.by: self.checked} if isinstance(goal, Derivative) else {}
        story = replace(
            self.whole.story, derivations=derivations, authored=chains, update=False
        )
        return narrated(story, detail)

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002 - IPython's own signature
        exclude: object = None,  # noqa: ARG002 - the same
    ) -> dict[str, str]:
        """HTML with MathML, LaTeX and text, for notebooks."""
        document = self.document()
        chains = [block for block in document.blocks if isinstance(block, Chain)]
        document = replace(document, blocks=tuple(chains[-1:]), appendix=())
        return {
            "text/html": RENDERERS["html"].fragment(document),
            "text/latex": RENDERERS["latex"].fragment(document),
            "text/plain": RENDERERS["text"].fragment(document),
        }

    def __str__(self) -> str:
        """The chain as text."""
        bundle = self._repr_mimebundle_()
        return bundle["text/plain"]


@dataclass(frozen=True, repr=False)
class Derivations(Mapping[str, Derivation]):
    """Derivations by id, in order, sharing what they share.

    What only a page needs is collected when the first page is asked for.
    """

    checked: Mapping[Name, kernel.Derivation]
    work: "_Work" = field(repr=False)

    @cached_property
    def _by_id(self) -> dict[str, Derivation]:
        return {name.id: Derivation(d, self) for name, d in self.checked.items()}

    @cached_property
    def story(self) -> Story:
        """Everything that a page tells of these derivations."""
        return self.work.story(self.checked)

    @property
    def example(self) -> Example | None:
        """The worked example that was derived, if it was one."""
        return self.work.example

    def __getitem__(self, key: str) -> Derivation:
        """The derivation of an id."""
        return self._by_id[key]

    def __iter__(self) -> Iterator[str]:
        """The ids in order."""
        return iter(self._by_id)

    def __repr__(self) -> str:
        """What was derived by what, short."""
        return f"<derivations of {self.graph.loss.id} by {', '.join(self)}>"

    def __len__(self) -> int:
        """How many were derived."""
        return len(self._by_id)

    @property
    def graph(self) -> Graph:
        """The graph that was derived."""
        return self.work.graph

    def document(self, detail: Detail = "standard") -> Document:
        """The whole story as a document."""
        return narrated(self.story, detail)


@overload
def derive(
    source: Graph | Network | Example | str | Path,
    wrt: str,
    *,
    by: str | None = None,
    notation: str | None = None,
    lang: str = "en",
) -> Derivation: ...


@overload
def derive(
    source: Graph | Network | Example | str | Path,
    wrt: list[str] | tuple[str, ...] | None = None,
    *,
    by: str | None = None,
    notation: str | None = None,
    lang: str = "en",
) -> Derivations: ...


def derive(
    source: Graph | Network | Example | str | Path,
    wrt: str | list[str] | tuple[str, ...] | None = None,
    *,
    by: str | None = None,
    notation: str | None = None,
    lang: str = "en",
) -> Derivation | Derivations:
    """Derive the loss by one id, several, or by default all parameters.

    One id gives its Derivation, otherwise a mapping from id to Derivation. `by` names
    the strategy. InputError for unknown ids; LineError where an author's line does
    not follow; TooLarge where a strategy refuses.
    """
    example = load_example(source) if isinstance(source, str | Path) else None
    if isinstance(source, Example):
        example = source
    if example is not None:
        graph = graph_of(example)
    else:
        if not isinstance(source, Graph | Network):
            raise InputError(
                f"cannot derive a {type(source).__name__}",
                hint="give a Network, a graph, an example, its name or its file",
            )
        graph = graph_of(source) if isinstance(source, Network) else source
    wanted = [wrt] if isinstance(wrt, str) else list(wrt or ())
    if lang not in LANGUAGES or any(not isinstance(text, str) for text in wanted):
        raise InputError(
            f"wrt takes ids, lang one of {', '.join(LANGUAGES)}",
            hint=f"found {wrt!r} and {lang!r}",
        )
    names = tuple(graph.node(name_of(text)).name for text in wanted) or graph.wrt
    strategy = by or (example.by if example else "backprop")
    if strategy not in STRATEGIES:
        raise InputError(
            f"unknown strategy {strategy!r}", hint="known: " + ", ".join(STRATEGIES)
        )
    work = _Work(graph, example, strategy, context_of(graph, example, notation, lang))
    derivations = Derivations({name: work.derivation(name) for name in names}, work)
    return derivations[names[0].id] if isinstance(wrt, str) else derivations


def context_of(
    graph: Graph, example: Example | None, notation: str | None, lang: str
) -> Context:
    """How this source's quantities are lettered."""
    pack = notation or (example.pack if example else "sources")
    leaves = [node for node in graph.nodes if node.body is None]
    return Context(
        notation_row(pack),
        example.labels if example else {},
        depth=len(graph.activations),
        layer_biases=any(
            node.role == "bias" and len(node.name.indices) == 1 for node in graph.nodes
        ),
        one_variable=len(leaves) == 1 and len(graph.nodes) == 2,
        language=lang,
    )


class _Work:
    """One source's derivations in the making."""

    def __init__(
        self, graph: Graph, example: Example | None, by: str, context: Context
    ) -> None:
        self.graph = graph
        self.example = example
        self.by = by
        self.context = context
        self.definitions = definitions_of(graph)
        self.authored: list[tuple[str, kernel.Derivation]] = []
        self.own: dict[Name, kernel.Derivation] = {}
        chains: list[Sequence[Formula]] = []
        for lines in example.lines if example else ():
            chains += self._read(lines)
        names = example.lemmas if example else ()
        ops = [f for f in graph.functions if f in op_functions()]
        self.shared = Backprop(
            graph,
            chains=chains,
            lemmas={op: lemma for op in ops if (lemma := authored_lemma(op, names))},
            definitions=self.definitions,
            keep_errors=context.notation.error_term == "delta",
        )

    def _read(self, lines: Lines) -> list[Sequence[Formula]]:
        """Check one author's chain; hand on the identities for use in other lines."""
        title = lines.title.get(self.context.language) or lines.title.get("en", "")
        if lines.of is None:
            rows = chain_instances(lines.chain, lines.indices)
            for row in rows:
                checked = self._checked(lines, row[0], row[1:], 2)
                if not lines.indices:
                    self.authored.append((title, checked))
            return list(rows)
        rows = chain_instances((lines.of, *lines.chain), lines.indices)
        for goal, *chain in rows:
            checked = self._checked(lines, goal, chain)
            first = (
                isinstance(goal, Derivative)
                and goal.of == self.graph.loss
                and goal.by not in self.own
            )
            if first and isinstance(goal, Derivative):
                self.own[goal.by] = checked
            else:
                self.authored.append((title, checked))
        return []

    def _checked(
        self, lines: Lines, goal: Formula, chain: Sequence[Formula], first: int = 1
    ) -> kernel.Derivation:
        """The chain as a derivation. LineError names the line in the file."""
        try:
            return authored(self.definitions, goal, chain, first)
        except DoesNotFollow as error:
            place = lines.places[error.number - 1]
            decided = error.judgement.outcome == "refuted"
            raise LineError(f"{place}: {error}", decided=decided) from None

    def story(self, derivations: Mapping[Name, kernel.Derivation]) -> Story:
        """Collect what the derivations used, and what stands as a name in them."""
        context = self.context
        used = [*derivations.values(), *(chain for _, chain in self.authored)]
        graph, example = self.graph, self.example
        errors = self.shared.error_terms(used)
        own = {derivation.goal for derivation in used}
        shared = shared_by([*used, *errors.values()])
        openings = self.shared.slopes.openings([*used, *shared.values()])
        shared |= {anchor_of(d): d for d in errors.values() if d.goal not in own}
        shared = {anchor_of(d): d for d in openings.values()} | shared
        title = ""
        if example is not None:
            title = example.title.get(context.language) or example.title["en"]
        widths = str(example.network) if example and example.network else ""
        return Story(
            title or widths or f"d{graph.loss.id}",
            graph,
            context,
            derivations,
            shared=shared,
            openings=openings,
            errors=errors if context.notation.error_term == "delta" else {},
            authored=tuple(self.authored),
            loss=loss_chain(self.definitions, graph.loss),
            update=any(
                graph.node(name).role in ("weight", "bias") for name in derivations
            )
            or bool(example and example.learning_rate is not None),
            source=example.source if example else "",
            widths=widths or _widths(graph),
            given=example.values if example else {},
            rate=example.learning_rate if example else None,
        )

    def derivation(self, name: Name) -> kernel.Derivation:
        """One derivation by the chosen strategy."""
        if self.by == "paths":
            return by_paths(self.shared, name)
        if self.by == "calculus":
            goal = Derivative("D", self.graph.loss, name)
            body = self.definitions.body(self.graph.loss)
            target = None if body is None else op_slope(body, body, name)
            return line_by_line(self.definitions, goal, target)
        if self.by == "authored" and name not in self.own and not self.own:
            raise InputError(
                f"no [[lines]] of D({self.graph.loss.id}, {name.id})",
                hint="use --by backprop, or write the lines",
            )
        return self.own.get(name) or self.shared.derive(name)


def _widths(graph: Graph) -> str:
    """The widths of a network's graph, as in 2-2-2."""
    if not graph.activations:
        return ""
    inputs = sum(node.role == "input" for node in graph.nodes)
    counts = [
        sum(
            node.role == "preactivation" and node.layer == layer for node in graph.nodes
        )
        for layer in range(1, len(graph.activations) + 1)
    ]
    return "-".join(map(str, [inputs, *counts]))
