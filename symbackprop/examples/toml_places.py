"""Where in a TOML text each key and value stands.

One linear pass that `tomllib` is run after: it refuses what `tomllib` would take too
long for (deep nesting, long dotted keys, very many values) and judges no syntax.
"""

import re
import tomllib
from collections.abc import Callable
from typing import NoReturn, TypeAlias

MAX_NESTING = 24
MAX_PARTS = 8
MAX_VALUES = 60_000

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*+")
_SPACE = re.compile(r"(?:[ \t\n]++|#[^\n]*+)*+")
_BARE = re.compile(r"[A-Za-z0-9_-]++")
_STRINGS = (
    re.compile(r'"""(?:[^"\\]++|\\[\s\S]|"{1,2}+(?!"))*+"{3,5}+'),
    re.compile(r"'''(?:[^']++|'{1,2}+(?!'))*+'{3,5}+"),
    re.compile(r'"(?:[^"\\\n]++|\\[^\n])*+"'),
    re.compile(r"'[^'\n]*+'"),
)
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d[^\s,\]}#]*+")
_PLAIN = re.compile(r"[^\s,\]}\[{#=\"']++")
_ESCAPE = re.compile(r"\\(?:u.{4}|U.{8}|([ \t]*\n[ \t\n]*)|.)")


class _Stop(Exception):
    """The scan met what is not TOML; tomllib is to say what."""


class Scan:
    """One pass over the text: path to (start of key, start and end of value)."""

    def __init__(self, text: str, refuse: "Callable[[int, str], NoReturn]") -> None:
        self.text = text
        self.refuse = refuse
        self.here = 0
        self.spans: dict[Path, tuple[int, int, int]] = {}
        self.counts: dict[Path, int] = {}
        self.headers: dict[Path, int] = {}
        self.values = 0

    def run(self) -> bool:
        """Whether the whole text was passed; `here` is where it stopped."""
        header: Path = ()
        try:
            while self.skip(_SPACE) < len(self.text):
                if self.text[self.here] == "[":
                    header = self.header()
                else:
                    self.pair(header, 0)
                self.skip(_BLANK)
                if self.text[self.here : self.here + 1] not in ("", "\n", "#"):
                    return False
        except _Stop:
            return False
        return True

    def skip(self, pattern: "re.Pattern[str]") -> int:
        """Go past a pattern that matches everywhere."""
        match = pattern.match(self.text, self.here)
        self.here = match.end() if match else self.here
        return self.here

    def take(self, mark: str) -> bool:
        """Go past a mark, if it stands here."""
        found = self.text.startswith(mark, self.here)
        self.here += len(mark) * found
        return found

    def need(self, mark: str) -> None:
        """Go past a mark that has to stand here."""
        if not self.take(mark):
            raise _Stop

    def header(self) -> Path:
        """[table] or [[table]]: the path that its keys are under."""
        many = self.take("[[")
        if not many:
            self.need("[")
        self.skip(_BLANK)
        start, parts = self.here, self.key()
        self.need("]]" if many else "]")
        path: Path = ()
        for number, part in enumerate(parts, 1):
            path = (*path, part)
            self.spans.setdefault(path, (start, start, start))
            if path in self.counts and not (many and number == len(parts)):
                path = (*path, self.counts[path] - 1)
        if many:
            count = self.counts.get(path, 0)
            self.counts[path] = count + 1
            path = (*path, count)
            self.spans[path] = (start, start, start)
        elif path in self.headers:
            first = self.text.count("\n", 0, self.headers[path]) + 1
            name = ".".join(map(str, path))
            self.refuse(start, f"[{name}] is declared twice, first in line {first}")
        else:
            self.headers[path] = start
        return path

    def key(self) -> list[str]:
        """A key, dotted or not, quoted or not."""
        parts: list[str] = []
        start = self.here
        while True:
            self.count()
            match = _BARE.match(self.text, self.here)
            quoted = None if match else self.string()
            if quoted is not None:
                # A quoted key is a string: tomllib alone knows its escapes.
                parts.append(_decoded(quoted))
            elif match:
                self.here = match.end()
                parts.append(match[0])
            else:
                raise _Stop
            if len(parts) > MAX_PARTS:
                self.refuse(start, f"a key has more than {MAX_PARTS} parts")
            self.skip(_BLANK)
            if not self.take("."):
                return parts
            self.skip(_BLANK)

    def string(self) -> str | None:
        """Go past a string of any kind; its raw text."""
        if self.text[self.here : self.here + 1] not in ('"', "'"):
            return None
        for pattern in _STRINGS:
            match = pattern.match(self.text, self.here)
            if match:
                self.here = match.end()
                return match[0]
            if self.text.startswith(pattern.pattern[:3], self.here):
                break
        raise _Stop

    def pair(self, base: Path, level: int) -> None:
        """A key, an equals sign, a value."""
        start, parts = self.here, self.key()
        path = (*base, *parts)
        if path in self.spans:
            first = self.text.count("\n", 0, self.spans[path][0]) + 1
            name = ".".join(parts)[:60]
            self.refuse(start, f"{name!r} is defined twice, first in line {first}")
        for length in range(len(base) + 1, len(path)):
            self.spans.setdefault(path[:length], (start, start, start))
        self.need("=")
        self.skip(_BLANK)
        self.value(path, start, level)

    def value(self, path: Path, key: int, level: int) -> None:
        """A value of any kind."""
        if level > MAX_NESTING:
            self.refuse(self.here, f"lists are nested more than {MAX_NESTING} deep")
        self.count()
        start = self.here
        # The place is there before what is inside asks for it.
        self.spans[path] = (key, start, start)
        if self.take("["):
            place = 0
            self.skip(_SPACE)
            while not self.take("]"):
                self.value((*path, place), self.here, level + 1)
                place += 1
                self.skip(_SPACE)
                if not self.take(","):
                    self.need("]")
                    break
                self.skip(_SPACE)
        elif self.take("{"):
            self.skip(_SPACE)
            while not self.take("}"):
                self.pair(path, level + 1)
                self.skip(_SPACE)
                if not self.take(","):
                    self.need("}")
                    break
                self.skip(_SPACE)
        elif self.string() is None:
            match = _DATE.match(self.text, start) or _PLAIN.match(self.text, start)
            if not match:
                raise _Stop
            self.here = match.end()
        self.spans[path] = (key, start, self.here)

    def count(self) -> None:
        """Hold the number of keys and values."""
        self.values += 1
        if self.values > MAX_VALUES:
            self.refuse(self.here, f"more than {MAX_VALUES:,} keys and values")


def _decoded(raw: str) -> str:
    """The text of a quoted key."""
    if "\\" not in raw:
        return raw[1:-1]
    try:
        return str(tomllib.loads(f"key = {raw}")["key"])
    except ValueError:
        raise _Stop from None


def raw_offset(token: str, offset: int) -> int:
    """Where in a quoted string, as the file writes it, a character of it stands."""
    if token[:1] not in ("'", '"'):
        return 0
    mark = token[:3] if token[:3] in ('"""', "'''") else token[:1]
    here = len(mark)
    if len(mark) == 3 and token.startswith("\n", here):
        here += 1
    if mark[0] == "'":
        return min(here + offset, len(token))
    while here < len(token):
        match = _ESCAPE.match(token, here)
        if match and match[1] is not None:
            here = match.end()
            continue
        if not offset:
            break
        here = match.end() if match else here + 1
        offset -= 1
    return min(here, len(token))
