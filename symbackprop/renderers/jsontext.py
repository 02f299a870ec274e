"""Derivations as JSON (schema 1): another program can evaluate and recheck them.

`definitions` and `result` are Python syntax over ids, Σ written out. A step's exact
form, where it differs (a Σ), stands beside it; `model` and `lemmas` are what recheck
reads.
"""

import json

from symbackprop.formula.binding import written_out
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import atom_id, text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Idx, Sigma, walk
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.step import Step
from symbackprop.ops.table import OPS, SPECIAL
from symbackprop.renderers.chains import Detail
from symbackprop.renderers.narrate import Story
from symbackprop.renderers.typeset import Typesetter
from symbackprop.renderers.words import messages, phrase, word

SCHEMA = 1


def json_text(story: Story, name: str, detail: Detail = "standard") -> str:
    """The whole story as JSON text. Substeps are inlined at full detail."""
    return json.dumps(_Writer(story, detail).whole(name), ensure_ascii=False, indent=1)


class _Writer:
    """One story's JSON."""

    def __init__(self, story: Story, detail: Detail) -> None:
        self.story = story
        self.detail = detail
        self.language = story.context.language
        self.typeset = Typesetter(story.context)
        self.names: dict[int, str] = {}
        for anchor, derivation in story.shared.items():
            for step in derivation.steps:
                self.names.setdefault(id(step), anchor)
        for by, derivation in story.derivations.items():
            for step in derivation.steps:
                self.names.setdefault(id(step), f"d-{by.id}")
        self.definitions, self.functions = self.defined()

    def whole(self, name: str) -> dict[str, object]:
        """The top level."""
        story = self.story
        return {
            "schema": SCHEMA,
            "example": name,
            "definitions": self.definitions,
            "functions": self.functions,
            "derivations": [
                {
                    "wrt": by.id,
                    "result": self.plain(derivation.result),
                    "latex": self.typeset(derivation.result),
                    **self.derivation(derivation),
                }
                for by, derivation in story.derivations.items()
            ],
            "authored": [
                {"title": title, "result": self.plain(chain.result)}
                | self.derivation(chain)
                for title, chain in story.authored
            ],
            "lemmas": {
                anchor: self.derivation(derivation)
                for anchor, derivation in story.shared.items()
            },
            "model": self.model(),
        }

    def model(self) -> dict[str, object]:
        """What the kernel was told: leaves, formulas, general functions, facts."""
        graph = self.story.graph
        return {
            "loss": graph.loss.id,
            "leaves": [node.id for node in graph.nodes if node.body is None],
            "formulas": {
                node.id: text_of(node.body)
                for node in graph.nodes
                if node.body is not None
            },
            "general": dict(graph.general),
            "assumptions": [_relation(fact) for fact in graph.facts],
        }

    def atom(self, form: Derivative) -> str:
        """The id of an error term or ∂J/∂h; the text of a derivative left general."""
        return self.atoms.get(form) or text_of(form)

    def plain(self, form: Formula) -> str:
        """A form that another program can evaluate."""
        return text_of(form, derivative=self.atom, write_sums_out=True)

    def defined(self) -> tuple[dict[str, str], dict[str, str]]:
        """Every name that results use, in evaluable order; the functions they call."""
        graph = self.story.graph
        self.atoms: dict[Derivative, str] = {}
        totals = {
            derivation.goal: derivation
            for derivation in (
                *self.story.shared.values(),
                *self.story.derivations.values(),
            )
            if isinstance(derivation.goal, Derivative)
            and derivation.goal.head == "D"
            and derivation.goal.of == graph.loss
        }
        forms = [derivation.result for derivation in totals.values()]
        named = {goal for form in forms for goal in _atoms(form)}
        named |= {derivation.goal for derivation in self.story.shared.values()}
        order: list[tuple[Derivative, Derivation]] = []
        for goal, derivation in totals.items():
            if goal in named:
                self.atoms[goal] = atom_id(goal)
                order.append((goal, derivation))
        place = {node.name: n for n, node in enumerate(graph.nodes)}
        # Later quantities first: an error term uses those of the layers above it.
        order.sort(key=lambda item: -place.get(item[0].by, 0))
        definitions = {
            node.id: self.plain(node.body)
            for node in graph.nodes
            if node.body is not None
        }
        for goal, derivation in order:
            definitions[self.atoms[goal]] = self.plain(derivation.result)
        bodies = [node.body for node in graph.nodes if node.body is not None]
        return definitions, self.called([*bodies, *forms])

    def called(self, forms: list[Formula]) -> dict[str, str]:
        """The definitions of the op names that occur, and of what they call."""
        wanted: dict[str, str] = {}
        stack = [
            node.function
            for form in forms
            for node in walk(form)
            if isinstance(node, Call)
        ]
        while stack:
            function = stack.pop()
            if function in wanted:
                continue
            if function in SPECIAL:
                wanted[function] = SPECIAL[function]
            elif function in OPS:
                wanted[function] = OPS[function].definition
                stack += [other for other in OPS if f"{other}(" in wanted[function]]
        return dict(sorted(wanted.items()))

    def derivation(self, derivation: Derivation) -> dict[str, object]:
        """Goal, small steps, and how many of them make each printed line."""
        entries = derivation.definitions.entries
        names = [entry.name.id for entry in entries if entry.body is None]
        free = {"free": names[0]} if len(entries) == len(names) == 1 else {}
        return {
            "goal": text_of(derivation.goal),
            **free,
            "lines": [len(line) for line in derivation.lines],
            "steps": [self.step(step) for step in derivation.steps],
        }

    def step(self, step: Step) -> dict[str, object]:
        """One small step."""
        record: dict[str, object] = {
            "rule": step.rule,
            "reason": {
                "key": step.reason.key,
                "args": {
                    key: text_of(value) for key, value in step.reason.arguments.items()
                },
                "text": self.reason(step),
            },
            "before": text_of(step.before, write_sums_out=True),
            "after": text_of(step.after, write_sums_out=True),
            "latex": self.typeset(step.after),
            "path": list(step.path),
            "evidence": {
                "method": step.evidence.method,
                "detail": step.evidence.detail,
            },
            "conditions": [_relation(condition) for condition in step.conditions],
        }
        if any(
            isinstance(n, Sigma) for f in (step.before, step.after) for n in walk(f)
        ):
            record["form"] = {
                "before": text_of(step.before),
                "after": text_of(step.after),
            }
        if step.because:
            because = step.because[-1]
            name = self.names.get(id(next(because.steps, None)), "")
            record["because"] = {
                "lemma": name,
                "from": because.start,
                "to": because.start + len(because.lines),
            }
        record["steps"] = (
            [self.step(inner) for inner in step.because[-1].steps]
            if step.because and self.detail == "full"
            else []
        )
        return record

    def reason(self, step: Step) -> str:
        """The reason in words; formulas as text."""
        key = step.reason.key
        text = word("reason", key, self.language)
        if key in messages()["detail"] and step.reason.arguments:
            parts = phrase("detail", key, self.language, step.reason.arguments)
            plain = "".join(p if isinstance(p, str) else text_of(p) for p in parts)
            text = f"{text}: {plain}"
        return text


def _atoms(form: Formula) -> set[Derivative]:
    """The derivatives that stand as names in a form; those inside a Σ one by one."""
    found: set[Derivative] = set()
    for node in walk(form):
        if isinstance(node, Sigma):
            found |= _atoms(written_out(node))
        elif isinstance(node, Derivative) and not any(
            isinstance(index, Idx) for index in node.by.indices
        ):
            found.add(node)
    return found


def _relation(fact: Assumption) -> dict[str, str]:
    """A condition or assumption."""
    return {
        "relation": fact.relation,
        "left": text_of(fact.left),
        "right": text_of(fact.right),
    }
