"""Each rule accepts its identity and refuses everything else by its own name.

Expected lines are written by hand from textbooks; calculus is also held against SymPy.
"""

from collections.abc import Callable

import pytest
import sympy

from symbackprop.errors import Refused, SymbackpropError
from symbackprop.formula.door import to_sympy
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import (
    ZERO,
    Derivative,
    Formula,
    Name,
    Path,
    positions,
)
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.one_variable import SHAPES, differentiate
from symbackprop.kernel.rules import (
    algebra,
    assume,
    fold,
    gather,
    identity,
    independent,
    lemma,
    local,
    refer,
    split,
    total,
    unfold,
)
from symbackprop.kernel.step import Step
from symbackprop.strategies.writer import Writer

WORDS = Vocabulary(functions={"sigmoid": 1, "f": 1, "g": 2}, indices="k")
FUNCTIONS = {
    "sigmoid": Function(("u",), read("1/(1 + exp(-u))")),
    "f": Function(("u",)),
    "g": Function(("u", "v")),
}
Rule = Callable[..., Step]


def form(text: str) -> Formula:
    """A form over the words of this file."""
    return read(text, WORDS)


def graph(*lines: str, facts: tuple[Assumption, ...] = ()) -> Definitions:
    """Definitions from "z = x*w" lines; a bare id is a leaf."""
    entries: list[Definition] = []
    for line in lines:
        left, _, right = line.partition(" = ")
        name = form(left)
        assert isinstance(name, Name)
        entries.append(Definition(name, form(right) if right else None))
    return Definitions(tuple(entries), FUNCTIONS, facts)


# x reaches J through z1 and z2; s is a sum of names; a is used by nothing.
NET = graph(
    "x",
    "y",
    "a",
    "w1",
    "w2",
    "z1 = w1*x",
    "z2 = w2*x + z1",
    "h1 = sigmoid(z1)",
    "s = z1 - z2 + y",
    "q = f(x)*Max(0, y)",
    "J = (y - z2)**2 + h1*s",
    facts=(
        Assumption("=", read("y + a"), read("1")),
        Assumption(">", Name("y"), ZERO),
    ),
)


def applied(rule: Rule, before: str, *args: object, path: Path = ()) -> Step:
    """A rule at a position of a line of the net."""
    given = [form(a) if isinstance(a, str) else a for a in args]
    return rule(NET, form(before), path, *given)


ACCEPTED: list[tuple[Rule, str, tuple[object, ...], Path, str]] = [
    (total, "D(J, x)", (), (), "D(J, z1)*P(z1, x) + D(J, z2)*P(z2, x)"),
    (total, "D(J, w1)", (), (), "D(J, z1)*P(z1, w1)"),
    (total, "D(J, h1)", (), (), "P(J, h1)"),
    (total, "D(J, z2)", (), (), "D(J, s)*P(s, z2) + P(J, z2)"),
    (total, "2*D(z2, x)", (), (1,), "2*(D(z2, z1)*P(z1, x) + P(z2, x))"),
    (split, "D(s, x)", (), (), "D(z1, x) - D(z2, x) + D(y, x)"),
    (split, "D(x*y + f(x), x)", (), (), "D(x*y, x) + D(f(x), x)"),
    (identity, "D(x, x)", (), (), "1"),
    (identity, "3*P(z1, z1)", (), (1,), "3*1"),
    (independent, "D(z1, y)", (), (), "0"),
    (independent, "D(J, a)", (), (), "0"),
    (independent, "D(x, z1)", (), (), "0"),
    (independent, "P(J, x)", (), (), "0"),
    (independent, "P(x*y, z1)", (), (), "0"),
    (independent, "D(3, x)", (), (), "0"),
    (local, "P(z1, x)", (), (), "w1"),
    (local, "P(z2, x)", (), (), "w2"),
    (local, "P(h1, z1)", ("h1*(1 - h1)",), (), "h1*(1 - h1)"),
    (local, "P(h1, z1)", ("h1 - h1**2",), (), "h1 - h1**2"),
    (local, "P(h1, z1)", ("sigmoid(-z1)*h1",), (), "sigmoid(-z1)*h1"),
    (local, "P(J, z2)", ("-2*(y - z2)",), (), "-2*(y - z2)"),
    (local, "P(J, z2)", ("2*z2 - 2*y",), (), "2*z2 - 2*y"),
    (local, "P(J, h1)", (), (), "s"),
    (local, "P(q, x)", ("Max(0, y)*slope(f(x), 1)",), (), "Max(0, y)*slope(f(x), 1)"),
    (local, "P(q, y)", ("f(x)*step(y)",), (), "f(x)*step(y)"),
    (local, "P(J, x)", ("0",), (), "0"),
    (unfold, "z1 + 1", (), (0,), "w1*x + 1"),
    (unfold, "h1", (), (), "sigmoid(z1)"),
    (unfold, "sigmoid(2*x)", (), (), "1/(1 + exp(-(2*x)))"),
    (fold, "w1*x + 1", ("z1",), (0,), "z1 + 1"),
    (fold, "1/(1 + exp(-x))", ("sigmoid(x)",), (), "sigmoid(x)"),
    (gather, "h1 + h2 + h3", ("Sum(h[k], k, 1, 3)",), (), "Sum(h[k], k, 1, 3)"),
    (gather, "Sum(w[k]*x, k, 1, 2)", ("w1*x + w2*x",), (), "w1*x + w2*x"),
    (assume, "y + a", ("1",), (), "1"),
    (assume, "1", ("y + a",), (), "y + a"),
    (assume, "2*(y + a)", ("1",), (1,), "2*1"),
    (algebra, "x + x", ("2*x", "collect"), (), "2*x"),
    (algebra, "z1*(x + y)", ("x + y", "reorder"), (1,), "z1*(x + y)"),
]


@pytest.mark.parametrize(
    ("rule", "before", "args", "path", "after"),
    [pytest.param(*case, id=f"{case[0].__name__}: {case[1]}") for case in ACCEPTED],
)
def test_a_rule_accepts_its_identity(
    rule: Rule, before: str, args: tuple[object, ...], path: Path, after: str
) -> None:
    """The step starts at the line and ends on the hand-written one."""
    given = list(args)
    if rule is algebra:
        given = [form(str(args[0])), str(args[1])]
        step = rule(NET, form(before), path, *given)
    else:
        step = applied(rule, before, *given, path=path)
    assert step.before == form(before)
    assert step.after == form(after)
    assert step.rule == rule.__name__
    assert step.path == path
    assert step.fingerprint == NET.fingerprint
    assert step.reason.key
    assert step.evidence.method


REFUSED: list[tuple[Rule, str, tuple[object, ...], Path]] = [
    (total, "D(J, x)", ((Name("z", (1,)),),), ()),
    (total, "D(J, x)", ((),), ()),
    (total, "D(J, x)", ((Name("z", (1,)), Name("z", (1,))),), ()),
    (total, "D(J, x)", ((Name("z", (1,)), Name("z", (2,)), Name("y")),), ()),
    (total, "P(J, x)", (), ()),
    (total, "D(J, J)", (), ()),
    (total, "D(J, a)", (), ()),
    (total, "D(J, nowhere)", (), ()),
    (total, "D(nowhere, x)", (), ()),
    (total, "D(x + y, x)", (), ()),
    (total, "x + y", (), ()),
    (total, "D(J, x)", (), (3,)),
    (split, "D(z1, x)", (), ()),
    (split, "D(z2, x)", (), ()),
    (split, "P(s, z1)", (), ()),
    (split, "D(s, s)", (), ()),
    (split, "D(x, y)", (), ()),
    (identity, "D(x, y)", (), ()),
    (identity, "P(z1, z2)", (), ()),
    (identity, "x", (), ()),
    (independent, "D(J, x)", (), ()),
    (independent, "D(z1, x)", (), ()),
    (independent, "D(x, x)", (), ()),
    (independent, "P(J, h1)", (), ()),
    (independent, "D(x*z1, w1)", (), ()),
    (independent, "D(nowhere, x)", (), ()),
    (local, "P(h1, z1)", ("h1*(1 + h1)",), ()),
    (local, "P(h1, z1)", ("h1",), ()),
    (local, "P(h1, z1)", ("0",), ()),
    (local, "P(z1, x)", ("x",), ()),
    (local, "P(J, z2)", ("2*(y - z2)",), ()),
    (local, "P(J, z2)", ("y - z2",), ()),
    (local, "P(q, y)", ("2*f(x)",), ()),
    (local, "P(q, x)", ("Max(0, y)*f(x)",), ()),
    (local, "P(x, y)", (), ()),
    (local, "P(z1, z1)", (), ()),
    (local, "P(h1, h1)", ("0",), ()),
    (local, "D(z1, x)", ("w1",), ()),
    (local, "z1", ("w1",), ()),
    (unfold, "x", (), ()),
    (unfold, "f(x)", (), ()),
    (unfold, "exp(x)", (), ()),
    (unfold, "nowhere", (), ()),
    (unfold, "z1", (), (0,)),
    (fold, "x*w1", ("z1",), ()),
    (fold, "w1*x", ("z2",), ()),
    (fold, "w1*x", ("x",), ()),
    (fold, "f(x)", ("f(x)",), ()),
    (gather, "h1 + h2 + h4", ("Sum(h[k], k, 1, 3)",), ()),
    (gather, "h1 + h2", ("Sum(h[k], k, 1, 3)",), ()),
    (gather, "h2 + h1", ("Sum(h[k], k, 1, 2)",), ()),
    (gather, "h1 + h2", ("h1 + h2",), ()),
    (assume, "y + a", ("2",), ()),
    (assume, "a + y", ("1",), ()),
    (assume, "y", ("0",), ()),
    (algebra, "x + x", ("3*x", "collect"), ()),
    (algebra, "x + x", ("2*x", ""), ()),
    (algebra, "x + x", ("2*x", "simplify"), ()),
    (algebra, "sqrt(x**2)", ("x", "power"), ()),
    (algebra, "log(x*w1)", ("log(x) + log(w1)", "logarithm"), ()),
    (algebra, "x + x", ("2*x", "collect"), (0,)),
]


@pytest.mark.parametrize(
    ("rule", "before", "args", "path"),
    [
        pytest.param(*case, id=f"{case[0].__name__}: {case[1]} {case[2]}"[:60])
        for case in REFUSED
    ],
)
def test_a_rule_refuses_by_its_own_name(
    rule: Rule, before: str, args: tuple[object, ...], path: Path
) -> None:
    """What is not the rule's identity makes no step."""
    given = list(args)
    if rule is algebra:
        given[0] = form(str(args[0]))
    act = (
        rule
        if rule is algebra
        else lambda _, __, path, *a: applied(rule, before, *a, path=path)
    )
    with pytest.raises(Refused) as caught:
        act(NET, form(before), path, *given)
    assert caught.value.rule == rule.__name__
    assert str(caught.value).startswith(f"{rule.__name__}: ")


def test_a_refutation_comes_with_its_point() -> None:
    """A refused step says where it fails."""
    with pytest.raises(Refused) as caught:
        algebra(NET, form("x + x"), (), form("3*x"), "collect")
    assert caught.value.point
    assert "x" in caught.value.point


def test_the_order_of_the_uses_is_the_author_s() -> None:
    """The chain rule's terms come in the order asked for, all of them."""
    through = [Name("z", (2,)), Name("z", (1,))]
    step = total(NET, form("D(J, x)"), (), through)
    assert step.after == form("D(J, z2)*P(z2, x) + D(J, z1)*P(z1, x)")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("x/x", "1", {"x ≠ 0"}),
        ("w1*x/w1", "x", {"w1 ≠ 0"}),
        ("exp(log(x))", "x", {"x > 0"}),
    ],
)
def test_algebra_records_what_it_divided_by(
    before: str, after: str, expected: set[str]
) -> None:
    """Side conditions go with the step and into the derivation."""
    step = algebra(NET, form(before), (), form(after), "cancel")
    assert {str(c) for c in step.conditions} == expected
    whole = Derivation(form(before), NET, ((step,),))
    assert {str(c) for c in whole.conditions} == expected


def test_an_assumption_used_is_a_condition() -> None:
    """Σ = 1 is printed with the result that rests on it."""
    step = assume(NET, form("y + a"), (), form("1"))
    assert [str(c) for c in step.conditions] == ["y + a = 1"]


SLOPES: list[tuple[str, str, str]] = [
    ("sum", "x + 3", "D(x, x) + D(3, x)"),
    ("sum", "x - f(x)", "D(x, x) - D(f(x), x)"),
    ("minus", "-x", "-D(x, x)"),
    ("constant_factor", "3*exp(x)", "3*D(exp(x), x)"),
    ("constant_factor", "exp(x)/y", "D(exp(x), x)/y"),
    ("constant_factor", "y*x*3", "y*3*D(x, x)"),
    ("product", "x*exp(x)", "D(x, x)*exp(x) + x*D(exp(x), x)"),
    ("quotient", "exp(x)/x", "(D(exp(x), x)*x - exp(x)*D(x, x))/x**2"),
    ("quotient", "3/x", "(-(3/x**2))*D(x, x)"),
    ("power", "x**2", "2*x*D(x, x)"),
    ("power", "x**5", "5*x**4*D(x, x)"),
    ("power", "(1 + exp(x))**(-1)", "(-1)*(1 + exp(x))**(-2)*D(1 + exp(x), x)"),
    ("power", "x**y", "y*x**(y - 1)*D(x, x)"),
    ("power", "x**(1/2)", "1/2*x**(-1/2)*D(x, x)"),
    ("exponential", "exp(-x)", "exp(-x)*D(-x, x)"),
    ("exponential", "y**x", "y**x*log(y)*D(x, x)"),
    ("logarithm", "log(x*y)", "(1/(x*y))*D(x*y, x)"),
    ("root", "sqrt(x)", "(1/(2*sqrt(x)))*D(x, x)"),
    ("error_function", "erf(x/2)", "(2/sqrt(pi))*exp(-(x/2)**2)*D(x/2, x)"),
    ("cases", "Max(0, 3*x)", "step(3*x)*D(3*x, x)"),
    ("cases", "Max(x, y)", "step(x - y)*D(x, x) + (1 - step(x - y))*D(y, x)"),
    ("cases", "abs(x)", "(2*step(x) - 1)*D(x, x)"),
    ("chain", "f(2*x)", "slope(f(2*x), 1)*D(2*x, x)"),
    (
        "chain",
        "g(x, x*y)",
        "slope(g(x, x*y), 1)*D(x, x) + slope(g(x, x*y), 2)*D(x*y, x)",
    ),
]
PLANE = graph("x", "y")


@pytest.mark.parametrize(("shape", "of", "after"), SLOPES)
def test_a_shape_is_its_identity(shape: str, of: str, after: str) -> None:
    """The line that a textbook writes next."""
    step = differentiate(PLANE, form(f"D({of}, x)"), (), shape)
    assert step.after == form(after)
    assert (step.rule, step.evidence.detail) == ("differentiate", shape)
    partial = differentiate(PLANE, form(f"P({of}, x)"), (), shape)
    # In a partial derivative another name is held fixed at once.
    assert partial.after == form(after.replace("D(y, x)", "0").replace("D(", "P("))


@pytest.mark.parametrize(
    ("of", "fitting"),
    [
        (of, {shape for shape, other, _ in SLOPES if other == of})
        for of in dict.fromkeys(of for _, of, _ in SLOPES)
    ],
)
def test_every_other_shape_is_refused(of: str, fitting: set[str]) -> None:
    """One form has one outermost rule; each refusal names the rule."""
    for shape in (*SHAPES, "simplify", ""):
        if shape in fitting:
            continue
        with pytest.raises(Refused) as caught:
            differentiate(PLANE, form(f"D({of}, x)"), (), shape)
        assert caught.value.rule == f"differentiate {shape}"


@pytest.mark.parametrize(
    ("before", "shape"),
    [
        ("D(x, x)", "power"),
        ("D(J, x)", "sum"),
        ("x + 3", "sum"),
        ("D(sigmoid(x), x)", "chain"),
        ("D(unknown, x)", "chain"),
        ("slope(f(x), 1)", "chain"),
    ],
)
def test_a_shape_needs_a_derivative_of_a_form(before: str, shape: str) -> None:
    """Names go through the graph, defined functions are unfolded first."""
    with pytest.raises(Refused, match=f"differentiate {shape}"):
        differentiate(PLANE, form(before), (), shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_a_line_here_and_an_identity(shape: str) -> None:
    """The table of shapes and this file's table agree; docstrings say the rule."""
    assert shape in {s for s, _, _ in SLOPES}
    assert "d" in (SHAPES[shape].__doc__ or "")


@pytest.mark.parametrize(
    "of",
    [
        "3*x**5 - x/7 + 2",
        "x*exp(-x)*log(x)",
        "exp(x)/(1 + exp(x))",
        "(1 + exp(-x))**(-1)",
        "sqrt(1 + x**2)",
        "erf(x/sqrt(2))*x/2",
        "x**x",
        "2**x",
        "log(1 + exp(-3*x))",
        "1/(x**2 + 1)**2",
        "(x*y - 1)/(x + y)",
    ],
)
def test_shape_by_shape_gives_sympy_s_derivative(of: str) -> None:
    """Rules applied until no D is left, against sympy.diff, at points of x > 0."""
    words = graph("x", "y")
    writer = Writer(words, form(f"P({of}, x)"))
    for _ in range(200):
        here = next(
            ((p, n) for p, n in positions(writer.line) if isinstance(n, Derivative)),
            None,
        )
        if here is None:
            break
        path, node = here
        attempts: list[Callable[[Path], Step]] = [
            lambda p: identity(words, writer.line, p),
            lambda p: independent(words, writer.line, p),
            *(
                lambda p, s=shape: differentiate(words, writer.line, p, s)
                for shape in SHAPES
            ),
            lambda p: local(words, writer.line, p),
        ]
        for attempt in attempts:
            try:
                step = attempt(path)
            except Refused:
                continue
            writer.take(step)
            break
        else:
            pytest.fail(f"no rule for {node}")
    x, y = (sympy.Symbol(name) for name in "xy")
    expected = sympy.diff(to_sympy(form(of)), x)
    derived = to_sympy(writer.line)
    for value in ("0.7", "2.3"):
        at = {x: sympy.Rational(value), y: sympy.Rational("1.9")}
        gap = sympy.N((derived - expected).subs(at), 30)
        assert abs(gap) < sympy.Float("1e-25")


def sigmoid_lemma() -> Derivation:
    """P(σ(x), x) = σ(x)(1 - σ(x)) for a free x."""
    writer = Writer(Definitions((Definition(Name("x")),), FUNCTIONS), ZERO)
    writer.goal = writer.line = form("P(sigmoid(x), x)")
    writer.apply(local, (), form("sigmoid(x)*(1 - sigmoid(x))"))
    return writer.derivation()


def test_a_lemma_holds_for_every_name() -> None:
    """x goes to z1, in the goal and in the result."""
    step = lemma(NET, form("P(sigmoid(z1), z1)"), (), sigmoid_lemma(), Name("z", (1,)))
    assert step.after == form("sigmoid(z1)*(1 - sigmoid(z1))")
    assert len(step.because) == 1


def test_the_conditions_of_a_lemma_are_instanced() -> None:
    """ln x for x > 0 becomes ln z1 for z1 > 0."""
    free = Definitions((Definition(Name("x")),), FUNCTIONS)
    writer = Writer(free, form("exp(log(x))"))
    writer.apply(algebra, (), form("x"), "inverse")
    step = lemma(NET, form("exp(log(z1))"), (), writer.derivation(), Name("z", (1,)))
    assert [str(c) for c in step.conditions] == ["z1 > 0"]
    whole = Derivation(step.before, NET, ((step,),))
    assert [str(c) for c in whole.conditions] == ["z1 > 0"]


def test_refer_takes_a_derivation_of_the_target() -> None:
    """D(J, w1) inside a longer line is replaced by its result."""
    writer = Writer(NET, form("D(J, w1)"))
    writer.apply(total, ())
    writer.apply(local, (1,))
    known = writer.derivation()
    step = refer(NET, form("2*D(J, w1)"), (1,), known)
    assert step.after == form("2*(D(J, z1)*x)")
    assert step.because == (known,)


# What follows was wrong in the package once.


@pytest.mark.parametrize(
    ("lines", "rule", "before"),
    [
        (("x1", "x2", "J = Sum(x[k], k, 1, 2)"), independent, "D(J, x1)"),
        (("x1", "x2", "v = Sum(x[k], k, 1, 2)", "J = v + x1"), total, "D(J, x1)"),
    ],
)
def test_a_use_inside_a_sum_is_a_use(
    lines: tuple[str, ...], rule: Rule, before: str
) -> None:
    """J = x1 + x2 has dJ/dx1 = 1; J = v + x1 uses x1 through v as well."""
    definitions = graph(*lines)
    try:
        step = rule(definitions, form(before), ())
    except SymbackpropError:
        return
    assert step.after not in (ZERO, form("P(J, x1)"))


def test_a_function_is_closed() -> None:
    """v = u(x) with u(t) := t*y has dv/dy = x, not 0."""
    with pytest.raises(SymbackpropError):  # noqa: PT012 - either may refuse
        definitions = Definitions(
            (*graph("x", "y").entries, Definition(Name("v"), read("f(x)", WORDS))),
            {"f": Function(("t",), read("t*y"))},
        )
        independent(definitions, form("D(v, y)"), ())


def test_a_function_is_not_defined_by_itself() -> None:
    """f(u) := f(u) + 1 would prove 0 = 1."""
    with pytest.raises(SymbackpropError):  # noqa: PT012 - either may refuse
        circular = {"f": Function(("u",), read("f(u) + 1", WORDS))}
        unfold(Definitions(PLANE.entries, circular), form("f(x)"), ())


def test_an_elementary_function_is_not_redefined() -> None:
    """With exp(u) := 2u, unfold says e^x = 2x and local says its slope is e^x."""
    with pytest.raises(SymbackpropError):  # noqa: PT012 - either may refuse
        shadowed = {"exp": Function(("u",), read("2*u"))}
        unfold(Definitions(PLANE.entries, shadowed), form("exp(x)"), ())


@pytest.mark.parametrize(
    ("goal", "rule", "target", "by"),
    [
        ("P(x, y)", independent, "P(h, y)", "h"),
        ("P(x*y, x)", local, "P(y*y, y)", "y"),
    ],
)
def test_a_lemma_speaks_of_its_free_name_alone(
    goal: str, rule: Rule, target: str, by: str
) -> None:
    """P(y², y) is 2y: "P(x, y) = 0" and "P(x y, x) = y" have no such instance."""
    writer = Writer(graph("x"), form(goal))
    writer.take(rule(writer.definitions, writer.line, ()))
    instance = graph("y", "h = y**2")
    with pytest.raises(Refused, match="lemma"):
        lemma(instance, form(target), (), writer.derivation(), Name(by))


def test_a_partial_derivative_means_one_thing() -> None:
    """With v := 2y, P(exp(v), y) is 0 by `local` and rule by rule: v is held."""
    definitions = graph("y", "v = 2*y")
    goal = form("P(exp(v), y)")
    held = local(definitions, goal, ()).after
    step = differentiate(definitions, goal, (), "exponential")
    assert (held, step.after) == (ZERO, form("exp(v)*0"))


@pytest.mark.parametrize("body", ["Max(0, x)", "abs(x)"])
def test_a_corner_is_a_condition(body: str) -> None:
    """max(0, x) has no derivative at 0; the step has to say x ≠ 0."""
    definitions = graph("x", f"h = {body}")
    assert local(definitions, form("P(h, x)"), ()).conditions
