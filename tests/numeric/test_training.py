"""Learning in floats, against loops written out by hand in plain NumPy."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction as Rational
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from symbackprop import InputError, Layer, Network, derive
from symbackprop.computed import compiled
from symbackprop.numeric.optimizers import Rule, read_rule, rule_of
from symbackprop.numeric.schedule import Schedule, drawn
from symbackprop.numeric.training import History, compiled_step, learned
from symbackprop.ops.optimizers import OPTIMIZERS, Optimizer
from symbackprop.strategies.authored import DoesNotFollow
from symbackprop.strategies.recurrences import derived_fact

RATE = Rational(1, 4)
RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(7, 2))
Y = RANDOM.uniform(size=(7, 2))
NETWORK = Network(2, (Layer(2, "sigmoid"), Layer(2, "sigmoid")), "half_squared_error")
COMPILED = compiled(derive(NETWORK), batch="mean")
START = RANDOM.normal(size=len(COMPILED.parameters))


def ours(theta: NDArray[np.float64], samples: Sequence[int] | None):
    """The package's own gradient of the network, by the ids of its parameters."""
    chosen = slice(None) if samples is None else list(samples)
    values = dict(zip(COMPILED.parameters, theta.tolist(), strict=True))
    found = COMPILED({**values, "x": X[chosen], "y": Y[chosen]})
    return float(found.loss), np.array(list(found.gradient.values()))


# ---- by hand: 2-2-2 in plain NumPy, parameters in the order of the ids


def unpacked(theta):
    """W1 (from, to), b1, W2, b2."""
    by_id = dict(zip(COMPILED.parameters, theta, strict=True))
    w = [
        np.array([[by_id[f"w{n}_{i}_{j}"] for j in (1, 2)] for i in (1, 2)])
        for n in (1, 2)
    ]
    b = [np.array([by_id[f"b{n}_{j}"] for j in (1, 2)]) for n in (1, 2)]
    return w[0], b[0], w[1], b[1]


def packed(w1, b1, w2, b2):
    """The parameters as one array."""
    named = {f"w1_{i + 1}_{j + 1}": w1[i, j] for i in (0, 1) for j in (0, 1)}
    named |= {f"w2_{i + 1}_{j + 1}": w2[i, j] for i in (0, 1) for j in (0, 1)}
    named |= {f"b1_{j + 1}": b1[j] for j in (0, 1)}
    named |= {f"b2_{j + 1}": b2[j] for j in (0, 1)}
    return np.array([named[name] for name in COMPILED.parameters])


def by_hand(theta, samples):
    """Mean loss and its gradient, backpropagation written out."""
    x, y = X[list(samples)], Y[list(samples)]
    w1, b1, w2, b2 = unpacked(theta)
    h = 1 / (1 + np.exp(-(x @ w1 + b1)))
    o = 1 / (1 + np.exp(-(h @ w2 + b2)))
    outer = (o - y) * o * (1 - o) / len(x)
    inner = (outer @ w2.T) * h * (1 - h)
    loss = 0.5 * ((o - y) ** 2).sum() / len(x)
    slopes = packed(x.T @ inner, inner.sum(0), h.T @ outer, outer.sum(0))
    return loss, slopes


def descended(batches, rate=0.25):
    """Gradient descent by hand."""
    theta = START.copy()
    for batch in batches:
        theta = theta - rate * by_hand(theta, batch)[1]
    return theta


def with_momentum(batches, rate=0.25, mu=0.9):
    """Momentum by hand."""
    theta, v = START.copy(), np.zeros(len(START))
    for batch in batches:
        v = mu * v - rate * by_hand(theta, batch)[1]
        theta = theta + v
    return theta


def with_adam(batches, rate=0.25, beta1=0.9, beta2=0.999, epsilon=1e-8):
    """Adam by hand, as its authors' algorithm 1 has it."""
    theta = START.copy()
    m, v = np.zeros(len(START)), np.zeros(len(START))
    for t, batch in enumerate(batches, 1):
        g = by_hand(theta, batch)[1]
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        step = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon)
        theta = theta - rate * step
    return theta


HANDS = {
    "gradient descent": descended,
    "momentum": with_momentum,
    "adam": with_adam,
}
METHODS = list(HANDS)
IN_ORDER = {
    None: [range(7)] * 40,
    3: [range(3), range(3, 6), range(6, 7)] * 13 + [range(3)],
    1: [[n] for n in range(7)] * 5 + [[n] for n in range(5)],
}


def trained(rule: Rule, schedule: Schedule, gradient=ours) -> History:
    """Forty updates of the network."""
    return learned(gradient, START, rule, rule.constants(RATE, {}), schedule)


def close(one, other) -> bool:
    """Whether two parameter arrays agree to rounding."""
    return bool(np.allclose(one, other, rtol=1e-11, atol=1e-12))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("batch", IN_ORDER)
def test_each_method_as_by_hand(method, batch):
    done = trained(rule_of(method), Schedule(7, 40, batch))
    assert done.outcome == "finished"
    assert done.iterations == 40
    assert close(done.parameters, HANDS[method](IN_ORDER[batch]))


def test_every_method_has_a_hand():
    assert set(HANDS) == set(OPTIMIZERS)


def test_settings_reach_the_rule():
    settings = {"beta1": Rational(1, 2), "epsilon": Rational(1, 100)}
    rule = rule_of("adam")
    constants = rule.constants(RATE, settings)
    done = learned(ours, START, rule, constants, Schedule(7, 40))
    assert close(done.parameters, with_adam(IN_ORDER[None], beta1=0.5, epsilon=0.01))
    with pytest.raises(InputError, match="momentum has no setting 'beta1'"):
        rule_of("momentum").constants(RATE, settings)
    with pytest.raises(InputError, match="unknown method 'sgd'"):
        rule_of("sgd")


# ---- wrong rules and wrong means are seen by the same comparison


def changed(row: Optimizer, old: str, new: str) -> Rule:
    """A rule with one piece of its text exchanged."""
    lines = tuple((left, right.replace(old, new)) for left, right in row.lines)
    assert lines != row.lines
    return read_rule(replace(row, lines=lines))


WRONG = [
    ("gradient descent", "- eta", "+ eta"),
    ("momentum", "- eta*g[t]", "+ eta*g[t]"),
    ("momentum", "theta[t-1] + v[t]", "theta[t-1] - v[t]"),
    ("momentum", "mu*v", "v"),
    ("adam", "m[t]/(1 - beta1**t)", "m[t]"),
    ("adam", "v[t]/(1 - beta2**t)", "v[t]"),
    ("adam", "1 - beta2**t", "1 - beta2"),
    ("adam", "(1 - beta2)*g[t]**2", "(1 - beta2)*g[t]"),
    ("adam", "sqrt(vhat[t])", "vhat[t]"),
]


@pytest.mark.parametrize(("method", "old", "new"), WRONG)
def test_a_wrong_rule_differs_from_the_hand(method, old, new):
    rule = changed(OPTIMIZERS[method], old, new)
    done = trained(rule, Schedule(7, 40, 3))
    assert not close(done.parameters, HANDS[method](IN_ORDER[3]))


def test_a_sum_over_the_batch_is_no_mean():
    def summed(theta, samples):
        loss, slopes = ours(theta, samples)
        return loss, slopes * (7 if samples is None else len(samples))

    done = trained(rule_of("momentum"), Schedule(7, 40, 3), summed)
    assert not close(done.parameters, with_momentum(IN_ORDER[3]))


def test_pytorchs_optimizers_take_the_same_steps():
    torch = pytest.importorskip("torch")
    kinds = {
        "gradient descent": lambda p: torch.optim.SGD(p, lr=0.25),
        "momentum": lambda p: torch.optim.SGD(p, lr=0.25, momentum=0.9),
        "adam": lambda p: torch.optim.Adam(p, lr=0.25),
    }
    for method, made in kinds.items():
        theta = torch.tensor(START, dtype=torch.float64, requires_grad=True)
        optimizer = made([theta])
        for batch in IN_ORDER[3]:
            slopes = by_hand(theta.detach().numpy(), batch)[1]
            theta.grad = torch.tensor(slopes)
            optimizer.step()
        done = trained(rule_of(method), Schedule(7, 40, 3))
        assert close(done.parameters, theta.detach().numpy()), method


# ---- numbers that are known


def test_adams_first_step_is_the_sign_of_the_gradient_times_the_rate():
    """|Δ| = η |g|/(|g| + ε): the size of the gradient hardly matters."""
    step = compiled_step(rule_of("adam"))
    slopes = np.array([3.0, -0.001, 1e-7, -5e4])
    zeros = np.zeros(4)
    theta, m, v = step(zeros, zeros, zeros, slopes, 1, 0.1, 0.9, 0.999, 1e-8)
    expected = -0.1 * slopes / (np.abs(slopes) + 1e-8)
    assert np.allclose(theta, expected, rtol=1e-12)
    assert np.allclose(m, 0.1 * slopes)
    assert np.allclose(v, 0.001 * slopes**2)


def test_a_parabola_shrinks_by_the_known_factor():
    """x after k steps of f = c/2 x² is (1 - ηc)^k x, and η > 2/c diverges."""
    rule = rule_of("gradient descent")
    for rate, factor in ((Rational(1, 20), 0.9), (Rational(11, 10), -1.2)):
        done = learned(
            lambda x, _: (float(x[0] ** 2), 2 * x),
            np.array([4.0]),
            rule,
            rule.constants(rate, {}),
            Schedule(1, 30),
        )
        path = [record.parameters[0] for record in done.records]
        assert np.allclose(path, [4 * factor**k for k in range(31)], rtol=1e-12)
        assert (done.records[-1].loss > done.records[0].loss) == (factor < -1)


# ---- the schedule


@pytest.mark.parametrize(
    ("samples", "batch", "per_epoch"),
    [(1000, 10, 100), (1000, None, 1), (1000, 1, 1000), (7, 3, 3), (5, 9, 1)],
)
def test_updates_per_epoch(samples, batch, per_epoch):
    schedule = Schedule(samples, 0, batch)
    assert schedule.per_epoch == per_epoch


def test_a_thousand_samples_in_tens_three_times_are_300_updates():
    schedule = Schedule(1000, 300, 10, shuffle=True, seed=5)
    assert schedule.per_epoch * 3 == 300
    batches = list(schedule.batches())
    assert len(batches) == 300
    assert {len(batch) for batch in batches} == {10}
    for epoch in range(3):
        seen = Counter(n for b in batches[100 * epoch : 100 * epoch + 100] for n in b)
        assert seen == Counter(range(1000))


def test_the_last_batch_of_an_epoch_may_be_smaller():
    sizes = [len(batch) for batch in Schedule(7, 6, 3).batches()]
    assert sizes == [3, 3, 1, 3, 3, 1]


def test_the_order_depends_on_the_seed_alone():
    def order(seed, shuffle=True):
        return list(Schedule(7, 30, 2, shuffle, seed).batches())

    assert order(1) == order(1)
    assert order(1) != order(2)
    assert order(1, shuffle=False) == order(2, shuffle=False)
    epochs = [order(1)[start : start + 4] for start in range(0, 28, 4)]
    assert any(one != other for one, other in pairwise(epochs))


def test_every_order_comes_up_alike():
    """6,000 shuffles of three: each of the six orders about 1,000 times."""
    batches = list(Schedule(3, 18_000, 1, shuffle=True, seed=3).batches())
    orders = Counter(
        tuple(n for (n,) in batches[start : start + 3]) for start in range(0, 18_000, 3)
    )
    assert len(orders) == 6
    # Five standard deviations of a binomial count are about 144.
    assert all(abs(count - 1000) < 150 for count in orders.values())


def test_shuffled_training_is_repeatable_and_not_in_file_order():
    rule = rule_of("gradient descent")
    ends = [
        trained(rule, Schedule(7, 40, 3, shuffle, seed)).parameters
        for shuffle, seed in ((True, 1), (True, 1), (True, 2), (False, 0))
    ]
    assert np.array_equal(ends[0], ends[1])
    assert not close(ends[0], ends[2])
    assert not close(ends[0], ends[3])
    by_seed = list(Schedule(7, 40, 3, shuffle=True, seed=1).batches())
    assert close(ends[0], descended(by_seed))


@pytest.mark.parametrize("schedule", [(0, 1), (3, -1), (3, 1, 0)])
def test_a_schedule_without_samples_is_refused(schedule):
    with pytest.raises(InputError):
        Schedule(*schedule)


def test_drawn_weights_have_the_spread_that_was_asked_for():
    uniform = np.array(drawn(4000, "uniform", Rational(1, 2), 7), dtype=float)
    assert np.abs(uniform).max() <= 0.5
    assert abs(uniform.std() - 0.5 / math.sqrt(3)) < 0.01
    normal = np.array(drawn(4000, "normal", Rational(2), 7), dtype=float)
    assert abs(normal.mean()) < 0.15
    assert abs(normal.std() - 2) < 0.1
    assert abs(np.mean(np.abs(normal) < 2) - 0.6827) < 0.03
    again = drawn(4000, "normal", Rational(2), 7)
    assert list(normal) == [float(value) for value in again]
    assert drawn(3, "normal", Rational(2), 8) != again[:3]


# ---- history, divergence, Ctrl-C


def test_the_history_is_of_the_whole_training_set():
    done = trained(rule_of("gradient descent"), Schedule(7, 7, 3))
    assert [r.iteration for r in done.records] == [0, 3, 6, 7]
    assert [r.epoch for r in done.records] == [0, 1, 2, 7 / 3]
    theta = START
    at = {0: START}
    for number, batch in enumerate(IN_ORDER[3][:7], 1):
        theta = theta - 0.25 * by_hand(theta, batch)[1]
        at[number] = theta
    for record in done.records:
        loss, slopes = by_hand(at[record.iteration], range(7))
        assert math.isclose(record.loss, loss, rel_tol=1e-11)
        assert math.isclose(record.norm, math.hypot(*slopes), rel_tol=1e-10)
        assert close(record.parameters, at[record.iteration])
        assert record.validation is None


def test_a_long_history_is_thinned_and_keeps_its_ends():
    rule = rule_of("gradient descent")
    done = learned(
        lambda x, _: (float(x[0] ** 2), 2 * x),
        np.array([1.0]),
        rule,
        rule.constants(Rational(1, 100), {}),
        Schedule(1, 25_000),
    )
    steps = [record.iteration for record in done.records]
    assert steps[0] == 0
    assert steps[-1] == 25_000
    assert len(steps) <= 10_001
    assert {b - a for a, b in pairwise(steps[:-1])} == {3}


def test_the_validation_loss_is_recorded_and_not_trained_on():
    rule = rule_of("gradient descent")
    seen = []

    def held(theta):
        seen.append(theta.copy())
        return float(theta.sum())

    done = learned(
        ours, START, rule, rule.constants(RATE, {}), Schedule(7, 4), validation=held
    )
    assert close(done.parameters, descended([range(7)] * 4))
    assert [r.validation for r in done.records] == [float(t.sum()) for t in seen]


def test_divergence_keeps_the_last_finite_numbers_and_warns_of_nothing():
    rule = rule_of("gradient descent")
    done = learned(
        lambda x, _: (float(x[0] ** 4), 4 * x**3),
        np.array([10.0]),
        rule,
        rule.constants(Rational(1), {}),
        Schedule(1, 100),
    )
    assert done.outcome == "diverged"
    assert done.iterations < 10
    assert np.isfinite(done.parameters).all()
    assert all(math.isfinite(record.loss) for record in done.records)


def test_an_overflow_in_the_loss_is_divergence():
    def overflowing(x, _):
        return math.exp(float(x[0])), np.array([-1e3])

    rule = rule_of("gradient descent")
    done = learned(
        overflowing,
        np.array([0.0]),
        rule,
        rule.constants(Rational(1), {}),
        Schedule(1, 9),
    )
    assert done.outcome == "diverged"
    assert done.iterations == 1


def test_interruption_keeps_what_was_reached():
    def interrupting(done, total):
        assert total == 40
        if done == 7:
            raise KeyboardInterrupt

    rule = rule_of("adam")
    constants = rule.constants(RATE, {})
    schedule = Schedule(7, 40, 3)
    done = learned(ours, START, rule, constants, schedule, tell=interrupting)
    assert (done.outcome, done.iterations) == ("interrupted", 7)
    assert close(done.parameters, with_adam(IN_ORDER[3][:7]))
    assert done.records[-1].iteration == 7


def test_a_start_that_is_not_finite_is_refused():
    rule = rule_of("adam")
    with pytest.raises(InputError, match="finite"):
        learned(ours, START * np.nan, rule, rule.constants(RATE, {}), Schedule(7, 1))


# ---- what follows from the rules

FACTS = [(row, fact) for row in OPTIMIZERS.values() for fact in row.facts]


@pytest.mark.parametrize(("row", "fact"), FACTS, ids=lambda x: getattr(x, "key", ""))
def test_every_fact_is_derived_from_its_rule(row, fact):
    derivation = derived_fact(read_rule(row).lines, fact, "t")
    assert len(derivation.lines) == len(fact.chain)


@pytest.mark.parametrize(("row", "fact"), FACTS, ids=lambda x: getattr(x, "key", ""))
def test_a_wrong_end_of_a_fact_is_refused(row, fact):
    wrong = replace(fact, chain=(*fact.chain[:-1], f"2*({fact.chain[-1]}) + 1"))
    with pytest.raises(DoesNotFollow):
        derived_fact(read_rule(row).lines, wrong, "t")


@pytest.mark.parametrize(
    ("method", "key", "old", "new"),
    [
        ("momentum", "past_gradients", "- eta*g[t]", "+ eta*g[t]"),
        ("momentum", "terminal_velocity", "mu*v", "2*mu*v"),
        ("adam", "average", "(1 - beta1)*g[t]", "g[t]"),
        ("adam", "weights_step", "(1 - beta1)*g[t]", "g[t]"),
        ("adam", "first_step", "1 - beta1**t", "1 - beta1**(t + 1)"),
    ],
)
def test_a_fact_does_not_follow_from_another_rule(method, key, old, new):
    row = OPTIMIZERS[method]
    (fact,) = (fact for fact in row.facts if fact.key == key)
    with pytest.raises(DoesNotFollow):
        derived_fact(changed(row, old, new).lines, fact, "t")


def test_past_gradients_weigh_what_the_formula_says():
    """Momentum after three steps from rest: -η(g3 + μ g2 + μ² g1), in numbers."""
    step = compiled_step(rule_of("momentum"))
    theta = v = np.zeros(1)
    slopes = [2.0, -3.0, 5.0]
    for number, g in enumerate(slopes, 1):
        theta, v = step(theta, v, np.array([g]), number, 0.1, 0.5)
    assert math.isclose(float(v[0]), -0.1 * (5.0 - 3.0 * 0.5 + 2.0 * 0.25))
