"""The worked example file: what is read, what is refused, and where it says so."""

import re
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction as Rational
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.errors import InputError, Place
from symbackprop.examples import (
    RESERVED,
    Example,
    load_example,
    read_example,
    shipped,
)
from symbackprop.examples.quantities import network_ids
from symbackprop.examples.tables import READERS
from symbackprop.examples.toml_file import MAX_BYTES, Toml
from symbackprop.examples.toml_places import MAX_VALUES
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Derivative, Name
from symbackprop.graph.build import graph_of, graph_of_formulas
from symbackprop.network import ACTIVATIONS, LOSSES, Layer, Network

SECONDS = 2.0
DOCS = Path(__file__).parents[2] / "docs" / "file-format.md"
HEAD = 'title.en = "t"\n'
FORMULAS = HEAD + '[formulas]\nz = "w*x + b"\nJ = "1/2*(y - z)**2"\n'
NETWORK = HEAD + (
    '[network]\ninputs = 2\nlayers = [{units = 2, activation = "sigmoid"}, '
    '{units = 2, activation = "identity"}]\nloss = "half_squared_error"\n'
    "biases = false\n"
)


def of(text: str) -> Example:
    """The example of a text."""
    return read_example(text, name="mine", file="mine.toml")


@contextmanager
def in_time() -> Iterator[None]:
    """Hold a block to the time that a refusal may take, whatever else runs."""
    start = time.process_time()
    yield
    assert time.process_time() - start < SECONDS


def refusal(text: str) -> InputError:
    """The refusal of a text, in time, with a place inside the file."""
    with in_time(), pytest.raises(InputError) as caught:
        of(text)
    error = caught.value
    assert error.place is not None
    assert error.place.file == "mine.toml"
    assert str(error).count("\n") == 0
    return error


def place_of(text: str, marked: str) -> tuple[int, int]:
    """Line and column of the first place where a piece of the text stands."""
    before = text[: text.index(marked)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


# ---- what is read


def test_every_field_of_a_full_file() -> None:
    example = of(
        'title.en = "T"\ntitle.ko = "제목"\nsource = "S"\nloss = "J"\n'
        '[formulas]\nz = "w*x"\nJ = "J(z)"\nafter = "z + 0.50"\n'
        '[functions]\nJ = 1\nf = ["a", "b"]\n'
        '[values]\nw = "0.1"\nx = "-2.5e-1"\n'
        '[update]\nlearning_rate = "0.5"\n'
        '[derive]\nwrt = ["w", "z"]\nby = "paths"\nlemmas = ["sigmoid-derivative"]\n'
        '[assumptions]\nfacts = ["w > 0", "0 < x < 1", "w = x", "w != 2", "3 > x > 1"]\n'  # noqa: E501 - one file's text
        '[notation]\npack = "delta"\nlabels.w = "\\\\omega"\n'
        'labels.z = {en = "sum", ko = "합"}\n'
        '[[lines]]\nof = "dJ/dw"\ntitle.en = "mine"\nchain = ["D(J, z)*x"]\n'
        '[[claims]]\nquantity = "w\'"\nprinted = "0.50"\nwhere = "p. 3"\n'
        'expect = "wrong"\n[[claims]]\nquantity = "D(J, z)"\nformula = "z"\n'
    )
    assert (example.name, example.title) == ("mine", {"en": "T", "ko": "제목"})
    assert (example.source, example.network) == ("S", None)
    assert example.formulas is not None
    assert [name.id for name in example.formulas] == ["z", "J", "after"]
    assert example.loss == Name("J")
    assert example.functions == {"J": 1, "f": 2}
    assert example.values == {Name("w"): Rational(1, 10), Name("x"): Rational(-1, 4)}
    assert example.learning_rate == Rational(1, 2)
    assert example.wrt == (Name("w"), Name("z"))
    assert (example.by, example.lemmas) == ("paths", ("sigmoid-derivative",))
    assert list(map(str, example.assumptions)) == [
        "w > 0",
        "x > 0",
        "1 > x",
        "w = x",
        "w ≠ 2",
        "3 > x",
        "x > 1",
    ]
    assert example.pack == "delta"
    assert example.labels == {
        "w": {"latex": r"\omega"},
        "z": {"en": "sum", "ko": "합"},
    }
    (lines,) = example.lines
    assert lines.of == Derivative("D", Name("J"), Name("w"))
    assert [text_of(entry) for entry in lines.chain] == ["D(J, z)*x"]
    assert lines.title == {"en": "mine", "ko": "mine"}
    first, second = example.claims
    assert (first.quantity, first.printed, first.formula) == ("w'", "0.50", None)
    assert first.of == Call("new", (Name("w"),))
    assert (first.where, first.expect) == ("p. 3", "wrong")
    assert (second.printed, second.formula, second.expect) == (None, Name("z"), None)
    assert second.place.line == first.place.line + 5


def test_defaults() -> None:
    example = of(FORMULAS)
    assert example.loss == Name("J")
    assert (example.wrt, example.by, example.pack) == ((), "backprop", "sources")
    assert (example.source, example.learning_rate) == ("", None)
    assert example.text == FORMULAS
    assert example.place == Place("mine.toml", 1, 1)
    assert of(NETWORK.replace("biases = false\n", "")).network == Network(
        2, (Layer(2), Layer(2, "identity"))
    )


def test_a_formula_may_be_named_loss() -> None:
    example = of(HEAD + '[formulas]\nloss = "x**2"\nrest = "loss + 1"\n')
    assert example.loss == Name("rest")
    example = of(HEAD + 'loss = "loss"\n[formulas]\nloss = "x**2"\nrest = "loss + 1"\n')
    assert example.loss == Name("loss")


@pytest.mark.parametrize("biases", ["unit", "layer", False])
@pytest.mark.parametrize("outputs", [1, 3])
def test_the_ids_of_a_network_are_those_of_its_graph(
    biases: "str | bool", outputs: int
) -> None:
    network = Network(2, (Layer(3), Layer(2), Layer(outputs)), biases=biases)  # pyright: ignore[reportArgumentType]
    graph = graph_of(network)
    assert dict(network_ids(network)) == {
        node.id: node.body is None for node in graph.nodes
    }


def test_quantities() -> None:
    texts = {
        "o1": "o1",
        "dJ/dw1_1_2": "D(J, w1_1_2)",
        " dL1 / dh1_1 ": "D(L1, h1_1)",
        "w1_1_2'": "new(w1_1_2)",
        "new(w1_1_2) - w1_1_2": "new(w1_1_2) - w1_1_2",
        "delta1_2": "D(J, z1_2)",
        "P(z2_1, h1_1)*delta2_1": "P(z2_1, h1_1)*D(J, z2_1)",
        "y[1] - o1": "y1 - o1",
        "Sum(y[k]*w[2, 1, k], k, 1, 2)": "Sum(y[k]*w[2, 1, k], k, 1, 2)",
        "sigmoid(z1_1)*(1 - sigmoid(z1_1))": "sigmoid(z1_1)*(1 - sigmoid(z1_1))",
    }
    for text, expected in texts.items():
        example = of(f'{NETWORK}[[claims]]\nquantity = "{text}"\nformula = "0"\n')
        assert text_of(example.claims[0].of) == expected


def test_a_fraction_of_ids_named_d_is_no_gradient() -> None:
    text = (
        HEAD
        + '[formulas]\nJ = "dJ*dx"\n[[claims]]\nquantity = "dJ/dx"\nformula = "1"\n'
    )
    assert text_of(of(text).claims[0].of) == "dJ/dx"


def test_an_identity_with_an_index() -> None:
    example = of(
        NETWORK + "[[lines]]\nfor = {k = [1, 2]}\n"
        'chain = ["-(y[k] - o[k])",\n  # why\n  "o[k] - y[k]"]\n'
    )
    (lines,) = example.lines
    assert lines.of is None
    assert lines.indices == {"k": (1, 2)}
    words = Vocabulary(indices=("k",))
    assert lines.chain == (read("-(y[k] - o[k])", words), read("o[k] - y[k]", words))
    assert [(p.line, p.column) for p in lines.places] == [(9, 10), (11, 3)]


# ---- what is shipped


def test_every_shipped_example_is_read() -> None:
    files = shipped()
    assert list(files) == sorted(files)
    assert {"apple-tax", "mlp-2-2-2-mse", "sigmoid-derivative"} <= set(files)
    for name, file in files.items():
        example = load_example(name)
        assert example == load_example(file)
        assert (example.name, example.place.file) == (name, str(file))
        assert example.title["ko"] != example.title["en"]
        assert example.source
        if example.formulas is not None:
            graph = graph_of_formulas(
                example.formulas,
                example.loss,
                general=example.functions,
                wrt=example.wrt,
                facts=example.assumptions,
            )
        else:
            assert example.network is not None
            graph = graph_of(example.network)
        for name_ in (*example.wrt, *example.values):
            assert name_ in graph


def test_the_sigmoid_has_its_ten_links() -> None:
    (lines,) = load_example("sigmoid-derivative").lines
    assert text_of(lines.chain[0]) == "D(sigmoid(x), x)"
    assert len(lines.chain) == 11
    assert text_of(lines.chain[-1]) == "sigmoid(x)*(1 - sigmoid(x))"


def test_only_known_errors_of_the_sources_are_marked() -> None:
    """The sources' own errors; published examples have a table of their own."""
    marked = {
        (name, claim.quantity, claim.said, claim.expect)
        for name in shipped()
        for claim in load_example(name).claims
        if claim.expect and not name.startswith("published-")
    }
    half = "Sum(1/2*(y[k]*log(o[k]) + (1 - y[k])*log(1 - o[k])), k, 1, 2)"
    wrong = {
        ("single-neuron-mse", "o1", "0.8180"),
        ("single-neuron-mse", "J", "0.670"),
        ("single-neuron-mse", "w1_2_1*x2", "w1_1_1*x1"),
        ("single-neuron-mse", "w1_1_1'", "0.136"),
        ("linear-regression", "dL/dw", "(y - yhat)*x"),
        ("linear-regression", "w'", "w - eta*(y - yhat)*x"),
        ("chain-rule", "F", "slope(f(u), 1)*slope(g(x), 1)"),
        ("mlp-2-2-2-mse", "z1_1", "w1_1_1*x1 + w1_1_2*x2"),
        ("mlp-2-2-2-mse", "z2_1", "w2_1_1*h1_1 + w2_1_2*h1_2"),
        ("mlp-2-2-2-cross-entropy", "J", half),
        ("mlp-2-2-2-cross-entropy", "dL2/dh1_2", "-(y2 - o2)*w2_1_2"),
        ("layer-table", "z1_1", "w2_1_1*x1"),
        ("layer-table", "z2_1", "w3_1_1*h1_1"),
        ("layer-table", "z3_1", "w4_1_1*h2_1"),
    }
    open_ = ("mlp-2-3-1-forward", "o1", "sigmoid(z2_1)", "undecided")
    assert marked == {(*row, "wrong") for row in wrong} | {open_}


def documented() -> dict[str, str]:
    """The marked TOML blocks of the documentation, by name."""
    blocks = re.findall(
        r"^```toml\n(.*?)^```$", DOCS.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    marked = [b for b in blocks if b.startswith("# example: ")]
    return {b.partition("\n")[0].removeprefix("# example: "): b for b in marked}


@pytest.mark.parametrize("name", documented())
def test_the_documented_blocks_are_read(name: str) -> None:
    assert of(documented()[name]).title["en"]


def test_the_documentation_names_everything() -> None:
    text = DOCS.read_text("utf-8")
    assert len(documented()) >= 6
    for word in (*READERS, *RESERVED, *LOSSES, *ACTIVATIONS):
        assert re.search(rf"\b{word}\b", text), word


# ---- where it says so

TABLES = FORMULAS + '[values]\nw = "1"\n'
AT_VALUE: tuple[tuple[str, str, str, str], ...] = (
    # text, what stands at the place, message, hint
    (HEAD + '[formuals]\nz = "1"', "formuals", "unknown key 'formuals'", "formulas"),
    (HEAD + "[sizes]\n", "sizes", "reserved for a later version", ""),
    (FORMULAS.replace(".en", ".xx"), "title", "unknown key 'xx' in title", "known: en"),
    (FORMULAS.replace(".en", ".ko"), "title", "en is missing", ""),
    (FORMULAS.replace('"t"', "3"), "3", "expected a string, found the number 3", ""),
    (FORMULAS.replace('"t"', '"a\\u202eb"'), "\\u202e", "right-to-left override", ""),
    (FORMULAS.replace('"t"', '"a\\u0007"'), "\\u0007", "u+0007", ""),
    (FORMULAS.replace('"w*x + b"', "3"), "3", "expected an expression in quotes", ""),
    (FORMULAS.replace("w*x", "w*^x"), "^x", "'^' has no place", "**"),
    (FORMULAS.replace("w*x", "w*ｘ"), "ｘ", "fullwidth latin small letter x", ""),
    (FORMULAS.replace("w*x", "w*\u200bx"), "\u200bx", "zero width space", "notation"),
    (FORMULAS.replace("w*x", "w*\u202ex"), "\u202ex", "right-to-left", "notation"),
    (FORMULAS.replace("w*x", "w*_x"), "_x", "expected an id such as x1", ""),
    (FORMULAS.replace("w*x", "w*sigmoid"), "sigmoid", "expected sigmoid(…)", ""),
    (FORMULAS.replace("w*x", "sigmod(x)"), "sigmod", "function 'sigmod'", "sigmoid"),
    (FORMULAS.replace("w*x", "w # x"), "# x", "found '#'", ""),
    (FORMULAS.replace("w*x", "D(w, x)"), "D(w", "found D(…)", "lines and claims"),
    (FORMULAS.replace("w*x", "Sum(w, k, 1, 2)"), "Sum", "found Sum(…)", ""),
    (FORMULAS.replace("w*x", "new(w)"), "new", "expected new(…) of a parameter", ""),
    (FORMULAS.replace("w*x", "9**9**9**9"), "9**9 + b", "too large", ""),
    (FORMULAS.replace("w*x", "1e999999999"), "1e99", "out of range", "400 digits"),
    (FORMULAS.replace("w*x", "z + 1"), "z + 1", "circle: z needs z", ""),
    (FORMULAS.replace("w*x", "w*J"), "J +", "circle: z needs J needs z", ""),
    (FORMULAS.replace("w*x", "w*q") + 'q = "w"', "q + b", "defined, in line 5", "up"),
    (FORMULAS + 'class = "x"', "class", "'class' is a Python keyword", ""),
    (FORMULAS + 'exp = "x"', "exp", "the name of a function", ""),
    (FORMULAS + 'D = "x"', "D =", "the name of a function", ""),
    (FORMULAS + 'pi = "x"', "pi =", "the name of a function", ""),
    (FORMULAS + '"a b" = "x"', '"a b"', "expected an id such as x1", ""),
    (FORMULAS + '1a = "x"', "1a", "expected an id such as x1", ""),
    (FORMULAS + '"ｘ" = "x"', '"ｘ"', "fullwidth latin small letter x", "notation"),
    (FORMULAS + f'{"a" * 61} = "x"', "aaa", "at most 60 characters, found 61", ""),
    (FORMULAS + 'z = "x"', 'z = "x"', "'z' is defined twice, first in line 3", ""),
    (FORMULAS + '"\\u007a" = "x"', '"\\u', "'z' is defined twice", ""),
    (FORMULAS + "[functions]\nf = 9", "9", "arguments from 1 to 8, found 9", ""),
    (FORMULAS + "[functions]\nf = true", "true", "expected a whole number of arg", ""),
    (FORMULAS + "[functions]\nlog = 1", "log", "the name of a function", ""),
    (FORMULAS + "[functions]\nb = 1", 'b"', "'b' is a general function", ""),
    (HEAD + 'loss = "K"\n[formulas]\nJ1 = "x"', "K", "found 'K'", "known: J1"),
    ('loss = "J"\n' + NETWORK, "loss", "belongs in [network]", ""),
    (HEAD, HEAD[:1], "one of [network] and [formulas], found neither", ""),
    (NETWORK + '[formulas]\nz = "x"', "formulas", "found both", ""),
    (NETWORK + "[functions]\nf = 1", "functions", "goes with [formulas] alone", ""),
    (NETWORK.replace("sigmoid", "sigmod"), '"sigmod', "found 'sigmod'", "sigmoid?"),
    (NETWORK.replace("half_s", "halb_s"), '"halb_', "expected a loss", "half_squared"),
    (NETWORK.replace("units = 2", "units = 0", 1), "0,", "from 1 to 64, found 0", ""),
    (NETWORK.replace("units = 2", "units = 2.0", 1), "2.0", "whole", ""),
    (
        NETWORK.replace("units = 2", "unit = 2", 1),
        "unit =",
        "unknown key 'unit'",
        "units",
    ),
    (NETWORK.replace("inputs = 2", ""), "network", "inputs is missing", ""),
    (NETWORK.replace("false", "true"), "true", '"unit", "layer" or false', ""),
    (
        TABLES + "x = 0.50",
        "0.50",
        "decimal number in quotes",
        'quotes around it, "0.50"',
    ),
    (TABLES + 'x = "0,5"', "0,5", "expected a decimal number, found '0,5'", ""),
    (TABLES + 'x = "--5"', "--5", "expected a decimal number", ""),
    (TABLES + 'x = "\u22125"', "\u22125", "found '\\u2212' (minus sign)", "write -"),
    (TABLES + 'x = "5\u00b0"', "\u00b0", "found '\\xb0' (degree sign)", ""),
    (TABLES + 'x = "１"', "１", "fullwidth digit one", ""),
    (TABLES + 'x = "1e999999999"', "1e99", "exponent of at most 400", ""),
    (TABLES + 'xx = "1"', "xx", "unknown id 'xx'", "did you mean x?"),
    (TABLES + 'z = "1"', 'z = "1"', "computed from the others", ""),
    (FORMULAS + "[update]\nrate = 1", "rate", "unknown key 'rate'", "learning_rate"),
    (FORMULAS + "[derive]\nwrt = []", "[]", "expected 1 to", ""),
    (FORMULAS + '[derive]\nwrt = ["w", "ww"]', "ww", "unknown id 'ww'", "mean w?"),
    (FORMULAS + '[derive]\nby = "back"', '"back"', "a strategy", "backprop"),
    (FORMULAS + '[derive]\nby = "authored"', '"authored"', "needs a [[lines]]", ""),
    (FORMULAS + '[derive]\nlemmas = ["x"]', '"x"', "another shipped", "one of"),
    (FORMULAS + '[notation]\npack = "nielson"', '"niel', "a notation", "nielsen"),
    (FORMULAS + '[notation]\nlabels.ww = "x"', "labels", "unknown id 'ww'", "mean w?"),
    (FORMULAS + '[notation]\nlabels.w = {de = "x"}', "de", "unknown key 'de'", ""),
    (FORMULAS + '[notation]\nlabels.w = "{a"', '"{a"', "closed braces", ""),
    (FORMULAS + '[notation]\nlabels.w = "}{"', '"}{"', "closed braces", ""),
    (FORMULAS + '[notation]\nlabels.w = "a%"', '"a%"', "closed braces", ""),
    (FORMULAS + "[notation]\nlabels.w = 'a\\'", "'a\\'", "closed braces", ""),
    (FORMULAS + '[assumptions]\nfacts = ["x >= 0"]', ">= 0", "found '>='", ""),
    (FORMULAS + '[assumptions]\nfacts = ["0 < x > 0"]', '"0 < x', "two sides", ""),
    (FORMULAS + '[assumptions]\nfacts = ["0 < x < q"]', 'q"', "unknown id 'q'", ""),
    (FORMULAS + '[[lines]]\nchain = ["x"]', '["x"]', "expected 2 to 200 lines", ""),
    (FORMULAS + '[[lines]]\nchain = ["x", "xx"]', "xx", "unknown id 'xx'", "mean x?"),
    (
        FORMULAS + '[[lines]]\nchain = ["""\n  x +\n  xx""", "x"]',
        "xx",
        "unknown id 'xx'",
        "",
    ),
    (
        FORMULAS + '[[lines]]\nchain = ["""\\\n   \\u0078 + \\\n  xx""", "x"]',
        "xx",
        "unknown id 'xx'",
        "",
    ),
    (FORMULAS + "[[lines]]\nchain = ['''x +\nxx''', 'x']", "xx", "unknown id", ""),
    (
        NETWORK + '[[lines]]\nfor = {k = [1, 3]}\nchain = ["1*y[k]", "y[k]"]',
        "y[k]",
        "unknown id 'y3' (y[k] at k = 3)",
        "did you mean y",
    ),
    (
        NETWORK + '[[lines]]\nfor = {J = [1]}\nchain = ["1", "1"]',
        "J = [1]",
        "expected a letter that is no id",
        "",
    ),
    (
        NETWORK + '[[lines]]\nchain = ["Sum(y[k], k, 1, 99999999)", "1"]',
        "Sum",
        "expected a Sum between whole numbers",
        "",
    ),
    (NETWORK + '[[lines]]\nchain = ["1*y[j]", "1"]', "j]", "a declared letter", ""),
    (NETWORK + '[[claims]]\nprinted = "1"', "claims", "quantity is missing", ""),
    (
        NETWORK + '[[claims]]\nquantity = "J"',
        "claims",
        "one of formula and printed",
        "",
    ),
    (
        NETWORK + '[[claims]]\nquantity = "dJ/dw1_1_3"\nprinted = "1"',
        "w1_1_3",
        "unknown id 'w1_1_3'",
        "did you mean w1_1_",
    ),
    (
        NETWORK + '[[claims]]\nquantity = "z1_1\'"\nprinted = "1"',
        "z1_1'",
        "expected a parameter before '",
        "",
    ),
    (
        NETWORK + '[[claims]]\nquantity = "1 + new(J)"\nprinted = "1"',
        "new(J)",
        "expected new(…) of a parameter",
        "",
    ),
    (
        NETWORK + '[[claims]]\nquantity = "J"\nprinted = "1"\nexpect = "worng"',
        '"worng"',
        "found 'worng'",
        "mean wrong?",
    ),
)


@pytest.mark.parametrize(("text", "marked", "message", "hint"), AT_VALUE)
def test_a_refusal_names_line_column_and_the_nearest(
    text: str, marked: str, message: str, hint: str
) -> None:
    error = refusal(text)
    assert message in error.message
    assert hint in error.hint
    assert error.place is not None
    found = (error.place.line, error.place.column)
    assert found == place_of(text, marked), str(error)


SYNTAX = (
    (HEAD + "x = ", 2, 5, "expected a value"),
    (HEAD + 'x = "a', 2, 7, "a string is not closed"),
    (HEAD + "x = [1", 2, 7, "a list is not closed"),
    (HEAD + "x = 1 2", 2, 7, "expected newline"),
    (HEAD + "ｘ = 1", 2, 1, "fullwidth latin small letter x"),
    (HEAD + "x\u200b = 1", 2, 2, "zero width space"),
    (FORMULAS + "[formulas]", 5, 2, "[formulas] is declared twice, first in line 2"),
    (HEAD + "[a]\n[a]\n", 3, 2, "[a] is declared twice, first in line 2"),
    (HEAD + "[a]\nb = 1\n[a.b]\n", 4, 5, "a second time"),
    (HEAD + 'y = {a = 1, "a" = 2}', 2, 13, "'a' is defined twice, first in line 2"),
    (HEAD + "x = \x00", 2, 5, "u+0000"),
    (HEAD + "x = 1979-05-27 07:32:00", 2, 1, "unknown key 'x'"),
    (HEAD + "\r\n\r\n[z]\r\n", 4, 2, "unknown key 'z'"),
)


@pytest.mark.parametrize(("text", "line", "column", "message"), SYNTAX)
def test_what_is_no_toml(text: str, line: int, column: int, message: str) -> None:
    error = refusal(text)
    assert message in error.message
    assert error.place == Place("mine.toml", line, column), str(error)


# ---- what is hostile

DEEP = 10_000
HOSTILE = {
    "brackets in TOML": HEAD + "x = " + "[" * DEEP + "]" * DEEP,
    "tables in TOML": HEAD + "x = " + "{a=" * DEEP + "1" + "}" * DEEP,
    "open brackets in TOML": HEAD + "x = " + "[" * 400_000,
    "a long dotted key": HEAD + "a." * 400_000 + "b = 1",
    "a long dotted table": HEAD + "[" + "a." * 400_000 + "b]",
    "a long quoted key": HEAD + '"a".' * 200_000 + '"b" = 1',
    "many tables": HEAD + "[[lines]]\n" * 90_000,
    "many values": HEAD + "x = [" + "1," * 400_000 + "]",
    "many keys": HEAD + "".join(f"k{n} = 1\n" for n in range(90_000)),
    "many blanks": HEAD + " \n" * 450_000 + "x",
    "many comments": HEAD + "#\n" * 450_000 + "x",
    "quotes": HEAD + 'x = """' + '""a' * 300_000,
    "escapes": HEAD + 'x = "' + "\\n" * 450_000 + '"',
    "a large number": HEAD + "x = " + "9" * 900_000,
    "brackets in a formula": FORMULAS.replace("w", "(" * DEEP + "w" + ")" * DEEP),
    "lists in a formula": FORMULAS.replace("w*x", "[" * DEEP),
    "minuses": FORMULAS.replace("w", "-" * 9000 + "w"),
    "powers": FORMULAS.replace("w*x", "9**" * 3000 + "9"),
    "a tower of exp": FORMULAS.replace("w*x", "exp(" * 90 + "w" + ")" * 90),
    "quotients": FORMULAS.replace("w*x", "/".join("w" * 900)),
    "quotients inside": FORMULAS.replace("w*x", "exp(" + "/".join("w" * 990) + ")"),
    "a huge exponent": FORMULAS.replace("w*x", "w**(1" + "/1e-400" * 20 + ")"),
    "deep and wide": FORMULAS
    + "".join(
        f'k{n} = "{"log(" * 90}Max({",".join(["w"] * 4500)}){")" * 90}"\n'
        for n in range(90)
    ),
    "many nodes": FORMULAS
    + "".join(f'k{n} = "{"+".join(["w"] * 900)}"\n' for n in range(400)),
    "many formulas": FORMULAS + "".join(f'k{n} = "w"\n' for n in range(600)),
    "code": FORMULAS.replace("w*x", "__import__('os').system('touch pwned')"),
    "a call of a call": FORMULAS.replace("w*x", "exp(1)(2)"),
    "an attribute": FORMULAS.replace("w*x", "w.__class__"),
    "a lambda": FORMULAS.replace("w*x", "(lambda: 1)()"),
    "code in a name": FORMULAS + '"__import__(\'os\')" = "w"',
    "a NUL in a formula": FORMULAS.replace("w*x", "w\\u0000x"),
    "a long word": FORMULAS.replace("w*x", "w" * 9000),
    "a long decimal": TABLES + f'x = "{"9" * 100_000}"',
    "a long chain": FORMULAS + "[[lines]]\nchain = [" + '"w",' * 201 + "]",
    "a wide network": NETWORK.replace(
        "layers = [", "layers = [" + '{units = 64, activation = "relu"},' * 900
    ),
    "a deep network": NETWORK.replace(
        "layers = [", "layers = [" + '{units = 1, activation = "relu"},' * 1025
    ),
    "many wrong ids": NETWORK.replace(
        "layers = [", "layers = [" + '{units = 64, activation = "relu"},' * 4
    )
    + '[values]\nw2_64_65 = "1"',
    "many index values": NETWORK.replace(
        "layers = [", "layers = [" + '{units = 64, activation = "relu"},' * 4
    )
    + "[[lines]]\nfor = {"
    + ", ".join(f"{k} = {[*range(1, 65)]}" for k in "ij")
    + "}\nchain = ["
    + '"w[2, i, j] + w[3, i, j] + w[4, i, j]",' * 200
    + '"w[9, i, j]"]',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_in_time(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(HOSTILE[name]) <= MAX_BYTES
    error = refusal(HOSTILE[name])
    assert len(str(error)) < 500, "a message stays readable"
    assert not list(tmp_path.iterdir()), "no code was run"


def test_a_large_legal_file_is_read_in_time() -> None:
    layers = '{units = 64, activation = "relu"},' * 5
    text = NETWORK.replace("layers = [", "layers = [" + layers)
    text += "[values]\n" + "".join(
        f'w2_{i}_{j} = "0.{i}"\n' for i in range(1, 65) for j in range(1, 65)
    )
    with in_time():
        assert len(of(text).values) == 4096


def test_too_many_characters() -> None:
    with pytest.raises(InputError, match="at most 1,000,000 bytes"):
        of("#" * (MAX_BYTES + 1))


def refused_file(path: "Path | str") -> InputError:
    """The refusal of a file, in time."""
    with in_time(), pytest.raises(InputError) as caught:
        load_example(path)
    return caught.value


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    big = tmp_path / "big.toml"
    with big.open("wb") as stream:
        stream.truncate(10_000_000_000)
    assert "at most 1,000,000 bytes, found 10,000,000,000" in str(refused_file(big))
    assert "found a directory" in str(refused_file(tmp_path))
    assert "no such file" in str(refused_file(tmp_path / "none.toml"))
    assert "plain file" in str(refused_file(Path("/dev/zero")))
    assert "cannot be read" in str(refused_file(tmp_path / ("a" * 300 + ".toml")))
    assert "cannot be read" in str(refused_file("a\0.toml"))
    loop = tmp_path / "loop.toml"
    loop.symlink_to(loop)
    assert "cannot be read" in str(refused_file(loop))


def test_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes('title.en = "ä"\n# 한'.encode() + b"\xe9\n")
    error = refused_file(path)
    assert "found the byte 0xe9 at offset 21" in error.message
    assert error.place == Place(str(path), 2, 4)
    path.write_bytes(FORMULAS.encode("utf-16"))
    assert "offset 0" in str(refused_file(path))


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + FORMULAS.replace("\n", "\r\n").encode())
    assert load_example(str(path)).name == "bom"


def test_names_of_shipped_examples() -> None:
    assert load_example("gates").loss == Name("L")
    error = refused_file("mlp-2-2-2-mes")
    assert "no example 'mlp-2-2-2-mes'" in str(error)
    assert error.hint == "did you mean mlp-2-2-2-mse? see `symbackprop examples`"
    error = refused_file("qqq")
    assert error.hint.startswith("known: ")
    assert error.hint.endswith("; see `symbackprop examples`")


# ---- the places themselves

FRAGMENTS = (
    *("[", "]", "{", "}", "=", ".", ",", "#", "\n", " ", "\t", "\\", '"', "'", '"""'),
    *("'''", "[[", "]]", "title", "formulas", "lines", "chain", "x1", "w*x", "D(J, x)"),
    *("1", "true", "0.5", "1979-05-27", '"x"', "\\u0041", "ｘ", "\x00", "\r\n", "for"),
    *(
        'title.en = "t"\n',
        '[formulas]\nJ = "x"\n',
        "[[lines]]\n",
        'chain = ["x", "x"]\n',
    ),
)


def outcome(text: str) -> None:
    """Read a text: an example, or one clear refusal."""
    try:
        assert isinstance(of(text), Example)
    except InputError as error:
        assert error.place is not None
        assert 0 <= error.place.line <= text.count("\n") + 1


@settings(max_examples=400, deadline=2000)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join))
def test_random_text_is_read_or_refused(text: str) -> None:
    outcome(text)


@settings(max_examples=200, deadline=2000)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    outcome(text)
    outcome(f'{HEAD}[formulas]\nJ = """{text}"""\n')


@settings(max_examples=400, deadline=2000)
@given(st.data())
def test_a_changed_example_is_read_or_refused(data: st.DataObject) -> None:
    texts = [*(file.read_text("utf-8") for file in shipped().values()), TABLES]
    text = data.draw(st.sampled_from(texts))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        stop = start + data.draw(st.integers(0, 12))
        new = data.draw(st.sampled_from(FRAGMENTS) | st.text(max_size=3))
        text = text[:start] + new + text[stop:]
    outcome(text)


def leaves(
    value: object, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every scalar of parsed TOML with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, (*path, place))
    else:
        yield path, value


PLACES = (
    'a = 1 # b = "x"\n"c d".e = "x = 1"\n\'q\' = [1, [2, """\nk = 1\n"""], {x.y = 2}]\n',  # noqa: E501 - one file's text
    "[a.b]\nc = true\n[[a.l]]\nx = 1\n[a.l.sub]\ny = 2\n[[a.l]]\nx = '''a'b'''\n",
    "[[l]]\n[[l.m]]\nx = 1\n[[l.m]]\nx = 2\n[[l]]\n[[l.m]]\nx = 3\n",
    'x = [ # c ]\n  "]", # "\n  \'#\',\n]\ny = """a""""\nz = {}\nw = []\nv = """\\""""\n',  # noqa: E501 - one file's text
    "x = 1979-05-27 07:32:00\ny = -inf\nz = 0x1F # n\nt = 07:32:00.5\nu = 1_000.5e-3\n",
    'a."b.c".d = "\\"#\\\\"\n',
)


@pytest.mark.parametrize(
    "text", [*PLACES, *(p.read_text("utf-8") for p in shipped().values())]
)
def test_every_place_holds_its_value(text: str) -> None:
    toml = Toml(text, "f")
    found = dict(leaves(tomllib.loads(text)))
    assert found
    for path, value in found.items():
        assert tomllib.loads(f"x = {toml.raw(path)}")["x"] == value
        start = toml.place(path)
        line = text.split("\n")[start.line - 1]
        assert line[start.column - 1 :].startswith(toml.raw(path).split("\n")[0])


@pytest.mark.parametrize(
    "token",
    [
        '"aX"',
        "'aX'",
        '"""\naX"""',
        "'''\naX'''",
        '"\\u0061X"',
        '"\\U00000061X"',
        '"\\nX"',
        '"""\\\n  aX"""',
        '"""a\\\n\n  X"""',
        '"""\\"X"""',
        '"\\\\X"',
    ],
)
def test_the_place_inside_a_string(token: str) -> None:
    text = f"k = {token}"
    before = text[: text.index("X")]
    place = Toml(text).place(("k",), 1)
    assert place.line == before.count("\n") + 1
    assert place.column == len(before) - before.rfind("\n")


@settings(max_examples=300, deadline=2000)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_the_scan_accepts_what_tomllib_accepts(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except ValueError:
        with pytest.raises(InputError):
            Toml(text)
    else:
        assert Toml(text).data == data


def test_limits_hold_where_the_scan_says() -> None:
    assert MAX_VALUES == 60_000
    text = "x = [" + "1," * (MAX_VALUES - 2) + "]"
    assert len(Toml(text).items(("x",), "numbers", 1, MAX_VALUES)) == MAX_VALUES - 2
