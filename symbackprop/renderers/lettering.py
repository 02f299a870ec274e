"""How a name is lettered: base, indices, layer, in LaTeX, in Unicode, in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from symbackprop.formula.tree import Idx, Index, Name, name_of
from symbackprop.notation import NOTATIONS, Notation
from symbackprop.ops.table import OPS

Target: TypeAlias = Literal["latex", "text", "words"]

GREEK = {
    "alpha": "α",
    "beta": "β",
    "gamma": "γ",
    "delta": "δ",
    "epsilon": "ε",
    "eta": "η",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",
    "rho": "ρ",
    "sigma": "σ",
    "tau": "τ",
    "phi": "φ",
    "psi": "ψ",
    "omega": "ω",
    "pi": "π",
}
_SUBSCRIPT = str.maketrans(
    "0123456789aeijklmnoprstuvx,+-", "₀₁₂₃₄₅₆₇₈₉ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ,₊₋"
)
_SUPERSCRIPT = str.maketrans("0123456789()+-ijklmn", "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾⁺⁻ⁱʲᵏˡᵐⁿ")
_LAYERED = frozenset({("w", 3), ("b", 2), ("z", 2), ("h", 2), ("delta", 2)})


@dataclass(frozen=True, slots=True)
class Context:
    """What lettering depends on: the notation, labels by id, the network's shape.

    `depth` is the number of layers with weights, 0 for formulas. `one_variable`
    writes d for every derivative.
    """

    notation: Notation = NOTATIONS["sources"]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    depth: int = 0
    layer_biases: bool = False
    one_variable: bool = False
    language: str = "en"

    def layered(self, name: Name) -> bool:
        """Whether a name's first index is its layer."""
        key = (name.base, len(name.indices))
        if key == ("b", 1):
            return self.layer_biases
        return key in _LAYERED


def is_word(name: Name, context: Context) -> bool:
    """Whether a name is set as a word of several letters."""
    label = context.labels.get(name.id, {})
    if "latex" in label:
        return False
    if label:
        return True
    base = _base(name, context)
    return len(base) > 1 and base not in GREEK and not _hatted(base)


def _base(name: Name, context: Context) -> str:
    """A name's letter; a notation's own letters are for networks alone."""
    return (
        context.notation.letters.get(name.base, name.base)
        if context.depth
        else (name.base)
    )


def _hatted(base: str) -> bool:
    """yhat is a y with a hat."""
    return len(base) == len("yhat") and base.endswith("hat")


def lettered(name: Name, context: Context, target: Target) -> str:
    """A name in LaTeX, in Unicode text or in spoken words."""
    label = context.labels.get(name.id, {})
    given = label.get(context.language, label.get("en"))
    if target == "latex" and "latex" in label:
        return label["latex"]
    if given is not None and (target != "latex" or "latex" not in label):
        return rf"\text{{{_escaped(given)}}}" if target == "latex" else given
    layer, lower = _split(name, context)
    base = _base(name, context)
    if target == "latex":
        return _latex(base, lower, layer, context)
    if target == "text":
        return _text(base, lower, layer, context)
    return _words(base, lower, layer, context)


def _split(name: Name, context: Context) -> tuple[Index | None, tuple[Index, ...]]:
    """The layer number as the notation counts it, and the other indices in order."""
    row = context.notation
    shift = row.first_layer - 1
    if (
        name.base == "o"
        and len(name.indices) == 1
        and row.output_layered
        and context.depth
    ):
        return context.depth + shift, name.indices
    if not context.layered(name):
        return None, name.indices
    layer, lower = name.indices[0], name.indices[1:]
    layer = (
        layer + shift
        if isinstance(layer, int)
        else Idx(layer.name, layer.shift + shift)
    )
    if name.base == "w" and row.weight_order == "to_from":
        lower = lower[::-1]
    return layer, lower


def _index(index: Index) -> str:
    """An index as text."""
    if isinstance(index, int):
        return str(index)
    return index.name + (f"{index.shift:+d}" if index.shift else "")


def _run(indices: tuple[Index, ...]) -> str:
    """Several indices side by side, with commas where digits would run together."""
    parts = [_index(index) for index in indices]
    return ("," if any(len(part) > 1 for part in parts) else "").join(parts)


def _escaped(text: str) -> str:
    r"""A label inside \text{…}: no character may leave it."""
    return "".join(
        character if character.isalnum() or character in " .,:;!?'()+-=/·ˆ" else " "
        for character in text
    )


def _latex(
    base: str, lower: tuple[Index, ...], layer: Index | None, context: Context
) -> str:
    """Base, subscript, superscript in LaTeX."""
    if base in GREEK:
        symbol = f"\\{base}"
    elif _hatted(base):
        symbol = rf"\hat{{{base[0]}}}"
    elif len(base) > 1:
        symbol = rf"\text{{{_escaped(base.replace('_', ' '))}}}"
    else:
        symbol = base
    run = _run(lower)
    sub = "" if not run else f"_{run}" if len(run) == 1 else f"_{{{run}}}"
    if layer is None:
        return symbol + sub
    number = _index(layer)
    inner = f"({number})" if context.notation.layer == "bracketed" else number
    sup = f"^{inner}" if len(inner) == 1 else f"^{{{inner}}}"
    return symbol + sub + sup


def _text(
    base: str, lower: tuple[Index, ...], layer: Index | None, context: Context
) -> str:
    """Base, subscript, superscript in Unicode."""
    if base in GREEK:
        symbol = GREEK[base]
    elif _hatted(base):
        symbol = base[0] + "̂"
    else:
        symbol = base.replace("_", " ")
    result = symbol + _run(lower).translate(_SUBSCRIPT)
    if layer is not None:
        number = _index(layer)
        inner = f"({number})" if context.notation.layer == "bracketed" else number
        result += inner.translate(_SUPERSCRIPT)
    return result


_SYMBOLS = {"Max": (r"\max", "max"), "erf": (r"\operatorname{erf}", "erf")}


def function_symbol(function: str, context: Context, target: Target) -> str:
    """How a function is written in front of its arguments."""
    if function in _SYMBOLS:
        return _SYMBOLS[function][target != "latex"]
    if function not in OPS:
        return lettered(name_of(function), context, target)
    if target == "latex":
        return OPS[function].symbol
    return "σ" if function == "sigmoid" else function


def superscript(text: str) -> str | None:
    """A text in Unicode superscripts, None where a character has none."""
    moved = text.replace("−", "-").translate(_SUPERSCRIPT)
    return moved if all(ord(c) > 127 or c == "," for c in moved) else None


def _words(
    base: str, lower: tuple[Index, ...], layer: Index | None, context: Context
) -> str:
    """A name as it is read aloud."""
    symbol = f"{base[0]} hat" if _hatted(base) else base.replace("_", " ")
    parts = [symbol, *(_index(index) for index in lower)]
    if layer is not None:
        word = {"ko": "층"}.get(context.language)
        parts.append(f"{_index(layer)}{word}" if word else f"layer {_index(layer)}")
    return " ".join(parts)
