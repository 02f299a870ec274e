# pyright: reportArgumentType=false, reportReturnType=false
# (SymPy annotates its own classes only in part)
"""The one door from forms to SymPy: the only file that builds SymPy objects."""

from collections.abc import Callable

import sympy

from symbackprop.formula.binding import written_out
from symbackprop.formula.text import atom_id
from symbackprop.formula.tree import (
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
)


def to_sympy(
    form: Formula,
    atom: Callable[[Formula], sympy.Expr] | None = None,
    call: Callable[[Call, list[sympy.Expr]], sympy.Expr] | None = None,
) -> sympy.Expr:
    """The SymPy expression that a form stands for (evaluated, as SymPy does).

    Symbols are named by id and carry no assumptions, so that `Symbol("x1")` is one of
    them. D(J, z1_2) is the symbol delta1_2, any other derivative one of its text.
    `atom` and `call` choose other symbols and functions: generated code has its own.
    """

    def inner(part: Formula) -> sympy.Expr:
        """The same for a part."""
        return to_sympy(part, atom, call)

    match form:
        case Num():
            value = form.value
            return sympy.Rational(value.numerator, value.denominator)
        case Name():
            return sympy.Symbol(form.id) if atom is None else atom(form)
        case Sum(terms):
            return sympy.Add(*map(inner, terms))
        case Product(factors):
            return sympy.Mul(*map(inner, factors))
        case Minus(body):
            return -inner(body)
        case Fraction(top, bottom):
            return inner(top) / inner(bottom)
        case Power(base, exponent):
            return inner(base) ** inner(exponent)
        case Call():
            arguments = [inner(argument) for argument in form.arguments]
            return (call or _call)(form, arguments)
        case Derivative():
            return sympy.Symbol(atom_id(form)) if atom is None else atom(form)
        case Sigma(index, start, stop, body):
            if isinstance(start, Num) and isinstance(stop, Num):
                return inner(written_out(form))
            symbol = sympy.Symbol(index, integer=True)
            return sympy.Sum(inner(body), (symbol, inner(start), inner(stop)))
        case Delta(left, right):
            return sympy.KroneckerDelta(_index(left), _index(right))
        case _:
            raise TypeError(type(form).__name__)


def _index(index: int | Idx) -> sympy.Expr:
    """An index as a SymPy integer."""
    if isinstance(index, int):
        return sympy.Integer(index)
    return sympy.Symbol(index.name, integer=True) + index.shift


_FUNCTIONS = {
    "exp": sympy.exp,
    "log": sympy.log,
    "sqrt": sympy.sqrt,
    "erf": sympy.erf,
    "abs": sympy.Abs,
    "tanh": sympy.tanh,
}


def _call(form: Call, arguments: list[sympy.Expr]) -> sympy.Expr:
    """A function's value; named activations stay named, except SymPy's own."""
    if form.function == "pi":
        return sympy.pi
    if form.function == "Max":
        return sympy.Max(*arguments)
    if form.function == "step":
        return sympy.Heaviside(arguments[0], 0)
    if form.slope is None and form.function in _FUNCTIONS:
        return _FUNCTIONS[form.function](*arguments)
    function = sympy.Function(form.function)
    value = function(*arguments)
    if form.slope is None:
        return value
    dummies = [sympy.Dummy(f"u{n}") for n in range(len(arguments))]
    slope = sympy.Derivative(function(*dummies), dummies[form.slope])
    return sympy.Subs(slope, dummies, arguments)
