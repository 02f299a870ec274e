"""What could stand instead of a part that loses digits: one row an exchange.

Nothing here is trusted: the kernel judges each exchange before it is made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from symbackprop.formula.tree import (
    ONE,
    TWO,
    Call,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Path,
    Power,
    Product,
    Sum,
    walk,
)
from symbackprop.kernel.definitions import Definitions

SHARE = "log_share"
"""log_share3(z, u, v) is ln(e^z / (e^z + e^u + e^v)) of a softmax of three units."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What to write instead of a part, and which names to open or close for it.

    `opened` are positions of names in the part, `closed` positions in the new one with
    the name that stands there in the end.
    """

    new: Formula
    opened: tuple[Path, ...] = ()
    closed: tuple[tuple[Path, Name], ...] = ()


def exchanges(definitions: Definitions, part: Formula) -> Iterator[Exchange]:
    """What could stand instead of a part; the kernel decides."""
    look = Look(definitions)
    for find in FINDERS:
        found = find(look, part)
        if found is not None:
            yield found


@dataclass(frozen=True, slots=True)
class Look:
    """What names stand for."""

    definitions: Definitions

    def call(self, form: Formula, function: str) -> tuple[Formula, bool] | None:
        """u where a form is f(u), and whether it is a name for that."""
        named = isinstance(form, Name)
        body = self.definitions.body(form) if isinstance(form, Name) else form
        if (
            isinstance(body, Call)
            and body.function == function
            and body.slope is None
            and len(body.arguments) == 1
        ):
            return body.arguments[0], named
        return None

    def softmax(self, form: Formula) -> tuple[Call, tuple[Formula, ...]] | None:
        """e^z and all the e^z of its sum, where a form is or names a softmax unit."""
        body = self.definitions.body(form) if isinstance(form, Name) else form
        if not isinstance(body, Fraction) or not isinstance(body.bottom, Sum):
            return None
        terms = body.bottom.terms
        powers = all(isinstance(t, Call) and t.function == "exp" for t in terms)
        if isinstance(body.top, Call) and body.top in terms and powers:
            return body.top, terms
        return None

    def siblings(self, name: Name) -> tuple[Name, ...] | None:
        """The units of a softmax layer, in order."""
        found = self.softmax(name)
        if found is None:
            return None
        units = {
            self.definitions.body(entry.name): entry.name
            for entry in self.definitions.entries
            if entry.body is not None and self.softmax(entry.body) is not None
        }
        bottom = Sum(found[1])
        wanted = [units.get(Fraction(term, bottom)) for term in found[1]]
        return tuple(name for name in wanted if name is not None)


def _minus(form: Formula) -> Formula:
    """The opposite, without two minus signs."""
    return form.body if isinstance(form, Minus) else Minus(form)


def _complement(part: Formula) -> Formula | None:
    """u where a form is 1 - u."""
    match part:
        case Sum((first, Minus(body))) if first == ONE:
            return body
        case _:
            return None


def _sigmoid_tail(look: Look, part: Formula) -> Exchange | None:
    """1 - σ(u) = σ(-u)."""
    inner = _complement(part)
    found = None if inner is None else look.call(inner, "sigmoid")
    if found is None:
        return None
    opened = ((1, 0),) if found[1] else ()
    return Exchange(Call("sigmoid", (_minus(found[0]),)), opened)


def _tanh_tail(look: Look, part: Formula) -> Exchange | None:
    """1 - tanh²u = 4 σ(2u) σ(-2u)."""
    inner = _complement(part)
    if not isinstance(inner, Power) or inner.exponent != TWO:
        return None
    found = look.call(inner.base, "tanh")
    if found is None:
        return None
    double = Product((TWO, found[0]))
    sigmoids = [Call("sigmoid", (u,)) for u in (double, Minus(double))]
    new = Product((Num("4"), *sigmoids))
    return Exchange(new, ((1, 0, 0),) if found[1] else ())


def _softmax_tail(look: Look, part: Formula) -> Exchange | None:
    """1 - o₁ = o₂ + … + oₙ of a softmax layer."""
    inner = _complement(part)
    found = look.softmax(inner) if isinstance(inner, Name) else None
    if not isinstance(inner, Name) or found is None:
        return None
    others = [name for name in look.siblings(inner) or () if name != inner]
    if len(others) != len(found[1]) - 1 or not others:
        return None
    bodies = tuple(look.definitions.body(name) for name in others)
    spelt = tuple(body for body in bodies if body is not None)
    if len(spelt) == 1:
        return Exchange(spelt[0], ((1, 0),), (((), others[0]),))
    closed = tuple(((n,), name) for n, name in enumerate(others))
    return Exchange(Sum(spelt), ((1, 0),), closed)


def _silu_slope(look: Look, part: Formula) -> Exchange | None:
    """y + σ(u)(1 - y) = σ(u)(1 + u σ(-u)) for y = u σ(u)."""
    match part:
        case Sum((first, Product((Call("sigmoid", (u,)) as s, rest)))):
            found = look.call(first, "silu")
            if found is None or found[0] != u or _complement(rest) != first:
                return None
            tail = Call("sigmoid", (_minus(u),))
            new = Product((s, Sum((ONE, Product((u, tail))))))
            return Exchange(new, ((0,), (1, 1, 1, 0)) if found[1] else ())
        case _:
            return None


def _erf_tail(_: Look, part: Formula) -> Exchange | None:
    """1 + erf u = erfc(-u)."""
    match part:
        case Sum((first, Call("erf", (u,), None))) if first == ONE:
            return Exchange(Call("erfc", (_minus(u),)))
        case _:
            return None


def _shifted(terms: tuple[Formula, ...]) -> tuple[Formula, dict[Formula, Formula]]:
    """The largest exponent, and each e^z as e^(z - largest)."""
    exponents = [term.arguments[0] for term in terms if isinstance(term, Call)]
    largest = Call("Max", tuple(exponents))
    return largest, {
        Call("exp", (z,)): Call("exp", (Sum((z, Minus(largest))),)) for z in exponents
    }


def _softmax(look: Look, part: Formula) -> Exchange | None:
    """e^z / Σ e^z with the largest z taken off every exponent."""
    found = look.softmax(part) if isinstance(part, Fraction) else None
    if found is None or any(_is_shifted(term) for term in found[1]):
        return None
    _, less = _shifted(found[1])
    top, terms = found
    return Exchange(Fraction(less[top], Sum(tuple(less[term] for term in terms))))


def _is_shifted(term: Formula) -> bool:
    """Whether an exponent has had the largest one taken off."""
    return isinstance(term, Call) and any(
        isinstance(inner, Call) and inner.function == "Max"
        for inner in walk(term.arguments[0])
    )


def _log_of_sigmoid(look: Look, part: Formula) -> Exchange | None:
    """ln σ(u) = -softplus(-u) and ln(1 - σ(u)) = -softplus(u)."""
    if not isinstance(part, Call) or part.function != "log":
        return None
    inner = part.arguments[0]
    rest = _complement(inner)
    found = look.call(inner if rest is None else rest, "sigmoid")
    if found is None:
        return None
    u = _minus(found[0]) if rest is None else found[0]
    place: Path = (0,) if rest is None else (0, 1, 0)
    return Exchange(Minus(Call("softplus", (u,))), (place,) if found[1] else ())


def _log_of_softmax(look: Look, part: Formula) -> Exchange | None:
    """ln(e^z / (e^z + Σ e^u)) = log_share(z, u, …), exact also where it is near 0."""
    if not isinstance(part, Call) or part.function != "log":
        return None
    inner = part.arguments[0]
    found = look.softmax(inner)
    if found is None or any(_is_shifted(term) for term in found[1]):
        return None
    exponents = [term.arguments[0] for term in found[1] if isinstance(term, Call)]
    z = found[0].arguments[0]
    others = [u for u in exponents if u != z]
    if len(others) != len(exponents) - 1:
        return None
    new = Call(f"{SHARE}{len(exponents)}", (z, *others))
    return Exchange(new, ((0,),) if isinstance(inner, Name) else ())


def _cancelled(_: Look, part: Formula) -> Exchange | None:
    """(a/u) u = a, so that u = 0 divides nothing."""
    if not isinstance(part, Product):
        return None
    for place, factor in enumerate(part.factors):
        sign = isinstance(factor, Minus)
        inner = factor.body if isinstance(factor, Minus) else factor
        if not isinstance(inner, Fraction):
            continue
        for other, bottom in enumerate(part.factors):
            if other != place and bottom == inner.bottom:
                top = Minus(inner.top) if sign else inner.top
                factors = list(part.factors)
                factors[place] = top
                del factors[other]
                new = factors[0] if len(factors) == 1 else Product(tuple(factors))
                return Exchange(new)
    return None


def _spelt_sigmoid(_: Look, part: Formula) -> Exchange | None:
    """1/(1 + e^(-u)) = σ(u)."""
    match part:
        case Fraction(top, Sum((first, Call("exp", (u,))))) if top == first == ONE:
            return Exchange(Call("sigmoid", (_minus(u),)))
        case _:
            return None


def _spelt_softplus(_: Look, part: Formula) -> Exchange | None:
    """ln(1 + e^u) = softplus(u)."""
    match part:
        case Call("log", (Sum((first, Call("exp", (u,)))),)) if first == ONE:
            return Exchange(Call("softplus", (u,)))
        case _:
            return None


FINDERS: tuple[Callable[[Look, Formula], Exchange | None], ...] = (
    _log_of_sigmoid,
    _log_of_softmax,
    _spelt_softplus,
    _spelt_sigmoid,
    _softmax,
    _sigmoid_tail,
    _tanh_tail,
    _softmax_tail,
    _silu_slope,
    _erf_tail,
    _cancelled,
)
"""One row an exchange, the outer ones first."""
