"""symbackprop train: learn as an example's [training] says."""

import argparse
import sys
from time import monotonic

from symbackprop.commands.common import OK, format_of, language, put, target

_FORMATS = ("text", "markdown", "latex", "html", "json", "csv")
_SUFFIXES = {
    ".txt": "text",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".json": "json",
    ".csv": "csv",
}
INTERRUPTED = 130
SECONDS = 0.1
"""The bar moves at most so often."""


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = (
        "Learn as the example's [training] says: the loss by epoch, the parameters."
    )
    command.add_argument("example", metavar="EXAMPLE")
    length = command.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="passes over the samples (default: the file's)",
    )
    length.add_argument(
        "--iterations", type=int, metavar="N", help="single updates, instead of epochs"
    )
    command.add_argument(
        "--seed", type=int, metavar="N", help="for the order and the first weights"
    )
    target(command, _FORMATS)
    language(command)


def run(given: argparse.Namespace) -> int:
    """Learn, then print or write what was reached."""
    from symbackprop.rendered import trained_page
    from symbackprop.trained import train

    bar = _Bar() if sys.stderr.isatty() else None
    trained = train(
        given.example,
        epochs=given.epochs,
        iterations=given.iterations,
        seed=given.seed,
        tell=bar,
    )
    if bar is not None:
        bar.clear()
    put(given, trained_page(trained, format_of(given, _SUFFIXES), given.lang))
    if trained.runs[-1].history.outcome == "interrupted":
        print("interrupted; this is what was reached", file=sys.stderr)
        return INTERRUPTED
    return OK


class _Bar:
    """A bar on stderr; asked after every update, it seldom draws."""

    def __init__(self) -> None:
        self.shown = monotonic()

    def __call__(self, done: int, total: int) -> None:
        """Draw it, if the last time is long ago."""
        now = monotonic()
        if now - self.shown < SECONDS:
            return
        self.shown = now
        filled = 30 * done // max(total, 1)
        bar = "█" * filled + "·" * (30 - filled)
        print(f"\r\x1b[K{bar} {done:,}/{total:,}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave an empty line."""
        print("\r\x1b[K", end="", file=sys.stderr)
