"""One printed number: exact, carried, inherited or wrong, and how.

What an author computed from is tried in turn: the right numbers printed before, all
of them, the wrong ones alone. Whatever gives the printed digits tells the kind.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from flint import arb, ctx

from symbackprop.claims.context import Context, lands, plain_key
from symbackprop.claims.printed import Printed, printed_of
from symbackprop.claims.values import Key, Moment, Values
from symbackprop.claims.verdict import Closer, Operand, Verdict
from symbackprop.errors import InputError, TooLarge
from symbackprop.examples import Claim
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Formula, Minus
from symbackprop.numeric.point import FIRST_BITS, Ball, ball

DIGITS = 20
"""So many digits of the true value are given; fewer where they are all there is."""

MAX_SPREAD = 5
"""What may follow from a wrong number reaches over at most so many units."""
NEAR = 2
"""A last digit is off by at most so many units."""

Operands = dict[Key, Operand]


def number_verdict(
    context: Context, index: int, claim: Claim, verdicts: Sequence[Verdict]
) -> Verdict:
    """The verdict on a printed number, given those on the claims before it."""
    return _Number(context, index, claim, verdicts).verdict()


class _Number:
    """One printed number, and what its author had printed before."""

    def __init__(
        self, context: Context, index: int, claim: Claim, verdicts: Sequence[Verdict]
    ) -> None:
        assert claim.printed is not None
        self.context, self.index, self.claim = context, index, claim
        self.verdicts = verdicts
        self.by_claim = {id(verdict.claim): verdict for verdict in verdicts}
        self.printed = printed_of(claim.printed)
        self.moment = context.moment(claim)
        self.own = plain_key(context.key(claim.of, self.moment))
        self.sign = isinstance(context.reads(claim.of), Minus)
        self.form = context.resolved(claim.of)
        self.point = context.point(self.moment)
        self._roots: dict[int, Claim | None] = {}

    def verdict(self) -> Verdict:
        """Exact, carried, inherited or wrong."""
        point, form, printed = self.point, self.form, self.printed
        digits, rational = point.digits(form, DIGITS)
        exact = Verdict(
            self.claim,
            "exact",
            expected=expected_digits(point, form, printed),
            exact=digits,
            rational=rational,
            true=form,
        )
        if lands(point, form, printed):
            return exact
        right, wrong = self._reproduced()
        if right is not None:
            return replace(exact, kind="carried", operands=right)
        if wrong is not None:
            roots = [root for o in wrong if (root := self._root(o)) is not None]
            first = min(roots, key=self._place)
            return replace(exact, kind="inherited", root=first, operands=wrong)
        carried, operands = self._carried_digits(exact.expected)
        return replace(
            exact,
            kind="wrong",
            closer=self._closer(),
            right_to=point.decided(form, printed.right_to),
            carried=carried,
            operands=operands,
        )

    def _place(self, claim: Claim) -> int:
        """Where a claim stands in the file; one made of an operand stands here."""
        return next(
            (n for n, v in enumerate(self.verdicts) if v.claim is claim), self.index
        )

    def _closer(self) -> Closer:
        """How a wrong number is wrong."""
        point, form, printed = self.point, self.form, self.printed
        if point.decided(form, printed.truncates):
            return "truncated"
        units = point.decided(form, printed.units_from)
        if units <= NEAR and point.decided(form, printed.is_sized_as):
            return "last digit"
        return "sign" if lands(point, Minus(form), printed) else "other"

    # ---- what the author may have computed from

    def _reproduced(
        self,
    ) -> tuple[tuple[Operand, ...] | None, tuple[Operand, ...] | None]:
        """The right operands that give the digits, or else those with wrong ones."""
        inherited: tuple[Operand, ...] | None = None
        ways = product(self._trials(), (False, True), self._formulas())
        for operands, near, (moment, form) in ways:
            values = self.context.on(operands, moment, near=near)
            used = self._lands_on(values, form)
            if used and not any(map(self._root, used)):
                return used, None
            inherited = inherited or used
        return None, inherited or self._follows_from_wrong()

    def _trials(self) -> Iterator[Operands]:
        """Which printed values to compute from: right ones first, each set once."""
        stated = self.context.stated(self.index) if self._is_listed else {}
        earlier = self.context.earlier(self.index)
        wrong = {k: o for k, o in earlier if self._root(o) is not None}
        numbers = [(k, o) for k, o in earlier if o.number is not None and k != self.own]
        right = {k: o for k, o in numbers if self._root(o) is None}
        seen: list[Operands] = []
        for trial in (
            {**right, **stated},
            {**dict(numbers), **stated},
            {**right, **wrong, **stated},
            wrong,
        ):
            if trial and trial not in seen:
                seen.append(trial)
                yield trial

    @property
    def _is_listed(self) -> bool:
        """Whether this is a claim of the file, not an operand stated in one."""
        return self.claim is self.context.claims[self.index]

    def _formulas(self) -> Iterator[tuple[Moment, Formula]]:
        """Every right formula of the quantity, the author's own among them."""
        for form in self.context.forms(self.claim.of):
            yield self.moment, form
        yield self.own[1], Minus(self.own[0]) if self.sign else self.own[0]
        for key, operand in self.context.earlier(self.index):
            own = operand.form if key == self.own else None
            if own is not None and self._root(operand) is None:
                own = self.context.truth.resolved(own)
                yield self.moment, Minus(own) if self.sign else own

    def _lands_on(self, values: Values, form: Formula) -> tuple[Operand, ...] | None:
        """The operands on which a formula gives the printed digits."""
        try:
            used = values.used(form)
            return used if used and lands(values, form, self.printed) else None
        except (InputError, TooLarge):
            return None

    def _follows_from_wrong(self) -> tuple[Operand, ...] | None:
        """The wrong numbers from which the digits follow with more digits carried.

        A printed number stands for all that are printed so. What comes out of that
        has to be narrow, or it would excuse anything.
        """
        sets = [{k: o for k, o in t.items() if k != self.own} for t in self._trials()]
        for operands in reversed(sets):  # those with the fewest right numbers first
            wrong = frozenset(k for k, o in operands.items() if self._root(o))
            if not wrong:
                continue
            for moment, form in self._formulas():
                values = self.context.on(operands, moment, wide=wrong)
                try:
                    used = values.used(form)
                    if any(map(self._root, used)) and self._leads_here(values, form):
                        return used
                except (InputError, TooLarge):
                    continue
        return None

    def _leads_here(self, values: Values, form: Formula) -> bool:
        """Whether a form may give the printed digits and cannot give the true ones."""
        value = values.value(form)
        if not may_be(value, self.printed):
            return False
        with ctx.workprec(FIRST_BITS):
            gap = ball(value) - ball(self.point.value(self.form))
        return not gap.contains(0)

    def _carried_digits(self, expected: str) -> tuple[str, tuple[Operand, ...]]:
        """What the right printed operands would have given, where that differs."""
        trial = {
            key: o
            for key, o in next(self._trials(), {}).items()
            if self._root(o) is None
        }
        for moment, form in self._formulas():
            values = self.context.on(trial, moment)
            try:
                used = values.used(form)
                text = values.decided(form, self.printed.like)
            except (InputError, TooLarge):
                continue
            if used and text != expected:
                return text, used
        return "", ()

    def _root(self, operand: Operand) -> Claim | None:
        """The claim that makes an operand wrong; None for one that is not."""
        if id(operand) not in self._roots:
            self._roots[id(operand)] = self._found_root(operand)
        return self._roots[id(operand)]

    def _found_root(self, operand: Operand) -> Claim | None:
        """The same, looked up or judged."""
        if operand.claim is not self.claim:
            verdict = self.by_claim.get(id(operand.claim))
            if verdict is None or verdict.outcome != "differs":
                return None
            return verdict.root or verdict.claim
        for key, other in reversed(self.context.earlier(self.index)):
            if key[0] == operand.atom and other.value == operand.value:
                return self._root(other)
        assert operand.number is not None
        stated = replace(
            self.claim,
            quantity=text_of(operand.atom),
            of=operand.atom,
            printed=operand.number.text,
            operands={},
            expect=None,
        )
        verdict = number_verdict(self.context, self.index, stated, self.verdicts)
        return (verdict.root or stated) if verdict.outcome == "differs" else None


def may_be(value: Ball, printed: Printed) -> bool:
    """Whether a narrow ball meets what is printed so."""
    if isinstance(value, arb):
        unit = arb(str(printed.unit.numerator)) / arb(str(printed.unit.denominator))
        if not value.is_finite() or not arb(value.rad()) < MAX_SPREAD * unit:
            return False
    return printed.holds(value) is not False


def expected_digits(point: Values, form: Formula, printed: Printed) -> str:
    """The true digits at the printed place; as many as printed where all are 0."""
    text = point.decided(form, printed.like)
    if not set(text.partition("e")[0]) & set("123456789"):
        return point.rounded(form, max(printed.significant, 1))
    return text
