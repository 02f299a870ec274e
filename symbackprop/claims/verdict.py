"""What is said of a claim: outcome, kind, the true digits, what it rests on, causes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Literal, TypeAlias

from symbackprop.claims.printed import Printed
from symbackprop.examples import Claim
from symbackprop.formula.tree import Formula
from symbackprop.numeric.worked import Link

Outcome: TypeAlias = Literal["agrees", "differs", "undecided"]
Kind: TypeAlias = Literal[
    "exact",
    "carried",
    "right under convention",
    "inherited",
    "wrong",
    "undecided",
]
Closer: TypeAlias = Literal["last digit", "truncated", "sign", "other"]

OUTCOMES: Mapping[Kind, Outcome] = MappingProxyType(
    {
        "exact": "agrees",
        "carried": "agrees",
        "right under convention": "agrees",
        "inherited": "differs",
        "wrong": "differs",
        "undecided": "undecided",
    }
)
"""Every kind, in the order in which they are counted, with its outcome."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A mistake that reproduces what is printed: its row and what it was applied to.

    `count` is how many wrong claims of the example the same mistake explains; not
    `certain` where a hit by chance is too likely.
    """

    operator: str
    certain: bool
    arguments: Mapping[str, Formula | str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    count: int = 1


@dataclass(frozen=True, slots=True)
class Operand:
    """What the author had printed of a quantity: a number, or a formula.

    `claim` is where it stands, or the claim that says that it was computed from it.
    """

    atom: Formula
    number: Printed | None
    form: Formula | None
    claim: Claim

    @property
    def value(self) -> Rational | None:
        """The exact number that the digits spell."""
        return None if self.number is None else self.number.value


@dataclass(frozen=True, slots=True)
class Verdict:
    """A claim judged.

    `expected` are the true digits at the printed precision (or the true formula),
    `exact` twenty of them, `rational` all of the true value where it is one; `carried`
    what the author's own operands give, where that differs; `right_to` the decimals to
    which the digits are right, if fewer. `reason` is the message key of why nothing
    could be decided; `point` shows where a formula fails: = what is exact, ≈ what is
    rounded.
    """

    claim: Claim
    kind: Kind
    closer: Closer | None = None
    expected: str = ""
    exact: str = ""
    rational: Rational | None = None
    true: Formula | None = None
    root: Claim | None = None
    operands: tuple[Operand, ...] = ()
    carried: str = ""
    right_to: int | None = None
    convention: str = ""
    reason: str = ""
    detail: str = ""
    point: Mapping[str, Link] = field(default_factory=lambda: MappingProxyType({}))
    causes: tuple[Cause, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """agrees, differs or undecided."""
        return OUTCOMES[self.kind]

    @property
    def as_expected(self) -> bool:
        """Whether the file says of this claim what was found."""
        expected = {None: "agrees", "wrong": "differs", "undecided": "undecided"}
        return self.outcome == expected[self.claim.expect]
