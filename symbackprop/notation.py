"""How quantities are lettered and indexed: books differ, graphs do not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from symbackprop.errors import InputError


@dataclass(frozen=True, slots=True)
class Notation:
    """One book's conventions.

    `weight_order`: whether w's indices run from-to or to-from. `layer`: how the layer
    number stands. `first_layer`: the number of the first layer with weights.
    `letters`: other letters for bases. `error_term`: ∂J/∂z written out, or as δ.
    `total`, `partial`: the signs of D and P. `output_layered`: o is the last h.
    """

    name: str
    gloss: Mapping[str, str]
    source: str
    weight_order: Literal["from_to", "to_from"] = "from_to"
    layer: Literal["bracketed", "plain"] = "bracketed"
    first_layer: int = 1
    letters: Mapping[str, str] = field(default_factory=dict)
    error_term: Literal["derivative", "delta"] = "derivative"
    total: Literal["∂", "d"] = "∂"
    partial: Literal["∂", "d"] = "∂"
    output_layered: bool = False


_ROWS = (
    Notation(
        "sources",
        {
            "en": "weights from i to j, h and o, ∂ throughout",
            "ko": "가중치는 i에서 j로, h와 o, 모두 ∂",
        },
        "Korea National Open University, Statistical Understanding of Deep Learning",
    ),
    Notation(
        "nielsen",
        {
            "en": "weights to j from k, activations a, the input is layer 1",
            "ko": "가중치는 k에서 j로, 활성값 a, 입력층이 1층",
        },
        "Nielsen, Neural Networks and Deep Learning (2015), chapter 2",
        weight_order="to_from",
        layer="plain",
        first_layer=2,
        letters={"h": "a", "o": "a", "J": "C", "L": "C"},
        error_term="delta",
        output_layered=True,
    ),
    Notation(
        "delta",
        {
            "en": "as the sources, with δ for the error terms",
            "ko": "출처 표기에 오차항은 δ",
        },
        "Bishop, Pattern Recognition and Machine Learning (2006), 5.3",
        error_term="delta",
    ),
    Notation(
        "strict",
        {
            "en": "as the sources, d for total and ∂ for partial derivatives",
            "ko": "출처 표기에 전미분은 d, 편미분은 ∂",
        },
        "Parr and Howard, The Matrix Calculus You Need For Deep Learning (2018)",
        total="d",
    ),
)

NOTATIONS = MappingProxyType({row.name: row for row in _ROWS})


def notation(name: str) -> Notation:
    """The row of a name. InputError that lists the names where there is none."""
    if name not in NOTATIONS:
        raise InputError(
            f"unknown notation {name!r}", hint="known: " + ", ".join(NOTATIONS)
        )
    return NOTATIONS[name]
