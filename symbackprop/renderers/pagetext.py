"""The words, formulas, numbers and anchors of one web page."""

from html import escape
from urllib.parse import quote

from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Path,
    Product,
    Sum,
)
from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import Chain, Document, Inline
from symbackprop.renderers.live import Controls
from symbackprop.renderers.mathml import mathml
from symbackprop.renderers.slim import slim
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import word

_TIED = "\N{NO-BREAK SPACE}"


class PageText:
    """What every block of a page is written with; formulas and anchors seen so far."""

    def __init__(self, document: Document, *, script: bool) -> None:
        self.document = document
        self.typeset = Typesetter(document.context)
        self.script = script
        self.known: dict[tuple[str, bool], str] = {}
        self.anchors: set[str] = set()
        live = document.live if script else None
        self.controls = live and Controls(live, document.context, self.math)

    def say(self, key: str) -> str:
        """A word of the page itself, escaped."""
        return escape(word("page", key, self.document.language))

    def math(
        self, form: Formula, changed: tuple[Path, ...] = (), *, display: bool = False
    ) -> str:
        """One formula with its changed parts marked, unless all of it is new."""
        whole = isinstance(form, Sum | Product | Minus) and all(
            (place,) in changed for place in range(len(form.children))
        )
        marks = {} if whole else {path: "changed" for path in changed if path}
        latex = self.typeset(form, marks)
        key = (latex, display)
        if key not in self.known:
            words = spoken(form, self.document.context)
            self.known[key] = slim(mathml(latex, display=display, alttext=words))
        return self.known[key]

    def inline(self, parts: Inline) -> str:
        """Words and formulas in a row."""
        shown = [escape(p) if isinstance(p, str) else self.math(p) for p in parts]
        for place, part in enumerate(parts):
            if isinstance(part, str) and part[:1] == part[-1:] == _TIED:
                before, after = shown[place - 1], shown[place + 1]
                if before:  # browsers break a line beside a formula all the same
                    number = self.number(parts[place - 1], shown[place], after)
                    tied = f'<span class="tied">{before}{number}</span>'
                    shown[place - 1 : place + 2] = ["", "", tied]
        return "".join(shown)

    def number(self, of: "str | Formula", sign: str, number: str) -> str:
        """A sign and a number; one that follows what is moved is marked."""
        mark = "" if isinstance(of, str) else self.place(of)
        if not mark:
            return sign + number
        return f'<span{mark}><span class="sign">{sign}</span>{number}</span>'

    def anchor(self, anchor: str) -> str:
        """An id attribute, none where the page has that id already."""
        name = "-".join(anchor.split())
        if not name or name in self.anchors:
            return ""
        self.anchors.add(name)
        return f' id="{escape(name)}"'

    def definition(self, name: Formula) -> str:
        """The id of a row that defines something, where a live page points to it."""
        if self.controls is None or not isinstance(name, Name):
            return ""
        return self.anchor(f"v-{name.id}")

    def place(self, form: Formula) -> str:
        """The mark of a number that follows, by what stands left of it."""
        place = self.controls and self.controls.live.places.get(form)
        return "" if place is None else f' data-v="{place}"'

    def value(self, link: Link | None, of: Formula) -> str:
        """What a row comes to, quietly."""
        if link is None:
            return ""
        number = self.number(of, f"{escape(link.relation)} ", self.math(link.form))
        return f'<span class="value">{number}</span>'

    def data(self) -> str:
        """What a live page computes with, and where on it everything stands."""
        if self.controls is None:
            return ""
        loss = self.controls.live.loss
        lines: dict[Name, str] = {}
        for block in (*self.document.blocks, *self.document.appendix):
            goal = block.left if isinstance(block, Chain) else None
            if isinstance(block, Chain) and isinstance(goal, Derivative):
                own = goal.head == "D" and goal.of == loss
                if own:
                    lines.setdefault(goal.by, "-".join(block.anchor.split()))
        return self.controls.data(lines)


def new(name: Formula) -> Formula:
    """What a parameter is updated to, as what stands left of a number."""
    return Call("new", (name,))


def link_to(anchor: str) -> str:
    """A link inside the page; ids have no white space."""
    return "#" + quote("-".join(anchor.split()))
