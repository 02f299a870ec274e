"""What an examination finds: one verdict a question.

A verdict carries what is needed to repeat it: the witness, the point, the seed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["agrees", "differs", "undecided"]
OUTCOMES: tuple[Outcome, ...] = ("agrees", "undecided", "differs")
"""The outcomes, the one that counts more later."""

Cause: TypeAlias = Literal[
    "sign",
    "factor",
    "transpose",
    "missing bias",
    "missing slope",
    "layer shifted",
    "unknown",
]
NOWHERE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a wrong derivative looks like: where, how many times the true one, why.

    `layer` is 0 outside networks; `ratio` is measured/expected where that is finite.
    A cause other than "unknown" was reproduced: the true gradient with that slip in it
    is the one that was measured.
    """

    cause: Cause
    weight: str
    layer: int = 0
    ratio: float | None = None
    detail: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The diagnosis for JSON."""
        return {
            "cause": self.cause,
            "weight": self.weight,
            "layer": self.layer,
            "ratio": self.ratio,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question answered.

    `expected` and `measured` are numbers as text, to the digits that are known (an
    interval at a kink); `gap` is how far apart they are and `bound` how far they may
    be. `kind` says more than the outcome: "rounding in float64", "kink", ….
    """

    question: str
    outcome: Outcome
    kind: str
    expected: str
    measured: str
    bound: float | None
    witness: str
    seed: int | None = None
    point: Mapping[str, str] = field(default_factory=lambda: NOWHERE)
    diagnosis: Diagnosis | None = None
    gap: float | None = None
    weight: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The verdict for JSON, without its point."""
        return {
            "question": self.question,
            "weight": self.weight,
            "witness": self.witness,
            "outcome": self.outcome,
            "kind": self.kind,
            "expected": self.expected,
            "measured": self.measured,
            "gap": finite(self.gap),
            "bound": finite(self.bound),
            "seed": self.seed,
            "diagnosis": self.diagnosis.data if self.diagnosis else None,
        }


def finite(value: float | None) -> float | None:
    """The number, or None where JSON has no word for it."""
    return value if value is not None and isfinite(value) else None


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Differs before undecided before agrees."""
    found = {OUTCOMES.index(outcome) for outcome in outcomes}
    return OUTCOMES[max(found, default=0)]


def counted(count: int, noun: str) -> str:
    """So many of something, in English: 1 verdict, 2 verdicts."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
