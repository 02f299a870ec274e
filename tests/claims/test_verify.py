"""The verb and the command: formats read back by their own readers, exit codes."""

import json
import re
from pathlib import Path

import pytest
from junitparser import Failure, JUnitXml, Skipped

from symbackprop.cli import main
from symbackprop.errors import InputError
from symbackprop.examples import load_example, read_example, shipped
from symbackprop.judged import verify, written

HEAD = """title.en = "A & B <c>"
title.ko = "가나"
source = "A book, 2nd ed."
[network]
inputs = 2
layers = [{ units = 1, activation = "sigmoid" }]
loss = "mean_squared_error"
biases = false
[values]
x1 = "2"
x2 = "5"
w1_1_1 = "0.5"
w1_2_1 = "0.1"
y1 = "0"
[update]
learning_rate = "1"
"""


def row(quantity: str, said: str, *rest: str) -> str:
    key = "printed" if re.fullmatch(r"[-.\de]+", said) else "formula"
    lines = ["[[claims]]", f'quantity = "{quantity}"', f'{key} = "{said}"', *rest]
    return "\n".join(lines) + "\n"


RIGHT = row("o1", "0.818", 'where = "p. 1"') + row("dJ/do1", "1.636")
WRONG = row("o1", "0.828", 'where = "p. 2, 50%, <b>: \\"x\\""') + row("dJ/do1", "1.656")
KNOWN = row("o1", "0.8180", 'expect = "wrong"')
MISSED = row("o1", "0.818", 'expect = "wrong"')
OPEN = row("h9", "1").replace("h9", "z1_1*(1/(y1 - y1*1))")


def file(folder: Path, *tables: str, head: str = HEAD) -> Path:
    path = folder / "made.toml"
    path.write_text(head + "".join(tables), "utf-8")
    return path


def visible(page: str) -> str:
    page = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return re.sub(r"<[^>]*>", "", page)


def report(*tables: str):
    return verify(read_example(HEAD + "".join(tables), name="made", file="made.toml"))


# ---- exit codes


@pytest.mark.parametrize(
    ("tables", "code"),
    [
        ((RIGHT,), 0),
        ((RIGHT, KNOWN), 0),
        ((RIGHT, OPEN), 3),
        ((WRONG,), 1),
        ((WRONG, OPEN), 1),
        ((MISSED,), 1),
        ((), 2),
    ],
)
def test_the_exit_code_tells_the_outcome(tmp_path, capsys, tables, code):
    assert main(["verify", str(file(tmp_path, *tables))]) == code
    shown = capsys.readouterr()
    assert bool(shown.out) == (code != 2)
    if code == 2:
        assert "no claim to judge" in shown.err


def test_the_worst_of_several_examples_counts(tmp_path, capsys):
    wrong = str(file(tmp_path, WRONG))
    assert main(["verify", "single-neuron-mse", wrong]) == 1
    assert main(["verify", "single-neuron-mse", "apple-tax"]) == 0
    assert capsys.readouterr().out.rstrip().splitlines()[-1].startswith("25 claims: ")


def test_unusable_input_is_told(tmp_path, capsys):
    path = str(file(tmp_path, RIGHT))
    assert main(["verify", path, "--claims", str(tmp_path / "none.csv")]) == 2
    assert main(["verify", path, path, "--claims", path]) == 2
    assert main(["verify", path, path, "--to", "html"]) == 2
    assert main(["verify", "no-such-example"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 4
    with pytest.raises(InputError, match="unknown format"):
        written([report(RIGHT)], "pdf")
    with pytest.raises(InputError, match="unknown language"):
        written([report(RIGHT)], "text", "de")


def test_a_table_may_be_given_on_the_command_line(tmp_path, capsys):
    table = tmp_path / "book.csv"
    table.write_text("quantity,printed,where\no1,0.828,p. 9\n", "utf-8")
    path = str(file(tmp_path, RIGHT))
    assert main(["verify", path, "--claims", str(table)]) == 1
    out = capsys.readouterr().out
    assert "p. 9" in out
    assert out.endswith("1 claim: 1 wrong\n")


# ---- text


def test_the_first_error_is_named_with_what_follows_from_it():
    lines = str(report(WRONG, RIGHT)).splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("First error"))
    assert 'o1 = 0.828 (p. 2, 50%, <b>: "x")' in lines[first]
    assert lines[first + 1].strip() == "What follows from it:"
    assert lines[first + 2].strip() == "dJ/do1 = 1.656"
    assert any("follows from o1 = 0.828" in line for line in lines)
    assert any("from the author's own o1 = 0.818" in line for line in lines)


def test_the_last_line_counts_each_kind():
    last = str(report(WRONG, RIGHT, KNOWN, OPEN)).rstrip().splitlines()[-1]
    assert last == (
        "6 claims: 1 exact, 1 carried, 1 inherited, "
        "2 wrong (1 of them as the file expects), 1 undecided"
    )


@pytest.mark.parametrize(
    ("tables", "english", "korean"),
    [
        (
            (KNOWN,),
            "1 claim: 1 wrong (as the file expects)",
            "주장 1개: 1 틀림 (파일이 예상한 대로)",
        ),
        (
            (KNOWN, WRONG, RIGHT),
            (
                "5 claims: 1 exact, 1 carried, 1 inherited, "
                "2 wrong (1 of them as the file expects)"
            ),
            (
                "주장 5개: 1 정확함, 1 이어진 반올림, 1 앞의 오류에서 비롯됨, "
                "2 틀림 (그중 1개는 파일이 예상한 대로)"
            ),
        ),
        (
            (MISSED,),
            "1 claim: 1 exact (the file expects something else)",
            "주장 1개: 1 정확함 (파일의 예상과 다름)",
        ),
        (
            (MISSED, row("o1", "0.82")),
            "2 claims: 2 exact (of 1 the file expects something else)",
            "주장 2개: 2 정확함 (그중 1개는 파일의 예상과 다름)",
        ),
    ],
)
def test_the_count_says_what_the_file_expects(tables, english, korean):
    made = report(*tables)
    for lang, said in (("en", english), ("ko", korean)):
        assert written([made], "text", lang).rstrip().splitlines()[-1] == said
        for to in ("html", "markdown"):
            assert said in visible(written([made], to, lang))


def test_one_is_singular():
    text = str(report(row("z1_1", "1.520")))
    assert "right to 1 decimal\n" in text
    assert "1 decimals" not in text


def test_korean_has_every_word_and_the_same_digits():
    english, korean = (written([report(WRONG, KNOWN)], "text", x) for x in ("en", "ko"))
    assert re.findall(r"\d\.\d+", english) == re.findall(r"\d\.\d+", korean)
    assert "읽는 순서에서 첫 오류" in korean
    assert not re.search(r"\b(wrong|exact|should|follows|cause)\b", korean)


# ---- json


def test_json_is_what_the_schema_says():
    data = json.loads(written([report(WRONG, RIGHT, OPEN)], "json"))
    assert set(data) == {"schema", "claims"}
    assert data["schema"] == 1
    keys = "quantity printed where outcome kind closer expected exact root causes"
    assert all(list(claim) == keys.split() for claim in data["claims"])
    rows = [(c["quantity"], c["outcome"], c["kind"]) for c in data["claims"]]
    assert rows[:4] == [
        ("o1", "differs", "wrong"),
        ("dJ/do1", "differs", "inherited"),
        ("o1", "agrees", "exact"),
        ("dJ/do1", "agrees", "carried"),
    ]
    first, second = data["claims"][:2]
    assert (first["printed"], first["expected"]) == ("0.828", "0.818")
    assert (
        first["exact"] == "0.81757447619364365961"
    )  # mpmath, 25 digits: ...65960711785
    assert (first["root"], second["root"]) == (None, "o1")
    assert data["claims"][4]["outcome"] == "undecided"
    for claim in data["claims"]:
        for cause in claim["causes"]:
            assert set(cause) == {"operator", "certain", "text"}
            assert cause["text"]


# ---- junit


def test_junit_is_read_by_its_own_reader(tmp_path):
    tables = (WRONG, RIGHT, KNOWN, MISSED, OPEN)
    path = tmp_path / "report.xml"
    path.write_text(written([report(*tables)], "junit"), "utf-8")
    xml = JUnitXml.fromfile(str(path))
    assert (xml.tests, xml.failures, xml.errors, xml.skipped) == (7, 3, 0, 1)
    (suite,) = xml
    assert suite.name == "made"
    cases = list(suite)
    results = [[type(result) for result in case.result] for case in cases]
    assert results == [[Failure], [Failure], [], [], [], [Failure], [Skipped]]
    assert cases[0].name == '1. o1 = 0.828 (p. 2, 50%, <b>: "x")'
    assert "should read 0.818" in cases[0].result[0].message


def test_junit_survives_characters_that_xml_has_not():
    text = HEAD + RIGHT.replace("p. 1", "p.\ufffe 1")
    try:
        example = read_example(text, name="made")
    except InputError:
        return  # the reader refuses them first
    path = written([verify(example)], "junit")
    assert "\ufffe" not in path


# ---- github


def unescaped(text: str) -> str:
    for code, character in (("%2C", ","), ("%3A", ":"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(code, character)
    return text


def test_github_annotations_name_file_and_line():
    lines = written([report(WRONG, RIGHT, KNOWN, OPEN)], "github").splitlines()
    pattern = r"::(error|warning|notice) file=([^,]*),line=(\d+),title=([^,:]*)::(.*)"
    found = [re.fullmatch(pattern, line) for line in lines[:-1]]
    assert all(found)
    matched = [match for match in found if match]
    assert [m[1] for m in matched] == ["error", "error", "notice", "warning"]
    assert {m[2] for m in matched} == {"made.toml"}
    head = HEAD.count("\n")
    assert int(matched[0][3]) == head + 1
    assert unescaped(matched[0][4]) == "wrong: o1"
    assert unescaped(matched[0][5]).startswith("o1 = 0.828; should read 0.818")
    assert lines[-1].startswith("6 claims: ")


# ---- erratum


def test_the_erratum_says_where_what_and_why():
    text = written([report(WRONG, RIGHT)], "erratum")
    first, second = re.split(r"\n\d\.\n", text)[1:]
    assert "Errata: A book, 2nd ed." in text
    assert 'Where:       p. 2, 50%, <b>: "x"' in first
    assert "As printed:  o1 = 0.828" in first
    assert "Should read: o1 ≈ 0.818" in first
    assert "o1 ≈ 0.81757447619364365961" in first
    assert "As printed:  dJ/do1 = 1.656" in second
    assert "Should read: dJ/do1 ≈ 1.635" in second
    assert "follows from o1 = 0.828" in second
    assert "No errata" in written([report(RIGHT)], "erratum")


def test_equals_stands_before_exact_values_alone():
    """z = 1.5 exactly; x1/3 is rounded however many digits there are."""
    text = written([report(row("z1_1", "1.6"))], "erratum")
    assert re.findall(r"z1_1 (.) (1\.\d)", text) == [
        ("=", "1.6"),
        ("=", "1.5"),
        ("=", "1.5"),
    ]
    third = written([report(row("x1/3", "0.8"))], "erratum")
    assert re.findall(r"x1/3 (.) (0\.\d+)", third) == [
        ("=", "0.8"),
        ("≈", "0.7"),
        ("≈", "0.66666666666666666667"),
    ]


def test_a_counterexample_marks_what_is_rounded():
    """2 o1 (o1 - y1) is 2 · 0.66842802 at z = 1.5, its slope 0.24387666."""
    made = report(row("dJ/dz1_1", "2*(o1 - y1)*o1"))
    assert "at y1 = 0, o1 ≈ 0.81757448: dJ/dz1_1 ≈ 0.24387666, the" in str(made)
    assert ", the printed formula ≈ 1.3368560" in str(made)
    assert "인쇄된 식 ≈ 1.3368560" in written([made], "text", "ko")


# ---- pages


@pytest.mark.parametrize("to", ["html", "markdown"])
def test_the_page_has_the_books_numbers_beside_its_own(to):
    text = visible(written([report(WRONG, RIGHT)], to)).replace("$", "")
    assert "What the book prints" in text
    assert "0.828" in text
    assert "should read 0.818" in text
    assert "<c>" not in text.replace("\\<c\\>", "")


def test_a_page_has_minus_signs():
    """As worked numbers have them; text and tables for programs keep -."""
    made = report(row("w1_2_1'", "-1.13"), row("dJ/dw1_1_1", "-4.9e-1"))
    page = visible(written([made], "html"))
    book = page[page.index("What the book prints") :]
    assert "−1.13" in book
    assert "should read −1.12" in book
    assert "−4.9⋅10−1" in book
    assert not re.search(r"(?<![\w)])-\d|e-\d", book)
    assert "$-4.9\\cdot 10^{-1}$" in written([made], "markdown")
    for to in ("text", "json", "github", "erratum"):
        assert "-1.13" in written([made], to)
        assert "−1" not in written([made], to)


def test_a_number_stands_in_the_margin_of_its_line():
    text = written([report(WRONG, RIGHT, row("w1_1_1'", "0.012"))], "html")
    lines = re.findall(r'<li class="line".*?</li>\n(?=<li|</[uo]l>)', text, re.DOTALL)
    notes = {
        re.sub(r"<[^>]*>", "", line.partition('<ul class="book">')[2]).strip()
        for line in lines
        if 'class="book"' in line
    }
    assert any("✗ 0.828: wrong; should read 0.818" in note for note in notes)
    assert any("✓ 1.636: carried" in note for note in notes)
    assert any("✓ 0.012: exact" in note for note in notes)
    tones = set(
        re.findall(r'<li class="(agrees|differs)"><span class="sign">(.)', text)
    )
    assert tones == {("agrees", "✓"), ("differs", "✗")}


# ---- every shipped example


OWN = [n for n in shipped() if not n.startswith("published-")]


@pytest.mark.parametrize("name", [n for n in OWN if load_example(n).claims])
def test_every_shipped_example_is_as_its_file_says(name):
    found = verify(name)
    odd = [
        (v.claim.quantity, v.claim.said, v.kind)
        for v in found.verdicts
        if not v.as_expected
    ]
    assert odd == []
    assert found.outcome == "agrees"


def test_progress_is_told_claim_by_claim():
    told: list[tuple[int, str]] = []
    verify(
        "apple-tax", tell=lambda number, claim: told.append((number, claim.quantity))
    )
    assert told[:2] == [(1, "pretax"), (2, "total")]
    assert len(told) == 7
