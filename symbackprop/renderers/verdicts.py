"""What a report says of judged claims: plain rows in, sentences of one language out.

The rows carry keys and arguments; every word is chosen here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Literal, TypeAlias

from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Name, name_of
from symbackprop.numeric.worked import Link, literal
from symbackprop.renderers.document import Inline
from symbackprop.renderers.words import messages, phrase, word

MARKS: Mapping[str, str] = MappingProxyType(
    {"agrees": "✓", "differs": "✗", "undecided": "?"}
)
"""The sign before each outcome; the word stands beside it."""

SHOWN = 3
"""So many causes are told; JSON has all of them."""

SIDES = ("left side", "right side")
"""What a point says besides the values of quantities: the true side, the printed."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A mistake that explains a claim: its row, its arguments, how many it explains."""

    operator: str
    certain: bool
    arguments: Mapping[str, Formula | str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    count: int = 1


@dataclass(frozen=True, slots=True)
class Judged:
    """One claim with its verdict, as plain data.

    `number` counts the claims of an example from 1; `root` is the number of the claim
    that an inherited one follows from, 0 for none, and `root_claim` says that one.
    `operands` are what it was computed from, each with its digits or formula;
    `rational` is the true value where it is one.
    """

    number: int
    quantity: str
    of: Formula
    printed: str
    formula: Formula | None
    where: str
    outcome: Literal["agrees", "differs", "undecided"]
    kind: str
    closer: str
    expected: str
    true: Formula | None
    exact: str
    rational: Rational | None
    root: int
    root_quantity: str
    root_claim: Inline
    operands: tuple[tuple[Formula, Formula], ...]
    carried: str
    right_to: int | None
    convention: str
    reason: str
    detail: str
    point: Mapping[str, Link]
    causes: tuple[Reason, ...]
    expect: str
    met: bool
    later: str
    file: str
    line: int

    @property
    def here(self) -> bool:
        """Whether the claim is about the page's own numbers, before any training."""
        return not self.later

    @property
    def said(self) -> str:
        """The claim as an equation, as the book prints it."""
        return f"{self.quantity} = {self.printed}"

    def valued(self, digits: str) -> str:
        """The quantity with true digits: = where they are all of it, else ≈."""
        whole = self.formula is not None or (
            self.rational is not None and self.rational == Rational(digits)
        )
        return f"{self.quantity} {'=' if whole else '≈'} {digits}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One example with all its judged claims, in file order."""

    name: str
    title: str
    source: str
    rows: tuple[Judged, ...]

    @property
    def first(self) -> Judged | None:
        """The first claim in reading order that differs and follows from no other."""
        return next((r for r in self.rows if r.outcome == "differs"), None)

    def following(self, row: Judged) -> tuple[Judged, ...]:
        """What follows from a claim."""
        return tuple(other for other in self.rows if other.root == row.number)


Say: TypeAlias = Mapping[str, "str | Formula | Inline"]


def kind_word(row: Judged, language: str) -> str:
    """The kind in words, said more closely where that is known."""
    kind = row.kind
    if row.formula is not None and kind in ("exact", "wrong"):
        kind = "proved equal" if kind == "exact" else "refuted"
    said = word("verdict", kind, language)
    if row.closer and row.closer != "other":
        said += f" ({word('closer', row.closer, language)})"
    return said


def why(row: Judged, language: str) -> list[Inline]:
    """What else there is to say, one statement each."""
    found: list[Inline] = []

    def say(key: str, **arguments: "str | Formula | Inline") -> None:
        found.append(phrase("claims", key, language, arguments))

    if row.outcome == "undecided":
        say(row.reason, detail=row.detail)
        return found
    if row.outcome == "differs":
        say("should_read", right=right_form(row) or row.expected)
    operands = listed((quantity, "=", value) for quantity, value in row.operands)
    if row.kind == "carried":
        say("carried_from", operands=operands)
    elif row.kind == "inherited":
        say("follows_from", root=row.root_claim)
    elif row.carried:
        say("or_carried", digits=literal(row.carried), operands=operands)
    if row.right_to == 1:
        say("right_to_one")
    elif row.right_to is not None and row.right_to > 1:
        say("right_to", places=str(row.right_to))
    if row.convention:
        say("under", convention=word("convention", row.convention, language))
    if row.point:
        say("refuted_at", **_point(row))
    for cause in row.causes[:SHOWN]:
        key = "because" if cause.certain else "possibly"
        say(key, cause=cause_said(cause, language))
    more = len(row.causes) - SHOWN
    if more == 1:
        say("more_causes_one")
    elif more > 1:
        say("more_causes", count=str(more))
    return found


def printed_form(row: Judged) -> Formula:
    """What the book prints, as a form: its own digits, or its formula."""
    return literal(row.printed) if row.formula is None else row.formula


def right_form(row: Judged) -> Formula | None:
    """What is true, as a form: digits at the printed place, or the right formula."""
    if row.formula is not None:
        return row.true
    return literal(row.expected) if row.expected else None


def listed(rows: Iterable[tuple[Formula, str, Formula]]) -> Inline:
    """Quantities with sign and value, one after the other."""
    parts: list[str | Formula] = []
    for quantity, sign, value in rows:
        parts += [", " if parts else "", quantity, f" {sign} ", value]
    return tuple(parts)


def _point(row: Judged) -> dict[str, Inline]:
    """Where a formula fails, and both sides there."""
    left, right = (row.point[side] for side in SIDES)
    at = ((name_of(k), v.relation, v.form) for k, v in row.point.items())
    return {
        "at": listed(leaf for leaf in at if leaf[0].id not in SIDES),
        "left": listed([(row.of, left.relation, left.form)]),
        "right": (f"{right.relation} ", right.form),
    }


def cause_said(cause: Reason, language: str) -> Inline:
    """A mistake in words, with how many claims it explains if there are several.

    Of two at once, the second one's arguments end on _2.
    """
    first, both, second = cause.operator.partition(" & ")
    said = _mistake_said(first, cause.arguments, language)
    if both:
        ends = len("_2")
        others = {k[:-ends]: v for k, v in cause.arguments.items() if k.endswith("_2")}
        parts = {"first": said, "second": _mistake_said(second, others, language)}
        said = phrase("causes", "both", language, parts)
    if cause.count > 1:
        count = {"count": str(cause.count)}
        said += (" ", *phrase("claims", "explains", language, count))
    return said


def _mistake_said(
    name: str, arguments: Mapping[str, Formula | str], language: str
) -> Inline:
    """One mistake in words; one without words of its own was made in several lines."""
    table = messages()["causes"]
    digits = arguments.get("digits")
    if isinstance(digits, str):
        arguments = {**arguments, "digits": literal(digits)}
    if name in table:
        return phrase("causes", name, language, arguments)
    base = name.removesuffix(" throughout")
    if base not in table:
        return (name,)
    once = phrase("causes", base, language, arguments)
    return phrase("causes", "throughout", language, {"cause": once})


def plain(parts: Inline) -> str:
    """Words and formulas as one plain text over ids."""
    return "".join(p if isinstance(p, str) else plain_form(p) for p in parts)


def plain_form(form: Formula) -> str:
    """A formula as a file writes it: dJ/dw1_1_1 and w1_1_1' for these quantities."""
    match form:
        case Derivative("D", Name() as of, by):
            return f"d{of.id}/d{by.id}"
        case Call("new", (Name() as name,)):
            return f"{name.id}'"
        case _:
            return text_of(form)


def counted(rows: Sequence[Judged], language: str) -> str:
    """How many of each kind, in one line."""
    kinds = {
        kind: [row for row in rows if row.kind == kind]
        for kind in messages()["verdict"]
        if kind not in ("proved equal", "refuted")
    }
    parts = [
        f"{len(own)} {word('verdict', kind, language)}{_expected(own, language)}"
        for kind, own in kinds.items()
        if own
    ]
    total = "total_one" if len(rows) == 1 else "total"
    line = word("claims", total, language).format(count=len(rows))
    return line + (": " + ", ".join(parts) if parts else "")


def _expected(rows: Sequence[Judged], language: str) -> str:
    """How many of a kind are what the file expects, or are not what it expects."""
    said = [
        word("claims", whole if n == len(rows) else part, language).format(count=n)
        for met, whole, part in (
            (True, "as_expected", "some_as_expected"),
            (False, "not_expected", "some_not_expected"),
        )
        if (n := sum(bool(row.expect) and row.met is met for row in rows))
    ]
    return f" ({', '.join(said)})" if said else ""
