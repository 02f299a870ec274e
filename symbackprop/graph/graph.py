"""The graph: named quantities in order, each with its definition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias

from symbackprop.errors import InputError
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Formula, Name, name_of, walk

if TYPE_CHECKING:
    import sympy

MAX_NAMED = 12
"""So many ids are named to one who asked for an unknown one."""

Role: TypeAlias = Literal[
    "input",
    "target",
    "weight",
    "bias",
    "parameter",
    "preactivation",
    "activation",
    "output",
    "part",
    "loss",
    "intermediate",
]


@dataclass(frozen=True, slots=True)
class Node:
    """One quantity: its name, what it is in the network, its definition.

    `sizes` are the ranges of a family's index variables; `layer` counts from 1.
    """

    name: Name
    role: Role
    body: Formula | None = None
    layer: int = 0
    sizes: tuple[tuple[str, Formula], ...] = ()

    @property
    def id(self) -> str:
        """The node's ASCII id."""
        return self.name.id


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in order, parents first; what is left general; what is assumed.

    Single assignment and order are checked when the derivation's definitions are
    made from it. `wrt` are the parameters that `derive` takes by default.
    """

    nodes: tuple[Node, ...]
    loss: Name
    wrt: tuple[Name, ...]
    general: Mapping[str, int | None] = field(default_factory=dict)
    facts: tuple[Assumption, ...] = ()
    loss_name: str = ""
    activations: tuple[str, ...] = ()
    _index: dict[Name, Node] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Index the nodes; refuse a second definition of one name."""
        for node in self.nodes:
            if node.name in self._index:
                raise InputError(f"{node.id} is defined twice")
            self._index[node.name] = node
        for node in self.nodes:
            about = Name("z", node.name.indices)
            error = node.name.base == "delta" and about in self._index
            if error or node.id.startswith(f"d{self.loss.id}_d"):
                raise InputError(f"the id {node.id} is kept for an error term")
        if self.loss not in self._index:
            raise InputError(f"the loss {self.loss.id} is not defined")

    def node(self, name: Name | str) -> Node:
        """The node of a name or id. InputError with the nearest where there is none."""
        wanted = name_of(name) if isinstance(name, str) else name
        if wanted not in self._index:
            hint = self._nearest(wanted.id[:80])
            raise InputError(f"unknown quantity {wanted.id[:60]!r}", hint=hint)
        return self._index[wanted]

    def _nearest(self, word: str) -> str:
        """The hint that names the ids nearest to a word, or the first there are."""
        ids = [node.id for node in self.nodes]
        near = sorted((i for i in ids if word and i.startswith(word)), key=len)[:3]
        near = near or get_close_matches(word, ids, 3, 0.4)
        if near:
            *others, last = near
            return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?"
        more = ", …" if len(ids) > MAX_NAMED else ""
        return f"known: {', '.join(ids[:MAX_NAMED])}{more}"

    def __contains__(self, name: Name) -> bool:
        """Whether a name is defined here."""
        return name in self._index

    @property
    def definitions(self) -> "Mapping[str, sympy.Expr]":
        """Each defined quantity as a SymPy expression over the others' symbols."""
        from symbackprop.formula.door import to_sympy  # noqa: PLC0415 - loads SymPy

        return {
            node.id: to_sympy(node.body) for node in self.nodes if node.body is not None
        }

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of the functions that occur, in order of first use."""
        seen: dict[str, None] = {}
        for node in self.nodes:
            for part in walk(node.body) if node.body is not None else ():
                if isinstance(part, Call):
                    seen[part.function] = None
        return tuple(seen)

    def __str__(self) -> str:
        """One definition a line."""
        lines = (
            f"{node.id} = {text_of(node.body)}"
            for node in self.nodes
            if node.body is not None
        )
        return "\n".join(lines)
