"""What is known of signs: which side conditions a graph's own operations discharge."""

from fractions import Fraction as Rational

from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    Call,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
)
from symbackprop.graph.graph import Graph
from symbackprop.ops.table import OPS

Bounds = tuple[Rational | None, Rational | None]


def discharged(graph: Graph, condition: Assumption) -> bool:
    """Whether a condition is assumed, or holds for every value of the leaves.

    An activation lies strictly inside its row's range: 0 < o < 1 for a sigmoid o.
    """
    if condition in graph.facts:
        return True  # printed as an assumption already
    if condition.right != Num("0"):
        return False
    low, high = bounds(graph, condition.left)
    above = low is not None and low >= 0
    if condition.relation == ">":
        return above
    below = high is not None and high <= 0
    return condition.relation == "≠" and (
        above or below or _factors_discharged(graph, condition.left)
    )


def _factors_discharged(graph: Graph, form: Formula) -> bool:
    """A product, power or fraction is nonzero where its parts are."""
    if not isinstance(form, Product | Power | Fraction | Minus):
        return False
    parts = (form.base,) if isinstance(form, Power) else form.children
    return all(
        (isinstance(part, Num) and bool(part.value))
        or discharged(graph, Assumption("≠", part, Num("0")))
        for part in parts
    )


def bounds(graph: Graph, form: Formula) -> Bounds:
    """Open bounds of a form's value: low < value < high, None where unknown."""
    match form:
        case Name():
            return _name_bounds(graph, form)
        case Call("exp"):
            return Rational(0), None
        case Call(function, _, None) if function in OPS:
            return _row_bounds(function)
        case Minus(body):
            low, high = bounds(graph, body)
            return (
                None if high is None else -high,
                None if low is None else -low,
            )
        case Sum(terms):
            return _sum_bounds(graph, terms)
        case _:
            return None, None


def _sum_bounds(graph: Graph, terms: tuple[Formula, ...]) -> Bounds:
    """Numbers shift the bounds of the one open term; more terms add up."""
    low: Rational | None = Rational(0)
    high: Rational | None = Rational(0)
    for term in terms:
        a, b = (
            (term.value, term.value) if isinstance(term, Num) else bounds(graph, term)
        )
        low = None if low is None or a is None else low + a
        high = None if high is None or b is None else high + b
    return low, high


def _name_bounds(graph: Graph, name: Name) -> Bounds:
    """A name's bounds through its own operation or a stated assumption."""
    low: Rational | None = None
    high: Rational | None = None
    body = graph.node(name).body if name in graph else None
    if isinstance(body, Call) and body.slope is None and body.function in OPS:
        low, high = _row_bounds(body.function)
    elif isinstance(body, Call) and body.function == "exp":
        low = Rational(0)
    elif isinstance(body, Fraction) and _is_share(body):
        low, high = Rational(0), Rational(1)
    for fact in graph.facts:
        if fact.relation != ">":
            continue
        if fact.left == name and isinstance(fact.right, Num):
            low = fact.right.value
        if fact.right == name and isinstance(fact.left, Num):
            high = fact.left.value
    return low, high


def _row_bounds(function: str) -> Bounds:
    """The open range of an activation's row; a kinked one may reach its bound."""
    row = OPS[function]
    if row.kinks:
        return None, None
    low, high = row.range
    return (
        None if low is None else Rational(low),
        None if high is None else Rational(high),
    )


def _is_share(body: Fraction) -> bool:
    """Whether a fraction is one positive term over a sum that contains it."""
    return (
        isinstance(body.bottom, Sum)
        and body.top in body.bottom.terms
        and all(isinstance(t, Call) and t.function == "exp" for t in body.bottom.terms)
    )
