"""The verdicts on one subject, as text and as JSON."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbackprop.checks.verdict import OUTCOMES, Outcome, Verdict, counted, worst

VERSION = 1
LONG = 24
"""More weights than these are summed up by layer; those that differ stay."""

SHOWN = 12
"""How many that differ are listed one by one, in a long report."""

MARKS = {"agrees": "✓", "undecided": "?", "differs": "✗"}


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The verdicts on one subject, in the order of its weights.

    `layers` gives the layer of a weight of a network; `notes` say which witness was
    not asked, and why.
    """

    subject: str
    verdicts: tuple[Verdict, ...]
    seed: int | None
    tolerance: float
    notes: tuple[str, ...] = ()
    layers: Mapping[str, int] = field(default_factory=dict)

    @property
    def outcome(self) -> Outcome:
        """The worst outcome."""
        return worst(verdict.outcome for verdict in self.verdicts)

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many verdicts of each outcome."""
        counted = Counter(verdict.outcome for verdict in self.verdicts)
        return {outcome: counted[outcome] for outcome in OUTCOMES}

    @property
    def differing(self) -> tuple[Verdict, ...]:
        """The verdicts that say "differs"."""
        return tuple(v for v in self.verdicts if v.outcome == "differs")

    @property
    def points(self) -> tuple[Mapping[str, str], ...]:
        """The points that verdicts speak of, each once."""
        found = {id(verdict.point): verdict.point for verdict in self.verdicts}
        return tuple(found.values())

    @property
    def data(self) -> dict[str, Any]:
        """The report for JSON; a verdict's point is its number in `points`."""
        points = self.points
        number = {id(point): n for n, point in enumerate(points)}
        return {
            "subject": self.subject,
            "outcome": self.outcome,
            "counts": self.counts,
            "seed": self.seed,
            "tolerance": self.tolerance,
            "notes": list(self.notes),
            "points": [dict(point) for point in points],
            "verdicts": [
                {
                    **verdict.data,
                    "layer": self.layers.get(verdict.weight, 0),
                    "point": number[id(verdict.point)],
                }
                for verdict in self.verdicts
            ],
        }

    def __str__(self) -> str:
        """The verdicts as a table, with causes, points and notes."""
        return text_of_report(self)

    def __repr__(self) -> str:
        """The outcome, short."""
        return f"<{self.subject}: {_counted([self])}>"


def joined(reports: Sequence[Report]) -> Outcome:
    """The worst outcome of several reports."""
    return worst(report.outcome for report in reports)


def text_of_reports(reports: Sequence[Report]) -> str:
    """The reports one after the other; the last line counts."""
    parts = [text_of_report(report) for report in reports]
    return "\n\n".join([*parts, _counted(reports)])


def _counted(reports: Sequence[Report]) -> str:
    """How many verdicts of each outcome."""
    total: Counter[str] = Counter()
    for report in reports:
        total.update(report.counts)
    words = (("agrees", "agree"), ("differs", "differ"), ("undecided", "undecided"))
    said = ", ".join(f"{total[outcome]} {word}" for outcome, word in words)
    return f"{counted(sum(total.values()), 'verdict')}: {said}"


def text_of_report(report: Report) -> str:
    """The verdicts as a table, or summed up by layer; then causes, points, notes."""
    lines = [f"{report.subject} (tolerance {report.tolerance:g})"]
    if len({verdict.weight for verdict in report.verdicts}) <= LONG:
        lines += _table(report, report.verdicts)
    else:
        lines += _summary(report)
        wrong = [v for v in report.verdicts if v.outcome != "agrees"]
        lines += _table(report, wrong[:SHOWN]) if wrong else []
        if len(wrong) > SHOWN:
            lines.append(f"… and {len(wrong) - SHOWN} more; all are in --to json")
    lines += _causes(report)
    lines += _points(report)
    lines += list(report.notes)
    return "\n".join(lines)


def _table(report: Report, verdicts: Sequence[Verdict]) -> list[str]:
    """One row a verdict; a column that says nothing is left out."""
    points = {id(point): str(n) for n, point in enumerate(report.points, 1)}
    columns: dict[str, list[str]] = {
        "": [MARKS[v.outcome] for v in verdicts],
        "layer": [str(report.layers.get(v.weight, 0) or "") for v in verdicts],
        "derivative": [v.question for v in verdicts],
        "witness": [v.witness for v in verdicts],
        "measured": [_short(v.measured) for v in verdicts],
        "expected": [_short(v.expected) for v in verdicts],
        "gap": [_small(v.gap) for v in verdicts],
        "bound": [_small(v.bound) for v in verdicts],
        "point": [points[id(v.point)] for v in verdicts],
        "seed": ["" if v.seed is None else str(v.seed) for v in verdicts],
        "outcome": [_said(v) for v in verdicts],
    }
    kept = {head: cells for head, cells in columns.items() if any(cells)}
    room = [max(map(len, (head, *cells))) for head, cells in kept.items()]
    rows = [tuple(kept), *zip(*kept.values(), strict=True)]
    return [
        "  ".join(cell.ljust(n) for cell, n in zip(row, room, strict=True)).rstrip()
        for row in rows
    ]


def _said(verdict: Verdict) -> str:
    """The outcome, and its kind where that says more."""
    if verdict.kind == "within the bound":
        return verdict.outcome
    return f"{verdict.outcome}: {verdict.kind}"


def _short(text: str) -> str:
    """A number's first digits; an interval as it is."""
    try:
        return f"{float(text):.13g}"
    except ValueError:
        return text


def _small(value: float | None) -> str:
    """A gap or a bound in two digits."""
    return "" if value is None else f"{value:.1e}" if value else "0"


def _summary(report: Report) -> list[str]:
    """One line a layer and witness: how many of each outcome, the largest gap."""
    groups: dict[tuple[int, str], list[Verdict]] = {}
    for verdict in report.verdicts:
        key = (report.layers.get(verdict.weight, 0), verdict.witness)
        groups.setdefault(key, []).append(verdict)
    lines: list[str] = []
    for (layer, witness), verdicts in groups.items():
        counts = {
            outcome: sum(v.outcome == outcome for v in verdicts) for outcome in OUTCOMES
        }
        said = ", ".join(f"{n} {outcome}" for outcome, n in counts.items() if n)
        rounding = sum(v.kind == "rounding in float64" for v in verdicts)
        where = f"layer {layer}" if layer else "all"
        more = f" ({rounding} by rounding in float64)" if rounding else ""
        share = max((_share(v) for v in verdicts), default=0.0)
        lines.append(
            f"{where}, {witness}: {said}{more}; largest relative gap {share:.1e}"
        )
    return lines


def _share(verdict: Verdict) -> float:
    """The gap beside the expected value, where that is a number."""
    try:
        size = abs(float(verdict.expected))
    except ValueError:
        return 0.0
    return (verdict.gap or 0.0) / size if size else 0.0


def _causes(report: Report) -> list[str]:
    """What is wrong, once for all the weights that share it."""
    found: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in report.differing:
        if verdict.diagnosis:
            key = (verdict.diagnosis.cause, verdict.diagnosis.detail)
            found.setdefault(key, []).append(verdict)
    lines: list[str] = []
    for (cause, detail), verdicts in found.items():
        weights = list(dict.fromkeys(v.weight for v in verdicts))
        shown = ", ".join(weights[:6]) + (", …" if len(weights) > 6 else "")
        first = verdicts[0].diagnosis
        ratio = "" if first is None or first.ratio is None else f"{first.ratio:.12g}"
        times = f"; {weights[0]} is {ratio} times what it should be" if ratio else ""
        name = "cause unknown" if cause == "unknown" else f"suspected cause: {cause}"
        lines.append(f"{name} ({detail}) in {shown}{times}")
    return lines


def _points(report: Report) -> list[str]:
    """Where it was asked, short; whole where there is little."""
    lines: list[str] = []
    for number, point in enumerate(report.points, 1):
        words = [f"{name} = {value}" for name, value in point.items()]
        shown = ", ".join(words[:16]) + (", …" if len(words) > 16 else "")
        lines.append(f"point {number}: {shown}")
    return lines


def json_of_reports(reports: Iterable[Report]) -> str:
    """The reports as JSON; docs/checking.md has the schema."""
    held = list(reports)
    data: dict[str, Any] = {
        "format": "symbackprop check",
        "version": VERSION,
        "outcome": joined(held),
        "reports": [report.data for report in held],
    }
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False)
