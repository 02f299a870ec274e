"""What an attack got past the rules under derivatives; each is refused now."""

from collections.abc import Callable

import pytest

from symbackprop.errors import Refused
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, name_of
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.one_variable import differentiate
from symbackprop.kernel.rules import algebra, assume, fold, local, refer, unfold
from symbackprop.kernel.step import Step

WORDS = Vocabulary(functions={"sigmoid": 1})
SIGMOID = {"sigmoid": Function(("x",), read("1/(1 + exp(-x))"))}


def form(text: str) -> Formula:
    return read(text, WORDS)


def graph(*lines: str, facts: tuple[Assumption, ...] = ()) -> Definitions:
    entries = []
    for line in lines:
        name, _, body = line.partition(" = ")
        entries.append(Definition(name_of(name), form(body) if body else None))
    return Definitions(tuple(entries), SIGMOID, facts)


CHAIN = graph("w", "x", "h = w*x", "J = h")
POWER = graph("z", "h = z*3", "J = h")
SHIFT = graph("x", "w = x - 1", "J = w*w")


@pytest.mark.parametrize(
    "attempt",
    [
        pytest.param(lambda: unfold(CHAIN, form("D(h, h)"), (0,)), id="D of its name"),
        pytest.param(
            lambda: fold(SHIFT, form("D(x - 1, w)"), (0,), form("w")), id="fold to it"
        ),
        pytest.param(
            lambda: algebra(POWER, form("P(h, z)"), (0,), form("1*h"), "collect"),
            id="a name into a form under P",
        ),
        pytest.param(
            lambda: algebra(POWER, form("P(1*h, z)"), (0,), form("h"), "collect"),
            id="a form into a name under P",
        ),
        pytest.param(lambda: unfold(POWER, form("P(h*z, z)"), (0, 0)), id="held name"),
        pytest.param(lambda: unfold(SHIFT, form("P(w, w)"), (0,)), id="P of its name"),
        pytest.param(lambda: unfold(CHAIN, form("h + x"), (-2,)), id="path below 0"),
        pytest.param(lambda: unfold(CHAIN, form("x + h"), (True,)), id="path of truth"),
    ],
)
def test_a_rewriting_under_a_derivative_is_refused(attempt: Callable[[], Step]) -> None:
    with pytest.raises(Refused):
        attempt()


def test_an_assumed_equation_says_nothing_of_slopes() -> None:
    fact = Assumption("=", form("x + y"), form("1"))
    definitions = graph("x", "y", "J = x + y", facts=(fact,))
    with pytest.raises(Refused, match="slopes"):
        assume(definitions, form("D(x + y, x)"), (0,), form("1"))
    step = assume(definitions, form("x + y"), (), form("1"))
    lemma = Derivation(form("x + y"), definitions, ((step,),))
    with pytest.raises(Refused, match="slopes"):
        refer(definitions, form("D(x + y, x)"), (0,), lemma)
    assert refer(definitions, form("2*(x + y)"), (1,), lemma).after == form("2*1")


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        ("Sum(x[k], k, 1, 2)*x1", "constant_factor"),
        ("P(v, y)*x1", "constant_factor"),
    ],
)
def test_p_of_a_sum_or_a_slope_has_no_constant_factor(of: str, shape: str) -> None:
    definitions = graph("x1", "x2", "y", "v = x1*y")
    goal = form(f"P({of}, x1)")
    with pytest.raises(Refused):
        differentiate(definitions, goal, (), shape)


def test_every_pair_of_a_maximum_is_a_corner() -> None:
    definitions = graph("x", "y", "z", "v = Max(x, y, z)")
    step = local(definitions, form("P(v, y)"), ())
    assert {str(c) for c in step.conditions} >= {"x - y ≠ 0", "y - z ≠ 0"}


def test_an_activation_still_opens_under_p() -> None:
    definitions = graph("z", "h = sigmoid(z)")
    assert unfold(definitions, form("P(h, z)"), (0,)).after == form("P(sigmoid(z), z)")
