"""symbackprop recheck: a derivation read back from JSON and judged anew."""

import argparse
from pathlib import Path

from symbackprop.commands.common import OK


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = "Replay every step of a JSON file with the kernel's rules."
    command.add_argument("file", metavar="FILE", help="written by derive --to json")


def run(given: argparse.Namespace) -> int:
    """Replay; what differs is raised."""
    from symbackprop.checks.recheck import recheck_file

    print(recheck_file(Path(given.file)))
    return OK
