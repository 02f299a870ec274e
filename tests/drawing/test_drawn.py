"""The verb and the command: numbers by hand, formats by suffix, mistakes named."""

import argparse
import re
import sys
from xml.etree import ElementTree as ET

import pytest

from symbackprop.commands import draw as command
from symbackprop.drawn import draw, picture_of, plot
from symbackprop.errors import InputError
from symbackprop.graph.build import graph_of
from symbackprop.network import Layer, Network
from symbackprop.ops.table import LOSSES, OPS

# What the sources print, and what follows by hand: part A of their systems, and the
# neuron of part C to three digits.
FORWARD = {
    "wx-plus-b": {"w": "-2", "x": "5", "b": "3", "g": "-10", "f": "-7"},
    "apple-tax": {"pretax": "200", "total": "220"},
    "fruit-tax": {"apples": "200", "oranges": "450", "pretax": "650", "total": "715"},
    "single-neuron-mse": {"z1_1": "1.5", "o1": "≈0.818", "J": "≈0.668"},
}
BACKWARD = {
    "wx-plus-b": {"g": "1", "b": "1", "x": "-2", "w": "5"},
    "apple-tax": {"pretax": "1.1", "price": "2.2", "count": "110", "tax": "200"},
    "fruit-tax": {
        "pretax": "1.1", "apples": "1.1", "oranges": "1.1", "apple_price": "2.2",
        "apple_count": "110", "orange_price": "3.3", "orange_count": "165",
        "tax": "650",
    },
    "single-neuron-mse": {
        "o1": "1.64", "z1_1": "0.244", "w1_1_1": "0.488", "w1_2_1": "1.22"
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FORWARD)
def test_the_numbers_of_the_sources(name):
    picture = picture_of(name)
    assert FORWARD[name].items() <= picture.values.items()
    assert BACKWARD[name].items() <= picture.gradients.items()


def test_parts_without_a_name_have_numbers_too():
    """w1 x1 = 1, w2 x2 = 0.5, each handed back ∂loss/∂z; y - o = -0.818."""
    picture = picture_of("single-neuron-mse")
    parts = [picture.values[id_] for id_ in picture.values if id_.startswith("part")]
    assert sorted(parts) == ["0.5", "1", "≈-0.818"]
    handed = {picture.gradients[id_] for id_ in picture.gradients if "part" in id_}
    assert handed == {"0.244", "-1.64"}


def test_without_all_values_there_are_names_instead():
    picture = picture_of("mlp-2-2-2-mse")
    assert picture.values == picture.gradients == {}
    assert picture_of("composite").values == {}


def test_a_network_and_its_graph_draw_alike():
    network = Network(2, (Layer(2, "sigmoid"), Layer(1, "identity")))
    assert "2-2-1" in draw(network)
    body = draw(network).partition("<defs>")[2]
    assert body == draw(graph_of(network)).partition("<defs>")[2]


def test_svg_and_tikz():
    assert ET.fromstring(draw("wx-plus-b")).tag.endswith("svg")
    assert draw("wx-plus-b", "tikz").count(r"\begin{tikzpicture}") == 1
    korean = draw("fruit-tax", lang="ko")
    assert "사과" in ET.fromstring(korean)[0].text
    nielsen = draw("mlp-2-2-2-mse", "tikz", notation="nielsen")
    assert "a_1^2" in nielsen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": 3}, "cannot draw a int"),
        ({"source": "fruit-tax", "to": "gif"}, "unknown format 'gif'"),
        ({"source": "fruit-tax", "view": "tree"}, "view is one of"),
        ({"source": "fruit-tax", "lang": "fr"}, "lang one of"),
        ({"source": "fruit-tax", "wrt": "apple"}, "did you mean apples"),
        ({"source": "fruit-tax", "view": "network"}, "needs a \\[network\\]"),
        ({"source": "fruit-tax", "notation": "mine"}, "unknown notation"),
        ({"source": "nothing-like-this"}, "no example"),
    ],
)
def test_mistakes_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        draw(**arguments)


@pytest.mark.parametrize("name", [*OPS, *LOSSES])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_row_has_a_plot(name, lang):
    root = ET.fromstring(plot(name, lang=lang))
    gloss = (OPS.get(name) or LOSSES.get(name)).gloss[lang]
    assert root[0].text == gloss


def test_an_unknown_row_has_none():
    with pytest.raises(InputError, match="no plot of 'sigmod'"):
        plot("sigmod")


def ran(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser)
    return command.run(parser.parse_args(arguments))


def test_the_suffix_tells_the_format(tmp_path, capsys):
    for suffix, start in ((".svg", "<svg"), (".tex", "% ")):
        file = tmp_path / f"picture{suffix}"
        assert ran("wx-plus-b", "--wrt", "w", "-o", str(file)) == 0
        assert file.read_text("utf-8").startswith(start)
    assert capsys.readouterr().out == ""
    assert ran("wx-plus-b") == 0
    assert capsys.readouterr().out.startswith("<svg")


def test_a_png_is_a_png(tmp_path):
    pytest.importorskip("resvg_py")
    file = tmp_path / "picture.png"
    assert ran("--plot", "tanh", "-o", str(file)) == 0
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG")
    width = int(re.search(r'width="(\d+)"', plot("tanh"))[1])
    assert int.from_bytes(data[16:20], "big") == 2 * width


def test_without_the_extra_png_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(InputError, match=r"needs the package resvg-py.*draw"):
        ran("wx-plus-b", "-o", str(tmp_path / "picture.png"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected EXAMPLE or --plot"),
        (("wx-plus-b", "--plot", "tanh"), "expected EXAMPLE or --plot"),
        (("wx-plus-b", "-o", "picture.jpg"), "cannot tell the format"),
        (("--plot", "tanh", "-o", "plot.tex"), "not as .tex"),
    ],
)
def test_the_command_says_what_it_expected(arguments, message):
    with pytest.raises(InputError, match=message):
        ran(*arguments)
