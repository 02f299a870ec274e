"""What follows from an optimizer's rule, derived from the rule's own lines."""

from collections.abc import Sequence
from typing import Literal

from symbackprop.errors import InputError
from symbackprop.formula.binding import instantiated, substituted
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import ZERO, Formula, Name, names_in
from symbackprop.kernel.definitions import Definition, Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.ops.optimizers import Fact
from symbackprop.strategies.authored import authored

Lines = Sequence[tuple[Name, Formula]]


def derived_fact(lines: Lines, fact: Fact, letter: str) -> Derivation:
    """The fact's chain from the rule's lines over the step `letter`.

    DoesNotFollow where a line of it does not.
    """
    words = Vocabulary(indices=(letter,))
    start = read(fact.start, words)
    chain = [read(text, words) for text in fact.chain]
    given = tuple(_relation(text, words) for text in fact.given)
    step = _numbered_step(start, lines)
    if step:
        return authored(_written_out(lines, letter, step), start, chain)
    rights = dict(lines)
    if isinstance(start, Name) and start in rights:
        start = rights[start]
    if fact.constant:
        moving = {n: Name(n.base) for n in names_in(start) if n.base == "g"}
        start = substituted(start, moving)
    leaves = [name for name in names_in(start) if not name.indices or _plain(name)]
    return authored(
        Definitions(tuple(map(Definition, leaves)), {}, given), start, chain
    )


def _plain(name: Name) -> bool:
    """Whether a name's indices are numbers alone."""
    return all(isinstance(index, int) for index in name.indices)


def _numbered_step(start: Formula, lines: Lines) -> int:
    """k where a fact starts at a line's quantity at step k; 0 where it does not."""
    bases = {name.base for name, _ in lines}
    if isinstance(start, Name) and start.base in bases:
        match start.indices:
            case (int(step),):
                return step
            case _:
                return 0
    return 0


def _written_out(lines: Lines, letter: str, steps: int) -> Definitions:
    """The lines of steps 1, 2, …; what starts as a state is 0 at step 0."""
    entries: dict[Name, Definition] = {}
    defined = {name.base for name, _ in lines}
    for step in range(1, steps + 1):
        for left, right in lines:
            name = instantiated(left, {letter: step})
            body = substituted(
                instantiated(right, {letter: step}), {Name(letter): _whole(step)}
            )
            assert isinstance(name, Name)
            for used in names_in(body):
                state = (
                    used.base in defined
                    and used.indices == (0,)
                    and used.base != "theta"
                )
                entries.setdefault(used, Definition(used, ZERO if state else None))
            entries[name] = Definition(name, body)
    return Definitions(tuple(entries.values()))


def _whole(step: int) -> Formula:
    """A step's number as a form."""
    return read(str(step))


def _relation(text: str, words: Vocabulary) -> Assumption:
    """`left = right` or `left > right`."""
    signs: tuple[Literal["=", ">"], ...] = ("=", ">")
    for sign in signs:
        left, found, right = text.partition(f" {sign} ")
        if found:
            return Assumption(sign, read(left, words), read(right, words))
    raise InputError(f"expected a relation, found {text!r}")
