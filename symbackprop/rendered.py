"""The verb that renders: pictures put in where a format shows them, pages alive."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbackprop.derived import Derivation, Derivations
from symbackprop.drawing.diagram import Picture, View
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.plot import Plot, plot_svg
from symbackprop.drawing.svg import svg
from symbackprop.drawing.tikz import tikz_picture
from symbackprop.drawing.told import Teller
from symbackprop.drawn import shown_program, with_numbers
from symbackprop.errors import InputError, SymbackpropError
from symbackprop.formula.tree import Derivative, Formula, Name, names_in
from symbackprop.graph.graph import Graph
from symbackprop.numeric.live import Live, live_program
from symbackprop.numeric.program import Program
from symbackprop.numeric.sample_values import sample_rate, sample_values
from symbackprop.numeric.stable import stable
from symbackprop.plotted import curve_plot, loss_plot, path_plot
from symbackprop.renderers.chains import DETAILS, Detail
from symbackprop.renderers.document import Document, Drawing, Figure, Heading
from symbackprop.renderers.narrate import Story, narrated
from symbackprop.renderers.table import RENDERERS
from symbackprop.renderers.words import phrase, word
from symbackprop.trained import Trained

LOSSES = "losses"
"""Where the losses of a page about training begin."""

PICTURED = frozenset({"html", "latex", "markdown", "mathml"})
"""The formats that show pictures."""

MAX_DRAWN = 80
"""Graphs of more quantities than these are drawn when asked for, not on every page."""

ROOM = "-0.0123"
"""Every number of a live picture has at least the room of this one."""


def render(
    source: Derivation | Derivations | Document,
    to: str = "text",
    *,
    detail: Detail = "standard",
) -> str:
    """What was derived, in one of the formats of `renderers.table`.

    A web page computes while its reader moves a value; a network without values gets
    samples there, and the page says so.
    """
    if to not in RENDERERS:
        raise InputError(
            f"unknown format {to!r}", hint="known: " + ", ".join(RENDERERS)
        )
    if detail not in DETAILS:
        raise InputError(f"unknown detail {detail!r}", hint=", ".join(DETAILS))
    if isinstance(source, Derivation):
        whole = source.whole
        alone = {n: d for n, d in whole.checked.items() if d is source.checked}
        source = Derivations(alone, whole.work)
    renderer = RENDERERS[to]
    if renderer.of_story:
        if not isinstance(source, Derivations):
            raise InputError(f"{to} is written from derivations, not from a document")
        name = source.example.name if source.example else source.story.widths
        return renderer.page(source.story, name, detail)
    if isinstance(source, Document):
        return renderer.write(source)
    story = source.story
    if to in PICTURED:
        story = pictured(source, to)
    return renderer.write(narrated(story, detail))


def pictured(derivations: Derivations, to: str) -> Story:
    """The story with the picture of its graph, and alive in a web page."""
    story = derivations.story
    if len(story.graph.nodes) > MAX_DRAWN:
        return story
    if to == "html":
        story = _sampled(story)
    try:
        story = _Pictured(derivations, story, to).story()
    except SymbackpropError:  # such as symbolic sizes: a page without a picture
        return derivations.story
    plot = None if to == "latex" else curve_plot(derivations)
    if plot is None:
        return story
    language = story.context.language
    return replace(story, figures=(*story.figures, plotted("plot", plot, language)))


def plotted(anchor: str, plot: Plot, language: str) -> Figure:
    """A plot as a figure."""
    words = word("picture", "plot", language)
    shown = plot_svg(plot, words, language=language, prefix=anchor)
    return Figure(anchor, (Drawing((plot.title,), f"{plot.title}. {words}", shown),))


def trained_page(trained: Trained, to: str, lang: str = "en") -> str:
    """What was learned in a format, with plots where the format shows them."""
    if to not in ("html", "markdown"):
        return trained.render(to, lang)
    document = trained.document(lang)
    plots = {"loss": loss_plot(trained, lang), "path": path_plot(trained, lang)}
    figures = [plotted(name, plot, lang) for name, plot in plots.items() if plot]
    blocks = list(document.blocks)
    place = next(
        n
        for n, b in enumerate(blocks, 1)
        if isinstance(b, Heading) and b.anchor == LOSSES
    )
    blocks[place:place] = figures
    return RENDERERS[to].write(replace(document, blocks=tuple(blocks)))


def _sampled(story: Story) -> Story:
    """The story of a network with samples for the values that its file lacks."""
    graph = story.graph
    if not graph.activations or graph.general:
        return story
    samples = sample_values(graph)
    given = {n: v for n, v in story.given.items() if n in samples}
    missing = samples.keys() - given.keys()
    rate = story.rate if story.rate is not None or not story.update else sample_rate()
    kind = ""
    if missing:
        alone = len(missing) == len(samples)
        kind = "samples_all" if alone else "samples_some"
    if not kind and story.rate is None and rate is not None:
        kind = "samples_rate"
    return replace(story, given={**samples, **given}, rate=rate, samples=kind)


@dataclass(frozen=True, slots=True)
class _Pictured:
    """One story on its way to a format with pictures."""

    derivations: Derivations
    told: Story
    to: str

    def story(self) -> Story:
        """The story with its figure, and with its program where it can be alive."""
        graph, given = self.told.graph, self.told.given
        leaves = [node.name for node in graph.nodes if node.body is None]
        valued = bool(leaves) and all(name in given for name in leaves)
        picture = self.picture("graph")
        whole: Derivations | None = None
        computed: Program | None = None
        live: Live | None = None
        if valued and not graph.general:
            whole, computed = shown_program(picture)
            try:
                picture = with_numbers(picture, given, computed)
                if self.to == "html":
                    live = self.live(whole, computed)
            except SymbackpropError:  # no value at this point, or too many to move
                valued = bool(picture.values)
        views: list[View] = ["graph", "network"] if graph.activations else ["graph"]
        letters: dict[str, str] | None = {} if self.to == "html" else None
        drawings = tuple(
            self.drawing(self.picture(view, picture), live, letters) for view in views
        )
        return replace(self.told, figures=(Figure("picture", drawings),), live=live)

    def picture(self, view: View, numbers: Picture | None = None) -> Picture:
        """One view, with the numbers of another."""
        story = self.told
        only = list(story.derivations)
        return Picture(
            story.graph,
            story.context,
            view,
            values=numbers.values if numbers else {},
            gradients=numbers.gradients if numbers else {},
            wrt=only[0].id if len(only) == 1 and len(story.graph.wrt) > 1 else "",
            title=story.title,
            room=ROOM if self.to == "html" else "",
        )

    def drawing(
        self, picture: Picture, live: Live | None, letters: dict[str, str] | None
    ) -> Drawing:
        """A picture in what the format needs."""
        teller, layout, view = Teller(picture), layout_of(picture), picture.view
        language = self.told.context.language
        label = phrase("live", view, language, {})
        description = teller.description()
        if self.to == "latex":
            return Drawing(label, description, "", tikz_picture(layout))
        words = teller
        if live is not None:  # numbers that change are not told in words
            words = Teller(replace(picture, values={}, gradients={}))
        shown = svg(
            layout,
            teller.title(),
            description,
            language=language,
            words=words.words(),
            prefix=view[0],
            live=live is not None,
            letters=letters,
        )
        return Drawing(label, description, shown)

    def live(self, whole: Derivations, computed: Program) -> Live:
        """The program of the page. InputError where it cannot be alive."""
        story, drawn = self.told, whole.graph
        return live_program(
            story.graph,
            drawn,
            stable(computed),
            _slopes(whole, drawn),
            self.chains(),
            story.given,
            story.rate if story.update else None,
            list(story.derivations),
        )

    def chains(self) -> Mapping[Derivative, Formula]:
        """What the page shows numbers of, by goal."""
        definitions = self.derivations.work.definitions
        return {
            chain.goal: chain.result
            for chain in self.told.chains
            if isinstance(chain.goal, Derivative)
            and chain.goal != chain.result
            and chain.definitions.same_as(definitions)
        }


def _slopes(whole: Derivations, graph: Graph) -> dict[tuple[Name, Name], Formula]:
    """Each local slope of a graph, as it is derived."""
    slopes = whole.work.shared.slopes
    found: dict[tuple[Name, Name], Formula] = {}
    for node in graph.nodes:
        for by in names_in(node.body) if node.body is not None else ():
            derivation = slopes.slope(node.name, by)
            if derivation is not None:
                found[node.name, by] = derivation.result
    return found
