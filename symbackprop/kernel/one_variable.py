"""The rules of differentiation, one at a time: d/dx of a form, outermost part first.

Each shape is the identity in its docstring; inner derivatives stay as D or P.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from symbackprop.errors import Refused
from symbackprop.formula.relation import Assumption
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    ONE,
    TWO,
    ZERO,
    Call,
    Derivative,
    Formula,
    Fraction,
    Minus,
    Name,
    Path,
    Power,
    Product,
    Sigma,
    Sum,
    names_in,
    number,
    walk,
)
from symbackprop.kernel.calculus import corners, literal, product_of
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.guard import check_scalar, target_of
from symbackprop.kernel.step import Evidence, Reason, Step, made

Inner = Callable[[Formula], Formula]
Constant = Callable[[Formula], bool]
Shape = Callable[[Formula, Inner, Constant], Formula | None]


def _sum(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d(a + b) = da + db."""
    if not isinstance(of, Sum):
        return None
    return Sum(
        tuple(Minus(d(t.body)) if isinstance(t, Minus) else d(t) for t in of.terms)
    )


def _minus(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d(-a) = -da."""
    return Minus(d(of.body)) if isinstance(of, Minus) else None


def _constant_factor(of: Formula, d: Inner, constant: Constant) -> Formula | None:
    """d(c a) = c da, d(a/c) = da/c."""
    if isinstance(of, Fraction) and constant(of.bottom):
        return Fraction(d(of.top), of.bottom)
    if not isinstance(of, Product):
        return None
    fixed = tuple(f for f in of.factors if constant(f))
    moving = tuple(f for f in of.factors if not constant(f))
    if not fixed or not moving:
        return None
    return Product((*fixed, d(product_of(moving))))


def _product(of: Formula, d: Inner, constant: Constant) -> Formula | None:
    """d(a b) = da b + a db."""
    if not isinstance(of, Product) or any(constant(f) for f in of.factors):
        return None
    terms = tuple(
        Product((*of.factors[:n], d(factor), *of.factors[n + 1 :]))
        for n, factor in enumerate(of.factors)
    )
    return Sum(terms)


def _quotient(of: Formula, d: Inner, constant: Constant) -> Formula | None:
    """d(a/b) = (da b - a db)/b²; with a constant a: -a db/b²."""
    if not isinstance(of, Fraction) or constant(of.bottom):
        return None
    a, b = of.top, of.bottom
    if constant(a):
        return Product((Minus(Fraction(a, Power(b, TWO))), d(b)))
    top = Sum((Product((d(a), b)), Minus(Product((a, d(b))))))
    return Fraction(top, Power(b, TWO))


def _power(of: Formula, d: Inner, constant: Constant) -> Formula | None:
    """d(u^n) = n u^(n-1) du for a constant n."""
    if not isinstance(of, Power) or not constant(of.exponent):
        return None
    value = literal(of.exponent)
    if value is None:
        lower: Formula = Power(of.base, Sum((of.exponent, Minus(ONE))))
    elif value == TWO.value:
        lower = of.base
    else:
        lower = Power(of.base, number(value - 1))
    return Product((of.exponent, lower, d(of.base)))


def _exponential(of: Formula, d: Inner, constant: Constant) -> Formula | None:
    """d(e^u) = e^u du; d(a^u) = a^u ln a du."""
    if isinstance(of, Power) and constant(of.base) and not constant(of.exponent):
        return Product((of, Call("log", (of.base,)), d(of.exponent)))
    if isinstance(of, Call) and of.function == "exp":
        return Product((of, d(of.arguments[0])))
    return None


def _logarithm(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d(ln u) = (1/u) du."""
    if isinstance(of, Call) and of.function == "log":
        return Product((Fraction(ONE, of.arguments[0]), d(of.arguments[0])))
    return None


def _root(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d(√u) = 1/(2√u) du."""
    if isinstance(of, Call) and of.function == "sqrt":
        return Product((Fraction(ONE, Product((TWO, of))), d(of.arguments[0])))
    return None


def _error_function(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d(erf u) = (2/√π) e^(-u²) du."""
    if isinstance(of, Call) and of.function == "erf":
        u = of.arguments[0]
        scale = Fraction(TWO, Call("sqrt", (Call("pi", ()),)))
        return Product((scale, Call("exp", (Minus(Power(u, TWO)),)), d(u)))
    return None


def _cases(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d max(a, b) = [a > b] da + (1 - [a > b]) db; d|u| = (2[u > 0] - 1) du."""
    if not isinstance(of, Call):
        return None
    if of.function == "abs":
        u = of.arguments[0]
        sign = Sum((Product((TWO, Call("step", (u,)))), Minus(ONE)))
        return Product((sign, d(u)))
    if of.function != "Max" or len(of.arguments) != 2:
        return None
    a, b = of.arguments
    if literal(a) == 0:
        return Product((Call("step", (b,)), d(b)))
    pick = Call("step", (Sum((a, Minus(b))),))
    other = Sum((ONE, Minus(pick)))
    return Sum((Product((pick, d(a))), Product((other, d(b)))))


def _chain(of: Formula, d: Inner, _: Constant) -> Formula | None:
    """d f(u, …) = f'(u, …) du + … for a function left general."""
    if not isinstance(of, Call) or of.function in _OWN or of.slope is not None:
        return None
    terms = tuple(
        Product((Call(of.function, of.arguments, n), d(argument)))
        for n, argument in enumerate(of.arguments)
    )
    return terms[0] if len(terms) == 1 else Sum(terms)


_OWN = frozenset({"exp", "log", "sqrt", "erf", "abs", "Max", "step", "pi"})

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "sum": _sum,
        "minus": _minus,
        "constant_factor": _constant_factor,
        "product": _product,
        "quotient": _quotient,
        "power": _power,
        "exponential": _exponential,
        "logarithm": _logarithm,
        "root": _root,
        "error_function": _error_function,
        "cases": _cases,
        "chain": _chain,
    }
)


def differentiate(
    definitions: Definitions, before: Formula, path: Path, shape: str
) -> Step:
    """One rule of differentiation, chosen by name, at one D or P of a form.

    Refuses a rule whose shape the form does not have, and a general chain rule
    where the function has a definition.
    """
    rule = f"differentiate {shape}"
    target = target_of(rule, before, path)
    if not isinstance(target, Derivative) or isinstance(target.of, Name):
        raise Refused(rule, f"expected d/dx of a form, found {text_of(target)}")
    check_scalar(rule, definitions, target)
    of = target.of
    if isinstance(of, Call) and shape == "chain":
        function = definitions.functions.get(of.function)
        if function is None or function.body is not None:
            raise Refused(rule, f"{of.function} is defined; unfold it")

    def inner(form: Formula) -> Formula:
        # Inside P of a form the other names are held fixed, whatever they stand for.
        if target.head == "P" and isinstance(form, Name) and form != target.by:
            return ZERO
        return Derivative(target.head, form, target.by)

    if target.head == "P" and any(isinstance(n, Derivative) for n in walk(of)):
        raise Refused(rule, "P of a form with a derivative in it")

    def constant(form: Formula) -> bool:
        if any(isinstance(node, Sigma) for node in walk(form)):
            return False  # its members are not listed by name
        return all(not _moves(definitions, n, target) for n in names_in(form))

    new = SHAPES[shape](of, inner, constant) if shape in SHAPES else None
    if new is None:
        raise Refused(rule, f"{text_of(of)} does not have that shape")
    reason = Reason(f"rule_{shape}", {"of": of, "by": target.by})
    evidence = Evidence("rule", shape)
    edges = ()
    if shape == "cases":
        edges = tuple(
            Assumption("≠", form, ZERO)
            for form in corners(of, definitions.functions)
            if any(_moves(definitions, n, target) for n in names_in(form))
        )
    return made(
        definitions, before, path, new, "differentiate", reason, evidence, edges
    )


def _moves(definitions: Definitions, name: Name, target: Derivative) -> bool:
    """Whether a name counts as changing with what is differentiated by."""
    if target.head == "P":
        return name == target.by
    return name not in definitions or definitions.depends(name, target.by)
