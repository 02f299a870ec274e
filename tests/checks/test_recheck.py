"""A derivation read back from JSON: accepted as written, refused once altered."""

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from symbackprop import Layer, Network, derive, render
from symbackprop.checks.recheck import MAX_BYTES, Differs, Report, recheck
from symbackprop.cli import main
from symbackprop.errors import InputError
from symbackprop.examples import shipped

MSE, CE, SIGMOID = "mlp-2-2-2-mse", "mlp-2-2-2-cross-entropy", "sigmoid-derivative"
Data = dict[str, Any]


@cache
def text(name: str, detail: str = "standard", by: str | None = None) -> str:
    return render(derive(name, by=by), "json", detail=detail)


def data(name: str = MSE) -> Data:
    """A fresh copy, to alter."""
    return json.loads(text(name))


def records(whole: Data) -> Iterator[Data]:
    """Every derivation of a file: results, authored chains, lemmas."""
    yield from whole["derivations"]
    yield from whole["authored"]
    yield from whole["lemmas"].values()


# ---- accepted as written


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("detail", ["brief", "standard", "full"])
def test_every_shipped_example_is_accepted(name: str, detail: str) -> None:
    whole = json.loads(text(name, detail))
    report = recheck(text(name, detail))
    assert report.derivations == len(list(records(whole)))
    assert report.steps == sum(len(record["steps"]) for record in records(whole))
    assert report.steps > 0


@pytest.mark.parametrize("name", [MSE, CE])
def test_every_strategy_and_language_is_accepted(name: str) -> None:
    assert recheck(text(name, by="paths")).steps
    for notation in ("nielsen", "strict"):
        written = render(derive(name, lang="ko", notation=notation), "json")
        assert recheck(written).steps


def test_a_deep_network_is_accepted() -> None:
    layers = tuple(Layer(3, a) for a in ("tanh", "gelu", "softmax"))
    network = Network(2, layers, "categorical_cross_entropy", "layer")
    assert recheck(render(derive(network), "json")).steps


def test_layout_and_key_order_do_not_matter() -> None:
    def backwards(node: object) -> object:
        if isinstance(node, dict):
            return {key: backwards(node[key]) for key in reversed(node)}
        return [backwards(n) for n in node] if isinstance(node, list) else node

    whole = backwards(data())
    # the order of the formulas is part of what they say: parents first
    whole["model"]["formulas"] = data()["model"]["formulas"]
    assert recheck(json.dumps(whole, indent=7)).steps


def test_words_are_no_part_of_the_argument() -> None:
    whole = data()
    for record in records(whole):
        for step in record["steps"]:
            step["latex"] = "nonsense"
            step["reason"]["text"] = "because"
    assert recheck(json.dumps(whole)).steps


# ---- refused once altered


def replaced_in(step: Data, old: str, new: str) -> None:
    """A piece of a step's `after`, and of its exact form."""
    for part in (step, step.get("form", {})):
        if "after" in part:
            part["after"] = part["after"].replace(old, new, 1)


def last(record: Data) -> Data:
    return record["steps"][-1]


def weight(whole: Data, wrt: str = "w2_1_1") -> Data:
    return next(r for r in whole["derivations"] if r["wrt"] == wrt)


def a_sign(whole: Data) -> None:
    record = weight(whole)
    replaced_in(last(record), "-(y1", "(y1")
    record["result"] = record["result"].replace("-(y1", "(y1")


def a_factor(whole: Data) -> None:
    record = weight(whole)
    replaced_in(last(record), "h1_1", "2*h1_1")
    record["result"] = record["result"].replace("h1_1", "2*h1_1")


def a_lost_factor(whole: Data) -> None:
    record = weight(whole)
    replaced_in(last(record), "*h1_1", "")
    record["result"] = record["result"].replace("*h1_1", "")


def a_slope_in_a_lemma(whole: Data) -> None:
    for record in whole["lemmas"].values():
        if record["goal"].startswith("P(h1_1"):
            for step in record["steps"]:
                replaced_in(step, "1 - ", "1 + ")


def a_result_alone(whole: Data) -> None:
    weight(whole)["result"] = "-(y1 - o1)*h1_2"


def a_result_of_zero(whole: Data) -> None:
    weight(whole)["result"] = "0"


def a_goal(whole: Data) -> None:
    weight(whole)["goal"] = "D(J, w2_2_1)"


def a_wrt(whole: Data) -> None:
    weight(whole)["wrt"] = "w2_2_1"


def a_forged_derivation_under_a_name_twice(whole: Data) -> None:
    """The first is wrong, the second, of the same id, is right."""
    forged = copy.deepcopy(weight(whole))
    forged["result"] = "0"
    for step in forged["steps"]:
        step["after"] = "0"
    whole["derivations"].insert(0, forged)


def evidence(whole: Data) -> None:
    last(weight(whole))["evidence"]["method"] = "numeric"


def better_evidence(whole: Data) -> None:
    for record in records(whole):
        for step in record["steps"]:
            if step["evidence"]["method"] != "normal form":
                step["evidence"]["method"] = "normal form"
                return


def a_reason(whole: Data) -> None:
    first = weight(whole)["steps"][0]
    assert first["reason"]["key"] == "chain_rule"
    first["reason"]["key"] = "sum_rule"


def a_rule(whole: Data) -> None:
    weight(whole)["steps"][0]["rule"] = "algebra"


def no_rule(whole: Data) -> None:
    weight(whole)["steps"][0]["rule"] = "trust_me"


def a_missing_first_step(whole: Data) -> None:
    record = weight(whole)
    del record["steps"][0]
    record["lines"][0] -= 1


def a_missing_middle_step(whole: Data) -> None:
    record = weight(whole, "w1_1_1")
    del record["steps"][2]
    record["lines"][1] -= 1


def a_missing_last_step(whole: Data) -> None:
    """The chain then ends too early for its result."""
    record = weight(whole)
    del record["steps"][-1]
    record["lines"][-1] -= 1
    if not record["lines"][-1]:
        del record["lines"][-1]


def two_steps_swapped(whole: Data) -> None:
    steps = weight(whole)["steps"]
    steps[0], steps[1] = steps[1], steps[0]


def steps_backwards(whole: Data) -> None:
    weight(whole)["steps"].reverse()


def a_step_twice(whole: Data) -> None:
    record = weight(whole)
    record["steps"].insert(1, copy.deepcopy(record["steps"][0]))
    record["lines"][0] += 1


def fewer_lines(whole: Data) -> None:
    weight(whole)["lines"].pop()


def referring(whole: Data) -> Data:
    return next(s for s in weight(whole)["steps"] if "because" in s)


def a_swapped_lemma(whole: Data) -> None:
    because = referring(whole)["because"]
    lemmas = [n for n in whole["lemmas"] if n.startswith("s-D-J")]
    because["lemma"] = next(n for n in lemmas if n != because["lemma"])


def lemmas_exchanged(whole: Data) -> None:
    lemmas = whole["lemmas"]
    one, other = "s-D-J-z1_1", "s-D-J-z1_2"
    lemmas[one], lemmas[other] = lemmas[other], lemmas[one]


def a_lemma_that_is_not_there(whole: Data) -> None:
    referring(whole)["because"]["lemma"] = "s-D-J-z9_9"


def another_stretch_of_the_lemma(whole: Data) -> None:
    because = referring(whole)["because"]
    because["to"] = because["from"]


def a_lemma_that_refers_to_itself(whole: Data) -> None:
    name = referring(whole)["because"]["lemma"]
    step = whole["lemmas"][name]["steps"][-1]
    goal = whole["lemmas"][name]["goal"]
    whole["lemmas"][name] = {
        "goal": goal,
        "lines": [1],
        "steps": [
            step
            | {
                "rule": "refer",
                "before": goal,
                "after": "0",
                "path": [],
                "because": {"lemma": name, "from": 0, "to": 1},
            }
        ],
    }


def two_lemmas_that_refer_to_each_other(whole: Data) -> None:
    pairs = {"s-D-J-z1_1": "s-D-J-z1_2", "s-D-J-z1_2": "s-D-J-z1_1"}
    for name, other in pairs.items():
        for step in whole["lemmas"][name]["steps"]:
            if "because" in step:
                step["because"]["lemma"] = other


def a_lemma_about_a_weight(whole: Data) -> None:
    """A step that refers to the very derivation that it stands in."""
    referring(whole)["because"] = {"lemma": "d-w2_1_1", "from": 0, "to": 3}


def another_definition(whole: Data) -> None:
    formulas = whole["model"]["formulas"]
    formulas["z2_1"] = formulas["z2_1"].replace("h1_1", "2*h1_1")


def another_loss(whole: Data) -> None:
    whole["model"]["formulas"]["L1"] = "(y1 - o1)**2"


def another_sign_in_the_loss(whole: Data) -> None:
    whole["model"]["formulas"]["J"] = "L1 - L2"


def a_path(whole: Data) -> None:
    for step in weight(whole)["steps"]:
        if step["path"]:
            step["path"] = [1 - step["path"][0], *step["path"][1:]]
            return


def printed_definitions(whole: Data) -> None:
    """What another program evaluates has to be what was derived."""
    whole["definitions"]["z2_1"] = "2*" + whole["definitions"]["z2_1"]


def a_printed_function(whole: Data) -> None:
    whole["functions"]["sigmoid"] = "1/(1 + exp(x))"


def a_function_of_its_own(whole: Data) -> None:
    """A general function by an activation's name would make its slope open."""
    whole["model"]["general"] = {"sigmoid": 1}


TAMPERED: dict[str, Callable[[Data], None]] = {
    change.__name__: change
    for change in (
        a_sign,
        a_factor,
        a_lost_factor,
        a_slope_in_a_lemma,
        a_result_alone,
        a_result_of_zero,
        a_goal,
        a_wrt,
        a_forged_derivation_under_a_name_twice,
        evidence,
        better_evidence,
        a_reason,
        a_rule,
        no_rule,
        a_missing_first_step,
        a_missing_middle_step,
        a_missing_last_step,
        two_steps_swapped,
        steps_backwards,
        a_step_twice,
        fewer_lines,
        a_swapped_lemma,
        lemmas_exchanged,
        a_lemma_that_is_not_there,
        another_stretch_of_the_lemma,
        a_lemma_that_refers_to_itself,
        two_lemmas_that_refer_to_each_other,
        a_lemma_about_a_weight,
        another_definition,
        another_loss,
        another_sign_in_the_loss,
        a_path,
        printed_definitions,
        a_printed_function,
        a_function_of_its_own,
    )
}


def judged(
    written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Exit code and stderr of the command on a text."""
    file = tmp_path / "tampered.json"
    file.write_text(written, "utf-8")
    code = main(["recheck", str(file)])
    out, err = capsys.readouterr()
    assert out == "" or code == 0
    return code, err


@pytest.mark.parametrize("change", TAMPERED)
@pytest.mark.parametrize("name", [MSE, CE])
def test_an_altered_derivation_is_refused(
    name: str, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = data(name)
    TAMPERED[change](whole)
    assert whole != data(name), "the change has to change something"
    code, err = judged(json.dumps(whole), tmp_path, capsys)
    assert code == 1, err
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_refusal_names_the_derivation_and_the_step() -> None:
    whole = data()
    number = len(weight(whole)["steps"])
    a_sign(whole)
    with pytest.raises(Differs, match=rf"d-w2_1_1, step {number}"):
        recheck(json.dumps(whole))


@pytest.mark.parametrize("number", range(1, 11))
def test_every_line_of_the_sigmoid_is_held(number: int) -> None:
    """Twice what a line says is never what follows from the one before."""
    whole = data(SIGMOID)
    record = whole["derivations"][0]
    place = sum(record["lines"][: number + 1]) - 1
    for part in (record["steps"][place], record["steps"][place].get("form", {})):
        if "after" in part:
            part["after"] = f"2*({part['after']})"
    with pytest.raises(Differs):
        recheck(json.dumps(whole))


def test_every_removed_step_is_missed() -> None:
    """No step of a derivation may be left out, wherever it stands."""
    for place in range(len(weight(data(), "w1_1_1")["steps"])):
        whole = data()
        record = weight(whole, "w1_1_1")
        del record["steps"][place]
        record["lines"] = [len(record["steps"])]
        with pytest.raises(Differs):
            recheck(json.dumps(whole))


# ---- assumptions


def test_a_domain_is_stated_by_the_file_or_by_the_step() -> None:
    """x^n through e^{n ln x} needs x > 0, said at the step that uses it."""
    whole = data("power-rule")
    domain = {"relation": ">", "left": "x", "right": "0"}
    assert whole["model"]["assumptions"] == [domain]
    steps = whole["derivations"][0]["steps"]
    assert domain in steps[1]["conditions"]
    whole["model"]["assumptions"] = []
    for step in steps:
        step["conditions"] = []
    with pytest.raises(Differs):
        recheck(json.dumps(whole))


def test_an_assumed_equation_has_to_be_stated(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'title.en = "T"\n[formulas]\nz = "a*x"\n[derive]\nwrt = ["x"]\n'
        'by = "authored"\n[assumptions]\nfacts = ["a = 2"]\n'
        '[[lines]]\nof = "dz/dx"\nchain = ["a", "2"]\n',
        "utf-8",
    )
    whole = json.loads(render(derive(str(file)), "json"))
    assert recheck(json.dumps(whole)).steps
    whole["model"]["assumptions"] = []
    with pytest.raises(Differs):
        recheck(json.dumps(whole))


def test_conditions_cannot_be_dropped_from_a_step() -> None:
    """Dividing by o(1 - o) is said where it is done."""
    whole = data(CE)
    told = 0
    for record in records(whole):
        for step in record["steps"]:
            told += len(step["conditions"])
            step["conditions"] = []
    assert told > 0
    with pytest.raises(Differs):
        recheck(json.dumps(whole))


# ---- unusable


@pytest.mark.parametrize(
    "written",
    [
        "",
        "{",
        "[]",
        "null",
        "42",
        '"schema"',
        '{"schema": 2}',
        '{"schema": "1"}',
        '{"schema": 1}',
        '{"schema": 1, "model": {}}',
        '{"schema": 1, "model": [], "derivations": [], "lemmas": {}}',
        "[" * 100_000,
        '{"schema": 1, "model": ' + "[" * 100_000,
        "not JSON at all",
        "\ufeff{}",
    ],
    ids=lambda written: written[:24] or "empty",
)
def test_what_is_no_derivation_is_unusable(
    written: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, err = judged(written, tmp_path, capsys)
    assert code == 2
    assert err.count("\n") == 1
    assert len(err) < 1000


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_unusable(
    share: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = text(MSE)
    code, _ = judged(written[: int(share * len(written))], tmp_path, capsys)
    assert code == 2


def without(key: str) -> Callable[[Data], None]:
    def change(whole: Data) -> None:
        del whole[key]

    return change


def bad(*path: object, value: object) -> Callable[[Data], None]:
    def change(whole: Data) -> None:
        here: Any = whole
        for key in path[:-1]:
            here = here[key]
        here[path[-1]] = value

    return change


STEP = ("derivations", 0, "steps", 0)
UNUSABLE = {
    "no model": without("model"),
    "no derivations": without("derivations"),
    "no lemmas": without("lemmas"),
    "steps of numbers": bad("derivations", 0, "steps", value=[1, 2]),
    "a formula of none": bad(*STEP, "after", value=None),
    "a formula of a list": bad(*STEP, "after", value=["x"]),
    "an unreadable formula": bad(*STEP, "after", value="1 +"),
    "code in a formula": bad(*STEP, "after", value="__import__('os').getpid()"),
    "a tower in a formula": bad(*STEP, "after", value="9**9**9**9"),
    "brackets in a formula": bad(*STEP, "after", value="(" * 10_000),
    "a path of words": bad(*STEP, "path", value=["left"]),
    "a code in a leaf": bad("model", "leaves", 0, value="x + 1"),
    "leaves of numbers": bad("model", "leaves", value=[1]),
    "a duplicate leaf": bad("model", "leaves", 0, value="x2"),
    "formulas in a list": bad("model", "formulas", value=["J"]),
    "a cycle of formulas": bad("model", "formulas", "z1_1", value="J"),
    "a negative arity": bad("model", "general", value={"f": -1}),
    "an arity of words": bad("model", "general", value={"f": "many"}),
    "a huge sum": bad(*STEP, "after", value="Sum(x1, k, 1, 1000000000)"),
    "lines of words": bad("derivations", 0, "lines", value=["two"]),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_file_of_the_wrong_shape_is_unusable(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = data()
    UNUSABLE[name](whole)
    code, err = judged(json.dumps(whole), tmp_path, capsys)
    assert code in ({2} if name != "a huge sum" else {1, 2})
    assert err.count("\n") == 1
    assert len(err) < 2000


@pytest.mark.parametrize("count", [-1, 0, 10**9])
def test_line_counts_that_cover_nothing(count: int) -> None:
    whole = data()
    weight(whole)["lines"][0] = count
    with pytest.raises((Differs, InputError)):
        recheck(json.dumps(whole))


def test_a_report_counts_one_as_one() -> None:
    assert str(Report(1, 1)) == "1 derivation, 1 step: all accepted"
    assert str(Report(2, 0, ("x > 0",))) == (
        "2 derivations, 0 steps: all accepted, assuming x > 0"
    )


def test_a_huge_arity_takes_no_memory(tmp_path: Path) -> None:
    whole = data()
    whole["model"]["general"] = {"f": 10**9}
    (tmp_path / "huge.json").write_text(json.dumps(whole), "utf-8")
    code = (
        "import resource, runpy; "
        "resource.setrlimit(resource.RLIMIT_AS, (2_000_000_000, 2_000_000_000)); "
        "runpy.run_module('symbackprop', run_name='__main__')"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, "recheck", "huge.json"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert b"Traceback" not in found.stderr
    assert found.returncode == 2


def test_a_huge_file_is_not_even_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as handle:
        handle.truncate(MAX_BYTES + 1)
    assert main(["recheck", str(file)]) == 2
    assert "at most 64,000,000 bytes" in capsys.readouterr().err


def test_what_is_not_utf_8_is_unusable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "latin.json"
    file.write_bytes(b'{"schema": 1, "example": "\xe9"}')
    assert main(["recheck", str(file)]) == 2
    assert "UTF-8" in capsys.readouterr().err


def test_no_derivation_at_all_proves_nothing() -> None:
    whole = data() | {"derivations": [], "authored": [], "lemmas": {}}
    try:
        report = recheck(json.dumps(whole))
    except InputError:
        return
    assert report.derivations == 0
    assert report.steps == 0


def test_a_step_may_not_be_forged_by_a_long_lemma_chain() -> None:
    """A file of thousands of lemmas, each about the next, ends in an answer."""
    whole = data()
    template = whole["lemmas"]["s-D-J-z1_1"]
    step = next(s for s in template["steps"] if "because" in s)
    for number in range(3000):
        forged = copy.deepcopy(template)
        for inner in forged["steps"]:
            if "because" in inner:
                inner["because"]["lemma"] = f"chain{number + 1}"
        whole["lemmas"][f"chain{number}"] = forged
    step["because"]["lemma"] = "chain0"
    with pytest.raises((Differs, InputError)):
        recheck(json.dumps(whole))
