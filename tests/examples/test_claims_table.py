"""The reader of claims: keys, operands, CSV; each refusal with its place."""

from pathlib import Path

import pytest

from symbackprop.errors import InputError
from symbackprop.examples import After, load_example, read_example
from symbackprop.formula.text import text_of

NET = """title.en = "A network"
[network]
inputs = 2
layers = [{ units = 1, activation = "sigmoid" }]
loss = "squared_error"
"""
CSV = """quantity,printed,where
J,0.25,"p. 3, eq. 7"
dJ/dw1_1_1,-1.5e-3,

w1_1_1',0.10,p. 4
"""


def claim(*lines: str) -> str:
    return "[[claims]]\n" + "\n".join(lines) + "\n"


def test_every_key_is_read():
    text = NET + claim(
        'quantity = "dJ/dw1_1_1"',
        'printed = "0.50"',
        'where = "p. 3"',
        'operands = { o1 = "0.818", "dJ/dz1_1" = "1.0", "P(o1, z1_1)" = "0.1" }',
        "after = { epochs = 10000 }",
        "sample = 2",
        'convention = "to-from"',
        'expect = "undecided"',
    )
    (found,) = read_example(text, name="made").claims
    assert found.after == After("epochs", 10000)
    assert str(found.after) == "epochs = 10000"
    operands = {text_of(form): digits for form, digits in found.operands.items()}
    assert operands == {"o1": "0.818", "D(J, z1_1)": "1.0", "P(o1, z1_1)": "0.1"}
    assert (found.sample, found.convention, found.expect) == (2, "to-from", "undecided")
    assert (found.said, found.place.line) == ("0.50", 6)


def test_the_rate_may_be_spoken_of():
    text = NET + claim('quantity = "w1_1_1\'"', 'formula = "w1_1_1 - eta*D(J, w1_1_1)"')
    (found,) = read_example(text, name="made").claims
    assert found.said == "w1_1_1 - eta*D(J, w1_1_1)"


REFUSED = [
    ("after = { steps = 0 }", "a whole number of steps from 1"),
    ("after = { steps = 1, epochs = 1 }", "one of steps and epochs"),
    ("after = { }", "one of steps and epochs"),
    ("after = { step = 1 }", "unknown key 'step'"),
    ("after = 3", "expected a table"),
    ('operands = { o2 = "1" }', "unknown id 'o2'"),
    ("operands = { o1 = 1 }", "a decimal number in quotes"),
    ("operands = { }", "expected 1 to 200 operands"),
    ('operands = { "o1 +" = "1" }', "Python syntax"),
    ('convention = "metric"', "expected the name of a convention"),
    ('expect = "right"', 'expected "wrong" or "undecided"'),
    ("sample = 0", "the number of a sample"),
    ('sample = "1"', "the number of a sample"),
]


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_what_is_refused_says_where(line, message):
    text = NET + claim('quantity = "J"', 'printed = "1"', line)
    with pytest.raises(InputError) as caught:
        read_example(text, name="made", file="made.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("made.toml:")
    assert caught.value.place is not None
    assert caught.value.place.line >= 6


def beside(folder: Path, name: str, text: str = CSV) -> Path:
    """A file whose claims are in a table beside it."""
    (folder / "claims.csv").write_text(text, "utf-8")
    file = folder / "made.toml"
    file.write_text(f'claims = "{name}"\n' + NET, "utf-8")
    return file


def test_a_table_beside_the_file_is_read(tmp_path):
    example = load_example(beside(tmp_path, "claims.csv"))
    assert [(c.quantity, c.printed, c.where) for c in example.claims] == [
        ("J", "0.25", "p. 3, eq. 7"),
        ("dJ/dw1_1_1", "-1.5e-3", ""),
        ("w1_1_1'", "0.10", "p. 4"),
    ]
    places = [(Path(c.place.file).name, c.place.line) for c in example.claims]
    assert places == [("claims.csv", 2), ("claims.csv", 3), ("claims.csv", 5)]


def test_a_table_takes_the_place_of_the_files_claims(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(CSV, "utf-8")
    text = NET + claim('quantity = "o1"', 'printed = "1"')
    assert len(read_example(text, name="made").claims) == 1
    assert len(read_example(text, name="made", claims=table).claims) == 3


def test_more_columns_may_be_given(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(
        "Quantity,Formula,Printed,Steps,Operands,Expect\n"
        "J,(y1 - o1)**2,,,,\n"
        "o1,,0.5,3,o1=0.8; w1_1_1=2,wrong\n",
        "utf-8",
    )
    first, second = read_example(NET, name="made", claims=table).claims
    assert first.said == "(y1 - o1)**2"
    assert (second.after, second.expect) == (After("steps", 3), "wrong")
    assert list(second.operands.values()) == ["0.8", "2"]


@pytest.mark.parametrize(
    "name",
    ["../claims.csv", "/etc/passwd", ".", "", "sub/../../claims.csv", "no\\u0000.csv"],
)
def test_a_table_elsewhere_is_out_of_reach(tmp_path, name):
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "claims.csv").write_text(CSV, "utf-8")
    with pytest.raises(InputError):
        load_example(beside(folder, name))


def test_a_link_that_leads_out_is_not_followed(tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "out.csv").write_text(CSV, "utf-8")
    file = beside(folder, "link.csv")
    (folder / "link.csv").symlink_to(tmp_path / "out.csv")
    with pytest.raises(InputError, match="in the same folder"):
        load_example(file)


def test_a_text_without_a_file_has_no_table_beside_it():
    with pytest.raises(InputError, match="there is no folder"):
        read_example('claims = "claims.csv"\n' + NET, name="made")


BAD_TABLES = [
    ("", "found no row"),
    ("quantity,printed\n", "found no row"),
    ("printed,where\n1,2\n", "expected the columns quantity,printed,where"),
    ("quantity,printed,page\nJ,1,2\n", "unknown column 'page'"),
    ("quantity,printed,printed\nJ,1,2\n", "twice the column"),
    ("quantity,printed\nJ,1,2\n", ":2: expected 2 cells, found 3"),
    ("quantity,printed\nJ\n", "found 1 (an empty cell needs its comma too)"),
    ("quantity,printed\nJ,1,2\n", "found 3 (put quotes around a cell with a comma"),
    ("quantity,printed\nJ;1\n", "found 1 (cells are separated by commas)"),
    ("quantity;printed\nJ;1\n", ":1: expected cells separated by commas, found ;"),
    ("quantity\tprinted\nJ\t1\n", "separated by commas, found a tab"),
    ("quantity,printed\nJ,\u22121\n", "found '\\u2212' (minus sign) (write -)"),
    ("quantity,printed\n\u2212J,1\n", "found '\\u2212' (minus sign) (write -)"),
    ("quantity,printed\nJ,1\nK,2\n", ":3: unknown id 'K'"),
    ("quantity,printed\nJ,1\nJ,one\n", ":3: expected a decimal number"),
    ('quantity,printed\n"J,1\n', "not CSV"),
    ("quantity,printed,steps\nJ,1,many\n", "a whole number of steps"),
    ("quantity,printed\nJ,=1+1\n", "expected a decimal number"),
    ("quantity,printed\nJ,\n", "expected one of formula and printed"),
]


@pytest.mark.parametrize(("text", "message"), BAD_TABLES)
def test_an_unusable_table_says_which_line(tmp_path, text, message):
    table = tmp_path / "mine.csv"
    table.write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        read_example(NET, name="made", claims=table)
    assert message in str(caught.value)
    assert "mine.csv" in str(caught.value)


def test_a_huge_table_is_refused(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("quantity,printed\n" + "J,1\n" * 20_001, "utf-8")
    with pytest.raises(InputError, match="more than 20,000 rows"):
        read_example(NET, name="made", claims=table)
