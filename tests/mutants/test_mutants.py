"""Mutants of a right derivation: each has to be refused, each is a test of its own.

The story is J = (y - h)²/2 with h = σ(z), z = w x + v h0, v = w u, so that w is used
twice. The unaltered derivation is accepted first; every mutant changes one thing.
"""

import dataclasses
from collections.abc import Callable

import pytest

from symbackprop.errors import Refused
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import ZERO, Derivative, Formula, Name
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.one_variable import differentiate
from symbackprop.kernel.rules import (
    algebra,
    assume,
    fold,
    gather,
    independent,
    lemma,
    local,
    refer,
    total,
    unfold,
)
from symbackprop.kernel.step import Evidence, Reason, Step
from symbackprop.strategies.authored import DoesNotFollow, authored
from symbackprop.strategies.writer import Writer

WORDS = Vocabulary(functions={"sigmoid": 1, "f": 1}, indices="k")
SIGMOID = Function(("t",), read("1/(1 + exp(-t))"))
FUNCTIONS = {"sigmoid": SIGMOID, "f": Function(("t",))}
DELTA = "(-(y - h))*(h*(1 - h))"
RESULT = "(-(y - h))*(h*(1 - h))*(x + s*u)"


def form(text: str) -> Formula:
    """A form over the story's words."""
    return read(text, WORDS)


def story(
    *facts: Assumption,
    activation: Function = SIGMOID,
    loss: str = "1/2*(y - h)**2",
) -> Definitions:
    """w is used by z and by v; v is used by z."""
    lines = {
        "x": "", "y": "", "s": "", "u": "", "w": "",
        "v": "w*u",
        "z": "w*x + v*s",
        "h": "sigmoid(z)",
        "J": loss,
    }  # fmt: skip
    entries = tuple(
        Definition(Name(name), form(body) if body else None)
        for name, body in lines.items()
    )
    return Definitions(entries, {**FUNCTIONS, "sigmoid": activation}, facts)


STORY = story()


def derived(definitions: Definitions = STORY) -> Derivation:
    """D(J, w), line by line, as a book writes it."""
    writer = Writer(definitions, form("D(J, w)"))
    writer.apply(total, ())
    writer.apply(total, (0, 0))
    writer.apply(total, (1, 0))
    writer.apply(refer, (0, 0, 0), error(definitions))
    writer.apply(refer, (1, 0, 0), error(definitions))
    writer.end_line()
    for path, slope in (((0, 0, 1), "s"), ((0, 1), "u"), ((1, 1), "x")):
        writer.apply(local, path, form(slope))
    writer.end_line()
    writer.apply(algebra, (), form(RESULT), "factor_out")
    return writer.derivation()


def error(definitions: Definitions = STORY) -> Derivation:
    """D(J, h) P(h, z): the error term."""
    writer = Writer(definitions, form("D(J, h)"))
    writer.apply(total, ())
    writer.apply(local, (), form("-(y - h)"))
    return writer.derivation()


def chain(definitions: Definitions = STORY) -> Derivation:
    """D(J, z) to its value."""
    writer = Writer(definitions, form("D(J, z)"))
    writer.apply(total, ())
    writer.apply(refer, (0,), error(definitions))
    writer.apply(local, (1,), form("h*(1 - h)"))
    return writer.derivation()


def whole(definitions: Definitions = STORY) -> Derivation:
    """D(J, w) through z and v, its error terms referred to."""
    known = chain(definitions)
    writer = Writer(definitions, form("D(J, w)"))
    writer.apply(total, ())
    writer.apply(total, (0, 0))
    writer.end_line()
    writer.apply(refer, (0, 0, 0), known)
    writer.apply(refer, (1, 0), known)
    writer.end_line()
    for path, slope in (((0, 0, 1), "s"), ((0, 1), "u"), ((1, 1), "x")):
        writer.apply(local, path, form(slope))
    writer.end_line()
    writer.apply(algebra, (), form(RESULT), "factor_out")
    return writer.derivation()


def test_the_story_itself_is_accepted() -> None:
    """Unaltered: four printed lines, the textbook's gradient."""
    derivation = whole()
    assert derivation.result == form(RESULT)
    assert len(derivation.lines) == 4
    assert not derivation.conditions


def refused(rule: str, act: Callable[[], object]) -> Refused:
    """The refusal, which carries the rule's own name."""
    with pytest.raises(Refused) as caught:
        act()
    assert caught.value.rule == rule
    return caught.value


@pytest.mark.parametrize(
    ("of", "by", "slope"),
    [
        pytest.param("h", "z", "h*(1 + h)", id="plus for minus"),
        pytest.param("h", "z", "h", id="factor of the slope dropped"),
        pytest.param("h", "z", "1", id="slope missing"),
        pytest.param("h", "z", "-h*(1 - h)", id="slope with a flipped sign"),
        pytest.param("h", "z", "z*(1 - z)", id="slope in the argument"),
        pytest.param("h", "z", "1 - h**2", id="slope of tanh"),
        pytest.param("h", "z", "h*(1 - h) + 1e-50", id="slope off beyond 40 digits"),
        pytest.param("h", "z", "h*(1 - h)*exp(0*z) + 0*z + 1e-300", id="off by 1e-300"),
        pytest.param("J", "h", "y - h", id="sign of the loss"),
        pytest.param("J", "h", "-2*(y - h)", id="half forgotten"),
        pytest.param("J", "h", "-(y - h)**2", id="power not lowered"),
        pytest.param("z", "w", "u", id="weight of the other use"),
        pytest.param("z", "w", "x + s*u", id="total slope for the partial one"),
        pytest.param("z", "v", "x", id="neighbour's factor"),
        pytest.param("v", "w", "w", id="factor itself"),
    ],
)
def test_a_wrong_slope(of: str, by: str, slope: str) -> None:
    """P(v, u) is what the definition of v says, and nothing else."""
    goal = Derivative("P", Name(of), Name(by))
    refused("local", lambda: local(STORY, goal, (), form(slope)))


@pytest.mark.parametrize(
    ("before", "through"),
    [
        pytest.param("D(J, w)", ("z",), id="use through v forgotten"),
        pytest.param("D(J, w)", ("v",), id="use through z forgotten"),
        pytest.param("D(J, w)", (), id="all uses forgotten"),
        pytest.param("D(J, w)", ("z", "z"), id="one use twice"),
        pytest.param("D(J, w)", ("z", "v", "v"), id="one use too many"),
        pytest.param("D(J, w)", ("z", "v", "h"), id="a use that is none"),
        pytest.param("D(z, w)", ("v",), id="direct use forgotten"),
    ],
)
def test_a_forgotten_use_of_a_reused_node(
    before: str, through: tuple[str, ...]
) -> None:
    """w is used by z and by v: both terms, each once."""
    names = [Name(name) for name in through]
    refusal = refused("total", lambda: total(STORY, form(before), (), through=names))
    assert "forgotten" in refusal.message


def test_a_forgotten_use_called_independent() -> None:
    """A strategy cannot drop a term by calling it constant either."""
    for before in ("D(v, w)", "D(J, w)", "P(z, w)"):
        refused("independent", lambda b=before: independent(STORY, form(b), ()))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("(y - h)*(h*(1 - h))*(x + s*u)", id="flipped sign"),
        pytest.param("(-(y + h))*(h*(1 - h))*(x + s*u)", id="flipped inner sign"),
        pytest.param("(-(y - h))*(h*(1 - h))*(x - s*u)", id="flipped sign of one use"),
        pytest.param("(-(y - h))*h*(x + s*u)", id="dropped factor 1 - h"),
        pytest.param("(h*(1 - h))*(x + s*u)", id="dropped factor y - h"),
        pytest.param("(-(y - h))*(h*(1 - h))*(x + u)", id="dropped factor s"),
        pytest.param("(-(y - h))*(h*(1 - h))*x", id="dropped term"),
        pytest.param("(-(y - h))*(h*(1 - h))*(x + s*u)/2", id="factor too many"),
        pytest.param("(-(y - h))*(h*(1 - h))**2*(x + s*u)", id="exponent"),
        pytest.param("0", id="nothing"),
        pytest.param(f"{RESULT} + 1e-45", id="off by 1e-45"),
        pytest.param(f"{RESULT} + 1e-300*x", id="off by 1e-300 x"),
    ],
)
def test_a_wrong_last_line(wrong: str) -> None:
    """The line before, rewritten to something else."""
    good = whole()
    before = good.lines[-1][-1].before
    refusal = refused(
        "algebra", lambda: algebra(STORY, before, (), form(wrong), "factor_out")
    )
    assert refusal.point


FALSE_ALGEBRA = [
    pytest.param("sqrt(x**2)", "x", id="root of a square"),
    pytest.param("log(x*y)", "log(x) + log(y)", id="logarithm of a product"),
    pytest.param("log(x/y)", "log(x) - log(y)", id="logarithm of a quotient"),
    pytest.param("log(x**2)", "log(x)**2", id="logarithm of a square"),
    pytest.param("exp(x)", "exp(x) + 1e-45", id="beyond 40 digits"),
    pytest.param("exp(x)", "exp(x)*(1 + 1e-300)", id="beyond 299 digits"),
    pytest.param("Max(x - 40, 0)", "0", id="zero near the origin only"),
    pytest.param("f(x)", "f(y)", id="general function"),
    pytest.param("(x + y)**2", "x**2 + y**2", id="power of a sum"),
    pytest.param("1/(x + y)", "1/x + 1/y", id="fraction split below"),
    pytest.param("abs(x)", "x", id="absolute value"),
    pytest.param("1/(x - x)", "0", id="division by zero"),
]


@pytest.mark.parametrize(("before", "after"), FALSE_ALGEBRA)
def test_false_algebra(before: str, after: str) -> None:
    """No reason makes a false identity a step, in neither direction."""
    for one, other in ((before, after), (after, before)):
        refused(
            "algebra",
            lambda a=one, b=other: algebra(STORY, form(a), (), form(b), "power"),
        )


@pytest.mark.parametrize("reason", ["simplify", ""])
def test_a_reason_that_is_none(reason: str) -> None:
    """True algebra without a named reason is no line of a derivation."""
    refused(
        "algebra",
        lambda: algebra(STORY, form("x + x"), (), form("2*x"), reason),
    )


# Steps made or altered outside the kernel.

GOOD: Step = algebra(STORY, form("x + x"), (), form("2*x"), "collect")
PARTS = {field.name: getattr(GOOD, field.name) for field in dataclasses.fields(GOOD)}


def test_a_step_made_by_hand() -> None:
    """The right parts do not make a step, nor does a maker of one's own."""
    refused("step", lambda: Step(**PARTS))
    refused("step", lambda: Step(**PARTS, maker=None))
    refused("step", lambda: Step(**PARTS, maker=object()))
    refused("step", lambda: Step(**{**PARTS, "after": form("3*x")}))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"after": form("3*x")}, id="after"),
        pytest.param({"before": form("x + y")}, id="before"),
        pytest.param({"replacement": form("3*x")}, id="replacement"),
        pytest.param({"path": (0,)}, id="path"),
        pytest.param({"conditions": (Assumption(">", ZERO, ZERO),)}, id="conditions"),
        pytest.param({"evidence": Evidence("normal form", "")}, id="evidence"),
        pytest.param({"reason": Reason("simplify")}, id="reason"),
        pytest.param({"definitions": Definitions(())}, id="definitions"),
        pytest.param({"because": (whole(),)}, id="because"),
        pytest.param({}, id="nothing"),
    ],
)
def test_a_step_altered_by_replace(change: dict[str, object]) -> None:
    """`dataclasses.replace` makes no step, not even the same one."""
    refused("step", lambda: dataclasses.replace(GOOD, **change))


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(GOOD)])
def test_a_step_altered_in_place(field: str) -> None:
    """A step is frozen, and takes no further fields."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(GOOD, field, form("3*x"))
    with pytest.raises((AttributeError, TypeError)):
        GOOD.note = "checked by hand"  # type: ignore[attr-defined]


# Derivations put together wrongly.


@pytest.mark.parametrize("line", range(3))
def test_a_removed_line(line: int) -> None:
    """Any line but the last taken out leaves a gap."""
    good = whole()
    lines = good.lines[:line] + good.lines[line + 1 :]
    refused("derivation", lambda: Derivation(good.goal, STORY, lines))


@pytest.mark.parametrize("place", range(3))
def test_two_lines_exchanged(place: int) -> None:
    """Order is part of a derivation."""
    good = whole()
    lines = list(good.lines)
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    refused("derivation", lambda: Derivation(good.goal, STORY, tuple(lines)))


def test_a_removed_step_inside_a_line() -> None:
    """The small steps of a printed line have no gap either."""
    good = whole()
    shorter = good.lines[2][1:]
    lines = (*good.lines[:2], shorter, *good.lines[3:])
    refused("derivation", lambda: Derivation(good.goal, STORY, lines))


def test_an_empty_line() -> None:
    """A line is at least one step."""
    good = whole()
    refused("derivation", lambda: Derivation(good.goal, STORY, (*good.lines, ())))


def test_another_goal() -> None:
    """The first step starts at the goal."""
    good = whole()
    refused("derivation", lambda: Derivation(form("D(J, x)"), STORY, good.lines))


def test_a_line_said_twice() -> None:
    """A step cannot follow itself."""
    good = whole()
    lines = (*good.lines, good.lines[-1])
    refused("derivation", lambda: Derivation(good.goal, STORY, lines))


OTHER = [
    pytest.param(story(loss="(y - h)**2"), id="another loss"),
    pytest.param(story(activation=Function(("t",), form("t"))), id="another function"),
    pytest.param(story(activation=Function(("t",))), id="a general function"),
    pytest.param(story(Assumption(">", Name("x"), ZERO)), id="an assumption more"),
    pytest.param(Definitions(STORY.entries[::1][:4]), id="fewer definitions"),
]


@pytest.mark.parametrize("other", OTHER)
def test_a_derivation_under_other_definitions(other: Definitions) -> None:
    """Steps judged under one set of definitions prove nothing under another."""
    good = whole()
    refused("derivation", lambda: Derivation(good.goal, other, good.lines))
    assert other.fingerprint != STORY.fingerprint


def test_a_mix_of_definitions() -> None:
    """One step from elsewhere spoils the derivation, though its forms fit."""
    elsewhere = story(Assumption(">", Name("x"), ZERO))
    last = algebra(elsewhere, whole().lines[-1][-1].before, (), form(RESULT), "signs")
    lines = (*whole().lines[:-1], (last,))
    refused("derivation", lambda: Derivation(form("D(J, w)"), STORY, lines))


# Derivations used as reasons.


def test_a_because_of_something_else() -> None:
    """D(J, z) does not stand for D(J, v), nor for D(J, z) under other definitions."""
    known = chain()
    refused("refer", lambda: refer(STORY, form("D(J, v)*s"), (0,), known))
    refused("refer", lambda: refer(STORY, form("P(J, z)"), (), known))
    refused("refer", lambda: refer(STORY, known.result, (), known))


@pytest.mark.parametrize("other", OTHER)
def test_a_because_under_other_definitions(other: Definitions) -> None:
    """The same goal in another network is another claim."""
    known = chain()
    refused("refer", lambda: refer(other, known.goal, (), known))


def free(*facts: Assumption, functions: object = None) -> Definitions:
    """A free x and the story's functions."""
    table = FUNCTIONS if functions is None else functions
    assert isinstance(table, dict)
    return Definitions((Definition(Name("x")),), table, facts)


def lemma_over(definitions: Definitions, goal: str, result: str) -> Derivation:
    """A derivation in one step of algebra or calculus."""
    writer = Writer(definitions, form(goal))
    if isinstance(writer.line, Derivative):
        writer.apply(local, (), form(result))
    else:
        writer.apply(algebra, (), form(result), "power")
    return writer.derivation()


def test_a_lemma_that_rests_on_an_assumption() -> None:
    """√x² = x for x > 0 says nothing of z."""
    known = lemma_over(free(Assumption(">", Name("x"), ZERO)), "sqrt(x**2)", "x")
    act = lambda: lemma(STORY, form("sqrt(z**2)"), (), known, Name("z"))  # noqa: E731
    assert "assumption" in refused("lemma", act).message


def test_a_lemma_of_other_functions() -> None:
    """P(σ(x), x) for another σ is another lemma."""
    goal, slope = "P(sigmoid(x), x)", "sigmoid(x)*(1 - sigmoid(x))"
    right = lemma_over(free(), goal, slope)
    target = form("P(sigmoid(z), z)")
    assert lemma(STORY, target, (), right, Name("z")).after == form(
        slope.replace("x", "z")
    )
    doubled = {"sigmoid": Function(("t",), read("2*t"))}
    wrong = lemma_over(free(functions=doubled), goal, "2")
    refused("lemma", lambda: lemma(STORY, target, (), wrong, Name("z")))
    other = story(activation=Function(("t",), read("2*t")))
    refused("lemma", lambda: lemma(other, target, (), right, Name("z")))


@pytest.mark.parametrize(
    ("target", "by"),
    [
        pytest.param("P(sigmoid(z), w)", "z", id="by another name"),
        pytest.param("P(sigmoid(z), z)", "w", id="at another name"),
        pytest.param("D(sigmoid(z), z)", "z", id="another derivative"),
        pytest.param("P(h, z)", "z", id="folded"),
        pytest.param("P(sigmoid(2*z), z)", "z", id="at a form"),
    ],
)
def test_a_lemma_at_something_else(target: str, by: str) -> None:
    """The target is the goal with a name for x, and nothing else."""
    known = lemma_over(free(), "P(sigmoid(x), x)", "sigmoid(x)*(1 - sigmoid(x))")
    refused("lemma", lambda: lemma(STORY, form(target), (), known, Name(by)))


@pytest.mark.parametrize(
    "entries",
    [
        pytest.param((Definition(Name("x"), form("3")),), id="x is defined"),
        pytest.param((Definition(Name("x")), Definition(Name("z"))), id="two names"),
    ],
)
def test_a_lemma_about_more_than_a_free_name(entries: tuple[Definition, ...]) -> None:
    """A lemma speaks of one leaf."""
    known = lemma_over(Definitions(entries, FUNCTIONS), "x + x", "2*x")
    refused("lemma", lambda: lemma(STORY, form("w + w"), (), known, Name("w")))


# Assumptions and definitions used as they are not.


def test_an_assumption_that_is_not_stated() -> None:
    """Σ t = 1 has to be stated; stated otherwise it does not help."""
    fact = Assumption("=", form("y + s"), form("1"))
    stated = story(fact)
    assert assume(stated, form("y + s"), (), form("1")).conditions == (fact,)
    refused("assume", lambda: assume(STORY, form("y + s"), (), form("1")))
    refused("assume", lambda: assume(stated, form("y + s"), (), form("2")))
    refused("assume", lambda: assume(stated, form("y + u"), (), form("1")))
    above = story(Assumption(">", form("y + s"), form("1")))
    refused("assume", lambda: assume(above, form("y + s"), (), form("1")))


@pytest.mark.parametrize(
    ("before", "after", "facts"),
    [
        pytest.param("sqrt(x**2)", "x", ("x",), id="root"),
        pytest.param("log(x*y)", "log(x) + log(y)", ("x", "y"), id="logarithm"),
        pytest.param("abs(x*y)", "x*y", ("x", "y"), id="absolute value"),
    ],
)
def test_a_domain_that_is_not_stated(
    before: str, after: str, facts: tuple[str, ...]
) -> None:
    """True under all its assumptions, refused as soon as one is missing."""
    stated = [Assumption(">", Name(name), ZERO) for name in facts]
    step = algebra(story(*stated), form(before), (), form(after), "power")
    assert step.after == form(after)
    for missing in range(len(stated)):
        fewer = story(*stated[:missing], *stated[missing + 1 :])
        refused(
            "algebra",
            lambda d=fewer: algebra(d, form(before), (), form(after), "power"),
        )


def test_a_definition_that_is_another() -> None:
    """Unfolding leaves nothing to choose, folding has to fit exactly."""
    refused("fold", lambda: fold(STORY, form("w*x + v*u"), (), Name("z")))
    refused("fold", lambda: fold(STORY, form("w*u"), (), Name("z")))
    refused("unfold", lambda: unfold(STORY, form("w"), ()))
    refused("unfold", lambda: unfold(STORY, form("f(z)"), ()))


def test_a_sum_with_a_term_of_another_shape() -> None:
    """Σ_k stands for terms of one shape."""
    sigma = form("Sum(w[k]*x, k, 1, 3)")
    wrong = form("w1*x + w2*x + w3*y")
    refused("gather", lambda: gather(STORY, wrong, (), sigma))


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        pytest.param("x*exp(x)", "constant_factor", id="both factors move"),
        pytest.param("exp(x)/x", "constant_factor", id="the bottom moves"),
        pytest.param("x**x", "power", id="the exponent moves"),
        pytest.param("x**x", "exponential", id="the base moves"),
        pytest.param("sigmoid(x)", "chain", id="a defined function"),
        pytest.param("exp(x)", "sum", id="no sum"),
    ],
)
def test_a_rule_of_differentiation_that_does_not_fit(of: str, shape: str) -> None:
    """One rule, one shape."""
    goal = form(f"D({of}, x)")
    refused(f"differentiate {shape}", lambda: differentiate(STORY, goal, (), shape))


# The sigmoid's ten lines, each altered (systems.md, part A).

TEN = (
    "D(sigmoid(x), x)",
    "D((1 + exp(-x))**(-1), x)",
    "(-1)*(1/(1 + exp(-x))**2)*D(1 + exp(-x), x)",
    "(-1)*(1/(1 + exp(-x))**2)*(0 + exp(-x))*D(-x, x)",
    "(-1)*(1/(1 + exp(-x))**2)*exp(-x)*(-1)",
    "exp(-x)/(1 + exp(-x))**2",
    "(1 + exp(-x) - 1)/(1 + exp(-x))**2",
    "(1 + exp(-x))/(1 + exp(-x))**2 - 1/(1 + exp(-x))**2",
    "1/(1 + exp(-x)) - 1/(1 + exp(-x))**2",
    "1/(1 + exp(-x))*(1 - 1/(1 + exp(-x)))",
    "sigmoid(x)*(1 - sigmoid(x))",
)


def test_the_ten_lines_are_accepted() -> None:
    """As an author writes them."""
    lines = [form(line) for line in TEN]
    derivation = authored(free(), lines[0], lines)
    assert derivation.result == lines[-1]


ALTERED = [
    (2, "(-1)*", "", "sign"),
    (2, "**2)", "**3)", "exponent"),
    (2, "*D(1 + exp(-x), x)", "", "lost inner derivative"),
    (3, "(0 + exp(-x))", "(1 + exp(-x))", "derivative of 1"),
    (4, "*(-1)", "", "lost factor"),
    (5, "exp(-x)/", "-exp(-x)/", "sign"),
    (5, "**2", "", "exponent"),
    (6, "- 1)", "- 2)", "number"),
    (7, " - 1/(1 + exp(-x))**2", "", "lost term"),
    (7, "**2 - 1", "**2 + 1", "sign"),
    (8, "1/(1 + exp(-x))**2", "1/(1 + exp(-x))", "exponent"),
    (9, "(1 - 1", "(1 + 1", "sign"),
    (10, "(1 - sigmoid(x))", "(1 + sigmoid(x))", "sign"),
    (10, "*(1 - sigmoid(x))", "", "lost factor"),
]


@pytest.mark.parametrize(
    ("line", "old", "new"),
    [
        pytest.param(line, old, new, id=f"line {line}: {what}")
        for line, old, new, what in ALTERED
    ],
)
def test_an_altered_line_is_named(line: int, old: str, new: str) -> None:
    """The first line that does not follow is the altered one (or its line break)."""
    assert old in TEN[line]
    lines = [form(text) for text in TEN]
    lines[line] = form(TEN[line].replace(old, new, 1))
    with pytest.raises(DoesNotFollow) as caught:
        authored(free(), lines[0], lines)
    assert caught.value.number == line + 1
    assert f"line {line + 1}" in str(caught.value)
