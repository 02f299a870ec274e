"""A graph opened into single operations, and the sign that each operation is drawn as.

Every definition becomes a few quantities that each do one thing; the parts that the
author did not name get names of their own. The opened graph is a graph like any other,
so whatever computes values and gradients computes those of the parts too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from symbackprop.formula.tree import (
    ONE,
    Call,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sum,
    names_in,
)
from symbackprop.graph.graph import Graph, Node

MAX_TERMS = 3
"""Terms of a difference of names and numbers that is one operation: y - o."""

HOLE = Name("·")
"""What comes in, where the sign of an operation shows it as a dot."""


def opened(graph: Graph) -> Graph:
    """The graph with one operation a definition."""
    opening = _Opening(_free_base(graph))
    for node in graph.nodes:
        if node.body is None:
            opening.nodes.append(node)
            continue
        body = opening.operation(node.body)
        opening.nodes.append(replace(node, body=body))
        opening.names.setdefault(body, node.name)
    return replace(graph, nodes=tuple(opening.nodes))


def operations(graph: Graph) -> int:
    """How many quantities a graph computes."""
    return sum(node.body is not None for node in graph.nodes)


def _free_base(graph: Graph) -> str:
    """A base for the parts that no quantity uses."""
    base = "part"
    taken = {node.name.base for node in graph.nodes} | set(graph.general)
    while base in taken:
        base += "_of"
    return base


@dataclass(slots=True)
class _Opening:
    """One graph's operations so far: by form, so that equal parts are computed once."""

    base: str
    nodes: list[Node] = field(default_factory=list)
    names: dict[Formula, Name] = field(default_factory=dict)
    made: int = 0

    def atom(self, form: Formula) -> Formula:
        """A constant, a name, or the name of the operation that computes a form."""
        if isinstance(form, Name) or not names_in(form):
            return form
        body = self.operation(form)
        if isinstance(body, Name):
            return body
        if body not in self.names:
            self.made += 1
            self.names[body] = Name(self.base, (self.made,))
            self.nodes.append(Node(self.names[body], "intermediate", body))
        return self.names[body]

    def operation(self, form: Formula) -> Formula:
        """A form as one operation over atoms."""
        match form:
            case Sum(terms) if not _is_difference(terms):
                return self.sum(terms)
            case Product(factors):
                return self.product(_flat(factors))
            case Minus(body):
                return Minus(self.atom(body))
            case Fraction(top, bottom) if names_in(top) and names_in(bottom):
                return Product((self.atom(top), self.atom(Fraction(ONE, bottom))))
            case Fraction() | Power() | Call():
                return form.with_children(tuple(map(self.atom, form.children)))
            case _:
                return form

    def sum(self, terms: Sequence[Formula]) -> Formula:
        """Terms that vary added up; numbers are added to the result."""
        fixed = [term for term in terms if not names_in(term)]
        moving = [term for term in terms if names_in(term)]
        if not fixed or not moving:
            return Sum(tuple(map(self.atom, terms)))
        inner = moving[0] if len(moving) == 1 else Sum(tuple(moving))
        varied = (
            Minus(self.atom(inner.body))
            if isinstance(inner, Minus)
            else self.atom(inner)
        )
        first = bool(names_in(terms[0]))
        return Sum((varied, *fixed) if first else (*fixed, varied))

    def product(self, factors: Sequence[Formula]) -> Formula:
        """Factors that vary multiplied; numbers multiply the result."""
        fixed = [factor for factor in factors if not names_in(factor)]
        moving = [factor for factor in factors if names_in(factor)]
        if not fixed or not moving:
            return Product(tuple(map(self.atom, factors)))
        inner = moving[0] if len(moving) == 1 else Product(tuple(moving))
        return Product((*fixed, self.atom(inner)))


def _is_difference(terms: Sequence[Formula]) -> bool:
    """Whether a sum is a short difference of names and numbers."""
    bodies = [term.body if isinstance(term, Minus) else term for term in terms]
    simple = all(isinstance(body, Name | Num) for body in bodies)
    return (
        simple
        and len(terms) <= MAX_TERMS
        and any(isinstance(term, Minus | Num) for term in terms)
    )


def _flat(factors: Sequence[Formula]) -> list[Formula]:
    """Factors with products inside products opened."""
    flat: list[Formula] = []
    for factor in factors:
        flat += _flat(factor.factors) if isinstance(factor, Product) else [factor]
    return flat


def with_hole(form: Formula, name: Name) -> Formula:
    """A form of one argument with a dot in its place."""
    if form == name:
        return HOLE
    children = tuple(with_hole(child, name) for child in form.children)
    return form.with_children(children) if children else form


def is_plain(body: Formula) -> bool:
    """Whether a definition is a sum or a product of names alone: a round node."""
    return isinstance(body, Sum | Product) and all(
        isinstance(child, Name) for child in body.children
    )
