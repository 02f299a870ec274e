"""A program as JavaScript, for a page that computes: indices in, indices out, no names.

The same straight-line program as the NumPy function, in the same stable forms.
"""

from dataclasses import dataclass

from symbackprop.errors import InputError
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
)
from symbackprop.numeric.program import Atom, Program
from symbackprop.numeric.straight import straightened

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
FUNCTIONS = frozenset(
    {
        "exp",
        "log",
        "sqrt",
        "abs",
        "erf",
        "erfc",
        "Max",
        "step",
        "identity",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "softplus",
        "silu",
        "gelu",
        "log_share",
    }
)
"""What the page's own script defines, as methods of `f`."""


@dataclass(frozen=True, slots=True)
class Script:
    """Statements that fill the array v, where v[i] is the value of `atoms[i]`.

    The first `given` atoms are the program's arguments; `f` holds the functions.
    """

    atoms: tuple[Atom, ...]
    given: int
    text: str


def script_of(program: Program) -> Script:
    """The program as JavaScript. InputError where a function is left general."""
    if program.general:
        raise InputError("a function left general has no value in a page")
    atoms = [line.atom for line in program.lines]
    bases = {a.base for a in (*atoms, *program.arguments) if isinstance(a, Name)}
    base = "t"
    while base in bases:
        base += "_"
    lines = straightened(program.lines, atoms, base)
    own = [line.atom for line in lines if line.atom not in set(atoms)]
    order = (*program.arguments, *atoms, *own)
    places: dict[Formula, int] = {atom: place for place, atom in enumerate(order)}
    text = "\n".join(f"v[{places[x.atom]}]={_spelt(x.form, places)[0]};" for x in lines)
    return Script(order, len(program.arguments), text)


def _spelt(form: Formula, places: dict[Formula, int]) -> tuple[str, int]:
    """The text of a form and how tightly it binds."""

    def wrapped(part: Formula, least: int) -> str:
        """A part, in brackets if it binds less tightly."""
        text, binds = _spelt(part, places)
        return text if binds >= least else f"({text})"

    match form:
        case Num():
            return _number(form), _ATOM
        case Name() | Derivative():
            return f"v[{places[form]}]", _ATOM
        case Sum(terms):
            text = wrapped(terms[0], _SUM)
            for term in terms[1:]:
                if isinstance(term, Minus):
                    text += "-" + wrapped(term.body, _PRODUCT)
                else:
                    text += "+" + wrapped(term, _PRODUCT)
            return text, _SUM
        case Product(factors):
            return "*".join(wrapped(factor, _POWER) for factor in factors), _PRODUCT
        case Minus(body):
            return "-" + wrapped(body, _POWER), _SUM
        case Fraction(top, bottom):
            return f"{wrapped(top, _PRODUCT)}/{wrapped(bottom, _POWER)}", _PRODUCT
        case Power(base, exponent):
            inside = _spelt(base, places)[0]
            return f"Math.pow({inside},{_spelt(exponent, places)[0]})", _ATOM
        case Call("pi", ()):
            return "Math.PI", _ATOM
        case Call(function, arguments, None):
            name = function.rstrip("0123456789")
            if name not in FUNCTIONS:
                raise InputError(f"{function} has no value in a page")
            inner = ",".join(_spelt(argument, places)[0] for argument in arguments)
            return f"f.{name}({inner})", _ATOM
        case _:
            raise InputError("a slope left general has no value in a page")


def _number(form: Num) -> str:
    """A decimal of the file as the double next to it."""
    value = form.value
    try:
        return repr(value.numerator / value.denominator)
    except OverflowError:
        raise InputError(
            f"the number {form.text[:40]} is too large for a page"
        ) from None
