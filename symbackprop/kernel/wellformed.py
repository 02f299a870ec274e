"""What definitions must be before anything is judged under them."""

from collections.abc import Mapping
from dataclasses import dataclass

from symbackprop.errors import InputError, TooLarge
from symbackprop.formula.binding import written_out
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    ONE,
    Call,
    Formula,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Sigma,
    Sum,
    names_in,
    walk,
)

ELEMENTARY = frozenset({"exp", "log", "sqrt", "erf", "abs", "Max", "step", "pi"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A name and its body (None for a leaf); `sizes` are the ranges of its indices."""

    name: Name
    body: Formula | None = None
    sizes: tuple[tuple[str, Formula], ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """A function's arguments and body; without a body it is left general."""

    arguments: tuple[str, ...]
    body: Formula | None = None


def check_functions(functions: Mapping[str, Function]) -> None:
    """Refuse a function that redefines another's name, borrows a name, or recurses."""
    done: set[str] = set()
    for name, function in functions.items():
        if name in ELEMENTARY:
            raise InputError(f"{name} cannot be defined anew")
        if function.body is None:
            continue
        strange = {n.id for n in names_in(function.body)} - set(function.arguments)
        if strange:
            raise InputError(f"{name} uses {', '.join(sorted(strange))}, no argument")
        _check_calls(name, functions, (), done)


def _check_calls(
    name: str,
    functions: Mapping[str, Function],
    above: tuple[str, ...],
    done: set[str],
) -> None:
    """Refuse a function that calls itself, directly or through others."""
    if name in above:
        raise InputError(f"{name} is defined through itself")
    if name in done or name not in functions:
        return
    body = functions[name].body
    for node in walk(body) if body is not None else ():
        if isinstance(node, Call):
            _check_calls(node.function, functions, (*above, name), done)
    done.add(name)


def mentioned(body: Formula | None) -> tuple[Name, ...]:
    """The names that a definition mentions, those inside a Σ one by one."""
    if body is None:
        return ()
    found: dict[Name, None] = {}
    stack = [body]
    while stack:
        node = stack.pop()
        if isinstance(node, Sigma):
            try:
                stack.append(written_out(node))
            except TooLarge:  # a symbolic length: the family itself is mentioned
                found |= dict.fromkeys(names_in(node.body))
            continue
        if isinstance(node, Name):
            found[node] = None
        stack.extend(reversed(node.children))
    return tuple(found)


def has_symbolic_sum(body: Formula | None) -> bool:
    """Whether a definition sums over a range that is not made of digits."""
    return any(
        isinstance(node, Sigma)
        and not (isinstance(node.start, Num) and isinstance(node.stop, Num))
        for node in (walk(body) if body is not None else ())
    )


def check_family(
    entry: Definition, families: Mapping[tuple[str, int], list[Definition]]
) -> None:
    """Refuse a family that overlaps another, refers to itself, or hides a letter."""
    name = entry.name
    key = (name.base, len(name.indices))
    for other in families.get(key, ()):
        if not _disjoint(entry, other):
            raise InputError(f"{name.id} and {other.name.id} overlap")
    letters = {letter for letter, _ in entry.sizes}
    for node in walk(entry.body) if entry.body is not None else ():
        if isinstance(node, Sigma) and node.index in letters:
            raise InputError(f"{name.id}: the Σ over {node.index} hides its own index")
        if isinstance(node, Name) and (node.base, len(node.indices)) == key:
            shifted = any(isinstance(i, Idx) and i.shift for i in node.indices)
            if not shifted:
                raise InputError(f"{name.id} is defined through itself")


def _disjoint(one: Definition, other: Definition) -> bool:
    """Whether two families of one kind have no member in common, for certain."""
    sizes = (dict(one.sizes), dict(other.sizes))
    for a, b in zip(one.name.indices, other.name.indices, strict=True):
        if isinstance(a, int) and isinstance(b, int) and a != b:
            return True
        for top, letter, ranges in ((a, b, sizes[1]), (b, a, sizes[0])):
            fixed = isinstance(top, Idx) and not top.shift
            if fixed and isinstance(letter, Idx) and isinstance(top, Idx):
                below = Sum((Name(top.name), Minus(ONE)))
                if ranges.get(letter.name) == below:
                    return True
    return False


def in_range(
    entry: Definition, values: Mapping[str, Index], assumptions: tuple[Assumption, ...]
) -> bool:
    """Whether a member's indices lie in its family's ranges, as far as is known.

    A plain letter is taken to; l+1 does where size > l is assumed.
    """
    for letter, size in entry.sizes:
        index = values.get(letter)
        if isinstance(index, int):
            if index < 1 or (isinstance(size, Num) and index > size.value):
                return False
        elif index is not None and index.shift:
            below = Assumption(">", size, Name(index.name))
            if index.shift != 1 or below not in assumptions:
                return False
    return True
