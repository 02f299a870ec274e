"""Worked numbers: every row recomputed at 50 digits, the signs held to what they say.

The formulas of the rows are evaluated here by mpmath, one after another; derivatives
are also held against differences of the forward rows. The sources' numbers are typed.
"""

import csv
import io
import json
import re
from argparse import ArgumentParser
from fractions import Fraction
from functools import cache

import mpmath
import pytest

from symbackprop import InputError, Layer, Network, derive, load_example, render
from symbackprop.commands import numbers as command
from symbackprop.examples import read_example, shipped
from symbackprop.formula.text import text_of
from symbackprop.graph.build import graph_of
from symbackprop.worked import numbers

DPS = 50


def pairs(text):
    """A table of texts: name=digits, separated by blanks."""
    return dict(item.split("=") for item in text.split())


NETWORK = Network(2, (Layer(2, "tanh"), Layer(2, "sigmoid")), "binary_cross_entropy")
NETWORK_VALUES = pairs(
    "x1=-0.7313 x2=0.6949 y1=0.5275 y2=1 w1_1_1=-0.0091 w1_2_1=-0.101 "
    "w1_1_2=0.3032 w1_2_2=0.5774 w2_1_1=0.6715 w2_2_1=-0.1345 "
    "w2_1_2=0.5246 w2_2_2=0.9958 b1_1=-0.8123 b1_2=-0.9433 b2_1=-0.1092 "
    "b2_2=0.4431"
)


def with_values():
    """The shipped examples that have a value for every leaf and no general function."""
    found = []
    for name in shipped():
        example = load_example(name)
        graph = graph_of(example)
        leaves = {node.name for node in graph.nodes if node.body is None}
        if not graph.general and leaves <= set(example.values):
            found.append(name)
    return found


VALUED = with_values()


@cache
def worked(name, digits=8, *, exact=False):
    """The numbers of an example, or of the network of this file."""
    if name == "network":
        source = derive(NETWORK)
        return numbers(
            source, NETWORK_VALUES, digits=digits, exact=exact, learning_rate="0.5"
        )
    return numbers(name, digits=digits, exact=exact)


# ---- an independent evaluation

FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "relu": lambda x: max(x, mpmath.mpf(0)),
    "leaky_relu": lambda x: max(x, x / 100),
    "softplus": lambda x: mpmath.log(1 + mpmath.exp(x)),
    "silu": lambda x: x / (1 + mpmath.exp(-x)),
    "gelu": lambda x: x * mpmath.ncdf(x),
    "erf": mpmath.erf,
    "pi": mpmath.pi,
    "identity": lambda x: x,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "step": lambda x: mpmath.mpf(int(x > 0)),
    "Max": max,
    "abs": abs,
    "mpf": mpmath.mpf,
}


def valued(text, known):
    """A formula's text by mpmath: numbers by their digits, D(J, w) as dJ/dw."""
    names = {}

    def derivative(match):
        key = f"d{match[1]}_by_{match[2]}"
        names[key] = known[f"d{match[1]}/d{match[2]}"]
        return key

    text = re.sub(r"\bD\((\w+), (\w+)\)", derivative, text)
    number = r"(?<![\w.])(\d+(?:\.\d*)?(?:e[+-]?\d+)?)"
    text = re.sub(number, r"mpf('\1')", text)
    return mpmath.mpf(eval(text, {"__builtins__": {}}, {**FUNCTIONS, **known, **names}))


def recomputed(rows):
    """Every quantity of a table at 50 digits, from the values that are given."""
    known = {}
    for key, row in rows.items():
        text = text_of(row.formula, write_sums_out=True) if row.formula else None
        if text is None:
            rational = row.result.rational
            known[key] = mpmath.mpf(rational.numerator) / rational.denominator
        else:
            known[key] = valued(text, known)
    return known


def same(a, b, scale="1e-35"):
    """Equal but for the last of 50 digits."""
    return abs(a - b) <= mpmath.mpf(scale) * max(1, abs(a), abs(b))


def faults(records, known, digits=8):
    """What a table of rows (as JSON has them) says that is not so."""
    found = []
    for row in records:
        key, true = row["quantity"], known[row["quantity"]]
        result = mpmath.mpf(row["result"])
        if row["result_exact"] and not same(result, true):
            found.append(f"{key}: = before {row['result']}, which is rounded")
        if not row["result_exact"]:
            if same(result, true):
                found.append(f"{key}: ≈ before {row['result']}, which is exact")
            exponent = int(mpmath.floor(mpmath.log10(abs(true))))
            half = mpmath.mpf(10) ** (exponent - digits + 1) / 2
            if abs(result - true) > half * (1 + mpmath.mpf("1e-30")):
                found.append(f"{key}: {row['result']} is not rounded from {true}")
        if row["exact"] is not None:
            value = Fraction(row["exact"])
            if not same(mpmath.mpf(value.numerator) / value.denominator, true):
                found.append(f"{key}: {row['exact']} is not its value")
        if row["substituted"] is None:
            continue
        put_in = valued(row["substituted"], known)
        if row["operands_exact"] and not same(put_in, true):
            found.append(f"{key}: = before {row['substituted']}")
        if not same(put_in, true, f"1e-{digits - 3}"):
            found.append(f"{key}: {row['substituted']} is another number")
    return found


def records(table):
    """The rows as JSON has them."""
    return json.loads(table.render("json"))["rows"]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("digits", [8, 25])
@pytest.mark.parametrize("name", [*VALUED, "network"])
def test_every_row_is_what_it_says(name, digits, exact):
    with mpmath.workdps(DPS):
        table = worked(name, digits, exact=exact)
        assert faults(records(table), recomputed(table), digits) == []


def differences(table, key, step="1e-15"):
    """∂loss/∂v of a given value by central differences of the forward rows."""
    forward = {k: r for k, r in table.items() if r.part in ("given", "forward")}
    known = recomputed(forward)
    ends = []
    for sign in (1, -1):
        here = dict(known)
        here[key] += sign * mpmath.mpf(step)
        for other, row in forward.items():
            if row.formula is not None:
                here[other] = valued(text_of(row.formula, write_sums_out=True), here)
        ends.append(here)
    loss = table.story.graph.loss.id
    return (ends[0][loss] - ends[1][loss]) / (2 * mpmath.mpf(step))


@pytest.mark.parametrize("name", [*VALUED, "network"])
def test_derivatives_against_differences(name):
    with mpmath.workdps(DPS):
        table = worked(name)
        known = recomputed(table)
        loss = table.story.graph.loss.id
        given = [k for k, row in table.items() if row.part == "given"]
        checked = [key for key in given if f"d{loss}/d{key}" in table]
        for key in checked:
            slope = differences(table, key)
            assert same(known[f"d{loss}/d{key}"], slope, "1e-20"), key
        assert checked or name == "sigmoid-slope-maximum"


MUTANTS = [
    ("dJ/dw1_1_1", {"substituted": "-2*(0 - 0.81757448)*0.81757448*2"}),  # one lost
    ("z1_1", {"substituted": "0.5*5 + 0.1*2"}),  # operands exchanged
    ("z1_1", {"operands_exact": True, "substituted": "0.5*2 + 0.10001*5"}),
    ("dJ/dw1_2_1", {"result": "1.2193834"}),  # last digit
    ("dJ/dw1_2_1", {"result": "-1.2193833"}),
    ("o1", {"result_exact": True}),  # = before a rounded one
    ("z1_1", {"result_exact": False}),  # ≈ before an exact one
    ("w1_1_1'", {"result": "0.012246669"}),
    ("J", {"exact": "167/250"}),
    ("J", {"operands_exact": True}),
]


@pytest.mark.parametrize(("key", "change"), MUTANTS)
def test_a_wrong_row_is_noticed(key, change):
    with mpmath.workdps(DPS):
        table = worked("single-neuron-mse")
        rows = records(table)
        (row,) = (row for row in rows if row["quantity"] == key)
        row |= change
        (fault, *_) = faults(rows, recomputed(table))
        assert fault.startswith(f"{key}:")


def test_results_do_not_rest_on_rounded_operands():
    """(0 - 0.82)² is 0.67, and so is the loss; at 3 digits they part."""
    row = worked("single-neuron-mse", 3)["J"]
    assert text_of(row.put_in) == "(0 - 0.818)**2"
    assert mpmath.nstr(mpmath.mpf("0.818") ** 2, 3) == "0.669"
    assert text_of(row.result.decimal) == "0.668"


# ---- the sources' numbers

PART_A = {
    "apple-tax": pairs(
        "pretax=200 total=220 dtotal/dtotal=1 dtotal/dpretax=1.1 "
        "dtotal/dprice=2.2 dtotal/dcount=110 dtotal/dtax=200"
    ),
    "fruit-tax": pairs(
        "apples=200 oranges=450 pretax=650 total=715 dtotal/dpretax=1.1 "
        "dtotal/dapples=1.1 dtotal/doranges=1.1 dtotal/dapple_price=2.2 "
        "dtotal/dapple_count=110 dtotal/dorange_price=3.3 "
        "dtotal/dorange_count=165 dtotal/dtax=650"
    ),
    "wx-plus-b": pairs("g=-10 f=-7 df/df=1 df/dg=1 df/db=1 df/dx=-2 df/dw=5"),
}
STARTS = {  # how the digits of irrational values begin
    "single-neuron-mse": pairs(
        "o1=0.817574 J=0.668428 dJ/do1=1.635148 dJ/dz1_1=0.24387 "
        "dJ/dw1_1_1=0.48775 dJ/dw1_2_1=1.21938 w1_1_1'=0.012246 "
        "w1_2_1'=-1.119383"
    ),
    "mlp-2-3-1-forward": pairs(
        "h1_1=0.73 h1_2=0.78 h1_3=0.6899 o1=1.23321 dJ/do1=1.23321"
    ),
}


@pytest.mark.parametrize("name", PART_A)
def test_plain_arithmetic_is_exact(name):
    table = worked(name)
    for key, value in PART_A[name].items():
        result = table[key].result
        assert result.whole
        assert result.rational == Fraction(value)
        assert text_of(result.decimal) == value


@pytest.mark.parametrize("name", STARTS)
def test_the_neuron_and_the_network(name):
    table = worked(name, 10)
    for key, start in STARTS[name].items():
        assert text_of(table[key].result.decimal).startswith(start), key
        assert not table[key].result.whole
    exact = {"z1_1": "1.5"} if "neuron" in name else {"z1_1": "1", "z1_2": "1.3"}
    for key, value in exact.items():
        assert table[key].result.whole
        assert text_of(table[key].result.decimal) == value


def test_the_steepest_sigmoid():
    table = worked("sigmoid-slope-maximum")
    assert table["y"].result.rational == Fraction(1, 4)
    assert table["dy/dx"].result.rational == 0


# ---- order and lines


def test_the_order_of_the_derivation():
    assert list(worked("single-neuron-mse")) == [
        *("x1", "x2", "y1", "w1_1_1", "w1_2_1", "eta"),
        *("z1_1", "o1", "J"),
        *("dJ/dJ", "dJ/do1", "dJ/dz1_1", "dJ/dw1_1_1", "dJ/dw1_2_1"),
        *("w1_1_1'", "w1_2_1'"),
    ]


def test_a_part_of_the_loss_has_no_row_of_its_own():
    """∂J/∂L1 is 1; what is differentiated by is shown all the same."""
    assert "L1" in worked("network")
    assert not [key for key in worked("network") if key.startswith("dJ/dL")]
    assert "dJ/dL1" in numbers(derive(NETWORK, ["L1"]), NETWORK_VALUES)


def test_a_row_of_text_is_formula_numbers_result():
    text = worked("mlp-2-3-1-forward").render("text")
    row = "∂J/∂w₁₁⁽²⁾ = −(y₁ − o₁)·1·h₁⁽¹⁾ ≈ −(0 − 1.2332121)·1·0.73105858 ≈ 0.90155028"
    assert f"  {row}\n" in text
    assert "  z₂⁽¹⁾ = w₁₂⁽¹⁾ x₁ + w₂₂⁽¹⁾ x₂ = 0.4·1 + 0.9·1 = 1.3\n" in text


def test_the_formula_of_a_weight_is_a_line_of_its_derivation():
    derivations = derive("mlp-2-3-1-forward")
    for key, derivation in derivations.items():
        row = worked("mlp-2-3-1-forward")[f"dJ/d{key}"]
        assert row.formula in derivation.lines[1:]


def test_fractions_and_named_irrationals():
    table = worked("single-neuron-mse", exact=True)
    text = table.render("text")
    for row in (
        "z₁⁽¹⁾ = w₁₁⁽¹⁾ x₁ + w₂₁⁽¹⁾ x₂ = 1/2·2 + 1/10·5 = 3/2 = 1.5",
        "o₁ = σ(z₁⁽¹⁾) = σ(3/2) ≈ 0.81757448",
        "J = (y₁ − o₁)² = (0 − σ(3/2))² ≈ 0.66842802",
        "w₁₁⁽¹⁾′ = w₁₁⁽¹⁾ − η·∂J/∂w₁₁⁽¹⁾ ≈ 1/2 − 1·0.48775333 ≈ 0.012246670",
    ):
        assert f"  {row}\n" in text
    parts = {row.part for row in table.values() if row.relation == "≈"}
    assert parts == {"update"}, "an irrational derivative has digits, nothing else"


def test_one_sentence_says_what_the_signs_mean():
    says = "A value after = is exact; after ≈ it is rounded to 5 significant digits"
    for to in ("text", "markdown", "latex", "html"):
        sentence = says.replace("≈", r"$\approx$") if to == "latex" else says
        assert worked("single-neuron-mse", 5).render(to).count(sentence) == 1
        assert "A value after =" not in worked("apple-tax").render(to)  # all exact


def test_a_part_of_the_derivations():
    table = numbers(derive("mlp-2-3-1-forward", ["w1_1_2"]))
    backward = [key for key, row in table.items() if row.part == "backward"]
    assert backward == ["dJ/dJ", "dJ/do1", "dJ/dz2_1", "dJ/dh1_2", "dJ/dz1_2",
                        "dJ/dw1_1_2"]  # fmt: skip
    alone = numbers(derive("mlp-2-3-1-forward", "w1_1_2"))
    assert [*alone] == [*table]
    assert [*numbers(derive("mlp-2-3-1-forward")["w1_1_2"])] == [*table]
    assert alone["dJ/dw1_1_2"] == worked("mlp-2-3-1-forward")["dJ/dw1_1_2"]


@pytest.mark.parametrize("by", ["backprop", "paths"])
@pytest.mark.parametrize("notation", ["sources", "delta", "nielsen"])
def test_strategies_and_notations_agree(by, notation):
    with mpmath.workdps(DPS):
        found = derive("mlp-2-3-1-forward", by=by, notation=notation)
        table = numbers(found)
        assert faults(records(table), recomputed(table)) == []
        results = [row.result for row in table.values()]
        assert results == [r.result for r in worked("mlp-2-3-1-forward").values()]


# ---- values


def test_other_values_and_learning_rates():
    table = numbers("single-neuron-mse", {"x1": 3, "w1_2_1": 0.1}, learning_rate="0.5")
    assert table["z1_1"].result.rational == 2
    assert table["eta"].result.rational == Fraction(1, 2)
    third = numbers("wx-plus-b", {"x": Fraction(1, 3)})["f"]
    assert third.result.rational == Fraction(7, 3)
    assert not third.result.whole


def test_without_a_learning_rate_nothing_is_updated():
    parts = {row.part for row in worked("mlp-2-3-1-forward").values()}
    assert parts == {"given", "forward", "backward"}


def test_a_learning_rate_of_0_leaves_every_weight_exactly_as_it_was():
    table = numbers("single-neuron-mse", learning_rate="0")
    text = table.render()
    assert "≈ 0.5 − 0·0.48775333 = 0.5\n" in text
    assert "≈ 0.1 − 0·1.2193833 = 0.1\n" in text
    for key, weight in (("w1_1_1'", "1/2"), ("w1_2_1'", "1/10")):
        assert table[key].result.rational == Fraction(weight)
    moved = numbers("single-neuron-mse", learning_rate="1e-9")  # the mutant
    assert not moved["w1_2_1'"].result.whole


def test_formulas_with_a_learning_rate_say_values_once():
    example = read_example(
        'title.en = "t"\n[formulas]\nL = "w**2"\n[values]\nw = "3"\n'
        '[update]\nlearning_rate = "0.1"\n',
        name="t",
    )
    text = numbers(example).render().replace("\xa0", " ")
    assert text.count("Values") == 1
    assert "  - w = 3\n  - Learning rate: η = 0.1\n" in text
    page = render(derive(example)).replace("\xa0", " ")
    assert "  - Values: w = 3\n" in page


def test_the_slope_in_between_is_collected_as_on_the_page():
    row = worked("sigmoid-slope-maximum")["dy/ds"]
    assert text_of(row.formula) == "1 - 2*s"
    assert text_of(row.put_in) == "1 - 2*0.5"


def test_a_quantity_named_eta_is_the_learning_rate():
    table = worked("gradient-descent")
    assert len(table.workings) == len(table)
    assert table["x'"].result.rational == Fraction("0.8")  # 4 - 0.4·2·4
    other = numbers("gradient-descent", {"eta": "1"})
    assert other["x'"].result.rational == -4


@pytest.mark.parametrize(
    ("values", "options", "part"),
    [
        ({"o1": "1"}, {}, "o1 is computed, so it cannot be given"),
        ({"w9": "1"}, {}, "unknown quantity 'w9'"),
        ({"x1": "1/3"}, {}, "x1: expected a decimal number, found '1/3'"),
        ({"x1": "nan"}, {}, "x1: expected a decimal number"),
        ({"x1": "__import__('os')"}, {}, "x1: expected a decimal number"),
        ({"x1": float("inf")}, {}, "x1: expected a decimal number, found 'inf'"),
        ({"x1": True}, {}, "x1: expected a decimal number, found 'True'"),
        ({}, {"digits": 0}, "expected 1 to 100 digits, found 0"),
        ({}, {"digits": 101}, "expected 1 to 100 digits, found 101"),
        ({}, {"learning_rate": "fast"}, "learning_rate: expected a decimal number"),
    ],
)
def test_unusable_values(values, options, part):
    with pytest.raises(InputError, match=re.escape(part)):
        numbers("single-neuron-mse", values, **options)


def test_missing_values_are_listed_with_what_to_write():
    with pytest.raises(InputError) as caught:
        numbers("linear-regression", {"x": "2", "y": "1"})
    said = str(caught.value)
    assert "linear-regression.toml:1:1: no value for w, b (" in said
    assert 'under [values] write w = "0.5"' in said
    assert "--set w=0.5" in said
    with pytest.raises(InputError, match=r"no value for x1, x2, .* and 4 more"):
        numbers("mlp-2-2-2-mse")


def test_a_function_left_general_has_no_number():
    with pytest.raises(InputError, match="a1, a2, a3: left general"):
        numbers("composite", {"x": "1"})


def test_a_division_by_zero_is_said():
    example = read_example(
        'title.en = "t"\n[formulas]\ny = "1/x"\n[values]\nx = "0"\n', name="t"
    )
    with pytest.raises(InputError) as caught:
        numbers(example)
    assert str(caught.value) == (
        "<input>:1:1: y = 1/x: a division by zero at this point (give x another value)"
    )
    assert "at the values above" not in render(derive(example))


ABSENT = [  # y; what has no value, as numbers says it and as the page does; why
    ("1/u", "y = 1/u", "y = 1/u", "a division by zero"),
    ("u**(-2)", "y = u**(-2)", "y = u⁻²", "a division by zero"),
    (
        *("log(u)", "y = log(u)", "y = ln u"),
        "the logarithm of a number that is not positive",
    ),
    (
        *("sqrt(u - 1)", "y = sqrt(u - 1)", "y = √(u − 1)"),
        "the square root of a negative number",
    ),
    (
        *("(u - 1)**0.5", "y = (u - 1)**0.5", "y = (u − 1)^(0.5)"),
        "a root of a negative number",
    ),
    (
        *("sqrt(u)", "dz/du = D(z, y)*(1/(2*sqrt(u)))", "∂y/∂u = 1/(2 √(u))"),
        "a division by zero",
    ),
]


def absent(text):
    """An example whose y, or its slope, has no value; u and v have one."""
    return read_example(
        'title.en = "t"\n[formulas]\nv = "w + 1"\nu = "w*x"\n'
        f'y = "{text}"\nz = "y + v"\n[values]\nx = "0"\nw = "2"\n'
        '[derive]\nwrt = ["w"]\n[update]\nlearning_rate = "1"\n',
        name="t",
    )


@pytest.mark.parametrize(("text", "equation", "_", "reason"), ABSENT)
def test_a_value_that_does_not_exist_has_name_formula_and_reason(
    text, equation, _, reason
):
    with pytest.raises(InputError) as caught:
        numbers(derive(absent(text), ["u"]))
    said = str(caught.value).replace(" at this point", "")
    assert said == f"<input>:1:1: {equation}: {reason} (give one of w, x another value)"


@pytest.mark.parametrize(("text", "_", "equation", "reason"), ABSENT)
def test_a_page_says_which_values_do_not_exist(text, _, equation, reason):
    derivations = derive(absent(text))
    page = render(derivations)
    (sentence,) = re.findall("At these values there is no value of .*", page)
    others = "z, ∂y/∂u, ∂z/∂u, ∂z/∂w" if equation[0] == "y" else "∂z/∂u, ∂z/∂w"
    assert sentence == (
        f"At these values there is no value of {equation}: {reason}. "
        f"No value either: {others}."
    )
    assert re.search(r"  v = w \+ 1 +  = 3\n", page), "what exists is shown"
    assert re.search(r"  u = w x +  = 0\n", page)
    for to in ("markdown", "latex", "html"):
        assert "At these values there is no value of " in render(derivations, to)
    korean = render(derive(absent(text), lang="ko"))
    assert "이 값에서 계산할 수 없는 식: " in korean


def test_a_page_with_every_value_says_nothing_of_the_kind():
    assert "no value" not in render(derive("single-neuron-mse"))


def test_a_long_formula_and_many_weights_are_cut_short_in_the_message():
    example = read_example(
        'title.en = "t"\n[formulas]\ny = "1/(a + b + c + d + e)'
        + "".join(f" + a**{n}*b**{n}" for n in range(1, 20))
        + '"\n[values]\n'
        + "".join(f'{name} = "0"\n' for name in "abcde"),
        name="t",
    )
    with pytest.raises(InputError) as caught:
        numbers(example)
    said = str(caught.value)
    assert len(said) < 250
    assert "…: a division by zero" in said
    assert said.endswith("(give one of a, b, c, d, … another value)")


# ---- data


def test_csv_is_rfc_4180():
    text = worked("single-neuron-mse").render("csv")
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == ["quantity", "formula", "substituted", "result", "exact"]
    assert {len(row) for row in rows} == {5}
    assert [row[0] for row in rows[1:]] == [*worked("single-neuron-mse")]
    cells = {row[0]: row[1:] for row in rows[1:]}
    assert cells["z1_1"] == [*("w1_1_1*x1 + w1_2_1*x2", "0.5*2 + 0.1*5", "1.5", "3/2")]
    assert cells["w1_2_1'"][0] == "w1_2_1 - eta*D(J, w1_2_1)"  # quoted: it has a comma
    assert cells["o1"][3] == ""


def test_json_loses_no_digit():
    data = json.loads(worked("single-neuron-mse", 30).render("json"))
    assert (data["schema"], data["example"], data["loss"], data["digits"]) == (
        *(1, "single-neuron-mse", "J", 30),
    )
    rows = {row["quantity"]: row for row in data["rows"]}
    assert set(rows["o1"]) == {
        *("quantity", "part", "layer", "formula", "substituted", "operands_exact"),
        *("result", "result_exact", "exact", "latex"),
    }
    with mpmath.workdps(40):
        sigma = mpmath.nstr(1 / (1 + mpmath.exp(mpmath.mpf("-1.5"))), 30)
    assert rows["o1"]["result"] == sigma
    assert rows["z1_1"]["exact"] == "3/2"
    assert rows["o1"]["latex"]["links"][1] == ["=", r"\sigma(1.5)"]


def test_an_unknown_format_is_refused():
    with pytest.raises(InputError, match="unknown format 'pdf'"):
        worked("apple-tax").render("pdf")


# ---- the command


def run(capsys, *arguments):
    """What the command prints."""
    parser = ArgumentParser()
    command.add(parser)
    assert command.run(parser.parse_args(arguments)) == 0
    return capsys.readouterr().out


def test_the_command_prints_and_writes(capsys, tmp_path):
    text = run(capsys, "apple-tax", "--set", "tax=1.08", "--set", "count = 3")
    assert "  total = before tax·tax = 300·1.08 = 324\n" in text
    assert run(capsys, "apple-tax", "--to", "csv").startswith("quantity,formula,")
    for suffix, start in (
        (".csv", b"quantity,"),
        (".json", b"{\n"),
        (".tex", b"\\doc"),
    ):
        path = tmp_path / f"out{suffix}"
        assert run(capsys, "apple-tax", "-o", str(path)) == ""
        assert path.read_bytes().startswith(start)
    assert b"\r\n" in (tmp_path / "out.csv").read_bytes()
    digits = run(capsys, "single-neuron-mse", "--digits", "3", "--wrt", "w1_2_1")
    assert "≈ 1.22\n" in digits
    assert "w₁₁⁽¹⁾′" not in digits
    halved = run(capsys, "single-neuron-mse", "--learning-rate", "0.5")
    assert "Learning rate: η = 0.5\n" in halved.replace("\xa0", " ")


@pytest.mark.parametrize("text", ["x", "=1", " = 2"])
def test_a_value_without_a_name_is_refused(capsys, text):
    with pytest.raises(InputError, match="expected --set ID=NUMBER"):
        run(capsys, "apple-tax", "--set", text)
