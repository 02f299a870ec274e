"""What was learned as a document, as JSON and as CSV."""

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Rational
from types import MappingProxyType
from typing import Any

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Formula, Name, name_of
from symbackprop.kernel.derivation import Derivation
from symbackprop.numeric.optimizers import LETTER, RATE, STEP, Rule, at_step
from symbackprop.numeric.training import Record, Run
from symbackprop.numeric.worked import rounded
from symbackprop.renderers.chains import Narrator
from symbackprop.renderers.document import (
    Block,
    Document,
    Equations,
    Heading,
    Inline,
    Items,
    Prose,
    Table,
)
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.words import phrase

MAX_ROWS = 11
MAX_PARAMETERS = 60
"""More parameters than these are counted, not listed; JSON has them all."""
MAX_LISTED = 12
"""Of a run among several, so many parameters are listed."""


_WORDS = Vocabulary(indices=(LETTER,))
_LETTERS: Mapping[str, Formula] = MappingProxyType(
    {
        "theta": Name("theta"),
        "g": Name("g"),
        "m": at_step("m"),
        "t": STEP,
        "before": read("t - 1", _WORDS),
        "mu": Name("mu"),
        "share": read("(1 - beta1**t)*g", _WORDS),
    }
)
"""The letters of the rules, for sentences."""


@dataclass(frozen=True, slots=True)
class Learning:
    """How it was learned and what came of it; `facts` follow from the rule."""

    name: str
    title: str
    source: str
    rule: Rule
    facts: tuple[tuple[str, Derivation], ...]
    settings: Mapping[str, Rational]
    runs: tuple[Run, ...]
    validation: int = 0


def learning_document(learning: Learning, context: Context, language: str) -> Document:
    """The rule, what follows from it, the loss by epoch, the parameters."""
    page = _Page(learning, language)
    blocks = (*page.setting(), *page.rule(), *page.losses(), *page.parameters())
    return Document(
        learning.title, language, context, tuple(blocks), (), learning.source
    )


class _Page:
    """One document in the making."""

    def __init__(self, learning: Learning, language: str) -> None:
        self.learning = learning
        self.language = language
        self.runs = learning.runs
        self.several = len(learning.runs) > 1

    def say(self, key: str, **arguments: str | Formula | Inline) -> Inline:
        """A sentence about training."""
        return phrase("training", key, self.language, {**_LETTERS, **arguments})

    def setting(self) -> list[Block]:
        """How many samples, batches, updates."""
        row, schedule = self.learning.rule.row, self.runs[0].schedule
        method: Inline = (row.gloss[self.language],)
        if row.source:
            method = (*method, f" ({row.source})")
        items = [self.say("method", method=method)]
        if schedule.samples > 1:
            items.append(
                self.say(
                    "batches",
                    samples=str(schedule.samples),
                    batch=str(schedule.size),
                    updates=str(schedule.per_epoch),
                )
            )
        if self.learning.validation:
            items.append(self.say("held_out", count=str(self.learning.validation)))
        if schedule.shuffle:
            items.append(self.say("shuffled", seed=str(schedule.seed)))
        return [Heading(self.say("training"), 2, "training"), Items(tuple(items))]

    def rule(self) -> list[Block]:
        """The rule's own lines, its numbers, and what follows from them."""
        rule = self.learning.rule
        rows = tuple((name, form, ()) for name, form in rule.lines)
        letters = {s.key: name_of(s.letter) for s in rule.row.settings}
        numbers: list[Inline] = [
            (letters[key], " = ", setting(value))
            for key, value in self.learning.settings.items()
        ]
        rates: list[str | Formula] = []
        for rate in dict.fromkeys(run.learning_rate for run in self.runs):
            rates += [", " if rates else " = ", setting(rate)]
        numbers.insert(0, (RATE, *rates))
        narrator = Narrator(self.language, "standard", lambda _: False)
        blocks: list[Block] = [
            Heading(self.say("rule"), 2, "rule"),
            Prose((*self.say("rule_text"), *self._states())),
            Equations(rows),
            Items(tuple(numbers)),
        ]
        for number, (key, derivation) in enumerate(self.learning.facts, 1):
            blocks += [
                Prose(self.say(key)),
                narrator.chain(derivation, f"fact-{number}"),
            ]
        return blocks

    def _states(self) -> Inline:
        """Which states there are, and that they start at 0."""
        names = [name_of(state) for state in self.learning.rule.row.states]
        parts: list[str | Formula] = []
        for name in names:
            parts += [", ", name] if parts else [name]
        return (" ", *self.say("states", states=tuple(parts))) if parts else ()

    def losses(self) -> list[Block]:
        """The loss by epoch, one column a run, and how each run ended."""
        single = self.runs[0].schedule.samples == 1
        header: list[Inline] = [self.say("updates" if single else "epoch")]
        columns: list[Mapping[int, tuple[Inline, ...]]] = []
        for run in self.runs:
            header += self._header(run)
            columns.append({r.iteration: self._cells(r) for r in run.history.records})
        blanks: list[tuple[Inline, ...]] = [
            ((),) * len(self._header(run)) for run in self.runs
        ]
        per_epoch = self.runs[0].schedule.per_epoch
        rows: list[tuple[Inline, ...]] = []
        for iteration in self._chosen():
            cells: list[Inline] = [(_epoch(iteration, per_epoch),)]
            for column, blank in zip(columns, blanks, strict=True):
                cells += column.get(iteration, blank)
            rows.append(tuple(cells))
        ends = tuple(self._ending(run) for run in self.runs)
        return [
            Heading(self.say("losses"), 2, "losses"),
            Table(tuple(header), tuple(rows)),
            Items(ends),
        ]

    def _header(self, run: Run) -> list[Inline]:
        """The columns of a run."""
        name = self._called(run)
        names = [name if self.several else self.say("loss")]
        if self.learning.validation:
            names.append(self.say("validation", run=name if self.several else ""))
        if not self.several:
            names.append(self.say("norm"))
        return names

    def _called(self, run: Run) -> Inline:
        """What tells a run from the others."""
        title = run.title.get(self.language) or run.title.get("en", "")
        rates = len({other.learning_rate for other in self.runs}) > 1
        rate: Inline = (RATE, " = ", setting(run.learning_rate))
        if title:
            return (title, ", ", *rate) if rates else (title,)
        return rate

    def _cells(self, record: Record) -> tuple[Inline, ...]:
        """One record's numbers."""
        cells: list[Inline] = [(number(record.loss),)]
        if self.learning.validation:
            held = record.validation
            cells.append(() if held is None else (number(held),))
        if not self.several:
            cells.append((number(record.norm),))
        return tuple(cells)

    def _chosen(self) -> list[int]:
        """The updates after which the table has a row: evenly spread, ends included."""
        seen = sorted({r.iteration for run in self.runs for r in run.history.records})
        if len(seen) <= MAX_ROWS:
            return seen
        places = {round(n * (len(seen) - 1) / (MAX_ROWS - 1)) for n in range(MAX_ROWS)}
        ends = {
            run.history.records[-1].iteration
            for run in self.runs
            if run.history.records
        }
        return sorted({seen[place] for place in places} | ends)

    def _ending(self, run: Run) -> Inline:
        """How a run ended, in one sentence."""
        history = run.history
        records = history.records
        name = self._called(run)
        if not records:
            return self.say("nothing", run=name)
        ends: dict[str, str | Formula] = {
            "first": number(records[0].loss),
            "last": number(records[-1].loss),
            "updates": f"{history.iterations:,}",
        }
        if history.outcome != "finished":
            return self.say(history.outcome, run=name, **ends)
        return self.say("grew" if run.grew else "fell", run=name, **ends)

    def parameters(self) -> list[Block]:
        """The parameters at the start and at the end, or how many there are."""
        title = Heading(self.say("parameters"), 2, "parameters")
        alike = len({run.names for run in self.runs}) == 1
        if alike and len(self.runs[0].names) <= MAX_PARAMETERS:
            return [title, self._listed(self.runs)]
        blocks: list[Block] = [title]
        for run in self.runs:
            count = str(len(run.names))
            called = self._called(run)
            blocks.append(Prose(self.say("counted", run=called, count=count)))
            if len(run.names) <= MAX_LISTED:
                blocks.append(self._listed((run,)))
        return blocks

    def _listed(self, runs: Sequence[Run]) -> Table:
        """The parameters of runs that share them."""
        single = len(runs) == 1
        ends = [self.say("end") if single else self._called(run) for run in runs]
        header = ((), self.say("start"), *ends)
        columns = [runs[0].start, *(run.history.parameters for run in runs)]
        cells = tuple(
            ((name,), *((number(float(value), 9),) for value in values))
            for name, *values in zip(runs[0].names, *columns, strict=True)
        )
        return Table(header, cells)


def setting(value: Rational) -> Formula:
    """A setting as a decimal."""
    return rounded(value, 12)


def number(value: float, digits: int = 6) -> str | Formula:
    """A float to so many digits; rounding is not marked, every number here is one."""
    return rounded(Rational(value), digits) if math.isfinite(value) else "–"


def _epoch(iteration: int, per_epoch: int) -> str:
    """Epochs done after so many updates."""
    if iteration % per_epoch == 0:
        return f"{iteration // per_epoch:,}"
    return f"{iteration / per_epoch:.2f}"


def learning_json(learning: Learning) -> str:
    """Everything but the path of the parameters."""
    schedule = learning.runs[0].schedule
    found = {
        "schema": "symbackprop/training",
        "version": 1,
        "example": learning.name,
        "method": learning.rule.row.name,
        "settings": {key: float(value) for key, value in learning.settings.items()},
        "samples": schedule.samples,
        "validation_samples": learning.validation,
        "batch": schedule.size,
        "shuffle": schedule.shuffle,
        "seed": schedule.seed,
        "updates_per_epoch": schedule.per_epoch,
        "runs": [_run(run) for run in learning.runs],
    }
    return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _run(run: Run) -> dict[str, Any]:
    """One run as plain data."""
    ids = [name.id for name in run.names]
    return {
        "title": run.title.get("en", ""),
        "learning_rate": float(run.learning_rate),
        "parameters": len(ids),
        "outcome": run.history.outcome,
        "updates": run.history.iterations,
        "history": [
            {
                "update": record.iteration,
                "epoch": record.epoch,
                "loss": record.loss,
                "validation_loss": _finite(record.validation),
                "gradient_norm": record.norm,
            }
            for record in run.history.records
        ],
        "start": dict(zip(ids, run.start.tolist(), strict=True)),
        "end": dict(run.parameters),
    }


def _finite(value: float | None) -> float | None:
    """A number, or null where JSON has none."""
    return value if value is not None and math.isfinite(value) else None


def learning_csv(learning: Learning) -> str:
    """One row a record."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        (
            "run",
            "learning_rate",
            "update",
            "epoch",
            "loss",
            "validation_loss",
            "gradient_norm",
        )
    )
    for place, run in enumerate(learning.runs, 1):
        rate = float(run.learning_rate)
        for r in run.history.records:
            held = "" if r.validation is None else r.validation
            writer.writerow([place, rate, r.iteration, r.epoch, r.loss, held, r.norm])
    return stream.getvalue()
