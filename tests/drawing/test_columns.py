"""Columns and rows: crossings counted again, heights against a search."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.drawing.draft import diagram_of
from symbackprop.drawing.plan import Plan
from symbackprop.drawing.ranks import Stop, columns_of, crossings
from symbackprop.drawing.rows import in_order

NUMBERS = st.lists(
    st.tuples(st.integers(-20, 20), st.integers(1, 5)), min_size=1, max_size=6
)


def cost(heights, rows):
    return sum(
        weight * (height - want) ** 2
        for height, (want, weight) in zip(heights, rows, strict=True)
    )


@given(NUMBERS)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_heights_in_order_are_the_nearest(rows):
    found = in_order([want for want, _ in rows], [weight for _, weight in rows])
    assert all(a <= b + 1e-9 for a, b in pairwise(found))
    # No step of one height, nor of a run of them, that keeps the order costs less.
    best = cost(found, rows)
    for start, stop in combinations(range(len(rows) + 1), 2):
        for step in (-0.01, 0.01):
            moved = [h + step * (start <= n < stop) for n, h in enumerate(found)]
            ordered = all(a <= b + 1e-9 for a, b in pairwise(moved))
            assert not ordered or cost(moved, rows) >= best - 1e-9


def test_a_pool_stands_at_its_mean():
    assert in_order([3.0, 1.0], [1.0, 1.0]) == [2.0, 2.0]
    assert in_order([3.0, 1.0], [3.0, 1.0]) == [2.5, 2.5]
    assert in_order([1.0, 5.0, 2.0, 9.0], [1.0] * 4) == [1.0, 3.5, 3.5, 9.0]


def test_crossings_are_counted():
    a, b, c, d = (Stop(name) for name in "abcd")
    assert crossings([[a, b], [c, d]], [[(a, c), (b, d)]]) == 0
    assert crossings([[a, b], [c, d]], [[(a, d), (b, c)]]) == 1
    assert crossings([[a, b], [c, d]], [[(a, c), (a, d), (b, c), (b, d)]]) == 1


@pytest.mark.parametrize(
    "name", ["fruit-tax-en", "gates-en", "two-paths-en", "single-neuron-mse-en"]
)
def test_graphs_that_can_be_drawn_without_crossings_are(name, pictures):
    columns = columns_of(diagram_of(pictures[name]()).cells)
    assert crossings(columns.stops, columns.links) == 0


@pytest.mark.parametrize(
    "name", ["reuse", "softmax", "5-8-8-3-layer-graph", "gates-en"]
)
def test_every_line_ends_in_the_next_column(name, pictures):
    diagram = diagram_of(pictures[name]())
    columns = columns_of(diagram.cells)
    place = {
        stop: number for number, stops in enumerate(columns.stops) for stop in stops
    }
    feeds = {(feed.source, cell.id) for cell in diagram.cells for feed in cell.feeds}
    arrived = set()
    for column, links in enumerate(columns.links):
        for one, other in links:
            assert place[one] == column
            assert place[other] == column + 1
            if not other.via:
                arrived.add((one.cell, other.cell))
    assert arrived == feeds


def test_a_chain_is_drawn_straight(pictures):
    diagram = diagram_of(pictures["chain"]())
    plan = Plan(diagram, columns_of(diagram.cells))
    assert max(plan.heights.values()) - min(plan.heights.values()) < 0.2


def test_leaves_give_way_to_what_comes_from_further_away(pictures):
    """pretax, not tax, goes straight on to the last product."""
    diagram = diagram_of(pictures["fruit-tax-en"]())
    plan = Plan(diagram, columns_of(diagram.cells))
    heights = {stop.cell: height for stop, height in plan.heights.items()}
    assert heights["pretax"] == pytest.approx(heights["total"], abs=1.0)
    assert abs(heights["tax"] - heights["total"]) > 20
