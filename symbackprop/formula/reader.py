"""Text to form, by a whitelist over Python's own syntax tree; nothing is evaluated.

Limits on length, nesting, nodes, digits and powers hold before anything is built.
"""

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn
from warnings import catch_warnings, simplefilter

from symbackprop.errors import FormulaError
from symbackprop.formula.limits import (
    MAX_DIGITS,
    MAX_EXPONENT,
    MAX_NESTING,
    MAX_OF_MAX,
    MAX_POWER_BITS,
    MAX_TOWER,
    NUMBER,
    check_characters,
    literal_value,
    tower,
    what_stands_at,
)
from symbackprop.formula.tree import (
    MAX_DEPTH,
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
    depth,
    name_of,
)

FUNCTIONS: Mapping[str, int] = {
    "exp": 1,
    "log": 1,
    "sqrt": 1,
    "erf": 1,
    "abs": 1,
    "Max": 2,
    "step": 1,
    "pi": 0,
}
"""The functions that every formula may use, with their number of arguments."""

_ALIASES = {"max": "Max"}
_SPECIAL = ("D", "P", "Sum", "kronecker", "slope", "new")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a text may speak of. `names` None: any id. `loss` gives delta its sense."""

    functions: Mapping[str, int | None] = field(default_factory=dict[str, int | None])
    names: Collection[str] | None = None
    indices: Collection[str] = ()
    loss: Name | None = None


def read(text: str, vocabulary: Vocabulary | None = None) -> Formula:
    """The form of an expression. FormulaError with its offset where it is unusable."""
    words = vocabulary or Vocabulary()
    check_characters(text)
    body, shift = text.replace("\n", " ").replace("\r", " ").replace("\t", " "), 0
    stripped = body.lstrip()
    shift = len(body) - len(stripped)
    if not stripped:
        raise FormulaError("expected an expression, found nothing")
    try:
        with catch_warnings():
            simplefilter("ignore")  # ast warns of odd literals; they are refused below
            tree = ast.parse(stripped, mode="eval")
    except SyntaxError as error:
        offset = max((error.offset or 1) - 1, 0) + shift
        raise FormulaError(
            f"expected an expression in Python syntax, "
            f"found {what_stands_at(text, offset)}",
            offset=offset,
            hint="use + - * / ** and brackets, with * between factors",
        ) from None
    except (MemoryError, RecursionError, ValueError):
        raise FormulaError("the expression is nested too deeply or too long") from None
    try:
        form = _Reader(stripped, words).formula(tree.body, 0)
    except FormulaError as error:
        error.offset += shift
        raise
    if depth(form) > MAX_DEPTH:
        raise FormulaError(f"the expression is nested more than {MAX_DEPTH} deep")
    if tower(form) > MAX_TOWER:
        raise FormulaError(
            f"more than {MAX_TOWER} exponentials on top of each other", offset=shift
        )
    return form


class _Reader:
    """One pass over the syntax tree of one text."""

    def __init__(self, text: str, words: Vocabulary) -> None:
        self.text = text
        self.words = words
        self.bound: list[str] = []

    def refuse(self, node: ast.AST, message: str, hint: str = "") -> NoReturn:
        """Raise at a node's place."""
        offset = getattr(node, "col_offset", 0)
        raise FormulaError(message, offset=offset, hint=hint)

    def formula(self, node: ast.expr, level: int) -> Formula:
        """The form of a syntax node; a leading minus covers the product it leads."""
        if level > MAX_NESTING:
            self.refuse(node, f"nested more than {MAX_NESTING} deep")
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.sum(node, level)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                led = self.leading_minus(node)
                body = self.product(node, level, led)
                return Minus(body) if led else body
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self.power(node, left, right, level)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return Minus(self.formula(operand, level + 1))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.formula(operand, level + 1)
            case ast.Constant():
                return self.number(node)
            case ast.Name(id=identifier):
                return self.name(node, identifier)
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call():
                return self.call(node, level)
            case _:
                self.refuse(
                    node,
                    f"expected arithmetic, found {type(node).__name__.lower()}",
                    "allowed: numbers, ids, + - * / **, brackets, the listed functions",
                )

    def chain(self, node: ast.BinOp, ops: tuple[type, ...]) -> list[ast.BinOp]:
        """The operators of one unbracketed run, innermost (leftmost) first."""
        run = [node]
        while (
            isinstance(left := run[-1].left, ast.BinOp)
            and isinstance(left.op, ops)
            # A bracketed left operand starts after its parent does.
            and left.col_offset == run[-1].col_offset
        ):
            run.append(left)
        return run[::-1]

    def sum(self, node: ast.BinOp, level: int) -> Formula:
        """A run of + and -."""
        run = self.chain(node, (ast.Add, ast.Sub))
        terms = [self.formula(run[0].left, level + 1)]
        for step in run:
            term = self.formula(step.right, level + 1)
            terms.append(Minus(term) if isinstance(step.op, ast.Sub) else term)
        return Sum(tuple(terms))

    def leading_minus(self, node: ast.BinOp) -> ast.UnaryOp | None:
        """The minus sign in front of an unbracketed product, if there is one."""
        left: ast.expr = node
        while (
            isinstance(left, ast.BinOp)
            and isinstance(left.op, ast.Mult | ast.Div)
            and left.col_offset == node.col_offset
        ):
            left = left.left
        if (
            isinstance(left, ast.UnaryOp)
            and isinstance(left.op, ast.USub)
            and left.col_offset == node.col_offset
        ):
            return left
        return None

    def product(self, node: ast.expr, level: int, led: ast.UnaryOp | None) -> Formula:
        """A run of * and /, left to right: a*b/c is a fraction over c."""
        if led is not None and node is led:
            return self.formula(led.operand, level + 1)
        if not (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
        ):
            return self.formula(node, level + 1)
        run = self.chain(node, (ast.Mult, ast.Div))
        first = run[0].left
        result = (
            self.product(first, level, led)
            if first is led
            else self.formula(first, level + 1)
        )
        factors: list[Formula] = [result]
        for step in run:
            right = self.formula(step.right, level + 1)
            if isinstance(step.op, ast.Mult):
                factors.append(right)
            else:
                factors = [Fraction(_product(factors), right)]
        return _product(factors)

    def power(
        self, node: ast.BinOp, left: ast.expr, right: ast.expr, level: int
    ) -> Formula:
        """A power; numbers to the power of numbers are bounded before they exist."""
        base, exponent = self.formula(left, level + 1), self.formula(right, level + 1)
        value = literal_value(exponent)
        if value is not None and abs(value) > MAX_EXPONENT:
            self.refuse(
                right, f"the exponent is too large; the limit is {MAX_EXPONENT}"
            )
        if value is not None and (of := literal_value(base)) is not None:
            bits = max(of.numerator.bit_length(), of.denominator.bit_length())
            if bits * abs(value) > MAX_POWER_BITS:
                self.refuse(node, "this power of numbers is too large to write out")
        return Power(base, exponent)

    def number(self, node: ast.Constant) -> Formula:
        """A decimal, its digits as written."""
        text = self.text[node.col_offset : node.end_col_offset]
        match = NUMBER.fullmatch(text)
        if not match:
            self.refuse(node, f"expected a decimal number, found {text[:40]!r}")
        exponent = match[2] or "0"
        if len(match[1]) > MAX_DIGITS or len(exponent) > 4 or abs(int(exponent)) > 400:
            self.refuse(
                node,
                f"the number {text[:20]}… is out of range",
                f"at most {MAX_DIGITS} digits and an exponent of at most 400",
            )
        return Num(text)

    def name(self, node: ast.Name, identifier: str) -> Formula:
        """An id; delta1_2 is the error term of z1_2."""
        known = self.words.names
        if identifier == "pi" and (known is None or "pi" not in known):
            return Call("pi", ())
        if identifier in self.bound:
            self.refuse(node, f"the index {identifier} is no quantity")
        name = name_of(identifier)
        if known is None or identifier in known:
            return name
        loss = self.words.loss
        if name.base == "delta" and loss is not None:
            about = Name("z", name.indices)
            if about.id in known:
                return Derivative("D", loss, about)
        self.unknown(node, "id", identifier, list(known))

    def unknown(
        self, node: ast.AST, kind: str, word: str, known: list[str]
    ) -> NoReturn:
        """Refuse a word and name the nearest valid one."""
        near = get_close_matches(word, known, 1, 0.4)
        hint = f"did you mean {near[0]}?" if near else ""
        if not near and known:
            hint = "known: " + ", ".join(sorted(known)[:12])
        self.refuse(node, f"unknown {kind} {word!r}", hint)

    def subscript(self, node: ast.Subscript) -> Formula:
        """A name with index variables: w[2, 1, k]."""
        if not isinstance(node.value, ast.Name):
            self.refuse(node, "expected a name before the index bracket")
        known = self.words.names
        if known is not None and not any(
            name_of(w).base == node.value.id for w in known
        ):
            self.unknown(node, "id", node.value.id, [name_of(w).base for w in known])
        if not node.value.id.replace("_", "").isalpha():
            self.refuse(node, "expected letters before the index bracket")
        inner = node.slice
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        name = Name(node.value.id, tuple(self.index(part) for part in parts))
        whole = all(isinstance(index, int) for index in name.indices)
        if whole and known is not None and name.id not in known:
            self.unknown(node, "id", name.id, list(known))
        return name

    def index(self, node: ast.expr) -> Index:
        """An index: a whole number, a declared letter, a letter plus a number."""
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return value
            case ast.Name(id=letter) if letter in self.bound or (
                letter in self.words.indices
            ):
                return Idx(letter)
            case ast.BinOp(
                left=ast.Name() as left,
                op=ast.Add() | ast.Sub() as op,
                right=ast.Constant(value=int(by)),
            ) if not isinstance(by, bool):
                base = self.index(left)
                assert isinstance(base, Idx)
                return Idx(base.name, by if isinstance(op, ast.Add) else -by)
            case _:
                self.refuse(node, "expected an index: a number or a declared letter")

    def call(self, node: ast.Call, level: int) -> Formula:
        """A function of the whitelist, or D, P, Sum, kronecker, slope, new."""
        if not isinstance(node.func, ast.Name):
            self.refuse(node, "expected the name of a function before the bracket")
        word = _ALIASES.get(node.func.id, node.func.id)
        if node.keywords or any(isinstance(a, ast.Starred) for a in node.args):
            self.refuse(node, f"{word} takes plain arguments only")
        if word in _SPECIAL and word not in self.words.functions:
            return self.special(node, word, level)
        arity = self.words.functions.get(word, FUNCTIONS.get(word, -1))
        if arity == -1:
            known = [*self.words.functions, *FUNCTIONS, "D", "P", "Sum"]
            self.unknown(node, "function", word, known)
        if (
            arity is not None
            and len(node.args) != arity
            and not (word == "Max" and 1 < len(node.args) <= MAX_OF_MAX)
        ):
            self.refuse(
                node, f"{word} takes {arity} argument(s), found {len(node.args)}"
            )
        arguments = tuple(self.formula(a, level + 1) for a in node.args)
        return Call(word, arguments)

    def special(self, node: ast.Call, word: str, level: int) -> Formula:
        """The words that are no functions: derivatives, Σ, δ, slopes."""
        counts = {"Sum": 4, "new": 1}
        if len(node.args) != counts.get(word, 2):
            self.refuse(node, f"{word} takes {counts.get(word, 2)} argument(s)")
        match word:
            case "D" | "P":
                of = self.formula(node.args[0], level + 1)
                by = self.formula(node.args[1], level + 1)
                if not isinstance(by, Name):
                    self.refuse(node.args[1], "expected an id to differentiate by")
                return Derivative(word, of, by)
            case "new":
                what = self.formula(node.args[0], level + 1)
                return Call("new", (what,))
            case "kronecker":
                return Delta(self.index(node.args[0]), self.index(node.args[1]))
            case "slope":
                of = self.formula(node.args[0], level + 1)
                place = node.args[1]
                if not (
                    isinstance(of, Call)
                    and isinstance(place, ast.Constant)
                    and isinstance(place.value, int)
                    and 1 <= place.value <= len(of.arguments)
                ):
                    self.refuse(node, "expected slope(f(x, …), number of an argument)")
                return Call(of.function, of.arguments, place.value - 1)
            case _:
                letter = node.args[1]
                if not isinstance(letter, ast.Name):
                    self.refuse(letter, "expected an index letter")
                start = self.formula(node.args[2], level + 1)
                stop = self.formula(node.args[3], level + 1)
                for bound in (start, stop):
                    if isinstance(bound, Num) and not bound.text.isdigit():
                        self.refuse(node, "the bounds of a sum are whole numbers")
                self.bound.append(letter.id)
                body = self.formula(node.args[0], level + 1)
                self.bound.pop()
                return Sigma(letter.id, start, stop, body)


def _product(factors: list[Formula]) -> Formula:
    """One factor alone, or a product."""
    return factors[0] if len(factors) == 1 else Product(tuple(factors))
