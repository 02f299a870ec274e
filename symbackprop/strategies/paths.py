"""Every path from the loss to a quantity spelt out: a sum of products of slopes.

Nothing is shared, so that a reader sees what backpropagation saves. Refuses a
graph with more than MAX_PATHS paths.
"""

from functools import cache

from symbackprop.errors import TooLarge
from symbackprop.formula.shape import gathered
from symbackprop.formula.tree import Derivative, Formula, Name, Path, Product, positions
from symbackprop.graph.graph import Graph
from symbackprop.kernel.calculus import sum_of
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.rules import algebra, gather, refer, total
from symbackprop.strategies.backprop import Backprop
from symbackprop.strategies.tidy import reason_between, tidy
from symbackprop.strategies.writer import Writer

MAX_PATHS = 64


def count_paths(shared: Backprop, of: Name, by: Name) -> int:
    """How many paths lead from `of` down to `by`; counted, not listed."""
    counts: dict[Name, int] = {of: 1}
    for node in reversed(shared.graph.nodes):
        name = node.name
        if name != of and shared.definitions.depends(of, name):
            users = shared.definitions.users(name)
            counts[name] = sum(counts.get(user, 0) for user in users)
    return counts.get(by, 0)


def by_paths(shared: Backprop, by: Name) -> Derivation:
    """D(L, u) as a sum over all paths. TooLarge above the stated number of paths."""
    graph: Graph = shared.graph
    of = graph.loss
    count = count_paths(shared, of, by)
    if count > MAX_PATHS:
        raise TooLarge(
            f"{count:,} paths lead from {of.id} to {by.id}; the limit is {MAX_PATHS}. "
            "Use --by backprop, which derives each error term once"
        )
    if not count:
        return shared.derive(by)
    writer = Writer(shared.definitions, Derivative("D", of, by))
    while (path := _open(writer.line)) is not None:
        writer.apply(total, path)
    products = sum_of(tuple(_path_products(shared, of, by)))
    if products != writer.line:
        writer.apply(algebra, (), products, "expand_paths")
    writer.end_line()
    _values(shared, writer)
    neat = tidy(writer.line)
    if neat != writer.line:
        writer.apply(algebra, (), neat, reason_between(writer.line, neat))
    inner: Path = (0,) if len(writer.line.children) == 1 else ()
    body = writer.line.children[0] if inner else writer.line
    sigma = gathered(body.children) if type(body).__name__ == "Sum" else None
    if sigma is not None:
        writer.apply(gather, inner, sigma)
    writer.end_line()
    return writer.derivation()


def _open(line: Formula) -> Path | None:
    """The first total derivative that is left."""
    return next(
        (
            path
            for path, node in positions(line)
            if isinstance(node, Derivative) and node.head == "D"
        ),
        None,
    )


def _path_products(shared: Backprop, of: Name, by: Name) -> list[Formula]:
    """One product of partial derivatives a path, in the graph's order."""
    definitions = shared.definitions

    @cache
    def below(name: Name) -> tuple[tuple[Formula, ...], ...]:
        """The factor lists from `of` down to a name."""
        if name == of:
            return ((),)
        return tuple(
            (*factors, Derivative("P", user, name))
            for user in definitions.users(name)
            if definitions.depends(of, user)
            for factors in below(user)
        )

    return [f[0] if len(f) == 1 else Product(f) for f in below(by)]


def _values(shared: Backprop, writer: Writer) -> None:
    """Each slope replaced by its value, on one line."""
    for path, node in positions(writer.line):
        if isinstance(node, Derivative) and isinstance(node.of, Name):
            because = shared.slopes.slope(node.of, node.by)
            if because is not None:
                writer.apply(refer, path, because)
    writer.end_line()
