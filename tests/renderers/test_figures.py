"""Pictures on pages: where they stand, in which format how, and what they cost."""

import base64
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

from symbackprop import Layer, Network, derive, load_example, render
from symbackprop.examples import read_example, shipped
from symbackprop.formula.tree import Call, Derivative, Name, name_of
from symbackprop.graph.build import graph_of
from symbackprop.numeric.sample_values import sample_values
from symbackprop.ops.table import LOSSES
from symbackprop.plotted import gradient_lengths
from symbackprop.rendered import pictured, trained_page
from symbackprop.renderers.live import harmless
from symbackprop.renderers.slim import chains_once, slim, steps_once
from symbackprop.renderers.words import word
from symbackprop.trained import train

LIMIT = 400_000
NETWORKS = (
    "mlp-2-2-2-mse",
    "mlp-2-2-2-cross-entropy",
    "mlp-2-2-2-mse-biases",
    "mlp-2-2-2-cross-entropy-biases",
)


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_page_stays_small(name, lang):
    page = render(derive(name, lang=lang), "html")
    assert len(page.encode()) < LIMIT
    assert page.count("<svg") == 2
    assert 'class="live"' in page


@pytest.mark.parametrize("name", shipped())
def test_every_page_has_its_graph(name):
    derivations = derive(name)
    html = render(derivations, "html")
    (figure, *_) = re.findall(
        r'(?s)<figure class="picture" id="picture">.*?</svg>', html
    )
    svg = ET.fromstring(figure[figure.index("<svg") :])
    drawn = {group.get("data-id") for group in svg.iter() if group.get("data-id")}
    assert derivations.graph.loss.id in drawn
    first, *rest = (html.index(f'id="d-{id_}"') for id_ in list(derivations)[:1])
    assert html.index("<figure") < first
    assert not rest


def test_only_numbers_that_are_known_are_drawn():
    assert "sbp-number" in render(derive("wx-plus-b"), "html")
    general = render(derive("chain-rule"), "html")
    assert "<figure" in general
    assert "sbp-number" not in general
    assert 'id="live"' not in general


def test_samples_are_said_to_be_samples_and_stay_out_of_other_formats():
    html = render(derive("mlp-2-2-2-mse"), "html")
    assert html.count(word("page", "samples_all", "en")) == 1
    assert "sample" not in render(derive("single-neuron-mse"), "html")
    for to in ("markdown", "latex", "text", "mathml"):
        text = render(derive("mlp-2-2-2-mse"), to)
        assert "sample" not in text
        assert "at the values above" not in text
    some = pictured(derive("mlp-2-3-1-forward"), "html")
    assert some.samples == "samples_rate"
    assert some.rate is not None
    given = load_example("mlp-2-3-1-forward").values
    assert all(some.given[name] == value for name, value in given.items())


def test_samples_suit_each_loss():
    for loss in LOSSES:
        widths = (Layer(3, "tanh"), Layer(2, "sigmoid"))
        graph = graph_of(Network(2, widths, loss))
        values = sample_values(graph)
        leaves = {node.name for node in graph.nodes if node.body is None}
        assert set(values) == leaves
        targets = [values[n.name] for n in graph.nodes if n.role == "target"]
        assert sum(targets) == 1
        assert set(targets) <= {0, 1}


def test_markdown_has_the_picture_at_its_end():
    text = render(derive("single-neuron-mse"), "markdown")
    names = re.findall(r"!\[.+?\]\[(.+?)\]", text)
    assert names == ["picture-1", "picture-2"]
    for name in names:
        (data,) = re.findall(
            rf"(?m)^\[{name}\]: data:image/svg\+xml;base64,(\S+)$", text
        )
        assert ET.fromstring(base64.b64decode(data)).tag.endswith("svg")


def test_text_and_json_have_no_pictures():
    for to in ("text", "json"):
        assert "svg" not in render(derive("wx-plus-b"), to)


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_latex_with_pictures_compiles(tmp_path, lang):
    engine = "pdflatex" if lang == "en" else "xelatex"
    if shutil.which(engine) is None:
        pytest.skip(f"{engine} is not installed")
    page = render(derive("single-neuron-mse", lang=lang), "latex")
    assert page.count(r"\begin{tikzpicture}") == 2
    (tmp_path / "page.tex").write_text(page, "utf-8")
    done = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    log = done.stdout.decode("utf-8", "replace")
    if lang == "ko" and "kotex.sty" in log:
        pytest.skip("kotex is not installed")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log


def test_slim_takes_only_an_outer_row_that_holds_everything():
    assert slim("<math><mrow><mi>a</mi></mrow></math>") == "<math><mi>a</mi></math>"
    two = "<math><mrow><mi>a</mi></mrow><mo>+</mo><mrow><mi>b</mi></mrow></math>"
    assert slim(two) == two
    marked = '<math><mrow class="changed"><mi>a</mi></mrow></math>'
    assert slim(marked) == marked


def test_steps_that_differ_in_more_than_numbers_are_all_written():
    def rows(text):
        return f'\n<ol class="rows" role="list">\n<li>{text}</li>\n</ol>'

    page = "".join(map(rows, ["w1 x1", "w2 x2", "w2 y2", "v&#x27;1", "v&#x27;2"]))
    once = steps_once(page, "see")
    assert once.count("<ol") == 4
    assert 'data-like="steps-0" data-with="0:2 1:2"' in once
    assert 'id="steps-0"' in once
    assert steps_once(rows("a1") + rows("a1"), "see").count('data-with=""') == 1


def test_chains_keep_their_own_values():
    def entry(number, value):
        return (
            f"<details><summary>c{number}</summary>\n"
            f'<div class="chain" id="s-{number}">\n'
            f'<ol class="lines" role="list">\n<li class="line">z{number}</li>\n'
            f'<li class="worth">{value}</li>\n</ol>\n</div>\n</details>\n'
        )

    one, two = chains_once([entry(1, "−3"), entry(2, "0.25")], "see")
    assert one == entry(1, "−3")
    assert 'data-like="s-1" data-with="0:2"' in two
    assert "z2" not in two
    assert "0.25" in two


def test_data_holds_no_markup():
    text = harmless('{"id":"</script><!--&\u2028"}')
    assert not set("<>&\u2028") & set(text)


def live_of(formula, values):
    """A live program of y = formula."""
    text = "".join(f'{id_} = "{v}"\n' for id_, v in values.items())
    example = read_example(
        f'title.en = "t"\n[formulas]\ny = "{formula}"\n[values]\n{text}', name="t"
    )
    story = pictured(derive(example), "html")
    assert story.live is not None
    return story.live


@pytest.mark.parametrize(
    ("formula", "whole"),
    [
        ("a*b + 2", True),
        ("a**2 - b/4", True),
        ("Max(a, b)*a", True),
        ("a/3 + b", False),
        ("a/b", False),
        ("sigmoid(a)*b", False),
        ("a**b", False),
    ],
)
def test_only_finite_decimals_can_be_exact(formula, whole):
    live = live_of(formula, {"a": "0.5", "b": "2"})
    assert (live.places[Name("y")] not in live.rounded) is whole


def test_places_cover_updates_and_slopes():
    live = pictured(derive("single-neuron-mse"), "html").live
    weight = name_of("w1_1_1")
    assert Call("new", (weight,)) in live.places
    assert Derivative("P", name_of("o1"), name_of("z1_1")) in live.places
    assert len(set(live.places.values())) == live.size == len(live.places)
    assert len(live.updates) == 2


def test_a_large_network_has_no_picture_of_its_own_accord():
    layers = (Layer(8, "tanh"), Layer(8, "tanh"), Layer(3, "sigmoid"))
    page = render(
        derive(Network(5, layers, "binary_cross_entropy"), ["w1_1_1"]), "html"
    )
    assert "<figure" not in page


def test_training_pages_have_plots():
    page = trained_page(train("gradient-descent"), "html")
    assert page.count("<svg") == 2
    assert page.index('id="losses"') < page.index("<svg")
    assert trained_page(train("gradient-descent"), "csv").startswith("run,")


def test_one_variable_has_its_curve():
    page = render(derive("sigmoid-derivative"), "html")
    assert page.count("sbp-curve") >= 2
    assert "sbp-curve" not in render(derive("wx-plus-b"), "html")


def test_gradients_of_a_sigmoid_vanish_and_those_of_a_relu_do_not():
    """σ' is at most 1/4, so each layer costs at least that much on the way."""
    sigmoid, relu = gradient_lengths("sigmoid"), gradient_lengths("relu")
    for near, far in zip(sigmoid[1:], sigmoid[:-1], strict=True):
        assert far < near / 3
    assert min(relu) > 0.2 * max(relu)
