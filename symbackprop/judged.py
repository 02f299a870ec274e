"""The verb that judges what a book prints: verify."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from symbackprop.claims.context import context_of
from symbackprop.claims.judge import Tell, judged
from symbackprop.claims.values import Reached
from symbackprop.claims.verdict import Outcome, Verdict
from symbackprop.derived import derive
from symbackprop.errors import InputError
from symbackprop.examples import Example, load_example, read_example
from symbackprop.formula.tree import Name
from symbackprop.numeric.exact_training import ExactPoint
from symbackprop.numeric.point import Ball
from symbackprop.numeric.worked import literal
from symbackprop.renderers.narrate import narrated
from symbackprop.renderers.table import RENDERERS
from symbackprop.renderers.verdict_formats import FORMATS
from symbackprop.renderers.verdict_page import verdict_page
from symbackprop.renderers.verdicts import Judged, Reason, Sheet
from symbackprop.renderers.words import LANGUAGES
from symbackprop.trained import reached

TO = (*FORMATS, "markdown", "html")


@dataclass(frozen=True)
class Report:
    """The claims of one example, judged."""

    example: Example
    verdicts: tuple[Verdict, ...]

    @property
    def outcome(self) -> Outcome:
        """Whether all is as the file says: agrees, differs, or only undecided left."""
        missed = {v.outcome for v in self.verdicts if not v.as_expected}
        if not missed:
            return "agrees"
        return "undecided" if missed == {"undecided"} else "differs"

    def sheet(self, lang: str = "en") -> Sheet:
        """The verdicts as the formats take them."""
        title = self.example.title.get(lang) or self.example.title["en"]
        numbers = {id(v.claim): n for n, v in enumerate(self.verdicts, 1)}
        rows = tuple(
            _row(verdict, number, numbers)
            for number, verdict in enumerate(self.verdicts, 1)
        )
        return Sheet(self.example.name, title, self.example.source, rows)

    def __str__(self) -> str:
        """The report as text."""
        return written([self])


def verify(
    source: Example | str | Path,
    *,
    claims: str | Path | None = None,
    tell: Tell | None = None,
) -> Report:
    """Judge what a book prints: every claim of an example, in file order.

    `claims` is a CSV table (quantity,printed,where) that takes the place of the
    file's own. `tell` is called with the number of each claim before it is judged.
    InputError where there is nothing to judge.
    """
    example = source if isinstance(source, Example) else load_example(source)
    if claims is not None:
        example = read_example(
            example.text,
            name=example.name,
            file=example.place.file,
            claims=Path(claims),
        )
    if not example.claims:
        raise InputError(
            "there is no claim to judge",
            place=example.place,
            hint="write [[claims]] into the file, or give a CSV table",
        )
    return Report(example, judged(context_of(example, _training(example)), tell))


def written(reports: Sequence[Report], to: str = "text", lang: str = "en") -> str:
    """The reports in a format."""
    if to not in TO:
        raise InputError(f"unknown format {to!r}", hint="known: " + ", ".join(TO))
    if lang not in LANGUAGES:
        raise InputError(f"unknown language {lang!r}", hint=", ".join(LANGUAGES))
    if to in FORMATS:
        return FORMATS[to]([report.sheet(lang) for report in reports], lang)
    if to == "html" and len(reports) != 1:
        raise InputError("an HTML page shows one example")
    return "\n".join(_page(report, to, lang) for report in reports)


def _page(report: Report, to: str, lang: str) -> str:
    """The derivation of an example with its verdicts."""
    document = narrated(derive(report.example, lang=lang).story)
    return RENDERERS[to].write(verdict_page(document, report.sheet(lang)))


def _training(example: Example) -> Reached:
    """Where an example's own training leads, computed when it is asked for."""
    points: dict[int, ExactPoint] = {}

    def parameters(steps: int, bits: int) -> dict[Name, Ball]:
        if steps not in points:
            points[steps] = reached(derive(example), steps=steps)
        return dict(points[steps].parameters(bits))

    return parameters


def _from_here(file: str) -> str:
    """A file's path from the current folder, if it is below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return file


def _row(verdict: Verdict, number: int, numbers: dict[int, int]) -> Judged:
    """A verdict as plain data."""
    claim, root = verdict.claim, verdict.root
    operands = tuple(
        (o.atom, literal(o.number.text) if o.number else o.form or o.atom)
        for o in verdict.operands
    )
    said = () if root is None else (root.of, " = ", root.formula or literal(root.said))
    return Judged(
        number,
        claim.quantity,
        claim.of,
        claim.said,
        claim.formula,
        claim.where,
        verdict.outcome,
        verdict.kind,
        verdict.closer or "",
        verdict.expected,
        verdict.true,
        verdict.exact,
        verdict.rational,
        0 if root is None else numbers.get(id(root), 0),
        "" if root is None else root.quantity,
        said,
        operands,
        verdict.carried,
        verdict.right_to,
        verdict.convention,
        verdict.reason,
        verdict.detail,
        verdict.point,
        tuple(
            Reason(c.operator, c.certain, c.arguments, c.count) for c in verdict.causes
        ),
        claim.expect or "",
        verdict.as_expected,
        "" if claim.after is None else str(claim.after),
        _from_here(claim.place.file),
        claim.place.line,
    )
