"""The loss written out and put together again: J = ½[…] = L1 + L2."""

from symbackprop.formula.shape import gathered
from symbackprop.formula.tree import Formula, Minus, Name, Path, Product, Sum
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import algebra, fold, gather, unfold
from symbackprop.strategies.tidy import reason_between
from symbackprop.strategies.writer import Writer


def loss_chain(definitions: Definitions, loss: Name) -> Derivation | None:
    """J with its parts written out, the common factor in front; then J by its parts.

    None where the loss is not a sum of named parts with something in common.
    """
    body = definitions.body(loss)
    if not isinstance(body, Sum) or not all(
        isinstance(term, Name) and definitions.body(term) is not None
        for term in body.terms
    ):
        return None
    writer = Writer(definitions, loss)
    writer.apply(unfold, ())
    for place in range(len(body.terms)):
        writer.apply(unfold, (place,))
    spelt = writer.line
    assert isinstance(spelt, Sum)
    factored = _factored(spelt)
    if factored is None:
        return None
    writer.apply(algebra, (), factored, reason_between(spelt, factored))
    inner: Path = (0,)
    sigma = (
        gathered(factored.children[0].children) if isinstance(factored, Minus) else None
    )
    if sigma is not None:
        writer.apply(gather, inner, sigma)
    writer.end_line()
    if sigma is not None:
        writer.apply(gather, inner, factored.children[0])
    writer.apply(algebra, (), spelt, reason_between(factored, spelt))
    for place, name in enumerate(body.terms):
        writer.apply(fold, (place,), name)
    return writer.derivation()


def _factored(spelt: Sum) -> Formula | None:
    """A minus sign or a first factor that every term shares, in front of the rest."""
    if all(isinstance(term, Minus) for term in spelt.terms):
        return Minus(Sum(tuple(term.children[0] for term in spelt.terms)))
    products = [term for term in spelt.terms if isinstance(term, Product)]
    if len(products) != len(spelt.terms):
        return None
    first = products[0].factors[0]
    if any(p.factors[0] != first or len(p.factors) != 2 for p in products):
        return None
    return Product((first, Sum(tuple(p.factors[1] for p in products))))
