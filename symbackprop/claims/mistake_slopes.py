"""What can go wrong with functions: activations, their slopes, logarithms, the loss."""

from collections.abc import Iterator

from symbackprop.claims.mistake_rules import (
    Edit,
    is_activation_slope,
    parts_of,
    places,
)
from symbackprop.claims.mistake_swaps import substitutes
from symbackprop.claims.mistake_working import Line, Working
from symbackprop.errors import Refused
from symbackprop.formula.binding import substituted
from symbackprop.formula.tree import (
    ONE,
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Product,
    Sum,
    names_in,
    replaced,
)
from symbackprop.graph.build import without_ones
from symbackprop.kernel.calculus import derivative, product_of
from symbackprop.ops.table import LOSSES
from symbackprop.strategies.slopes import Slopes
from symbackprop.strategies.writer import op_slopes

ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity")


# ---- functions


def activation_lost(working: Working, line: Line) -> Iterator[Edit]:
    """h = z for h = f(z)."""
    unit = working.role(line.atom) in ("activation", "output")
    if unit and isinstance(line.form, Call):
        yield Edit(line.form.arguments[0], alike=True)


def function_lost(working: Working, line: Line) -> Iterator[Edit]:
    """u for f(u), wherever a function of one argument stands."""
    if working.role(line.atom) not in ("activation", "output"):
        for whole, path, part in parts_of(line):
            if isinstance(part, Call) and len(part.arguments) == 1:
                form = replaced(whole, path, part.arguments[0])
                yield Edit(form, {"what": part})


def other_activation(_: Working, line: Line) -> Iterator[Edit]:
    """g(z) for f(z)."""
    form = line.form
    if line.kind == "forward" and isinstance(form, Call) and form.function in OTHERS:
        for name in ACTIVATIONS:
            if name not in (form.function, "identity"):
                other = Call(name, form.arguments)
                yield Edit(other, {"used": name}, alike=True)


OTHERS = ACTIVATIONS[:3]


def log_base(_: Working, line: Line) -> Iterator[Edit]:
    """log₁₀ u or log₂ u for ln u, in the whole line."""
    for base in ("10", "2"):
        form = _logs_to(line.form, base)
        if form != line.form:
            yield Edit(form, {"base": base}, alike=True)


def _logs_to(form: Formula, base: str) -> Formula:
    """Every logarithm of a form to another base."""
    children = tuple(_logs_to(child, base) for child in form.children)
    new = form.with_children(children) if children else form
    if isinstance(new, Call) and new.function == "log":
        return Fraction(new, Call("log", (Num(base),)))
    return new


# ---- slopes


def slope_lost(working: Working, line: Line) -> Iterator[Edit]:
    """∂J/∂h for ∂J/∂h · ∂h/∂z."""
    for path, part in places(line.form):
        if isinstance(part, Product):
            rest = tuple(f for f in part.factors if not is_activation_slope(working, f))
            if len(rest) < len(part.factors):
                form = replaced(line.form, path, product_of(rest))
                yield Edit(form, alike=True)


def slope_twice(working: Working, line: Line) -> Iterator[Edit]:
    """∂J/∂h · (∂h/∂z)² for ∂J/∂h · ∂h/∂z."""
    for path, part in places(line.form):
        if isinstance(part, Product):
            twice = tuple(f for f in part.factors if is_activation_slope(working, f))
            if twice:
                form = replaced(line.form, path, Product((*twice, *part.factors)))
                yield Edit(form, alike=True)


def _unit_slope(working: Working, line: Line) -> tuple[Name, Name, Formula, str] | None:
    """h, z, the activation's slope over x and y, its name: of a line ∂h/∂z = …."""
    atom = line.atom
    if line.kind != "slope" or not is_activation_slope(working, atom):
        return None
    assert isinstance(atom, Derivative)
    assert isinstance(atom.of, Name)
    body = working.graph.node(atom.of).body
    if not isinstance(body, Call) or body.function not in op_slopes():
        return None
    return atom.of, atom.by, op_slopes()[body.function], body.function


def slope_at_z(working: Working, line: Line) -> Iterator[Edit]:
    """z(1 - z) for h(1 - h): the slope's formula over the output taken at z."""
    unit = _unit_slope(working, line)
    if unit is not None and Name("y") in names_in(unit[2]):
        _, z, slope, _ = unit
        yield Edit(substituted(slope, {Name("y"): z, Name("x"): z}), alike=True)


def slope_at_h(working: Working, line: Line) -> Iterator[Edit]:
    """σ(h)(1 - σ(h)) for σ(z)(1 - σ(z)): the derivative taken at the output."""
    unit = _unit_slope(working, line)
    if unit is not None:
        h, _, slope, function = unit
        value = Call(function, (h,))
        form = substituted(slope, {Name("y"): value, Name("x"): h})
        yield Edit(form, alike=True)


def slope_at_error(working: Working, line: Line) -> Iterator[Edit]:
    """The slope's formula over the output taken at its error, or at its target."""
    unit = _unit_slope(working, line)
    if unit is None or working.role(unit[0]) != "output":
        return
    h, z, slope, _ = unit
    target = Name("y", h.indices)
    if target in working.graph and Name("y") in names_in(slope):
        for used in (Sum((h, Minus(target))), target):
            form = substituted(slope, {Name("y"): used, Name("x"): z})
            yield Edit(form, {"used": used}, alike=False)


def slope_elsewhere(working: Working, line: Line) -> Iterator[Edit]:
    """The slope of another unit or layer in a chain-rule line."""
    for path, part in places(line.form):
        if is_activation_slope(working, part):
            for other in slopes_of_units(working, line, part):
                form = replaced(line.form, path, other)
                yield Edit(form, {"what": part, "used": other})


def slopes_of_units(working: Working, line: Line, part: Formula) -> list[Formula]:
    """The other units' slopes: as atoms above a line, else over what is known there."""
    assert isinstance(part, Derivative)
    found = [
        other
        for other in substitutes(working, line, part)
        if is_activation_slope(working, other)
    ]
    return found + [
        other.form
        for other in working.lines
        if other.kind == "slope"
        and other.atom not in found
        and other.atom != part
        and is_activation_slope(working, other.atom)
    ]


def slope_of_other(working: Working, line: Line) -> Iterator[Edit]:
    """The slope of another activation: 1 - h² for h(1 - h)."""
    unit = _unit_slope(working, line)
    if unit is not None:
        h, z, _, function = unit
        for name in OTHERS:
            if name != function:
                form = substituted(op_slopes()[name], {Name("y"): h, Name("x"): z})
                yield Edit(form, {"used": name}, alike=True)


def softmax_elementwise(working: Working, line: Line) -> Iterator[Edit]:
    """∂J/∂o · o(1 - o) for the sum over all outputs of a softmax."""
    atom = line.atom
    if line.kind != "total" or not isinstance(atom, Derivative):
        return
    for user in working.definitions.users(atom.by):
        body = working.graph.node(user).body
        own = isinstance(body, Fraction) and body.top == Call("exp", (atom.by,))
        above = Derivative("D", atom.of, user)
        if own and above in working.place:
            slope = Product((user, Sum((ONE, Minus(user)))))
            yield Edit(Product((above, slope)), alike=True)


# ---- the loss


def log_lost(working: Working, line: Line) -> Iterator[Edit]:
    """The slope of a loss whose logarithm was left out: -y for -y/o."""
    atom = line.atom
    if line.kind != "slope" or not isinstance(atom, Derivative):
        return
    body = working.graph.node(atom.of).body if isinstance(atom.of, Name) else None
    if body is None:
        return
    plain = _without_logs(body)
    if plain != body:
        try:
            form = derivative(plain, atom.by, working.definitions.functions)
        except Refused:
            return
        yield Edit(form, alike=True)


def _without_logs(form: Formula) -> Formula:
    """u for ln u."""
    children = tuple(_without_logs(child) for child in form.children)
    new = form.with_children(children) if children else form
    if isinstance(new, Call) and new.function == "log":
        return new.arguments[0]
    return new


def other_loss(working: Working, line: Line) -> Iterator[Edit]:
    """The part or the slope of another loss of the table."""
    graph, atom = working.graph, line.atom
    if not graph.loss_name:
        return
    slopes = Slopes(graph, working.definitions, {})
    outputs = [n.name for n in graph.nodes if n.role == "output"]
    for name, row in LOSSES.items():
        if name == graph.loss_name:
            continue
        if line.kind == "slope" and isinstance(atom, Derivative):
            loss = working.role(atom.of) in ("part", "loss")
            if loss and working.role(atom.by) == "output":
                form = slopes.loss_text(row.slope, atom.by)
                yield Edit(
                    without_ones(form), {"used": name.replace("_", " ")}, alike=True
                )
        elif line.kind == "forward" and working.role(atom) in ("part", "loss"):
            inner = [o for o in outputs if o in names_in(line.form)]
            if len(inner) == 1:
                form = slopes.loss_text(row.part, inner[0])
                yield Edit(
                    without_ones(form), {"used": name.replace("_", " ")}, alike=True
                )
