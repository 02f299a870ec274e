"""What a book prints, as the file or a CSV table beside it says it: `[[claims]]`.

Digits stay text: they are the claim. A CSV table is read with the same checks; its
refusals name the row.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Literal, TypeAlias

from symbackprop.errors import InputError, Place
from symbackprop.examples.pieces import decimal
from symbackprop.examples.quantities import Quantities
from symbackprop.examples.toml_file import Toml, file_text, nearest
from symbackprop.examples.toml_places import MAX_VALUES, Path
from symbackprop.formula.tree import Formula

MAX_STEPS = 1_000_000
MAX_OPERANDS = 200
MAX_ROWS = 20_000

CONVENTIONS = (
    "sum",
    "mean",
    "without half",
    "half",
    "to-from",
    "per epoch",
    "numerator layout",
)
"""The conventions by which books differ; a claim may state its own."""

RATE = "eta"
"""The learning rate, as claims speak of it."""

_KEYS = (
    "quantity",
    "formula",
    "printed",
    "where",
    "operands",
    "after",
    "sample",
    "convention",
    "expect",
)
_SEPARATOR = re.compile(r"[;\t|]")
"""What other tables have between their cells."""

_COLUMNS = (*_KEYS[:5], "steps", "epochs", *_KEYS[6:])

Unit: TypeAlias = Literal["steps", "epochs"]
Expectation: TypeAlias = Literal["wrong", "undecided"]
EXPECTATIONS: tuple[Expectation, ...] = ("wrong", "undecided")


@dataclass(frozen=True, slots=True)
class After:
    """How far training has gone when a quantity is taken."""

    unit: Unit
    count: int

    def __str__(self) -> str:
        """As the file writes it."""
        return f"{self.unit} = {self.count}"


@dataclass(frozen=True, slots=True)
class Claim:
    """What an author says a quantity is: a formula, or printed digits as text.

    `operands` are the printed values that it was computed from; `sample` counts from 1,
    0 stands for all of them together.
    """

    quantity: str
    of: Formula
    formula: Formula | None
    printed: str | None
    where: str
    expect: Expectation | None
    place: Place
    operands: Mapping[Formula, str] = field(
        default_factory=lambda: MappingProxyType({})
    )
    after: After | None = None
    convention: str = ""
    sample: int = 0
    text: str = ""

    @property
    def said(self) -> str:
        """What is printed: the digits, or the formula as the file writes it."""
        return self.text if self.printed is None else self.printed


def claims_of(toml: Toml, words: Quantities) -> tuple[Claim, ...]:
    """`[[claims]]`, or `claims = "table.csv"` in the same folder or below it."""
    if isinstance(toml.get(("claims",)), str):
        return claims_in(_beside(toml), words)
    return _claims(toml, words)


def claims_in(path: FilePath, words: Quantities) -> tuple[Claim, ...]:
    """The claims of a CSV table over the quantities of an example."""
    return _claims(Csv(file_text(path), str(path)), words)


def _claims(toml: Toml, words: Quantities) -> tuple[Claim, ...]:
    """Every claim; the learning rate may stand in them as eta."""
    own = copy(words)
    own.toml = toml
    own.known = {**words.known, RATE: words.known.get(RATE, True)}
    places = toml.items(("claims",), "[[claims]] tables", 1, MAX_VALUES)
    claims = tuple(_claim(toml, own, ("claims", place)) for place in places)
    words.nodes, words.work = own.nodes, own.work
    return claims


def _claim(toml: Toml, words: Quantities, path: Path) -> Claim:
    """One claim."""
    table = toml.table(path, _KEYS)
    if ("formula" in table) == ("printed" in table):
        toml.refuse(path, "expected one of formula and printed in a claim")
    expect: Expectation | None = None
    if "expect" in table:
        what = '"wrong" or "undecided"'
        given = toml.choice((*path, "expect"), what, EXPECTATIONS)
        expect = "wrong" if given == "wrong" else "undecided"
    operands: dict[Formula, str] = {}
    if "operands" in table:
        operands = _operands(toml, words, (*path, "operands"))
    convention = ""
    if "convention" in table:
        what = "the name of a convention"
        convention = toml.choice((*path, "convention"), what, CONVENTIONS)
    sample = 0
    if "sample" in table:
        what = "the number of a sample"
        sample = toml.whole((*path, "sample"), what, MAX_VALUES)
    return Claim(
        toml.string((*path, "quantity"), "a quantity in quotes").strip(),
        words.quantity((*path, "quantity")),
        words.formula((*path, "formula")) if "formula" in table else None,
        decimal(toml, (*path, "printed")) if "printed" in table else None,
        toml.prose((*path, "where"), 500) if "where" in table else "",
        expect,
        toml.place(path),
        MappingProxyType(operands),
        _after(toml, (*path, "after")) if "after" in table else None,
        convention,
        sample,
        toml.string((*path, "formula")).strip() if "formula" in table else "",
    )


def _operands(toml: Toml, words: Quantities, path: Path) -> dict[Formula, str]:
    """`operands = { o1 = "0.818" }`: the printed value of each quantity used."""
    table = toml.table(path)
    if not 1 <= len(table) <= MAX_OPERANDS:
        toml.refuse(path, f"expected 1 to {MAX_OPERANDS} operands, found {len(table)}")
    own = copy(words)
    own.toml = Keys(toml)
    return {own.quantity((*path, name)): decimal(toml, (*path, name)) for name in table}


def _after(toml: Toml, path: Path) -> After:
    """`after = { steps = 1 }` or `{ epochs = 10000 }`."""
    table = toml.table(path, ("steps", "epochs"))
    if len(table) != 1:
        toml.refuse(path, "expected one of steps and epochs")
    unit: Unit = "steps" if "steps" in table else "epochs"
    what = f"a whole number of {unit}"
    return After(unit, toml.whole((*path, unit), what, MAX_STEPS))


def _beside(toml: Toml) -> FilePath:
    """The table that `claims = "…"` names: a relative path that does not climb out."""
    text = toml.string(("claims",), "[[claims]] tables, or the name of a CSV file", 200)
    if not toml.file:
        toml.refuse(("claims",), "expected [[claims]] tables: there is no folder")
    folder = FilePath(toml.file).resolve().parent
    inner = FilePath(text)
    path = (folder / inner).resolve() if "\0" not in text else folder
    if inner.is_absolute() or not path.is_relative_to(folder) or path == folder:
        toml.refuse(("claims",), "expected a file in the same folder or below it")
    return path


class Keys(Toml):
    """The keys of a table, read as texts that speak of quantities."""

    def __init__(self, toml: Toml) -> None:
        self.toml = toml
        self.file = toml.file

    def string(self, path: Path, what: str = "a string", most: int = 10_000) -> str:
        """The key at the end of a path."""
        text = str(path[-1])
        if len(text) > most:
            self.toml.refuse(path, f"expected {what}", key=True)
        return text

    def place(
        self, path: Path, offset: int | None = None, *, key: bool = False
    ) -> Place:
        """The place of the key."""
        del offset, key
        return self.toml.place(path, key=True)


class Csv(Toml):
    """A CSV table of claims, read as if it stood in the file."""

    def __init__(self, text: str, file: str) -> None:
        """Split into rows; InputError where a row has other columns than the first."""
        self.file = file
        self.text = text
        self.lines: list[int] = []
        rows: list[dict[str, object]] = []
        reader = csv.reader(StringIO(text), strict=True)
        header: list[str] | None = None
        try:
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if header is None:
                    header = self._header(cells, reader.line_num)
                    continue
                if len(cells) != len(header):
                    self._stop(
                        reader.line_num,
                        f"expected {len(header)} cells, found {len(cells)}",
                        _miscounted(cells, len(header)),
                    )
                if len(rows) >= MAX_ROWS:
                    self._stop(reader.line_num, f"more than {MAX_ROWS:,} rows")
                self.lines.append(reader.line_num)
                pairs = zip(header, map(str.strip, cells), strict=True)
                rows.append(self._row({key: cell for key, cell in pairs if cell}))
        except csv.Error as error:
            self._stop(reader.line_num, f"not CSV: {error}")
        if not rows:
            self._stop(1, "expected a header and rows, found no row")
        self.data = {"claims": rows}

    def _stop(self, line: int, message: str, hint: str = "") -> None:
        """Raise at a line."""
        raise InputError(message, place=Place(self.file, line), hint=hint)

    def _header(self, cells: list[str], line: int) -> list[str]:
        """The names of the columns."""
        names = [cell.strip().lower() for cell in cells]
        mark = _SEPARATOR.search(",".join(cells))
        if mark:
            found = "a tab" if mark[0] == "\t" else mark[0]
            message = f"expected cells separated by commas, found {found}"
            self._stop(line, message, "write quantity,printed,where")
        for name in names:
            if name not in _COLUMNS or names.count(name) > 1:
                problem = "twice the" if name in _COLUMNS else "unknown"
                hint = nearest(name, _COLUMNS)
                self._stop(line, f"{problem} column {name[:40]!r}", hint)
        if "quantity" not in names or not {"printed", "formula"} & set(names):
            self._stop(line, "expected the columns quantity,printed,where")
        return names

    def _row(self, cells: dict[str, str]) -> dict[str, object]:
        """A row as a claim's table; counts become whole numbers."""
        row: dict[str, object] = dict(cells)
        for name in ("steps", "epochs", "sample"):
            if name in row and cells[name].isdecimal() and len(cells[name]) < 10:
                row[name] = int(cells[name])
        after = {name: row.pop(name) for name in ("steps", "epochs") if name in row}
        if after:
            row["after"] = after
        if "operands" in cells:
            parts = [part.partition("=") for part in cells["operands"].split(";")]
            row["operands"] = {name.strip(): text.strip() for name, _, text in parts}
        return row

    def place(
        self, path: Path, offset: int | None = None, *, key: bool = False
    ) -> Place:
        """The line of a row."""
        del offset, key
        number = path[1] if len(path) > 1 else 0
        line = self.lines[number] if isinstance(number, int) and self.lines else 1
        return Place(self.file, line)

    def raw(self, path: Path) -> str:
        """A cell as the table writes it."""
        return str(self.get(path))


def _miscounted(cells: Sequence[str], wanted: int) -> str:
    """The hint at a row with more or fewer cells than columns."""
    if len(cells) > wanted:
        return "put quotes around a cell with a comma in it"
    if any(map(_SEPARATOR.search, cells)):
        return "cells are separated by commas"
    return "an empty cell needs its comma too"
