"""A checked step: the only place where one is made.

`made` is for the rules of this room alone; they call it after they have judged.
Construction guards against accident, `recheck` against forgery.
"""

from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Final

from symbackprop.errors import Refused
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Path, at, positions, replaced
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.guard import check_under_derivatives

if TYPE_CHECKING:
    from symbackprop.kernel.derivation import Derivation

_MAKER: Final = object()


@dataclass(frozen=True, slots=True)
class Reason:
    """A key into the message table and its arguments; never a sentence."""

    key: str
    arguments: Mapping[str, Formula] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the kernel came to accept a step; written by the kernel alone."""

    method: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One accepted rewriting of one position of a line.

    `before` with `target` at `path` exchanged for `replacement` is `after`. `because`
    holds what the step opens into: one derivation, or base and step of an induction.
    `definitions` are those that it was judged under.
    """

    before: Formula
    path: Path
    replacement: Formula
    after: Formula
    rule: str
    reason: Reason
    evidence: Evidence
    conditions: tuple[Assumption, ...]
    because: "tuple[Derivation, ...]"
    definitions: Definitions = field(repr=False)
    maker: InitVar[object] = None

    def __post_init__(self, maker: object) -> None:
        """Refuse every maker but the kernel's rules."""
        if maker is not _MAKER:
            raise Refused("step", "a step is made by a kernel rule, not by hand")

    @property
    def fingerprint(self) -> str:
        """What names the definitions that the step was judged under."""
        return self.definitions.fingerprint

    @property
    def target(self) -> Formula:
        """What the step rewrites."""
        return at(self.before, self.path)

    def moved(self, path: Path) -> Path | None:
        """Where the subterm at a position of `before` stands in `after`, if it does.

        Outside the target nothing moves; a part of the target is followed to the
        same part of the replacement, equal parts in order of reading.
        """
        if path[: len(self.path)] != self.path:
            return path
        inside = path[len(self.path) :]
        return next(
            (self.path + new for old, new in self._parts() if old == inside), None
        )

    def _parts(self) -> Iterator[tuple[Path, Path]]:
        """Positions in target and replacement that hold one and the same part."""
        places = list(positions(self.replacement))
        taken: list[Path] = []
        matched: list[Path] = []
        for old, part in positions(self.target):
            if any(old[: len(done)] == done for done in matched):
                continue
            for new, candidate in places:
                free = all(new[: len(t)] != t and t[: len(new)] != new for t in taken)
                if free and candidate == part:
                    taken.append(new)
                    matched.append(old)
                    yield old, new
                    break


def made(
    definitions: Definitions,
    before: Formula,
    path: Path,
    replacement: Formula,
    rule: str,
    reason: Reason,
    evidence: Evidence,
    conditions: tuple[Assumption, ...] = (),
    because: "tuple[Derivation, ...]" = (),
) -> Step:
    """The step that a rule has accepted.

    What stands under a derivative is no value to be exchanged at will: P holds names
    fixed that are written there, D moves with the name that it differentiates by.
    """
    check_under_derivatives(definitions, before, path, replacement, rule, because)
    return Step(
        before,
        path,
        replacement,
        replaced(before, path, replacement),
        rule,
        reason,
        evidence,
        conditions,
        because,
        definitions,
        _MAKER,
    )
