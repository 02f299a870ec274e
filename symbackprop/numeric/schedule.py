"""Which samples each update uses, in which order; first weights drawn by a seed.

Only `random()` of Python's generator is used: its sequence is the same everywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction as Rational
from math import cos, log, pi, sqrt
from random import Random
from typing import Literal

from symbackprop.errors import InputError
from symbackprop.numeric.columns import float_of


@dataclass(frozen=True, slots=True)
class Schedule:
    """So many updates over so many samples, in batches; the last one may be smaller.

    `batch` None is all samples at once.
    """

    samples: int
    iterations: int
    batch: int | None = None
    shuffle: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no update can be made of."""
        if self.samples < 1:
            raise InputError("expected at least one sample to train on")
        if self.iterations < 0:
            raise InputError(f"expected updates from 0 on, found {self.iterations}")
        if self.batch is not None and self.batch < 1:
            raise InputError(
                f"expected at least one sample a batch, found {self.batch}"
            )

    @property
    def size(self) -> int:
        """The number of samples in a batch."""
        return min(self.batch or self.samples, self.samples)

    @property
    def per_epoch(self) -> int:
        """Updates in one pass over the samples: N/B, rounded up."""
        return -(-self.samples // self.size)

    def batches(self) -> Iterator[tuple[int, ...]]:
        """The numbers of the samples of each update, from 0, in order."""
        random = Random(self.seed)  # noqa: S311 - an order, no secret
        order = list(range(self.samples))
        done = 0
        while done < self.iterations:
            if self.shuffle:
                _shuffle(order, random)
            for start in range(0, self.samples, self.size):
                if done == self.iterations:
                    return
                yield tuple(order[start : start + self.size])
                done += 1


def _shuffle(order: list[int], random: Random) -> None:
    """Every order alike, by Fisher and Yates."""
    for last in range(len(order) - 1, 0, -1):
        other = int(random.random() * (last + 1))
        order[last], order[other] = order[other], order[last]


def drawn(
    count: int, distribution: Literal["uniform", "normal"], scale: Rational, seed: int
) -> tuple[Rational, ...]:
    """First weights: within ±scale, or normal with that standard deviation.

    They are floats, so exact rationals, and the same for the same seed.
    """
    random = Random(f"weights {seed}")  # noqa: S311 - no secret
    width = float_of(scale)
    if distribution == "uniform":
        return tuple(Rational(width * (2 * random.random() - 1)) for _ in range(count))
    pairs = ((1 - random.random(), random.random()) for _ in range(count))
    return tuple(
        Rational(width * sqrt(-2 * log(u)) * cos(2 * pi * v)) for u, v in pairs
    )
