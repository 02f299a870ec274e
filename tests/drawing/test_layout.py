"""No label touches a label, a line or a node: measured from the font's own boxes.

The checker here shares no geometry with the layout: ink is put together glyph by glyph
from the shipped table, curves are cut into short pieces, and pieces are intersected by
orientation.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import combinations, pairwise
from math import cos, hypot, radians, sin

import pytest

from symbackprop.drawing.diagram import Picture, ways_back
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.shapes import Label, Layout
from symbackprop.formula.tree import name_of, names_in
from symbackprop.graph.build import graph_of
from symbackprop.network import Layer, Network
from symbackprop.renderers.lettering import Context

TABLE = json.loads(
    files("symbackprop.drawing").joinpath("glyphs.json").read_text("utf-8")
)["glyphs"]
FONT = 20.0


def ink(label: Label):
    """The box of a label's ink, turned as the label is."""
    xs, ys = [], []
    font = FONT * label.text.size
    for mark in label.text.setting.marks:
        if mark.kind == "glyph":
            _, left, bottom, right, top, outline = TABLE[mark.text]
            if not outline:
                continue
            scale = mark.size / 1000
            xs += [mark.x + left * scale, mark.x + right * scale]
            ys += [mark.y + n * scale * mark.stretch for n in (bottom, top)]
        else:
            xs += [mark.x, mark.x + mark.width]
            high = 0.9 * mark.size if mark.kind == "text" else mark.size
            ys += [mark.y - (0.25 * mark.size if mark.kind == "text" else 0)]
            ys += [mark.y + high]
    c, s = cos(radians(label.angle)), sin(radians(label.angle))
    return [
        (label.x + x * font * c + y * font * s, label.y + x * font * s - y * font * c)
        for x, y in (
            (min(xs), max(ys)), (max(xs), max(ys)),
            (max(xs), min(ys)), (min(xs), min(ys)),
        )
    ]  # fmt: skip


def pieces(curve, count=24):
    """A curve cut into segments (de Casteljau); a straight one is one segment."""
    points = [curve[0]]
    if all(abs(turn(curve[0], curve[-1], point)) < 0.1 for point in curve):
        return [(curve[0], curve[-1])]
    for first in range(0, len(curve) - 1, 3):
        for number in range(1, count + 1):
            row = list(curve[first : first + 4])
            t = number / count
            while len(row) > 1:
                row = [
                    (a + (c - a) * t, b + (d - b) * t)
                    for (a, b), (c, d) in pairwise(row)
                ]
            points.append(row[0])
    return list(pairwise(points))


def tip(line):
    """The arrowhead as a triangle: 9 by 7.6, of a highlighted line 12 by 10."""
    if not line.arrow:
        return []
    (a, b), (c, d) = line.curve[-2:]
    length = hypot(c - a, d - b)
    u, v = (c - a) / length, (d - b) / length
    long, half = (12, 5) if line.on else (9, 3.8)
    x, y = c - long * u, d - long * v
    left, right = (x - half * v, y + half * u), (x + half * v, y - half * u)
    return [[(c, d), left, right]]


def turn(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def cross(one, other):
    """Whether two segments meet."""
    (a, b), (c, d) = one, other
    return (
        turn(a, b, c) * turn(a, b, d) <= 0
        and turn(c, d, a) * turn(c, d, b) <= 0
        and max(a[0], b[0]) >= min(c[0], d[0])
        and max(c[0], d[0]) >= min(a[0], b[0])
        and max(a[1], b[1]) >= min(c[1], d[1])
        and max(c[1], d[1]) >= min(a[1], b[1])
    )


def inside(point, polygon):
    signs = {
        turn(a, b, point) > 0
        for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True)
    }
    return len(signs) == 1


def meet(polygon, other):
    """Whether a polygon and a polygon or segment have a point in common."""
    sides = list(zip(polygon, polygon[1:] + polygon[:1], strict=True))
    others = (
        [tuple(other)]
        if len(other) == 2
        else list(zip(other, other[1:] + other[:1], strict=True))
    )
    return (
        any(cross(a, b) for a in sides for b in others)
        or any(inside(point, polygon) for point in other)
        or (len(other) > 2 and any(inside(point, list(other)) for point in polygon))
    )


def far(one, other):
    """Whether the upright rectangles around two outlines are apart."""
    for axis in (0, 1):
        first, second = [p[axis] for p in one], [p[axis] for p in other]
        if max(first) < min(second) or max(second) < min(first):
            return True
    return False


def touching(layout: Layout) -> Iterator[str]:
    """Everything that touches what it should not."""
    boxes = [(label, ink(label)) for label in layout.labels]
    ways = [(line, [*pieces(line.curve), *tip(line)]) for line in layout.lines]
    for (one, first), (other, second) in combinations(boxes, 2):
        if not far(first, second) and meet(first, second):
            yield f"labels {one.id} {one.text.latex} and {other.id} {other.text.latex}"
    for label, box in boxes:
        homes = 0
        for shape in layout.shapes:
            x, y = shape.x - shape.width / 2, shape.y - shape.height / 2
            outline = [
                (x, y), (x + shape.width, y),
                (x + shape.width, y + shape.height), (x, y + shape.height),
            ]  # fmt: skip
            if far(box, outline):
                continue
            own = label.role == "sign" and shape.id == label.id
            if own and all(inside(point, outline) for point in box):
                homes += 1
            elif meet(box, outline):
                yield f"label {label.text.latex} and node {shape.id}"
        if label.role == "sign" and homes != 1:
            yield f"sign {label.text.latex} is not in its node"
        for line, cuts in ways:
            if any(not far(box, piece) and meet(box, piece) for piece in cuts):
                yield f"label {label.text.latex} and line {line.id}"
    for label, box in boxes:
        if not all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in box):
            yield f"label {label.text.latex} leaves the picture"


def nodes_crossed(layout: Layout) -> Iterator[str]:
    """Lines that run through a node, and nodes that touch."""
    for one, other in combinations(layout.shapes, 2):
        if "dot" in (one.outline, other.outline):
            continue
        wide = abs(one.x - other.x) < (one.width + other.width) / 2
        high = abs(one.y - other.y) < (one.height + other.height) / 2
        if wide and high:
            yield f"nodes {one.id} and {other.id}"
    ways = [(line, pieces(line.curve)) for line in layout.lines]
    for shape in layout.shapes:
        if shape.outline == "dot":
            continue
        x, y, half = shape.x, shape.y, 0.62  # well inside, also of a round end
        wide, high = shape.width / 2 * half, shape.height / 2 * half
        core = [
            (x - wide, y - high), (x + wide, y - high),
            (x + wide, y + high), (x - wide, y + high),
        ]  # fmt: skip
        for line, cuts in ways:
            if any(not far(core, piece) and meet(core, piece) for piece in cuts):
                yield f"line {line.id} runs through {shape.id}"


def test_nothing_touches_anything(laid):
    _, layout = laid
    assert list(touching(layout)) == []
    assert list(nodes_crossed(layout)) == []
    # and the letters stay legible where the picture fills a slide
    assert FONT * min(1, 1280 / layout.width, 720 / layout.height) >= 12
    for line in layout.lines:
        start, end = line.curve[0][0], line.curve[-1][0]
        assert start < end if line.flow == "forward" else start > end


def test_no_label_touches_anything_with_numbers(numbered_picture):
    assert list(touching(layout_of(numbered_picture))) == []


def onto_a_line(layout: Layout) -> Layout:
    """One value moved down onto its own line."""
    place = next(n for n, label in enumerate(layout.labels) if label.role == "value")
    labels = list(layout.labels)
    labels[place] = replace(labels[place], y=labels[place].y + 10)
    return replace(layout, labels=tuple(labels))


def onto_a_label(layout: Layout) -> Layout:
    """One gradient moved up onto its value."""
    place = next(n for n, label in enumerate(layout.labels) if label.role == "gradient")
    labels = list(layout.labels)
    labels[place] = replace(labels[place], y=labels[place].y - 30)
    return replace(layout, labels=tuple(labels))


def out_of_its_node(layout: Layout) -> Layout:
    """One sign moved half out of its node."""
    place = next(n for n, label in enumerate(layout.labels) if label.role == "sign")
    labels = list(layout.labels)
    labels[place] = replace(labels[place], x=labels[place].x + 25)
    return replace(layout, labels=tuple(labels))


def too_large(layout: Layout) -> Layout:
    """Every label half as large again, where it stands."""
    return replace(
        layout,
        labels=tuple(
            replace(label, text=replace(label.text, size=1.5 * label.text.size))
            for label in layout.labels
        ),
    )


def a_line_too_many(layout: Layout) -> Layout:
    """A line straight across the picture's labels."""
    label = next(label for label in layout.labels if label.role == "value")
    y = label.y - 3
    line = replace(layout.lines[0], curve=((0, y), (1, y), (2, y), (layout.width, y)))
    return replace(layout, lines=(*layout.lines, line))


def turned(layout: Layout) -> Layout:
    """A weight's label no longer along its edge."""
    place = next(n for n, label in enumerate(layout.labels) if label.angle)
    labels = list(layout.labels)
    labels[place] = replace(labels[place], angle=labels[place].angle + 50)
    return replace(layout, labels=tuple(labels))


@pytest.mark.parametrize(
    "mutant", [onto_a_line, onto_a_label, out_of_its_node, too_large, a_line_too_many]
)
def test_a_spoilt_layout_is_flagged(mutant, worked):
    layout = layout_of(worked)
    assert list(touching(layout)) == []
    assert list(touching(mutant(layout))) != []


def test_a_turned_weight_is_flagged(pictures):
    layout = layout_of(pictures["mlp-2-2-2-mse-en"]())
    assert list(touching(turned(layout))) != []


def test_a_line_through_a_node_is_flagged(worked):
    layout = layout_of(worked)
    shape = layout.shapes[0]
    y = shape.y + 2
    line = replace(layout.lines[0], curve=((0, y), (1, y), (2, y), (layout.width, y)))
    spoilt = replace(layout, lines=(line,))
    assert any("runs through" in found for found in nodes_crossed(spoilt))


def test_values_stand_above_their_line_and_gradients_below(worked):
    layout = layout_of(worked)
    lines = {line.id: line for line in layout.lines if line.flow == "forward"}
    backs = {line.id: line for line in layout.lines if line.flow == "back"}
    seen = set()
    for label in layout.labels:
        height = lines[label.id].curve[0][1]
        ys = [y for _, y in ink(label)]
        if label.role == "value":
            assert max(ys) < height
            assert height - max(ys) < 12
        elif label.role == "gradient":
            assert min(ys) > backs[label.id].curve[0][1] > height
            assert min(ys) - height < 20
        seen.add((label.id, label.role))
    roles = {(id_, role) for id_ in "wxbg" for role in ("value", "gradient")}
    assert roles | {("f", "value"), ("f", "gradient")} <= seen


def test_what_is_said_of_each_quantity(worked):
    labels = layout_of(worked).labels
    said = {(label.id, label.role): label.text.latex for label in labels}
    assert said["g", "value"] == "g=-10"
    assert said["w", "value"] == "-2"
    assert said["f", "value"] == "-7"
    gradients = {id_: said[id_, "gradient"] for id_ in "gbxwf"}
    assert gradients == {"g": "1", "b": "1", "x": "-2", "w": "5", "f": "1"}


@pytest.mark.parametrize("name", ["reuse", "gates-en", "two-paths-en", "chain"])
def test_every_use_arrives_at_its_node(name, pictures):
    """Each name in a definition has its own arrow's end at that definition's node."""
    picture = pictures[name]()
    layout = layout_of(picture)
    ends = [line.curve[-1] for line in layout.lines if line.arrow]
    for node in picture.shown.nodes:
        if node.body is None:
            continue
        shape = next(s for s in layout.shapes if s.id == node.id and s.outline != "dot")
        arrived = {
            (x, y)
            for x, y in ends
            if abs(x - shape.x) <= shape.width / 2 + 0.1
            and abs(y - shape.y) <= shape.height / 2
        }
        assert len(arrived) == len(names_in(node.body)), node.id


def on_a_way(graph, wrt):
    """The ids on the ways from wrt to the loss, by walking every way."""
    users = {node.id: [] for node in graph.nodes}
    for node in graph.nodes:
        for name in names_in(node.body) if node.body else ():
            users[name.id].append(node.id)

    def ways(here):
        if here == graph.loss.id:
            yield (here,)
        for user in users[here]:
            for way in ways(user):
                yield (here, *way)

    return {id_ for way in ways(wrt) for id_ in way}


@pytest.mark.parametrize("wrt", ["x", "a", "b", "d"])
def test_the_ways_back_are_all_ways(wrt, pictures):
    graph = pictures["reuse"]().shown
    assert ways_back(graph, name_of(wrt)) == on_a_way(graph, wrt)


def test_the_way_to_a_weight_is_heavier_and_dashed_and_connected(pictures):
    picture = replace(pictures["mlp-2-2-2-mse-en"](), wrt="w1_1_2")
    layout = layout_of(picture)
    wanted = on_a_way(picture.graph, "w1_1_2")
    assert "h1_1" not in wanted
    lit = {shape.id for shape in layout.shapes if shape.on}
    assert lit == wanted - {"w1_1_2"}
    edges = {line.id for line in layout.lines if line.on and line.flow == "forward"}
    weights = {id_ for id_ in edges if id_.startswith("w")}
    assert weights == {"w1_1_2", "w2_2_1", "w2_2_2"}


def test_a_line_that_leaves_the_way_is_not_lit():
    """x is used twice; only one use leads through h1_1 when w1_1_1 is asked for."""
    network = Network(2, (Layer(2, "sigmoid"), Layer(1, "identity")), biases=False)
    layout = layout_of(Picture(graph_of(network), Context(depth=2), wrt="w1_1_1"))
    lit = {line.id for line in layout.lines if line.on}
    assert "w1_1_1" in lit
    assert {"w1_1_2", "w1_2_1", "w2_2_1", "x1"}.isdisjoint(lit)


@pytest.mark.parametrize("view", ["graph", "network"])
def test_many_weights_are_labelled_on_the_way_alone(view, pictures):
    picture = replace(pictures["5-8-8-3-False-graph"](), view=view, wrt="w2_3_4")
    layout = layout_of(picture)
    labelled = {label.id for label in layout.labels if label.id.startswith("w")}
    assert labelled == {"w2_3_4"}
    weights = {node.id for node in picture.graph.nodes if node.role == "weight"}
    assert set(layout.left_out) == weights - {"w2_3_4"}
    assert {line.id for line in layout.lines} >= weights


def test_few_weights_are_all_labelled(pictures):
    layout = layout_of(pictures["mlp-2-2-2-mse-en"]())
    assert layout.left_out == ()
    labelled = {label.id for label in layout.labels if label.id.startswith("w")}
    assert len(labelled) == 8


def test_an_unknown_quantity_is_refused(worked):
    with pytest.raises(Exception, match="unknown quantity 'q'"):
        layout_of(replace(worked, wrt="q"))


def test_formulas_have_no_network_view(worked):
    with pytest.raises(Exception, match="network view needs a \\[network\\]"):
        layout_of(replace(worked, view="network"))


CODE = """
from symbackprop.drawing.diagram import Picture
from symbackprop.drawing.layout import layout_of
from symbackprop.drawing.svg import svg
from symbackprop.graph.build import graph_of
from symbackprop.examples import load_example
import hashlib
for name in ("fruit-tax", "mlp-2-2-2-cross-entropy-biases", "gates"):
    layout = layout_of(Picture(graph_of(load_example(name))))
    print(hashlib.sha256(svg(layout, name, name).encode()).hexdigest())
"""


def test_the_same_bytes_in_every_process():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert len(outputs.pop().split()) == 3
