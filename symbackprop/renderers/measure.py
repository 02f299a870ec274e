"""How wide a formula is, roughly, and where a long one may be broken."""

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
    Sigma,
    Sum,
)
from symbackprop.renderers.lettering import Context, lettered

_SCRIPT = 0.7
_GAP = 1.6


def measured(form: Formula, context: Context) -> float:
    """The width of a form in average letters."""
    match form:
        case Num(digits):
            return len(digits)
        case Name():
            return _name(form, context)
        case Sum(terms):
            inner = sum(measured(term, context) for term in terms)
            return inner + _GAP * (len(terms) - 1)
        case Product(factors):
            return sum(
                measured(factor, context) + (_GAP if isinstance(factor, Sum) else 0.4)
                for factor in factors
            )
        case Minus(body):
            return 1 + measured(body, context)
        case Fraction(top, bottom):
            return 0.5 + max(measured(top, context), measured(bottom, context))
        case Power(base, exponent):
            return measured(base, context) + _SCRIPT * measured(exponent, context) + 0.8
        case Call(function, arguments):
            inside = sum(measured(argument, context) for argument in arguments)
            if function == "exp":
                return 1 + _SCRIPT * inside
            return inside + min(len(function), 5) + 1
        case Derivative(_, of, by):
            if isinstance(of, Name):
                return 1.4 + max(_name(of, context), _name(by, context))
            return 2 + _name(by, context) + measured(of, context)
        case Sigma(_, _, _, body):
            return 3 + measured(body, context)
        case _:
            return 2


def _name(name: Name, context: Context) -> float:
    """A name with its scripts one above the other."""
    text = lettered(name, context, "text")
    scripts = sum(character in "⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾" for character in text)
    lower = sum(character in "₀₁₂₃₄₅₆₇₈₉ₐₑᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ," for character in text)
    plain = len(text) - scripts - lower
    return plain + _SCRIPT * max(scripts, lower)


def grouped(forms: tuple[Formula, ...], limit: float, context: Context) -> list[int]:
    """Where to break a run of terms: the positions that start a new row."""
    starts: list[int] = []
    here = 0.0
    for place, form in enumerate(forms):
        wide = measured(form, context) + _GAP
        if here and here + wide > limit:
            starts.append(place)
            here = 0.0
        here += wide
    return starts
