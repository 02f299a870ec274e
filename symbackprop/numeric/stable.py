"""Forms that keep their digits: what is computed where it differs from what is written.

1 - σ(z) loses every digit for a large z, σ(-z) none. Each exchange is a step of the
kernel after the derivation's last line; what the kernel does not accept is left alone.
"""

from dataclasses import replace
from string import ascii_letters

from symbackprop.errors import Refused
from symbackprop.formula.binding import substituted
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import (
    ONE,
    Call,
    Formula,
    Fraction,
    Name,
    Path,
    Sum,
    at,
    names_in,
    positions,
    walk,
)
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import algebra, fold, lemma, unfold
from symbackprop.kernel.step import Step
from symbackprop.numeric.program import Assignment, Program, without_sigma
from symbackprop.numeric.tails import SHARE, Exchange, Look, exchanges
from symbackprop.ops.table import TAILS

MAX_EXCHANGES = 200
REASON = "stable"
_X = Name("x")


def with_tails(definitions: Definitions) -> Definitions:
    """The same definitions, with the functions that only computed forms use.

    erfc where erf is used, log_share3 where there is a softmax of three units.
    """
    look = Look(definitions)
    named: set[str] = set()
    widths: set[int] = set()
    for entry in definitions.entries:
        for part in walk(entry.body) if entry.body is not None else ():
            if isinstance(part, Call):
                named.add(part.function)
            elif (found := look.softmax(part)) is not None:
                widths.add(len(found[1]))
    more = {f"{SHARE}{width}": _share(width) for width in sorted(widths)}
    if named & {"gelu", "erf"}:
        words = Vocabulary(names=("x",))
        more |= {n: Function(("x",), read(text, words)) for n, text in TAILS.items()}
    if not more:
        return definitions
    functions = {**definitions.functions, **more}
    return Definitions(definitions.entries, functions, definitions.assumptions)


def _share(width: int) -> Function:
    """ln of e^x over the sum of it and the other e^u."""
    names = tuple(f"u{letter}" for letter in ascii_letters[:width])
    powers = tuple(Call("exp", (Name(name),)) for name in names)
    return Function(names, Call("log", (Fraction(powers[0], Sum(powers)),)))


def stable(program: Program) -> Program:
    """The program with each line in a form that keeps its digits."""
    lemmas = _Lemmas(program.definitions)
    lines = tuple(_stable_line(line, lemmas) for line in program.lines)
    return replace(program, lines=lines)


class _Lemmas:
    """Exchanges of one name, judged once for a free x and used for every unit."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.alone = Definitions((Definition(_X),), definitions.functions)
        self.known: dict[tuple[Formula, Formula], Derivation] = {}

    def step(self, before: Formula, path: Path, new: Formula) -> Step:
        """The exchange of a part for another, by the lemma if there is but one name."""
        old = at(before, path)
        names = dict.fromkeys((*names_in(old), *names_in(new)))
        if len(names) != 1:
            return algebra(self.definitions, before, path, new, REASON)
        (name,) = names
        key = (substituted(old, {name: _X}), substituted(new, {name: _X}))
        if key not in self.known:
            judged = algebra(self.alone, key[0], (), key[1], REASON)
            self.known[key] = Derivation(key[0], self.alone, ((judged,),))
        return lemma(self.definitions, before, path, self.known[key], name)


def _stable_line(line: Assignment, lemmas: _Lemmas) -> Assignment:
    """A line, its derivation continued where an exchange is due."""
    definitions = lemmas.definitions
    given = line.derivation
    form = line.form if given is None else given.result
    if not _may_lose_digits(form):
        return line
    steps: list[Step] = []
    if given is None:
        if not isinstance(line.atom, Name) or definitions.body(line.atom) != form:
            return line
        steps.append(unfold(definitions, line.atom, ()))
    begun = len(steps)
    for _ in range(MAX_EXCHANGES):
        more = _next(lemmas, form)
        if not more:
            break
        steps += more
        form = steps[-1].after
    if len(steps) == begun:
        return line
    before = () if given is None else given.lines
    goal = line.atom if given is None else given.goal
    derivation = Derivation(goal, definitions, (*before, tuple(steps)))
    return replace(line, form=without_sigma(form), derivation=derivation)


def _may_lose_digits(form: Formula) -> bool:
    """Whether a form has a part that an exchange could be for."""
    return any(
        isinstance(part, Call | Fraction)
        or (isinstance(part, Sum) and part.terms[0] == ONE)
        for part in walk(form)
    )


def _next(lemmas: _Lemmas, form: Formula) -> list[Step]:
    """The steps of the first exchange that is due, outermost part first."""
    for path, part in positions(form):
        for exchange in exchanges(lemmas.definitions, part):
            try:
                return _carried_out(lemmas, form, path, exchange)
            except Refused:
                continue
    return []


def _carried_out(
    lemmas: _Lemmas, form: Formula, path: Path, exchange: Exchange
) -> list[Step]:
    """Names opened, the exchange judged by the kernel, names closed."""
    definitions = lemmas.definitions
    steps: list[Step] = []
    for inner in exchange.opened:
        steps.append(unfold(definitions, form, path + inner))
        form = steps[-1].after
    steps.append(lemmas.step(form, path, exchange.new))
    for inner, name in exchange.closed:
        steps.append(fold(definitions, steps[-1].after, path + inner, name))
    return steps
