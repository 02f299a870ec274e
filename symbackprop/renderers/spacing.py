"""What a form's shape says about brackets and dots: asked by `typeset` alone."""

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
    walk,
)


def numeric(form: Formula) -> bool:
    """Digits, or a fraction of digits."""
    if isinstance(form, Fraction):
        return isinstance(form.top, Num) and isinstance(form.bottom, Num)
    return isinstance(form, Num)


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
