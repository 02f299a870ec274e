"""The kernel steps between an author's own lines, each with a named reason.

`connect` looks at where two lines differ, smallest place first, and asks the rules.
What no rule accepts is reported as a line that does not follow.
"""

from collections.abc import Sequence

from symbackprop.errors import Refused, SymbackpropError
from symbackprop.formula.binding import substituted
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Name,
    Path,
    Sigma,
    names_in,
    positions,
    replaced,
    walk,
)
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.equality import Judgement, compared
from symbackprop.kernel.one_variable import SHAPES, differentiate
from symbackprop.kernel.rules import (
    algebra,
    assume,
    fold,
    gather,
    identity,
    independent,
    local,
    total,
    unfold,
    unfolded,
)
from symbackprop.kernel.step import Step
from symbackprop.strategies.tidy import reason_between
from symbackprop.strategies.writer import Writer, op_slope

MAX_EXPANSIONS = 48


class DoesNotFollow(SymbackpropError):
    """A line that no step leads to from the one before; `number` counts from 1."""

    def __init__(
        self, number: int, before: Formula, after: Formula, why: Judgement
    ) -> None:
        """Keep the judgement: a refuting point, or undecided."""
        where = ", ".join(f"{name} = {value}" for name, value in why.point.items())
        detail = f"refuted at {where}" if where else f"undecided: {why.method}"
        super().__init__(
            f"line {number}: {text_of(after)} does not follow from "
            f"{text_of(before)} ({detail})"
        )
        self.number = number
        self.judgement = why


def authored(
    definitions: Definitions, goal: Formula, chain: Sequence[Formula], first: int = 1
) -> Derivation:
    """The author's chain from `goal` as a derivation, one printed line each.

    `first` is the number of the chain's first line in messages.
    DoesNotFollow names the first line that no accepted step leads to.
    """
    writer = Writer(definitions, goal)
    for number, line in enumerate(chain, first):
        if line == writer.line and not writer.groups:
            continue  # the first line may restate the goal
        follow(writer, line, number)
    return writer.derivation()


def follow(writer: Writer, line: Formula, number: int) -> None:
    """Write the steps that lead to an author's next line, as one printed line."""
    before = writer.line
    if not connect(writer, (), line):
        raise DoesNotFollow(number, before, line, _judged(writer, before, line))
    writer.end_line()


def _judged(writer: Writer, before: Formula, after: Formula) -> Judgement:
    """Why a line does not follow: a point where it fails, or undecided."""
    judged = compared(before, after, writer.definitions)
    if judged.outcome == "proved":
        return Judgement("undecided", "no named rule leads there")
    return judged


def connect(writer: Writer, path: Path, goal: Formula) -> bool:
    """Whether steps were found from what stands at `path` to `goal`; if so, taken."""
    here = _at(writer, path)
    if here == goal:
        return True
    # Definitions come and go in steps of their own, where that is possible.
    closed = _defined(writer, here) == _defined(writer, goal)
    return (
        _single(writer, path, goal, closed=closed)
        or _childwise(writer, path, here, goal)
        or _expanded(writer, path, goal)
        or (not closed and _single(writer, path, goal, closed=True))
    )


def _defined(writer: Writer, form: Formula) -> set[str]:
    """The defined functions that a form calls."""
    return {
        node.function
        for node in walk(form)
        if isinstance(node, Call) and unfolded(writer.definitions, node) is not None
    }


def _at(writer: Writer, path: Path) -> Formula:
    """What stands at a position of the current line."""
    form = writer.line
    for child in path:
        form = form.children[child]
    return form


def _childwise(writer: Writer, path: Path, here: Formula, goal: Formula) -> bool:
    """Two nodes of one kind: connect each pair of parts, or take nothing."""
    if type(here) is not type(goal) or len(here.children) != len(goal.children):
        return False
    if not here.children or isinstance(here, Sigma):
        return False
    if here.with_children(goal.children) != goal:
        return False
    kept = (writer.line, len(writer.group))
    for place, part in enumerate(goal.children):
        if not connect(writer, (*path, place), part):
            writer.line = kept[0]
            del writer.group[kept[1] :]
            return False
    return True


def _single(writer: Writer, path: Path, goal: Formula, *, closed: bool) -> bool:
    """One step: a definition, an assumption, a Σ, one rule, one piece of algebra."""
    definitions, line = writer.definitions, writer.line
    here = _at(writer, path)
    attempts = [
        lambda: assume(definitions, line, path, goal),
        lambda: gather(definitions, line, path, goal),
        lambda: fold(definitions, line, path, goal),
    ]
    if unfolded(definitions, here) == goal:
        attempts.append(lambda: unfold(definitions, line, path))
    if isinstance(here, Derivative) and here.head == "P":
        attempts.append(lambda: local(definitions, line, path, goal))
    if closed and not _smaller_place(here, goal):
        reason = reason_between(here, goal)
        attempts.append(lambda: algebra(definitions, line, path, goal, reason))
    for attempt in attempts:
        try:
            writer.take(attempt())
        except Refused:
            continue
        return True
    return False


def _smaller_place(here: Formula, goal: Formula) -> bool:
    """Whether the two differ in exactly one part, so that the step belongs there."""
    if type(here) is not type(goal) or len(here.children) != len(goal.children):
        return False
    if not here.children or here.with_children(goal.children) != goal:
        return False
    pairs = zip(here.children, goal.children, strict=True)
    return sum(a != b for a, b in pairs) == 1


def _expanded(writer: Writer, path: Path, goal: Formula) -> bool:
    """Expand derivatives and names that `goal` lacks, one by one, until it follows."""
    kept = (writer.line, len(writer.group))
    wanted = set(names_in(goal))
    for _ in range(MAX_EXPANSIONS):
        if not _expand_one(writer, path, goal, wanted):
            break
        if _arrived(writer, path, goal):
            return True
    writer.line = kept[0]
    del writer.group[kept[1] :]
    return _folded_back(writer, path, goal, wanted)


def _arrived(writer: Writer, path: Path, goal: Formula) -> bool:
    """Whether algebra alone now leads to the goal."""
    here = _at(writer, path)
    if here == goal:
        return True
    return _algebra(writer, path, goal)


def _algebra(writer: Writer, path: Path, goal: Formula) -> bool:
    """One algebra step at the smallest place where both sides differ."""
    here = _at(writer, path)
    if _smaller_place(here, goal):
        for place, (a, b) in enumerate(zip(here.children, goal.children, strict=True)):
            if a != b and _algebra(writer, (*path, place), b):
                return True
    try:
        writer.apply(algebra, path, goal, reason_between(here, goal))
    except Refused:
        return False
    return True


def _expand_one(writer: Writer, path: Path, goal: Formula, wanted: set[Name]) -> bool:
    """Expand the first derivative, else the first name, that the goal lacks."""
    here = _at(writer, path)
    kept = [node for node in walk(goal) if isinstance(node, Derivative)]
    for inner, node in positions(here):
        if isinstance(node, Derivative) and node not in kept:
            step = expansion(writer.definitions, writer.line, (*path, *inner), goal)
            if step:
                writer.take(step)
                return True
    calls = _defined(writer, goal)
    for inner, node in positions(here):
        missing = (
            node not in wanted
            if isinstance(node, Name)
            else isinstance(node, Call) and node.function not in calls
        )
        if missing:
            try:
                writer.apply(unfold, (*path, *inner))
            except Refused:
                continue
            return True
    return False


def expansion(
    definitions: Definitions, line: Formula, path: Path, goal: Formula | None = None
) -> Step | None:
    """The step that expands the derivative at a position, or None.

    Names are followed through the graph, forms by one rule of differentiation.
    """
    node = line
    for child in path:
        node = node.children[child]
    assert isinstance(node, Derivative)
    attempts = [
        lambda: identity(definitions, line, path),
        lambda: independent(definitions, line, path),
    ]
    if isinstance(node.of, Name):
        if node.head == "P":
            slope = op_slope(definitions.body(node.of), node.of, node.by)
            attempts.append(lambda: local(definitions, line, path, slope))
            attempts.append(lambda: local(definitions, line, path))
        elif goal is not None and any(
            isinstance(part, Derivative) and part.head == "D" and part.by == node.by
            for part in walk(goal)
        ):
            attempts.append(lambda: unfold(definitions, line, (*path, 0)))
        else:
            attempts.append(lambda: total(definitions, line, path))
    elif unfolded(definitions, node.of) is not None:
        attempts.append(lambda: unfold(definitions, line, (*path, 0)))
    else:
        attempts += [
            lambda shape=shape: differentiate(definitions, line, path, shape)
            for shape in SHAPES
        ]
    for attempt in attempts:
        try:
            return attempt()
        except Refused:
            continue
    return None


def _folded_back(writer: Writer, path: Path, goal: Formula, wanted: set[Name]) -> bool:
    """Algebra to the goal with its new names unfolded, then fold them back."""
    here = _at(writer, path)
    old = set(names_in(here))
    definitions = writer.definitions
    bodies = {
        name: body
        for name in wanted - old
        if (body := definitions.body(name)) is not None
    }
    calls = [
        (place, body)
        for place, node in positions(goal)
        if (body := unfolded(definitions, node)) is not None
        and not isinstance(node, Name)
    ]
    opened = substituted(goal, bodies)
    places = [p for p, node in positions(goal) if node in bodies]
    for place, body in calls:
        opened = replaced(opened, place, body)
        places.append(place)
    if not places or opened == goal:
        return False
    kept = (writer.line, len(writer.group))
    try:
        if here != opened:
            writer.apply(algebra, path, opened, reason_between(here, opened))
        for place in places:
            name = goal
            for child in place:
                name = name.children[child]
            writer.apply(fold, (*path, *place), name)
    except Refused:
        writer.line = kept[0]
        del writer.group[kept[1] :]
        return False
    return _at(writer, path) == goal
