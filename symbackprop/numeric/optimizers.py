"""The rules of the optimizers as forms over the step t, and as straight-line lines.

What a page prints and what a step computes are made from the same row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational

from symbackprop.errors import InputError
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Formula, Idx, Name, name_of
from symbackprop.kernel.definitions import Definitions
from symbackprop.numeric.program import Assignment, Program
from symbackprop.ops.optimizers import OPTIMIZERS, Optimizer

LETTER = "t"
STEP = Name(LETTER)
RATE = Name("eta")
_WORDS = Vocabulary(indices=(LETTER,))


def at_step(base: str, shift: int = 0) -> Name:
    """A quantity of a rule at step t + shift."""
    return Name(base, (Idx(LETTER, shift),))


GRADIENT = at_step("g")
BEFORE, AFTER = at_step("theta", -1), at_step("theta")


@dataclass(frozen=True, slots=True)
class Rule:
    """A row read: its lines as forms, what goes in and what comes out of one step.

    `inputs` are theta, the states, the gradient, the step's number, then the learning
    rate and the settings; `outputs` are theta and the states.
    """

    row: Optimizer
    lines: tuple[tuple[Name, Formula], ...]
    inputs: tuple[Name, ...]
    outputs: tuple[Name, ...]

    @property
    def program(self) -> Program:
        """One step as a straight-line program."""
        lines = tuple(Assignment(name, form, "forward") for name, form in self.lines)
        return Program(self.inputs, lines, AFTER, {}, {}, Definitions(()))

    def constants(
        self, learning_rate: Rational, settings: Mapping[str, Rational]
    ) -> list[Rational]:
        """The learning rate and the settings in the order of the inputs."""
        defaults = {s.key: Rational(s.default) for s in self.row.settings}
        unknown = set(settings) - set(defaults)
        if unknown:
            raise InputError(f"{self.row.name} has no setting {min(unknown)!r}")
        return [learning_rate, *(defaults | dict(settings)).values()]


def rule_of(method: str) -> Rule:
    """The rule of a method. InputError that lists the methods for an unknown one."""
    if method not in OPTIMIZERS:
        hint = "known: " + ", ".join(OPTIMIZERS)
        raise InputError(f"unknown method {method!r}", hint=hint)
    return read_rule(OPTIMIZERS[method])


def read_rule(row: Optimizer) -> Rule:
    """The rule of a row."""
    lines = tuple((_name(left), read(right, _WORDS)) for left, right in row.lines)
    letters = [name_of(setting.letter) for setting in row.settings]
    states = [at_step(state, -1) for state in row.states]
    inputs = (BEFORE, *states, GRADIENT, STEP, RATE, *letters)
    return Rule(row, lines, inputs, (AFTER, *(at_step(state) for state in row.states)))


def _name(text: str) -> Name:
    """A line's left side."""
    form = read(text, _WORDS)
    assert isinstance(form, Name)
    return form
