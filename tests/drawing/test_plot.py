"""Plots: points stand where the axes say, ticks are round, curves are told apart."""

import math
import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import mpmath
import pytest

from symbackprop.drawing.plot import HEIGHT, WIDTH, Curve, Plot, plot_svg, scale_of
from symbackprop.errors import InputError

SPACE = "{http://www.w3.org/2000/svg}"
LINE = tuple((x / 10, x / 10) for x in range(11))


def curves(text: str) -> list[list[tuple[float, float]]]:
    """The points of each drawn curve, in the picture's units."""
    root = ET.fromstring(text)
    return [
        [tuple(map(float, p.split(","))) for p in re.split("[ML]", way.get("d")) if p]
        for way in root.iter(f"{SPACE}path")
        if way.get("class") == "sbp-curve"
    ]


def test_points_stand_where_the_axes_say():
    points = ((0.0, 0.0), (2.0, 4.0), (10.0, 1.0))
    (drawn,) = curves(plot_svg(Plot("t", "x", "y", (Curve("y", (points,)),))))
    (left, bottom), (x, top), (right, y) = drawn
    assert right - left == pytest.approx(WIDTH, abs=0.02)
    assert bottom - top == pytest.approx(HEIGHT, abs=0.02)
    assert (x - left) / WIDTH == pytest.approx(0.2, abs=1e-3)
    assert (bottom - y) / HEIGHT == pytest.approx(0.25, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ((3, 3), ("3.0", "3.2")),
        ((0, 1), ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ((-6, 6), ("-6", "-4", "-2", "0", "2", "4", "6")),
        ((0, 4), ("0", "1", "2", "3", "4")),
        ((0, 1234), ("0", "250", "500", "750", "1000", "1250")),
        ((-0.03, 0.02), ("-0.03", "-0.02", "-0.01", "0", "0.01", "0.02")),
        ((1e-7, 3e-7), ("0.00000010", "0.00000015", "0.00000020", "0.00000025",
                        "0.00000030")),
    ],
)  # fmt: skip
def test_ticks_are_round_and_hold_the_data(values, ticks):
    scale = scale_of(values)
    assert scale.low <= min(values) <= max(values) <= scale.high
    assert scale.ticks == ticks
    steps = {round(float(b) - float(a), 12) for a, b in pairwise(scale.ticks)}
    assert len(steps) == 1
    assert 2 <= len(scale.ticks) <= 9


def test_a_logarithmic_axis_counts_by_tens():
    """Gradient norms by depth fall as a straight line."""
    points = tuple((float(k), 0.25**k) for k in range(1, 11))
    plot = Plot("t", "k", r"\text{norm}", (Curve("s", (points,), "marks"),), log=True)
    text = plot_svg(plot)
    (drawn,) = curves(text)
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(drawn)]
    assert max(slopes) - min(slopes) < 0.01
    assert text.count("<circle") == 10
    with pytest.raises(InputError, match="above 0"):
        plot_svg(Plot("t", "k", "y", (Curve("s", (((1.0, 0.0),),)),), log=True))


def test_every_curve_has_its_own_dashes_and_a_label():
    three = tuple(Curve(f"y_{n}", (LINE,)) for n in (1, 2, 3))
    root = ET.fromstring(plot_svg(Plot("t", "x", "y", three)))
    dashes = [
        way.get("stroke-dasharray")
        for way in root.iter(f"{SPACE}path")
        if way.get("class") == "sbp-curve"
    ]
    assert len(set(dashes)) == 3
    labels = [g for g in root.iter(f"{SPACE}g") if g.get("class") == "sbp-curve"]
    heights = [
        float(re.search(r"translate\([\d.]+ ([\d.]+)\)", g.get("transform"))[1])
        for g in labels
    ]
    gaps = [b - a for a, b in pairwise(heights)]
    assert min(gaps) > 15  # all three curves end in one point


def test_a_path_is_arrows_from_step_to_step():
    """Descent on x²/2·c with rate a: x is multiplied by 1 - ac each time."""
    steps = tuple((0.5**k * 4, 0.5 * (0.5**k * 4) ** 2) for k in range(4))
    parabola = tuple((x / 10, x * x / 200) for x in range(-40, 41))
    plot = Plot("t", "x", "f", (Curve("f", (parabola,)), Curve("", (steps,), "path")))
    root = ET.fromstring(plot_svg(plot))
    arrows = [w for w in root.iter(f"{SPACE}path") if w.get("class") == "sbp-step"]
    assert len(arrows) == 3
    assert len(list(root.iter(f"{SPACE}circle"))) == 4


def test_broken_curves_stay_broken():
    pieces = (((-1.0, 0.0), (0.0, 0.0)), ((0.0, 1.0), (1.0, 1.0)))
    drawn = curves(plot_svg(Plot("t", "x", "y", (Curve("s", pieces),))))
    assert len(drawn) == 2


def test_the_same_bytes_and_harmless():
    plot = Plot("<b>&", "x", r"\text{<script>}", (Curve(r"\evil", (LINE,)),))
    text = plot_svg(plot, 'a "description"', language="ko")
    assert text == plot_svg(plot, 'a "description"', language="ko")
    root = ET.fromstring(text)
    assert root[0].text == "<b>&"
    assert root.get("lang") == "ko"
    assert "<script" not in text


@pytest.mark.parametrize("points", [(), ((),)])
def test_nothing_to_draw_is_refused(points):
    with pytest.raises(InputError, match="needs points"):
        plot_svg(Plot("t", "x", "y", tuple(Curve("y", (p,)) for p in points)))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_none_are_refused(bad):
    with pytest.raises(InputError, match="finite"):
        plot_svg(Plot("t", "x", "y", (Curve("y", (((0.0, bad), (1.0, 1.0)),)),)))


def test_the_sigmoid_is_drawn_as_mpmath_computes_it():
    drawn = pytest.importorskip("symbackprop.drawn")
    made = drawn.activation_plot("sigmoid")
    assert made.across == "x"
    for x, y in made.curves[0].pieces[0][::10]:
        assert y == pytest.approx(float(1 / (1 + mpmath.exp(-x))), rel=1e-12)
    for x, y in made.curves[1].pieces[0][::10]:
        slope = mpmath.diff(lambda t: 1 / (1 + mpmath.exp(-t)), x)
        assert y == pytest.approx(float(slope), rel=1e-9)


def test_a_kink_breaks_the_slope():
    drawn = pytest.importorskip("symbackprop.drawn")
    made = drawn.activation_plot("relu")
    slopes = [{y for _, y in piece} for piece in made.curves[1].pieces]
    assert slopes == [{0.0}, {1.0}]


def test_a_loss_is_drawn_for_both_targets():
    drawn = pytest.importorskip("symbackprop.drawn")
    one, zero = drawn.loss_plot("binary_cross_entropy").curves
    for curve, target in ((one, 1), (zero, 0)):
        assert curve.label == f"y={target}"
        for o, loss in curve.pieces[0][::12]:
            wanted = -mpmath.log(o if target else 1 - o)
            assert loss == pytest.approx(float(wanted), rel=1e-9)
    assert len(drawn.loss_plot("categorical_cross_entropy").curves) == 1
