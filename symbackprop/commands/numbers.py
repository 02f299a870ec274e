"""symbackprop numbers: every quantity worked out, formula beside numbers."""

import argparse

from symbackprop.commands.common import (
    OK,
    format_of,
    language,
    notation,
    put,
    target,
)
from symbackprop.errors import InputError

_FORMATS = ("text", "latex", "mathml", "markdown", "html", "csv", "json")
_SUFFIXES = {
    ".txt": "text",
    ".tex": "latex",
    ".xhtml": "mathml",
    ".md": "markdown",
    ".html": "html",
    ".csv": "csv",
    ".json": "json",
}


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = (
        "Forward values, the loss, every derivative, every updated weight: each as "
        "formula, with the numbers put in, and the result."
    )
    command.add_argument("example", metavar="EXAMPLE")
    command.add_argument(
        "--wrt",
        action="append",
        metavar="ID",
        default=[],
        help="differentiate by this quantity (repeatable; default: all parameters)",
    )
    command.add_argument(
        "--set",
        action="append",
        dest="values",
        metavar="ID=NUMBER",
        default=[],
        help="another value than the file's (repeatable)",
    )
    command.add_argument(
        "--digits", type=int, metavar="N", help="significant digits (default: 8)"
    )
    command.add_argument(
        "--exact",
        action="store_true",
        help="fractions instead of decimals; σ(3/2) and its like stay as they are",
    )
    command.add_argument(
        "--learning-rate",
        metavar="NUMBER",
        help="for the updated weights (default: the file's; without one, no update)",
    )
    notation(command)
    language(command)
    target(command, _FORMATS)


def run(given: argparse.Namespace) -> int:
    """Work out, render, print or write."""
    from symbackprop.derived import derive
    from symbackprop.worked import DIGITS, numbers

    to = format_of(given, _SUFFIXES)
    values: dict[str, str] = {}
    for text in given.values:
        key, mark, value = text.partition("=")
        if not mark or not key.strip():
            raise InputError(f"expected --set ID=NUMBER, found {text!r}")
        values[key.strip()] = value
    derivations = derive(
        given.example, given.wrt, notation=given.notation, lang=given.lang
    )
    worked = numbers(
        derivations,
        values,
        digits=DIGITS if given.digits is None else given.digits,
        exact=given.exact,
        learning_rate=given.learning_rate,
    )
    put(given, worked.render(to))
    return OK
