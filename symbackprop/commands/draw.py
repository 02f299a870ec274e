"""symbackprop draw: the picture of one example, or the plot of a row."""

import argparse
from pathlib import Path

from symbackprop.commands.common import NOTATIONS, OK, language, put, write
from symbackprop.errors import InputError

_SUFFIXES = (".svg", ".png", ".tex")


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = (
        "Draw the computational graph of an example: forward values above the lines, "
        "gradients below them. Or plot an activation or a loss."
    )
    command.add_argument("example", metavar="EXAMPLE", nargs="?")
    command.add_argument(
        "--plot",
        metavar="NAME",
        help="plot this activation or loss, or gradient-norm, instead",
    )
    command.add_argument("--view", choices=("graph", "network"), default="graph")
    command.add_argument(
        "--wrt", metavar="ID", default="", help="highlight the way back to this one"
    )
    command.add_argument("--notation", choices=NOTATIONS, help="default: the example's")
    command.add_argument(
        "-o", "--output", metavar="FILE", help=f"one of {', '.join(_SUFFIXES)}"
    )
    language(command)


def run(given: argparse.Namespace) -> int:
    """Draw, print or write."""
    from symbackprop.drawn import draw, draw_png, plot

    suffix = Path(given.output).suffix if given.output else ".svg"
    if suffix not in _SUFFIXES:
        raise InputError(
            f"cannot tell the format from {given.output!r}",
            hint=f"the file ends in {', '.join(_SUFFIXES)}",
        )
    if (given.example is None) == (given.plot is None):
        raise InputError("expected EXAMPLE or --plot NAME", hint="draw --help")
    if given.plot is not None:
        if suffix == ".tex":
            raise InputError("a plot is written as .svg or .png, not as .tex")
        text = plot(given.plot, lang=given.lang)
    else:
        text = draw(
            given.example,
            "tikz" if suffix == ".tex" else "svg",
            view=given.view,
            wrt=given.wrt,
            notation=given.notation,
            lang=given.lang,
        )
    if suffix == ".png":
        write(Path(given.output), draw_png(text))
    else:
        put(given, text)
    return OK
