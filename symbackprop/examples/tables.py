"""The tables of a worked example file, one reader a row.

Each reader takes its table out of the file, checks it, and fills in the draft.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Literal

from symbackprop.errors import Place
from symbackprop.examples.quantities import Quantities, checked_id, network_ids
from symbackprop.examples.toml_file import Toml, called, nearest, shown
from symbackprop.examples.toml_places import MAX_VALUES, Path
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Name, name_of, names_in
from symbackprop.network import (
    ACTIVATIONS,
    LOSSES,
    MAX_LAYERS,
    MAX_UNITS,
    MAX_WEIGHTS,
    Biases,
    Layer,
    Network,
)
from symbackprop.notation import NOTATIONS

MAX_FORMULAS = 500
MAX_CHAIN = 200
MAX_ARGUMENTS = 8

LANGUAGES = ("en", "ko")
PACKS = tuple(NOTATIONS)
STRATEGIES = ("backprop", "paths", "authored", "calculus")

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_LETTER = re.compile(r"[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Lines:
    """An author's own chain; without `of` an identity, used where its start turns up.

    `indices` are the values of the letters in y[k]; `places` one an entry.
    """

    of: Formula | None
    chain: tuple[Formula, ...]
    places: tuple[Place, ...]
    indices: Mapping[str, tuple[int, ...]]
    title: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What an author says a quantity is: a formula, or printed digits as text."""

    quantity: str
    of: Formula
    formula: Formula | None
    printed: str | None
    where: str
    expect: Literal["wrong"] | None
    place: Place


class Draft:
    """An example while its tables are read, each with the field's default."""

    def __init__(self, toml: Toml, lemmas: Collection[str]) -> None:
        self.toml = toml
        self.shipped = lemmas
        self.words = Quantities(toml)
        self.title: Mapping[str, str] = {}
        self.source = ""
        self.network: Network | None = None
        self.formulas: dict[Name, Formula] | None = None
        self.values: dict[Name, Rational] = {}
        self.learning_rate: Rational | None = None
        self.wrt: tuple[Name, ...] = ()
        self.by = "backprop"
        self.lemmas: tuple[str, ...] = ()
        self.claims: tuple[Claim, ...] = ()
        self.pack = "sources"
        self.labels: dict[str, Mapping[str, str]] = {}
        self.assumptions: tuple[Assumption, ...] = ()
        self.lines: tuple[Lines, ...] = ()


def _titles(toml: Toml, path: Path) -> Mapping[str, str]:
    """A title in each language; English is required and stands in for the rest."""
    table = toml.table(path, LANGUAGES)
    if "en" not in table:
        toml.expected((*path, "en"), "the English title")
    english = toml.prose((*path, "en"), 200)
    korean = toml.prose((*path, "ko"), 200) if "ko" in table else english
    return MappingProxyType({"en": english, "ko": korean})


def _title(draft: Draft) -> None:
    """`title.en`, `title.ko`."""
    draft.title = _titles(draft.toml, ("title",))


def _source(draft: Draft) -> None:
    """`source`: where the example comes from."""
    draft.source = draft.toml.prose(("source",), 2000)


def _functions(draft: Draft) -> None:
    """`[functions]`: name = number of arguments, or the list of their names."""
    toml = draft.toml
    for name, value in toml.table(("functions",)).items():
        path = ("functions", name)
        checked_id(toml, path, name)
        if isinstance(value, list):
            count = len(toml.items(path, "arguments", 1, MAX_ARGUMENTS))
            for place in range(count):
                inner = (*path, place)
                checked_id(toml, inner, toml.string(inner, "a name"), key=False)
        else:
            count = toml.whole(path, "a whole number of arguments", MAX_ARGUMENTS)
        draft.words.functions[name] = count


def _network(draft: Draft) -> None:
    """`[network]`: inputs, layers, loss, biases."""
    toml, path = draft.toml, ("network",)
    table = toml.table(path, ("inputs", "layers", "loss", "biases"))
    inputs = toml.whole((*path, "inputs"), "a whole number of inputs", MAX_UNITS)
    layers: list[Layer] = []
    width, weights = inputs, 0
    rows = (*path, "layers")
    for place in toml.items(rows, "layers", 1, MAX_LAYERS):
        row = (*rows, place)
        toml.table(row, ("units", "activation"))
        units = toml.whole((*row, "units"), "a whole number of units", MAX_UNITS)
        activation = toml.choice((*row, "activation"), "an activation", ACTIVATIONS)
        layers.append(Layer(units, activation))
        weights, width = weights + width * units, units
        if weights > MAX_WEIGHTS:
            toml.refuse(row, f"the network has more than {MAX_WEIGHTS:,} weights")
    loss = toml.choice((*path, "loss"), "a loss", LOSSES)
    biases: Biases = "unit"
    if "biases" in table:
        biases = _biases(toml, (*path, "biases"))
    draft.network = Network(inputs, tuple(layers), loss, biases)
    draft.words.known.update(network_ids(draft.network))
    draft.words.loss = Name("J")


def _biases(toml: Toml, path: Path) -> Biases:
    """One bias a unit, one a layer, or none."""
    value = toml.get(path)
    if value is False:
        return False
    if value == "unit":
        return "unit"
    if value == "layer":
        return "layer"
    toml.expected(path, '"unit", "layer" or false')


def _formulas(draft: Draft) -> None:
    """`[formulas]`: id = "expression", each over leaves and earlier ids."""
    toml, words = draft.toml, draft.words
    table = toml.table(("formulas",))
    if not 1 <= len(table) <= MAX_FORMULAS:
        message = f"expected 1 to {MAX_FORMULAS} formulas, found {len(table)}"
        toml.refuse(("formulas",), message)
    for name in table:
        checked_id(toml, ("formulas", name), name)
    formulas = {name_of(n): words.definition(("formulas", n)) for n in table}
    uses = {name: names_in(body) for name, body in formulas.items()}
    seen: set[Name] = set()
    for name, parents in uses.items():
        for parent in parents:
            if parent in formulas and parent not in seen:
                words.refuse_order(uses, name, parent)
            if parent.id in words.functions and parent not in formulas:
                message = (
                    f"{parent.id!r} is a general function: expected {parent.id}(…)"
                )
                words.refuse_word(("formulas", name.id), parent.id, message)
        seen.add(name)
    leaves = {p.id: True for ps in uses.values() for p in ps if p not in formulas}
    words.known.update(leaves)
    words.known.update((name.id, False) for name in formulas)
    words.loss = next(reversed(formulas))
    draft.formulas = formulas


def _loss(draft: Draft) -> None:
    """`loss = id`: which formula is the loss, if it is not the last."""
    text = draft.toml.string(("loss",), "the id of a formula")
    if draft.formulas is None:
        draft.toml.refuse(("loss",), "a network's loss belongs in [network]", key=True)
    ids = [name.id for name in draft.formulas]
    if text not in ids:
        message = f"expected the id of a formula, found {shown(text)}"
        draft.toml.refuse(("loss",), message, nearest(text, ids), offset=0)
    draft.words.loss = name_of(text)


def _decimal(toml: Toml, path: Path) -> str:
    """A decimal number in quotes, its digits kept."""
    if isinstance(toml.get(path), int | float):
        hint = f'put quotes around it, "{toml.raw(path)[:40]}": its digits matter'
        toml.expected(path, "a decimal number in quotes", hint)
    text = toml.string(path, "a decimal number in quotes").strip(" ")
    for character in text:
        if not " " <= character <= "~":
            message = f"expected a decimal number, found {called(character)}"
            toml.refuse(path, message, offset=toml.string(path).index(character))
    match = _DECIMAL.fullmatch(text)
    if not match:
        message = f"expected a decimal number, found {shown(text)}"
        toml.refuse(path, message, 'such as "0.5" or "-1.25e-3"', offset=0)
    exponent = match[1] or "0"
    if len(text) > 400 or len(exponent) > 4 or abs(int(exponent)) > 400:
        message = "expected at most 400 digits and an exponent of at most 400"
        toml.refuse(path, message, offset=0)
    return text


def _values(draft: Draft) -> None:
    """`[values]`: id = "decimal", for leaves alone."""
    for name in draft.toml.table(("values",)):
        path = ("values", name)
        known = draft.words.name(path, name)
        if not draft.words.known[name]:
            message = f"{name} is computed from the others: expected values of leaves"
            draft.toml.refuse(path, message, key=True)
        draft.values[known] = Rational(_decimal(draft.toml, path))


def _update(draft: Draft) -> None:
    """`[update]`: the learning rate of w' = w - rate·dJ/dw."""
    draft.toml.table(("update",), ("learning_rate",))
    draft.learning_rate = Rational(_decimal(draft.toml, ("update", "learning_rate")))


def _derive(draft: Draft) -> None:
    """`[derive]`: wrt, by, lemmas."""
    toml = draft.toml
    table = toml.table(("derive",), ("wrt", "by", "lemmas"))
    if "wrt" in table:
        wrt: dict[Name, None] = {}
        path = ("derive", "wrt")
        for place in toml.items(path, "ids", 1, MAX_VALUES):
            text = toml.string((*path, place), "an id in quotes")
            wrt[draft.words.name((*path, place), text, 0)] = None
        draft.wrt = tuple(wrt)
    if "by" in table:
        draft.by = toml.choice(("derive", "by"), "a strategy", STRATEGIES)
    if "lemmas" in table:
        path = ("derive", "lemmas")
        places = toml.items(path, "names of examples", 1, 100)
        what = "another shipped example"
        draft.lemmas = tuple(
            toml.choice((*path, n), what, draft.shipped) for n in places
        )


def _notation(draft: Draft) -> None:
    """`[notation]`: a pack, and labels.ID in LaTeX or by language."""
    toml = draft.toml
    table = toml.table(("notation",), ("pack", "labels"))
    if "pack" in table:
        draft.pack = toml.choice(("notation", "pack"), "a notation", PACKS)
    path = ("notation", "labels")
    known = {**draft.words.known, **draft.words.functions}
    for name, value in (toml.table(path) if "labels" in table else {}).items():
        if name not in known:
            message = f"unknown id {shown(name)}"
            toml.refuse((*path, name), message, nearest(name, known), key=True)
        if isinstance(value, dict):
            row = toml.table((*path, name), (*LANGUAGES, "latex"))
            label = {key: toml.prose((*path, name, key), 200) for key in row}
        else:
            label = {"latex": toml.prose((*path, name), 200)}
        if "latex" in label:
            where = (*path, name, "latex") if isinstance(value, dict) else (*path, name)
            _check_latex(toml, where, label["latex"])
        draft.labels[name] = MappingProxyType(label)


def _check_latex(toml: Toml, path: Path, label: str) -> None:
    """Refuse a label that would reach beyond itself: open braces, $, %, #, &."""
    level = 0
    for mark in re.findall(r"\\.|[{}$%#&]", label):
        level += (mark == "{") - (mark == "}")
        if mark in "$%#&" or level < 0:
            break
    else:
        if not level and not label.endswith("\\"):
            return
    message = "expected a piece of LaTeX with closed braces and without $, %, #, &"
    toml.refuse(path, f"{message}, found {shown(label)}")


def _assumptions(draft: Draft) -> None:
    """`[assumptions]`: facts, a list of relations."""
    draft.toml.table(("assumptions",), ("facts",))
    path = ("assumptions", "facts")
    draft.assumptions = tuple(
        fact
        for place in draft.toml.items(path, "relations", 1, MAX_FORMULAS)
        for fact in draft.words.assumptions((*path, place))
    )


def _lines(draft: Draft) -> None:
    """`[[lines]]`: of, chain, for, title."""
    places = draft.toml.items(("lines",), "[[lines]] tables", 1, MAX_FORMULAS)
    draft.lines = tuple(_chain(draft, ("lines", place)) for place in places)


def _chain(draft: Draft, path: Path) -> Lines:
    """One author's chain."""
    toml, words = draft.toml, draft.words
    table = toml.table(path, ("of", "chain", "for", "title"))
    indices: dict[str, tuple[int, ...]] = {}
    for letter in toml.table((*path, "for")) if "for" in table else ():
        row = (*path, "for", letter)
        if not _LETTER.fullmatch(letter) or letter in words.known:
            message = f"expected a letter that is no id, found {shown(letter)}"
            toml.refuse(row, message, key=True)
        indices[letter] = tuple(
            toml.whole((*row, n), "an index", MAX_LAYERS)
            for n in toml.items(row, "indices", 1, MAX_LAYERS)
        )
    of = words.quantity((*path, "of"), indices) if "of" in table else None
    entries = (*path, "chain")
    rows = [
        (*entries, n)
        for n in toml.items(entries, "lines", 2 - ("of" in table), MAX_CHAIN)
    ]
    return Lines(
        of,
        tuple(words.formula(row, indices) for row in rows),
        tuple(toml.place(row) for row in rows),
        MappingProxyType(indices),
        _titles(toml, (*path, "title")) if "title" in table else MappingProxyType({}),
    )


def _claims(draft: Draft) -> None:
    """`[[claims]]`: quantity, formula or printed, where, expect."""
    places = draft.toml.items(("claims",), "[[claims]] tables", 1, MAX_VALUES)
    draft.claims = tuple(_claim(draft, ("claims", place)) for place in places)


def _claim(draft: Draft, path: Path) -> Claim:
    """One claim."""
    toml, words = draft.toml, draft.words
    known = ("quantity", "formula", "printed", "where", "expect")
    table = toml.table(path, known)
    if ("formula" in table) == ("printed" in table):
        toml.refuse(path, "expected one of formula and printed in a claim")
    of = words.quantity((*path, "quantity"))
    if "expect" in table:
        toml.choice((*path, "expect"), '"wrong"', ("wrong",))
    return Claim(
        toml.string((*path, "quantity")).strip(),
        of,
        words.formula((*path, "formula")) if "formula" in table else None,
        _decimal(toml, (*path, "printed")) if "printed" in table else None,
        toml.prose((*path, "where"), 500) if "where" in table else "",
        "wrong" if "expect" in table else None,
        toml.place(path),
    )


READERS: Mapping[str, Callable[[Draft], None]] = MappingProxyType(
    {
        "title": _title,
        "source": _source,
        "functions": _functions,
        "network": _network,
        "formulas": _formulas,
        "loss": _loss,
        "values": _values,
        "update": _update,
        "derive": _derive,
        "notation": _notation,
        "assumptions": _assumptions,
        "lines": _lines,
        "claims": _claims,
    }
)
"""One row a table of the file, in the order in which they are read."""
