"""Kernel derivations as chains of a document: printed lines over folded small steps."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from symbackprop.formula.relation import Assumption
from symbackprop.formula.shape import common_shape, free_letter
from symbackprop.formula.tree import (
    Derivative,
    Formula,
    Minus,
    Name,
    Path,
    positions,
)
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.step import Step
from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import Chain, Inline, Line, Row
from symbackprop.renderers.words import messages, phrase, word

Detail: TypeAlias = Literal["brief", "standard", "full"]
DETAILS: tuple[Detail, ...] = ("brief", "standard", "full")
_MINOR = frozenset(
    {
        "flatten",
        "signs",
        "lemma",
        "derived",
        "direct_use",
    }
)
"""Reasons that go without saying where there is another one."""


def _no_value(_: Derivation) -> Link | None:
    """A page without values."""
    return None


@dataclass(slots=True)
class Narrator:
    """Turns derivations into chains in one language at one level of detail.

    `shared` are the derivations that steps refer to, by anchor; at full detail each
    is opened where it is first used, otherwise all stand in the appendix. `value` is
    what a derivation's last line comes to at the page's values.
    """

    language: str
    detail: Detail
    hidden: Callable[[Assumption], bool]
    shared: Mapping[str, Derivation] = field(default_factory=dict)
    partial: Mapping[Derivative, Derivation] = field(default_factory=dict)
    openings: Mapping[Derivative, Derivation] = field(default_factory=dict)
    value: Callable[[Derivation], Link | None] = _no_value
    _anchors: dict[int, str] = field(default_factory=dict)
    _opened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Remember which shared derivation each step belongs to."""
        for anchor, derivation in self.shared.items():
            for step in derivation.steps:
                self._anchors.setdefault(id(step), anchor)

    def chain(
        self,
        derivation: Derivation,
        anchor: str,
        note: Inline = (),
        *,
        inner: bool = False,
    ) -> Chain:
        """A derivation as a chain: each group of small steps a line."""
        groups: Sequence[Sequence[Step]] = derivation.lines
        if self.detail == "brief" and groups:
            groups = [tuple(derivation.steps)]
        lines = tuple(self._line(group) for group in groups)
        plain = inner or self.detail == "brief"
        aside = () if plain else self._asides(derivation, anchor)
        conditions = self._conditions(derivation.conditions)
        if lines and conditions:
            lines = (*lines[:-1], replace(lines[-1], conditions=conditions))
        if lines and not inner:
            last = replace(lines[-1], value=self.value(derivation))
            lines = (*lines[:-1], last)
        return Chain(anchor, derivation.goal, lines, note, aside)

    def _line(self, group: Sequence[Step]) -> Line:
        """One printed line with the steps that lead to it."""
        reasons: dict[str, None] = {}
        rules: dict[str, None] = {}
        evidence: dict[str, None] = {}
        for step in group:
            reasons |= _reasons(step)
            rules[step.rule] = None
            evidence[word("evidence", step.evidence.method, self.language)] = None
        telling = {key: None for key in reasons if key not in _MINOR}
        reasons = telling or reasons
        words = [word("reason", key, self.language) for key in reasons]
        rows: tuple[Row, ...] = tuple(self._row(step) for step in group)
        trivial = len(rows) == 1 and rows[0].opens is None and not rows[0].see
        return Line(
            group[-1].after,
            ("; ".join(words),),
            tuple(rules),
            ", ".join(evidence),
            changed_between(group[0].before, group[-1].after),
            (),
            () if trivial else rows,
            self.detail == "full",
        )

    def _row(self, step: Step) -> Row:
        """One small step, opened or pointing to where it is opened."""
        opens: Chain | None = None
        see = ""
        because = step.because[-1] if step.because else self._opening(step)
        if because is not None:
            anchor = self._anchor_of(because)
            if self.detail != "full":
                see = anchor
            else:  # each stretch of a shared derivation is opened where first used
                see = f"in-{anchor}-{because.start}"
                if see not in self._opened:
                    self._opened.add(see)
                    opens, see = self.chain(because, see, inner=True), ""
        marks = (step.path,) if step.path else changed_between(step.before, step.after)
        return Row(
            step.after,
            self._reason(step),
            step.rule,
            word("evidence", step.evidence.method, self.language),
            marks,
            self._conditions(step.conditions),
            opens,
            see,
        )

    def _opening(self, step: Step) -> Derivation | None:
        """What derives in full the slope that a local step gives at once."""
        if step.rule != "local" or not isinstance(step.target, Derivative):
            return None
        return self.openings.get(step.target)

    def _anchor_of(self, because: Derivation) -> str:
        """Where a derivation, or the one that it is cut from, is shown."""
        first = next(because.steps, None)
        return self._anchors.get(id(first), "")

    def _reason(self, step: Step) -> Inline:
        """A reason in the long form if there is one."""
        key = step.reason.key
        if key in messages()["detail"] and step.reason.arguments:
            return phrase("detail", key, self.language, step.reason.arguments)
        return (word("reason", key, self.language),)

    def _conditions(self, conditions: Iterable[Assumption]) -> tuple[Inline, ...]:
        """The conditions that nothing discharges."""
        return tuple(
            (condition.left, f" {condition.relation} ", condition.right)
            for condition in conditions
            if condition.relation != "=" and not self.hidden(condition)
        )

    def _asides(self, derivation: Derivation, anchor: str) -> tuple[Chain, ...]:
        """The "with …" chains of the parts that the first line names."""
        if not derivation.lines:
            return ()
        first = derivation.lines[0][-1].after
        found: dict[Derivative, Derivation] = {}
        for _, node in positions(first):
            if isinstance(node, Derivative) and node in self.partial:
                found[node] = self.partial[node]
        if not found:
            return ()
        merged = self._merged(list(found.values()), anchor)
        if merged is not None:
            return (merged,)
        return tuple(
            self.chain(part, f"{anchor}-with{n}", inner=True)
            for n, part in enumerate(found.values(), 1)
        )

    def _merged(self, parts: Sequence[Derivation], anchor: str) -> Chain | None:
        """Several chains of one shape as one chain for k = 1, 2, …."""
        if len({len(part.lines) for part in parts}) != 1 or len(parts) < 2:
            return None
        letter = free_letter(parts[0].goal)
        left = common_shape([part.goal for part in parts], letter)
        forms: list[Formula] = []
        for row in zip(*(part.printed[1:] for part in parts), strict=True):
            form = common_shape(row, letter)
            if form is None:
                return None
            forms.append(form)
        if left is None:
            return None
        model = replace(self, detail="standard").chain(
            parts[0], f"{anchor}-with", inner=True
        )
        lines = tuple(
            replace(line, form=form, rows=(), changed=())
            for line, form in zip(model.lines, forms, strict=True)
        )
        values = ", ".join(str(n) for n in range(1, len(parts) + 1))
        arguments: dict[str, str | Formula | Inline] = {
            "letter": _letter_form(letter),
            "values": values,
        }
        note = phrase("page", "for_each", self.language, arguments)
        return Chain(f"{anchor}-with", left, lines, note)


def _reasons(step: Step) -> dict[str, None]:
    """Why a step holds, in keys: what it refers to speaks for itself."""
    if step.rule != "refer":
        return {step.reason.key: None}
    if isinstance(step.target, Derivative) and step.target.head == "P":
        return {"local_slope": None}
    found: dict[str, None] = {}
    for because in step.because:
        if because.cut_from is None:
            found["derived"] = None
            continue
        for inner in because.steps:
            found |= _reasons(inner)
    return found


def _letter_form(letter: str) -> Formula:
    """An index letter as a form to typeset."""
    return Name(letter)


def changed_between(before: Formula, after: Formula) -> tuple[Path, ...]:
    """The smallest parts of a line that differ from the line before.

    Nothing where the two have another shape, or where most parts differ: a mark
    around everything says nothing.
    """
    paths = _differing(before, after, ())
    if () in paths or not paths:
        return ()
    parts = len(after.body.children if isinstance(after, Minus) else after.children)
    top = {path[: 2 if isinstance(after, Minus) else 1] for path in paths}
    return () if parts > 1 and len(top) == parts else paths


def _differing(before: Formula, after: Formula, path: Path) -> tuple[Path, ...]:
    """Where two forms differ, as positions of whole parts in the second."""
    if before == after:
        return ()
    old, new = before.children, after.children
    alike = type(before) is type(after) and len(old) == len(new) and bool(new)
    if not alike or before.with_children(new) != after:
        return (path,)
    return tuple(
        found
        for place, (a, b) in enumerate(zip(old, new, strict=True))
        for found in _differing(a, b, (*path, place))
    )
