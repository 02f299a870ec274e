"""Files that an attack got past `recheck`; each is refused now, by exit code 1 or 2."""

import copy
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from symbackprop.checks.recheck import Differs, recheck
from symbackprop.derived import derive
from symbackprop.errors import InputError
from symbackprop.rendered import render

Data = dict[str, Any]


@cache
def written() -> str:
    return render(derive("mlp-2-2-2-mse"), "json")


def another_loss(whole: Data) -> None:
    whole["model"]["loss"] = "L1"


def a_goal_that_is_no_gradient(whole: Data) -> None:
    record = copy.deepcopy(whole["lemmas"]["s-D-L1-h1_1"])
    whole["derivations"].append(record | {"wrt": "h1_1", "result": "0", "latex": ""})


def a_free_name_in_a_derivation(whole: Data) -> None:
    whole["derivations"][0]["free"] = "x1"


def no_result(whole: Data) -> None:
    del whole["derivations"][0]["result"]


def other_texts_beside_the_forms(whole: Data) -> None:
    for record in whole["derivations"]:
        for step in record["steps"]:
            if "form" in step:
                step["after"] = "999*x1"


def a_negative_position(whole: Data) -> None:
    whole["derivations"][0]["steps"][0]["path"] = [-1]


def a_position_of_truth(whole: Data) -> None:
    whole["derivations"][0]["steps"][0]["path"] = [True]


def a_fractional_stretch(whole: Data) -> None:
    for step in whole["derivations"][0]["steps"]:
        if "because" in step:
            step["because"]["from"] = 0.9


def an_endless_line(whole: Data) -> None:
    whole["derivations"][0]["lines"] = [float("inf")]


def an_empty_line(whole: Data) -> None:
    whole["derivations"][0]["lines"] = [*whole["derivations"][0]["lines"], 0]


def a_true_schema(whole: Data) -> None:
    whole["schema"] = True


def a_leaf_that_is_a_number(whole: Data) -> None:
    whole["model"]["leaves"].append("2")


def a_formula_named_as_an_error_term(whole: Data) -> None:
    whole["model"]["formulas"]["delta1_1"] = "0*x1"
    whole["definitions"]["delta1_1"] = "0*x1"


CHANGES = (
    another_loss,
    a_goal_that_is_no_gradient,
    a_free_name_in_a_derivation,
    no_result,
    other_texts_beside_the_forms,
    a_negative_position,
    a_position_of_truth,
    a_fractional_stretch,
    an_endless_line,
    an_empty_line,
    a_true_schema,
    a_leaf_that_is_a_number,
    a_formula_named_as_an_error_term,
)


def test_the_file_itself_is_accepted() -> None:
    assert recheck(written()).steps > 100


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_forged_file_is_refused(change: Callable[[Data], None]) -> None:
    whole = json.loads(written())
    change(whole)
    with pytest.raises((Differs, InputError)):
        recheck(json.dumps(whole))


def test_a_key_stands_once_in_an_object() -> None:
    twice = written().replace('"schema": 1,', '"schema": 1, "schema": 1,', 1)
    with pytest.raises(InputError, match="twice"):
        recheck(twice)


def test_an_id_of_an_error_term_is_kept() -> None:
    from symbackprop.formula.reader import read  # noqa: PLC0415 - this test's own
    from symbackprop.formula.tree import Name  # noqa: PLC0415 - the same
    from symbackprop.graph.build import graph_of_formulas  # noqa: PLC0415 - the same

    formulas = {
        Name("z", (1,)): read("w*x"),
        Name("delta", (1,)): read("0*x"),
        Name("J"): read("z1*z1 + delta1"),
    }
    with pytest.raises(InputError, match="kept for an error term"):
        graph_of_formulas(formulas, Name("J"))
