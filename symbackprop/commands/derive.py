"""symbackprop derive: the derivation of one example, in any format."""

import argparse

from symbackprop.commands.common import (
    OK,
    STRATEGIES,
    format_of,
    presentation,
    put,
    target,
)

_FORMATS = ("text", "latex", "mathml", "markdown", "html", "json", "numpy")
_SUFFIXES = {
    ".txt": "text",
    ".tex": "latex",
    ".xhtml": "mathml",
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
    ".py": "numpy",
}


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = "Derive ∂loss/∂w line by line, every line checked."
    command.add_argument("example", metavar="EXAMPLE")
    command.add_argument(
        "--wrt",
        action="append",
        metavar="ID",
        default=[],
        help="differentiate by this quantity (repeatable; default: all parameters)",
    )
    command.add_argument(
        "--by",
        choices=STRATEGIES,
        help="how the steps are found (default: the example's, or backprop): by the "
        "chain rule with each error term once, path by path, along the author's own "
        "lines, or rule by rule in one variable",
    )
    target(command, _FORMATS)
    presentation(command)


def run(given: argparse.Namespace) -> int:
    """Derive, render, print or write."""
    from symbackprop.computed import module
    from symbackprop.derived import derive
    from symbackprop.rendered import render

    to = format_of(given, _SUFFIXES)
    derivations = derive(
        given.example, given.wrt, by=given.by, notation=given.notation, lang=given.lang
    )
    if to == "numpy":
        put(given, module(derivations))
    else:
        put(given, render(derivations, to, detail=given.detail))
    return OK
