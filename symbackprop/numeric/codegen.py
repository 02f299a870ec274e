# pyright: reportArgumentType=false, reportReturnType=false, reportPrivateUsage=false
# (SymPy annotates its own classes only in part)
"""A program as Python code, made by SymPy's `lambdify` from the graph's own lines.

The lines go through the `cse` hook: no substitution, no swelling. Generated code knows
v0, v1, … alone; what a file or a user names stands in comments and string literals.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import FunctionType
from typing import Any

import sympy
from sympy.core.function import AppliedUndef

from symbackprop.errors import InputError
from symbackprop.formula.door import to_sympy
from symbackprop.formula.text import atom_id, text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Name
from symbackprop.numeric.point import Point, Unsettled, ball
from symbackprop.numeric.program import Assignment, Program, atoms_of
from symbackprop.numeric.reduction import ROWS, Sums
from symbackprop.numeric.straight import straightened

_RENAMED = {"Max": "highest"}
_LARGE = 10**6


@dataclass(frozen=True)
class Code:
    """Generated code: outputs over arguments, with what each line computes.

    `outputs` are atoms. With `columns`, the arguments that have one row a sample, each
    comes out summed over the rows, whose number is one more argument.
    """

    program: Program
    outputs: tuple[Formula, ...]
    columns: frozenset[Formula] | None = None

    @cached_property
    def lines(self) -> tuple[Assignment, ...]:
        """The lines that the outputs need, shared parts first."""
        base = "t"
        atoms = [line.atom for line in self.program.lines]
        names = [atom for atom in atoms if isinstance(atom, Name)]
        taken = {name.base for name in (*names, *self.program.arguments)}
        while base in taken:
            base += "_"
        return straightened(self.program.lines, self.outputs, base)

    @cached_property
    def _symbols(self) -> dict[Formula, sympy.Symbol]:
        """A generated symbol for each atom; a line that only renames has none."""
        symbols: dict[Formula, sympy.Symbol] = {}
        for name in self.program.arguments:
            symbols[name] = sympy.Symbol(f"v{len(symbols)}")
        count = len(symbols)
        for line in self.lines:
            if line.form in symbols:
                symbols[line.atom] = symbols[line.form]
            else:
                symbols[line.atom] = sympy.Symbol(f"v{count}")
                count += 1
        return symbols

    @cached_property
    def functions(self) -> dict[str, str]:
        """General functions and their slopes by generated name, with how they read."""
        found: dict[str, str] = {}
        for number, (name, arity) in enumerate(sorted(self.program.general.items())):
            found[f"g{number}"] = name
            for place in range(arity):
                found[f"g{number}_{place}"] = f"{name}, slope {place + 1}"
        return found

    def _expression(self, form: Formula) -> sympy.Expr:
        """A form over generated names."""
        return to_sympy(form, self._symbols.__getitem__, self._call)

    def _call(self, form: Call, arguments: list[sympy.Expr]) -> sympy.Expr:
        """A function of the generated code: one of its helpers, or a user's own."""
        if form.function == "pi":
            return sympy.pi
        if form.function in self.program.general:
            number = sorted(self.program.general).index(form.function)
            slope = "" if form.slope is None else f"_{form.slope}"
            return sympy.Function(f"g{number}{slope}")(*arguments)
        if not atoms_of(form) and (value := _constant(form)) is not None:
            return value
        name = form.function.rstrip("0123456789")  # log_share3 takes three
        return sympy.Function(_RENAMED.get(name, name))(*arguments)

    @cached_property
    def _expressions(self) -> list[tuple[Assignment, sympy.Symbol, sympy.Expr]]:
        """Each line that computes something, as SymPy sees it."""
        symbols = self._symbols
        return [
            (line, symbols[line.atom], self._expression(line.form))
            for line in self.lines
            if line.form not in symbols
        ]

    @cached_property
    def _results(self) -> tuple[list[sympy.Expr], set[Formula]]:
        """What is returned, and the lines whose values only a sum stands for."""
        if self.columns is None:
            return [self._symbols[atom] for atom in self.outputs], set()
        sums = Sums(self.lines, self.outputs, self.columns, self._expression)
        return [sums.of(atom) for atom in self.outputs], sums.gone

    @cached_property
    def function(self) -> FunctionType:
        """The generated function; its globals are empty but for what is bound."""
        results, gone = self._results
        lines = [
            (symbol, expression)
            for line, symbol, expression in self._expressions
            if line.atom not in gone
        ]
        arguments = [self._symbols[name] for name in self.program.arguments]
        if self.columns is not None:
            arguments.append(ROWS)

        def given(_: object) -> tuple[list[tuple[sympy.Symbol, sympy.Expr]], Any]:
            """The graph's own lines, in place of what SymPy would look for."""
            return lines, results

        return sympy.lambdify(
            arguments, results, [{}], printer=_python, cse=given, docstring_limit=0
        )

    def bound(self, names: Mapping[str, Any]) -> FunctionType:
        """The function over what its calls stand for: floats', columns', a user's."""
        return FunctionType(self.function.__code__, dict(names), "gradient")

    @cached_property
    def source(self) -> str:
        """The generated function's own text, one equation a line in comments."""
        results, gone = self._results
        text = [f"def gradient({', '.join(self._parameters())}):"]
        computed = {line.atom: (s, e) for line, s, e in self._expressions}
        for line in self.lines:
            text.append(f"    # {equation(line)}")
            if line.atom in computed and line.atom not in gone:
                symbol, expression = computed[line.atom]
                text.append(f"    {symbol.name} = {_python(expression)}")
        text.append(f"    return {', '.join(map(_python, results))},")
        return "\n".join(text) + "\n"

    def _parameters(self) -> list[str]:
        """The arguments' generated names, in order."""
        names = [self._symbols[name].name for name in self.program.arguments]
        return [*names, *([ROWS.name] if self.columns is not None else [])]


def _constant(form: Formula) -> sympy.Rational | None:
    """The float next to a form of numbers alone: NumPy's own √2 would widen float32."""
    try:
        value = float(ball(Point((), {}).value(form)))
    except (InputError, Unsettled):
        return None  # it has no value: said when it is asked for
    return sympy.Rational(value) if math.isfinite(value) else None


def equation(line: Assignment) -> str:
    """What a line computes, in ids, fit for a comment: one line of plain ASCII."""
    text = f"{_said(line.atom)} = {text_of(line.form, derivative=_said)}"
    return plain(text)


def plain(text: str) -> str:
    """A text without anything that could end a comment."""
    return re.sub(r"[^ -~]", "?", text)


def _said(atom: Formula) -> str:
    """An atom as an id."""
    return atom_id(atom) if isinstance(atom, Derivative) else text_of(atom)


def _python(expression: sympy.Expr) -> str:
    """An expression over generated names as Python; a whole number as a float."""
    text = _spelt(expression)[0]
    whole = isinstance(expression, sympy.Integer) and text.lstrip("-").isdigit()
    return f"{text}.0" if whole else text


_SUM, _PRODUCT, _POWER, _ATOM = range(4)


def _spelt(expression: sympy.Expr) -> tuple[str, int]:
    """The text of an expression and how tightly it binds."""
    if isinstance(expression, sympy.Symbol):
        return expression.name, _ATOM
    if isinstance(expression, sympy.Number):
        return _number(expression)
    if expression is sympy.pi:
        return "3.141592653589793", _ATOM
    if isinstance(expression, sympy.Add):
        return _added(expression), _SUM
    if isinstance(expression, sympy.Mul):
        return _multiplied(expression)
    if isinstance(expression, sympy.Pow):
        return _raised(expression.base, expression.exp)
    if not isinstance(expression, AppliedUndef):
        raise InputError(
            "a constant in a formula is no real number",
            hint="look for a division by zero or a root of a negative number",
        )
    arguments = ", ".join(_spelt(argument)[0] for argument in expression.args)
    return f"{expression.func.__name__}({arguments})", _ATOM


def _number(value: sympy.Number) -> tuple[str, int]:
    """A rational: a short fraction as it is, else the float nearest to it."""
    if not isinstance(value, sympy.Rational):
        raise InputError(f"the constant {value} has no value as a number")
    top, bottom = int(value.p), int(value.q)
    binds = _SUM if top < 0 else _ATOM
    if abs(top) < _LARGE and bottom == 1:
        return str(top), binds
    if abs(top) < _LARGE and bottom < _LARGE:
        return f"{top}/{bottom}", min(binds, _PRODUCT)
    try:
        return repr(top / bottom), binds
    except OverflowError:
        bits = top.bit_length() - bottom.bit_length()
        raise InputError(
            f"a number of about {bits * 30103 // 100000:,} digits is too large"
        ) from None


def _added(expression: sympy.Add) -> str:
    """A sum, differences as differences, positive terms first."""
    signs = {term: term.as_coeff_Mul()[0].is_negative for term in expression.args}
    text = ""
    for term, minus in sorted(signs.items(), key=lambda pair: bool(pair[1])):
        body, binds = _spelt(-term if minus else term)
        if binds == _SUM:
            body = f"({body})"
        if not text:
            text = ("-" if minus else "") + body
        else:
            text += (" - " if minus else " + ") + body
    return text


def _multiplied(expression: sympy.Mul) -> tuple[str, int]:
    """A product over a product, the sign in front."""
    coefficient, factors = expression.as_coeff_mul()
    top: list[str] = []
    bottom: list[str] = []
    size = abs(coefficient)
    if size != 1:
        text, binds = _number(size)
        top.append(text if binds == _ATOM else f"({text})")
    for factor in factors:
        if isinstance(factor, sympy.Pow) and factor.exp.as_coeff_Mul()[0].is_negative:
            below = (
                factor.base if factor.exp == -1 else sympy.Pow(factor.base, -factor.exp)
            )
            bottom.append(_wrapped(below))
        else:
            top.append(_wrapped(factor))
    text = "*".join(top) or "1"
    if bottom:
        below = bottom[0] if len(bottom) == 1 else f"({'*'.join(bottom)})"
        text = f"{text}/{below}"
    return (f"-{text}", _SUM) if coefficient < 0 else (text, _PRODUCT)


def _wrapped(factor: sympy.Expr) -> str:
    """A factor, in brackets if it binds less tightly than a product's."""
    text, binds = _spelt(factor)
    return text if binds >= _POWER else f"({text})"


def _raised(base: sympy.Expr, exponent: sympy.Expr) -> tuple[str, int]:
    """A power: roots and reciprocals by name, whole ones by **."""
    if isinstance(exponent, sympy.Rational) and base.is_Rational and base > 0:
        return repr(math.pow(base, exponent)), _ATOM
    below, binds = _spelt(base)
    inside = below if binds == _ATOM else f"({below})"
    if exponent == sympy.Rational(1, 2):
        return f"sqrt({below})", _ATOM
    if exponent == -1:
        return f"1/{inside}", _PRODUCT
    if isinstance(exponent, sympy.Integer):
        if exponent == 2 and isinstance(base, sympy.Symbol):
            return f"{inside}*{inside}", _PRODUCT
        if exponent < 0:
            return f"1/{inside}**{-int(exponent)}", _PRODUCT
        return f"{inside}**{int(exponent)}", _POWER
    return f"power({below}, {_spelt(exponent)[0]})", _ATOM
