"""What the package says of published numbers is what mpmath says of them.

`published.csv` is held against 50 digits by test_published.py, which shares no code
with the package; here the package's verdicts are held against the table.
"""

import csv
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from symbackprop.claims import judge
from symbackprop.claims.verdict import Verdict
from symbackprop.judged import Report, verify

NOISE = "published-two-sample-batch"
"""Prints floats to 17 digits; a last digit may follow from another one's noise."""


@cache
def table() -> dict[str, list[dict[str, str]]]:
    """The published verdicts by example, in the order of the claims."""
    found: dict[str, list[dict[str, str]]] = defaultdict(list)
    path = Path(__file__).with_name("published.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found[row["example"]].append(row)
    return dict(found)


@cache
def judged(name: str) -> Report:
    """An example's report, once; causes are searched for in other tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judge, "diagnosed", lambda _, verdicts: ((),) * len(verdicts))
        return verify(name)


def same(verdict: Verdict, row: dict[str, str]) -> bool:
    """Whether both say the same of a claim."""
    if row["example"] == NOISE and verdict.closer is None:
        return row["kind"] in ("wrong", verdict.kind)
    return row["kind"] == verdict.kind


@pytest.mark.parametrize("name", table())
def test_every_published_claim_is_judged_as_the_table_says(name):
    report, rows = judged(name), table()[name]
    verdicts = report.verdicts
    assert [v.claim.quantity for v in verdicts] == [row["quantity"] for row in rows]
    odd = [
        (v.claim.quantity, v.claim.said, v.kind, row["kind"])
        for v, row in zip(verdicts, rows, strict=True)
        if not same(v, row)
    ]
    assert odd == []
    assert report.outcome == "agrees"


def test_the_noise_is_in_the_last_digit_alone():
    for verdict, row in zip(judged(NOISE).verdicts, table()[NOISE], strict=True):
        if verdict.kind != row["kind"]:
            assert (verdict.kind, row["kind"]) == ("inherited", "wrong")
            digits = len((verdict.claim.printed or "").lstrip("-0.").replace(".", ""))
            assert digits >= 16
