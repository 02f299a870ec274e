"""Reads a derivation back from JSON and replays the kernel's rules on it.

Nothing in the file is believed: every step is made again by the rule that it names,
and must lead to the very form that the file gives.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from symbackprop.errors import FormulaError, InputError, Refused, SymbackpropError
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import atom_id, text_of
from symbackprop.formula.tree import Derivative, Formula, at, name_of
from symbackprop.formula.tree import Path as Position
from symbackprop.kernel import rules
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.one_variable import differentiate
from symbackprop.kernel.step import Step
from symbackprop.ops.table import OPS, SPECIAL

MAX_BYTES = 64_000_000
MAX_STEPS = 1_000_000
MAX_ARGUMENTS = 8
Record: TypeAlias = Mapping[str, Any]
"""One JSON object; its fields are checked where they are read."""


class Differs(SymbackpropError):
    """A step that the kernel does not accept, or that leads elsewhere."""

    decided = True


@dataclass(frozen=True, slots=True)
class Report:
    """What was replayed: how many derivations and how many steps, all accepted."""

    derivations: int
    steps: int

    def __str__(self) -> str:
        """One line."""
        return f"{self.derivations} derivations, {self.steps} steps: all accepted"


def recheck_file(path: Path) -> Report:
    """Replay a file. InputError if it is unusable, Differs at the first bad step."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB")
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})") from None
    return recheck(text)


def recheck(text: str) -> Report:
    """Replay a JSON text. InputError if it is unusable, Differs at a bad step."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON: {error}") from None
    if not isinstance(data, dict) or data.get("schema") != 1:
        raise InputError('expected a JSON object with "schema": 1')
    try:
        return _Replay(data).run()
    except RecursionError:
        raise InputError("lemmas refer to each other too deeply") from None
    except FormulaError as error:
        raise InputError(f"a formula cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"a field is missing or of the wrong kind: {error}") from None


class _Replay:
    """One file's derivations, rebuilt."""

    def __init__(self, data: Record) -> None:
        self.data = data
        model: Record = data["model"]
        general = {str(k): v for k, v in model["general"].items()}
        letters = frozenset("ijklmnpqrstuv")
        functions: dict[str, int | None] = {**dict.fromkeys(OPS, 1), **general}
        self.words = Vocabulary(functions, indices=letters)
        table = {
            name: Function(
                ("x",), read(op.definition, Vocabulary(dict.fromkeys(OPS, 1)))
            )
            for name, op in OPS.items()
        }
        for name, arity in general.items():
            count = 1 if arity is None else arity
            if type(count) is not int or not 1 <= count <= MAX_ARGUMENTS:
                raise InputError(f"{name} has {count!r} arguments; expected 1 to 8")
            table[name] = Function(tuple(f"u{n}" for n in range(1, count + 1)))
        leaves = tuple(Definition(name_of(str(leaf))) for leaf in model["leaves"])
        bodies = tuple(
            Definition(name_of(str(key)), self.form(body))
            for key, body in model["formulas"].items()
        )
        facts = tuple(
            Assumption(
                fact["relation"], self.form(fact["left"]), self.form(fact["right"])
            )
            for fact in model["assumptions"]
        )
        self.definitions = Definitions(leaves + bodies, table, facts)
        self.table = table
        self.wholes: dict[str, Derivation] = {}
        self.pending: set[str] = set()
        self.steps = 0

    def form(self, text: object) -> Formula:
        """A form from its text."""
        if not isinstance(text, str):
            raise InputError(f"expected the text of a formula, found {text!r}")
        return read(text, self.words)

    def run(self) -> Report:
        """Replay everything, lemmas as they are needed."""
        records: list[tuple[str, Record]] = [
            *((f"d-{r['wrt']}", r) for r in self.data["derivations"]),
            *(
                (f"authored-{n}", r)
                for n, r in enumerate(self.data.get("authored", ()))
            ),
        ]
        self.named: dict[str, Record] = dict(self.data["lemmas"])
        for name, record in records:
            if name in self.named:
                raise Differs(f"{name} stands there twice")
            self.named[name] = record
        if not self.named:
            raise InputError("there is no derivation to replay")
        for name in self.named:
            self.whole(name)
        self.check_definitions()
        for name, record in records:
            goal = self.wholes[name].goal
            if "wrt" in record and (
                not isinstance(goal, Derivative) or goal.by.id != record["wrt"]
            ):
                raise Differs(
                    f"{name}: derives {text_of(goal)}, not by {record['wrt']}"
                )
        return Report(len(self.wholes), self.steps)

    def check_definitions(self) -> None:
        """Hold `definitions` and `functions` against what was replayed."""
        texts: dict[str, str] = self.data["definitions"]
        model: Record = self.data["model"]
        results = {
            atom_id(goal): self.plain(derivation.result)
            for derivation in self.wholes.values()
            if isinstance(goal := derivation.goal, Derivative) and goal.head == "D"
        }
        bodies = {
            key: self.plain(self.form(body)) for key, body in model["formulas"].items()
        }
        for name, text in texts.items():
            if {**results, **bodies}.get(name) != text:
                raise Differs(f"definitions: {name} is not {text!r}")
        if missing := set(bodies) - set(texts):
            raise Differs(f"definitions: {min(missing)} is missing")
        for name, text in self.data["functions"].items():
            true = OPS[name].definition if name in OPS else SPECIAL.get(name)
            if true != text:
                raise Differs(f"functions: {name} is not {text!r}")

    def plain(self, form: Formula) -> str:
        """A form as `definitions` and `result` write it: error terms by their ids."""
        named: dict[str, str] = self.data["definitions"]

        def atom(node: Derivative) -> str:
            return atom_id(node) if atom_id(node) in named else text_of(node)

        return text_of(form, derivative=atom, write_sums_out=True)

    def whole(self, name: str) -> Derivation:
        """A derivation by name, replayed once. A cycle of lemmas is refused."""
        if name in self.wholes:
            return self.wholes[name]
        if name in self.pending:
            raise Differs(f"{name} refers to itself")
        if name not in self.named:
            raise Differs(f"there is no lemma {name!r}")
        self.pending.add(name)
        self.wholes[name] = self.replayed(name, self.named[name])
        self.pending.discard(name)
        return self.wholes[name]

    def replayed(self, name: str, record: Record) -> Derivation:
        """A derivation made again, step by step."""
        goal = self.form(record["goal"])
        definitions = self.definitions
        if "free" in record:  # a lemma about a function, for a name of its own
            free = Definition(name_of(str(record["free"])))
            definitions = Definitions((free,), self.table)
        steps: list[Step] = []
        here = goal
        for number, item in enumerate(record["steps"], 1):
            where = f"{name}, step {number}"
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise InputError(f"more than {MAX_STEPS:,} steps")
            step = self.step(where, definitions, here, item)
            steps.append(step)
            here = step.after
        lines: list[tuple[Step, ...]] = []
        start = 0
        for count in record["lines"]:
            lines.append(tuple(steps[start : start + int(count)]))
            start += int(count)
        if start != len(steps):
            raise Differs(f"{name}: its lines do not cover its steps")
        derivation = Derivation(goal, definitions, tuple(lines))
        self.result(name, record, derivation)
        return derivation

    def result(self, name: str, record: Record, derivation: Derivation) -> None:
        """Hold the printed result against the last line, error terms by their ids."""
        if "result" not in record:
            return
        if record["result"] != self.plain(derivation.result):
            raise Differs(f"{name}: its result is not its last line")

    def step(
        self, where: str, definitions: Definitions, here: Formula, item: Record
    ) -> Step:
        """One step by the rule that it names, held against what the file says."""
        exact: Record = item.get("form", item)
        before, after = self.form(exact["before"]), self.form(exact["after"])
        if before != here:
            raise Differs(f"{where}: starts at {text_of(before)}, not {text_of(here)}")
        path = tuple(int(child) for child in item["path"])
        try:
            step = self.made(where, definitions, before, path, after, item)
        except Refused as error:
            raise Differs(f"{where}: {error}") from None
        if step.after != after:
            raise Differs(
                f"{where}: leads to {text_of(step.after)}, not {text_of(after)}"
            )
        if step.reason.key != item["reason"]["key"]:
            raise Differs(f"{where}: its reason is {step.reason.key}")
        conditions = [
            {"relation": c.relation, "left": text_of(c.left), "right": text_of(c.right)}
            for c in step.conditions
        ]
        if conditions != item["conditions"]:
            raise Differs(f"{where}: its conditions are others")
        if step.evidence.method != item["evidence"]["method"]:
            raise Differs(f"{where}: its evidence is {step.evidence.method}")
        return step

    def made(
        self,
        where: str,
        definitions: Definitions,
        before: Formula,
        path: Position,
        after: Formula,
        item: Record,
    ) -> Step:
        """Ask the kernel for the step again."""
        rule = item["rule"]
        if rule in _PLAIN:
            return _PLAIN[rule](definitions, before, path)
        try:
            replacement = at(after, path)
        except IndexError:
            raise Differs(f"{where}: the line has no position {path}") from None
        if rule in _WITH_TARGET:
            return _WITH_TARGET[rule](definitions, before, path, replacement)
        match rule:
            case "algebra":
                key = str(item["reason"]["key"])
                return rules.algebra(definitions, before, path, replacement, key)
            case "differentiate":
                shape = str(item["evidence"]["detail"])
                return differentiate(definitions, before, path, shape)
            case "refer":
                return rules.refer(definitions, before, path, self.because(item))
            case "lemma":
                target = at(before, path)
                if not isinstance(target, Derivative):
                    raise Differs(f"{where}: a lemma about {text_of(target)}")
                because = self.because(item)
                return rules.lemma(definitions, before, path, because, target.by)
            case _:
                raise Differs(f"{where}: there is no rule {rule!r}")

    def because(self, item: Record) -> Derivation:
        """The stretch of a replayed derivation that a step refers to."""
        reference: Record = item["because"]
        whole = self.whole(str(reference["lemma"]))
        return whole.between(int(reference["from"]), int(reference["to"]))


_PLAIN: Mapping[str, Callable[[Definitions, Formula, Position], Step]] = {
    "total": rules.total,
    "split": rules.split,
    "independent": rules.independent,
    "identity": rules.identity,
    "unfold": rules.unfold,
}
_WITH_TARGET: Mapping[
    str, Callable[[Definitions, Formula, Position, Formula], Step]
] = {
    "local": rules.local,
    "fold": rules.fold,
    "gather": rules.gather,
    "assume": rules.assume,
}
