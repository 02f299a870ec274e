"""An assumption or side condition: two forms and what holds between them."""

from dataclasses import dataclass
from typing import Literal

from symbackprop.formula.binding import instantiated, matched_indices
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Formula, Index


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken to hold: left = right, left > right, or left ≠ right.

    It holds for every value of the index letters in `free`.
    """

    relation: Literal["=", ">", "≠"]
    left: Formula
    right: Formula
    free: tuple[str, ...] = ()

    def equates(self, one: Formula, other: Formula) -> bool:
        """Whether the two forms are the two sides, in either order."""
        if not self.free:
            return (one, other) in (
                (self.left, self.right),
                (self.right, self.left),
            )
        for left, right in ((self.left, self.right), (self.right, self.left)):
            values: dict[str, Index] = {}
            if matched_indices(left, one, frozenset(self.free), values):
                return instantiated(right, values) == other
        return False

    def __str__(self) -> str:
        """The assumption as text."""
        scope = f" for every {', '.join(self.free)}" if self.free else ""
        return f"{text_of(self.left)} {self.relation} {text_of(self.right)}{scope}"
