"""What several commands share: exit codes, options, files written whole."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from symbackprop.errors import InputError, SymbackpropError

T = TypeVar("T")
OK, DIFFERS, UNUSABLE, UNDECIDED = 0, 1, 2, 3
GRAVITY = (OK, UNDECIDED, DIFFERS, UNUSABLE)
"""Exit codes, the one that counts more later."""

CODES = (
    "Exit codes: 0 all is well, 1 something is wrong, 2 the input is unusable, "
    "3 something could not be decided, 130 interrupted."
)
"""What the end of each command's help says."""

DETAILS = ("brief", "standard", "full")
NOTATIONS = ("sources", "nielsen", "delta", "strict")
STRATEGIES = ("backprop", "paths", "authored", "calculus")
LANGUAGES = ("en", "ko")


def code_of(error: SymbackpropError) -> int:
    """1 for a line that is refuted, 3 for one left undecided, 2 for unusable input."""
    decided = getattr(error, "decided", None)
    if decided is None:
        return UNUSABLE
    return DIFFERS if decided else UNDECIDED


def presentation(command: argparse.ArgumentParser) -> None:
    """The options of everything that shows derivations."""
    command.add_argument(
        "--detail",
        choices=DETAILS,
        default="standard",
        help="brief: the result with its reasons; standard: the lines that a book "
        "prints (default); full: each small step, opened where it is used",
    )
    notation(command)
    language(command)


def notation(command: argparse.ArgumentParser) -> None:
    """How quantities are lettered."""
    command.add_argument(
        "--notation",
        choices=NOTATIONS,
        help="default: the example's. sources: weights from i to j, units h and o, "
        "loss J; nielsen: weights to j from k, units a, loss C, error terms δ, the "
        "input is layer 1; delta: as sources, error terms δ; strict: as sources, d "
        "for total and ∂ for partial derivatives",
    )


def language(command: argparse.ArgumentParser) -> None:
    """The language of what is shown."""
    command.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="English (default) or Korean"
    )


def target(
    command: argparse.ArgumentParser, formats: Iterable[str], default: str = "text"
) -> None:
    """Where to and in which format."""
    command.add_argument(
        "--to", choices=tuple(formats), help=f"format (default: by -o, or {default})"
    )
    command.add_argument("-o", "--output", metavar="FILE", help="write to this file")


def format_of(
    given: argparse.Namespace, suffixes: dict[str, str], default: str = "text"
) -> str:
    """The format asked for, or the one that the file's suffix tells."""
    if given.to is not None:
        return str(given.to)
    if not given.output:
        return default
    suffix = Path(given.output).suffix
    if suffix not in suffixes:
        raise InputError(
            f"cannot tell the format from {given.output!r}",
            hint="give --to, one of " + ", ".join(dict.fromkeys(suffixes.values())),
        )
    return suffixes[suffix]


def put(given: argparse.Namespace, text: str) -> None:
    """Print a text, or write it where -o says."""
    if given.output:
        write(Path(given.output), text)
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")


def progress(items: Sequence[T], names: Iterable[str]) -> Iterable[T]:
    """The items one by one, with a counter on stderr when that is a terminal."""
    shown = sys.stderr.isatty()
    for number, (item, name) in enumerate(zip(items, names, strict=True), 1):
        if shown:
            print(f"\r\x1b[K{number}/{len(items)} {name}", end="", file=sys.stderr)
        yield item
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr)


def write(path: Path, content: str | bytes) -> None:
    """Write a whole file or none: into a neighbour first, then renamed."""
    data = content.encode() if isinstance(content, str) else content
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="make it first")
    if path.exists() and not path.is_file():  # a pipe or a device is written as it is
        path.write_bytes(data)
        return
    mask = os.umask(0)
    os.umask(mask)
    with NamedTemporaryFile(
        dir=path.parent, prefix=".symbackprop-", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o666 & ~mask)
            file.close()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
