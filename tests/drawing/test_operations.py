"""A graph opened into operations computes the same, one operation a definition."""

import pytest
import sympy

from symbackprop.drawing.diagram import MAX_OPERATIONS, shown_graph
from symbackprop.drawing.operations import opened, operations
from symbackprop.examples import load_example, shipped
from symbackprop.formula.door import to_sympy
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import (
    Call,
    Name,
    Product,
    Sum,
    name_of,
    names_in,
    walk,
)
from symbackprop.graph.build import graph_of, graph_of_formulas

DRAWN = [
    name
    for name in shipped()
    if load_example(name).network is not None or load_example(name).formulas
]


def in_leaves(graph):
    """The loss as SymPy sees it when every definition is put in."""
    known = {}
    for node in graph.nodes:
        if node.body is not None:
            known[node.name] = to_sympy(node.body).subs(
                {sympy.Symbol(n.id): form for n, form in
                 ((name, known[name]) for name in names_in(node.body) if name in known)}
            )  # fmt: skip
    return known[graph.loss]


@pytest.mark.parametrize("name", DRAWN)
def test_opening_changes_nothing(name):
    graph = graph_of(load_example(name))
    fine = opened(graph)
    if len(graph.nodes) > 40:
        pytest.skip("large; the small ones show it")
    difference = in_leaves(graph) - in_leaves(fine)
    symbols = sorted(difference.free_symbols, key=str)
    point = {s: sympy.Rational(3 + 2 * n, 7 + n) for n, s in enumerate(symbols)}
    if graph.general:
        assert sympy.simplify(difference) == 0
    else:
        assert abs(sympy.N(difference.subs(point), 30, maxn=400)) < 1e-20


def is_one_operation(body):
    """A sum or product of atoms, a function of atoms, or a few signs around them."""
    inner = [child for child in walk(body) if child is not body]
    deep = [child for child in inner if isinstance(child, Call | Product)]
    return not [part for part in deep if names_in(part)]


@pytest.mark.parametrize("name", DRAWN)
def test_each_definition_is_one_operation(name):
    for node in opened(graph_of(load_example(name))).nodes:
        assert node.body is None or is_one_operation(node.body), node.id


def formulas(**texts):
    words = Vocabulary(names=("x", "y", "u", "v", "part", "L"))
    return graph_of_formulas(
        {name_of(name): read(text, words) for name, text in texts.items()},
        name_of(list(texts)[-1]),
    )


def test_a_mutant_that_drops_a_part_is_noticed():
    graph = formulas(L="x*y + exp(x)*2")
    fine = opened(graph)
    assert sympy.simplify(in_leaves(graph) - in_leaves(fine)) == 0
    other = opened(formulas(L="x*y + exp(x)*3"))
    assert sympy.simplify(in_leaves(graph) - in_leaves(other)) != 0


def test_equal_parts_are_computed_once():
    fine = opened(formulas(u="exp(x)*y", L="u + exp(x) + exp(x)*y"))
    calls = [n for n in fine.nodes if isinstance(n.body, Call)]
    products = [n for n in fine.nodes if isinstance(n.body, Product)]
    assert len(calls) == 1
    assert len(products) == 1


def test_parts_never_take_an_authors_name():
    graph = formulas(part="x*y", L="part*x + y")
    fine = opened(graph)
    ids = [node.id for node in fine.nodes]
    assert len(set(ids)) == len(ids)
    assert {"part", "L"} <= set(ids)


def test_a_short_difference_stays_whole_and_numbers_stay_in_a_node():
    fine = opened(formulas(L="1/2*(x - y)**2"))
    bodies = [node.body for node in fine.nodes if node.body is not None]
    assert len(bodies) == 3
    assert isinstance(bodies[0], Sum)
    assert set(names_in(bodies[0])) == {Name("x"), Name("y")}


def test_a_quotient_of_two_is_a_product_with_a_reciprocal():
    fine = opened(formulas(L="x/y"))
    assert operations(fine) == 2
    assert isinstance(fine.node("L").body, Product)


def test_large_graphs_keep_their_named_quantities():
    small = graph_of(load_example("single-neuron-mse"))
    assert operations(shown_graph(small)) > operations(small)
    large = graph_of(load_example("mlp-2-2-2-mse"))
    assert operations(opened(large)) > MAX_OPERATIONS
    assert shown_graph(large) is large
    assert shown_graph(small, "network") is small
