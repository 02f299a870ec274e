"""`[[samples]]`, `[training]` and `[[networks]]`: the data, how to learn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Literal

from symbackprop.errors import Place
from symbackprop.examples.pieces import decimal, layers, titles
from symbackprop.examples.quantities import Quantities
from symbackprop.examples.toml_file import Toml, shown
from symbackprop.examples.toml_places import Path
from symbackprop.formula.tree import Name
from symbackprop.network import MAX_UNITS, Network
from symbackprop.ops.optimizers import OPTIMIZERS

MAX_SAMPLES = 5000
MAX_ITERATIONS = 10_000_000
MAX_SEED = 2**32 - 1
MAX_RATES = 8
MAX_NETWORKS = 8

_COMMON = (
    "method",
    "learning_rate",
    "epochs",
    "iterations",
    "batch",
    "shuffle",
    "seed",
    "init",
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its numbers by id; what it is for."""

    values: Mapping[Name, Rational]
    split: Literal["training", "validation"]
    place: Place


@dataclass(frozen=True, slots=True)
class Init:
    """How parameters without values are drawn: within ±scale, or with that spread."""

    distribution: Literal["uniform", "normal"]
    scale: Rational


@dataclass(frozen=True, slots=True)
class Training:
    """How to learn. `batch` None is all samples; `settings` are the method's numbers.

    Several learning rates are several runs. `epochs` or `iterations` is None.
    """

    method: str
    learning_rates: tuple[Rational, ...]
    settings: Mapping[str, Rational]
    epochs: int | None
    iterations: int | None
    batch: int | None
    shuffle: bool
    seed: int
    init: Init | None
    place: Place


@dataclass(frozen=True, slots=True)
class Compared:
    """Another network that learns the same samples; its title may be empty."""

    title: Mapping[str, str]
    network: Network


def samples(toml: Toml, words: Quantities) -> tuple[Sample, ...]:
    """`[[samples]]`: id = "decimal" or family = ["decimal", …]; split."""
    found: list[Sample] = []
    for place in toml.items(("samples",), "[[samples]] tables", 1, MAX_SAMPLES):
        path = ("samples", place)
        sample = _sample(toml, words, path)
        if found and set(sample.values) != set(found[0].values):
            odd = sorted(n.id for n in set(sample.values) ^ set(found[0].values))
            message = "expected values for the same ids as in the first sample"
            toml.refuse(path, message, "look at " + ", ".join(odd[:12]))
        found.append(sample)
    if all(sample.split == "validation" for sample in found):
        toml.refuse(("samples",), "expected a sample to train on, found none")
    return tuple(found)


def _sample(toml: Toml, words: Quantities, path: Path) -> Sample:
    """One sample."""
    values: dict[Name, Rational] = {}
    for key, value in toml.table(path).items():
        if key == "split":
            continue
        row = (*path, key)
        entries: list[tuple[str, Path]] = [(key, row)]
        if isinstance(value, list):
            count = len(toml.items(row, "decimals", 1, MAX_UNITS))
            entries = [(f"{key}{n + 1}", (*row, n)) for n in range(count)]
        for text, entry in entries:
            known = words.name(entry, text)
            if not words.known[text]:
                message = f"{text} is computed from the others: expected inputs"
                toml.refuse(row, message, key=True)
            if known in values:
                toml.refuse(row, f"{text} is given twice", key=True)
            values[known] = Rational(decimal(toml, entry))
    if not values:
        toml.refuse(path, "expected the numbers of a sample, found none")
    split: Literal["training", "validation"] = "training"
    if toml.get((*path, "split")) is not None:
        options = ("training", "validation")
        if toml.choice((*path, "split"), "a split", options) == "validation":
            split = "validation"
    return Sample(MappingProxyType(values), split, toml.place(path))


def training(toml: Toml, learning_rate: Rational | None) -> Training:
    """`[training]`; `learning_rate` is that of `[update]`."""
    path = ("training",)
    keys = {s.key: row.name for row in OPTIMIZERS.values() for s in row.settings}
    table = toml.table(path, (*_COMMON, *keys))
    method = "gradient descent"
    if "method" in table:
        method = toml.choice((*path, "method"), "a method", OPTIMIZERS)
    row = OPTIMIZERS[method]
    settings = {s.key: Rational(s.default) for s in row.settings}
    for key in keys.keys() & table.keys():
        if key not in settings:
            message = f"{key} belongs to {keys[key]}, not to {method}"
            toml.refuse((*path, key), message, key=True)
        settings[key] = _bounded(toml, (*path, key), below=1)
    if "epochs" in table and "iterations" in table:
        toml.refuse((*path, "iterations"), "expected one of epochs and iterations")
    counts = {
        key: toml.whole((*path, key), f"a whole number of {key}", MAX_ITERATIONS)
        for key in ("epochs", "iterations")
        if key in table
    }
    counts = counts or {"epochs": 1}
    shuffle = _flag(toml, (*path, "shuffle")) if "shuffle" in table else False
    init = _init(toml, (*path, "init")) if "init" in table else None
    if (shuffle or init) and "seed" not in table:
        toml.expected((*path, "seed"), "a whole number, so that chance can be repeated")
    seed = 0
    if "seed" in table:
        seed = toml.whole((*path, "seed"), "a whole number", MAX_SEED, 0)
    return Training(
        method,
        _rates(toml, path, learning_rate),
        MappingProxyType(settings),
        counts.get("epochs"),
        counts.get("iterations"),
        _batch(toml, (*path, "batch")) if "batch" in table else None,
        shuffle,
        seed,
        init,
        toml.place(path),
    )


def _rates(
    toml: Toml, path: Path, learning_rate: Rational | None
) -> tuple[Rational, ...]:
    """One learning rate or several; without any, that of [update]."""
    rate = (*path, "learning_rate")
    match toml.get(rate):
        case None if learning_rate is not None:
            return (learning_rate,)
        case list():
            places = toml.items(rate, "learning rates", 1, MAX_RATES)
            return tuple(_bounded(toml, (*rate, n), above=True) for n in places)
        case _:
            return (_bounded(toml, rate, above=True),)


def _bounded(
    toml: Toml, path: Path, *, above: bool = False, below: int | None = None
) -> Rational:
    """A decimal from 0 on; `above` 0, `below` a number."""
    text = decimal(toml, path)
    value = Rational(text)
    if value < 0 or (above and not value) or (below is not None and value >= below):
        what = "a number above 0" if above else "a number from 0"
        what += "" if below is None else f" to below {below}"
        toml.refuse(path, f"expected {what}, found {shown(text)[1:-1]}")
    return value


def _batch(toml: Toml, path: Path) -> int | None:
    """The number of samples in a batch; None for all of them."""
    if toml.get(path) == "full":
        return None
    return toml.whole(path, 'a whole number of samples or "full"', MAX_SAMPLES)


def _flag(toml: Toml, path: Path) -> bool:
    """True or false."""
    value = toml.get(path)
    if not isinstance(value, bool):
        toml.expected(path, "true or false")
    return value


def _init(toml: Toml, path: Path) -> Init:
    """`init`: distribution, scale."""
    toml.table(path, ("distribution", "scale"))
    options = ("uniform", "normal")
    word = toml.choice((*path, "distribution"), "a distribution", options)
    scale = _bounded(toml, (*path, "scale"))
    return Init("normal" if word == "normal" else "uniform", scale)


def compared(toml: Toml, network: Network) -> tuple[Compared, ...]:
    """`[[networks]]`: title, layers; inputs, loss and biases are the main one's."""
    found: list[Compared] = []
    for place in toml.items(("networks",), "[[networks]] tables", 1, MAX_NETWORKS):
        path = ("networks", place)
        table = toml.table(path, ("title", "layers"))
        title: Mapping[str, str] = MappingProxyType({})
        if "title" in table:
            title = titles(toml, (*path, "title"))
        rows = layers(toml, (*path, "layers"), network.inputs)
        if rows[-1].units != network.layers[-1].units:
            message = f"expected {network.layers[-1].units} outputs as in [network]"
            toml.refuse((*path, "layers"), f"{message}, found {rows[-1].units}")
        other = Network(network.inputs, rows, network.loss, network.biases)
        found.append(Compared(title, other))
    return tuple(found)
