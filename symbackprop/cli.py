"""Arguments in, exit code out. SymPy and NumPy are not imported for --help."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TypeVar

from symbackprop.errors import InputError, SymbackpropError
from symbackprop.version import __version__

T = TypeVar("T")
OK, DIFFERS, UNUSABLE, UNDECIDED = 0, 1, 2, 3
_GRAVITY = (OK, UNDECIDED, DIFFERS, UNUSABLE)
INTERRUPTED = 130
_FORMATS = ("text", "latex", "mathml", "markdown", "html", "json")
_SUFFIXES = {
    ".txt": "text",
    ".tex": "latex",
    ".xhtml": "mathml",
    ".md": "markdown",
    ".html": "html",
    ".json": "json",
}
_DETAILS = ("brief", "standard", "full")
_NOTATIONS = ("sources", "nielsen", "delta", "strict")
_STRATEGIES = ("backprop", "paths", "authored", "calculus")
_LANGUAGES = ("en", "ko")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="symbackprop",
        description="Derives, checks and presents backpropagation.",
        epilog="EXAMPLE is the name of a shipped example or a .toml file.",
    )
    top.add_argument(
        "--version", action="version", version=f"symbackprop {__version__}"
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND")

    derive = commands.add_parser(
        "derive",
        help="print the derivation of one example",
        description="Derive ∂loss/∂w line by line, every line checked.",
    )
    derive.add_argument("example", metavar="EXAMPLE")
    derive.add_argument(
        "--wrt",
        action="append",
        metavar="ID",
        default=[],
        help="differentiate by this quantity (repeatable; default: all parameters)",
    )
    derive.add_argument("--by", choices=_STRATEGIES, help="how the steps are found")
    derive.add_argument(
        "--to", choices=_FORMATS, help="format (default: by -o, or text)"
    )
    derive.add_argument("-o", "--output", metavar="FILE", help="write to this file")
    _presentation(derive)
    derive.set_defaults(run=_derive)

    examples = commands.add_parser("examples", help="list the shipped examples")
    examples.add_argument("--lang", choices=_LANGUAGES, default="en")
    examples.set_defaults(run=_examples)

    build = commands.add_parser(
        "build",
        help="write a page for each example, and an index",
        description="Write an HTML page for each example, and an index page.",
    )
    build.add_argument(
        "files", nargs="*", metavar="EXAMPLE", help="default: all shipped"
    )
    build.add_argument("--out", default="site", metavar="DIR", help="default: site")
    _presentation(build)
    build.set_defaults(run=_build)

    recheck = commands.add_parser(
        "recheck",
        help="judge a derivation read back from JSON",
        description="Replay every step of a JSON file with the kernel's rules.",
    )
    recheck.add_argument("file", metavar="FILE", help="written by derive --to json")
    recheck.set_defaults(run=_recheck)
    return top


def _presentation(command: argparse.ArgumentParser) -> None:
    """The options of everything that shows derivations."""
    command.add_argument("--detail", choices=_DETAILS, default="standard")
    command.add_argument(
        "--notation", choices=_NOTATIONS, help="default: the example's"
    )
    command.add_argument("--lang", choices=_LANGUAGES, default="en")


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
        return _code(error)
    except OSError as error:
        what = error.filename or "output"
        print(f"symbackprop: {what}: {error.strerror}", file=sys.stderr)
        return UNUSABLE


def _utf8() -> None:
    """Formulas print as they are, also where the locale says otherwise."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]


def _code(error: SymbackpropError) -> int:
    """1 for a line that is refuted, 3 for one left undecided, 2 for unusable input."""
    decided = getattr(error, "decided", None)
    if decided is None:
        return UNUSABLE
    return DIFFERS if decided else UNDECIDED


def _derive(given: argparse.Namespace) -> int:
    """symbackprop derive."""
    from symbackprop.derived import derive, render

    to = given.to
    if to is None:
        suffix = Path(given.output).suffix if given.output else ".txt"
        if suffix not in _SUFFIXES:
            raise InputError(
                f"cannot tell the format from {given.output!r}",
                hint="give --to, one of " + ", ".join(_FORMATS),
            )
        to = _SUFFIXES[suffix]
    derivations = derive(
        given.example, given.wrt, by=given.by, notation=given.notation, lang=given.lang
    )
    text = render(derivations, to, detail=given.detail)
    if given.output:
        write(Path(given.output), text)
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    return OK


def _examples(given: argparse.Namespace) -> int:
    """symbackprop examples."""
    from symbackprop.examples import load_example, shipped

    names = list(shipped())
    room = max(map(len, names), default=0)
    for name in names:
        title = load_example(name).title
        print(f"{name:<{room}}  {title.get(given.lang) or title['en']}")
    return OK


def _build(given: argparse.Namespace) -> int:
    """symbackprop build."""
    from symbackprop.derived import derive, render
    from symbackprop.examples import load_example, shipped
    from symbackprop.renderers.html import index_page
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
    for example in progress(examples, [e.name for e in examples]):
        try:
            pages = derive(example, notation=given.notation, lang=given.lang)
            text = render(pages, "html", detail=given.detail)
        except SymbackpropError as error:
            print(f"symbackprop: {example.name}: {error}", file=sys.stderr)
            worst = max(worst, _code(error), key=_GRAVITY.index)
            continue
        write(out / f"{example.name}.html", text)
        title = example.title.get(given.lang) or example.title["en"]
        entries.append((f"{example.name}.html", title, example.source))
    index = index_page(word("page", "examples", given.lang), given.lang, entries)
    write(out / "index.html", index)
    print(f"{len(entries)} pages in {out / 'index.html'}")
    return worst


def progress(items: Sequence[T], names: Iterable[str]) -> Iterable[T]:
    """The items one by one, with a counter on stderr when that is a terminal."""
    shown = sys.stderr.isatty()
    for number, (item, name) in enumerate(zip(items, names, strict=True), 1):
        if shown:
            print(f"\r\x1b[K{number}/{len(items)} {name}", end="", file=sys.stderr)
        yield item
    if shown:
        print("\r\x1b[K", end="", file=sys.stderr)


def _recheck(given: argparse.Namespace) -> int:
    """symbackprop recheck."""
    from symbackprop.checks.recheck import recheck_file

    report = recheck_file(Path(given.file))
    print(report)
    return OK


def write(path: Path, text: str) -> None:
    """Write a whole file or none: into a neighbour first, then renamed."""
    if not path.parent.is_dir():
        raise InputError(f"there is no folder {path.parent}", hint="make it first")
    if path.exists() and not path.is_file():  # a pipe or a device is written as it is
        path.write_text(text, encoding="utf-8")
        return
    mask = os.umask(0)
    os.umask(mask)
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".symbackprop-", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o666 & ~mask)
            file.close()
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


if __name__ == "__main__":
    sys.exit(main())
