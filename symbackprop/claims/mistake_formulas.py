"""Why a printed formula is wrong: the mistakes that make it of the right one.

Two points chosen by seed tell in floats which changed formula it may be; the kernel
proves that it is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction as Rational
from random import Random

from flint import fmpq

from symbackprop.claims.context import Context
from symbackprop.claims.formulas import MAX_SIZE, equality
from symbackprop.claims.mistake_found import Found, Hit
from symbackprop.claims.mistake_rules import scaled
from symbackprop.claims.mistake_search import AND, Ready, Search, joined
from symbackprop.claims.mistake_setting import Setting, scene_of
from symbackprop.claims.mistake_values import Floats, ones_in
from symbackprop.claims.mistake_working import Working
from symbackprop.claims.truth import exchanged
from symbackprop.errors import SymbackpropError
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Minus, Name, Sum, size
from symbackprop.kernel.calculus import literal
from symbackprop.numeric.point import Ball
from symbackprop.numeric.program import Atom

SEEDS = (1, 2)
SAME = 1e-9
"""Relative: floats at both points that agree so far are handed to the kernel."""

MAX_PROOFS = 20
"""So many candidates for one formula are handed to the kernel."""


def points(working: Working, names: Sequence[Name]) -> list[Setting]:
    """The working at two points of positive numbers below 1, as is assumed of them."""
    floats = Floats(working, names)
    found: list[Setting] = []
    for seed in SEEDS:
        random = Random(seed)  # noqa: S311 - points to try, nothing secret
        values = {name: Rational(random.randint(100, 899), 1000) for name in names}
        for fact in working.graph.facts:
            meet(fact, values)

        def leaf(
            name: Name, bits: int, values: Mapping[Name, Rational] = values
        ) -> Ball:
            del bits
            return fmpq(values[name].numerator, values[name].denominator)

        found.append(Setting(working, floats, [scene_of(floats, leaf, {})]))
    return found


def meet(fact: Assumption, values: dict[Name, Rational]) -> None:
    """Move the last term of a sum of names, so that it is what it is assumed to be."""
    terms = fact.left.terms if isinstance(fact.left, Sum) else (fact.left,)
    names = [term for term in terms if isinstance(term, Name) and term in values]
    right = literal(fact.right)
    if fact.relation == "=" and right is not None and len(names) == len(terms):
        values[names[-1]] = right - sum(values[name] for name in names[:-1])


def misformed(
    context: Context, search: Search, at: Sequence[Setting], atom: Atom, said: Formula
) -> Found:
    """The mistakes that make a printed formula of the right one of an atom."""
    found = Found(math.nan)
    code = search.floats.prepared({atom: said})[search.floats.slots[atom]]
    if code is None:
        return found
    target = [code(list(point.values)) for point in at]
    needed = at[0].needed([atom])
    near: list[tuple[Ready, str, Mapping[str, Formula | str], Formula | None]] = []
    ends = list(_ends(search, at))
    for ready in search.changes:
        rows = [point.rerun(ready.codes, needed) for point in at]
        values = [row[search.floats.slots[atom]] for row in rows if row is not None]
        if len(values) < len(at) or not all(map(math.isfinite, values)):
            continue
        if _same(values, target):
            near.append((ready, "", {}, None))
        elif len(near) < MAX_PROOFS:
            near += [
                (ready, name, arguments, factor)
                for name, arguments, factor, scale in ends
                if _same([v * s for v, s in zip(values, scale, strict=True)], target)
            ]
    for line in search.working.lines:
        if line.atom != atom and line.kind != "asked":
            values = [point.value(line.atom) for point in at]
            if _same(values, target) and _proved(context, line.form, said):
                found.add(Hit("value of another", {"used": line.atom}))
    single = [one for one in near if not one[1]]
    for ready, name, arguments, factor in (single or near)[:MAX_PROOFS]:
        form = spelt(search.working, ready, atom, needed)
        if name:
            form = Minus(form) if factor is None else scaled(form, factor)
        if _proved(context, form, said):
            own = atom in ready.change.lines
            hit = Hit(ready.change.mistake, ready.change.arguments, own=own)
            if name:
                both = joined(ready.change, {"at": atom, **arguments})
                hit = Hit(f"{ready.change.mistake}{AND}{name}", both)
            found.add(hit)
    return found


def _ends(
    search: Search, at: Sequence[Setting]
) -> Iterator[tuple[str, Mapping[str, Formula | str], Formula | None, list[float]]]:
    """The sign and the factors at the end of a formula, with their values."""
    for name, arguments, factor in search.ends():
        if name != "point slipped":
            yield name, arguments, factor, [search.size(factor, s) for s in at]


def _same(values: Sequence[float], target: Sequence[float]) -> bool:
    """Whether the values at all points agree."""
    return all(
        abs(a - b) <= SAME * (abs(a) + abs(b))
        for a, b in zip(values, target, strict=True)
    )


def _proved(context: Context, form: Formula, said: Formula) -> bool:
    """Whether the kernel proves two forms equal."""
    if size(form) > MAX_SIZE:
        return False
    try:
        return equality(context, (context.resolved(form),), said).outcome == "proved"
    except SymbackpropError:
        return False


def spelt(working: Working, ready: Ready, atom: Atom, needed: int) -> Formula:
    """An atom's form under changed lines, over atoms that these leave as they are."""
    known: dict[Formula, Formula] = {}
    changed = ready.change.lines
    for place in ones_in(needed):
        line = working.lines[place]
        form = exchanged(changed.get(line.atom, line.form), known)
        own = line.atom in changed or line.atom == atom or line.kind == "update"
        if own or form != line.form:
            known[line.atom] = form
    return known[atom]
