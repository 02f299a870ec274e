"""Where a long formula of numbers may be broken: before its factors, its terms."""

from dataclasses import dataclass, replace

from symbackprop.formula.tree import Formula, Minus, Num, Product, Sum, names_in, walk
from symbackprop.renderers.measure import measured
from symbackprop.renderers.spacing import tall
from symbackprop.renderers.typeset import Typesetter


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a formula as LaTeX, with the sign that ties it to the one before."""

    sign: str
    latex: str
    width: float


def pieces(form: Formula, typeset: Typesetter) -> list[Piece]:
    """A form cut where it may be broken.

    Joined, the parts are the form with a dot between all its factors.
    """
    sign, factors = _signed(form)
    if len(factors) > 1:
        texts = [_factor(factor, typeset) for factor in factors]
        texts[0] = sign + texts[0]
        signs = ["", *[r"\cdot "] * (len(factors) - 1)]
        parts = factors
    elif isinstance(form, Sum):
        signed = [("", typeset(form.terms[0]))]
        signed += [_term(term, typeset) for term in form.terms[1:]]
        signs, texts = map(list, zip(*signed, strict=True))
        parts = form.terms
    else:
        signs, texts, parts = [""], [typeset(form)], (form,)
    widths = [wide(part, typeset) + 2 for part in parts]
    return list(map(Piece, signs, texts, widths))


def wide(form: Formula, typeset: Typesetter) -> float:
    """The width of a form in average letters, brackets and dots of numbers counted."""
    if names_in(form):
        brackets = sum(
            isinstance(factor, Sum | Minus)
            for node in walk(form)
            if isinstance(node, Product)
            for factor in node.factors
        )
        return measured(form, typeset.context) + 2 * brackets
    return len(replace(typeset, target="text")(form))


def _signed(form: Formula) -> tuple[str, tuple[Formula, ...]]:
    """A product's sign in front and its factors, inner products opened."""
    if isinstance(form, Minus) and not isinstance(form.body, Num):
        sign, factors = _signed(form.body)
        return ("" if sign else "-"), factors
    if not isinstance(form, Product):
        return "", (form,)
    found: list[Formula] = []
    front = ""
    for place, factor in enumerate(form.factors):
        sign, inner = _signed(factor)
        if sign and place:
            found.append(factor)
            continue
        front = sign or front
        found += inner
    return front, tuple(found)


def _factor(form: Formula, typeset: Typesetter) -> str:
    """One factor, in brackets where it has a sign inside."""
    text = typeset(form)
    if not isinstance(form, Sum | Minus):
        return text
    return rf"\left({text}\right)" if tall(form) else f"({text})"


def _term(form: Formula, typeset: Typesetter) -> tuple[str, str]:
    """One term and its sign."""
    sign, inner = ("-", form.body) if isinstance(form, Minus) else ("+", form)
    text = typeset(inner)
    bracketed = isinstance(inner, Sum | Minus) or text.startswith("-")
    return sign, f"({text})" if bracketed else text


def in_rows(form: Formula, room: float, typeset: Typesetter) -> list[str]:
    """A form as rows of LaTeX that are not wider than the room, where they can be."""
    if wide(form, typeset) <= room:
        return [typeset(form)]
    rows: list[str] = []
    used = room
    for piece in pieces(form, typeset):
        if used + piece.width > room:
            rows.append("")
            used = 0.0
        rows[-1] += piece.sign + piece.latex
        used += piece.width
    return rows


def spaced(piece: Piece) -> str:
    """A part to stand alone: a sign in front of it keeps its room on both sides."""
    between = rf"\,{piece.sign}\," if piece.sign in ("+", "-") else piece.sign
    return between + piece.latex
