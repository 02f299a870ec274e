"""The quantities an example file may speak of, and its texts read against them.

Ids are plain ASCII; each formula is read by whitelist, and all of them together are
held to one size.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from keyword import iskeyword
from math import prod
from typing import Literal, NoReturn

from symbackprop.errors import FormulaError
from symbackprop.examples.toml_file import Toml, called, nearest, shown
from symbackprop.examples.toml_places import Path
from symbackprop.formula.binding import MAX_TERMS, instantiated
from symbackprop.formula.limits import MAX_TOWER, literal_value, nested_calls
from symbackprop.formula.reader import FUNCTIONS, Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    MAX_DEPTH,
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Name,
    Num,
    Sigma,
    depth,
    name_of,
    names_in,
    walk,
)
from symbackprop.network import Network
from symbackprop.ops.table import OPS

MAX_ID = 60
MAX_CIRCLE = 8
MAX_NODES = 100_000
MAX_WORK = 400_000

SPECIAL = ("D", "P", "Sum", "kronecker", "slope", "new")
RESERVED = frozenset({*OPS, *FUNCTIONS, *SPECIAL, "max", "softmax"})

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_GRADIENT = re.compile(r"\s*d([A-Za-z]\w*)\s*/\s*d([A-Za-z]\w*)\s*", re.ASCII)
_UPDATED = re.compile(r"\s*([A-Za-z]\w*)'\s*", re.ASCII)
_RELATION = re.compile(r"[<>=!]+")


def checked_id(toml: Toml, path: Path, text: str, *, key: bool = True) -> str:
    """A new id, refused at its key (or value) unless every room can use it."""

    def refuse(message: str, hint: str = "") -> NoReturn:
        toml.refuse(path, message, hint, key=key)

    for character in text:
        if not " " <= character <= "~":
            refuse(
                f"expected an id in ASCII letters, digits and _, found "
                f"{called(character)}",
                "put letters of other scripts into [notation] labels",
            )
    if len(text) > MAX_ID:
        refuse(f"expected an id of at most {MAX_ID} characters, found {len(text)}")
    if not _ID.fullmatch(text):
        refuse(f"expected an id such as x1 or w1_2, found {shown(text)}")
    if iskeyword(text):
        refuse(f"{text!r} is a Python keyword, so it cannot be an id")
    if text in RESERVED:
        refuse(f"{text!r} is the name of a function, so it cannot be an id")
    return text


def network_ids(network: Network) -> Iterator[tuple[str, bool]]:
    """Every id of a network, and whether it is a leaf that values can be given to."""
    yield from ((f"x{i}", True) for i in range(1, network.inputs + 1))
    outputs = network.layers[-1].units
    yield from ((f"y{k}", True) for k in range(1, outputs + 1))
    below = network.inputs
    for number, layer in enumerate(network.layers, 1):
        last = number == len(network.layers)
        units = range(1, layer.units + 1)
        for j in units:
            yield from ((f"w{number}_{i}_{j}", True) for i in range(1, below + 1))
        if network.biases == "layer":
            yield f"b{number}", True
        elif network.biases == "unit":
            yield from ((f"b{number}_{j}", True) for j in units)
        yield from ((f"z{number}_{j}", False) for j in units)
        yield from ((f"o{j}" if last else f"h{number}_{j}", False) for j in units)
        below = layer.units
    if outputs > 1:
        yield from ((f"L{k}", False) for k in range(1, outputs + 1))
    yield "J", False


class Quantities:
    """What is known while a file is read: ids, leaves, functions, the loss."""

    def __init__(self, toml: Toml) -> None:
        self.toml = toml
        self.known: dict[str, bool] = {}
        self.functions: dict[str, int | None] = {}
        self.loss: Name | None = None
        self.nodes = self.work = 0

    def name(self, path: Path, text: str, offset: int | None = None) -> Name:
        """The name of a known id; the refusal gives the nearest."""
        if text not in self.known:
            self.toml.refuse(
                path,
                f"unknown id {shown(text)}",
                nearest(text, self.known),
                offset=offset,
                key=offset is None and path[-1] == text,
            )
        return name_of(text)

    def charge(self, path: Path, nodes: int, work: int) -> None:
        """Hold the formulas of a file, all together, to one size."""
        self.nodes += nodes
        self.work += work
        if self.nodes > MAX_NODES or self.work > MAX_WORK:
            self.toml.refuse(
                path,
                f"the formulas of this file are too large together; the limit is "
                f"{MAX_NODES:,} nodes, fewer where they are deep",
            )

    def formula(
        self,
        path: Path,
        indices: Mapping[str, Sequence[int]] | None = None,
        *,
        part: tuple[int, int] | None = None,
        free: bool = False,
    ) -> Formula:
        """The formula in a string, or in part of it; `free`: any id may occur."""
        text = self.toml.string(path, "an expression in quotes")
        shift, stop = part or (0, len(text))
        text = text[shift:stop]

        def refuse(message: str, offset: int, hint: str = "") -> NoReturn:
            self.toml.refuse(path, message, hint, offset=offset + shift)

        if "#" in text:
            refuse("expected arithmetic, found '#'", text.index("#"))
        words = Vocabulary(
            {**dict.fromkeys(OPS, 1), **self.functions},
            None if free else self.known,
            tuple(indices or ()),
            self.loss,
        )
        try:
            formula = read(text, words)
        except FormulaError as error:
            refuse(error.message, error.offset, error.hint)
        except (ValueError, RecursionError):
            refuse("the expression is too large or nested too deeply", 0)
        deep = depth(formula)
        if deep > MAX_DEPTH:
            refuse(f"nested {deep} deep; the limit is {MAX_DEPTH}", 0)
        nodes = list(walk(formula))
        self.charge(path, len(nodes), len(nodes) * deep)
        if not free:
            self._check_indices(path, formula, dict(indices or {}), shift, text)
        if nested_calls(formula, OPS) > MAX_TOWER:
            refuse(f"more than {MAX_TOWER} activations inside each other", 0)
        for node in nodes:
            if isinstance(node, Fraction) and literal_value(node.bottom) == 0:
                refuse("division by zero", _found(text, "/"))
            if isinstance(node, Call) and node.function == "new":
                what = node.arguments[0]
                if not isinstance(what, Name) or not self.known.get(what.id, False):
                    found = _found(text, "new")
                    refuse("expected new(…) of a parameter", found)
        return formula

    def _check_indices(
        self,
        path: Path,
        formula: Formula,
        letters: dict[str, Sequence[int]],
        shift: int,
        text: str,
    ) -> None:
        """Refuse a y[k] that is no known quantity at one of its indices."""

        def refuse(message: str, word: str, hint: str = "") -> NoReturn:
            offset = _found(text, word) + shift
            self.toml.refuse(path, message, hint, offset=offset)

        names = [formula] if isinstance(formula, Name) else []
        match formula:
            case Sigma(index, start, stop):
                if index in self.known:
                    refuse(f"the index letter {shown(index)} is an id too", "Sum")
                first, last = _whole(start), _whole(stop)
                if first is None or last is None or last - first >= MAX_TERMS:
                    refuse(
                        f"expected a Sum between whole numbers, at most {MAX_TERMS} "
                        "terms",
                        "Sum",
                    )
                letters = {**letters, index: range(first, last + 1)}
            case Derivative(by=by):
                names = [by]
            case _:
                pass
        for name in names:
            used = {i.name: letters[i.name] for i in name.indices if isinstance(i, Idx)}
            self.charge(path, 0, prod(map(len, used.values())))
            for values in product(*used.values()):
                one = instantiated(name, dict(zip(used, values, strict=True)))
                if isinstance(one, Name) and one.id not in self.known:
                    where = ", ".join(
                        f"{k} = {v}" for k, v in zip(used, values, strict=True)
                    )
                    refuse(
                        f"unknown id {shown(one.id)}"
                        + (f" ({shown(name.id)[1:-1]} at {where})" if where else ""),
                        name.base,
                        nearest(one.id, self.known),
                    )
        for child in formula.children:
            self._check_indices(path, child, letters, shift, text)

    def definition(self, path: Path) -> Formula:
        """The right side of a formula of the file: arithmetic over any valid ids."""
        formula = self.formula(path, free=True)
        text = self.toml.string(path)
        for node in walk(formula):
            match node:
                case Derivative(head=word):
                    pass
                case Sigma():
                    word = "Sum"
                case Delta():
                    word = "kronecker"
                case Call(function="new"):
                    word = "new"
                case Call(slope=int()):
                    word = "slope"
                case _:
                    continue
            self.toml.refuse(
                path,
                f"expected arithmetic that defines a quantity, found {word}(…)",
                "D, P, Sum, slope and new belong in lines and claims",
                offset=_found(text, word),
            )
        for name in names_in(formula):
            self._check_leaf(path, text, name)
        return formula

    def _check_leaf(self, path: Path, text: str, name: Name) -> None:
        """Refuse an id inside a formula that could not be one in front of it."""
        word = name.id
        if len(word) > MAX_ID:
            message = f"expected an id of at most {MAX_ID} characters"
        elif not _ID.fullmatch(word):
            message = f"expected an id such as x1 or w1_2, found {shown(word)}"
        elif word in RESERVED:
            message = f"expected {word}(…): it is the name of a function"
        else:
            return
        self.toml.refuse(path, message, offset=_found(text, word))

    def refuse_word(
        self, path: Path, word: str, message: str, hint: str = ""
    ) -> NoReturn:
        """Raise at an id inside an expression."""
        text = self.toml.string(path)
        match = re.search(rf"(?<!\w){word}(?!\w|\s*\()", text)
        offset = match.start() if match else 0
        self.toml.refuse(path, message, hint, offset=offset)

    def refuse_order(
        self, uses: Mapping[Name, Sequence[Name]], name: Name, parent: Name
    ) -> NoReturn:
        """Say of an id used too early whether that closes a circle, and which."""
        trail: dict[Name, Name] = {}
        stack = [parent]
        while stack and name not in trail and name != parent:
            here = stack.pop()
            for above in uses.get(here, ()):
                if above not in trail:
                    trail[above] = here
                    stack.append(above)
        path = ("formulas", name.id)
        if name != parent and name not in trail:
            line = self.toml.place(("formulas", parent.id), key=True).line
            message = f"{parent.id!r} is used before it is defined, in line {line}"
            self.refuse_word(path, parent.id, message, "move that line up")
        circle, here = [name.id], name
        while here != parent and len(circle) < MAX_CIRCLE:
            here = trail[here]
            circle.append(here.id)
        if here != parent:
            circle += ["…", parent.id]
        said = " needs ".join([name.id, *reversed(circle)])
        message = f"the formulas go in a circle: {said}"
        self.refuse_word(path, parent.id, message)

    def quantity(
        self, path: Path, indices: Mapping[str, Sequence[int]] | None = None
    ) -> Formula:
        """An id, dJ/dw1_1_2, w1_1_2', or an expression with D, P and new."""
        text = self.toml.string(path, "a quantity in quotes")
        gradient, updated = _GRADIENT.fullmatch(text), _UPDATED.fullmatch(text)
        if gradient and f"d{gradient[1]}" not in self.known:
            of, by = (self.name(path, gradient[n], gradient.start(n)) for n in (1, 2))
            return Derivative("D", of, by)
        if updated:
            name = self.name(path, updated[1], updated.start(1))
            if not self.known[name.id]:
                leaves = [n for n, leaf in self.known.items() if leaf]
                self.toml.refuse(
                    path,
                    f"expected a parameter before ', found {name.id}",
                    nearest(name.id, leaves),
                    offset=updated.start(1),
                )
            return Call("new", (name,))
        return self.formula(path, indices)

    def assumptions(self, path: Path) -> Iterator[Assumption]:
        """`a = b`, `a < b`, `a > b`, `a != b`, or a chain such as `0 < o1 < 1`."""
        text = self.toml.string(path, "a relation in quotes")
        marks = list(_RELATION.finditer(text))
        for mark in marks:
            if mark[0] not in ("=", "<", ">", "!="):
                self.toml.refuse(
                    path,
                    f"expected =, <, > or !=, found {shown(mark[0])}",
                    offset=mark.start(),
                )
        kinds = {mark[0] for mark in marks}
        if (
            not 1 <= len(marks) <= 2
            or len(kinds) > 1
            or (len(marks) > 1 and "!=" in kinds)
        ):
            self.toml.refuse(
                path,
                "expected two sides with =, <, > or != between them",
                'such as "x > 0", or a chain such as "0 < o1 < 1"',
            )
        starts = [0, *(mark.end() for mark in marks)]
        stops = [*(mark.start() for mark in marks), len(text)]
        sides = [
            self.formula(path, part=part) for part in zip(starts, stops, strict=True)
        ]
        for left, right in pairwise(sides):
            yield _assumption(marks[0][0], left, right)


def _assumption(mark: str, left: Formula, right: Formula) -> Assumption:
    """One relation; smaller than is written as greater than."""
    relations: Mapping[str, Literal["=", ">", "≠"]] = {"=": "=", "!=": "≠"}
    if mark == "<":
        left, right = right, left
    return Assumption(relations.get(mark, ">"), left, right)


def _whole(formula: Formula) -> int | None:
    """The value of a whole number below ten thousand, if the form is one."""
    if isinstance(formula, Num) and re.fullmatch(r"[0-9]{1,4}", formula.text):
        return int(formula.text)
    return None


def _found(text: str, word: str) -> int:
    """Where a word stands in an expression; 0 where it is spelt differently."""
    match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    return match.start() if match else 0
