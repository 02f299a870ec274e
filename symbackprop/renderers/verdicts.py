"""What a report says of judged claims: plain rows in, sentences of one language out.

The rows carry keys and arguments; every word is chosen here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Name, name_of
from symbackprop.renderers.document import Inline
from symbackprop.renderers.words import messages, phrase, word

MARKS: Mapping[str, str] = MappingProxyType(
    {"agrees": "✓", "differs": "✗", "undecided": "?"}
)
"""The sign before each outcome; the word stands beside it."""

SHOWN = 3
"""So many causes are told; JSON has all of them."""


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
    that an inherited one follows from, 0 for none, with its words in `root_text`.
    `operands` are what it was computed from, each with its digits or formula.
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
    root: int
    root_quantity: str
    root_claim: Inline
    operands: tuple[tuple[Formula, str | Formula], ...]
    carried: str
    right_to: int | None
    convention: str
    reason: str
    detail: str
    point: Mapping[str, str]
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
        """The claim as an equation."""
        return f"{self.quantity} = {self.printed}"


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
        right: str | Formula = row.expected
        if row.formula is not None and row.true is not None:
            right = row.true
        say("should_read", right=right)
    operands = listed(row.operands)
    if row.kind == "carried":
        say("carried_from", operands=operands)
    elif row.kind == "inherited":
        say("follows_from", root=row.root_claim)
    elif row.carried:
        say("or_carried", digits=row.carried, operands=operands)
    if row.right_to is not None and row.right_to > 0:
        say("right_to", places=str(row.right_to))
    if row.convention:
        say("under", convention=word("convention", row.convention, language))
    if row.point:
        say("refuted_at", **_point(row.point))
    for cause in row.causes[:SHOWN]:
        key = "because" if cause.certain else "possibly"
        say(key, cause=cause_said(cause, language))
    if len(row.causes) > SHOWN:
        say("more_causes", count=str(len(row.causes) - SHOWN))
    return found


def listed(pairs: Iterable[tuple[Formula, str | Formula]]) -> Inline:
    """Quantities with their values, one after the other."""
    parts: list[str | Formula] = []
    for quantity, value in pairs:
        parts += [", " if parts else "", quantity, " = ", value]
    return tuple(parts)


def _point(point: Mapping[str, str]) -> dict[str, str | Inline]:
    """Where a formula fails, and both sides there."""
    sides = ("left side", "right side")
    at = listed((name_of(k), _short(v)) for k, v in point.items() if k not in sides)
    left, right = (_short(point.get(side, "")) for side in sides)
    return {"at": at, "left": left, "right": right}


def _short(digits: str) -> str:
    """A number with at most ten digits, for reading."""
    if "/" in digits or "." not in digits:
        return digits
    mantissa, mark, exponent = digits.partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    if len(mantissa) > 12:
        mantissa = mantissa[: max(mantissa.index(".") + 2, 11)] + "…"
    return mantissa + mark + exponent


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
        kind: sum(row.kind == kind for row in rows)
        for kind in messages()["verdict"]
        if kind not in ("proved equal", "refuted")
    }
    parts = [f"{n} {word('verdict', k, language)}" for k, n in kinds.items() if n]
    met = sum(bool(row.expect) and row.met for row in rows)
    missed = sum(bool(row.expect) and not row.met for row in rows)
    line = word("claims", "total", language).format(count=len(rows))
    line += ": " + ", ".join(parts) if parts else ""
    if met:
        line += " " + word("claims", "met", language).format(count=met)
    if missed:
        line += " " + word("claims", "missed", language).format(count=missed)
    return line
