"""The letters that labels are set in: their widths, their extents, their outlines.

A shipped table of STIX Two Math (SIL Open Font License 1.1, see OFL.txt), so that a
picture measures and looks the same everywhere, with no font installed.
"""

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

EM = 1000
AXIS = 0.258
"""The height of the middle of + and of fraction bars, in ems."""

FALLBACK_ASCENT, FALLBACK_DESCENT = 0.9, 0.25
_WIDE, _NARROW = 0.95, 0.6


@dataclass(frozen=True, slots=True)
class Glyph:
    """One letter: advance and extents in ems, y upwards; its outline in font units."""

    advance: float
    left: float
    bottom: float
    right: float
    top: float
    outline: str


@cache  # a shipped file, read once
def glyphs() -> Mapping[str, Glyph]:
    """The table, by character."""
    text = files("symbackprop.drawing").joinpath("glyphs.json").read_text("utf-8")
    rows: dict[str, list[Any]] = json.loads(text)["glyphs"]
    return {
        character: Glyph(*(number / EM for number in row[:5]), outline=row[5])
        for character, row in rows.items()
    }


def covered(text: str) -> bool:
    """Whether every letter of a text is in the table."""
    return all(character in glyphs() for character in text)


def foreign_width(text: str) -> float:
    """The room in ems that a text in another font gets, and is fitted into."""
    return sum(map(_foreign, text))


def _foreign(character: str) -> float:
    """A full-width character is nearly an em; others get what most fonts need."""
    if unicodedata.combining(character):
        return 0.0
    wide = unicodedata.east_asian_width(character) in "WF"
    return _WIDE if wide else _NARROW


def italic(character: str) -> str:
    """A letter as mathematics slants it: x is 𝑥, σ is 𝜎, 1 stays 1."""
    special = {"h": "ℎ", "∂": "𝜕", "ϵ": "𝜖", "ϑ": "𝜗", "ϕ": "𝜙", "ϱ": "𝜚", "ϖ": "𝜛"}
    if character in special:
        return special[character]
    for first, last, start in (("A", "Z", 0x1D434), ("a", "z", 0x1D44E)):
        if first <= character <= last:
            return chr(start + ord(character) - ord(first))
    if "α" <= character <= "ω":
        return chr(0x1D6FC + ord(character) - ord("α"))
    return character
