"""Random smooth functions that stand for functions left general.

Three shapes a name, by the number of the point: a cubic, a sine, a product of both;
their coefficients are seeded and exact in binary.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SHAPES = ("cubic", "sine", "mixed")
LETTERS = "uvwpqrst"


@dataclass(frozen=True, slots=True)
class Smooth:
    """f(u, …) = Σ (a u + b u² + c u³) + d Πu, or other shapes.

    `terms` are a, b, c for each argument; `whole` is d.
    """

    shape: str
    terms: tuple[tuple[float, float, float], ...]
    whole: float

    def value(self, arguments: Sequence[Any], sin: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - any arithmetic
        """The value; `sin` is the sine of the arguments' arithmetic."""
        if self.shape == "cubic":
            return self._cubic(arguments) + self.whole * product_of(arguments)
        wave = sin(self._phase(arguments))
        if self.shape == "sine":
            return self.whole * wave + self._line(arguments)
        return (self._line(arguments) + self.whole) * wave

    def slope(
        self,
        place: int,
        arguments: Sequence[Any],
        sin: Callable[[Any], Any],
        cos: Callable[[Any], Any],
    ) -> Any:  # noqa: ANN401 - any arithmetic
        """The derivative by one argument."""
        a, b, c = self.terms[place]
        u = arguments[place]
        if self.shape == "cubic":
            others = [v for n, v in enumerate(arguments) if n != place]
            return (
                a + 2 * b * u + 3 * c * u * u + self.whole * product_of(others) + 0 * u
            )
        turn = a * cos(self._phase(arguments))
        if self.shape == "sine":
            return self.whole * turn + b
        line = self._line(arguments) + self.whole
        return line * turn + b * sin(self._phase(arguments))

    def _cubic(self, arguments: Sequence[Any]) -> Any:  # noqa: ANN401 - any arithmetic
        """Σ (a u + b u² + c u³)."""
        rows = zip(self.terms, arguments, strict=True)
        return total_of([((c * u + b) * u + a) * u for (a, b, c), u in rows])

    def _phase(self, arguments: Sequence[Any]) -> Any:  # noqa: ANN401 - any arithmetic
        """Σ (a u + c): what the sine is taken of."""
        rows = zip(self.terms, arguments, strict=True)
        return total_of([a * u + c for (a, _, c), u in rows])

    def _line(self, arguments: Sequence[Any]) -> Any:  # noqa: ANN401 - any arithmetic
        """Σ b u."""
        rows = zip(self.terms, arguments, strict=True)
        return total_of([b * u for (_, b, _), u in rows])

    def __str__(self) -> str:
        """The function as text over the letters u, v and on."""
        letters = LETTERS[: len(self.terms)]
        rows = list(zip(letters, self.terms, strict=True))
        line = " + ".join(f"{b:g}*{u}" for u, (_, b, _) in rows)
        phase = " + ".join(f"{a:g}*{u} + {c:g}" for u, (a, _, c) in rows)
        if self.shape == "cubic":
            cubic = " + ".join(
                f"{a:g}*{u} + {b:g}*{u}**2 + {c:g}*{u}**3" for u, (a, b, c) in rows
            )
            text = f"{cubic} + {self.whole:g}*{'*'.join(letters)}"
        elif self.shape == "sine":
            text = f"{self.whole:g}*sin({phase}) + {line}"
        else:
            text = f"({line} + {self.whole:g})*sin({phase})"
        return text.replace("+ -", "- ")


def total_of(values: Sequence[Any]) -> Any:  # noqa: ANN401 - any arithmetic
    """The sum of one or more values."""
    total = values[0]
    for value in values[1:]:
        total = total + value
    return total


def product_of(values: Sequence[Any]) -> Any:  # noqa: ANN401 - any arithmetic
    """The product of values; 1 of none."""
    product: Any = 1.0
    for value in values:
        product = value * product
    return product


def smooth_functions(
    general: Mapping[str, int | None], seed: int, number: int
) -> dict[str, Smooth]:
    """One function a name for the point of this number; coefficients in 1/16."""
    found: dict[str, Smooth] = {}
    for place, (name, arity) in enumerate(general.items()):
        random = Random(f"{seed} {number} {name}")  # noqa: S311 - test points
        terms = tuple(
            (_coefficient(random), _coefficient(random), _coefficient(random))
            for _ in range(arity or 1)
        )
        shape = SHAPES[(number + place) % len(SHAPES)]
        found[name] = Smooth(shape, terms, _coefficient(random))
    return found


def _coefficient(random: Random) -> float:
    """A multiple of 1/16 of either sign, not 0, at most 2."""
    return random.choice((-1, 1)) * random.randint(4, 32) / 16
