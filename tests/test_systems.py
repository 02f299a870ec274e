"""Every line of the sources' systems, parts A to D, as the book writes it.

The expected LaTeX is transcribed by hand; the templates below are this file's own.
"""

import re
from functools import cache

import pytest

from symbackprop import Layer, Network, derive, render

UNITS = (1, 2)
NETWORKS = {
    "mlp-2-2-2-mse": ("mse", False),
    "mlp-2-2-2-mse-biases": ("mse", True),
    "mlp-2-2-2-cross-entropy": ("ce", False),
    "mlp-2-2-2-cross-entropy-biases": ("ce", True),
}
WEIGHTS = [(layer, i, j) for layer in (1, 2) for i in UNITS for j in UNITS]


# ---- reading a page


def plain(latex: str) -> str:
    r"""LaTeX without spaces, without \left and \right, \frac12 spelt out."""
    latex = latex.replace(r"\frac12", r"\frac{1}{2}")
    return re.sub(r"\\left(?=[(\[])|\\right(?=[)\]])|\s+", "", latex)


def chains(page: str) -> list[tuple[str, list[str]]]:
    """Every chain of a Markdown page: its left side, its lines."""
    found: list[tuple[str, list[str]]] = []
    block = r"\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}"
    for match in re.finditer(block, page, re.DOTALL):
        rows = match[1].split(" \\\\\n")
        left, _, first = rows[0].partition("&=")
        if all(row.strip().startswith("&=") for row in rows[1:]):
            lines = [first, *(row.partition("&=")[2] for row in rows[1:])]
            found.append((plain(left), [plain(line) for line in lines]))
        else:  # a list of definitions or updates
            for row in rows:
                name, sign, form = re.split(r"&(:?=)", row)
                found.append((plain(name) + sign, [plain(form)]))
    return found


@cache
def page(name: str, to: str = "markdown", detail: str = "standard") -> str:
    """A shipped example's page."""
    return render(derive(name), to, detail=detail)


def lines_of(name: str, left: str, detail: str = "standard") -> list[str]:
    """The lines of the only chain with a left side."""
    left = plain(left)
    shown = chains(page(name, "markdown", detail))
    found = [lines for side, lines in shown if side == left]
    assert found, f"no chain for {left}"
    assert all(lines == found[0] for lines in found)
    return found[0]


def in_order(expected: list[str], lines: list[str]) -> bool:
    """Whether the lines hold the expected ones in order, the last one last."""
    rest = iter(lines)
    return all(line in rest for line in expected) and lines[-1] == expected[-1]


# ---- the templates: what the book prints for indices i, j


def w(layer: int, i: int | str, j: int | str) -> str:
    return rf"w_{{{i}{j}}}^{{({layer})}}"


def h(layer: int, i: int) -> str:
    return rf"h_{i}^{{({layer})}}" if layer else f"x_{i}"


def z(layer: int, i: int | str) -> str:
    return rf"z_{i}^{{({layer})}}"


def b(layer: int, i: int) -> str:
    return rf"b_{i}^{{({layer})}}"


def d(of: str, by: str) -> str:
    return rf"\frac{{\partial {of}}}{{\partial {by}}}"


def output_lines(loss: str, j: int, parameter: str, factor: str) -> list[str]:
    """The lines for a weight or bias of the output unit j."""
    first = d("J", f"o_{j}") + d(f"o_{j}", z(2, j)) + d(z(2, j), parameter)
    end = rf"-(y_{j}-o_{j}){factor}"
    if loss == "mse":
        last = "" if factor else r"\cdot 1"
        factor = rf"\cdot {factor}" if factor else last
        return [first, rf"-(y_{j}-o_{j})\cdot 1{factor}", end]
    factor = factor or r"\cdot 1"
    slope = rf"o_{j}(1-o_{j}){factor}"
    apart = rf"-\left(\frac{{y_{j}}}{{o_{j}}}-\frac{{1-y_{j}}}{{1-o_{j}}}\right)"
    top = rf"y_{j}-y_{j}o_{j}-o_{j}+y_{j}o_{j}"
    together = rf"-\frac{{{top}}}{{o_{j}(1-o_{j})}}"
    return [first, apart + slope, together + slope, end]


def bracket(layer: int, j: int, parameter: str) -> str:
    """The first line for a parameter of hidden unit j below the output layer."""
    parts = "+".join(d(f"L_{k}", h(layer, j)) for k in UNITS)
    return (
        rf"\left[{parts}\right]"
        + d(h(layer, j), z(layer, j))
        + d(z(layer, j), parameter)
    )


def with_lines(loss: str, layer: int, j: int) -> list[str]:
    """The lines of ∂L_k/∂h_j, with the letter k."""
    top = layer + 1
    first = d("L_k", "o_k") + d("o_k", z(top, "k")) + d(z(top, "k"), h(layer, j))
    weight = w(top, j, "k")
    if loss == "mse":
        return [first, rf"-(y_k-o_k)\cdot 1\cdot {weight}"]
    return [
        first,
        r"-\left(\frac{y_k}{o_k}-\frac{1-y_k}{1-o_k}\right)o_k(1-o_k)" + weight,
        r"-\frac{y_k-y_ko_k-o_k+y_ko_k}{o_k(1-o_k)}o_k(1-o_k)" + weight,
        r"-(y_k-o_k)" + weight,
    ]


def hidden_end(layer: int, j: int, factor: str, outputs: int = 2) -> str:
    """The last line for a parameter of hidden unit j below the output layer."""
    unit = h(layer, j)
    return (
        rf"-\sum_{{k=1}}^{{{outputs}}}(y_k-o_k){w(layer + 1, j, 'k')}"
        rf"\cdot {unit}(1-{unit}){factor}"
    )


# ---- D: the 2-2-2 networks


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("j", UNITS)
@pytest.mark.parametrize("i", UNITS)
def test_an_output_weight(name: str, i: int, j: int) -> None:
    loss, _ = NETWORKS[name]
    lines = lines_of(name, d("J", w(2, i, j)))
    expected = output_lines(loss, j, w(2, i, j), h(1, i))
    assert lines == [plain(line) for line in expected]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("j", UNITS)
@pytest.mark.parametrize("i", UNITS)
def test_a_hidden_weight(name: str, i: int, j: int) -> None:
    lines = lines_of(name, d("J", w(1, i, j)))
    expected = [bracket(1, j, w(1, i, j)), hidden_end(1, j, f"x_{i}")]
    assert lines == [plain(line) for line in expected]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("j", UNITS)
def test_the_parts_of_the_loss_are_derived_once_for_every_k(name: str, j: int) -> None:
    loss, _ = NETWORKS[name]
    lines = lines_of(name, d("L_k", h(1, j)))
    assert lines == [plain(line) for line in with_lines(loss, 1, j)]
    for k in UNITS:  # written with the letter, not again for each k
        lefts = [left for left, _ in chains(page(name))]
        assert plain(d(f"L_{k}", h(1, j))) not in lefts
    assert "for $k$ = 1, 2:" in page(name)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("layer", "i", "j"), WEIGHTS)
def test_the_lines_stand_in_reading_order_in_the_latex(
    name: str, layer: int, i: int, j: int
) -> None:
    loss, _ = NETWORKS[name]
    if layer == 2:
        expected = output_lines(loss, j, w(2, i, j), h(1, i))
    else:
        expected = [
            bracket(1, j, w(1, i, j)),
            d("L_k", h(1, j)) + "&=" + with_lines(loss, 1, j)[0],
            *with_lines(loss, 1, j)[1:],
            hidden_end(1, j, f"x_{i}"),
        ]
    text = plain(page(name, "latex"))
    here = text.index(plain(d("J", w(layer, i, j)) + "&="))
    for line in expected:
        start = text.find(plain(line), here)
        assert start >= here, line
        here = start + len(plain(line))


@pytest.mark.parametrize("name", [n for n, (_, biases) in NETWORKS.items() if biases])
@pytest.mark.parametrize("j", UNITS)
def test_biases(name: str, j: int) -> None:
    loss, _ = NETWORKS[name]
    output = lines_of(name, d("J", b(2, j)))
    expected = [plain(line) for line in output_lines(loss, j, b(2, j), "")]
    assert in_order(expected, output)
    hidden = lines_of(name, d("J", b(1, j)))
    ends = [plain(bracket(1, j, b(1, j))), plain(hidden_end(1, j, ""))]
    assert in_order(ends, hidden)
    assert hidden[0] == ends[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_only_the_networks_with_biases_have_biases(name: str) -> None:
    assert (r"b_1^{(2)}" in page(name)) is NETWORKS[name][1]


@pytest.mark.parametrize("name", [n for n in NETWORKS if "mse" in n])
def test_the_squared_error_and_its_parts(name: str) -> None:
    assert lines_of(name, "J") == [
        plain(r"\frac12[(y_1-o_1)^2+(y_2-o_2)^2]"),
        "L_1+L_2",
    ]
    for k in UNITS:
        assert lines_of(name, f"L_{k}=") == [plain(rf"\frac12(y_{k}-o_{k})^2")]


@pytest.mark.parametrize("name", [n for n in NETWORKS if "cross" in n])
def test_the_cross_entropy_and_its_parts(name: str) -> None:
    lines = lines_of(name, "J")
    sums = [
        plain(rf"-\sum_{{k{bounds}\left(y_k\ln o_k+(1-y_k)\ln(1-o_k)\right)")
        for bounds in ("}", "=1}^{2}")
    ]
    assert lines[0] in sums
    assert lines[-1] == "L_1+L_2"
    for k in UNITS:
        part = rf"-(y_{k}\ln o_{k}+(1-y_{k})\ln(1-o_{k}))"
        assert lines_of(name, f"L_{k}=") == [plain(part)]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_update_of_every_parameter(name: str) -> None:
    parameters = [w(*index) for index in WEIGHTS]
    if NETWORKS[name][1]:
        parameters += [b(layer, j) for layer in (1, 2) for j in UNITS]
    for parameter in parameters:
        expected = rf"{parameter}-\eta {d('J', parameter)}"
        assert lines_of(name, parameter + ":=") == [plain(expected)]
    updates = [left for left, _ in chains(page(name)) if left.endswith(":=")]
    assert sorted(updates) == sorted(plain(p) + ":=" for p in parameters)


@pytest.mark.parametrize("biases", ["", "-biases"])
def test_both_networks_end_in_the_same_line(biases: str) -> None:
    parameters = [w(*index) for index in WEIGHTS]
    if biases:
        parameters += [b(layer, j) for layer in (1, 2) for j in UNITS]
    for parameter in parameters:
        ends = {
            lines_of(f"mlp-2-2-2-{loss}{biases}", d("J", parameter))[-1]
            for loss in ("mse", "cross-entropy")
        }
        assert len(ends) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_only_the_cross_entropy_page_says_why_they_share_it(name: str) -> None:
    shown = page(name)
    says = "cancels" in shown and "both networks end in the same last line" in shown
    assert says is ("cross" in name)


def test_the_middle_line_is_the_author_s() -> None:
    """Without [[lines]] the code does not know the line; the result is the same."""
    network = Network(
        2,
        (Layer(2, "sigmoid"), Layer(2, "sigmoid")),
        "binary_cross_entropy",
        biases=False,
    )
    shown = render(derive(network, "w2_1_1"), "markdown")
    assert plain(r"y_1-y_1o_1-o_1+y_1o_1") not in plain(shown)
    last = dict(chains(shown))[plain(d("J", w(2, 1, 1)))][-1]
    assert last == plain(r"-(y_1-o_1)h_1^{(1)}")


# ---- D: deeper networks


def deep(widths: list[int]) -> str:
    layers = [Layer(n, "sigmoid") for n in widths[1:-1]]
    layers.append(Layer(widths[-1], "identity"))
    network = Network(widths[0], tuple(layers), "half_squared_error", biases=False)
    return render(derive(network), "markdown")


@pytest.mark.parametrize("widths", [[3, 4, 4, 2], [2, 2, 2, 2, 2, 2]])
def test_deep_networks_end_in_the_next_layer_s_error_terms(widths: list[int]) -> None:
    found = dict(chains(deep(widths)))
    depth = len(widths) - 1
    for layer in range(1, depth + 1):
        for i in range(1, widths[layer - 1] + 1):
            for j in range(1, widths[layer] + 1):
                lines = found[plain(d("J", w(layer, i, j)))]
                below = h(layer - 1, i)
                unit = h(layer, j)
                if layer == depth:
                    last = rf"-(y_{j}-o_{j}){below}"
                elif layer == depth - 1:
                    last = hidden_end(layer, j, below, widths[-1])
                    first = bracket(layer, j, w(layer, i, j))
                    assert lines[0] == plain(first)
                else:
                    last = (
                        rf"\sum_{{k=1}}^{{{widths[layer + 1]}}}"
                        rf"{d('J', z(layer + 1, 'k'))}{w(layer + 1, j, 'k')}"
                        rf"\cdot {unit}(1-{unit}){below}"
                    )
                assert lines[-1] == plain(last)


def test_a_single_output_has_no_bracket_and_no_sum() -> None:
    found = dict(chains(page("mlp-2-3-1-forward", "markdown")))
    for i in (1, 2):
        for j in (1, 2, 3):
            unit = h(1, j)
            lines = found[plain(d("J", w(1, i, j)))]
            end = rf"-(y-\hat{{y}}){w(2, j, 1)}{unit}(1-{unit})x_{i}"
            assert lines[-1] == plain(end)
    for j in (1, 2, 3):
        lines = found[plain(d("J", w(2, j, 1)))]
        assert lines[-1] == plain(rf"-(y-\hat{{y}}){h(1, j)}")


# ---- B: one variable

SIGMOID = [
    r"\frac{d}{dx}\sigma(x)",
    r"\frac{d}{dx}(1+e^{-x})^{-1}",
    r"(-1)\frac{1}{(1+e^{-x})^2}\frac{d}{dx}(1+e^{-x})",
    r"(-1)\frac{1}{(1+e^{-x})^2}\left(0+e^{-x}\right)\frac{d}{dx}(-x)",
    r"(-1)\frac{1}{(1+e^{-x})^2}e^{-x}(-1)",
    r"\frac{e^{-x}}{(1+e^{-x})^2}",
    r"\frac{1+e^{-x}-1}{(1+e^{-x})^2}",
    r"\frac{1+e^{-x}}{(1+e^{-x})^2}-\frac{1}{(1+e^{-x})^2}",
    r"\frac{1}{1+e^{-x}}-\frac{1}{(1+e^{-x})^2}",
    r"\frac{1}{1+e^{-x}}\left(1-\frac{1}{1+e^{-x}}\right)",
    r"\sigma(x)(1-\sigma(x))",
]


@pytest.mark.parametrize("detail", ["standard", "full"])
def test_the_sigmoid_has_exactly_the_ten_links(detail: str) -> None:
    lines = lines_of("sigmoid-derivative", r"\frac{dy}{dx}", detail)
    assert lines == [plain(line) for line in SIGMOID]
    assert len(lines) == 11  # ten links between eleven sides


def test_full_detail_opens_the_slope_of_a_unit_into_the_sigmoid_s_lines() -> None:
    network = "mlp-2-2-2-mse"
    text = plain(page(network, "latex", "full"))
    here = text.index(plain(d(h(1, 1), z(1, 1)) + "&="))
    for line in SIGMOID[1:]:
        start = text.find(plain("&=" + line), here)
        assert start > here, line
        here = start
    assert plain(rf"&={h(1, 1)}(1-{h(1, 1)})") in text[here:]
    assert plain(SIGMOID[6]) not in plain(page(network, "latex"))


@pytest.mark.parametrize("name", [*NETWORKS, "sigmoid-derivative"])
def test_brief_detail_shows_the_result_alone(name: str) -> None:
    full = dict(chains(page(name)))
    brief = chains(page(name, "markdown", "brief"))
    derived = [(left, lines) for left, lines in brief if left.startswith(r"\frac")]
    goals = (plain(r"\frac{\partial J}"), r"\frac{dy}")
    wanted = [left for left, _ in chains(page(name)) if left.startswith(goals)]
    assert [left for left, _ in derived] == wanted
    for left, lines in derived:
        assert lines == full[left][-1:]


def test_where_the_sigmoid_is_steepest() -> None:
    lines = lines_of("sigmoid-slope-maximum", r"\frac{\partial y}{\partial x}")
    assert lines[-1] == plain("s(1-s)(1-2s)")  # the page names s = σ(x)


def test_the_power_rule_for_positive_x() -> None:
    name = "power-rule"
    found = [lines for left, lines in chains(page(name)) if len(lines) > 2]
    assert len(found) == 1
    signs = {line.replace(r"\partial", "d") for line in found[0]}
    for line in (
        r"\frac{d}{dx}x^n",
        r"\frac{d}{dx}e^{n\ln x}",
        r"e^{n\ln x}\frac{d}{dx}(n\ln x)",
        r"e^{n\ln x}n\frac{1}{x}",
        r"nx^{n-1}",
    ):
        assert plain(line) in signs
    assert found[0][-1] == plain(r"nx^{n-1}")
    assert "x > 0" in page(name, "text")  # the domain is printed


DERIVATIVES = {  # textbook
    "tanh": r"1-\tanh(x)^2",
    "relu": r"\mathbf{1}_{x>0}",
    "leaky-relu": r"\mathbf{1}_{x>0}+0.01(1-\mathbf{1}_{x>0})",
    "softplus": r"\sigma(x)",
    "ln": r"\frac{1}{x}",
    "silu": r"\operatorname{SiLU}(x)+\sigma(x)(1-\operatorname{SiLU}(x))",
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_the_other_activations(name: str) -> None:
    lines = lines_of(f"{name}-derivative", r"\frac{dy}{dx}")
    assert lines[-1] == plain(DERIVATIVES[name])


def test_the_gelu_is_the_normal_distribution_s() -> None:
    """Φ(x) + x φ(x), written with the error function."""
    last = lines_of("gelu-derivative", r"\frac{dy}{dx}")[-1]
    distribution = r"\frac{1}{2}(1+\operatorname{erf}(\frac{x}{\sqrt{2}}))"
    density = r"\frac{xe^{-\frac{x^2}{2}}}{\sqrt{2\pi}}"
    assert last == plain(f"{distribution}+{density}")


@pytest.mark.parametrize("name", ["relu", "leaky-relu"])
def test_the_slope_at_a_kink_is_printed_as_a_convention(name: str) -> None:
    assert "convention" in page(f"{name}-derivative")


# ---- A: plain arithmetic


def test_square_of_sum_by_both_routes() -> None:
    name = "square-of-sum"
    found = [[left, *lines] for left, lines in chains(page(name))]
    chain, expanded, agree = found[-3:]
    assert chain == [
        plain(line)
        for line in (
            r"\frac{\partial z}{\partial x}",
            r"\frac{\partial z}{\partial t}\frac{\partial t}{\partial x}",
            r"2t \cdot 1",
            r"2(x+y)",
        )
    ]
    assert expanded[1:] == [
        plain(r"\frac{\partial}{\partial x}(x^2+2xy+y^2)"),
        "2x+2y",
    ]
    assert agree == ["2(x+y)", "2x+2y"]


@pytest.mark.parametrize(
    ("by", "last"), [("h_2", "a_3'"), ("h_1", "a_3'a_2'"), ("x", "a_3'a_2'a_1'")]
)
def test_composite(by: str, last: str) -> None:
    assert lines_of("composite", d("y", by))[-1] == last


def test_two_paths() -> None:
    lines = lines_of("two-paths", d("o", "w"))
    expected = "+".join(
        d("o", top) + d(top, middle) + d(middle, "w")
        for top, middle in (("p", "y"), ("z", "x"))
    )
    assert lines == [plain(expected)]


@pytest.mark.parametrize(
    ("by", "last"),
    [
        ("x_1", r"\frac{\partial L}{\partial z_{+}}"),
        ("y_1", r"\frac{\partial L}{\partial z_{+}}"),
        ("x_2", r"\frac{\partial L}{\partial z_{\times}}y_2"),
        ("y_2", r"\frac{\partial L}{\partial z_{\times}}x_2"),
        ("x_3", r"\frac{\partial L}{\partial z}\frac{\partial z}{\partial x_3}"),
        ("y_3", r"\frac{\partial L}{\partial z}\frac{\partial z}{\partial y_3}"),
    ],
)
def test_gates_hand_back(by: str, last: str) -> None:
    assert lines_of("gates", d("L", by))[-1] == plain(last)


def test_a_weight_an_input_and_a_bias() -> None:
    name = "wx-plus-b"
    assert lines_of(name, d("f", "g"))[-1] == "1"
    assert lines_of(name, d("f", "b"))[-1] == "1"
    assert lines_of(name, d("f", "x"))[0] == plain(d("f", "g") + d("g", "x"))
    assert lines_of(name, d("f", "x"))[-1] == "w"
    assert lines_of(name, d("f", "w"))[-1] == "x"


def test_apples_and_a_tax() -> None:
    total, pretax = r"\text{total}", r"\text{before tax}"
    for by, last in (
        (pretax, r"\text{tax}"),
        (r"\text{price}", r"\text{tax}\cdot\text{count}"),
        (r"\text{count}", r"\text{tax}\cdot\text{price}"),
        (r"\text{tax}", pretax),
    ):
        assert lines_of("apple-tax", d(total, by))[-1] == plain(last)


def test_apples_oranges_and_a_tax() -> None:
    total, tax = r"\text{total}", r"\text{tax}"
    for by, last in (
        (r"\text{before tax}", tax),
        (r"\text{apples}", tax),
        (r"\text{oranges}", tax),
        (r"\text{apple price}", tax + r"\cdot\text{apple count}"),
        (r"\text{apple count}", tax + r"\cdot\text{apple price}"),
        (r"\text{orange price}", tax + r"\cdot\text{orange count}"),
        (r"\text{orange count}", tax + r"\cdot\text{orange price}"),
        (tax, r"\text{before tax}"),
    ):
        assert lines_of("fruit-tax", d(total, by))[-1] == plain(last)


# ---- C: one neuron, logistic and linear regression


def test_logistic_regression() -> None:
    name = "logistic-regression"
    slope = plain(r"\frac{\partial J}{\partial y}y(1-y)")
    assert lines_of(name, d("J", "z"))[-1] == slope
    for i in UNITS:
        assert lines_of(name, d("J", f"w_{i}"))[-1] == slope + f"x_{i}"


def test_linear_regression() -> None:
    name = "linear-regression"
    assert lines_of(name, d("L", "w"))[-1] == plain(r"-(y-\hat y)x").replace(
        r"\haty", r"\hat{y}"
    )
    assert lines_of(name, d("L", "b"))[-1] == r"-(y-\hat{y})"


def test_one_neuron() -> None:
    name = "single-neuron-mse"
    output, target = "l_{2,o}", "y"
    for i in UNITS:
        lines = lines_of(name, d(r"\mathrm{loss}", f"w_{i}"))
        first = (
            d(r"\mathrm{loss}", output) + d(output, "l_{1,o}") + d("l_{1,o}", f"w_{i}")
        )
        assert lines[0] == plain(first)
        end = rf"-2({target}-{output}){output}(1-{output})i_{i}"
        assert lines[-1] == plain(end)
