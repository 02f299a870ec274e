"""What can go wrong in one line: signs, factors, terms.

A rule takes a line to the forms that a mistake makes of it. It says nothing of whether
anybody made it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import TypeAlias

from symbackprop.claims.mistake_working import RATE, Line, Working
from symbackprop.formula.binding import substituted
from symbackprop.formula.tree import (
    ONE,
    TWO,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Num,
    Path,
    Power,
    Product,
    Sum,
    number,
    replaced,
)
from symbackprop.kernel.calculus import literal, product_of, sum_of

Arguments: TypeAlias = Mapping[str, Formula | str]

NOTHING: Arguments = MappingProxyType({})

_CENTS = ("001", "01", "02", "03", "05", *(f"{n:02d}" for n in range(10, 100, 5)))
RATES = (*(f"0.{digits}" for digits in _CENTS), "1", "2", "5", "10")
"""Learning rates that books use."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A line's form under a mistake; `arguments` tell it from others of its kind.

    `alike`: the same mistake makes sense in several lines at once.
    """

    form: Formula
    arguments: Arguments = field(default_factory=lambda: NOTHING)
    alike: bool = False


Rule: TypeAlias = Callable[[Working, Line], Iterable[Edit]]


def places(form: Formula, path: Path = ()) -> Iterator[tuple[Path, Formula]]:
    """Every part of a form and where it stands; an atom has no parts."""
    yield path, form
    if not isinstance(form, Derivative):
        for number_, child in enumerate(form.children):
            yield from places(child, (*path, number_))


def parts_of(line: Line) -> Iterator[tuple[Formula, Path, Formula]]:
    """Every part of every way to write a line: the whole, the position, the part."""
    for whole in (line.form, *line.ways):
        for path, part in places(whole):
            yield whole, path, part


def is_activation_slope(working: Working, form: Formula) -> bool:
    """Whether a factor is ∂h/∂z of a unit."""
    return (
        isinstance(form, Derivative)
        and form.head == "P"
        and working.role(form.of) in ("activation", "output")
        and working.role(form.by) == "preactivation"
    )


# ---- signs and factors


def sign(_: Working, line: Line) -> Iterator[Edit]:
    """-v for v."""
    yield Edit(Minus(line.form), alike=True)


def sign_of_term(_: Working, line: Line) -> Iterator[Edit]:
    """One term of a sum with the other sign."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Sum):
            for place, term in enumerate(part.terms):
                other = term.body if isinstance(term, Minus) else Minus(term)
                terms = (*part.terms[:place], other, *part.terms[place + 1 :])
                what = term.body if isinstance(term, Minus) else term
                form = replaced(whole, path, Sum(terms))
                yield Edit(form, {"what": what})


def scales(working: Working) -> tuple[Formula, ...]:
    """The factors that get lost or come in: 2, n for each count of units, and 1/n."""
    counts: dict[tuple[str, int], int] = {}
    for node in working.graph.nodes:
        if node.role in ("input", "target", "preactivation"):
            key = (node.role, node.layer)
            counts[key] = counts.get(key, 0) + 1
    whole = sorted({2, *counts.values()} - {1})[:5]
    both = [number(n) for n in whole]
    return (*both, *(Fraction(ONE, n) for n in both))


def scaled(form: Formula, factor: Formula) -> Formula:
    """A form times a factor; over n for 1/n."""
    if isinstance(factor, Fraction) and factor.top == ONE:
        return Fraction(form, factor.bottom)
    return Product((factor, form))


def factor(working: Working, line: Line) -> Iterator[Edit]:
    """c·v for v: 2, ½, n, 1/n."""
    for scale in scales(working):
        yield Edit(scaled(line.form, scale), {"factor": scale}, alike=True)


def rate_extra(working: Working, line: Line) -> Iterator[Edit]:
    """η·v for a slope; η² for η in an update."""
    if working.rated and line.kind in ("total", "asked"):
        yield Edit(Product((RATE, line.form)), alike=True)
    for whole, path, part in parts_of(line):
        if isinstance(part, Product) and RATE in part.factors:
            form = replaced(whole, path, Product((RATE, *part.factors)))
            yield Edit(form, alike=True)


def rate_lost(_: Working, line: Line) -> Iterator[Edit]:
    """w - ∂J/∂w for w - η·∂J/∂w."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Product) and RATE in part.factors:
            rest = product_of(tuple(f for f in part.factors if f != RATE))
            yield Edit(replaced(whole, path, rest), alike=True)


def other_rate(working: Working, line: Line) -> Iterator[Edit]:
    """Another learning rate of few digits."""
    if working.rated and line.kind == "update":
        for rate in RATES:
            form = substituted(line.form, {RATE: Num(rate)})
            yield Edit(form, {"rate": Num(rate)}, alike=True)


def factor_lost(working: Working, line: Line) -> Iterator[Edit]:
    """A factor or a denominator left out; slopes of units have a row of their own."""
    known = {literal(scale) for scale in scales(working)}
    for whole, path, part in parts_of(line):
        if isinstance(part, Product):
            for place, gone in enumerate(part.factors):
                if gone == RATE or is_activation_slope(working, gone):
                    continue
                inner = path not in ((), (0,)) or isinstance(whole, Sum)
                if not inner and _inverse(gone) in known:
                    continue  # the row of factors has it
                rest = (*part.factors[:place], *part.factors[place + 1 :])
                form = replaced(whole, path, product_of(rest))
                yield Edit(form, {"what": gone})
        elif isinstance(part, Fraction) and part.top != ONE:
            form = replaced(whole, path, part.top)
            yield Edit(form, {"what": Fraction(ONE, part.bottom)})


def _inverse(form: Formula) -> Rational | None:
    """1/c of a form of digits."""
    value = literal(form)
    return 1 / value if value else None


def factor_twice(working: Working, line: Line) -> Iterator[Edit]:
    """A factor taken twice; slopes of units have a row of their own."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Product):
            for once in part.factors:
                if once == RATE or literal(once) is not None:
                    continue
                if not is_activation_slope(working, once):
                    form = replaced(whole, path, Product((once, *part.factors)))
                    yield Edit(form, {"what": once})


def turned_over(_: Working, line: Line) -> Iterator[Edit]:
    """a/b for a·b, and a·b for a/b."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Fraction) and literal(part) is None:
            form = replaced(whole, path, Product((part.top, part.bottom)))
            yield Edit(form, {"what": part.bottom})
        elif isinstance(part, Product) and len(part.factors) == 2:
            for top, bottom in (part.factors, part.factors[::-1]):
                if literal(bottom) is None:
                    form = replaced(whole, path, Fraction(top, bottom))
                    yield Edit(form, {"what": bottom})


def square_lost(_: Working, line: Line) -> Iterator[Edit]:
    """u for u², and 2u for it."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Power) and part.exponent == TWO:
            yield Edit(replaced(whole, path, part.base), alike=True)
            twice = Product((TWO, part.base))
            yield Edit(replaced(whole, path, twice), alike=True)


# ---- terms


def term_lost(working: Working, line: Line) -> Iterator[Edit]:
    """A term of a sum left out: a path, an input, the old weight; a bias apart."""
    for whole, path, part in parts_of(line):
        if isinstance(part, Sum):
            for place, gone in enumerate(part.terms):
                if working.role(gone) != "bias":
                    rest = (*part.terms[:place], *part.terms[place + 1 :])
                    what = gone.body if isinstance(gone, Minus) else gone
                    form = replaced(whole, path, sum_of(rest))
                    yield Edit(form, {"what": what})


def bias_forgotten(working: Working, line: Line) -> Iterator[Edit]:
    """Σ w h for Σ w h + b."""
    form = line.form
    if isinstance(form, Sum):
        rest = tuple(term for term in form.terms if working.role(term) != "bias")
        if rest and len(rest) < len(form.terms):
            yield Edit(sum_of(rest), alike=True)


def not_updated(working: Working, line: Line) -> Iterator[Edit]:
    """w for w': a weight that stays as it was."""
    if line.kind == "update" and working.role(_old(working, line)) != "bias":
        yield Edit(_old(working, line), alike=True)


def bias_not_updated(working: Working, line: Line) -> Iterator[Edit]:
    """b for b': a bias that stays as it was."""
    if line.kind == "update" and working.role(_old(working, line)) == "bias":
        yield Edit(_old(working, line), alike=True)


def _old(_: Working, line: Line) -> Formula:
    """The parameter that a line updates."""
    assert isinstance(line.form, Sum)
    return line.form.terms[0]
