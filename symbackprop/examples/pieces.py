"""What several tables of a file share: titles, decimals, layers."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from symbackprop.examples.toml_file import Toml, called, shown
from symbackprop.examples.toml_places import Path
from symbackprop.formula.limits import ascii_hint
from symbackprop.network import (
    ACTIVATIONS,
    MAX_LAYERS,
    MAX_UNITS,
    MAX_WEIGHTS,
    Layer,
)

LANGUAGES = ("en", "ko")

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")


def titles(toml: Toml, path: Path) -> Mapping[str, str]:
    """A title in each language; English is required and stands in for the rest."""
    table = toml.table(path, LANGUAGES)
    if "en" not in table:
        toml.expected((*path, "en"), "the English title")
    english = toml.prose((*path, "en"), 200)
    korean = toml.prose((*path, "ko"), 200) if "ko" in table else english
    return MappingProxyType({"en": english, "ko": korean})


def decimal(toml: Toml, path: Path) -> str:
    """A decimal number in quotes, its digits kept."""
    if isinstance(toml.get(path), int | float):
        hint = f'put quotes around it, "{toml.raw(path)[:40]}": its digits matter'
        toml.expected(path, "a decimal number in quotes", hint)
    text = toml.string(path, "a decimal number in quotes").strip(" ")
    for character in text:
        if not " " <= character <= "~":
            message = f"expected a decimal number, found {called(character)}"
            offset = toml.string(path).index(character)
            toml.refuse(path, message, ascii_hint(character), offset=offset)
    match = _DECIMAL.fullmatch(text)
    if not match:
        message = f"expected a decimal number, found {shown(text)}"
        toml.refuse(path, message, 'such as "0.5" or "-1.25e-3"', offset=0)
    exponent = match[1] or "0"
    if len(text) > 400 or len(exponent) > 4 or abs(int(exponent)) > 400:
        message = "expected at most 400 digits and an exponent of at most 400"
        toml.refuse(path, message, offset=0)
    return text


def layers(toml: Toml, path: Path, inputs: int) -> tuple[Layer, ...]:
    """`layers`: a list of { units, activation }, bounded in weights."""
    found: list[Layer] = []
    width, weights = inputs, 0
    for place in toml.items(path, "layers", 1, MAX_LAYERS):
        row = (*path, place)
        toml.table(row, ("units", "activation"))
        units = toml.whole((*row, "units"), "a whole number of units", MAX_UNITS)
        activation = toml.choice((*row, "activation"), "an activation", ACTIVATIONS)
        found.append(Layer(units, activation))
        weights, width = weights + width * units, units
        if weights > MAX_WEIGHTS:
            toml.refuse(row, f"the network has more than {MAX_WEIGHTS:,} weights")
    return tuple(found)
