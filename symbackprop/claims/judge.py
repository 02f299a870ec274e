"""Every claim of an example judged, in the order of the file.

A claim agrees if its digits are those of the true value, or of the right formula on
what the author had printed, or right under one convention that makes everything right
that depends on it. All else differs for certain, or is undecided.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from symbackprop.claims.context import Context
from symbackprop.claims.conventions import ROWS, Convention, stated, under
from symbackprop.claims.diagnosis import diagnosed
from symbackprop.claims.formulas import formula_verdict
from symbackprop.claims.numbers import number_verdict
from symbackprop.claims.verdict import Verdict
from symbackprop.errors import InputError, TooLarge
from symbackprop.examples import Claim
from symbackprop.numeric.point import Undecided

Tell = Callable[[int, Claim], None]


def judged(context: Context, tell: Tell | None = None) -> tuple[Verdict, ...]:
    """A verdict for every claim, in file order, with the causes of what is wrong.

    `tell` is called with the number of each claim, from 1, before it is judged.
    """
    verdicts = Pass(context).run(tell)
    if all(verdict.outcome == "agrees" for verdict in verdicts):
        return verdicts
    for row in ROWS:
        excused = _excused(context, row, verdicts)
        if excused is not None:
            context, verdicts = excused
            break
    causes = diagnosed(context, verdicts)
    return tuple(
        replace(verdict, causes=found)
        for verdict, found in zip(verdicts, causes, strict=True)
    )


def _excused(
    context: Context, row: Convention, plain: Sequence[Verdict]
) -> tuple[Context, tuple[Verdict, ...]] | None:
    """The verdicts under a convention, if it makes all right that depends on it."""
    touched = [_is_touched(context, row, verdict.claim) for verdict in plain]
    open_ = [t and v.outcome != "agrees" for t, v in zip(touched, plain, strict=True)]
    other = under(context, row) if any(open_) else None
    if other is None:
        return None
    again = Pass(other).run(needed=touched)
    if len(again) < len(plain):
        return None
    pairs = zip(touched, plain, again, strict=True)
    return other, tuple(
        replace(new, kind="right under convention", convention=row.name)
        if touched and old.outcome != "agrees"
        else (old if old.outcome == "agrees" else new)
        for touched, old, new in pairs
    )


def _is_touched(context: Context, row: Convention, claim: Claim) -> bool:
    """Whether a claim that states no convention depends on one."""
    if claim.convention:
        return False
    forms = [claim.of, claim.formula] if claim.formula is not None else [claim.of]
    return any(row.touches(context, form) for form in forms)


class Pass:
    """One reading of all claims in order; each verdict may rest on earlier ones."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.verdicts: list[Verdict] = []
        self._others: dict[str, Context | None] = {}

    def run(
        self, tell: Tell | None = None, needed: Sequence[bool] = ()
    ) -> tuple[Verdict, ...]:
        """Judge them one by one, up to the first needed one that does not agree."""
        for index, claim in enumerate(self.context.claims):
            if tell is not None:
                tell(index + 1, claim)
            verdict = self._verdict(index, claim)
            if needed and needed[index] and not is_right(verdict):
                break
            self.verdicts.append(verdict)
        return tuple(self.verdicts)

    def _verdict(self, index: int, claim: Claim) -> Verdict:
        """One claim, under the convention that it states, if it does."""
        try:
            verdict = self._under(self.context, index, claim)
            name = claim.convention
            if not name or name == self.context.convention or is_right(verdict):
                return verdict
            under_it = self._under(self._stated(name), index, claim)
            kind = "right under convention" if is_right(under_it) else under_it.kind
            return replace(under_it, kind=kind, convention=name)
        except Undecided:
            return Verdict(claim, "undecided", reason="undecided_digits")
        except TooLarge as error:
            return _undecided(claim, "undecided_size", str(error))
        except InputError as error:
            return _undecided(claim, "undecided_value", _said(error))

    def _under(self, context: Context, index: int, claim: Claim) -> Verdict:
        """One claim in one context."""
        if claim.formula is not None:
            return formula_verdict(context, index, self.verdicts)
        return number_verdict(context, index, claim, self.verdicts)

    def _stated(self, name: str) -> Context:
        """The context under the convention that a claim states."""
        if name not in self._others:
            self._others[name] = stated(self.context, name)
        other = self._others[name]
        if other is None:
            raise InputError(f"the convention {name!r} says nothing of this example")
        return other


def is_right(verdict: Verdict) -> bool:
    """Whether a verdict agrees."""
    return verdict.outcome == "agrees"


def _undecided(claim: Claim, reason: str, detail: str) -> Verdict:
    """What could not be decided, and why."""
    return Verdict(claim, "undecided", reason=reason, detail=detail)


def _said(error: InputError) -> str:
    """An error without its place, which is the claim's."""
    return error.message + (f" ({error.hint})" if error.hint else "")
