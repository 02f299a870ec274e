"""What can go wrong in one line: one quantity in the place of another."""

from collections.abc import Iterable, Iterator

from symbackprop.claims.mistake_rules import (
    Edit,
    is_activation_slope,
    parts_of,
    places,
)
from symbackprop.claims.mistake_working import RATE, Line, Working, updated
from symbackprop.claims.truth import exchanged
from symbackprop.formula.tree import (
    Derivative,
    Formula,
    Name,
    Sum,
    replaced,
)
from symbackprop.kernel.calculus import sum_of
from symbackprop.numeric.program import atoms_of

MAX_INDEX = 4
MAX_SIBLINGS = 12
"""So many quantities are tried in the place of one."""


def siblings(working: Working, name: Name) -> list[Name]:
    """The quantities of a name's own kind and layer, nearest first."""
    graph = working.graph
    node = graph.node(name)
    found = [
        other.name
        for other in graph.nodes
        if other.name != name
        and other.role == node.role
        and other.layer == node.layer
        and len(other.name.indices) == len(name.indices)
        and (other.body is None) == (node.body is None)
    ]
    at = [n.name for n in graph.nodes].index(name)
    order = {n.name: abs(place - at) for place, n in enumerate(graph.nodes)}
    return sorted(found, key=order.__getitem__)[:MAX_SIBLINGS]


def transposed(name: Name) -> Name | None:
    """w_{ji} for w_{ij}."""
    if len(name.indices) < 2:
        return None
    *layer, i, j = name.indices
    return None if i == j else Name(name.base, (*layer, j, i))


def weight_transposed(working: Working, line: Line) -> Iterator[Edit]:
    """w_{ji} for w_{ij} wherever the line has a weight."""
    for whole in (line.form, *line.ways):
        form = whole
        for path, part in places(whole):
            if isinstance(part, Name) and working.role(part) == "weight":
                other = transposed(part)
                if other is not None and other in working.graph:
                    form = replaced(form, path, other)
        if form != whole:
            yield Edit(form, alike=True)


def weight_swapped(working: Working, line: Line) -> Iterator[Edit]:
    """Another weight of the layer, or the same place of another layer."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Name) and working.role(part) == "weight":
            for other in (*siblings(working, part), *_same_place(working, part)):
                form = replaced(whole, path, other)
                yield Edit(form, {"what": part, "used": other})


def index_swapped(working: Working, line: Line) -> Iterator[Edit]:
    """i for j in every index of a line; or i and j in each other's place."""
    for whole in (line.form, *line.ways):
        atoms = list(atoms_of(whole))
        used = {n for atom in atoms for n in _units(_about(atom))}
        top = min(max(used, default=0) + 1, MAX_INDEX)
        for old in sorted(used):
            for new in range(1, top + 1):
                for both in (False, True) if new > old else (False,):
                    known = _reindexed(working, line, atoms, old, new, both=both)
                    form = exchanged(whole, known) if len(known) > 1 else whole
                    if new != old and form != whole:
                        yield Edit(form, {"what": str(old), "used": str(new)})


def _about(atom: Formula) -> Name:
    """The name that an atom's indices belong to."""
    name = atom.by if isinstance(atom, Derivative) else atom
    assert isinstance(name, Name)
    return name


def _units(name: Name) -> tuple[int, ...]:
    """The indices of a name that count units; the first of several is the layer."""
    whole = tuple(n for n in name.indices if isinstance(n, int))
    return whole[1:] if len(whole) > 1 else whole


def _reindexed(
    working: Working,
    line: Line,
    atoms: Iterable[Formula],
    old: int,
    new: int,
    *,
    both: bool,
) -> dict[Formula, Formula]:
    """Each atom that has an index to exchange, with what it becomes; {} where none."""
    swap = {old: new, new: old} if both else {old: new}
    known: dict[Formula, Formula] = {}
    for atom in atoms:
        name = _about(atom)
        units = tuple(swap.get(n, n) for n in _units(name))
        layer = name.indices[: len(name.indices) - len(units)]
        if units == _units(name):
            continue
        other: Formula = Name(name.base, (*layer, *units))
        if isinstance(atom, Derivative):
            of = atom.of
            if isinstance(of, Name) and _units(of):
                inner = tuple(swap.get(n, n) for n in _units(of))
                keep = of.indices[: len(of.indices) - len(inner)]
                of = Name(of.base, (*keep, *inner))
            assert isinstance(other, Name)
            other = Derivative(atom.head, of, other)
        if not is_above(working, line, other):
            return {}
        known[atom] = other
    return known


def weight_updated(working: Working, line: Line) -> Iterator[Edit]:
    """w' where w belongs, in one place or wherever the line has a weight."""
    for whole in (line.form, *line.ways):
        form = whole
        if line.kind != "total":
            continue
        for path, part in places(whole):
            if isinstance(part, Name) and is_above(working, line, updated(part)):
                form = replaced(form, path, updated(part))
                yield Edit(replaced(whole, path, updated(part)))
        if form != whole:
            yield Edit(form, alike=True)


def wrong_quantity(working: Working, line: Line) -> Iterator[Edit]:
    """One input, unit, target or error term for another; weights have their rows."""
    for whole, path, part in parts_of(line):
        if not isinstance(part, Name | Derivative) or part == RATE:
            continue
        if working.role(part) in ("weight", "bias") or is_activation_slope(
            working, part
        ):
            continue
        for other in substitutes(working, line, part):
            form = replaced(whole, path, other)
            yield Edit(form, {"what": part, "used": other}, alike=True)


def substitutes(working: Working, line: Line, part: Formula) -> list[Formula]:
    """What could stand in the place of a part of a line, known above that line."""
    found: list[Formula] = []
    if isinstance(part, Name) and part in working.graph:
        node = working.graph.node(part)
        found += siblings(working, part)
        if node.role in ("input", "activation", "output", "preactivation"):
            found += _same_place(working, part)
        elif node.role in ("parameter", "intermediate", "loss"):
            names = [n.name for n in working.graph.nodes if n.name not in found]
            found += names[:MAX_SIBLINGS]
        elif node.role == "target":
            found.append(Name("o", part.indices))
    elif isinstance(part, Derivative):
        found += [
            other.atom
            for other in working.lines
            if isinstance(other.atom, Derivative)
            and other.atom.head == part.head
            and (other.atom.of == part.of or part.head == "P")
            and _near(working, part.by, other.atom.by)
        ][:MAX_SIBLINGS]
    return [
        other for other in found if other != part and is_above(working, line, other)
    ]


def _near(working: Working, name: Name, other: Name) -> bool:
    """Whether two slopes' names are units of one layer, or z and h of one unit."""
    kinds = ("weight", "bias", "input", "target")
    if working.role(name) in kinds or working.role(other) in kinds:
        return working.role(name) == working.role(other) == "weight"
    if working.role(name) == working.role(other):
        return True
    return name.indices[-1:] == other.indices[-1:]


def _same_kind(working: Working, part: Formula, other: Formula) -> bool:
    """Whether two slopes are by quantities of the same role and layer."""
    if not isinstance(part, Derivative) or not isinstance(other, Derivative):
        return False
    first, second = part.by, other.by
    same = working.role(first) == working.role(second)
    return same and working.layer(first) == working.layer(second)


def _same_place(working: Working, name: Name) -> list[Name]:
    """The names of other layers, or z for h, h for z, at the same place of a layer."""
    role = working.role(name)
    weight = role == "weight"
    last = 2 if weight else 1
    return [
        node.name
        for node in working.graph.nodes
        if node.name != name
        and (node.role == "weight") == weight
        and node.role not in ("bias", "target", "loss", "part")
        and node.name.indices[-last:] == name.indices[-last:]
    ][:MAX_SIBLINGS]


def is_above(working: Working, line: Line, atom: Formula) -> bool:
    """Whether an atom is a leaf or computed before a line."""
    if atom not in working.place:
        return isinstance(atom, Name) and working.role(atom) is not None
    return working.place[atom] < working.place[line.atom]


def bias_shared(working: Working, line: Line) -> Iterator[Edit]:
    """One bias for a layer that has one a unit; ∂J/∂b summed over it; and back."""
    atom = line.atom
    bias = atom.by if isinstance(atom, Derivative) else atom
    if isinstance(atom, Name) and working.role(atom) == "preactivation":
        for path, part in places(line.form):
            if working.role(part) == "bias" and isinstance(part, Name):
                for other in siblings(working, part):
                    form = replaced(line.form, path, other)
                    yield Edit(form, alike=other.indices[-1:] == (1,))
    elif line.kind == "total" and working.role(bias) == "bias":
        if isinstance(line.form, Sum):
            for term in line.form.terms:
                yield Edit(term)
        elif isinstance(line.form, Derivative):
            parts = (line.form, *substitutes(working, line, line.form))
            same = [p for p in parts if _same_kind(working, p, line.form)]
            if len(same) > 1:
                yield Edit(sum_of(tuple(same)), alike=True)
