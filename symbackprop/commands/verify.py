"""symbackprop verify: what a book prints, judged to its last digit."""

import argparse
import sys
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from symbackprop.commands.common import (
    DIFFERS,
    GRAVITY,
    OK,
    UNDECIDED,
    format_of,
    language,
    put,
    target,
)
from symbackprop.errors import InputError

if TYPE_CHECKING:
    from symbackprop.examples import Claim

_FORMATS = ("text", "json", "markdown", "html", "junit", "github", "erratum")
_SUFFIXES = {
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".html": "html",
    ".xml": "junit",
}
_CODES = {"agrees": OK, "undecided": UNDECIDED, "differs": DIFFERS}
PATIENCE = 1.0
"""So many seconds pass before anything is said of the progress."""


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = (
        "Judge the numbers and formulas that a book prints: right, rounded early, "
        "inherited, wrong and why."
    )
    command.add_argument("examples", nargs="+", metavar="EXAMPLE")
    command.add_argument(
        "--claims",
        metavar="FILE.csv",
        help="judge this table (quantity,printed,where) instead of the file's claims",
    )
    target(command, _FORMATS)
    language(command)


def run(given: argparse.Namespace) -> int:
    """Judge each example; the worst of them is the exit code."""
    from symbackprop.judged import verify, written

    to = format_of(given, _SUFFIXES)
    if given.claims is not None and len(given.examples) > 1:
        raise InputError("--claims goes with one example")
    if to == "html" and len(given.examples) > 1:
        raise InputError("an HTML page shows one example", hint="give one EXAMPLE")
    reports = [
        verify(name, claims=given.claims, tell=_told(name)) for name in given.examples
    ]
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    put(given, written(reports, to, given.lang))
    return max((_CODES[report.outcome] for report in reports), key=GRAVITY.index)


def _told(name: str) -> "Callable[[int, Claim], None]":
    """A counter on stderr, once it takes long and where that is a terminal."""
    start = monotonic()

    def tell(number: int, claim: "Claim") -> None:
        if sys.stderr.isatty() and monotonic() - start > PATIENCE:
            said = f"\r\x1b[K{name}: claim {number}, {claim.quantity[:40]}"
            print(said, end="", file=sys.stderr, flush=True)

    return tell
