"""Arguments in, exit code out. SymPy and NumPy are not imported for --help."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from types import MappingProxyType

from symbackprop.commands.common import CODES, OK, UNUSABLE, code_of
from symbackprop.errors import SymbackpropError
from symbackprop.version import __version__

INTERRUPTED = 130
COMMANDS = MappingProxyType(
    {
        "derive": "print the derivation of one example",
        "examples": "list the shipped examples",
        "build": "write a page for each example, and an index",
        "numbers": "print the worked numbers of an example",
        "check": "hold derived gradients against independent witnesses",
        "verify": "judge what a book prints",
        "draw": "draw an example's graph, or plot an activation or a loss",
        "train": "learn as an example says: the loss by epoch",
        "recheck": "judge a derivation read back from JSON",
    }
)
"""One row a command; its module has the same name."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="symbackprop",
        description="Derives, checks and presents backpropagation.",
        epilog=f"EXAMPLE is the name of a shipped example or a .toml file. {CODES}",
    )
    top.add_argument(
        "--version", action="version", version=f"symbackprop {__version__}"
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    for name, help_ in COMMANDS.items():
        module = import_module(f"symbackprop.commands.{name}")
        command = commands.add_parser(name, help=help_, epilog=CODES)
        module.add(command)
        command.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors become one line on stderr and an exit code."""
    _utf8()
    top = parser()
    given = top.parse_args(arguments)
    if given.command is None:
        top.print_help()
        return OK
    run: Callable[[argparse.Namespace], int] = given.run
    try:
        return run(given)
    except KeyboardInterrupt:
        print("interrupted; nothing half-written was left behind", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except SymbackpropError as error:
        print(f"symbackprop: {error}", file=sys.stderr)
        return code_of(error)
    except OSError as error:
        what = error.filename or "output"
        print(f"symbackprop: {what}: {error.strerror}", file=sys.stderr)
        return UNUSABLE


def _utf8() -> None:
    """Formulas print as they are, also where the locale says otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]


if __name__ == "__main__":
    sys.exit(main())
