"""A value that does not exist: which quantity, by which formula, and why."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from symbackprop.errors import InputError
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Derivative, Formula, Name
from symbackprop.numeric.program import Assignment, Atom, atoms_of

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "division": "a division by zero at this point",
        "logarithm": "the logarithm of a number that is not positive",
        "square_root": "the square root of a negative number",
        "root": "a root of a negative number",
    }
)
"""Why there is no value, as an error says it."""

MAX_SHOWN = 100
"""So many characters of a formula stand in a message."""
MAX_NAMED = 4
"""So many given quantities are named as what to change."""


class NoValue(InputError):
    """A point where a form has no value; `reason` is a key of REASONS.

    `atom` and `form` are the quantity and its formula, once they are known.
    """

    def __init__(
        self,
        reason: str,
        atom: Atom | None = None,
        form: Formula | None = None,
        leaves: Iterable[Name] = (),
    ) -> None:
        """Say the quantity with its formula, the reason, and what to change."""
        said = "" if atom is None else f"{_said(atom)} = "
        said += "" if form is None else _clipped(text_of(form))
        names = [name.id for name in leaves]
        listed = ", ".join(names[:MAX_NAMED])
        if len(names) > MAX_NAMED:
            listed = f"one of {listed}, …"
        elif len(names) > 1:
            listed = f"one of {listed}"
        super().__init__(
            f"{said}: {REASONS[reason]}" if said else REASONS[reason],
            hint=f"give {listed} another value" if names else "",
        )
        self.reason = reason
        self.atom = atom
        self.form = form


def leaves_of(form: Formula, lines: Iterable[Assignment]) -> tuple[Name, ...]:
    """The given quantities that a form rests on through the lines, in reading order."""
    forms = {line.atom: line.form for line in lines}
    found: dict[Name, None] = {}
    seen: set[Formula] = set()
    stack: list[Atom] = list(reversed([*atoms_of(form)]))
    while stack:
        atom = stack.pop()
        if atom in seen:
            continue
        seen.add(atom)
        if atom in forms:
            stack += reversed([*atoms_of(forms[atom])])
        elif isinstance(atom, Name):
            found[atom] = None
    return tuple(found)


def _said(atom: Atom) -> str:
    """A quantity as the rows of numbers name it."""
    if isinstance(atom, Derivative) and isinstance(atom.of, Name):
        return f"d{atom.of.id}/d{atom.by.id}"
    return text_of(atom)


def _clipped(text: str) -> str:
    """A formula that fits into a message."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
