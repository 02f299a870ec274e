"""What a text may hold before it becomes a form: characters, digits, powers, towers."""

import re
import unicodedata
from collections.abc import Collection
from fractions import Fraction as Rational
from string import ascii_letters, digits
from types import MappingProxyType

from symbackprop.errors import FormulaError
from symbackprop.formula.tree import (
    Call,
    Formula,
    Fraction,
    Minus,
    Num,
    Power,
    number,
)

MAX_CHARACTERS = 10_000
MAX_NESTING = 100
MAX_OF_MAX = 8
MAX_DIGITS = 400
MAX_EXPONENT = 1000
MAX_TOWER = 4
MAX_POWER_BITS = 4096

NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE]([+-]?[0-9]+))?")
_SIGNED = re.compile(r"[+-]?" + NUMBER.pattern)
_LOOKALIKES = MappingProxyType(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00d7\u00b7\u22c5\u2217", "*"),
        "\u00f7": "/",
        "\u2215": "/",
    }
)
"""What a text copied from a printed page has in the place of an operator."""

_ALLOWED = frozenset(ascii_letters + digits + "_+-*/()[],. \n\r\t")


def what_stands_at(text: str, offset: int) -> str:
    """What stands at an offset, for a message."""
    rest = text[offset : offset + 12].strip()
    return repr(rest) if rest else "the end"


def ascii_hint(character: str) -> str:
    """The hint at a character that only looks like an operator; empty for others."""
    operator = _LOOKALIKES.get(character)
    return f"write {operator}" if operator else ""


def check_characters(text: str) -> None:
    """Refuse what could hide something: length, non-ASCII letters, deep nesting."""
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(
            f"the expression has {len(text):,} characters; "
            f"the limit is {MAX_CHARACTERS:,}"
        )
    level = 0
    for offset, character in enumerate(text):
        if (
            character not in _ALLOWED
            and character.isascii()
            and character.isprintable()
        ):
            hint = "write powers as **" if character == "^" else ""
            raise FormulaError(
                f"{character!r} has no place in an expression",
                offset=offset,
                hint=hint or "allowed: ids, numbers, + - * / **, brackets, commas",
            )
        if character not in _ALLOWED:
            name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
            raise FormulaError(
                f"expected ASCII letters, digits and operators, found "
                f"{character!a} ({name})",
                offset=offset,
                hint=ascii_hint(character)
                or "ids are ASCII; put letters of other scripts into [notation]",
            )
        level += (character in "([{") - (character in ")]}")
        if level > MAX_NESTING:
            raise FormulaError(
                f"brackets are nested more than {MAX_NESTING} deep", offset=offset
            )


def literal_value(formula: Formula) -> Rational | None:
    """The value of a form made of numbers alone, if it is one."""
    match formula:
        case Num():
            return formula.value
        case Minus(body):
            value = literal_value(body)
            return None if value is None else -value
        case Fraction(top, bottom):
            above, below = literal_value(top), literal_value(bottom)
            if above is None or not below:
                return None
            return above / below
        case Power(base, exponent):
            of, to = literal_value(base), literal_value(exponent)
            if of is None or to is None or to.denominator != 1 or (of == 0 and to < 0):
                return None
            if (
                max(of.numerator.bit_length(), of.denominator.bit_length()) * abs(to)
                > MAX_POWER_BITS
            ):
                return None
            return of ** int(to)
        case _:
            return None


def tower(formula: Formula) -> int:
    """How many exponentials stand inside each other; one pass, without recursion."""
    highest, stack = 0, [(formula, 0)]
    while stack:
        node, above = stack.pop()
        grows = (isinstance(node, Call) and node.function == "exp") or (
            isinstance(node, Power) and not isinstance(node.exponent, Num)
        )
        here = above + grows
        highest = max(highest, here)
        stack.extend((child, here) for child in node.children)
    return highest


def nested_calls(formula: Formula, functions: Collection[str]) -> int:
    """How many calls of some functions stand inside each other."""
    highest, stack = 0, [(formula, 0)]
    while stack:
        node, above = stack.pop()
        here = above + (isinstance(node, Call) and node.function in functions)
        highest = max(highest, here)
        stack.extend((child, here) for child in node.children)
    return highest


def decimal(text: str) -> Formula:
    """The exact rational of a decimal text, as a form; FormulaError if it is none."""
    body = text.strip()
    match = _SIGNED.fullmatch(body)
    if not match or len(body) > MAX_DIGITS or len(match[2] or "") > 4:
        raise FormulaError(f"expected a decimal number, found {text[:40]!r}")
    return number(Rational(body))
