"""One printed formula: proved equal, refuted at a point, or a right step on an error.

The kernel proves. What it does not prove is refuted by the example's own numbers or at
a point that the kernel finds; all else is undecided.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational
from typing import Literal

from flint import arb

from symbackprop.claims.context import Context, plain_key
from symbackprop.claims.printed import fraction_of
from symbackprop.claims.truth import exchanged
from symbackprop.claims.values import Data, Key, Values
from symbackprop.claims.verdict import Operand, Verdict
from symbackprop.errors import InputError, TooLarge
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Minus,
    Name,
    Sum,
    name_of,
    number,
)
from symbackprop.kernel.equality import compared
from symbackprop.numeric.point import decimal_of
from symbackprop.numeric.program import atoms_of
from symbackprop.numeric.worked import Link, literal
from symbackprop.ops.table import OPS

MAX_SIZE = 3000
"""Forms of more nodes are not written out to be compared."""
DIGITS = 20
"""So many digits the kernel gives of the sides of a point."""

PRECISIONS = (128, 1024)
SHOWN = (8, 16, 32, 64)
"""So many digits of both sides are shown: the first of these in which they differ."""


@dataclass(frozen=True, slots=True)
class Equality:
    """Whether two forms are equal, and where they are not."""

    outcome: Literal["proved", "refuted", "undecided"]
    point: Mapping[str, Link] = field(default_factory=dict[str, Link])


def formula_verdict(
    context: Context, index: int, verdicts: Sequence[Verdict]
) -> Verdict:
    """The verdict on a printed formula, given those on the claims before it."""
    claim = context.claims[index]
    assert claim.formula is not None
    said = context.resolved(claim.formula)
    forms = context.forms(claim.of) or (context.resolved(claim.of),)
    moment = context.moment(claim)
    true = context.shown(claim.of)
    found = equality(context, forms, said, context.point(moment))
    verdict = Verdict(claim, "exact", expected=text_of(true), true=true)
    if found.outcome == "proved":
        return verdict
    if _is_another_model(context, context.resolved(claim.of), said):
        detail = f"{claim.quantity} = {text_of(true)}"
        return replace(
            verdict, kind="undecided", reason="undecided_model", detail=detail
        )
    if found.outcome == "undecided":
        return replace(verdict, kind="undecided", reason="undecided_formula")
    verdict = replace(verdict, point=found.point)
    used = _on_errors(context, index, forms, said, verdicts)
    if used is not None:
        roots = {id(v.claim): v.root or v.claim for v in verdicts}
        root = roots[id(used[0].claim)]
        return replace(verdict, kind="inherited", root=root, operands=used)
    opposite = tuple(Minus(form) for form in forms)
    sign = equality(context, opposite, said).outcome == "proved"
    return replace(verdict, kind="wrong", closer="sign" if sign else "other")


def _is_another_model(context: Context, quantity: Formula, said: Formula) -> bool:
    """Whether a formula gives a unit another activation than the file does.

    That is another network, not an error that mathematics can see.
    """
    if not isinstance(quantity, Name) or quantity not in context.graph:
        return False
    node = context.graph.node(quantity)
    own = node.body.arguments[:1] if isinstance(node.body, Call) else (node.body,)
    return (
        node.role in ("activation", "output")
        and isinstance(said, Call)
        and said.function in OPS
        and said.arguments == own
    )


def _on_errors(
    context: Context,
    index: int,
    forms: Sequence[Formula],
    said: Formula,
    verdicts: Sequence[Verdict],
) -> tuple[Operand, ...] | None:
    """The earlier wrong formulas from which what is said follows by a right one."""
    claim = context.claims[index]
    moment = context.moment(claim)
    wrong: dict[Key, Operand] = {}
    for (key, operand), verdict in zip(context.earlier(index), verdicts, strict=True):
        if verdict.outcome == "differs" and operand.form is not None:
            wrong[key] = operand
    if not wrong:
        return None
    key = context.key(claim.of, moment)
    own = wrong.get(plain_key(key))
    if own is not None and own.form is not None:
        before = context.truth.resolved(own.form)
        before = Minus(before) if isinstance(key[0], Minus) else before
        if equality(context, (before,), said).outcome == "proved":
            return (own,)
    for form in forms:
        known: dict[Formula, Formula] = {}
        used: list[Operand] = []
        for atom in atoms_of(form):
            operand = wrong.get((context.truth.key(atom), moment))
            if operand is not None and operand.form is not None:
                known[atom] = context.truth.resolved(operand.form)
                used.append(operand)
        if used:
            step = exchanged(form, known)
            if equality(context, (step,), said).outcome == "proved":
                return tuple(used)
    return None


def equality(
    context: Context,
    forms: Sequence[Formula],
    said: Formula,
    point: Values | None = None,
) -> Equality:
    """Whether equal forms, of which one is enough, equal what is said."""
    if point is not None:
        shown = _refuted_at(context, forms[-1], said, point)
        if shown is not None:
            return Equality("refuted", shown)
    definitions = context.truth.definitions
    for left, right in _pairs(context, forms, said):
        judgement = compared(left, right, definitions)
        if judgement.outcome == "proved":
            return Equality("proved")
        if judgement.outcome == "refuted":
            shown = _shown_at(context, judgement.point, forms[-1], said)
            return Equality("refuted", shown)
    return Equality("undecided")


def _pairs(
    context: Context, forms: Sequence[Formula], said: Formula
) -> Iterator[tuple[Formula, Formula]]:
    """Both sides to compare: without derivatives, over the leaves, as they stand."""
    truth = context.truth
    for write in (truth.without_derivatives, truth.over_leaves):
        left, right = write(forms[-1], MAX_SIZE), write(said, MAX_SIZE)
        if left is not None and right is not None:
            yield left, right
    for form in reversed(forms):
        yield form, said


def _shown_at(
    context: Context, point: Mapping[str, str], form: Formula, said: Formula
) -> Mapping[str, Link]:
    """A point of the kernel's, shown by the values of what stands on both sides."""
    leaves = {
        name_of(key): Rational(text) for key, text in point.items() if " " not in key
    }
    left, right = (
        side
        if not any(isinstance(atom, Derivative) for atom in atoms_of(side))
        else context.truth.without_derivatives(side, MAX_SIZE)
        for side in (form, said)
    )
    shown = None
    if left is not None and right is not None:
        values = Values(context.truth, Data(leaves))
        shown = _refuted_at(context, left, right, values)
    return shown or _as_found(point)


def _as_found(point: Mapping[str, str]) -> dict[str, Link]:
    """What the kernel found: its leaves are exact, its sides have twenty digits."""
    exact = {key: Rational(text) for key, text in point.items()}
    found = {k: Link("=", number(v)) for k, v in exact.items() if " " not in k}
    sides = {k: fraction_of(v) for k, v in exact.items() if " " in k}
    tried = [
        {key: decimal_of(value, count) or "0" for key, value in sides.items()}
        for count in (*(n for n in SHOWN if n < DIGITS), DIGITS)
    ]
    digits = next((texts for texts in tried if len(set(texts.values())) > 1), tried[-1])
    return found | {key: Link("≈", literal(text)) for key, text in digits.items()}


def _refuted_at(
    context: Context, form: Formula, said: Formula, point: Values
) -> dict[str, Link] | None:
    """The example's own values, if the two sides differ there for certain."""
    difference = Sum((form, Minus(said)))
    try:
        if not _admits(context, point):
            return None
        for bits in PRECISIONS:
            value = point.value(difference, bits)
            if isinstance(value, arb):
                if not value.is_finite() or value.contains(0):
                    continue
            elif value == 0:
                return None
            return _shown(point, form, said)
    except (InputError, TooLarge):
        return None
    return None


def _admits(context: Context, point: Values) -> bool:
    """Whether the example's values meet every stated equation and inequality."""
    for fact in context.truth.definitions.assumptions:
        if fact.free:
            return False
        value = point.value(Sum((fact.left, Minus(fact.right))))
        if fact.relation == "=" and value != 0:
            return False
        if fact.relation == ">" and not value > 0:
            return False
        if fact.relation == "≠" and value == 0:
            return False
    return True


def _shown(point: Values, form: Formula, said: Formula) -> dict[str, Link]:
    """What both sides are over, and their values, in digits that tell them apart."""
    atoms = dict.fromkeys(a for side in (form, said) for a in atoms_of(side))
    names = {atom.id: atom for atom in atoms if isinstance(atom, Name)}
    forms = {**names, "left side": form, "right side": said}
    shown = dict[str, Link]()
    for count in SHOWN:
        shown = {word: _link(point, side, count) for word, side in forms.items()}
        sides = {text_of(shown[side].form) for side in ("left side", "right side")}
        if len(set(map(Rational, sides))) > 1:
            break
    return shown


def _link(point: Values, form: Formula, count: int) -> Link:
    """A value in so many digits, behind its sign."""
    digits, rational = point.digits(form, count)
    whole = rational is not None and rational == Rational(digits)
    return Link("=" if whole else "≈", literal(digits))
