"""The ring of one comparison: generators by key, bounds, relations, known signs."""

from collections.abc import Mapping
from fractions import Fraction as Rational
from math import comb

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx, fmpz

from symbackprop.errors import Refused, TooLarge
from symbackprop.formula.tree import Formula, Name
from symbackprop.kernel.calculus import Body

MAX_POLYNOMIAL = 4000
MAX_DEGREE = 400
MAX_SQUARE_BITS = 96

Ratio = tuple[fmpq_mpoly, fmpq_mpoly]


class Rescale(Exception):
    """An exponential needs a finer unit: e^(x/2) beside e^x."""


class Crowded(Exception):
    """More generators than the ring has."""


class Ring:
    """Fractions of polynomials over generators that are numbered as they are met."""

    def __init__(
        self,
        functions: Mapping[str, Body],
        unfold: Mapping[Name, Formula],
        positive: frozenset[Name],
        units: dict[str, int],
        room: int,
    ) -> None:
        self.functions = functions
        self.unfold = unfold
        self.positive_names = positive
        self.units = units
        self.room = room
        self.ring = fmpq_mpoly_ctx.get(("g", room), Ordering.lex)
        self.one = self.ring.constant(1)
        self.zero = self.ring.constant(0)
        self.keys: dict[object, int] = {}
        self.logs: dict[int, Ratio] = {}
        self.positive: set[int] = set()  # never negative
        self.strict: set[int] = set()  # never zero either
        self.relations: list[fmpq_mpoly] = []
        self.roots: list[Ratio] = []
        self.seen: dict[Name, Ratio] = {}
        self.work = 0
        self.consulted: dict[Name, None] = {}
        self.nonzero: list[Formula] = []
        self.above_zero: list[Formula] = []

    def generator(self, key: object) -> fmpq_mpoly:
        """The generator of a key; later ones rank higher, so that relations reduce."""
        number = self.keys.setdefault(key, len(self.keys))
        if number >= self.room:
            raise Crowded
        return self.ring.gen(self.room - 1 - number)

    def bounded(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """A fraction in lowest terms. TooLarge above the limit."""
        if self.relations:
            top, bottom = self.rationalised(self.reduced(top), self.reduced(bottom))
        if bottom.is_zero():
            raise Refused("algebra", "a denominator is zero")
        if len(top) + len(bottom) > MAX_POLYNOMIAL:
            raise TooLarge(f"a normal form of more than {MAX_POLYNOMIAL} terms")
        if not bottom.is_constant():
            common = top.gcd(bottom)
            if not common.is_constant():
                top, bottom = top / common, bottom / common
            if max(top.total_degree(), bottom.total_degree()) > MAX_DEGREE:
                raise TooLarge(f"a normal form of degree above {MAX_DEGREE}")
        lead = bottom.leading_coefficient()
        return (top, bottom) if lead == 1 else (top / lead, bottom / lead)

    def rationalised(self, top: fmpq_mpoly, bottom: fmpq_mpoly) -> Ratio:
        """A root below as a factor goes above: 1/s = s/u where s² = u."""
        for s, inner in self.roots:
            quotient, rest = divmod(bottom, s)
            if not bottom.is_zero() and rest.is_zero():
                top, bottom = self.reduced(top * s), self.reduced(quotient * inner)
        return top, bottom

    def times(self, a: Ratio, b: Ratio) -> Ratio:
        """A product; TooLarge before it is multiplied out, not after."""
        if len(a[0]) * len(b[0]) + len(a[1]) * len(b[1]) > 4 * MAX_POLYNOMIAL:
            raise TooLarge("a product with too many terms")
        return self.bounded(a[0] * b[0], a[1] * b[1])

    def raised(self, of: Ratio, count: int) -> Ratio:
        """A whole power ≥ 0; TooLarge before it is expanded."""
        for part in of:
            if part.total_degree() * count > MAX_DEGREE:
                raise TooLarge(f"a power of degree above {MAX_DEGREE}")
            terms = len(part)
            if terms > 1 and comb(count + terms - 1, terms - 1) > MAX_POLYNOMIAL:
                raise TooLarge(f"the power {count} of a sum is too large to expand")
            if part.is_constant() and count > MAX_DEGREE:
                raise TooLarge(f"the power {count} of a number is too large")
        return self.bounded(of[0] ** count, of[1] ** count)

    def monomial(self, powers: tuple[int, ...]) -> fmpq_mpoly:
        """The monomial of an exponent vector."""
        return self.ring.from_dict({powers: 1})

    def single(self, powers: tuple[int, ...]) -> int:
        """The number of the one generator of a monomial, or -1."""
        if sum(powers) != 1:
            return -1
        return self.room - 1 - powers.index(1)

    def sure(self, key: object) -> None:
        """The generator of a key is greater than 0."""
        self.positive.add(self.keys[key])
        self.strict.add(self.keys[key])

    def is_positive(self, top: fmpq_mpoly) -> bool:
        """Whether no term is negative and one is greater than 0 wherever it is real."""
        return self.not_negative(top) and any(
            all(
                not power or self.room - 1 - place in self.strict
                for place, power in enumerate(powers)
            )
            for powers, _ in top.terms()
        )

    def consult(self, top: fmpq_mpoly) -> None:
        """Remember which assumed signs a judgement has looked at."""
        if not self.positive_names:
            return
        keys = list(self.keys)
        for powers, _ in top.terms():
            for place, power in enumerate(powers):
                if power:
                    key = keys[self.room - 1 - place]
                    if isinstance(key, Name) and key in self.positive_names:
                        self.consulted[key] = None

    def not_negative(self, top: fmpq_mpoly) -> bool:
        """Whether each coefficient is, and each odd power is of what never is < 0."""
        self.consult(top)
        return all(
            coefficient > 0
            and all(
                power % 2 == 0 or self.room - 1 - place in self.positive
                for place, power in enumerate(powers)
            )
            for powers, coefficient in top.terms()
        )

    def root_of(self, inner: fmpq_mpoly) -> fmpq_mpoly:
        """√ of a polynomial: squares and known positive factors are taken out."""
        result = self.one
        content = inner.term_content()
        for powers, coefficient in content.terms():
            if coefficient < 0:
                continue
            for place, power in enumerate(powers):
                number = self.room - 1 - place
                if power and number in self.positive and inner != self.ring.gen(place):
                    factor = self.ring.gen(place)
                    inner = inner / factor**power
                    result = result * factor ** (power // 2)
                    if power % 2:
                        result = result * self.root_generator(factor)
        outside = square_factor(rational(inner.leading_coefficient()))
        inner = inner / outside**2
        if inner.is_one():
            return result * outside
        return result * outside * self.root_generator(inner)

    def root_generator(self, inner: fmpq_mpoly) -> fmpq_mpoly:
        """The generator s with s² = u."""
        key = ("sqrt", str(inner))
        fresh = key not in self.keys
        s = self.generator(key)
        self.positive.add(self.keys[key])
        if self.is_positive(inner):
            self.strict.add(self.keys[key])
        if fresh:
            self.relations.append(s * s - inner)
            self.roots.append((s, inner))
        return s

    def reduced(self, top: fmpq_mpoly) -> fmpq_mpoly:
        """The remainder by the relations of roots and steps: zero means zero."""
        for relation in reversed(self.relations):
            top = divmod(top, relation)[1]
        return top


def sign_of(top: fmpq_mpoly) -> int:
    """The sign of the leading coefficient; 0 for zero."""
    if top.is_zero():
        return 0
    return 1 if top.leading_coefficient() > 0 else -1


def square_factor(value: Rational) -> fmpq:
    """The largest rational whose square divides a number's digits: 2/3 for 8/9."""
    inside = abs(value.numerator * value.denominator)
    root = 1
    if 0 < inside.bit_length() <= MAX_SQUARE_BITS:
        for prime, power in fmpz(inside).factor():
            root *= int(prime) ** (int(power) // 2)
    return fmpq(root, value.denominator)


def rational(value: fmpq | fmpq_mpoly) -> Rational:
    """A flint rational, or a constant polynomial, as Python's."""
    if isinstance(value, fmpq_mpoly):
        value = value.leading_coefficient() if not value.is_zero() else fmpq(0)
    return Rational(int(value.p), int(value.q))
