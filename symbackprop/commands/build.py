"""symbackprop build: a page for each example, and an index."""

import argparse
import sys
from pathlib import Path

from symbackprop.commands.common import (
    GRAVITY,
    OK,
    code_of,
    presentation,
    progress,
    write,
)
from symbackprop.errors import InputError, SymbackpropError


def add(command: argparse.ArgumentParser) -> None:
    """What can be said on the command line."""
    command.description = "Write an HTML page for each example, and an index page."
    command.add_argument(
        "files", nargs="*", metavar="EXAMPLE", help="default: all shipped"
    )
    command.add_argument("--out", default="site", metavar="DIR", help="default: site")
    presentation(command)


def run(given: argparse.Namespace) -> int:
    """Write the pages one by one; one that fails does not stop the others."""
    from symbackprop.derived import derive
    from symbackprop.examples import load_example, shipped
    from symbackprop.rendered import render
    from symbackprop.renderers.webfile import index_page
    from symbackprop.renderers.words import word

    examples = [load_example(name) for name in given.files or shipped()]
    names = [example.name for example in examples]
    twice = {name for name in names if names.count(name) > 1 or name == "index"}
    if twice:
        raise InputError(f"two pages would both be {min(twice)}.html")
    out = Path(given.out)
    out.mkdir(parents=True, exist_ok=True)
    entries: list[tuple[str, str, str]] = []
    worst = OK
    for example in progress(examples, names):
        try:
            pages = derive(example, notation=given.notation, lang=given.lang)
            text = render(pages, "html", detail=given.detail)
        except SymbackpropError as error:
            print(f"symbackprop: {example.name}: {error}", file=sys.stderr)
            worst = max(worst, code_of(error), key=GRAVITY.index)
            continue
        write(out / f"{example.name}.html", text)
        title = example.title.get(given.lang) or example.title["en"]
        entries.append((f"{example.name}.html", title, example.source))
    index = index_page(word("page", "examples", given.lang), given.lang, entries)
    write(out / "index.html", index)
    print(f"{len(entries)} pages in {out / 'index.html'}")
    return worst
