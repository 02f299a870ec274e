"""A derivation: lines of accepted steps without a gap; the answer is the last line."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from symbackprop.errors import Refused
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.step import Step


@dataclass(frozen=True, slots=True)
class Derivation:
    """From `goal` to the last line, under one set of definitions.

    `lines` are the printed lines: each a group of small steps that lead to it.
    """

    goal: Formula
    definitions: Definitions
    lines: tuple[tuple[Step, ...], ...]
    cut_from: "Derivation | None" = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a gap between steps and a mix of definitions."""
        here = self.goal
        for line in self.lines:
            if not line:
                raise Refused("derivation", "a line without a step")
            for step in line:
                if step.before is not here and step.before != here:
                    raise Refused(
                        "derivation", "a step does not start where the last ended"
                    )
                if not step.definitions.same_as(self.definitions):
                    raise Refused("derivation", "a step judged under other definitions")
                here = step.after

    @property
    def result(self) -> Formula:
        """The last line."""
        return self.lines[-1][-1].after if self.lines else self.goal

    @property
    def printed(self) -> tuple[Formula, ...]:
        """The goal and what each line ends on."""
        return (self.goal, *(line[-1].after for line in self.lines))

    @property
    def steps(self) -> Iterator[Step]:
        """Every small step in order."""
        for line in self.lines:
            yield from line

    @property
    def assumes(self) -> bool:
        """Whether some step rests on an assumed equation."""
        return any(condition.relation == "=" for condition in self.conditions)

    @property
    def conditions(self) -> tuple[Assumption, ...]:
        """Every side condition of its steps and of what they open into, once."""
        found: dict[str, Assumption] = {}
        stack: list[Derivation] = [self]
        seen: set[int] = set()
        while stack:
            derivation = stack.pop()
            if id(derivation) in seen:
                continue
            seen.add(id(derivation))
            for step in derivation.steps:
                for condition in step.conditions:
                    found.setdefault(str(condition), condition)
                # A lemma speaks of its x; its step carries the instance.
                if step.rule not in ("lemma", "induction"):
                    stack += step.because
        return tuple(found.values())

    @property
    def whole(self) -> "Derivation":
        """The derivation that this one is cut from, or itself."""
        return self.cut_from or self

    @property
    def start(self) -> int:
        """The printed line of `whole` that this derivation starts at."""
        if self.cut_from is None or not self.lines:
            return 0
        first = self.lines[0][0]
        return next(
            (n for n, line in enumerate(self.cut_from.lines) if line[0] is first), 0
        )

    def between(self, start: int, stop: int) -> "Derivation":
        """The derivation from printed line `start` to printed line `stop`."""
        if (start, stop) == (0, len(self.lines)):
            return self
        goal = self.goal if start == 0 else self.lines[start - 1][-1].after
        return Derivation(goal, self.definitions, self.lines[start:stop], self.whole)
