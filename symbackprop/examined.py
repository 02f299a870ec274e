"""The verbs that examine a gradient: a derivation's own, or one that you wrote."""

from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from symbackprop.checks.arithmetics import in_balls
from symbackprop.checks.gradients import Judged, examined
from symbackprop.checks.report import Report, json_of_reports, text_of_reports
from symbackprop.checks.table import WITNESSES, Witness
from symbackprop.checks.trials import (
    SCALES,
    SPREADS,
    Trial,
    given_trials,
    graph_trials,
    network_trials,
)
from symbackprop.checks.truth import GraphTruth, NetworkTruth, Truth
from symbackprop.checks.user_code import Examination
from symbackprop.checks.verdict import Diagnosis, Verdict
from symbackprop.computed import program
from symbackprop.derived import Derivation, Derivations, derive
from symbackprop.errors import InputError, SymbackpropError
from symbackprop.examples import Example, load_example
from symbackprop.graph.build import graph_of
from symbackprop.graph.graph import Graph
from symbackprop.network import Layer, Network
from symbackprop.numeric.point import Point, ball
from symbackprop.numeric.program import Assignment, without_sigma
from symbackprop.reference.engine import leaves, parameters

TOLERANCE = 1e-10
SMALLEST, LARGEST = 1e-13, 0.1
"""What a tolerance may be: float64 has no digits below the first."""


def check(
    derivation: Derivation | Derivations | Example | Network | Graph | str | Path,
    against: str | Sequence[str] | None = None,
    at: object = None,
    *,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    tell: Callable[[str], object] = lambda _: None,
) -> Report:
    """Hold what was derived against independent witnesses.

    `against` names witnesses (default: all that apply), `at` gives the values by id,
    one mapping or several; without it the example's own values are taken, or seeded
    points. A relative error of the tolerance or more is reported; half of it is
    allowed. One Verdict a weight and witness; `tell` hears what is about to be asked.
    InputError where values do not fit.
    """
    if not isinstance(derivation, Derivation | Derivations):
        derivation = derive(derivation)
    _sharp(tolerance)
    whole = derivation.whole if isinstance(derivation, Derivation) else derivation
    checked = whole.checked
    if isinstance(derivation, Derivation):
        checked = {n: d for n, d in checked.items() if d is derivation.checked}
    graph = whole.graph
    judged = Judged(
        graph, program(derivation), {n.id: d.result for n, d in checked.items()}
    )
    wrt = tuple(judged.results)
    truth = _truth_of(graph, wrt)
    rows = _rows(against, truth)
    trials = _trials(whole, truth, at, seed)
    verdicts, notes = examined(judged, truth, trials, rows, tolerance, tell)
    used = seed if any(trial.seed is not None for trial in trials) else None
    name = whole.example.name if whole.example else _named(graph)
    return Report(
        name, verdicts, used, tolerance, notes, {n: graph.node(n).layer for n in wrt}
    )


def check_function(
    my_gradient: Callable[[dict[str, Any]], Any],
    network: Network | Example | str | Path,
    at: object = None,
    *,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Report:
    """Hold a gradient that you wrote against an independent engine.

    `my_gradient` gets a dict from id to number and returns a mapping from id to
    derivative, or one array in the order of `graph_of(network).wrt`. `at` gives values
    by id, one mapping or several; without it seeded points are taken. InputError where
    the function raises or answers in another form.
    """
    _sharp(tolerance)
    found = _network_in(network)
    truth = NetworkTruth(found, parameters(found))
    if at is None:
        trials = tuple(islice(network_trials(found, seed), len(SCALES)))
    else:
        trials = given_trials(at, leaves(found), seed, {})
    verdicts = Examination(my_gradient, truth, tolerance).verdicts(trials)
    used = None if at is not None else seed
    layers = {name: truth.layer(name) for name in truth.wrt}
    title = f"{getattr(my_gradient, '__name__', 'the gradient')} of {found}"
    return Report(title, verdicts, used, tolerance, (), layers)


def _sharp(tolerance: float) -> None:
    """Refuse a tolerance that float64 cannot show."""
    if not SMALLEST <= tolerance <= LARGEST:
        raise InputError(f"expected a tolerance from 1e-13 to 0.1, found {tolerance!r}")


def _network_in(source: object) -> Network:
    """The network of a source."""
    if isinstance(source, str | Path):
        source = load_example(source)
    if isinstance(source, Example):
        source = source.network
    if not isinstance(source, Network):
        raise InputError(
            "check_function takes a Network, or an example with one",
            hint="for formulas use check(derivation)",
        )
    return source


def _truth_of(graph: Graph, wrt: tuple[str, ...]) -> Truth:
    """The engine for a network's graph, the tape for any other."""
    network = network_of(graph)
    if network is not None and set(wrt) <= {*parameters(network)}:
        return NetworkTruth(network, wrt)
    return GraphTruth(graph, wrt)


def network_of(graph: Graph) -> Network | None:
    """The network that a graph writes out, None where it writes out none."""
    if not graph.activations:
        return None
    inputs = sum(node.role == "input" for node in graph.nodes)
    units = [
        sum(n.role == "preactivation" and n.layer == number for n in graph.nodes)
        for number in range(1, len(graph.activations) + 1)
    ]
    biases = [node for node in graph.nodes if node.role == "bias"]
    shared = any(len(node.name.indices) == 1 for node in biases)
    kind = "layer" if shared else "unit" if biases else False
    layers = zip(units, graph.activations, strict=True)
    found = Network(inputs, tuple(Layer(*row) for row in layers), graph.loss_name, kind)
    return found if graph_of(found).nodes == graph.nodes else None


def _rows(against: str | Sequence[str] | None, truth: Truth) -> tuple[Witness, ...]:
    """The witnesses asked for. InputError for an unknown one, or one that is barred."""
    if against is None:
        return tuple(WITNESSES.values())
    names = [against] if isinstance(against, str) else list(against)
    for name in names:
        if name not in WITNESSES:
            raise InputError(
                f"unknown witness {name!r:.60}", hint="known: " + ", ".join(WITNESSES)
            )
        barred = WITNESSES[name].barred(truth)
        if barred:
            raise InputError(f"{name} has no answer here: {barred}")
    return tuple(WITNESSES[name] for name in names)


def _trials(
    whole: Derivations, truth: Truth, at: object, seed: int
) -> tuple[Trial, ...]:
    """The points: given, the example's own, or seeded ones with a finite loss."""
    graph = whole.graph
    ids = [node.id for node in graph.nodes if node.body is None]
    general = graph.general
    if at is not None:
        given = given_trials(at, ids, seed, general)
        for trial in given:
            _admitted(whole, trial)
        return given
    own = {} if whole.example is None else whole.example.values
    values = {name.id: value for name, value in own.items()}
    if ids and all(name in values for name in ids):
        point = {name: values[name] for name in ids}
        return given_trials([point] * (3 if general else 1), ids, seed, general)
    found: list[Trial] = []
    for trial in graph_trials(graph, whole.work.definitions, seed):
        if _defined(truth, trial):
            found.append(trial)
        if len(found) == len(SPREADS):
            break
    if not found:
        raise InputError(
            "no seeded point was found at which the loss is defined",
            hint="give [values] in the file, or another --seed",
        )
    return tuple(found)


def _admitted(whole: Derivations, trial: Trial) -> None:
    """Refuse a point at which an assumption fails; a kink may be asked for."""
    lines = [
        Assignment(node.name, without_sigma(node.body), "forward")
        for node in whole.graph.nodes
        if node.body is not None
    ]
    point = Point(lines, trial.by_name, in_balls(trial.functions))
    for fact in whole.graph.facts:
        gap = ball(point.value(fact.left)) - ball(point.value(fact.right))
        if (fact.relation == ">" and gap <= 0) or (fact.relation == "=" and gap != 0):
            raise InputError(
                f"{fact} is assumed, and does not hold at this point",
                hint='exact decimals may be given in quotes, as {"y1": "0.7"}',
            )


def _defined(truth: Truth, trial: Trial) -> bool:
    """Whether the gradient is finite at a point."""
    try:
        found = truth.in_balls(trial.rounded, 0.0, 192)
    except (SymbackpropError, ArithmeticError):
        return False
    return all(value.is_finite() for value in found)


def _named(graph: Graph) -> str:
    """A graph in a report."""
    network = network_of(graph)
    return str(network) if network else f"d{graph.loss.id}"


__all__ = [
    "WITNESSES",
    "Diagnosis",
    "Report",
    "Verdict",
    "check",
    "check_function",
    "json_of_reports",
    "network_of",
    "text_of_reports",
]
