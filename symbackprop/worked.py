"""The verb: worked numbers of a derivation, each with formula, numbers, result."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from symbackprop.computed import program
from symbackprop.derived import Derivation, Derivations, derive
from symbackprop.errors import FormulaError, InputError
from symbackprop.examples import Example
from symbackprop.formula.limits import decimal, literal_value
from symbackprop.formula.tree import Name
from symbackprop.graph.graph import Graph
from symbackprop.network import Network
from symbackprop.numeric.absent import NoValue
from symbackprop.numeric.point import Point
from symbackprop.numeric.sheet import on_the_way, rate_name, workings
from symbackprop.numeric.worked import DIGITS, Digits, Style, Working
from symbackprop.renderers.document import Document
from symbackprop.renderers.narrate import Story
from symbackprop.renderers.numbers import (
    csv_text,
    json_text,
    numbers_document,
    quantity_id,
)
from symbackprop.renderers.table import RENDERERS

Number: TypeAlias = str | int | float | Rational

MAX_DIGITS = 100
MAX_LISTED = 8

__all__ = ["DIGITS", "Numbers", "numbers"]

RECORDS = ("csv", "json")
"""The formats that hold rows and no page."""


@dataclass(frozen=True, repr=False)
class Numbers(Mapping[str, Working]):
    """Every quantity's working, in order, by id: o1, dJ/dw1_1_1, w1_1_1'."""

    workings: tuple[Working, ...]
    style: Style
    story: Story = field(repr=False)
    name: str = ""

    @cached_property
    def _by_id(self) -> Mapping[str, Working]:
        found = {quantity_id(working.quantity): working for working in self.workings}
        return MappingProxyType(found)

    def __getitem__(self, key: str) -> Working:
        """The working of an id."""
        return self._by_id[key]

    def __iter__(self) -> Iterator[str]:
        """The ids in order."""
        return iter(self._by_id)

    def __len__(self) -> int:
        """How many quantities there are."""
        return len(self._by_id)

    def __repr__(self) -> str:
        """Which numbers, short."""
        return f"<numbers of {self.name or self.story.title}: {len(self)} quantities>"

    def document(self) -> Document:
        """The numbers as a page."""
        return numbers_document(self.story, self.workings, self.style)

    def render(self, to: str = "text") -> str:
        """The page in a format of `renderers.table`, or the rows as csv or json."""
        if to == "csv":
            return csv_text(self.workings)
        if to == "json":
            return json_text(self.workings, self.name, self.style, self.story)
        if to not in RENDERERS:
            known = ", ".join(dict.fromkeys([*RENDERERS, *RECORDS]))
            raise InputError(f"unknown format {to!r}", hint=f"known: {known}")
        return RENDERERS[to].write(self.document())

    def __str__(self) -> str:
        """The page as text."""
        return self.render()

    def _repr_mimebundle_(
        self,
        include: object = None,  # noqa: ARG002 - IPython's own signature
        exclude: object = None,  # noqa: ARG002 - the same
    ) -> dict[str, str]:
        """HTML with MathML, and text, for notebooks."""
        html = RENDERERS["html"].fragment(self.document())
        return {"text/html": html, "text/plain": self.render()}


def numbers(
    source: Derivation | Derivations | Network | Graph | Example | str | Path,
    values: Mapping[str, Number] | None = None,
    *,
    digits: int = DIGITS,
    exact: bool = False,
    learning_rate: Number | None = None,
    notation: str | None = None,
    lang: str = "en",
) -> Numbers:
    """Work a derivation out in numbers, at its example's values unless told others.

    `values` by id go before those of the file; a text or a float stands for its exact
    decimal. `exact` keeps fractions and named irrationals. InputError where a quantity
    has no value.
    """
    if not 1 <= digits <= MAX_DIGITS:
        raise InputError(f"expected 1 to {MAX_DIGITS} digits, found {digits}")
    if not isinstance(source, Derivation | Derivations):
        source = derive(source, notation=notation, lang=lang)
    whole = source.whole if isinstance(source, Derivation) else source
    graph, example = whole.graph, whole.example
    derivations = dict(whole.checked)
    if isinstance(source, Derivation):
        own = source.checked
        derivations = {n: d for n, d in derivations.items() if d is own}
    at = _values(graph, example, values or {})
    eta = rate_name(graph)
    if learning_rate is not None:
        at[eta] = _exact("learning_rate", learning_rate)
    elif example is not None and example.learning_rate is not None:
        at.setdefault(eta, example.learning_rate)
    run = program(source, on_the_way(graph, list(derivations)))
    if run.general:
        names = ", ".join(run.general)
        raise InputError(
            f"{names}: left general, so nothing has a number",
            place=example.place if example else None,
            hint="give formulas in the place of [functions]",
        )
    style = Style(digits, exact)
    point = Digits(Point(run.lines, at), style)
    try:
        rows = tuple(
            workings(graph, run, derivations, point, eta if eta in at else None)
        )
    except NoValue as error:
        error.place = example.place if example else None
        raise
    story = replace(whole.story, derivations=derivations)
    name = example.name if example else story.widths
    return Numbers(rows, style, story, name)


def _values(
    graph: Graph, example: Example | None, given: Mapping[str, Number]
) -> dict[Name, Rational]:
    """Every leaf's value. InputError that lists those without one."""
    found = dict(example.values) if example else {}
    for key, value in given.items():
        node = graph.node(key)
        if node.body is not None:
            raise InputError(
                f"{key} is computed, so it cannot be given",
                hint="give the quantities that it is computed from",
            )
        found[node.name] = _exact(key, value)
    leaves = [node.name for node in graph.nodes if node.body is None]
    missing = [name.id for name in leaves if name not in found]
    if missing:
        listed = ", ".join(missing[:MAX_LISTED])
        if len(missing) > MAX_LISTED:
            listed += f" and {len(missing) - MAX_LISTED} more"
        raise InputError(
            f"no value for {listed}",
            place=example.place if example else None,
            hint=f'under [values] write {missing[0]} = "0.5" and so on, '
            f"or say --set {missing[0]}=0.5",
        )
    return {name: found[name] for name in leaves}


def _exact(key: str, value: Number) -> Rational:
    """A number as the exact rational that its digits say."""
    if isinstance(value, Rational | int) and not isinstance(value, bool):
        return Rational(value)
    try:
        found = literal_value(decimal(str(value)))
    except FormulaError as error:
        raise InputError(f"{key}: {error.message}") from None
    assert found is not None
    return found
