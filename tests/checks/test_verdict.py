"""Verdicts and reports: what counts, what JSON holds, what a reader sees."""

import json
from itertools import product
from typing import Any

import pytest

from symbackprop.checks.report import (
    LONG,
    Report,
    joined,
    json_of_reports,
    text_of_report,
    text_of_reports,
)
from symbackprop.checks.verdict import (
    OUTCOMES,
    Cause,
    Diagnosis,
    Outcome,
    Verdict,
    worst,
)

POINT = {"x": "0.5", "w": "1/3"}
OTHER = {"x": "2.0", "w": "-1.0"}


def verdict(outcome: Outcome = "agrees", weight: str = "w", **more: Any) -> Verdict:
    given: dict[str, Any] = {
        "question": f"dJ/d{weight}",
        "outcome": outcome,
        "kind": "wrong" if outcome == "differs" else "within the bound",
        "expected": "0.25",
        "measured": "0.5" if outcome == "differs" else "0.25",
        "bound": 1.25e-11,
        "witness": "engine",
        "seed": 7,
        "point": POINT,
        "gap": 0.25 if outcome == "differs" else 0.0,
        "weight": weight,
    }
    return Verdict(**given | more)


def report(*verdicts: Verdict, **more: Any) -> Report:
    return Report("a subject", verdicts, 7, 1e-10, **more)


def test_differs_counts_more_than_undecided_and_that_more_than_agrees() -> None:
    assert worst([]) == "agrees"
    order = {"agrees": 0, "undecided": 1, "differs": 2}
    for several in product(OUTCOMES, repeat=3):
        assert order[worst(several)] == max(order[outcome] for outcome in several)


def test_a_report_counts_and_joins() -> None:
    mixed = report(verdict(), verdict("undecided"), verdict(weight="v"))
    assert mixed.counts == {"agrees": 2, "undecided": 1, "differs": 0}
    assert mixed.outcome == "undecided"
    assert joined([mixed, report(verdict())]) == "undecided"
    assert joined([mixed, report(verdict("differs"))]) == "differs"
    assert [v.outcome for v in report(verdict(), verdict("differs")).differing] == [
        "differs"
    ]


def test_json_has_every_point_once_and_nothing_that_json_lacks() -> None:
    wrong = verdict(
        "differs",
        "v",
        point=OTHER,
        gap=float("inf"),
        bound=float("nan"),
        diagnosis=Diagnosis("sign", "v", 2, -1.0, "the sign is flipped"),
    )
    text = json_of_reports(
        [report(verdict(), wrong, verdict(weight="u"), layers={"v": 2})]
    )
    data = json.loads(text, parse_constant=pytest.fail)
    assert data["format"] == "symbackprop check"
    assert data["version"] == 1
    assert data["outcome"] == "differs"
    (found,) = data["reports"]
    assert found["points"] == [POINT, OTHER]
    assert [v["point"] for v in found["verdicts"]] == [0, 1, 0]
    assert found["verdicts"][1] == {
        "question": "dJ/dv",
        "weight": "v",
        "layer": 2,
        "witness": "engine",
        "outcome": "differs",
        "kind": "wrong",
        "expected": "0.25",
        "measured": "0.5",
        "gap": None,
        "bound": None,
        "seed": 7,
        "point": 1,
        "diagnosis": {
            "cause": "sign",
            "weight": "v",
            "layer": 2,
            "ratio": -1.0,
            "detail": "the sign is flipped",
        },
    }


def test_the_last_line_of_the_text_counts() -> None:
    several = [report(verdict(), verdict("undecided")), report(verdict("differs"))]
    assert text_of_reports(several).splitlines()[-1] == (
        "3 verdicts: 1 agree, 1 differ, 1 undecided"
    )
    assert repr(several[1]) == (
        "<a subject: 1 verdict: 0 agree, 1 differ, 0 undecided>"
    )


def test_a_short_report_has_a_row_a_verdict_with_its_point() -> None:
    shown = report(
        verdict(),
        verdict("differs", "v", point=OTHER, kind="not a number"),
        layers={"v": 2},
        notes=("complex step was not asked: relu",),
    )
    lines = str(shown).splitlines()
    assert str(shown) == text_of_report(shown)
    head, first, second = (line.split() for line in lines[1:4])
    assert head[:3] == ["layer", "derivative", "witness"]
    assert first[0] == "✓"
    assert first[-3:] == ["1", "7", "agrees"]
    assert second[:3] == ["✗", "2", "dJ/dv"]
    assert second[-5:] == ["7", "differs:", "not", "a", "number"]
    assert "point 1: x = 0.5, w = 1/3" in lines
    assert "point 2: x = 2.0, w = -1.0" in lines
    assert lines[-1] == "complex step was not asked: relu"


def test_a_long_report_is_summed_up_by_layer_and_keeps_what_differs() -> None:
    layers = {f"w{n}": 1 + n % 2 for n in range(2 * LONG)}
    cause: Cause = "factor"
    verdicts = [
        verdict(weight=weight)
        if n != 5
        else verdict(
            "differs",
            weight,
            diagnosis=Diagnosis(cause, weight, 2, 2.0, "w5 alone: 2 times too large"),
        )
        for n, weight in enumerate(layers)
    ]
    lines = str(report(*verdicts, layers=layers)).splitlines()
    assert len(lines) < LONG
    assert f"layer 1, engine: {LONG} agrees; largest relative gap 0.0e+00" in lines
    (second,) = [line for line in lines if line.startswith("layer 2, engine")]
    assert f"{LONG - 1} agrees" in second
    assert "1 differs" in second
    assert sum("dJ/d" in line for line in lines) == 1
    assert any("suspected cause: factor (w5 alone" in line for line in lines)


def test_many_that_differ_are_not_all_listed() -> None:
    several = report(*(verdict("differs", f"w{n}") for n in range(3 * LONG)))
    lines = str(several).splitlines()
    assert len(lines) < LONG
    assert any("more; all are in --to json" in line for line in lines)
