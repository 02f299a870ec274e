"""symbackprop examples: the shipped examples with their titles."""

import argparse

from symbackprop.commands.common import OK, language


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    language(command)


def run(given: argparse.Namespace) -> int:
    """Print a line each."""
    from symbackprop.examples import load_example, shipped

    names = list(shipped())
    room = max(map(len, names), default=0)
    for name in names:
        title = load_example(name).title
        print(f"{name:<{room}}  {title.get(given.lang) or title['en']}")
    return OK
