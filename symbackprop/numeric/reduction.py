# pyright: reportArgumentType=false, reportReturnType=false
# (SymPy annotates its own classes only in part)
"""Sums over a batch, read off a program's forms: products become dot products."""

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
        self.uses: dict[Formula, int] = {}
        self.gone: set[Formula] = set()
        for line in lines:
            parents = atoms_of(line.form)
            if not self.columns.isdisjoint(parents):
                self.columns.add(line.atom)
            for parent in parents:
                self.uses[parent] = self.uses.get(parent, 0) + 1
        for atom in outputs:
            self.uses[atom] = self.uses.get(atom, 0) + 1

    def of(self, form: Formula) -> sympy.Expr:
        """The sum over the rows of a form over atoms."""
        if self.columns.isdisjoint(atoms_of(form)):
            return ROWS * self.plain(form)
        match form:
            case Name() | Derivative():
                opened = self._opened(form)
                if opened is None:
                    return sympy.Function("total")(self.plain(form))
                return self.of(opened)
            case Sum(terms):
                return sympy.Add(*map(self.of, terms))
            case Minus(body):
                return -self.of(body)
            case Power(base, exponent) if exponent == TWO and base in self.columns:
                return sympy.Function("dot")(self.plain(base), self.plain(base))
            case Product(factors):
                return self._product(factors)
            case _:
                return sympy.Function("total")(self.plain(form))

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
        return sympy.Mul(*outside, sympy.Function("total")(inside))

    def _opened(self, atom: Formula) -> Formula | None:
        """An atom's form, if nothing else needs its value row by row."""
        form = self.forms.get(atom)
        if form is None or self.uses.get(atom, 0) > 1:
            return None
        if not isinstance(form, Name | Derivative | Sum | Minus | Product | Power):
            return None
        self.gone.add(atom)
        return form
