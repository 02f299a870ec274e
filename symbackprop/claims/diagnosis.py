"""Why numbers are wrong: the mistakes that reproduce them to the last printed digit.

Single mistakes first; pairs for what none of them explains. Of several, the one that
explains most of an example's wrong claims comes first, and the one that would make
fewer of its right claims wrong.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction as Rational
from itertools import islice

from symbackprop.claims.context import Context
from symbackprop.claims.mistake_formulas import misformed, points
from symbackprop.claims.mistake_found import Found, Hit, Key, Operands, Puzzle
from symbackprop.claims.mistake_search import AND, Search
from symbackprop.claims.mistake_setting import Setting, scene_of
from symbackprop.claims.mistake_training import Course, trained_wrongly
from symbackprop.claims.mistake_values import Floats
from symbackprop.claims.mistake_working import (
    Working,
    WorkingMaker,
    asked_atom,
    plain_form,
    updated,
)
from symbackprop.claims.mistakes import (
    MAX_CHANGES,
    MISPRINTS,
    NAMES,
    ROUNDINGS,
    THROUGHOUT,
    changes_of,
)
from symbackprop.claims.printed import printed_of
from symbackprop.claims.truth import ETA
from symbackprop.claims.values import Moment
from symbackprop.claims.verdict import Cause, Verdict
from symbackprop.errors import SymbackpropError
from symbackprop.examples import Claim
from symbackprop.formula.tree import Derivative, Formula, Name
from symbackprop.numeric.point import Ball
from symbackprop.numeric.program import Atom, atoms_of

CHANCE = 0.05
"""Where more hits than this are to be expected by chance, a cause is only possible."""

MOST = 0.5
"""Pairs of mistakes are not named at all where so many hits are to be expected."""

MAX_CAUSES = 12
FEW = 4
"""After so few updates, mistakes at every one are looked for at once."""
DIGITS = frozenset((*MISPRINTS, *ROUNDINGS))
ORDER: Mapping[str, int] = {name: place for place, name in enumerate(NAMES)}


def diagnosed(
    context: Context, verdicts: Sequence[Verdict]
) -> tuple[tuple[Cause, ...], ...]:
    """The causes of each wrong claim, the likeliest first; none for the others."""
    wrong = [
        n
        for n, v in enumerate(verdicts)
        if v.kind == "wrong" and v.claim.printed is not None and _is_plain(v.claim)
    ]
    found: dict[int, Found] = {}
    if wrong:
        for moment, search, puzzles, right in _moments(context, verdicts, wrong):
            single = search.singles(puzzles, right)
            left = puzzles if moment.steps <= FEW else _unsolved(puzzles, single)
            course = _course(context, search, moment) if moment.steps else None
            if course is not None and left:
                now, changes = search.setting, search.changes
                trained_wrongly(course, now, changes, left, single)
            left = [
                puzzle
                for puzzle in _unsolved(puzzles, single)
                if single[puzzle.index].expected(puzzle.printed, fine=False) <= MOST
            ]
            found |= {**single, **(search.pairs(left, single) if left else {})}
    found |= _formulas(context, verdicts)
    causes = _ranked(verdicts, found)
    return tuple(causes.get(n, ()) for n in range(len(verdicts)))


def _is_plain(claim: Claim) -> bool:
    """Whether a claim states no convention: under one, other lines would be right."""
    return not claim.convention


def _formulas(context: Context, verdicts: Sequence[Verdict]) -> dict[int, Found]:
    """What makes each wrong formula of the right one."""
    wrong = {
        number: verdict.claim
        for number, verdict in enumerate(verdicts)
        if verdict.kind == "wrong"
        and verdict.claim.formula is not None
        and _is_plain(verdict.claim)
    }
    asked: dict[int, Formula] = {}
    said: dict[int, Formula] = {}
    for number, claim in wrong.items():
        assert claim.formula is not None
        try:
            asked[number] = _plain(context, claim.of)
            said[number] = context.resolved(claim.formula)
        except SymbackpropError:
            asked.pop(number, None)
    if not asked:
        return {}
    atoms = [atom for form in said.values() for atom in atoms_of(form)]
    known = _working(context, asked, atoms)
    if known is None:
        return {}
    working, about = known
    names = [n.name for n in context.graph.nodes if n.body is None]
    at = points(working, [*names, ETA])
    needed = at[0].needed(about.values())
    search = Search(at[0], islice(changes_of(working, needed), MAX_CHANGES))
    return {
        number: misformed(context, search, at, atom, said[number])
        for number, atom in about.items()
    }


def _moments(
    context: Context, verdicts: Sequence[Verdict], wrong: Sequence[int]
) -> Iterator[tuple[Moment, Search, list[Puzzle], list[Puzzle]]]:
    """A search for each moment at which something is wrong."""
    at: dict[Moment, list[int]] = defaultdict(list)
    for number, verdict in enumerate(verdicts):
        if verdict.claim.printed is not None and verdict.outcome != "undecided":
            try:
                at[context.moment(verdict.claim)].append(number)
            except SymbackpropError:
                continue
    for moment, numbers in at.items():
        if not any(number in wrong for number in numbers):
            continue
        asked: dict[int, Formula] = {}
        for number in numbers:
            try:
                asked[number] = _plain(context, verdicts[number].claim.of)
            except SymbackpropError:
                continue
        moved = [updated(name) for name in context.data.trained]
        known = _working(context, asked, moved if moment.steps else ())
        if known is None:
            continue
        working, atoms = known
        setting = _setting(context, working, moment)
        ends = [atom for number, atom in atoms.items() if number in wrong]
        moved = [new for new in moved if working.line(new) is not None]
        lines = setting.needed([*ends, *(moved if moment.steps else ())])
        changes = islice(changes_of(working, lines), MAX_CHANGES)
        search = Search(setting, changes)
        puzzles: list[Puzzle] = []
        right: list[Puzzle] = []
        for number, atom in atoms.items():
            printed = printed_of(verdicts[number].claim.printed or "")
            if number in wrong:
                operands = tuple(_operands(context, number, atom, moment, setting))
                puzzles.append(Puzzle.of(number, atom, printed, operands))
            elif verdicts[number].outcome == "agrees":
                right.append(Puzzle.of(number, atom, printed))
        yield moment, search, puzzles, right


def _unsolved(puzzles: Sequence[Puzzle], found: Mapping[int, Found]) -> list[Puzzle]:
    """The puzzles that nothing explains yet."""
    return [puzzle for puzzle in puzzles if not found[puzzle.index].hits]


def _course(context: Context, search: Search, moment: Moment) -> Course | None:
    """The updates up to a moment, where each is the plain rule on the whole batch."""
    data = context.data
    if not data.replayed or ETA not in context.values:
        return None
    start = _setting(context, search.working, Moment(0, 0))
    scene = moment.sample - 1 if moment.sample else None
    trained = tuple(sorted(data.trained, key=lambda name: name.id))
    return Course(start, trained, moment.steps, scene)


def _setting(context: Context, working: Working, moment: Moment) -> Setting:
    """The values at a moment; the mean over the samples where no sample is meant."""
    points = [context.point(scene) for scene in _scenes(context, moment)]
    names = [n.name for n in context.graph.nodes if n.body is None]
    floats = Floats(working, _with_value(points[0].value, [*names, ETA]))
    return Setting(
        working, floats, [scene_of(floats, point.value, {}) for point in points]
    )


def _scenes(context: Context, moment: Moment) -> list[Moment]:
    """The moment, or the same moment of each sample."""
    count = len(context.data.samples)
    if moment.sample or count <= 1:
        return [moment]
    return [Moment(moment.steps, n) for n in range(1, count + 1)]


def _with_value(
    value: Callable[[Name, int], Ball], names: Iterable[Name]
) -> list[Name]:
    """The leaves that have a value."""
    found: list[Name] = []
    for name in names:
        try:
            value(name, 64)
        except (SymbackpropError, KeyError):
            continue
        found.append(name)
    return found


def _plain(context: Context, quantity: Formula) -> Formula:
    """A claim's quantity over the working's atoms."""
    form = plain_form(context.reads(quantity))
    if isinstance(form, Derivative) and not isinstance(form.of, Name):
        return context.truth.resolved(form)
    return form


def _working(
    context: Context, asked: Mapping[int, Formula], also: Sequence[Formula]
) -> tuple[Working, dict[int, Atom]] | None:
    """The working that leads to what is asked for, and each question's atom.

    None where there is no such working, or it is too long.
    """
    forms = list(dict.fromkeys(asked.values()))
    rated = ETA in context.values
    maker = WorkingMaker(context.graph, context.truth.definitions, rated=rated)
    try:
        working = maker.working([*forms, *also], lambda atom: _results(context, atom))
    except SymbackpropError:
        return None
    atoms: dict[int, Atom] = {}
    for number, form in asked.items():
        named = isinstance(form, Name | Derivative)
        atom = form if named else asked_atom(forms.index(form))
        if working.line(atom) is not None:
            atoms[number] = atom
    return working, atoms


def _results(context: Context, atom: Atom) -> Iterator[Formula]:
    """What the derivation of ∂J/∂v ends on."""
    if isinstance(atom, Derivative) and atom.head == "D":
        try:
            result = context.truth.main(atom)
        except SymbackpropError:
            return
        if result is not None:
            yield result


def _operands(
    context: Context, number: int, atom: Atom, moment: Moment, setting: Setting
) -> Iterator[Operands]:
    """What the author had printed, by the working's atoms: all of it, forward alone."""
    printed = context.operands(number)
    weights = {updated(node.name): node.name for node in context.graph.nodes}
    rows: list[dict[Formula, Rational]] = []
    for scene in _scenes(context, moment):
        row: dict[Formula, Rational] = {}
        for own in setting.floats.slots:
            if own == atom:
                continue
            keys = [(context.truth.key(own), at) for at in (moment, scene)]
            if isinstance(own, Name) and own in weights:
                after = Moment(moment.steps + 1, moment.sample)
                keys = [(weights[own], after), (weights[own], Moment(after.steps))]
            for key in keys:
                operand = printed.get(key)
                if operand is not None and operand.value is not None:
                    row[own] = operand.value
        rows.append(row)
    if any(rows):
        yield tuple(rows)
    forward = tuple(map(_forward, rows))
    if any(forward) and forward != tuple(rows):
        yield forward


def _forward(row: Mapping[Formula, Rational]) -> Mapping[Formula, Rational]:
    """What was printed of the forward pass."""
    return {atom: value for atom, value in row.items() if isinstance(atom, Name)}


def _ranked(
    verdicts: Sequence[Verdict], found: Mapping[int, Found]
) -> dict[int, tuple[Cause, ...]]:
    """The causes of each claim, in order; each mistake once, at its likeliest place."""
    counts: Counter[Key] = Counter(key for one in found.values() for key in one.hits)
    chance: dict[Key, float] = {}
    for number, one in found.items():
        if one.hits:
            claim = verdicts[number].claim
            known = [_chance(claim, one, fine=fine) for fine in (False, True)]
            for key in one.hits:
                expected = known[key[0] in ROUNDINGS]
                chance[key] = min(expected, chance.get(key, expected))
    causes: dict[int, tuple[Cause, ...]] = {}
    for number, one in found.items():
        likely = [h for h in one.hits.values() if _is_worth_saying(h, chance[h.key])]
        ordered = sorted(likely, key=lambda hit: _rank(hit, counts))
        kept: dict[object, Cause] = {}
        for hit in ordered:
            told = {k: v for k, v in hit.arguments.items() if not k.startswith("at")}
            name = hit.mistake.replace(THROUGHOUT, "")
            if hit.mistake in DIGITS:
                told = {}  # to how many digits, or in which line, is all one
            cause = Cause(
                hit.mistake,
                chance[hit.key] <= CHANCE,
                hit.arguments,
                counts[hit.key],
            )
            kept.setdefault((name, tuple(told.items())), cause)
        causes[number] = tuple(kept.values())[:MAX_CAUSES]
    return causes


def _is_worth_saying(hit: Hit, chance: float) -> bool:
    """Whether a pair is more than what so many pairs would hit anyway."""
    return AND not in hit.mistake or chance <= MOST


def _chance(claim: Claim, found: Found, *, fine: bool) -> float:
    """How many hits by chance were to be expected; none of a proof."""
    if claim.printed is None:
        return 0.0
    return found.expected(printed_of(claim.printed), fine=fine)


def _rank(hit: Hit, counts: Mapping[Key, int]) -> tuple[int, int, bool, int, int]:
    """Explains most, spoils least, stands in the very line; then the plainer."""
    first = hit.mistake.split(AND)[0]
    place = ORDER.get(first, ORDER.get(first.removesuffix(THROUGHOUT), len(ORDER)))
    return -counts[hit.key], hit.against, not hit.own, place, len(hit.arguments)
