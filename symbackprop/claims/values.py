"""Values of quantities, true or on what an author had printed, at exact numbers.

An atom is computed when it is first asked for, so a value that a claim does not need
may be missing from the file. What an author printed stands in for the true value of
its quantity; everything not printed is computed from that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction as Rational
from typing import TypeAlias

from flint import arb, ctx

from symbackprop.claims.printed import fraction_of
from symbackprop.claims.truth import ETA, Truth
from symbackprop.claims.verdict import Operand
from symbackprop.errors import InputError
from symbackprop.formula.tree import Call, Derivative, Formula, Name
from symbackprop.numeric.evaluate import value_of
from symbackprop.numeric.point import FIRST_BITS, Ball, Point
from symbackprop.numeric.program import atoms_of
from symbackprop.numeric.worked import shortened

Reached: TypeAlias = Callable[[int, int], Mapping[Name, Ball]]
"""The parameters after so many updates, to so many bits."""

MAX_REPLAYED = 4
"""So many updates are computed one by one, from what was printed along the way."""


@dataclass(frozen=True, slots=True)
class Moment:
    """After how many updates, for which sample; sample 0 is all of them together."""

    steps: int = 0
    sample: int = 0


START = Moment()
Key: TypeAlias = tuple[Formula, Moment]
Used: TypeAlias = frozenset[Key]


@dataclass(frozen=True, slots=True)
class Data:
    """The numbers of an example.

    `samples` are the training samples' own values; `trained` the names that an update
    moves; `total`: a batch is summed, not averaged. `replayed`: an update is the plain
    rule on the whole batch, so that it can be computed from printed slopes.
    """

    values: Mapping[Name, Rational]
    samples: Sequence[Mapping[Name, Rational]] = ()
    trained: frozenset[Name] = frozenset()
    total: bool = False
    replayed: bool = True
    reached: Reached | None = None

    def timeless(self, atom: Formula) -> bool:
        """Whether an atom is the same for every sample."""
        return atom == ETA or atom in self.trained


@dataclass(frozen=True, slots=True)
class _Task:
    """What one key is computed from, and how."""

    key: Key | None
    needs: tuple[Key, ...]
    finish: Callable[[Mapping[Key, tuple[Ball, Used]]], Ball]
    own: Used = frozenset()


class Values(Point):
    """Quantities at one moment, on `operands` instead of what those are of.

    The numbers of `wide` stand for all the numbers that are printed so. `near`: a slope
    that was not printed is computed from the slopes next to it.
    """

    def __init__(
        self,
        truth: Truth,
        data: Data,
        moment: Moment = START,
        operands: Mapping[Key, Operand] | None = None,
        *,
        wide: frozenset[Key] = frozenset(),
        near: bool = False,
    ) -> None:
        super().__init__((), data.values)
        self.truth = truth
        self.data = data
        self.moment = moment
        self.operands = operands or {}
        self.wide = wide
        self.near = near
        self._parts = {
            key[0] for key in self.operands if not isinstance(key[0], Name | Derivative)
        }
        self._replays = {key[1].steps for key in self.operands}
        self._memo: dict[int, dict[Key, tuple[Ball, Used]]] = {}

    def value(self, form: Formula, bits: int = FIRST_BITS) -> Ball:
        """The value of a form over atoms."""
        return self.traced(form, bits)[0]

    def digits(self, form: Formula, count: int) -> tuple[str, Rational | None]:
        """So many significant digits, fewer where they are all; the rational it is."""
        text, rational = self.rounded(form, count), self.exact(form)
        if rational is not None and Rational(text) == rational:
            text = shortened(text)
        return text, rational

    def used(self, form: Formula) -> tuple[Operand, ...]:
        """The operands that a form's value rests on, in the order of the claims."""
        keys = self.traced(form, FIRST_BITS)[1]
        return tuple(o for key, o in self.operands.items() if key in keys)

    def traced(self, form: Formula, bits: int) -> tuple[Ball, Used]:
        """A form's value with the operands that went into it."""
        with ctx.workprec(bits):
            try:
                return self._computed(form, bits)
            except ZeroDivisionError:
                raise InputError("a division by zero at this point") from None

    def _computed(self, form: Formula, bits: int) -> tuple[Ball, Used]:
        """What the form is computed from first, deepest first; no recursion."""
        known = self._memo.setdefault(bits, {})
        stack = [self._of_form(None, form, self.moment)]
        begun: set[Key | None] = set()
        while True:
            task = stack[-1]
            missing = [key for key in task.needs if key not in known]
            if missing:
                begun.add(task.key)
                if not begun.isdisjoint(missing):
                    raise InputError("what was printed before goes in a circle")
                stack += [self._task(key, bits) for key in missing]
                continue
            stack.pop()
            used = task.own.union(*(known[key][1] for key in task.needs))
            value = task.finish(known), used
            if task.key is None:
                return value
            known[task.key] = value

    def _of_form(
        self, key: Key | None, form: Formula, moment: Moment, own: Used = frozenset()
    ) -> _Task:
        """A form over atoms at a moment; printed parts of it are atoms too."""
        stands: dict[Formula, Formula] = {}
        if self._parts:
            form = self._with_parts(form, stands)
        atoms = {
            atom: (stands[atom], moment) if atom in stands else self._key(atom, moment)
            for atom in atoms_of(form)
        }
        plain = {
            atom: key
            for atom, key in atoms.items()
            if atom in stands or isinstance(key[0], Name | Derivative)
        }

        def finish(known: Mapping[Key, tuple[Ball, Used]]) -> Ball:
            values: dict[Formula, Ball] = {
                atom: known[key][0] for atom, key in plain.items()
            }
            for atom, (constant, _) in atoms.items():
                if atom not in plain:  # a derivative that is 0 or 1
                    values[atom] = value_of(constant, {}, self.arithmetic)
            return value_of(form, values, self.arithmetic)

        return _Task(key, tuple(plain.values()), finish, own)

    def _with_parts(self, form: Formula, stands: dict[Formula, Formula]) -> Formula:
        """The form with names in the place of the parts that were printed."""
        if form in self._parts:
            name = Name("printed", (len(stands) + 1,))
            stands[name] = form
            return name
        if isinstance(form, Name | Derivative):
            return form
        children = tuple(self._with_parts(child, stands) for child in form.children)
        return form if children == form.children else form.with_children(children)

    def _key(self, atom: Formula, moment: Moment) -> Key:
        """Under which atom and moment a value is kept."""
        atom = self.truth.key(atom)
        if self.data.timeless(atom):
            return atom, Moment(moment.steps)
        return atom, moment

    def _task(self, key: Key, bits: int) -> _Task:
        """How one atom is computed at a moment."""
        atom, moment = key
        operand = self.operands.get(key)
        if operand is None and not isinstance(atom, Name | Derivative):
            return self._of_form(key, atom, moment)
        if operand is not None:
            own = frozenset([key])
            if operand.form is not None:
                form = self.truth.resolved(operand.form)
                return self._of_form(key, form, moment, own)
            return _Task(key, (), lambda _: self._printed(key, operand), own)
        leaf = self._leaf(atom, moment, bits)
        if leaf is not None:
            return _Task(key, (), lambda _: leaf)
        if isinstance(atom, Name) and atom in self.data.trained and moment.steps:
            update = self.truth.resolved(Call("new", (atom,)))
            return self._of_form(key, update, Moment(moment.steps - 1))
        if moment.sample == 0 and len(self.data.samples) > 1:
            if not self._is_of_a_batch(atom):
                said = atom.id if isinstance(atom, Name) else "this"
                message = f"{said} differs from sample to sample"
                raise InputError(message, hint="say which: sample = 1")
            return self._batch(key)
        body = self.truth.chain(atom) if self.near else self.truth.main(atom)
        if body is None:
            said = atom.id if isinstance(atom, Name) else "it"
            raise InputError(f"there is no value for {said}")
        return self._of_form(key, body, moment)

    def _printed(self, key: Key, operand: Operand) -> Ball:
        """A printed number: exactly its digits, or all that is printed so."""
        assert operand.number is not None
        if key not in self.wide:
            return fraction_of(operand.number.value)
        middle = arb(fraction_of(operand.number.value))
        return arb(middle, arb(fraction_of(operand.number.unit / 2)))

    def _leaf(self, atom: Formula, moment: Moment, bits: int) -> Ball | None:
        """The value of a leaf that is simply given, or reached by training."""
        data = self.data
        if not isinstance(atom, Name):
            return None
        if atom in data.trained and moment.steps:
            near = moment.steps <= MAX_REPLAYED or moment.steps - 1 in self._replays
            if data.replayed and near:
                return None
            if data.reached is None:
                raise InputError("there is no training to take these steps")
            return data.reached(moment.steps, bits)[atom]
        number = moment.sample or (1 if len(data.samples) == 1 else 0)
        if number > len(data.samples):
            raise InputError(f"there is no sample {number}")
        row = data.samples[number - 1] if number else {}
        value = row.get(atom, data.values.get(atom))
        return None if value is None else fraction_of(value)

    def _is_of_a_batch(self, atom: Formula) -> bool:
        """Whether a quantity of a whole batch is the mean of the samples' own."""
        of = atom.of if isinstance(atom, Derivative) else atom
        graph = self.truth.graph
        if not isinstance(of, Name) or of == ETA:
            return False
        return graph.node(of).role in ("loss", "part") or of == graph.loss

    def _batch(self, key: Key) -> _Task:
        """The mean over the samples, or their sum."""
        atom, moment = key
        count = len(self.data.samples)
        keys = [(atom, Moment(moment.steps, n)) for n in range(1, count + 1)]

        def finish(known: Mapping[Key, tuple[Ball, Used]]) -> Ball:
            total = known[keys[0]][0]
            for one in keys[1:]:
                total = total + known[one][0]
            return total if self.data.total else total / count

        return _Task(key, tuple(keys), finish)
