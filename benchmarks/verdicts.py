"""How often verdicts and causes are right: python benchmarks/verdicts.py.

Wrong numbers by seed, each operator at each place of four networks, and right numbers,
exact and carried; the labels are mpmath's. The times are CPU time on one thread.
"""

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import process_time

from symbackprop.examples import read_example
from symbackprop.judged import verify

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "claims"))
from seeded_mutants import Drawn, Mutant, right_books

SEED = 1
MUTANTS = 300
ROUNDED = 100
RIGHT = 1000
NAMED_FROM = 5
"""The digits from which a cause must be named."""


@dataclass
class Score:
    """What became of wrong claims: kinds, how many were named, the slowest file."""

    kinds: Counter[str] = field(default_factory=Counter)
    named: Counter[bool] = field(default_factory=Counter)
    first: Counter[bool] = field(default_factory=Counter)
    certain: Counter[bool] = field(default_factory=Counter)
    all: Counter[bool] = field(default_factory=Counter)
    seconds: float = 0.0
    missed: list[str] = field(default_factory=list)


def judged(text: str, tally: Score) -> list[tuple[str, str, tuple[object, ...]]]:
    """Each claim's quantity, kind and causes."""
    start = process_time()
    verdicts = verify(read_example(text, name="seeded")).verdicts
    tally.seconds += process_time() - start
    return [(v.claim.quantity, v.kind, v.causes) for v in verdicts]


def plain(operator: str) -> str:
    """A mistake's name, whether made in one line or in several."""
    kept = ("decimals throughout", "digits throughout")
    parts = operator.split(" & ")
    return " & ".join(
        part if part.endswith(kept) else part.removesuffix(" throughout")
        for part in parts
    )


def score(mutants: list[Mutant]) -> Score:
    """What the package says of each mutant."""
    tally = Score()
    for mutant in mutants:
        for quantity, kind, causes in judged(mutant.toml(), tally):
            if quantity != mutant.quantity:
                if kind not in ("exact", "carried", "right under convention"):
                    tally.kinds[f"another claim {kind}"] += 1
                continue
            many = mutant.digits >= NAMED_FROM
            names = [plain(cause.operator) for cause in causes]
            tally.kinds[kind] += 1
            tally.all[many] += 1
            tally.named[many] += mutant.label in names
            tally.first[many] += names[:1] == [mutant.label]
            tally.certain[many] += any(cause.certain for cause in causes)
            if many and mutant.label not in names:
                tally.missed.append(
                    f"{mutant.label}: {mutant.quantity} = {mutant.printed}, "
                    f"{mutant.net.name}; named: {', '.join(names) or 'nothing'}"
                )
    return tally


def share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / max(whole, 1):.1f} %)"


def printed(title: str, tally: Score, dropped: int) -> None:
    total = sum(tally.all.values())
    print(f"{title}: {total}, {dropped} dropped because their digits are right")
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(tally.kinds.items()))
    print(f"  judged: {kinds}")
    for many, words in ((True, "5 to 9 digits"), (False, "3 and 4 digits")):
        print(
            f"  {words}: named {share(tally.named[many], tally.all[many])}, "
            f"named first {share(tally.first[many], tally.all[many])}, "
            f"some cause certain {share(tally.certain[many], tally.all[many])}"
        )
    print(f"  {tally.seconds / max(total, 1):.2f} s a file of about 45 claims")
    for line in tally.missed:
        print(f"  missed: {line}")


def hundred(wrong: int) -> float:
    """How long a file of a hundred claims takes, of which so many are wrong."""
    drawn = Drawn(SEED)
    of = drawn.nets[0]
    drawn.nets = (of,)
    mutants = drawn.mutants(wrong)
    right = list(drawn.right[of, 9].items())
    rows = (right * 3)[: 100 - wrong] + [(m.quantity, m.printed) for m in mutants]
    claims = "".join(
        f'[[claims]]\nquantity = "{name}"\nprinted = "{text}"\n' for name, text in rows
    )
    tally = Score()
    judged(of.toml() + claims, tally)
    return tally.seconds


def main() -> int:
    drawn = Drawn(SEED)
    tally = score(drawn.mutants(MUTANTS))
    printed("mutants", tally, drawn.dropped)
    drawn = Drawn(SEED)
    apart = score(drawn.mutants(ROUNDED, rounding=True))
    printed("rounding mutants", apart, drawn.dropped)
    right, books = Score(), 0
    for text, _ in right_books(RIGHT):
        books += 1
        right.kinds.update(kind for _, kind, _ in judged(text, right))
    count = sum(right.kinds.values())
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(right.kinds.items()))
    print(f"right claims: {count} in {books} files; judged: {kinds}")
    times = ", ".join(f"{hundred(n):.2f} s with {n} wrong" for n in (1, 10, 50))
    print(f"a hundred claims of a 2-2-2, diagnosis included: {times}")
    good = tally.kinds["exact"] + tally.kinds["carried"] == 0
    good &= tally.named[True] >= 0.95 * tally.all[True]
    good &= not right.kinds["wrong"]
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
