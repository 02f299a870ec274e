"""The normal form: fractions of polynomials in names, exponentials and the like.

Two forms with one normal form are equal wherever both are defined; that is a proof.
Forms with different normal forms may still be equal: this file never says "wrong".
"""

from collections.abc import Mapping
from math import lcm

from flint import fmpq, fmpq_mpoly
from flint.utils.flint_exceptions import DomainError

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.binding import renamed_bound, written_out
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Call,
    Delta,
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
    Body,
    corners,
    defined_slope,
    literal,
    unfolded_call,
)
from symbackprop.kernel.ring import (
    MAX_DEGREE,
    MAX_POLYNOMIAL,
    Crowded,
    Ratio,
    Rescale,
    Ring,
    rational,
    sign_of,
)

MAX_GENERATORS = (64, 1024)
MAX_WORK = 100_000


class Normal(Ring):
    """One comparison's ring: generators are numbered as they are met."""

    def ratio(self, form: Formula) -> Ratio:
        """The fraction that a form stands for."""
        self.work += 1
        if self.work > MAX_WORK:
            raise TooLarge(f"more than {MAX_WORK:,} parts")
        match form:
            case Num():
                value = form.value
                return self.ring.constant(fmpq(value.numerator, value.denominator)), (
                    self.one
                )
            case Name():
                return self.name(form)
            case Sum(terms):
                return self.sum(terms)
            case Product(factors):
                result = (self.one, self.one)
                for factor in factors:
                    result = self.times(result, self.ratio(factor))
                return result
            case Minus(body):
                top, bottom = self.ratio(body)
                return -top, bottom
            case Fraction(above, below):
                top, bottom = self.ratio(above)
                return self.divided(top, bottom, below)
            case Power(base, exponent):
                return self.power(base, exponent)
            case Call():
                return self.call(form)
            case Sigma(_, start, stop, _) if isinstance(start, Num) and isinstance(
                stop, Num
            ):
                return self.ratio(written_out(form))
            case Sigma() | Delta() | Derivative():
                return self.generator(self.atom(form)), self.one
            case _:
                raise TypeError(type(form).__name__)

    def name(self, name: Name) -> Ratio:
        """A name, or what it is unfolded to."""
        if name in self.unfold:
            if name not in self.seen:
                self.seen[name] = self.ratio(self.unfold[name])
            return self.seen[name]
        result = self.generator(name)
        if name in self.positive_names:
            self.sure(name)
        return result, self.one

    def atom(self, form: Formula) -> object:
        """The key of a part that stays closed: D, P, a symbolic Σ, a δ."""
        if isinstance(form, Derivative):
            if isinstance(form.of, Name):
                return form
            return ("derivative", form.head, self.key(form.of), form.by)
        if isinstance(form, Sigma):
            return ("sigma", text_of(renamed_bound(form, "_")))
        return form

    def sum(self, terms: tuple[Formula, ...]) -> Ratio:
        """A sum; equal denominators are not multiplied out."""
        top, bottom = self.zero, self.one
        for term in terms:
            above, below = self.ratio(term)
            if below == bottom:
                top = top + above
            else:
                sizes = len(top) * len(below) + len(above) * len(bottom)
                if sizes > 4 * MAX_POLYNOMIAL:
                    raise TooLarge("a common denominator with too many terms")
                top, bottom = top * below + above * bottom, bottom * below
                top, bottom = self.bounded(top, bottom)
        return self.bounded(top, bottom)

    def divided(self, top: fmpq_mpoly, bottom: fmpq_mpoly, by: Formula) -> Ratio:
        """A fraction over a form, which is recorded as nonzero."""
        above, below = self.ratio(by)
        if self.reduced(above).is_zero():
            raise Refused("algebra", f"{text_of(by)} is zero and stands below")
        if not (above.is_constant() or self.is_positive(above)):
            self.nonzero.append(by)
        return self.bounded(top * below, bottom * above)

    def power(self, base: Formula, exponent: Formula) -> Ratio:
        """Whole powers by multiplication, others through exp and log (base > 0)."""
        value = literal(exponent)
        if value is None:
            shape, below = self.ratio(exponent)
            if shape.is_constant() and below.is_constant():
                value = rational(shape / below.leading_coefficient())
        if value is not None and value.denominator == 1:
            top, bottom = self.ratio(base)
            count = abs(int(value))
            if value < 0:
                if self.reduced(top).is_zero():
                    raise Refused("algebra", f"{text_of(base)} is zero, to a power < 0")
                if not (top.is_constant() or self.is_positive(top)):
                    self.nonzero.append(base)
                top, bottom = bottom, top
            return self.raised((top, bottom), count)
        if value is not None and value.denominator == 2:
            root = Power(Call("sqrt", (base,)), Num(str(abs(value.numerator))))
            form = root if value > 0 else Fraction(Num("1"), root)
            return self.ratio(form)
        return self.ratio(Call("exp", (Product((exponent, Call("log", (base,)))),)))

    def call(self, form: Call) -> Ratio:
        """The elementary functions; defined ones are unfolded, general ones kept."""
        plain = defined_slope(form, self.functions)
        if plain is not None:
            value = Call(form.function, form.arguments)
            self.nonzero += corners(value, self.functions)
            return self.ratio(plain)
        function = self.functions.get(form.function)
        if function is not None and function.body is not None:
            return self.ratio(unfolded_call(form, function))
        if function is not None or form.slope is not None or not form.arguments:
            keys = tuple(self.key(argument) for argument in form.arguments)
            result = self.generator((form.function, form.slope, keys))
            if form.function == "pi":
                self.sure((form.function, None, ()))
            return result, self.one
        u = self.ratio(form.arguments[0])
        match form.function:
            case "exp":
                return self.exp(*u)
            case "log":
                if not (self.is_positive(u[0]) and self.is_positive(u[1])):
                    self.above_zero.append(form.arguments[0])
                return self.log(*u)
            case "sqrt":
                return self.sqrt(*u, form.arguments[0])
            case "erf":
                return self.erf(*u)
            case "step":
                return self.step(*u)
            case "abs":
                return self.absolute(*u)
            case "Max":
                return self.maximum(form.arguments)
            case _:
                raise Refused("algebra", f"{form.function} is not defined")

    def key(self, form: Formula) -> object:
        """The key of an argument: its normal form as text."""
        top, bottom = self.ratio(form)
        return str(self.reduced(top)), str(bottom)

    def exp(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """e^(a+b) = e^a e^b, one generator a monomial, whole powers of its unit."""
        above, below = self.one, self.one
        if not bottom.is_constant():
            top, bottom = self.bounded(self.reduced(top), bottom)
            sign = 1 if sign_of(top) > 0 else -1
            unit = self.generator(("exp", str(top * sign), str(bottom)))
            self.sure(("exp", str(top * sign), str(bottom)))
            return (unit, self.one) if sign > 0 else (self.one, unit)
        for powers, coefficient in self.reduced(
            top / bottom.leading_coefficient()
        ).terms():
            of, amount = self.monomial(powers), rational(coefficient)
            log = self.logs.get(self.single(powers))
            if log is not None and amount.denominator == 1:  # e^(n ln v) = v^n
                v_top, v_bottom = log
                if amount < 0:
                    v_top, v_bottom = v_bottom, v_top
                power = self.raised((v_top, v_bottom), abs(int(amount)))
                above, below = self.times((above, below), power)
                continue
            key = ("exp", str(of), "1")
            unit = self.units.setdefault(str(of), 1)
            if (amount * unit).denominator != 1:
                self.units[str(of)] = lcm(unit, amount.denominator)
                raise Rescale
            count = int(amount * unit)
            if abs(count) > MAX_DEGREE:
                raise TooLarge("an exponential with a large coefficient")
            grown = self.generator(key) ** abs(count)
            self.sure(key)
            above, below = (
                (above * grown, below) if count > 0 else (above, below * grown)
            )
        return self.bounded(above, below)

    def log(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """ln of a product is split only where every factor is known positive."""
        top = self.reduced(top)
        if self.is_positive(top) and self.is_positive(bottom):
            total = self.zero
            for part, sign in ((top, 1), (bottom, -1)):
                content = part.term_content()
                rest = part / content
                if not rest.is_one():
                    total = total + sign * self.log_generator(rest, self.one)
                for powers, coefficient in content.terms():
                    if coefficient != 1:
                        constant = self.ring.constant(coefficient)
                        total = total + sign * self.log_generator(constant, self.one)
                    for place, power in enumerate(powers):
                        if power:
                            number = self.room - 1 - place
                            piece = self.log_of_generator(number)
                            total = total + sign * power * piece
            return total, self.one
        return self.log_generator(top, bottom), self.one

    def log_of_generator(self, number: int) -> fmpq_mpoly:
        """ln of one positive generator; ln e^u is u again."""
        key = list(self.keys)[number]
        if isinstance(key, tuple) and key[0] == "exp" and key[2] == "1":
            for term in self.exponents():
                if str(term) == key[1]:
                    return term / self.units[str(term)]
        return self.log_generator(self.ring.gen(self.room - 1 - number), self.one)

    def exponents(self) -> list[fmpq_mpoly]:
        """Every monomial that stands in an exponent so far."""
        return [
            self.ring.constant(1) if text == "1" else self.parsed(text)
            for text in self.units
        ]

    def parsed(self, text: str) -> fmpq_mpoly:
        """A monomial from its text, such as g3*g5^2."""
        result = self.one
        for factor in text.split("*"):
            base, _, power = factor.partition("^")
            result = result * self.ring.gen(int(base[1:])) ** int(power or "1")
        return result

    def log_generator(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> fmpq_mpoly:
        """The generator that stands for ln(top/bottom)."""
        if top == bottom:
            return self.zero
        key = ("log", str(top), str(bottom))
        result = self.generator(key)
        self.logs[self.keys[key]] = (top, bottom)
        return result

    def sqrt(self, top: fmpq_mpoly, bottom: fmpq_mpoly, of: Formula) -> Ratio:
        """s with s² = u; the root of a square is the absolute value."""
        inner = self.reduced(top * bottom)
        try:
            root = inner.sqrt()
        except DomainError:
            root = None
        if root is not None:
            above = self.absolute(root, self.one)
        else:
            if not self.not_negative(inner):
                self.above_zero.append(of)  # >= 0 would do; there is no such relation
            above = (self.root_of(inner), self.one)
        under = self.absolute(bottom, self.one)
        return self.bounded(above[0] * under[1], above[1] * under[0])

    def erf(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """erf is odd."""
        top = self.reduced(top)
        if top.is_zero():
            return self.zero, self.one
        sign = 1 if sign_of(top) > 0 else -1
        result = self.generator(("erf", str(top * sign), str(bottom)))
        return result * sign, self.one

    def step(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """1 where u > 0, else 0; idempotent; a positive factor does not matter."""
        inner = self.reduced(top * bottom)
        if inner.is_constant():
            return (self.one if sign_of(inner) > 0 else self.zero), self.one
        if self.is_positive(inner):
            return self.one, self.one
        inner = inner / abs(inner.leading_coefficient())
        key = ("step", str(inner))
        fresh = key not in self.keys
        s = self.generator(key)
        if fresh:
            self.relations.append(s * s - s)
        return s, self.one

    def absolute(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """|u| = u (2 step(u) - 1), also at 0."""
        if top.is_constant() and bottom.is_constant():
            return (top if sign_of(top * bottom) >= 0 else -top), bottom
        if self.not_negative(top) and self.not_negative(bottom):
            return top, bottom
        sign = (
            1 if sign_of(top * bottom) > 0 else -1
        )  # |u| = |-u|: one generator for both
        pick, _ = self.step(top * sign, bottom)
        return top * sign * (2 * pick - 1), bottom

    def maximum(self, arguments: tuple[Formula, ...]) -> Ratio:
        """max(a, b) = ((a + b) + |a - b|) / 2."""
        top, bottom = self.ratio(arguments[0])
        for argument in arguments[1:]:
            above, below = self.ratio(argument)
            far = self.bounded(top * below - above * bottom, bottom * below)
            near = self.bounded(top * below + above * bottom, bottom * below)
            size = self.absolute(*far)
            top, bottom = self.bounded(
                near[0] * size[1] + size[0] * near[1], 2 * near[1] * size[1]
            )
        return top, bottom


def difference_is_zero(
    left: Formula,
    right: Formula,
    functions: Mapping[str, Body],
    unfold: Mapping[Name, Formula],
    positive: frozenset[Name] = frozenset(),
) -> tuple[bool, list[Formula], list[Formula]]:
    """Whether both normal forms agree; what was divided by; what ln was taken of.

    TooLarge where the bounded method gives up; Refused where a denominator is 0.
    """
    units: dict[str, int] = {}
    rooms = list(MAX_GENERATORS)
    for _ in range(16):
        ring = Normal(functions, unfold, positive, units, rooms[0])
        try:
            a_top, a_bottom = ring.ratio(left)
            b_top, b_bottom = ring.ratio(right)
        except Rescale:
            continue
        except Crowded:
            del rooms[0]
            if not rooms:
                raise TooLarge(f"more than {MAX_GENERATORS[-1]} quantities") from None
            units.clear()
            continue
        zero = ring.reduced(a_top * b_bottom - b_top * a_bottom).is_zero()
        return zero, ring.nonzero, [*ring.above_zero, *ring.consulted]
    raise TooLarge("exponents of too many different units")
