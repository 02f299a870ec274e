"""symbackprop check: a derived gradient held against independent witnesses."""

import argparse
import sys

from symbackprop.commands.common import (
    DIFFERS,
    GRAVITY,
    OK,
    UNDECIDED,
    UNUSABLE,
    code_of,
    format_of,
    progress,
    put,
    target,
)
from symbackprop.errors import InputError, SymbackpropError

_CODES = {"agrees": OK, "differs": DIFFERS, "undecided": UNDECIDED}


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = (
        "Hold every derivative against witnesses that share nothing with it: "
        "a reverse tape, differences, the complex step, 50 digits."
    )
    command.add_argument("examples", nargs="+", metavar="EXAMPLE")
    command.add_argument(
        "--against",
        action="append",
        metavar="WITNESS",
        help="ask this witness (repeatable; default: all that apply)",
    )
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the points (default: 0)"
    )
    command.add_argument(
        "--tolerance",
        type=float,
        default=1e-10,
        metavar="T",
        help="a relative error this large is reported (default: 1e-10)",
    )
    target(command, ("text", "json"))


def run(given: argparse.Namespace) -> int:
    """Examine one example after the other; one that fails does not stop the others."""
    from symbackprop.derived import derive
    from symbackprop.examined import check, json_of_reports, text_of_reports
    from symbackprop.examples import load_example

    to = format_of(given, {".txt": "text", ".json": "json"})
    reports = []
    code = OK
    for name in progress(given.examples, given.examples):
        try:
            example = load_example(name)
            reports.append(
                check(
                    derive(example),
                    given.against,
                    seed=given.seed,
                    tolerance=given.tolerance,
                    tell=lambda what, name=name: _tell(f"{name}: {what}"),
                )
            )
        except SymbackpropError as error:
            _tell("")
            placed = isinstance(error, InputError) and error.place is not None
            told = error if placed else f"{name}: {error}"
            print(f"symbackprop: {told}", file=sys.stderr)
            code = max(code, code_of(error), key=GRAVITY.index)
            continue
        code = max(code, _CODES[reports[-1].outcome], key=GRAVITY.index)
    if reports or code != UNUSABLE:
        put(
            given,
            json_of_reports(reports) if to == "json" else text_of_reports(reports),
        )
    return code


def _tell(what: str) -> None:
    """What is being asked, on stderr when that is a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{what}", end="", file=sys.stderr, flush=True)
