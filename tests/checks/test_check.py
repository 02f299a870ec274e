"""What is derived agrees with every witness; what is altered is seen by each."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction as Rational
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
from flint import arb, ctx

from symbackprop import InputError, Layer, Network, derive, load_example
from symbackprop.checks.arithmetics import InNumpy, exact_ball, in_balls, precision
from symbackprop.checks.functions import SHAPES, smooth_functions
from symbackprop.checks.gradients import Judged, examined
from symbackprop.checks.judge import entry_of, gap_between
from symbackprop.checks.table import WITNESSES, Expected, Witness
from symbackprop.checks.trials import Trial, graph_trials, text_of_number
from symbackprop.checks.truth import GraphTruth, NetworkTruth, Truth, settled
from symbackprop.checks.verdict import Verdict
from symbackprop.commands import check as command
from symbackprop.computed import program
from symbackprop.examined import check, network_of
from symbackprop.examples import shipped
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Call, Formula, Fraction, Minus, Name, Num, Product
from symbackprop.graph.build import graph_of
from symbackprop.numeric.evaluate import value_of
from symbackprop.numeric.point import ball
from symbackprop.reference.engine import parameters

NET = Network(2, (Layer(2, "tanh"), Layer(2, "sigmoid")), "binary_cross_entropy")
RELU = Network(2, (Layer(2, "relu"), Layer(1, "identity")))


# ---- what is derived agrees


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_example_agrees_with_every_witness(name: str) -> None:
    report = check(name)
    assert report.outcome == "agrees", report
    asked = {verdict.witness for verdict in report.verdicts}
    refused = {note.split(" was not asked")[0] for note in report.notes}
    assert asked | refused == set(WITNESSES)
    assert len(report.verdicts) == len(asked) * len(derive(name))
    for verdict in report.verdicts:
        assert verdict.bound is not None
        assert verdict.kind == "rounding in float64" or verdict.gap <= verdict.bound


@pytest.mark.parametrize(
    "network",
    [
        NET,
        RELU,
        Network(2, (Layer(3, "softmax"),), "categorical_cross_entropy", "layer"),
        Network(
            1, (Layer(2, "gelu"), Layer(2, "silu")), "mean_squared_error", biases=False
        ),
        Network(1, (Layer(2, "softplus"), Layer(1, "leaky_relu")), "squared_error"),
    ],
    ids=str,
)
def test_networks_agree_too(network: Network) -> None:
    report = check(network, seed=3)
    assert report.outcome == "agrees", report
    assert {verdict.weight for verdict in report.verdicts} == set(parameters(network))


@pytest.mark.parametrize("by", ["backprop", "paths"])
def test_every_strategy_is_judged_by_its_own_last_lines(by: str) -> None:
    assert check(derive("two-paths", by=by)).outcome == "agrees"
    assert check(derive("mlp-2-2-2-mse", ["w1_1_2"], by=by)).outcome == "agrees"


@pytest.mark.parametrize("wrt", ["x1", "h1_2", "z2_1", "o1", "w2_1_1"])
def test_what_is_no_parameter_is_examined_too(wrt: str) -> None:
    report = check(derive(NET, wrt))
    assert report.outcome == "agrees", report
    assert {verdict.weight for verdict in report.verdicts} == {wrt}


def test_the_same_seed_asks_the_same_questions() -> None:
    first, second = check("gates", seed=5), check("gates", seed=5)
    assert first.data == second.data
    assert first.points != check("gates", seed=6).points


def test_an_example_with_values_is_examined_there() -> None:
    report = check("single-neuron-mse")
    (point,) = report.points
    values = load_example("single-neuron-mse").values
    assert {key: Rational(value) for key, value in point.items()} == {
        name.id: value for name, value in values.items()
    }
    assert report.seed is None


def test_a_listener_hears_what_is_asked() -> None:
    heard: list[str] = []
    check("gates", ["engine", "balls"], tell=heard.append)
    assert heard == [
        f"{witness}, point {number} of 3"
        for witness in ("engine", "balls")
        for number in (1, 2, 3)
    ]


def test_three_shapes_stand_for_a_general_function() -> None:
    graph = graph_of(load_example("composite"))
    shapes: dict[str, set[str]] = {}
    for number in range(3):
        for name, function in smooth_functions(graph.general, 0, number).items():
            shapes.setdefault(name, set()).add(function.shape)
    assert shapes == {name: set(SHAPES) for name in ("a1", "a2", "a3")}


# ---- what is altered is seen


def judged(name: str, alter: Callable[[Formula], Formula]) -> Judged:
    """An example's derivations with one last line altered."""
    derivations = derive(name)
    results = {n.id: d.result for n, d in derivations.checked.items()}
    weight = next(iter(results))
    results[weight] = alter(results[weight])
    return Judged(derivations.graph, program(derivations), results)


def verdicts_on(
    altered: Judged, rows: Sequence[Witness] | None = None, name: str = ""
) -> tuple[Verdict, ...]:
    """What the witnesses say at three seeded points."""
    derivations = derive(name)
    wrt = tuple(altered.results)
    network = network_of(altered.graph)
    truth = GraphTruth(altered.graph, wrt)
    if network is not None:
        truth = NetworkTruth(network, wrt)
    found = graph_trials(altered.graph, derivations.work.definitions, 0)
    trials = [next(found) for _ in range(3)]
    return examined(altered, truth, trials, rows or [*WITNESSES.values()], 1e-10)[0]


SMALL = Fraction(Num("100000001"), Num("100000000"))
ALTERED: dict[str, tuple[Callable[[Formula], Formula], str, float | None]] = {
    "sign": (Minus, "sign", -1.0),
    "factor": (lambda form: Product((Num("2"), form)), "factor", 2.0),
    "a little": (lambda form: Product((SMALL, form)), "factor", 1.00000001),
}


@pytest.mark.parametrize("name", ["composite", "mlp-2-2-2-mse", "square-of-sum"])
@pytest.mark.parametrize("how", ALTERED)
def test_an_altered_line_is_seen_by_each_witness(name: str, how: str) -> None:
    alter, cause, ratio = ALTERED[how]
    altered = judged(name, alter)
    weight, *others = altered.results
    for verdict in verdicts_on(altered, name=name):
        if verdict.witness == "compiled":
            continue  # compiled from the program, which is not altered here
        if verdict.weight in others:
            assert verdict.outcome == "agrees"
            continue
        assert verdict.weight == weight
        assert verdict.outcome == "differs", verdict
        assert verdict.gap is not None
        assert verdict.bound is not None
        assert verdict.gap > verdict.bound
        assert verdict.diagnosis is not None
        assert verdict.diagnosis.cause == cause
        assert verdict.diagnosis.ratio == pytest.approx(ratio, rel=1e-9)


def test_an_error_at_the_fiftieth_digit_is_left_to_the_balls() -> None:
    tiny = Fraction(Num("1" + "0" * 37 + "1"), Num("1" + "0" * 38))
    altered = judged("gates", lambda form: Product((tiny, form)))
    outcomes = {
        verdict.witness: verdict.outcome
        for verdict in verdicts_on(altered, name="gates")
        if verdict.weight == "x1"
    }
    assert outcomes.pop("balls") == "differs"
    assert set(outcomes.values()) == {"agrees"}


def test_an_altered_program_is_seen_in_what_is_compiled() -> None:
    derivations = derive("mlp-2-2-2-mse")
    right = program(derivations)
    wrong = replace(
        right,
        lines=tuple(
            replace(line, form=Minus(line.form))
            if line.atom == right.gradient[Name("w", (2, 1, 1))]
            else line
            for line in right.lines
        ),
    )
    results = {n.id: d.result for n, d in derivations.checked.items()}
    altered = Judged(derivations.graph, wrong, results)
    found = verdicts_on(altered, [WITNESSES["compiled"]], "mlp-2-2-2-mse")
    (verdict,) = [verdict for verdict in found if verdict.outcome == "differs"]
    assert verdict.weight == "w2_1_1"
    assert verdict.diagnosis is not None
    assert (verdict.diagnosis.cause, verdict.diagnosis.layer) == ("sign", 2)


def without_slope(form: Formula) -> Formula:
    """A last line with the slopes of a2 taken as 1."""
    if isinstance(form, Call) and form.function == "a2" and form.slope is not None:
        return Num("1")
    children = tuple(without_slope(child) for child in form.children)
    return form.with_children(children) if children else form


def test_a_slope_left_out_of_a_formula_is_named() -> None:
    derivations = derive("composite", ["x"])
    results = {"x": without_slope(derivations["x"].checked.result)}
    assert results["x"] != derivations["x"].checked.result
    altered = Judged(derivations.graph, program(derivations), results)
    trials = graph_trials(derivations.graph, derivations.work.definitions, 0)
    points = [next(trials) for _ in range(3)]
    truth = GraphTruth(derivations.graph, ("x",))
    (verdict,) = examined(altered, truth, points, [WITNESSES["engine"]], 1e-10)[0]
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.cause == "missing slope"
    assert verdict.diagnosis.detail == "the slope of a2 is left out"


def test_a_factor_at_one_point_has_to_hold_at_others() -> None:
    squared = judged("square-of-sum", lambda form: Product((form, form)))
    doubled = judged("square-of-sum", lambda form: Product((Num("2"), form)))
    at = [Trial({"x": Rational(3), "y": Rational(-1)})]
    for altered, cause in ((squared, "unknown"), (doubled, "factor")):
        truth = GraphTruth(altered.graph, ("x",))
        found = examined(altered, truth, at, [WITNESSES["balls"]], 1e-10)[0]
        assert found[0].diagnosis is not None
        assert found[0].diagnosis.cause == cause
        assert found[0].diagnosis.ratio == pytest.approx(4 if cause == "unknown" else 2)


def test_what_no_slip_gives_is_unknown() -> None:
    altered = judged("square-of-sum", lambda form: Product((form, form)))
    for verdict in verdicts_on(altered, [WITNESSES["balls"]], "square-of-sum"):
        assert verdict.diagnosis is not None
        assert verdict.diagnosis.cause == "unknown"


# ---- rounding, kinks, points


def test_rounding_is_told_from_a_wrong_formula() -> None:
    """1 - tanh² has no digit left at 20; its own form in balls has them all."""
    engine = check("tanh-derivative", "engine", {"x": 20}).verdicts[0]
    assert (engine.outcome, engine.kind) == ("agrees", "rounding in float64")
    assert engine.measured == "0"
    assert float(engine.expected) == pytest.approx(4 * np.exp(-40.0), rel=1e-12)
    altered = judged("tanh-derivative", lambda form: Product((Num("2"), form)))
    truth = GraphTruth(altered.graph, ("x",))
    at_20 = [Trial({"x": Rational(20)})]
    (wrong,) = examined(altered, truth, at_20, [WITNESSES["engine"]], 1e-10)[0]
    assert (wrong.outcome, wrong.kind) == ("differs", "wrong")


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("relu-derivative", 0.0, 1.0), ("leaky-relu-derivative", 0.01, 1.0)],
)
def test_a_kink_is_judged_by_its_interval(name: str, low: float, high: float) -> None:
    report = check(name, ["engine", "balls", "differences"], {"x": 0})
    assert report.outcome == "agrees", report
    engine = report.verdicts[0]
    assert engine.kind == "kink"
    ends = [float(end) for end in engine.expected.strip("[]").split(",")]
    assert ends == pytest.approx([low, high], abs=1e-8)
    outside = judged(name, lambda _: Num("1.001"))
    truth = GraphTruth(outside.graph, ("x",))
    trials = [Trial({"x": Rational(0)})]
    for row in ("engine", "balls"):
        (wrong,) = examined(outside, truth, trials, [WITNESSES[row]], 1e-10)[0]
        assert wrong.outcome == "differs"


def test_the_complex_step_says_where_it_has_no_answer() -> None:
    assert check("relu-derivative").notes == (
        "complex step was not asked: relu: not analytic here",
    )
    with pytest.raises(InputError, match="relu"):
        check("relu-derivative", "complex step")
    with pytest.raises(InputError, match="relu"):
        check(RELU, "complex step")


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ({"x": 1}, "no value for y"),
        ({"x": 1, "y": 2, "z": 3}, "unknown id 'z'"),
        ({"x": 1, "y": float("nan")}, "not a finite number"),
        ({"x": 1, "y": "one"}, "the value of y is 'one'"),
        ({"x": 1, "y": [1, 2]}, "the value of y is"),
        ({"x": 1, "y": 1j}, "the value of y is"),
        ([], "at takes a mapping"),
        ("x", "at takes a mapping"),
        (3, "at takes a mapping"),
        ([3], "expected a mapping"),
    ],
)
def test_points_that_do_not_fit_are_refused(at: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        check("square-of-sum", at=at)


def test_points_may_be_several_and_of_any_real_kind() -> None:
    points = [
        {"x": np.float32(0.5), "y": 2},
        {"x": Rational(1, 3), "y": np.array(0.25)},
        {"x": "0.1", "y": "-2e-3"},
    ]
    assert check("square-of-sum", at=points).outcome == "agrees"
    (point,) = check("square-of-sum", "balls", points[2:]).points
    assert {key: Rational(value) for key, value in point.items()} == {
        "x": Rational(1, 10),
        "y": Rational(-2, 1000),
    }


def test_a_point_where_an_assumption_fails_is_refused() -> None:
    with pytest.raises(InputError, match="x > 0 is assumed"):
        check("power-rule", at={"x": -1, "n": 2})
    with pytest.raises(InputError, match="logarithm"):
        check("ln-derivative", at={"x": -1})
    assert check("ln-derivative", at={"x": 3}).outcome == "agrees"


@pytest.mark.parametrize("tolerance", [0.0, -1.0, 1e-14, 0.5, float("nan")])
def test_a_tolerance_that_means_nothing_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError, match="tolerance"):
        check("square-of-sum", tolerance=tolerance)


def test_an_unknown_witness_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"unknown witness 'oracle'.*engine"):
        check("square-of-sum", ["engine", "oracle"])


def test_a_witness_without_a_bound_leaves_the_question_open() -> None:
    def silent(truth: Truth, trial: Trial) -> Expected:
        count = len(truth.in_balls(trial, 0.0, 192))
        return Expected([arb(0)] * count, [float("inf")] * count)

    row = Witness("silent", "", silent)
    altered = judged("square-of-sum", lambda form: form)
    found = verdicts_on(altered, [row], "square-of-sum")
    assert {verdict.outcome for verdict in found} == {"undecided"}


# ---- the truth itself, against mpmath


def by_mpmath(values: Mapping[str, float]) -> dict[str, mpmath.mpf]:
    """The gradient of NET at 60 digits, by differences of a loss written out here."""

    def loss(v: Mapping[str, mpmath.mpf]) -> mpmath.mpf:
        h = [
            mpmath.tanh(
                v[f"w1_1_{j}"] * v["x1"] + v[f"w1_2_{j}"] * v["x2"] + v[f"b1_{j}"]
            )
            for j in (1, 2)
        ]
        total = mpmath.mpf(0)
        for k in (1, 2):
            z = v[f"w2_1_{k}"] * h[0] + v[f"w2_2_{k}"] * h[1] + v[f"b2_{k}"]
            o = 1 / (1 + mpmath.exp(-z))
            y = v[f"y{k}"]
            total -= y * mpmath.log(o) + (1 - y) * mpmath.log(1 - o)
        return total

    with mpmath.workdps(120):
        exact = {name: mpmath.mpf(value) for name, value in values.items()}
        step = mpmath.mpf(10) ** -40
        return {
            name: (
                loss({**exact, name: exact[name] + step})
                - loss({**exact, name: exact[name] - step})
            )
            / (2 * step)
            for name in parameters(NET)
        }


def values_of(network: Network, seed: int, scale: float = 1.0) -> dict[str, float]:
    random = np.random.default_rng(seed)
    found = {f"x{i}": float(random.normal()) for i in range(1, network.inputs + 1)}
    outputs = network.layers[-1].units
    found |= {f"y{k}": float(random.uniform()) for k in range(1, outputs + 1)}
    return found | {
        name: scale * float(random.normal()) for name in parameters(network)
    }


@pytest.mark.parametrize("scale", [1e-5, 1.0, 20.0])
@pytest.mark.parametrize("as_graph", [False, True])
def test_the_truth_in_balls_is_mpmath_s(scale: float, *, as_graph: bool) -> None:
    values = values_of(NET, 1, scale)
    wrt = parameters(NET)
    truth = GraphTruth(graph_of(NET), wrt) if as_graph else NetworkTruth(NET, wrt)
    found = settled(lambda bits: truth.in_balls(Trial(values), 0.0, bits), 140)
    for name, expected in by_mpmath(values).items():
        with precision(256):
            true = arb(mpmath.nstr(expected, 45))
            assert abs(found[wrt.index(name)] - true) < abs(true) * 1e-30 + 1e-60


def test_the_graph_of_a_network_is_recognised() -> None:
    for network in (NET, RELU):
        assert network_of(graph_of(network)) == network
    other = Network(3, (Layer(1), Layer(2)), "squared_error", "layer")
    assert network_of(graph_of(other)) == other
    assert network_of(graph_of(load_example("gates"))) is None


@pytest.mark.parametrize("shape", SHAPES)
def test_slopes_of_the_smooth_functions_are_mpmath_s(shape: str) -> None:
    number = SHAPES.index(shape)
    function = smooth_functions({"f": 3}, 11, number)["f"]
    assert function.shape == shape
    at = [0.75, -1.5, 0.375]
    for place in range(3):

        def along(u: mpmath.mpf, place: int = place) -> mpmath.mpf:
            moved = [*map(mpmath.mpf, at[:place]), u, *map(mpmath.mpf, at[place + 1 :])]
            return function.value(moved, mpmath.sin)

        with mpmath.workdps(30):
            expected = float(mpmath.diff(along, at[place]))
        assert function.slope(place, at, np.sin, np.cos) == pytest.approx(expected)
        value, slopes = in_balls({"f": function})["f"]
        balls = [exact_ball(u) for u in at]
        assert float(slopes[place](*balls).mid()) == pytest.approx(expected)
        assert float(value(*balls).mid()) == pytest.approx(function.value(at, np.sin))
    words = Vocabulary(names=("u", "v", "w"), functions={"sin": 1})
    form = read(str(function), words)

    class WithSine(InNumpy):
        def call(self, function: str, arguments: list, slope: int | None) -> object:
            assert (function, slope) == ("sin", None)
            return np.sin(arguments[0])

    from_text = evaluated(form, dict(zip("uvw", at, strict=True)), WithSine())
    assert from_text == pytest.approx(function.value(at, np.sin))


def evaluated(form: Formula, at: Mapping[str, float], arithmetic: InNumpy) -> float:
    known: dict[Formula, float] = {Name(key): value for key, value in at.items()}
    return value_of(form, known, arithmetic)


# ---- small parts


def test_a_gap_is_what_lies_between_balls() -> None:
    assert gap_between(arb(3), arb(1)) == 2
    assert gap_between(arb(3), arb(1, 0.5)) == pytest.approx(1.5, rel=1e-8)
    assert gap_between(arb(3), arb(1, 4)) == 0
    assert gap_between(arb("nan"), arb(1)) == float("inf")


def test_an_entry_at_the_edge_of_its_bound() -> None:
    """An error of the tolerance is always seen; half of it is allowed."""
    sizes = [Rational(4, 10), Rational(6, 10), Rational(1)]
    outcomes = [
        entry_of(exact_ball(1 + size / 10**10), arb(1), 1e-10 / 2, 0.0).outcome
        for size in sizes
    ]
    assert outcomes == ["agrees", "differs", "differs"]
    assert entry_of(arb("nan"), arb(1), 1e-10, 0.0).kind == "not a number"


@pytest.mark.parametrize(
    "value", [Rational(1, 3), 0.1, Rational(1, 4), -2.5e-30, 7.0, Rational(10**30)]
)
def test_a_number_is_written_so_that_it_comes_back(value: Rational | float) -> None:
    assert Rational(text_of_number(value)) == Rational(value) or float(
        text_of_number(value)
    ) == float(value)


def test_precision_is_put_back() -> None:
    before = ctx.prec
    with precision(777):
        assert ctx.prec == 777
    with pytest.raises(ZeroDivisionError), precision(777):
        _ = 1 // (ctx.prec - 777)
    assert ctx.prec == before
    check("square-of-sum")
    assert ctx.prec == before
    assert ball(arb(2)) == 2


def test_seeded_points_hold_every_assumption() -> None:
    for name in ("ln-derivative", "power-rule"):
        derivations = derive(name)
        found = graph_trials(derivations.graph, derivations.work.definitions, 4)
        assert all(trial.values["x"] > 0 for trial in found)


# ---- the command


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add(parser)
    return command.run(parser.parse_args(arguments))


def test_the_command_prints_a_table_and_counts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("wx-plus-b", "gates", "--seed", "2") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "wx-plus-b (tolerance 1e-10)"
    assert lines[-1] == "50 verdicts: 50 agree, 0 differ, 0 undecided"


def test_the_command_writes_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = str(tmp_path / "report.json")
    assert run("gates", "-o", file, "--against", "balls", "--tolerance", "1e-6") == 0
    data = json.loads(Path(file).read_text("utf-8"))
    (report,) = data["reports"]
    assert report["tolerance"] == 1e-6
    assert {verdict["witness"] for verdict in report["verdicts"]} == {"balls"}
    assert run("gates", "--to", "json") == 0
    assert json.loads(capsys.readouterr().out)["outcome"] == "agrees"


@pytest.mark.parametrize(("bound", "code"), [(0.0, 1), (float("inf"), 3)])
def test_exit_codes_follow_the_outcome(
    bound: float,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def lying(truth: Truth, _: Trial) -> Expected:
        return Expected([arb(17)] * len(truth.wrt), [bound] * len(truth.wrt))

    monkeypatch.setattr(
        "symbackprop.examined.WITNESSES", {"liar": Witness("liar", "", lying)}
    )
    assert run("square-of-sum") == code
    assert ("differ" if code == 1 else "undecided") in capsys.readouterr().out


def test_unusable_input_is_code_2_and_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("no-such-example", "wx-plus-b") == 2
    shown = capsys.readouterr()
    assert "there is no example" in shown.err
    assert "20 verdicts: 20 agree" in shown.out
    assert run("wx-plus-b", "--tolerance", "7") == 2
    assert run("wx-plus-b", "--against", "oracle") == 2
    assert all(len(line) < 200 for line in capsys.readouterr().err.splitlines())


def test_a_deep_network_is_examined() -> None:
    network = Network(1, tuple(Layer(1, "tanh") for _ in range(30)))
    names = parameters(network)
    report = check(derive(network, [names[0], names[-1]]), seed=1)
    assert report.outcome == "agrees", report
    layers = [report.layers[name] for name in (names[0], names[-1])]
    assert layers == [1, 30]
    assert all(first <= second for first, second in pairwise(layers))
