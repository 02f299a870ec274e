"""A picture in words, for those who do not see it, and for pointing at its parts."""

from collections.abc import Iterator

from symbackprop.drawing.diagram import Picture
from symbackprop.formula.binding import substituted
from symbackprop.formula.tree import Formula, Name
from symbackprop.graph.graph import Node
from symbackprop.renderers.document import Inline
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.words import phrase

MAX_TOLD = 24
"""More definitions than that are counted, not told one by one."""


class Teller:
    """One picture's words in its language."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.context = picture.context
        self.graph = picture.graph

    def say(self, key: str, **slots: str | Formula) -> str:
        """One row of the table; formulas are read aloud."""
        arguments: dict[str, str | Formula | Inline] = dict(slots)
        parts = phrase("picture", key, self.context.language, arguments)
        return "".join(
            part if isinstance(part, str) else spoken(part, self.context)
            for part in parts
        )

    def title(self) -> str:
        """What the picture is called."""
        title = self.picture.title or spoken(self.graph.loss, self.context)
        return self.say(self.picture.view, title=title)

    def description(self) -> str:
        """What it shows: each definition, how to read it, what is highlighted."""
        defined = [node for node in self.graph.nodes if node.body is not None]
        told = [self.definition(node) for node in defined[:MAX_TOLD]]
        if len(defined) > MAX_TOLD:
            told.append(self.say("more", count=str(len(defined) - MAX_TOLD)))
        told.append(self.say("legend"))
        if self.picture.wrt:
            by = self.graph.node(self.picture.wrt).name
            told.append(self.say("back", loss=self.graph.loss, by=by))
        return " ".join(told)

    def definition(self, node: Node) -> str:
        """A quantity and how it is computed."""
        if node.body is None:
            return self.say("leaf", name=node.name)
        return self.say("computed", name=node.name, form=node.body)

    def words(self) -> dict[str, str]:
        """By id: the quantity, its value, its gradient."""
        shown = self.picture.shown
        parts: dict[Name, Formula] = {}
        told: dict[str, str] = {}
        for node in shown.nodes:
            own = node.name in self.graph
            if own:
                words = self.definition(self.graph.node(node.name))
            else:
                assert node.body is not None
                parts[node.name] = substituted(node.body, parts)
                words = self.say("part", form=parts[node.name])
            told[node.id] = " ".join([words, *self._numbers(node.id)])
        return told

    def _numbers(self, id_: str) -> Iterator[str]:
        """The value and the gradient, where there are any."""
        if id_ in self.picture.values:
            yield self.say("value", value=self.picture.values[id_])
        if id_ in self.picture.gradients:
            yield self.say("slope", value=self.picture.gradients[id_])
