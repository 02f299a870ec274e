"""Pages to look at, made by hand from real derivations, and a Chromium to look with."""

from __future__ import annotations

from pathlib import Path

import pytest

from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Name, Num, name_of
from symbackprop.formula.tree import Path as Position
from symbackprop.graph.build import graph_of
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.step import Step
from symbackprop.network import Layer, Network
from symbackprop.renderers.document import (
    Block,
    Chain,
    Document,
    Equations,
    Heading,
    Inline,
    Items,
    Line,
    Prose,
    Row,
    Table,
)
from symbackprop.renderers.html import html
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.webfile import index_page
from symbackprop.renderers.words import messages
from symbackprop.strategies.backprop import Backprop


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pages: English, Korean, an index."""
    where = tmp_path_factory.mktemp("pages")
    for language in ("en", "ko"):
        page = html(sample(language))
        (where / f"{language}.html").write_text(page, encoding="utf-8")
    entries = [
        ("en.html", "A 2-2-2 network", "mean squared error"),
        ("ko.html", "2-2-2 신경망", "한국어"),
    ]
    index = index_page("Worked examples", "en", entries)
    (where / "index.html").write_text(index, encoding="utf-8")
    return where


def sample(language: str, loss: str = "binary_cross_entropy") -> Document:
    """Every block kind, and every weight of a 2-2-2 network, without a narrator."""
    output = "identity" if loss == "half_squared_error" else "sigmoid"
    layers = (Layer(2, "sigmoid"), Layer(2, output))
    graph = graph_of(Network(2, layers, loss, biases=False))
    backprop = Backprop(graph)
    context = Context(depth=2, language=language)
    english = language == "en"

    def says(en: str, ko: str) -> str:
        return en if english else ko

    narrator = _Narrator(language)
    total = name_of("J")
    blocks: list[Block] = [
        Prose((says("A tick says how a line was checked.", "표시는 검증 방법이다."),)),
        Heading((says("Forward pass", "순전파"),), 2, "forward"),
        Equations(tuple((n.name, n.body, ()) for n in graph.nodes if n.body)),
        Heading((says("Output layer", "출력층"),), 2, "output"),
    ]  # fmt: skip
    for layer in (2, 1):
        if layer == 1:
            blocks.append(Heading((says("Hidden layer 1", "은닉층 1"),), 2, "hidden"))
        for i, j in ((1, 1), (1, 2), (2, 1), (2, 2)):
            weight = name_of(f"w{layer}_{i}_{j}")
            heading = (says("Gradient for ", "기울기: "), weight)
            blocks.append(Heading(heading, 3, f"d-{weight.id}"))
            chain = narrator.chain(backprop.derive(weight), weight.id)
            if layer == 1:
                part = backprop.totals[(Name("L", (1,)), Name("h", (1, i)))]
                note = (says("for ", ""), Name("k"), " = 1, 2:")
                inner = narrator.chain(part, f"part-{weight.id}")
                aside = Chain(inner.anchor, inner.left, inner.lines, note)
                chain = Chain(chain.anchor, chain.left, chain.lines, (), (aside,))
            blocks.append(chain)
    shown = backprop.derive(name_of("w1_1_1")).result
    blocks += [
        Heading((says("Values", "값"),), 2, "values"),
        Table(
            ((says("quantity", "양"),), (says("value", "값"),)),
            (((total,), (Num("0.25"),)), ((name_of("o1"),), (Num("0.731059"),))),
        ),
        Items(((says("Sum over ", "합의 첨자: "), Name("k")), ((shown,)))),
    ]
    title = says(
        "A 2-2-2 network with cross-entropy", "교차 엔트로피를 쓰는 2-2-2 신경망"
    )
    source = says("Korea National Open University", "한국방송통신대학교")
    return Document(title, language, context, tuple(blocks), source=source)


class _Narrator:
    """The least that turns derivations into chains; anchors are told once."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.told: dict[int, str] = {}

    def chain(self, derivation: Derivation, anchor: str, *, deep: bool = True) -> Chain:
        """A derivation as a chain."""
        self.told.setdefault(id(derivation), anchor)
        lines: list[Line] = []
        for number, steps in enumerate(derivation.lines):
            rows = tuple(
                self.row(step, f"{anchor}-{number}-{place}", deep=deep)
                for place, step in enumerate(steps)
            )
            conditions = tuple(dict.fromkeys(c for row in rows for c in row.conditions))
            main = rows[0]
            rules = tuple(dict.fromkeys(row.rule for row in rows))
            lines.append(
                Line(
                    steps[-1].after, main.reason, rules, main.evidence,
                    _changed(steps) if number else (), conditions, rows,
                )
            )  # fmt: skip
        return Chain(anchor, derivation.goal, tuple(lines))

    def row(self, step: Step, anchor: str, *, deep: bool) -> Row:
        """A step as a row."""
        opens, see = None, ""
        if step.because and deep:
            inner = step.because[0]
            if id(inner) in self.told:
                see = self.told[id(inner)]
            elif inner.lines:
                opens = self.chain(inner, anchor, deep=False)
        return Row(
            step.after,
            (messages()["reason"].get(step.reason.key, {}).get(
                self.language, step.reason.key
            ),),
            step.rule,
            messages()["evidence"].get(step.evidence.method, {}).get(
                self.language, step.evidence.method
            ),
            (step.path,),
            tuple(map(_condition, step.conditions)),
            opens,
            see,
        )  # fmt: skip


def _condition(assumption: Assumption) -> Inline:
    parts: tuple[str | Formula, ...] = (assumption.left, f" {assumption.relation} ")
    return (*parts, assumption.right)


def _changed(steps: tuple[Step, ...]) -> tuple[Position, ...]:
    """What the steps of a line rewrote, where it stands at the line's end."""
    places: list[Position] = []
    for step in steps:
        moved = (step.moved(place) for place in places)
        places = [
            p for p in moved if p is not None and p[: len(step.path)] != step.path
        ]
        places.append(step.path)
    return tuple(dict.fromkeys(places))
