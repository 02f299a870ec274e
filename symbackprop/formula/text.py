"""A form as Python-syntax text over ids, exactly readable back by `reader.read`.

Brackets are written wherever the tree nests what the text alone would flatten.
"""

from collections.abc import Callable
from typing import Final

from symbackprop.formula.binding import written_out
from symbackprop.formula.tree import (
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
)

SUM: Final = 1
PRODUCT: Final = 2
POWER: Final = 3
ATOM: Final = 4


def text_of(
    formula: Formula,
    *,
    derivative: Callable[[Derivative], str] | None = None,
    write_sums_out: bool = False,
) -> str:
    """The Python-syntax text of a form.

    `derivative` may give another text for D and P (an id that stands for an error
    term); `write_sums_out` replaces each Σ of known length by its terms.
    """

    def spelt(node: Formula) -> tuple[str, int]:
        """The text of a node and how tightly it binds."""
        match node:
            case Num(digits):
                return digits, ATOM
            case Name():
                return node.id, ATOM
            case Sum(terms):
                return _joined_terms([(t, wrap) for t in terms]), SUM
            case Product(factors):
                first = wrap(factors[0], PRODUCT, also=Product)
                rest = [wrap(factor, POWER) for factor in factors[1:]]
                return "*".join([first, *rest]), PRODUCT
            case Minus(body):
                return "-" + wrap(body, PRODUCT), SUM
            case Fraction(top, bottom):
                return f"{wrap(top, PRODUCT)}/{wrap(bottom, POWER)}", PRODUCT
            case Power(base, exponent):
                return f"{wrap(base, ATOM)}**{wrap(exponent, ATOM)}", POWER
            case Call("pi", ()):
                return "pi", ATOM
            case Call(function, arguments, slope):
                inner = f"{function}({', '.join(spelt(a)[0] for a in arguments)})"
                if slope is None:
                    return inner, ATOM
                return f"slope({inner}, {slope + 1})", ATOM
            case Derivative(head, of, by):
                if derivative is not None:
                    return derivative(node), ATOM
                return f"{head}({spelt(of)[0]}, {by.id})", ATOM
            case Sigma(index, start, stop, body):
                if write_sums_out:
                    return spelt(written_out(node))
                bounds = f"{index}, {spelt(start)[0]}, {spelt(stop)[0]}"
                return f"Sum({spelt(body)[0]}, {bounds})", ATOM
            case Delta(left, right):
                return f"kronecker({_index(left)}, {_index(right)})", ATOM
            case _:
                raise TypeError(type(node).__name__)

    def wrap(node: Formula, least: int, also: type | None = None) -> str:
        """The text of a node, in brackets if it binds less tightly than `least`."""
        text, strength = spelt(node)
        if strength < least or (also is not None and isinstance(node, also)):
            return f"({text})"
        return text

    return spelt(formula)[0]


def _joined_terms(terms: list[tuple[Formula, Callable[[Formula, int], str]]]) -> str:
    """The terms of a sum with their signs between them."""
    parts: list[str] = []
    for position, (term, wrap) in enumerate(terms):
        if isinstance(term, Minus):
            sign = "-" if position == 0 else " - "
            parts.append(sign + wrap(term.body, PRODUCT))
        else:
            parts.append(("" if position == 0 else " + ") + wrap(term, PRODUCT))
    return "".join(parts)


def _index(index: Index) -> str:
    """An index as text."""
    if isinstance(index, Idx):
        return index.name + (f"{index.shift:+d}" if index.shift else "")
    return str(index)


def atom_id(form: Derivative) -> str:
    """The id of a total derivative that stands as a quantity of its own.

    delta1_2 for that of a loss by z1_2, dJ_dh1_1 for any other; the text of a
    partial one, or of one of a form.
    """
    if form.head != "D" or not isinstance(form.of, Name):
        return text_of(form)
    if form.by.base == "z" and form.by.indices and not form.of.indices:
        return Name("delta", form.by.indices).id
    return f"d{form.of.id}_d{form.by.id}"
