"""Reads a derivation back from JSON and replays the kernel's rules on it.

Every step is made again by the rule that it names, and must lead to the very form
that the file gives; goals, results, definitions, conditions and evidence are compared.
Words and LaTeX are not judged, nor substeps that repeat a lemma.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from symbackprop.checks.verdict import counted
from symbackprop.errors import FormulaError, InputError, Refused, SymbackpropError
from symbackprop.examples.toml_file import file_text
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
from symbackprop.kernel.wellformed import ELEMENTARY
from symbackprop.ops.table import OPS, SPECIAL

MAX_BYTES = 64_000_000
MAX_STEPS = 1_000_000
MAX_ARGUMENTS = 8
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,59}")
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
    assumptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line, and what all of it rests on."""
        derivations = counted(self.derivations, "derivation")
        line = f"{derivations}, {counted(self.steps, 'step')}: all accepted"
        if self.assumptions:
            line += ", assuming " + ", ".join(self.assumptions)
        return line


def recheck_file(path: Path) -> Report:
    """Replay a file. InputError if it is unusable, Differs at the first bad step."""
    return recheck(file_text(path, MAX_BYTES))


def recheck(text: str) -> Report:
    """Replay a JSON text. InputError if it is unusable, Differs at a bad step."""
    try:
        data = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_no_number,
            parse_float=_no_number,
        )
    except (ValueError, RecursionError) as error:
        raise InputError(f"expected JSON: {error}") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if type(schema) is not int or schema != 1:
        raise InputError('expected a JSON object with "schema": 1')
    try:
        return _Replay(data).run()
    except RecursionError:
        raise InputError("lemmas refer to each other too deeply") from None
    except FormulaError as error:
        raise InputError(f"a formula cannot be read: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise InputError(f"a field is missing or of the wrong kind: {error}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different; a second one would hide the first."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(text: str) -> Any:  # noqa: ANN401 - it never returns
    """Refuse NaN, Infinity and fractions: every number in these files is whole."""
    raise ValueError(f"{text} is no whole number")


def _whole(value: object) -> int:
    """A count or a position: a whole number from 0 up."""
    if type(value) is not int or value < 0:
        raise InputError(f"expected a whole number, found {value!r}")
    return value


class _Replay:
    """One file's derivations, rebuilt."""

    def __init__(self, data: Record) -> None:
        self.data = data
        model: Record = data["model"]
        general = {str(k): v for k, v in model["general"].items()}
        taken = {*OPS, *ELEMENTARY, "D", "P", "Sum", "kronecker", "slope", "new"}
        names = [*model["leaves"], *model["formulas"], *general]
        for name in names:
            if name in taken:
                raise Differs(f"{name} already means something else")
            if not isinstance(name, str) or not _ID.fullmatch(name):
                raise InputError(f"{name!r} cannot name a quantity or a function")
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
        loss = name_of(str(self.data["model"]["loss"]))
        if loss.id not in self.data["model"]["formulas"]:
            raise Differs(f"the loss {loss.id} is not defined")
        for record in self.data["derivations"]:
            goal = self.wholes[f"d-{record['wrt']}"].goal
            if goal != Derivative("D", loss, name_of(str(record["wrt"]))):
                raise Differs(f"wrt {record['wrt']}: derives {text_of(goal)}")
            if "free" in record or "result" not in record:
                raise Differs(f"wrt {record['wrt']}: no plain derivation of the loss")
        facts = tuple(map(str, self.definitions.assumptions))
        return Report(len(self.wholes), self.steps, facts)

    def check_definitions(self) -> None:
        """Hold `definitions` and `functions` against what was replayed."""
        texts: dict[str, str] = self.data["definitions"]
        model: Record = self.data["model"]
        results = {
            atom_id(goal): self.plain(derivation.result)
            for derivation in self.wholes.values()
            if isinstance(goal := derivation.goal, Derivative)
            and goal.head == "D"
            and goal.of == name_of(str(model["loss"]))
        }
        bodies = {
            key: self.plain(self.form(body)) for key, body in model["formulas"].items()
        }
        if twice := set(results) & set(bodies):
            raise Differs(f"{min(twice)} names a formula and an error term")
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

        loss = name_of(str(self.data["model"]["loss"]))

        def atom(node: Derivative) -> str:
            known = node.of == loss and atom_id(node) in named
            return atom_id(node) if known else text_of(node)

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
            lines.append(tuple(steps[start : start + _whole(count)]))
            start += _whole(count)
        if start != len(steps):
            raise Differs(f"{name}: its lines do not cover its steps")
        try:
            derivation = Derivation(goal, definitions, tuple(lines))
        except Refused as error:
            raise Differs(f"{name}: {error}") from None
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
        for key, written in (("before", before), ("after", after)):
            if item[key] != text_of(written, write_sums_out=True):
                raise Differs(f"{where}: {key} is not {item[key]!r}")
        if before != here:
            raise Differs(f"{where}: starts at {text_of(before)}, not {text_of(here)}")
        path = tuple(_whole(child) for child in item["path"])
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
        return whole.between(_whole(reference["from"]), _whole(reference["to"]))


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
