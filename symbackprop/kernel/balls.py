"""Balls at a point: two disjoint ones prove that two forms differ.

Every name is evaluated through its definition, nothing stays closed, so that a
refutation speaks of the real functions.
"""

from collections.abc import Mapping
from fractions import Fraction as Rational
from random import Random

from flint import arb, ctx, fmpq

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.binding import written_out
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
)
from symbackprop.kernel.calculus import (
    defined_slope,
    derivative,
    gradient,
    literal,
    product_of,
    sum_of,
    unfolded_call,
)
from symbackprop.kernel.definitions import Definitions

POINTS = 12
SEEDS = 96
PRECISIONS = (128, 1024)
MAX_WORK = 20_000


class Unbounded(Exception):
    """No finite ball at this point, or too much work."""


class Balls:
    """One point: leaves have rational values, the rest follows."""

    def __init__(self, definitions: Definitions, seed: int) -> None:
        self.definitions = definitions
        self.random = Random(seed)  # noqa: S311 - test points, no secrets
        # Most points are near 0, where little cancels; some are far out.
        self.spread = 64 if seed % 4 == 3 else 1
        self.leaves: dict[Name, Rational] = {}
        self.values: dict[Name, arb] = {}
        self.shapes: dict[str, list[Rational]] = {}
        self.work = 0
        self.outside = False

    def restart(self) -> None:
        """Forget balls, keep the point: for another precision."""
        self.values.clear()
        self.work = 0

    def leaf(self, name: Name) -> Rational:
        """The value of a leaf: of both signs, small, and as the assumptions ask."""
        if name not in self.leaves:
            value = Rational(self.random.randint(-300, 300), 128) * self.spread
            for assumption in self.definitions.assumptions:
                if assumption.relation == ">" and assumption.left == name:
                    low = literal(assumption.right)
                    if low is not None:
                        value = low + abs(value) + Rational(1, 64)
            for assumption in self.definitions.assumptions:
                if assumption.relation == ">" and assumption.right == name:
                    high = literal(assumption.left)
                    if high is not None and value >= high:
                        value = high * self.random.randint(1, 99) / 100
            self.leaves[name] = value
        return self.leaves[name]

    def admits(self) -> bool:
        """Whether every assumption holds here; equations are met by moving a leaf."""
        for assumption in self.definitions.assumptions:
            if assumption.relation == "=":
                self.meet(assumption)
        for assumption in self.definitions.assumptions:
            gap = self.value(assumption.left) - self.value(assumption.right)
            holds = (
                bool(gap.is_zero())
                if assumption.relation == "="
                else gap > 0
                if assumption.relation == ">"
                else not gap.contains(0)
            )
            if not holds:
                self.outside = True
                return False
        return True

    def meet(self, assumption: Assumption) -> None:
        """Move one leaf of a sum, so that the sum is what it is assumed to be."""
        left = assumption.left
        terms = left.terms if isinstance(left, Sum) else (left,)
        gap = self.value(left) - self.value(assumption.right)
        for term in terms:
            if isinstance(term, Name) and term in self.leaves and gap.is_exact():
                exact = gap.fmpq()
                self.leaves[term] -= Rational(int(exact.p), int(exact.q))
                self.values.clear()
                return

    def name(self, name: Name) -> arb:
        """The value of a name through its definition."""
        if name not in self.values:
            body = self.definitions.body(name)
            if body is None:
                value = self.leaf(name)
                self.values[name] = arb(fmpq(value.numerator, value.denominator))
            else:
                self.values[name] = self.value(body)
        return self.values[name]

    def value(self, form: Formula) -> arb:
        """The ball of a form."""
        self.work += 1
        if self.work > MAX_WORK:
            raise Unbounded
        match form:
            case Num():
                exact = form.value
                return arb(fmpq(exact.numerator, exact.denominator))
            case Name():
                return self.name(form)
            case Sum(terms):
                return sum((self.value(term) for term in terms), arb(0))
            case Product(factors):
                result = arb(1)
                for factor in factors:
                    result = result * self.value(factor)
                return result
            case Minus(body):
                return -self.value(body)
            case Fraction(top, bottom):
                return self.value(top) / self.value(bottom)
            case Power(base, exponent):
                exact = literal(exponent)
                if exact is not None and exact.denominator == 1:
                    return self.value(base) ** int(exact)
                return self.value(base) ** self.value(exponent)
            case Call():
                return self.call(form)
            case Derivative(head, of, by):
                return self.value(self.slope(head, of, by))
            case Sigma():
                return self.value(written_out(form))
            case _:
                raise Unbounded

    def slope(self, head: str, of: Formula, by: Name) -> Formula:
        """A derivative as a form without D and P."""
        functions = self.definitions.functions
        if head == "P":
            body = self.definitions.body(of) if isinstance(of, Name) else of
            return derivative(body if body is not None else of, by, functions)
        if of == by:
            return Num("1")
        body = self.definitions.body(of) if isinstance(of, Name) else of
        if body is None:
            return Num("0")
        return sum_of(
            tuple(
                product_of((part, Derivative("D", name, by)))
                for name, part in gradient(body, functions).items()
                if self.definitions.depends(name, by)
            )
        )

    def call(self, form: Call) -> arb:
        """An elementary function, a defined one, or a random smooth general one."""
        plain = defined_slope(form, self.definitions.functions)
        if plain is not None:
            return self.value(plain)
        function = self.definitions.functions.get(form.function)
        if function is not None and function.body is not None:
            return self.value(unfolded_call(form, function))
        if form.function == "pi":
            return arb.pi()
        values = [self.value(argument) for argument in form.arguments]
        if function is not None or form.slope is not None:
            return self.general(form, values)
        u = values[0]
        match form.function:
            case "exp" | "log" | "sqrt" | "erf":
                return getattr(u, form.function)()
            case "abs":
                return abs(u)
            case "step":
                if u.contains(0):
                    raise Unbounded
                return arb(1) if u > 0 else arb(0)
            case "Max":
                for value in values[1:]:
                    u = u.max(value)
                return u
            case _:
                raise Unbounded

    def general(self, form: Call, values: list[arb]) -> arb:
        """A cubic with seeded coefficients stands for a function left general."""
        shape = self.shapes.setdefault(
            form.function,
            [
                Rational(self.random.randint(-64, 64), 32)
                for _ in range(3 * len(values) + 1)
            ],
        )
        cubic = [arb(fmpq(c.numerator, c.denominator)) for c in shape]
        mixed = arb(1)
        for value in values:
            mixed = mixed * value
        if form.slope is None:
            total = cubic[0] * mixed if len(values) > 1 else arb(0)
            for place, u in enumerate(values):
                a, b, c = cubic[3 * place + 1 : 3 * place + 4]
                total = total + a * u + b * u**2 + c * u**3
            return total
        others = arb(1)
        for place, value in enumerate(values):
            others = others * value if place != form.slope else others
        u = values[form.slope]
        a, b, c = cubic[3 * form.slope + 1 : 3 * form.slope + 4]
        base = cubic[0] * others if len(values) > 1 else arb(0)
        return base + a + 2 * b * u + 3 * c * u**2


def refuting_point(
    left: Formula, right: Formula, definitions: Definitions
) -> Mapping[str, str] | None:
    """A point where both sides are finite and differ for certain, or None.

    Only points at which every assumption holds for certain count.
    """
    before = ctx.prec
    tried = 0
    try:
        for seed in range(SEEDS):
            point = Balls(definitions, seed)
            found = _differs_at(point, left, right)
            if found is not None:
                return found
            tried += not point.outside
            if tried >= POINTS:
                break
    finally:
        ctx.prec = before
    return None


def _differs_at(
    point: Balls, left: Formula, right: Formula
) -> Mapping[str, str] | None:
    """The point in words, if the two balls there exclude each other."""
    for precision in PRECISIONS:
        ctx.prec = precision
        point.restart()
        try:
            a, b = point.value(left), point.value(right)
            if not point.admits():
                return None
            a, b = point.value(left), point.value(right)
        except (Unbounded, Refused, ZeroDivisionError, ValueError, TooLarge):
            return None
        if not (a.is_finite() and b.is_finite()):
            return None
        if not a.overlaps(b):
            words = {name.id: str(value) for name, value in point.leaves.items()}
            short = {"left side": a.str(20, radius=False)}
            short["right side"] = b.str(20, radius=False)
            return {**words, **short}
    return None
