"""What is derived once and shared: collected from steps, or an author's own lines."""

from collections.abc import Sequence
from functools import cache

from symbackprop.examples import Example, load_example, shipped
from symbackprop.formula.tree import Call, Derivative, Formula, Name
from symbackprop.kernel.definitions import Definition, Definitions
from symbackprop.kernel.derivation import Derivation
from symbackprop.strategies.authored import authored
from symbackprop.strategies.writer import op_functions


def shared_by(used: Sequence[Derivation]) -> dict[str, Derivation]:
    """What the steps of some derivations refer to, by anchor, each once.

    A slice of a derivation is found again through the whole that owns its steps.
    """
    shown = {id(step) for derivation in used for step in derivation.steps}
    found: dict[str, Derivation] = {}
    seen: set[int] = set()
    stack = list(reversed(used))
    while stack:
        for step in stack.pop().steps:
            for because in step.because:
                whole = because.whole
                if id(whole) in seen:
                    continue
                seen.add(id(whole))
                first = next(whole.steps, None)
                anchor = anchor_of(whole)
                if first is None or id(first) in shown or anchor in found:
                    continue
                found[anchor] = whole
                stack.append(whole)
    return found


def anchor_of(derivation: Derivation) -> str:
    """A document-wide name for what a derivation derives."""
    goal = derivation.goal
    if isinstance(goal, Derivative):
        of = goal.of
        what = of.id if isinstance(of, Name) else getattr(of, "function", "form")
        return f"s-{goal.head}-{what}-{goal.by.id}"
    return f"s-{len(derivation.lines)}"


@cache  # shipped files do not change while a process runs
def authored_lemma(op: str, names: tuple[str, ...]) -> Derivation | None:
    """An author's lines for an activation's slope, for a free x.

    They stand in a shipped example: one of those named, else OP-derivative.
    """
    files = shipped()
    default = f"{op.replace('_', '-')}-derivative"
    for name in (*names, default):
        if name not in files:
            continue
        example = load_example(name)
        chain = _slope_lines(example, op)
        if chain is None:
            continue
        x = chain[0].by if isinstance(chain[0], Derivative) else Name("x")
        definitions = Definitions((Definition(x),), op_functions())
        goal = Derivative("P", Call(op, (x,)), x)
        return authored(definitions, goal, [partial(form) for form in chain])
    return None


def _slope_lines(example: Example, op: str) -> Sequence[Formula] | None:
    """The lines of an example whose one formula is the activation at one name."""
    for lines in example.lines:
        first = lines.chain[0]
        if (
            isinstance(lines.of, Derivative)
            and isinstance(first, Derivative)
            and isinstance(first.of, Call)
            and first.of.function == op
            and first.of.arguments == (first.by,)
            and lines.of.by == first.by
        ):
            return lines.chain
    return None


def partial(form: Formula) -> Formula:
    """A one-variable form with P for D: with one variable they are the same."""
    children = tuple(partial(child) for child in form.children)
    if isinstance(form, Derivative):
        return Derivative("P", children[0], form.by)
    return form.with_children(children) if children else form
