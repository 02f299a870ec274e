"""What a row of the tables of activations and losses holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Op:
    """One activation y = f(x), as text over x (and y, its own output).

    `slope` is dy/dx as a book writes it; `range` bounds y (None: unbounded); `kinks`
    are the x without a derivative, where `convention` says what is used instead.
    `known` pairs an x with the exact or rounded y of a table, digits as printed.
    """

    name: str
    gloss: Mapping[str, str]
    definition: str
    slope: str
    symbol: str
    range: tuple[str | None, str | None] = (None, None)
    kinks: tuple[str, ...] = ()
    convention: str = ""
    known: tuple[tuple[str, str], ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """One output's part of a loss, as text over y, o and n (the number of outputs).

    `slope` is its derivative by o as a book writes it. `after` gives, by activation,
    the derivative by the pre-activation once that activation's slope has cancelled.
    """

    name: str
    gloss: Mapping[str, str]
    part: str
    slope: str
    after: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
