# pyright: reportArgumentType=false, reportReturnType=false
# (SymPy annotates its own classes only in part)
"""The one door from forms to SymPy: the only file that builds SymPy objects."""

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


def to_sympy(form: Formula) -> sympy.Expr:
    """The SymPy expression that a form stands for (evaluated, as SymPy does).

    Symbols are named by id and carry no assumptions, so that `Symbol("x1")` is one of
    them. D(J, z1_2) is the symbol delta1_2, any other derivative one of its text.
    """
    match form:
        case Num():
            value = form.value
            return sympy.Rational(value.numerator, value.denominator)
        case Name():
            return sympy.Symbol(form.id)
        case Sum(terms):
            return sympy.Add(*map(to_sympy, terms))
        case Product(factors):
            return sympy.Mul(*map(to_sympy, factors))
        case Minus(body):
            return -to_sympy(body)
        case Fraction(top, bottom):
            return to_sympy(top) / to_sympy(bottom)
        case Power(base, exponent):
            return to_sympy(base) ** to_sympy(exponent)
        case Call():
            return _call(form)
        case Derivative():
            return sympy.Symbol(atom_id(form))
        case Sigma(index, start, stop, body):
            if isinstance(start, Num) and isinstance(stop, Num):
                return to_sympy(written_out(form))
            symbol = sympy.Symbol(index, integer=True)
            return sympy.Sum(to_sympy(body), (symbol, to_sympy(start), to_sympy(stop)))
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


def _call(form: Call) -> sympy.Expr:
    """A function's value; named activations stay named, except SymPy's own."""
    arguments = [to_sympy(argument) for argument in form.arguments]
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
