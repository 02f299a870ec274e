"""What a form's shape says about brackets and dots: asked by `typeset` alone."""

import re

from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
    names_in,
    walk,
)

_COMMAND = re.compile(r"\\[A-Za-z]+\Z")


def factor_gap(before: str, after: str, *, dot: bool) -> str:
    """What stands between two factors in LaTeX; a command's name ends at a blank."""
    if dot:
        return r"\cdot " if after[:1].isalnum() else r"\cdot"
    return " " if after[:1].isalpha() and _COMMAND.search(before) else ""


def numeric(form: Formula) -> bool:
    """Digits, or a fraction of digits."""
    if isinstance(form, Fraction):
        return isinstance(form.top, Num) and isinstance(form.bottom, Num)
    return isinstance(form, Num)


def digits_meet(before: Formula, after: Formula) -> bool:
    """Whether digits would stand beside digits, a bracketed minus between or not."""
    signed = isinstance(after, Minus) and numeric(after.body)
    return numeric(after) or (signed and numeric(before))


def scientific(form: Formula) -> bool:
    """A number with a power of ten, which binds like a product."""
    return isinstance(form, Num) and "e" in form.text.lower()


def primed(latex: str) -> str:
    """A name after its update: the prime stands before a layer in brackets."""
    if "^{(" in latex:
        return latex.replace("^{(", r"^{\prime(", 1)
    return rf"\left({latex}\right)'" if "^" in latex else f"{latex}'"


def leads_with_minus(form: Formula) -> bool:
    """Whether a form would print a minus sign first."""
    while isinstance(form, Product):
        form = form.factors[0]
    return isinstance(form, Minus) and not isinstance(form.body, Num)


def ends_open(form: Formula) -> bool:
    """Whether what follows would be drawn into the form: a Σ, a bare ln."""
    while isinstance(form, Product):
        form = form.factors[-1]
    if isinstance(form, Call) and form.function == "log":
        return isinstance(form.arguments[0], Name | Num)
    return isinstance(form, Sigma)


def runs_into(before: Formula, after: Formula) -> bool:
    """Whether two factors need a dot: behind a Σ or a bare ln, before ln of digits."""
    if numeric(before) and isinstance(after, Call) and after.function != "sqrt":
        return bool(after.arguments) and not names_in(after)
    return isinstance(before, Sigma) or ends_open(before)


def reaches_on(form: Formula) -> bool:
    """Whether a factor would be read to act on the next one: d/dx …, a bare ln."""
    if isinstance(form, Derivative):
        return not isinstance(form.of, Name)
    return ends_open(form) and not isinstance(form, Sigma)


def ends_with_sigma(form: Formula) -> bool:
    """Whether a Σ would swallow the terms that follow."""
    while isinstance(form, Product):
        form = form.factors[-1]
    return isinstance(form, Sigma)


def tall(form: Formula) -> bool:
    """Whether a form is higher than a line of text."""
    if isinstance(form, Power):
        return tall(form.base)
    if isinstance(form, Call) and form.function in ("exp", "step"):
        return False
    if isinstance(form, Fraction | Derivative | Sigma):
        return True
    return any(tall(child) for child in form.children)


def square(form: Formula) -> bool:
    """Whether square brackets read better: around derivatives, squared brackets."""
    if not isinstance(form, Sum):
        return False
    for term in form.terms:
        inner = term.body if isinstance(term, Minus) else term
        parts = inner.factors if isinstance(inner, Product) else (inner,)
        for part in parts:
            if isinstance(part, Derivative) and isinstance(part.of, Name):
                return True
            if isinstance(part, Power) and isinstance(part.base, Sum):
                return True
            if isinstance(part, Sum) and any(
                isinstance(node, Derivative) for node in walk(part)
            ):
                return True
    return False
