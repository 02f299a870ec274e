"""Equality: what is proved is true, what is refuted differs at its point.

Both sides are recomputed by mpmath from the text alone; no code of ours takes part.
"""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction as Rational

import mpmath as mp
import pytest

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import ZERO, Minus, Name, Num
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.equality import Judgement, compared

SIGMOID = "1/(1 + exp(-u))"
TANH = "(exp(u) - exp(-u))/(exp(u) + exp(-u))"
WORDS = Vocabulary(functions={"sigmoid": 1, "tanh": 1, "f": None, "g": 2})
LEAVES = tuple(Definition(Name(letter)) for letter in "abnoxyz")
FUNCTIONS = {
    "sigmoid": Function(("u",), read(SIGMOID)),
    "tanh": Function(("u",), read(TANH)),
    "f": Function(("u",)),
    "g": Function(("u", "v")),
}


def judged(left: str, right: str, *positive: str) -> Judgement:
    """Left against right, with some names assumed positive."""
    assumptions = tuple(Assumption(">", Name(name), ZERO) for name in positive)
    definitions = Definitions(LEAVES, FUNCTIONS, assumptions)
    return compared(read(left, WORDS), read(right, WORDS), definitions)


def conditions(judgement: Judgement) -> set[str]:
    """The side conditions as text."""
    return {str(condition) for condition in judgement.conditions}


def value(text: str, **names: mp.mpf) -> mp.mpf:
    """A Python-syntax text of this file, evaluated by mpmath; numbers stay exact."""
    exact = re.sub(r"(?<![\w.])(\d+\.?\d*(?:[eE][+-]?\d+)?)", r"mpf('\1')", text)
    space = {name: getattr(mp, name) for name in ("mpf", "exp", "log", "sqrt", "erf")}
    space |= {
        "__builtins__": {},
        "Max": max,
        "abs": mp.fabs,
        "step": lambda u: mp.mpf(u > 0),
        "pi": +mp.pi,
        "sigmoid": lambda u: 1 / (1 + mp.exp(-u)),
        "tanh": mp.tanh,
        **names,
    }
    return eval(exact, space)


PROVED: list[tuple[str, str]] = [
    ("x + y", "y + x"),
    ("(x + y)**2", "x**2 + 2*x*y + y**2"),
    ("x - (y - x)", "2*x - y"),
    ("(x**3 - y**3)", "(x - y)*(x**2 + x*y + y**2)"),
    ("0.1 + 0.2", "0.3"),
    ("1/3 + 1/6", "1/2"),
    ("exp(x + y)", "exp(x)*exp(y)"),
    ("exp(x/2)**2", "exp(x)"),
    ("exp(x/2)*exp(x/3)", "exp(5*x/6)"),
    ("exp(-x)", "1/exp(x)"),
    ("exp(0)", "1"),
    ("log(exp(x))", "x"),
    ("log(1)", "0"),
    ("log(1/(1 + exp(-x)))", "-log(1 + exp(-x))"),
    ("log(1 + exp(-x))", "log(1 + exp(x)) - x"),
    ("exp(log(1 + exp(x)))", "1 + exp(x)"),
    ("exp(-x)/(1 + exp(-x))**2", "sigmoid(x)*(1 - sigmoid(x))"),
    ("sigmoid(-x)", "1 - sigmoid(x)"),
    ("tanh(x)", "2*sigmoid(2*x) - 1"),
    ("1 - tanh(x)**2", "4*exp(2*x)/(exp(2*x) + 1)**2"),
    ("sqrt(x**2)", "abs(x)"),
    ("sqrt(4*x**2*y**2)", "2*abs(x*y)"),
    ("abs(-x)", "abs(x)"),
    ("abs(x)**2", "x**2"),
    ("abs(x)*abs(y)", "abs(x)*abs(y)"),
    ("abs(exp(x))", "exp(x)"),
    ("sqrt(8)", "2*sqrt(2)"),
    ("sqrt(2)**2", "2"),
    ("sqrt(1/2)", "sqrt(2)/2"),
    ("sqrt(exp(2*x))", "exp(x)"),
    ("(x**2 + 1)**(1/2)", "sqrt(1 + x**2)"),
    ("((x**2 + 1)**(1/2))**2", "x**2 + 1"),
    ("Max(x, y)", "Max(y, x)"),
    ("Max(0, x) + Max(0, -x)", "abs(x)"),
    ("Max(x, -x)", "abs(x)"),
    ("Max(x, x)", "x"),
    ("step(x)**2", "step(x)"),
    ("step(x)*(1 - step(x))", "0"),
    ("step(2*x)", "step(x)"),
    ("step(3)", "1"),
    ("step(-3)", "0"),
    ("step(0)", "0"),
    ("step(exp(x))", "1"),
    ("erf(-x)", "-erf(x)"),
    ("erf(0)", "0"),
    ("erf(x - y) + erf(y - x)", "0"),
    ("Sum(x, k, 1, 3)", "3*x"),
    ("(1 + exp(-x) - 1)/(1 + exp(-x))**2", "exp(-x)/(1 + exp(-x))**2"),
    ("exp(x)/(exp(x) + exp(y))", "1/(1 + exp(y - x))"),
]
POINTS = [("1.3", "0.7"), ("-2.1", "0.4"), ("-0.6", "-1.7"), ("0.25", "-3.5")]


@pytest.mark.parametrize(("left", "right"), PROVED)
def test_a_true_identity_is_proved_without_conditions(left: str, right: str) -> None:
    """Proved both ways round, and mpmath agrees to 50 digits at four points."""
    for pair in ((left, right), (right, left)):
        judgement = judged(*pair)
        assert (judgement.outcome, judgement.point) == ("proved", {})
        assert conditions(judgement) == set()
    if "Sum" in left:
        return
    with mp.workdps(55):
        for x, y in POINTS:
            point = {"x": mp.mpf(x), "y": mp.mpf(y)}
            one, other = value(left, **point), value(right, **point)
            assert mp.almosteq(one, other, mp.mpf(10) ** -50, mp.mpf(10) ** -50)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("x/x", "1", {"x ≠ 0"}),
        ("x*y/x", "y", {"x ≠ 0"}),
        ("x**3/x", "x**2", {"x ≠ 0"}),
        ("x*x**(-1)", "1", {"x ≠ 0"}),
        ("(x**2 - y**2)/(x - y)", "x + y", {"x - y ≠ 0"}),
        ("1/x + 1/y", "(x + y)/(x*y)", {"x ≠ 0", "y ≠ 0"}),
        ("0/x", "0", {"x ≠ 0"}),
        ("(x/y)**2", "x**2/y**2", {"y ≠ 0"}),
        ("-(y/o - (1 - y)/(1 - o))*o*(1 - o)", "-(y - o)", {"o ≠ 0", "1 - o ≠ 0"}),
        ("exp(log(x))", "x", {"x > 0"}),
        ("exp(2*log(x))", "x**2", {"x > 0"}),
        ("x**a*x**b", "x**(a + b)", {"x > 0"}),
        ("x**n", "exp(n*log(x))", {"x > 0"}),
        ("n*x**(n - 1)", "n*x**n/x", {"x > 0", "x ≠ 0"}),
        ("2*log(x) + log(x)", "3*log(x)", {"x > 0"}),
    ],
)
def test_what_an_identity_rests_on_is_handed_back(
    left: str, right: str, expected: set[str]
) -> None:
    """Divisors are recorded as nonzero, arguments of ln as positive; no more."""
    judgement = judged(left, right)
    assert judgement.outcome == "proved"
    assert expected <= conditions(judgement)
    named = {
        name for text in conditions(judgement) for name in re.findall("[a-z]", text)
    }
    assert named <= {name for text in expected for name in re.findall("[a-z]", text)}


REFUTED: list[tuple[str, str]] = [
    ("x", "x + 1"),
    ("x", "-x"),
    ("2*x", "3*x"),
    ("(x + y)**2", "x**2 + y**2"),
    ("1/(x + y)", "1/x + 1/y"),
    ("exp(x + y)", "exp(x) + exp(y)"),
    ("exp(x*y)", "exp(x)*exp(y)"),
    ("exp(-x)/(1 + exp(-x))**3", "sigmoid(x)*(1 - sigmoid(x))"),
    ("sigmoid(x)*(1 + sigmoid(x))", "sigmoid(x)*(1 - sigmoid(x))"),
    ("sqrt(x**2)", "x"),
    ("sqrt(x**2)", "-x"),
    ("abs(x + y)", "abs(x) + abs(y)"),
    ("sqrt(x**2 + y**2)", "x + y"),
    ("abs(x)", "x"),
    ("log(x**2 + 1)", "2*log(x + 1)"),
    ("log(x**2)", "log(x)**2"),
    ("erf(x)", "erf(-x)"),
    ("step(-x)", "step(x)"),
    ("step(x)", "1"),
    ("step(x)*x", "x"),
    ("Max(0, x)", "x"),
    ("Max(0, x)", "0"),
    ("Max(x - 40, 0)", "0"),
    ("Max(x, y)", "x"),
    ("exp(x)", "exp(x) + 1e-45"),
    ("exp(x)", "exp(x) + 1e-300"),
    ("sigmoid(x)", "sigmoid(x)*(1 + 1e-60)"),
    ("(-x)**3", "x**3"),
    ("x**4", "x**2"),
]


@pytest.mark.parametrize(("left", "right"), REFUTED)
def test_a_false_identity_is_refuted_at_a_point(left: str, right: str) -> None:
    """Recomputed at the point to 400 digits, the two sides differ as stated."""
    judgement = judged(left, right)
    assert judgement.outcome == "refuted"
    point = dict(judgement.point)
    shown = [point.pop("left side"), point.pop("right side")]
    with mp.workdps(400):
        names = {"x": mp.mpf(1), "y": mp.mpf(1)}  # a name without a value is free
        for name, text in point.items():
            exact = Rational(text)
            names[name] = mp.mpf(exact.numerator) / exact.denominator
        sides = [value(left, **names), value(right, **names)]
        assert abs(sides[0] - sides[1]) > mp.mpf(10) ** -310
        for side, text in zip(sides, shown, strict=True):
            assert mp.almosteq(side, mp.mpf(text), mp.mpf(10) ** -17)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("f(x)", "f(y)"),
        ("f(x)", "f(x + 1)"),
        ("f(x + y)", "f(x) + f(y)"),
        ("f(2*x)", "2*f(x)"),
        ("f(-x)", "-f(x)"),
        ("f(x)", "x"),
        ("g(x, y)", "g(y, x)"),
        ("slope(f(x), 1)", "f(x)"),
        ("slope(g(x, y), 1)", "slope(g(x, y), 2)"),
    ],
)
def test_a_general_function_has_no_law(left: str, right: str) -> None:
    """Some smooth function breaks each of these."""
    judgement = judged(left, right)
    assert judgement.outcome == "refuted"
    assert judgement.point["left side"] != judgement.point["right side"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("f(x) + f(2*x)", "f(x + x) + f(x)"),
        ("f(x)*0", "0"),
        ("f((x + y)**2)", "f(x**2 + 2*x*y + y**2)"),
        ("g(x, 2*y) - g(x, y + y)", "0"),
        ("slope(f(x + x), 1)", "slope(f(2*x), 1)"),
    ],
)
def test_equal_arguments_give_equal_values(left: str, right: str) -> None:
    """That is all that is known of a function left general."""
    assert judged(left, right).outcome == "proved"


def test_a_logarithm_of_a_product_needs_its_domain() -> None:
    """Not proved without x > 0 and y > 0; at x = y = -1 the left side alone is real."""
    assert judged("log(x*y)", "log(x) + log(y)").outcome == "undecided"
    assert judged("log(x*y)", "log(x) + log(y)", "x").outcome == "undecided"
    assert judged("log(x*y)", "log(x) + log(y)", "x", "y").outcome == "proved"
    assert judged("log(x/y)", "log(x) - log(y)").outcome == "undecided"
    assert judged("log(x/y)", "log(x) - log(y)", "x", "y").outcome == "proved"


def test_a_root_of_a_square_needs_its_sign() -> None:
    """√x² = |x| always, x for x > 0."""
    assert judged("sqrt(x**2)", "abs(x)").outcome == "proved"
    assert judged("sqrt(x**2)", "x").outcome == "refuted"
    assert judged("sqrt(x**2)", "x", "x").outcome == "proved"
    assert judged("abs(x*y)", "x*y", "x", "y").outcome == "proved"
    assert judged("abs(x*y)", "x*y", "x").outcome == "refuted"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("0/0", "0"),
        ("0/0", "1"),
        ("1/x", "1/(x - x)"),
        ("1/(x - x)", "2/(x - x)"),
        ("1/(step(x)**2 - step(x))", "1"),
        ("1/(sqrt(2)**2 - 2)", "1"),
        ("(x - x)**(-1)", "1"),
        ("(x - x)**(-1)", "0"),
    ],
)
def test_division_by_zero_proves_nothing(left: str, right: str) -> None:
    """Nothing follows from what has no value, also where roots hide the zero."""
    assert judged(left, right).outcome == "undecided"


def test_an_undecided_pair_is_true_but_out_of_reach() -> None:
    """π² = 6 Σ 1/k² is beyond the method; nothing is claimed."""
    judgement = judged("abs(x*y)", "abs(x)*abs(y)")
    assert judgement.outcome == "undecided"
    assert not judgement.point


def test_a_name_may_stand_for_its_definition() -> None:
    """h(1 - h) is the slope of the sigmoid, given h."""
    slope, value_of_h = (
        read("exp(-x)/(1 + exp(-x))**2"),
        read(SIGMOID.replace("u", "x")),
    )
    h = Name("h")
    definitions = Definitions((*LEAVES, Definition(h, value_of_h)), FUNCTIONS)
    claim = read("h*(1 - h)")
    assert compared(claim, slope, definitions, {h: value_of_h}).outcome == "proved"
    assert compared(claim, slope, definitions).outcome == "undecided"
    wrong = read("h*(1 + h)")
    assert compared(wrong, slope, definitions, {h: value_of_h}).outcome == "refuted"


@contextmanager
def watchdog(seconds: int = 60) -> Iterator[None]:
    """Fail instead of hanging."""

    def late(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("(x + y)**1000", "(y + x)**1000 + 1"),
        ("x**1000", "x**999"),
        ("((x + y)**300 + z)**30", "1"),
        ("exp(x)**1000 - exp(1000*x)", "1"),
        ("(x + y + z)**400*(x + y + a)**400", "1"),
        ("Sum(x**2, k, 1, 4000)", "4000*x"),
        ("exp(400*log(x + y))", "1"),
    ],
)
def test_large_forms_are_given_up_or_refuted(left: str, right: str) -> None:
    """A false identity of large powers is never proved and never hangs."""
    with watchdog():
        assert judged(left, right).outcome in ("refuted", "undecided")


PROGRAM = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
from symbackprop.formula.reader import read
from symbackprop.kernel.definitions import Definitions
from symbackprop.kernel.equality import compared
print(compared(read(sys.argv[1]), read(sys.argv[2]), Definitions(())).outcome)
"""


@pytest.mark.parametrize(
    "text",
    [
        "(a + b + c + d + e + f)**600",
        "*".join(f"(a{n} + b{n})" for n in range(1, 31)),
        "((((2*x)**1000)**1000)**1000)**1000",
        "exp(400*log(a + b + c + d + e + f + 1))",
        "Sum(Sum(x*y, k, 1, 4000), p, 1, 4000)",
    ],
    ids=["power", "product", "coefficient", "exponential", "nested sums"],
)
def test_what_would_fill_memory_is_given_up_first(text: str) -> None:
    """In a process of its own with 2 GB: an outcome, no kill and no hang."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, text, "1"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) in (
        (0, "refuted"),
        (0, "undecided"),
    )


# What follows was wrong in the package once.


@pytest.mark.parametrize(
    ("left", "right", "x"),
    [
        ("exp(log(x**2)/2)", "x", "-1"),
        ("exp(log(x**4)/4)", "x", "-2"),
        ("step(x**2)", "1", "0"),
        ("step(sqrt(x))", "1", "0"),
    ],
)
def test_an_even_power_is_not_positive(left: str, right: str, x: str) -> None:
    """Both sides are real at x and differ there, so this is no identity."""
    with mp.workdps(50):
        at = mp.mpf(x)
        assert abs(value(left, x=at) - value(right, x=at)) > mp.mpf("0.5")
    assert judged(left, right).outcome != "proved"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("x**2/x**2", "1"),
        ("sqrt(x)/sqrt(x)", "1"),
        ("abs(x)**2/x**2", "1"),
        ("exp(log(x**2))", "x**2"),
        ("0*(1/x)", "0"),
        ("sqrt(x)**2", "x"),
    ],
)
def test_a_smaller_domain_is_a_condition(left: str, right: str) -> None:
    """One side has no value at 0, or below it: that is recorded."""
    judgement = judged(left, right)
    assert judgement.outcome != "proved" or conditions(judgement)


def test_a_slope_is_not_the_value() -> None:
    """σ'(0) = 1/4 and σ(0) = 1/2."""
    assert judged("slope(sigmoid(x), 1)", "sigmoid(x)").outcome != "proved"


def test_a_true_slope_is_not_refuted() -> None:
    """The slope of e^x is e^x."""
    assert judged("slope(exp(x), 1)", "exp(x)").outcome != "refuted"


@pytest.mark.parametrize(
    ("left", "right", "assumptions"),
    [
        ("x + y", "1", (("=", "x + y", "1"),)),
        ("abs(x - y)", "x - y", ((">", "x", "y"),)),
        ("abs(x - 2)", "x - 2", ((">", "x", "2"), (">", "3", "x"))),
        ("abs(x + 3)", "-(x + 3)", ((">", "-3", "x"),)),
        ("abs(x**2 - 1)", "x**2 - 1", ((">", "x**2", "1"),)),
    ],
)
def test_a_refutation_respects_the_assumptions(
    left: str, right: str, assumptions: tuple[tuple[str, str, str], ...]
) -> None:
    """Each holds wherever its assumptions do; refuted elsewhere means nothing."""
    facts = tuple(Assumption(r, read(a), read(b)) for r, a, b in assumptions)
    definitions = Definitions(LEAVES, FUNCTIONS, facts)
    assert compared(read(left), read(right), definitions).outcome != "refuted"


@pytest.mark.parametrize("low", [Num("0"), Num("2"), Minus(Num("5"))])
def test_a_lower_bound_is_respected(low: Num | Minus) -> None:
    """x above a stated number: |x - low| = x - low is not refuted."""
    definitions = Definitions(LEAVES, {}, (Assumption(">", Name("x"), low),))
    gap = f"x - ({low.value})" if isinstance(low, Num) else "x + 5"
    outcome = compared(read(f"abs({gap})"), read(gap), definitions).outcome
    assert outcome in ("proved", "undecided")


def test_an_assumption_that_was_used_is_recorded() -> None:
    """ln xy = ln x + ln y rests on x > 0 and y > 0; the step has to say so."""
    judgement = judged("log(x*y)", "log(x) + log(y)", "x", "y")
    assert judgement.outcome == "proved"
    assert {"x > 0", "y > 0"} <= conditions(judgement)
