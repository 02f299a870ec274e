"""The public verbs: what they take, what they give, what they say when they refuse."""

from functools import cache

import pytest
import sympy

import symbackprop
from symbackprop import (
    Derivation,
    Derivations,
    InputError,
    Layer,
    Network,
    derive,
    graph_of,
    load_example,
    render,
)
from symbackprop.examples import shipped
from symbackprop.notation import NOTATIONS
from symbackprop.renderers.table import RENDERERS

MSE = Network(2, (Layer(2, "sigmoid"), Layer(2, "identity")), "half_squared_error")
CE = Network(2, (Layer(2, "sigmoid"), Layer(2, "sigmoid")), "binary_cross_entropy")
ALL = [
    *("w1_1_1", "w1_2_1", "w1_1_2", "w1_2_2", "b1_1", "b1_2"),
    *("w2_1_1", "w2_2_1", "w2_1_2", "w2_2_2", "b2_1", "b2_2"),
]


# ---- one id, several, none


def test_one_id_gives_its_derivation() -> None:
    assert isinstance(derive(graph_of(MSE), "w1_1_2"), Derivation)


def test_several_give_a_mapping_in_the_given_order() -> None:
    found = derive(graph_of(MSE), ["w2_1_1", "b1_2"])
    assert isinstance(found, Derivations)
    assert list(found) == ["w2_1_1", "b1_2"]
    assert len(found) == 2
    assert isinstance(found["b1_2"], Derivation)
    with pytest.raises(KeyError):
        found["w1_1_1"]


@pytest.mark.parametrize("wrt", [None, []])
def test_none_means_all_parameters(wrt: list[str] | None) -> None:
    assert sorted(derive(graph_of(MSE), wrt)) == sorted(ALL)


def test_one_in_a_list_is_still_a_mapping() -> None:
    assert list(derive(MSE, ["w1_1_1"])) == ["w1_1_1"]
    assert list(derive(MSE, ("w1_1_1",))) == ["w1_1_1"]


@pytest.mark.parametrize("wrt", ["x1", "h1_2", "z2_1", "o1"])
def test_anything_that_the_loss_depends_on(wrt: str) -> None:
    assert derive(MSE, wrt).result.free_symbols


@pytest.mark.parametrize(
    "source",
    [MSE, graph_of(MSE), load_example("mlp-2-2-2-mse-biases"), "mlp-2-2-2-mse-biases"],
    ids=["network", "graph", "example", "name"],
)
def test_every_kind_of_source(source: object) -> None:
    assert str(derive(source, "w2_1_1").result) == str(derive(MSE, "w2_1_1").result)


def test_they_share_what_they_share() -> None:
    """The error term of a unit is one derivation, whoever refers to it."""
    found = derive("mlp-2-2-2-mse")
    used = {
        weight: {
            id(because.whole)
            for step in found[weight].checked.steps
            for because in step.because
        }
        for weight in ("w1_1_1", "w1_2_1")
    }
    assert used["w1_1_1"] & used["w1_2_1"]


# ---- results are SymPy expressions, right


def sigmoid(z: sympy.Expr) -> sympy.Expr:
    return 1 / (1 + sympy.exp(-z))


@cache
def written_out(name: str) -> dict[str, sympy.Expr]:
    """Every quantity of a 2-2-2 network over the leaves alone, by hand."""
    s = sympy.Symbol
    x = [s("x1"), s("x2")]
    z1 = [s(f"w1_1_{j}") * x[0] + s(f"w1_2_{j}") * x[1] + s(f"b1_{j}") for j in (1, 2)]
    h = [sigmoid(z) for z in z1]
    z2 = [s(f"w2_1_{k}") * h[0] + s(f"w2_2_{k}") * h[1] + s(f"b2_{k}") for k in (1, 2)]
    o = z2 if name == "mse" else [sigmoid(z) for z in z2]
    if name == "mse":
        parts = [(s(f"y{k}") - o[k - 1]) ** 2 / 2 for k in (1, 2)]
    else:
        parts = [
            -s(f"y{k}") * sympy.log(o[k - 1])
            - (1 - s(f"y{k}")) * sympy.log(1 - o[k - 1])
            for k in (1, 2)
        ]
    known = {"J": sum(parts), "o1": o[0], "o2": o[1]}
    known |= {f"h1_{j}": h[j - 1] for j in (1, 2)}
    known |= {f"z1_{j}": z1[j - 1] for j in (1, 2)}
    return known | {f"z2_{j}": z2[j - 1] for j in (1, 2)}


AT = {
    name: sympy.Rational(number, 16)
    for name, number in zip(
        [*ALL, "x1", "x2", "y1", "y2"],
        [3, -7, 12, 5, -2, 9, 11, -4, 6, 13, 1, -8, 10, -15, 7, 14],
        strict=True,
    )
}


@pytest.mark.parametrize("wrt", ALL)
@pytest.mark.parametrize("name", ["mse", "ce"])
def test_results_are_sympy_s_derivatives(name: str, wrt: str) -> None:
    result = derive(MSE if name == "mse" else CE, wrt).result
    assert isinstance(result, sympy.Expr)
    known = written_out(name)
    quantities = {sympy.Symbol(key): known[key] for key in known}
    at = {sympy.Symbol(key): value for key, value in AT.items()}
    assert {str(s) for s in result.free_symbols} <= {*known, *AT}
    found = result.subs(quantities).subs(at)
    assert not found.free_symbols
    expected = sympy.diff(known["J"], sympy.Symbol(wrt)).subs(at)
    assert abs(sympy.N(found - expected, 30)) < 1e-25


def test_a_graph_hands_out_sympy_definitions() -> None:
    definitions = graph_of(MSE).definitions
    o1, y1 = sympy.symbols("o1 y1")
    assert sympy.simplify(definitions["L1"] - (y1 - o1) ** 2 / 2) == 0
    assert str(definitions["o1"]) == "z2_1"


# ---- refusals


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("w1_1_3", "w1_1_"),
        ("w3_1_1", "w"),
        ("z1_3", "z1_"),
        ("b2_9", "b2_"),
        ("JJ", "J"),
    ],
)
def test_an_unknown_id_names_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(InputError) as caught:
        derive(MSE, given)
    assert given in str(caught.value)
    assert f"did you mean {nearest}" in str(caught.value)


def test_several_ids_that_are_near_are_named() -> None:
    with pytest.raises(InputError) as caught:
        derive(MSE, "w1_2")
    assert caught.value.hint == "did you mean w1_2_1 or w1_2_2?"
    with pytest.raises(InputError) as caught:
        derive("wx-plus-b", "q")
    assert caught.value.hint == "known: w, x, b, g, f"


@pytest.mark.parametrize(
    "given", ["", " ", "w1_1_1 ", "__import__('os')", "w[1,1,1]", "w1.1", "가", "1"]
)
def test_no_id_at_all(given: str) -> None:
    with pytest.raises(InputError):
        derive(MSE, given)


def test_an_unknown_example_names_the_nearest() -> None:
    with pytest.raises(InputError, match="mlp-2-2-2-mse"):
        derive("mlp-2-2-2-msee")


def test_an_unknown_notation_lists_them() -> None:
    with pytest.raises(InputError, match=r"sources.*nielsen.*delta.*strict"):
        derive(MSE, notation="bishop")


def test_an_unknown_language_lists_them() -> None:
    with pytest.raises(InputError, match=r"en.*ko"):
        render(derive(MSE, lang="fr"))


def test_an_unknown_format_lists_them() -> None:
    with pytest.raises(InputError, match=r"text.*latex.*html"):
        render(derive(MSE), "docx")


@pytest.mark.parametrize("bad", [0, -1, 65, True, 1.5, "2"])
def test_a_layer_refuses_a_bad_size(bad: object) -> None:
    with pytest.raises(InputError):
        Layer(bad)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Layer(2, "sigmoidal"),
        lambda: Network(2, (), "squared_error"),
        lambda: Network(0, (Layer(1),)),
        lambda: Network(2, (Layer(1),), "mse"),
        lambda: Network(2, (Layer(1),), biases="both"),
        lambda: Network(2, (Layer(1),), biases=True),
    ],
)
def test_a_network_refuses_what_it_cannot_be(make: object) -> None:
    with pytest.raises(InputError):
        make()


def test_a_result_stands_in_the_quantities_of_the_last_line() -> None:
    found = derive(load_example("apple-tax"), "count").result
    assert {str(s) for s in found.free_symbols} == {"price", "tax"}


# ---- showing itself


@pytest.mark.parametrize("name", ["mlp-2-2-2-mse", "gates", "sigmoid-derivative"])
def test_a_derivation_displays_itself_in_a_notebook(name: str) -> None:
    found = derive(name)
    for derivation in found.values():
        bundle = derivation._repr_mimebundle_()
        assert set(bundle) == {"text/html", "text/latex", "text/plain"}
        assert "<math" in bundle["text/html"]
        assert bundle["text/latex"].startswith("$$")
        assert bundle["text/latex"].count(r"\begin{aligned}") == 1
        assert "=" in bundle["text/plain"]
        assert bundle["text/plain"] == str(derivation)


def test_a_notebook_shows_the_derivation_that_it_was_asked_for() -> None:
    found = derive("mlp-2-2-2-mse")
    one, other = found["w2_1_1"], found["w1_2_2"]
    last = r"-\sum_{k=1}^{2}(y_k-o_k)w_{2k}^{(2)}\cdot h_2^{(1)}(1-h_2^{(1)})x_2"
    assert "-(y_1-o_1)h_1^{(1)}" in one._repr_mimebundle_()["text/latex"]
    assert last in other._repr_mimebundle_()["text/latex"]
    assert last not in one._repr_mimebundle_()["text/latex"]
    assert "∂J/∂w₂₂⁽¹⁾" in str(other)
    assert "∂J/∂w₂₂⁽¹⁾" not in str(one)


def test_rendering_one_derivation_shows_that_one() -> None:
    found = derive("mlp-2-2-2-mse")
    shown = render(found["w2_1_2"], "text")
    assert "∂J/∂w₁₂⁽²⁾ =" in shown
    assert "∂J/∂w₁₁⁽²⁾" not in shown


def test_the_lines_of_a_derivation() -> None:
    lines = derive("mlp-2-2-2-mse", "w2_1_1").lines
    assert len(lines) == 4  # the goal and three lines


# ---- the examples


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_example_derives(name: str) -> None:
    example = load_example(name)
    found = derive(example)
    assert len(found) == len(example.wrt or graph_of(example).wrt)
    assert len(found) > 0
    for derivation in found.values():
        assert derivation.lines


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_shipped_example_renders_everywhere(name: str, lang: str) -> None:
    found = derive(name, lang=lang)
    for to in RENDERERS:
        assert len(render(found, to)) > 100


def test_the_public_names() -> None:
    assert set(symbackprop.__all__) <= set(dir(symbackprop))
    for name in symbackprop.__all__:
        assert getattr(symbackprop, name) is not None
    with pytest.raises(AttributeError):
        _ = symbackprop.gradient


# ---- the four notations, by hand

SOURCES_HIDDEN = [
    r"\frac{\partial J}{\partial w_{12}^{(1)}}",
    (
        r"\left[\frac{\partial L_1}{\partial h_2^{(1)}}"
        r"+\frac{\partial L_2}{\partial h_2^{(1)}}\right]"
        r"\frac{\partial h_2^{(1)}}{\partial z_2^{(1)}}"
        r"\frac{\partial z_2^{(1)}}{\partial w_{12}^{(1)}}"
    ),
    r"-\sum_{k=1}^{2}(y_k-o_k)w_{2k}^{(2)}\cdot h_2^{(1)}(1-h_2^{(1)})x_1",
]
HIDDEN = {
    "sources": SOURCES_HIDDEN,
    "nielsen": [
        r"\frac{\partial C}{\partial w_{21}^2}",
        r"\delta_2^2\frac{\partial z_2^2}{\partial w_{21}^2}",
        r"\delta_2^2x_1",
    ],
    "delta": [
        r"\frac{\partial J}{\partial w_{12}^{(1)}}",
        r"\delta_2^{(1)}\frac{\partial z_2^{(1)}}{\partial w_{12}^{(1)}}",
        r"\delta_2^{(1)}x_1",
    ],
    "strict": [
        r"\frac{\mathrm{d}J}{\mathrm{d}w_{12}^{(1)}}",
        (
            r"\left[\frac{\mathrm{d}L_1}{\mathrm{d}h_2^{(1)}}"
            r"+\frac{\mathrm{d}L_2}{\mathrm{d}h_2^{(1)}}\right]"
            r"\frac{\partial h_2^{(1)}}{\partial z_2^{(1)}}"
            r"\frac{\partial z_2^{(1)}}{\partial w_{12}^{(1)}}"
        ),
        SOURCES_HIDDEN[-1],
    ],
}
ERROR_TERM = {  # of z1_2 in a 2-2-2-2: it stands in the next layer's error terms
    "sources": r"\sum_{k=1}^{2}\frac{\partial J}{\partial z_k^{(2)}}w_{2k}^{(2)}"
    r"\cdot h_2^{(1)}(1-h_2^{(1)})",
    "nielsen": r"\sum_{k=1}^{2}\delta_k^3w_{k2}^3\cdot a_2^2(1-a_2^2)",
    "delta": r"\sum_{k=1}^{2}\delta_k^{(2)}w_{2k}^{(2)}\cdot h_2^{(1)}(1-h_2^{(1)})",
    "strict": r"\sum_{k=1}^{2}\frac{\mathrm{d}J}{\mathrm{d}z_k^{(2)}}w_{2k}^{(2)}"
    r"\cdot h_2^{(1)}(1-h_2^{(1)})",
}


def latex_lines(source: object, wrt: str, notation: str) -> list[str]:
    shown = derive(source, wrt, notation=notation)._repr_mimebundle_()["text/latex"]
    rows = shown.split("\n")[2:-2]
    left, _, first = rows[0].partition("&=")
    rest = [row.partition("&=")[2] for row in rows[1:]]
    return [row.removesuffix(r" \\").strip() for row in (left, first, *rest)]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_hidden_weight_in_each_notation(notation: str) -> None:
    assert latex_lines("mlp-2-2-2-mse", "w1_1_2", notation) == HIDDEN[notation]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_error_terms_in_each_notation(notation: str) -> None:
    layers = (Layer(2, "sigmoid"), Layer(2, "sigmoid"), Layer(2, "identity"))
    network = Network(2, layers, "half_squared_error", biases=False)
    assert latex_lines(network, "z1_2", notation)[-1] == ERROR_TERM[notation]


def test_a_kept_error_term_is_derived_on_the_page() -> None:
    """δ is no free name: its own derivation stands before the weights that use it."""
    page = render(derive("mlp-2-2-2-mse", notation="delta"), "text")
    output, hidden = page.split("Hidden layer 1")
    assert "δ₁⁽²⁾ = ∂J/∂o₁·∂o₁/∂z₁⁽²⁾" in output
    assert "= −(y₁ − o₁)" in output
    assert "δ₁⁽¹⁾ = [δ₁⁽²⁾·∂z₁⁽²⁾/∂h₁⁽¹⁾ + δ₂⁽²⁾·∂z₂⁽²⁾/∂h₁⁽¹⁾]·∂h₁⁽¹⁾/∂z₁⁽¹⁾" in hidden


@pytest.mark.parametrize(
    ("notation", "left"),
    [
        ("sources", r"\frac{\partial J}{\partial z_2^{(1)}}"),
        ("nielsen", r"\delta_2^2"),
        ("delta", r"\delta_2^{(1)}"),
        ("strict", r"\frac{\mathrm{d}J}{\mathrm{d}z_2^{(1)}}"),
    ],
)
def test_an_error_term_itself(notation: str, left: str) -> None:
    assert latex_lines("mlp-2-2-2-mse", "z1_2", notation)[0] == left


def test_the_notation_of_a_file_and_the_one_asked_for() -> None:
    assert r"w_{21}^2" in render(derive("mlp-2-2-2-mse", notation="nielsen"), "latex")
    assert r"w_{21}^2" not in render(derive("mlp-2-2-2-mse"), "latex")
