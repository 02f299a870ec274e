"""The table of mistakes: one row adds one, and every search and test iterates it.

A row says what a mistake makes of one line. Lines that it makes sense in are taken one
by one, a layer at a time, and all at once.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbackprop.claims import mistake_digits as digits
from symbackprop.claims import mistake_rounding as rounding
from symbackprop.claims import mistake_rules as rules
from symbackprop.claims import mistake_slopes as slopes
from symbackprop.claims import mistake_swaps as swaps
from symbackprop.claims.mistake_digits import Like, Misprint
from symbackprop.claims.mistake_rules import Arguments, Rule
from symbackprop.claims.mistake_values import ones_in
from symbackprop.claims.mistake_working import Line, Working
from symbackprop.claims.printed import Printed
from symbackprop.formula.tree import Derivative, Formula
from symbackprop.numeric.program import Atom

MAX_CHANGES = 20_000
"""So many changed programs are tried; a network that needs more is not searched out."""


THROUGHOUT = " throughout"
"""Ends the name of a mistake that was made in several lines at once."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row: its name, by which its words are found, and what it makes of a line."""

    name: str
    rule: Rule


@dataclass(frozen=True, slots=True)
class Change:
    """A changed program: the mistake, where, and the lines that it changes.

    `alike` changes are the same mistake in several lines.
    """

    mistake: str
    lines: Mapping[Atom, Formula]
    arguments: Arguments

    @property
    def alike(self) -> bool:
        """Whether it stands for several lines at once."""
        return len(self.lines) > 1


_ROWS = (
    Mistake("sign", rules.sign),
    Mistake("sign of a term", rules.sign_of_term),
    Mistake("factor", rules.factor),
    Mistake("learning rate extra", rules.rate_extra),
    Mistake("learning rate left out", rules.rate_lost),
    Mistake("other learning rate", rules.other_rate),
    Mistake("factor left out", rules.factor_lost),
    Mistake("factor twice", rules.factor_twice),
    Mistake("turned over", rules.turned_over),
    Mistake("square left out", rules.square_lost),
    Mistake("term left out", rules.term_lost),
    Mistake("bias left out", rules.bias_forgotten),
    Mistake("bias not updated", rules.bias_not_updated),
    Mistake("bias shared", swaps.bias_shared),
    Mistake("not updated", rules.not_updated),
    Mistake("weight transposed", swaps.weight_transposed),
    Mistake("weight swapped", swaps.weight_swapped),
    Mistake("index swapped", swaps.index_swapped),
    Mistake("updated weight", swaps.weight_updated),
    Mistake("wrong quantity", swaps.wrong_quantity),
    Mistake("activation left out", slopes.activation_lost),
    Mistake("function left out", slopes.function_lost),
    Mistake("other activation", slopes.other_activation),
    Mistake("base of the logarithm", slopes.log_base),
    Mistake("slope left out", slopes.slope_lost),
    Mistake("slope twice", slopes.slope_twice),
    Mistake("slope at z", slopes.slope_at_z),
    Mistake("slope at h", slopes.slope_at_h),
    Mistake("slope at another value", slopes.slope_at_error),
    Mistake("slope of another unit", slopes.slope_elsewhere),
    Mistake("slope of another activation", slopes.slope_of_other),
    Mistake("softmax elementwise", slopes.softmax_elementwise),
    Mistake("logarithm left out", slopes.log_lost),
    Mistake("other loss", slopes.other_loss),
)

MISTAKES = MappingProxyType({row.name: row for row in _ROWS})

MISPRINTS: Mapping[str, Callable[[Like, Printed], Iterator[Misprint]]] = (
    MappingProxyType(
        {
            "cut off": digits.cut_off,
            "rounded early": digits.padded,
            "point slipped": digits.slipped,
            "digits swapped": digits.swapped,
            "digit left out": digits.left_out,
            "digit inserted": digits.inserted,
            "digit miswritten": digits.miswritten,
        }
    )
)
"""What goes wrong with the digits of a right value."""

ROUNDINGS = (*rounding.ON_THE_WAY.values(), *rounding.THROUGHOUT.values())
"""What goes wrong with the values of lines before they are used."""

OTHERS = ("value of another", "one sample alone", "other number of updates")
"""What else may have been printed: a right value, but of something else."""

NAMES = (*MISTAKES, *MISPRINTS, *OTHERS, *ROUNDINGS)
"""Every mistake that a cause may name, the plainer one first."""


def changes_of(working: Working, needed: int) -> Iterator[Change]:
    """Every changed program: one line, a layer's lines, all lines of a kind.

    Of the lines that are needed, as bits.
    """
    lines = [working.lines[place] for place in ones_in(needed)]
    for row in MISTAKES.values():
        groups: dict[object, dict[Atom, Formula]] = {}
        said: dict[object, Arguments] = {}
        for line in lines:
            for edit in row.rule(working, line):
                if edit.form == line.form:
                    continue
                at = {"at": _shown(line), **edit.arguments}
                yield Change(row.name, {line.atom: edit.form}, at)
                if edit.alike:
                    for group in _groups(working, line):
                        key = (group, tuple(edit.arguments.items()))
                        groups.setdefault(key, {}).setdefault(line.atom, edit.form)
                        said.setdefault(key, edit.arguments)
        seen: set[frozenset[Formula]] = set()
        for key, forms in groups.items():
            atoms = frozenset[Formula](forms.values())
            if len(forms) > 1 and atoms not in seen:
                seen.add(atoms)
                first = working.lines[min(working.place[atom] for atom in forms)]
                arguments = {"at": _shown(first), **said[key]}
                yield Change(f"{row.name}{THROUGHOUT}", forms, arguments)


def _shown(line: Line) -> Formula:
    """What a line is called: its atom; an expression that is asked for, itself."""
    return line.form if line.kind == "asked" else line.atom


def _groups(working: Working, line: Line) -> Iterator[object]:
    """The sets of lines that one habit would change together with a line."""
    atom = line.atom
    about = atom.by if isinstance(atom, Derivative) else atom
    if line.kind == "update":
        about = line.form.children[0]
    of = working.role(atom.of) if isinstance(atom, Derivative) else None
    role, layer = working.role(about), working.layer(about)
    parameter = role in ("weight", "bias")
    yield line.kind, of, role, layer
    yield line.kind, of, role
    if role == "preactivation" or of in ("activation", "output"):
        yield line.kind, "units"
    if parameter:
        yield line.kind, "parameters"
        yield line.kind, "parameters", layer
    if line.kind in ("forward", "slope") and "loss" in (role, of):
        yield "loss"
    if line.kind in ("forward", "slope") and "part" in (role, of):
        yield "loss"
