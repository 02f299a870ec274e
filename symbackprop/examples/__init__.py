"""A worked example file: a network or formulas, values, claims, an author's lines.

Every refusal is an InputError with file, line and column; nothing is evaluated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction as Rational
from pathlib import Path
from types import MappingProxyType

from symbackprop.errors import InputError, Place
from symbackprop.examples.claims_table import (
    CONVENTIONS,
    RATE,
    After,
    Claim,
    claims_in,
)
from symbackprop.examples.tables import READERS, STRATEGIES, Draft, Lines
from symbackprop.examples.toml_file import Toml, file_text, nearest, shown
from symbackprop.examples.training_tables import Compared, Sample, Training
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Name
from symbackprop.network import Network

RESERVED = ("sizes",)


@dataclass(frozen=True, slots=True)
class Example:
    """One worked example: either a network or formulas, and what goes with them."""

    name: str
    title: Mapping[str, str]
    source: str
    network: Network | None
    formulas: Mapping[Name, Formula] | None
    loss: Name
    functions: Mapping[str, int | None]
    values: Mapping[Name, Rational]
    learning_rate: Rational | None
    wrt: tuple[Name, ...]
    by: str
    lemmas: tuple[str, ...]
    claims: tuple[Claim, ...]
    pack: str
    labels: Mapping[str, Mapping[str, str]]
    assumptions: tuple[Assumption, ...]
    lines: tuple[Lines, ...]
    place: Place
    text: str
    samples: tuple[Sample, ...] = ()
    training: Training | None = None
    networks: tuple[Compared, ...] = ()

    @property
    def rate(self) -> Rational | None:
        """The learning rate: of [training]; where it compares several, of [update]."""
        rates = self.training.learning_rates if self.training else ()
        if len(rates) == 1 or self.learning_rate is None:
            return rates[0] if rates else None
        return self.learning_rate


def read_example(
    text: str, *, name: str, file: str = "", claims: Path | None = None
) -> Example:
    """The example that a file's text describes. InputError where it is unusable.

    `claims` is a CSV table that takes the place of the file's own claims.
    """
    toml = Toml(text, file)
    for word in RESERVED:
        if word in toml.data:
            message = f"[{word}] is reserved for a later version"
            toml.refuse((word,), message, "leave it out", key=True)
    table = toml.table((), READERS)
    if "title" not in table:
        toml.expected(("title",), "title.en, the English title")
    if ("network" in table) == ("formulas" in table):
        toml.refuse(
            ("formulas",),
            "expected one of [network] and [formulas], found "
            + ("both" if "network" in table else "neither"),
            key=True,
        )
    if "functions" in table and "network" in table:
        toml.refuse(("functions",), "[functions] goes with [formulas] alone", key=True)
    draft = Draft(toml, [lemma for lemma in shipped() if lemma != name])
    for word, reader in READERS.items():
        if word in table:
            reader(draft)
    if claims is not None:
        draft.claims = claims_in(claims, draft.words)
    if draft.by == "authored" and all(lines.of is None for lines in draft.lines):
        message = 'by = "authored" needs a [[lines]] table with of'
        toml.refuse(("derive", "by"), message)
    return Example(
        name,
        draft.title,
        draft.source,
        draft.network,
        None if draft.formulas is None else MappingProxyType(draft.formulas),
        draft.words.loss or Name("J"),
        MappingProxyType(draft.words.functions),
        MappingProxyType(draft.values),
        draft.learning_rate,
        draft.wrt,
        draft.by,
        draft.lemmas,
        draft.claims,
        draft.pack,
        MappingProxyType(draft.labels),
        draft.assumptions,
        draft.lines,
        Place(file, 1, 1),
        text,
        draft.samples,
        draft.training,
        draft.networks,
    )


def load_example(path_or_name: str | Path) -> Example:
    """The example in a file, or the shipped one of that name."""
    if isinstance(path_or_name, str):
        files = shipped()
        path = files.get(path_or_name, Path(path_or_name))
        if path_or_name not in files and not path.suffix and not path.exists():
            raise InputError(
                f"there is no example {shown(path_or_name)}",
                hint=_see_list(nearest(path_or_name, files)),
            )
    else:
        path = path_or_name
    return read_example(file_text(path), name=path.stem, file=str(path))


def _see_list(hint: str) -> str:
    """The hint at an unknown example; the command lists them all."""
    mark = "" if hint.endswith("?") else ";" if hint else ""
    return f"{hint}{mark} see `symbackprop examples`".strip()


def shipped() -> Mapping[str, Path]:
    """Every shipped example: its name and its file, sorted."""
    room = Path(__file__).resolve().parent.parent
    inside = room / "worked_examples"
    folder = inside if inside.is_dir() else room.parent / "worked_examples"
    files = folder.glob("*.toml") if folder.is_dir() else ()
    return MappingProxyType(dict(sorted((file.stem, file) for file in files)))


__all__ = [
    "CONVENTIONS",
    "RATE",
    "STRATEGIES",
    "After",
    "Claim",
    "Example",
    "Lines",
    "load_example",
    "read_example",
    "shipped",
]
