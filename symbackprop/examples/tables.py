"""The tables of a worked example file, one reader a row.

Each reader takes its table out of the file, checks it, and fills in the draft.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from types import MappingProxyType

from symbackprop.errors import Place
from symbackprop.examples.claims_table import Claim, claims_of
from symbackprop.examples.pieces import LANGUAGES, decimal, layers, titles
from symbackprop.examples.quantities import Quantities, checked_id, network_ids
from symbackprop.examples.toml_file import Toml, nearest, shown
from symbackprop.examples.toml_places import MAX_VALUES, Path
from symbackprop.examples.training_tables import (
    Compared,
    Sample,
    Training,
    compared,
    samples,
    training,
)
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Name, name_of, names_in
from symbackprop.network import LOSSES, MAX_LAYERS, MAX_UNITS, Biases, Network
from symbackprop.notation import NOTATIONS

MAX_FORMULAS = 500
MAX_CHAIN = 200
MAX_ARGUMENTS = 8

PACKS = tuple(NOTATIONS)
STRATEGIES = ("backprop", "paths", "authored", "calculus")

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
        self.samples: tuple[Sample, ...] = ()
        self.training: Training | None = None
        self.networks: tuple[Compared, ...] = ()


def _title(draft: Draft) -> None:
    """`title.en`, `title.ko`."""
    draft.title = titles(draft.toml, ("title",))


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
    rows = layers(toml, (*path, "layers"), inputs)
    loss = toml.choice((*path, "loss"), "a loss", LOSSES)
    biases: Biases = "unit"
    if "biases" in table:
        biases = _biases(toml, (*path, "biases"))
    draft.network = Network(inputs, rows, loss, biases)
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


def _values(draft: Draft) -> None:
    """`[values]`: id = "decimal", for leaves alone."""
    for name in draft.toml.table(("values",)):
        path = ("values", name)
        known = draft.words.name(path, name)
        if not draft.words.known[name]:
            message = f"{name} is computed from the others: expected values of leaves"
            draft.toml.refuse(path, message, key=True)
        draft.values[known] = Rational(decimal(draft.toml, path))


def _update(draft: Draft) -> None:
    """`[update]`: the learning rate of w' = w - rate·dJ/dw."""
    draft.toml.table(("update",), ("learning_rate",))
    draft.learning_rate = Rational(decimal(draft.toml, ("update", "learning_rate")))


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
        titles(toml, (*path, "title")) if "title" in table else MappingProxyType({}),
    )


def _claims(draft: Draft) -> None:
    """`[[claims]]`, or the name of a CSV table of them."""
    draft.claims = claims_of(draft.toml, draft.words)


def _samples(draft: Draft) -> None:
    """`[[samples]]`: the data, one table a sample."""
    draft.samples = samples(draft.toml, draft.words)


def _training(draft: Draft) -> None:
    """`[training]`: how the parameters are trained."""
    draft.training = training(draft.toml, draft.learning_rate)


def _networks(draft: Draft) -> None:
    """`[[networks]]`: other networks that are compared with [network]."""
    if draft.network is None:
        message = "[[networks]] goes with [network] alone"
        draft.toml.refuse(("networks",), message, key=True)
    draft.networks = compared(draft.toml, draft.network)


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
        "samples": _samples,
        "training": _training,
        "networks": _networks,
        "derive": _derive,
        "notation": _notation,
        "assumptions": _assumptions,
        "lines": _lines,
        "claims": _claims,
    }
)
"""One row a table of the file, in the order in which they are read."""
