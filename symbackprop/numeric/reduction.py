# pyright: reportArgumentType=false, reportReturnType=false
# (SymPy annotates its own classes only in part)
"""Sums over a batch, read off a program's forms: products become dot products."""

from collections import Counter
from collections.abc import Callable, Sequence

import sympy

from symbackprop.formula.tree import (
    TWO,
    Derivative,
    Formula,
    Minus,
    Name,
    Power,
    Product,
    Sum,
)
from symbackprop.numeric.program import Assignment, atoms_of

ROWS = sympy.Symbol("rows")
"""The number of rows of a batch, an argument of generated code."""


class Sums:
    """Sums over the rows of a batch, taken apart so that products are dot products.

    `gone` are the lines that nothing needs any more once the sums are taken.
    """

    def __init__(
        self,
        lines: Sequence[Assignment],
        outputs: Sequence[Formula],
        columns: frozenset[Formula],
        plain: Callable[[Formula], sympy.Expr],
    ) -> None:
        self.plain = plain
        self.forms: dict[Formula, Formula] = {line.atom: line.form for line in lines}
        self.columns: set[Formula] = set(columns)
        self.varying = {plain(column) for column in columns}
        self.gone: set[Formula] = set()
        for line in lines:
            # SymPy cancels: x/x mentions a column, but its value is one number.
            if not self.columns.isdisjoint(atoms_of(line.form)) and self._varies(
                plain(line.form)
            ):
                self.columns.add(line.atom)
                self.varying.add(plain(line.atom))
        self.uses: Counter[Formula] = Counter(outputs)
        for line in lines:
            _count(line.form, self.uses)

    def _varies(self, expression: sympy.Expr) -> bool:
        """Whether an expression has a value of its own in each row."""
        return not self.varying.isdisjoint(expression.free_symbols)

    def _total(self, expression: sympy.Expr) -> sympy.Expr:
        """The sum over the rows of an expression, taken as it stands."""
        if not self._varies(expression):
            return ROWS * expression
        return sympy.Function("total")(expression)

    def of(self, form: Formula) -> sympy.Expr:
        """The sum over the rows of a form over atoms."""
        if self.columns.isdisjoint(atoms_of(form)):
            return ROWS * self.plain(form)
        match form:
            case Name() | Derivative():
                opened = self._opened(form)
                if opened is None:
                    return self._total(self.plain(form))
                return self.of(opened)
            case Sum(terms) if len({isinstance(term, Minus) for term in terms}) == 1:
                # Not of a difference: Σy - Σo loses digits that Σ(y - o) keeps.
                return sympy.Add(*map(self.of, terms))
            case Minus(body):
                return -self.of(body)
            case Power(base, exponent) if exponent == TWO and base in self.columns:
                return sympy.Function("dot")(self.plain(base), self.plain(base))
            case Product(factors):
                return self._product(factors)
            case _:
                return self._total(self.plain(form))

    def _product(self, factors: Sequence[Formula]) -> sympy.Expr:
        """What is the same in every row taken out; two columns are a dot product."""
        same = [f for f in factors if self.columns.isdisjoint(atoms_of(f))]
        rest = [f for f in factors if f not in same]
        outside = [self.plain(factor) for factor in same]
        if len(rest) == 1:
            return sympy.Mul(*outside, self.of(rest[0]))
        if len(rest) == 2 and all(factor in self.columns for factor in rest):
            return sympy.Mul(*outside, sympy.Function("dot")(*map(self.plain, rest)))
        inside = sympy.Mul(*map(self.plain, rest))
        return sympy.Mul(*outside, self._total(inside))

    def _opened(self, atom: Formula) -> Formula | None:
        """An atom's form, if nothing else needs its value row by row."""
        form = self.forms.get(atom)
        if form is None or self.uses.get(atom, 0) > 1:
            return None
        if not isinstance(form, Name | Derivative | Sum | Minus | Product | Power):
            return None
        self.gone.add(atom)
        return form


def _count(form: Formula, uses: Counter[Formula]) -> None:
    """Add each place in a form where an atom stands."""
    if isinstance(form, Name | Derivative):
        uses[form] += 1
        return
    for part in form.children:
        _count(part, uses)
