"""A TOML text read with care: a getter a kind, each refusal with its place.

Files are small, plain and UTF-8; `tomllib` judges the syntax, in plain words.
"""

import re
import tomllib
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from pathlib import Path as FilePath
from stat import S_ISDIR, S_ISREG
from typing import NoReturn, TypeAlias, cast

from symbackprop.errors import InputError, Place
from symbackprop.examples.toml_places import Path, Scan, raw_offset

MAX_BYTES = 1_000_000

Table: TypeAlias = dict[str, object]

_WHERE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_PLAINLY = (
    ("Cannot overwrite a value", "a name is defined a second time"),
    ("Cannot declare", "a table is declared a second time"),
    ("Cannot redefine", "a table is opened a second time"),
    ("Cannot mutate", "a table that was complete is opened a second time"),
    ("Unclosed array", "a list is not closed, or a comma is missing"),
    ("Unclosed inline table", "a { } table is not closed, or a comma is missing"),
    ("Unterminated string", "a string is not closed"),
    ("Invalid value", "expected a value: a string in quotes, a number, a list"),
)
_ALLOWED_FORMAT = "\u200c\u200d"
"""Zero-width joiners: some scripts cannot be written without them."""


def nearest(word: str, known: Iterable[str]) -> str:
    """The hint that names the nearest valid word, or the first valid ones."""
    words = list(known)
    near = get_close_matches(word[:80], words, 1, 0.4)
    if near:
        return f"did you mean {near[0]}?"
    more = ", …" if len(words) > 12 else ""
    return f"known: {', '.join(words[:12])}{more}" if words else ""


def called(character: str) -> str:
    """A character as a message shows it: escaped, and by its Unicode name."""
    name = unicodedata.name(character, f"U+{ord(character):04X}").lower()
    return f"{character!a} ({name})"


def shown(text: str) -> str:
    """A word of the file as a message quotes it: bounded and without surprises."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def file_text(path: FilePath, limit: int = MAX_BYTES) -> str:
    """The text of a file: a plain one, small enough, in UTF-8; else InputError."""
    place = Place(str(path))
    try:
        status = path.stat()
        if S_ISDIR(status.st_mode):
            raise InputError("expected a file, found a directory", place=place)
        if not S_ISREG(status.st_mode):
            raise InputError("expected a plain file", place=place)
        if status.st_size > limit:
            raise _too_big(status.st_size, place, limit)
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except FileNotFoundError:
        raise InputError("there is no such file", place=place) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read: {reason.lower()}", place=place) from None
    if len(data) > limit:
        raise _too_big(len(data), place, limit)
    try:
        # Some editors put a byte order mark in front; tomllib knows none.
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before.rpartition(b"\n")[2].decode("utf-8")) + 1
        raise InputError(
            f"expected UTF-8 text, found the byte 0x{data[error.start]:02x} "
            f"at offset {error.start}",
            place=Place(str(path), line, column),
            hint="save the file as UTF-8",
        ) from None


def _too_big(size: int, place: Place, limit: int = MAX_BYTES) -> InputError:
    """The refusal of a large file."""
    return InputError(f"expected at most {limit:,} bytes, found {size:,}", place=place)


class Toml:
    """Checked reading of one text; every refusal names file, line and column."""

    def __init__(self, text: str, file: str = "") -> None:
        """Scan and parse; InputError where the text is no TOML or too large."""
        self.file = file
        if len(text) > MAX_BYTES:
            raise _too_big(len(text), Place(file))
        # tomllib does the same, so that the columns agree.
        self.text = text = text.replace("\r\n", "\n")
        self._ends = [m.start() for m in re.finditer("\n", text)]
        scan = Scan(text, self._refuse_at)
        whole = scan.run()
        self._spans = scan.spans
        if not whole:
            # Only up to the line that the scan could not pass: past it, nothing
            # bounds the time.
            stop = text.find("\n", scan.here)
            text = text if stop < 0 else text[: stop + 1]
        try:
            self.data = cast("Table", tomllib.loads(text))
        except (ValueError, RecursionError) as error:
            self._refuse_syntax(str(error))
        if not whole:
            self._refuse_at(scan.here, "expected TOML as in docs/file-format.md")

    def _place_at(self, offset: int) -> Place:
        """The place of a character."""
        line = bisect_left(self._ends, offset)
        start = self._ends[line - 1] + 1 if line else 0
        return Place(self.file, line + 1, offset - start + 1)

    def _refuse_at(self, offset: int, message: str, hint: str = "") -> NoReturn:
        """Raise at a character."""
        raise InputError(message, place=self._place_at(offset), hint=hint)

    def _refuse_syntax(self, said: str) -> NoReturn:
        """Raise what tomllib said, more plainly where that can be."""
        match = _WHERE.search(said)
        offset = len(self.text)
        if match and match[1]:
            line = int(match[1])
            offset = (self._ends[line - 2] + 1 if line > 1 else 0) + int(match[2]) - 1
        said = said[: match.start()] if match else said
        character = self.text[offset : offset + 1]
        plain = next((ours for theirs, ours in _PLAINLY if said.startswith(theirs)), "")
        message = plain or f"not TOML: {said[:1].lower()}{said[1:]}"
        if character and not (" " <= character <= "~" or character == "\n"):
            message += f", found {called(character)}"
        self._refuse_at(offset, message)

    def place(
        self, path: Path, offset: int | None = None, *, key: bool = False
    ) -> Place:
        """The place of a value, of its key, or of a character inside a string."""
        while path and path not in self._spans:
            path, offset = path[:-1], None
        key_start, start, end = self._spans.get(path, (0, 0, 0))
        if key:
            return self._place_at(key_start)
        if offset is None:
            return self._place_at(start)
        return self._place_at(start + raw_offset(self.text[start:end], offset))

    def refuse(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        offset: int | None = None,
        key: bool = False,
    ) -> NoReturn:
        """Raise at a value, at its key, or at a character inside a string."""
        raise InputError(message, place=self.place(path, offset, key=key), hint=hint)

    def raw(self, path: Path) -> str:
        """A value as the file writes it."""
        _, start, end = self._spans.get(path, (0, 0, 0))
        return self.text[start:end]

    def get(self, path: Path) -> object:
        """The value at a path; None where there is none."""
        value: object = self.data
        for part in path:
            if isinstance(value, dict):
                value = cast("dict[str | int, object]", value).get(part)
            elif isinstance(value, list) and isinstance(part, int):
                value = cast("list[object]", value)[part]
            else:
                return None
        return value

    def expected(self, path: Path, what: str, hint: str = "") -> NoReturn:
        """Raise: something else came, or nothing."""
        value = self.get(path)
        if value is None:
            name = path[-1] if path else ""
            self.refuse(path[:-1], f"{name} is missing: expected {what}", hint)
        self.refuse(path, f"expected {what}, found {_kind(value)}", hint)

    def table(self, path: Path, known: Collection[str] | None = None) -> Table:
        """A table; its keys are among the known ones, if those are given."""
        value = self.get(path)
        if not isinstance(value, dict):
            self.expected(path, "a table")
        table = cast("Table", value)
        for name in table:
            if known is not None and name not in known:
                where = f" in {'.'.join(map(str, path))}" if path else ""
                self.refuse(
                    (*path, name),
                    f"unknown key {shown(name)}{where}",
                    nearest(name, known),
                    key=True,
                )
        return table

    def items(self, path: Path, what: str, least: int, most: int) -> range:
        """The places in a list whose length is in bounds."""
        value = self.get(path)
        if not isinstance(value, list):
            self.expected(path, f"a list of {what}")
        count = len(cast("list[object]", value))
        if not least <= count <= most:
            self.refuse(path, f"expected {least} to {most} {what}, found {count}")
        return range(count)

    def string(self, path: Path, what: str = "a string", most: int = 10_000) -> str:
        """A string of bounded length."""
        value = self.get(path)
        if not isinstance(value, str):
            self.expected(path, what)
        if len(value) > most:
            self.refuse(
                path, f"expected at most {most:,} characters, found {len(value):,}"
            )
        return value

    def prose(self, path: Path, most: int) -> str:
        """A string for people: any letters, nothing that hides or turns them."""
        text = self.string(path, most=most)
        for offset, character in enumerate(text):
            category = unicodedata.category(character)
            hides = category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
            if hides and character not in "\n\t" + _ALLOWED_FORMAT:
                self.refuse(
                    path,
                    f"expected readable text, found {called(character)}",
                    offset=offset,
                )
        if not text.strip():
            self.refuse(path, "expected some text, found none")
        return " ".join(text.split())

    def choice(self, path: Path, what: str, options: Collection[str]) -> str:
        """One of a few words."""
        hint = "one of " + ", ".join(options)
        value = self.get(path)
        if not isinstance(value, str):
            self.expected(path, what, hint)
        if value not in options:
            near = get_close_matches(value[:80], options, 1, 0.5)
            if near:
                hint = f"did you mean {near[0]}?"
            self.refuse(path, f"expected {what}, found {shown(value)}", hint)
        return value

    def whole(self, path: Path, what: str, most: int, least: int = 1) -> int:
        """A whole number from 1, or `least`, up."""
        value = self.get(path)
        if not isinstance(value, int) or isinstance(value, bool):
            self.expected(path, what)
        if not least <= value <= most:
            found = self.raw(path)[:40]
            message = f"expected {what} from {least} to {most}, found {found}"
            self.refuse(path, message)
        return value


def _kind(value: object) -> str:
    """What a TOML value is, in words."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return f"the string {shown(value)}"
        case int() | float():
            # repr of an int is bounded by Python's own limit on digits.
            return (
                f"the number {shown(str(value))[1:-1]}"
                if abs(value) < 1e80
                else "a number"
            )
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"
