"""What every rule asks of a position before it rewrites what stands there."""

from typing import TYPE_CHECKING

from symbackprop.errors import Refused
from symbackprop.formula.binding import free_indices
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Derivative, Formula, Name, Path, walk
from symbackprop.kernel.definitions import Definitions

if TYPE_CHECKING:
    from symbackprop.kernel.derivation import Derivation


def target_of(rule: str, before: Formula, path: Path) -> Formula:
    """The subtree that a rule is asked to rewrite. Refused where there is none."""
    form = before
    for child in path:
        parts = form.children
        if type(child) is not int or not 0 <= child < len(parts):
            raise Refused(rule, f"the line has no position {path}")
        form = parts[child]
    return form


def check_scalar(rule: str, definitions: Definitions, target: Formula) -> None:
    """Refuse families: a rule for scalars takes each name for a quantity of its own."""
    if not definitions.scalar:
        raise Refused(rule, "there are families; use the rules for indices")
    if free_indices(target):
        raise Refused(rule, f"{text_of(target)} has a free index")


def check_under_derivatives(
    definitions: Definitions,
    before: Formula,
    path: Path,
    replacement: Formula,
    rule: str,
    because: "tuple[Derivation, ...]",
) -> None:
    """Refuse a rewriting under P or D that changes what is differentiated."""
    form = before
    target = target_of(rule, before, path)
    named = [n for n in (target, replacement) if isinstance(n, Name)]
    for depth, child in enumerate(path):
        if isinstance(form, Derivative):
            whole = len(path) == depth + 1
            if form.head == "P":
                opened = rule == "unfold" and whole and target != form.by
                call = rule in ("unfold", "fold") and not named
                bare = definitions.all_leaves(target, replacement)
                plain = not any(isinstance(n, Derivative) for n in walk(form.of))
                fine = opened or call or (rule == "algebra" and bare)
                if not (fine and plain):
                    raise Refused(rule, "under P the other names are held fixed")
            elif rule == "assume" or any(d.assumes for d in because):
                raise Refused(rule, "an assumed equation says nothing of slopes")
            elif rule in ("unfold", "fold") and form.by in named:
                raise Refused(rule, f"D is taken by {form.by.id} itself")
        form = form.children[child]
