"""Straight-line code as a list of register operations, for thousands of runs in balls.

Each operation is numbered by what it does to which registers, so that equal parts are
computed once. Nothing is generated as text; one run is one flat loop.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from symbackprop.errors import InputError
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
    Sum,
)
from symbackprop.numeric.evaluate import Arithmetic, whole_exponent
from symbackprop.numeric.program import Assignment, Atom


class Registers:
    """Lines over inputs, run again and again in one arithmetic.

    `inputs` and `outputs` are atoms; a call takes values in the order of the inputs
    and gives those of the outputs.
    """

    def __init__(
        self,
        lines: Iterable[Assignment],
        inputs: Sequence[Atom],
        outputs: Sequence[Atom],
        arithmetic: Arithmetic,
    ) -> None:
        """Number every part of every line; constants are made once, here."""
        self.arithmetic = arithmetic
        self.first: list[Any] = [None] * len(inputs)
        self.code: list[tuple[Callable[[Any, Any], Any], int, int, int]] = []
        self._numbers: dict[object, int] = {}
        self._places: dict[Atom, int] = {atom: n for n, atom in enumerate(inputs)}
        for line in lines:
            self._places[line.atom] = self._register(line.form)
        missing = [atom for atom in outputs if atom not in self._places]
        if missing:
            raise InputError(f"{missing[0]} is computed nowhere")
        self.outputs = [self._places[atom] for atom in outputs]

    def __call__(self, values: Sequence[Any]) -> list[Any]:
        """The outputs at values of the inputs."""
        registers = self.first.copy()
        registers[: len(values)] = values
        for operation, place, left, right in self.code:
            registers[place] = operation(registers[left], registers[right])
        return [registers[place] for place in self.outputs]

    def _register(self, form: Formula) -> int:
        """The register that will hold a form's value."""
        match form:
            case Num():
                return self._constant(self.arithmetic.number(form.value), form.text)
            case Name() | Derivative():
                if form not in self._places:
                    raise InputError(f"there is no value for {form}")
                return self._places[form]
            case Sum(terms):
                total = self._register(terms[0])
                for term in terms[1:]:
                    minus = isinstance(term, Minus)
                    right = self._register(term.body if minus else term)
                    act = operator.sub if minus else operator.add
                    total = self._operation(act.__name__, act, total, right)
                return total
            case Product(factors):
                product = self._register(factors[0])
                for factor in factors[1:]:
                    right = self._register(factor)
                    product = self._operation("mul", operator.mul, product, right)
                return product
            case Minus(body):
                inner = self._register(body)
                return self._operation("neg", _negative, inner, inner)
            case Fraction(top, bottom):
                above, below = self._register(top), self._register(bottom)
                return self._operation("div", operator.truediv, above, below)
            case Power(base, exponent):
                return self._power(self._register(base), exponent)
            case Call(function, arguments, slope):
                return self._call(function, arguments, slope)
            case _:
                raise InputError("a sum or a delta of symbolic size has no value")

    def _constant(self, value: object, key: object) -> int:
        """The register of a constant."""
        place = self._numbers.setdefault(("constant", key), len(self.first))
        if place == len(self.first):
            self.first.append(value)
        return place

    def _operation(
        self, key: object, act: Callable[[Any, Any], Any], left: int, right: int
    ) -> int:
        """The register of an operation on two registers, one for equal ones."""
        place = self._numbers.setdefault((key, left, right), len(self.first))
        if place == len(self.first):
            self.first.append(None)
            self.code.append((act, place, left, right))
        return place

    def _power(self, base: int, exponent: Formula) -> int:
        """A power; squares are products, which are faster and narrower."""
        power, whole = self.arithmetic.power, whole_exponent(exponent)
        if whole is None:
            return self._operation("power", power, base, self._register(exponent))
        if whole == 1:
            return base
        return self._operation(
            ("power", whole), lambda value, _: power(value, whole), base, base
        )

    def _call(
        self, function: str, arguments: tuple[Formula, ...], slope: int | None
    ) -> int:
        """A call; more than two arguments are handed over as a tuple."""
        call = self.arithmetic.call
        places = [self._register(argument) for argument in arguments]
        key = (function, slope, len(places))
        if not places:
            return self._constant(call(function, [], slope), key)
        if len(places) == 1:
            return self._operation(
                key, lambda a, _: call(function, [a], slope), places[0], places[0]
            )
        last = places.pop()
        gathered = self._operation("list", lambda a, _: [a], places[0], places[0])
        for place in places[1:]:
            gathered = self._operation("append", _appended, gathered, place)
        return self._operation(
            key, lambda some, one: call(function, [*some, one], slope), gathered, last
        )


def _negative(value: Any, _: object) -> Any:  # noqa: ANN401 - the arithmetic's type
    """The opposite."""
    return -value


def _appended(some: list[Any], one: Any) -> list[Any]:  # noqa: ANN401 - the same
    """A list and one more."""
    return [*some, one]
