"""Where training leads, digit by digit, against mpmath loops and closed forms."""

from fractions import Fraction as Rational

import pytest
from mpmath import acos, cos, exp, mp, mpf, sqrt

from symbackprop import Layer, Network, derive
from symbackprop.computed import program
from symbackprop.errors import InputError, TooLarge
from symbackprop.examples import load_example, read_example
from symbackprop.formula.tree import Derivative, Name, name_of
from symbackprop.numeric.exact_training import ExactPoint
from symbackprop.numeric.optimizers import rule_of
from symbackprop.numeric.point import Point
from symbackprop.numeric.schedule import Schedule
from symbackprop.trained import reached, train

START = {
    "w1_1_1": "0.15",
    "w1_2_1": "0.20",
    "w1_1_2": "0.25",
    "w1_2_2": "0.30",
    "w2_1_1": "0.40",
    "w2_2_1": "0.45",
    "w2_1_2": "0.50",
    "w2_2_2": "0.55",
}
BIASES = {"b1": "0.35", "b2": "0.60"}
SAMPLES = [
    {"x1": "0.05", "x2": "0.10", "y1": "0.01", "y2": "0.99"},
    {"x1": "0.5", "x2": "-0.3", "y1": "0.2", "y2": "0.7"},
    {"x1": "-1", "x2": "0.25", "y1": "0.9", "y2": "0.1"},
]
NETWORK = Network(
    2, (Layer(2, "sigmoid"), Layer(2, "sigmoid")), "half_squared_error", "layer"
)
WEIGHTS = program(derive(NETWORK, list(START)))
"""The weights alone are trained, the biases stay."""


def exact(values: dict[str, str]) -> dict[Name, Rational]:
    """Values by name."""
    return {name_of(key): Rational(text) for key, text in values.items()}


def point(steps, samples=SAMPLES[:1], method="gradient descent", batch=None, only=None):
    """The network after so many updates at learning rate 1/2."""
    rule = rule_of(method)
    return ExactPoint(
        WEIGHTS,
        exact(START),
        [exact({**BIASES, **sample}) for sample in samples],
        rule,
        rule.constants(Rational(1, 2), {}),
        Schedule(len(samples), steps, batch),
        only,
    )


# ---- by hand, in mpmath


def sigmoid(z):
    return 1 / (1 + exp(-z))


def forward(w, sample):
    """Hidden values, outputs, loss."""
    x = [mpf(sample["x1"]), mpf(sample["x2"])]
    y = [mpf(sample["y1"]), mpf(sample["y2"])]
    h = [
        sigmoid(w[f"w1_1_{j}"] * x[0] + w[f"w1_2_{j}"] * x[1] + mpf("0.35"))
        for j in (1, 2)
    ]
    o = [
        sigmoid(w[f"w2_1_{k}"] * h[0] + w[f"w2_2_{k}"] * h[1] + mpf("0.60"))
        for k in (1, 2)
    ]
    return x, y, h, o, sum((a - b) ** 2 for a, b in zip(y, o, strict=True)) / 2


def slopes(w, sample):
    """The gradient of one sample's loss."""
    x, y, h, o, _ = forward(w, sample)
    outer = [(o[k] - y[k]) * o[k] * (1 - o[k]) for k in (0, 1)]
    inner = [
        sum(outer[k] * w[f"w2_{j + 1}_{k + 1}"] for k in (0, 1)) * h[j] * (1 - h[j])
        for j in (0, 1)
    ]
    found = {f"w2_{j + 1}_{k + 1}": outer[k] * h[j] for j in (0, 1) for k in (0, 1)}
    found |= {f"w1_{i + 1}_{j + 1}": inner[j] * x[i] for i in (0, 1) for j in (0, 1)}
    return found


def mean_slopes(w, samples):
    """The gradient of the mean loss."""
    each = [slopes(w, sample) for sample in samples]
    return {name: sum(one[name] for one in each) / len(each) for name in w}


def by_hand(batches, method="gradient descent"):
    """The weights after one update a batch."""
    w = {name: mpf(text) for name, text in START.items()}
    eta, mu, b1, b2 = mpf("0.5"), mpf("0.9"), mpf("0.9"), mpf("0.999")
    first = dict.fromkeys(w, mpf(0))
    second = dict.fromkeys(w, mpf(0))
    for t, batch in enumerate(batches, 1):
        for name, g in mean_slopes(w, batch).items():
            if method == "gradient descent":
                w[name] -= eta * g
            elif method == "momentum":
                first[name] = mu * first[name] - eta * g
                w[name] += first[name]
            else:
                first[name] = b1 * first[name] + (1 - b1) * g
                second[name] = b2 * second[name] + (1 - b2) * g**2
                scale = sqrt(second[name] / (1 - b2**t)) + mpf("1e-8")
                w[name] -= eta * first[name] / (1 - b1**t) / scale
    return w


def holds(point: Point, form, expected, digits=50) -> bool:
    """Whether a ball holds a value to so many digits, and is as narrow itself."""
    ball = point.value(form, 220)
    middle = mpf(ball.str(60, radius=False))
    assert float(ball.rad()) < 10.0 ** -(digits + 5)
    return abs(middle - expected) < mpf(10) ** -digits


@pytest.fixture(autouse=True)
def sixty_digits():
    with mp.workdps(60):
        yield


# ---- one sample, the values that a well-known lecture starts from


@pytest.mark.parametrize("steps", [0, 1, 2, 30])
def test_the_weights_and_the_loss_after_some_steps(steps):
    w = by_hand([SAMPLES[:1]] * steps)
    found = point(steps)
    for name, expected in w.items():
        assert holds(found, name_of(name), expected), name
    assert holds(found, Name("J"), forward(w, SAMPLES[0])[4])
    gradient = Derivative("D", Name("J"), name_of("w1_1_2"))
    assert holds(found, gradient, slopes(w, SAMPLES[0])["w1_1_2"])


def test_one_step_in_digits_that_are_known():
    """Worked out independently with mpmath at 60 digits."""
    found = point(1)
    known = {
        "w1_1_1": "0.149780716133",
        "w1_2_2": "0.299502287265",
        "w2_1_1": "0.358916479718",
        "w2_2_2": "0.561370121108",
        "J": "0.291027773694",
    }
    for name, digits in known.items():
        assert found.rounded(name_of(name), 12) == digits


def test_ten_thousand_steps_to_forty_digits():
    """The end of the same 10,000 updates, computed once with mpmath at 60 digits."""
    found = point(10_000)
    loss = "0.00003510187782978845874234018173712570940725"
    assert found.rounded(Name("J"), 40) == loss
    weight = "0.3785099883501279605630107058455556673532"
    assert found.rounded(name_of("w1_1_1"), 40) == weight


# ---- several samples, batches, methods


@pytest.mark.parametrize("method", ["gradient descent", "momentum", "adam"])
@pytest.mark.parametrize(
    ("batch", "batches"),
    [
        (None, [SAMPLES] * 8),
        (2, [SAMPLES[:2], SAMPLES[2:]] * 4),
        (1, [[sample] for sample in SAMPLES * 3][:8]),
    ],
    ids=["full", "mini", "stochastic"],
)
def test_each_method_and_batch(method, batch, batches):
    w = by_hand(batches, method)
    found = point(8, SAMPLES, method, batch)
    for name, expected in w.items():
        assert holds(found, name_of(name), expected), name


def test_a_quantity_is_the_mean_over_the_samples_or_that_of_one():
    w = by_hand([SAMPLES] * 3)
    losses = [forward(w, sample)[4] for sample in SAMPLES]
    assert holds(point(3, SAMPLES), Name("J"), sum(losses) / 3)
    for number, loss in enumerate(losses):
        assert holds(point(3, SAMPLES, only=number), Name("J"), loss)
    gradient = Derivative("D", Name("J"), name_of("w2_1_1"))
    expected = mean_slopes(w, SAMPLES)["w2_1_1"]
    assert holds(point(3, SAMPLES), gradient, expected)
    assert holds(point(3, SAMPLES), name_of("w2_1_1"), w["w2_1_1"])


def test_another_order_or_a_sum_ends_elsewhere():
    """What the tests above would see."""
    name = name_of("w2_1_1")
    w = by_hand([[sample] for sample in SAMPLES[::-1]])
    assert not holds(point(3, SAMPLES, batch=1), name, w["w2_1_1"])
    w = by_hand([SAMPLES] * 3)
    assert not holds(point(3, SAMPLES, batch=1), name, w["w2_1_1"])


def test_a_gradient_that_is_zero_in_a_ball_around_zero():
    """Adam at the minimum of (x - 0.1)²/2 divides 0 by √0 + ε and stays."""
    text = LOGISTIC.replace("4/3*x**3 - 3/2*x**2", "1/2*(x - 0.1)**2").replace(
        'x = "0.3"', 'x = "0.1"'
    )
    example = read_example(text + 'method = "adam"\n', name="resting")
    found = reached(derive(example), steps=5)
    assert found.rounded(Name("x"), 30).rstrip("0") == "0.1"


# ---- a map that loses a bit with every step

LOGISTIC = """
title.en = "The logistic map as gradient descent"
[formulas]
L = "4/3*x**3 - 3/2*x**2"
[values]
x = "0.3"
[training]
learning_rate = "1"
"""


@pytest.mark.parametrize("steps", [1, 10, 500])
def test_chaos_is_followed_exactly(steps):
    """x - L'(x) = 4x(1 - x), so x after k steps is (1 - cos(2^k acos(1 - 2x)))/2."""
    found = reached(derive(read_example(LOGISTIC, name="logistic")), steps=steps)
    with mp.workdps(400):
        angle = acos(1 - 2 * mpf("0.3"))
        expected = (1 - cos(2**steps * angle)) / 2
        assert holds(found, Name("x"), expected)


def test_floats_lose_the_map_and_balls_do_not():
    """After 100 steps no digit of the float is left: the test above has teeth."""
    example = read_example(LOGISTIC, name="logistic")
    (run,) = train(example, iterations=100).runs
    exact_ = reached(derive(example), steps=100)
    assert abs(run.parameters["x"] - float(exact_.value(Name("x")).mid())) > 1e-6


# ---- what is asked of an example

FILE = """
title.en = "t"
[formulas]
yhat = "w*x + b"
L = "1/2*(y - yhat)**2"
[values]
w = "0.5"
b = "0"
[[samples]]
x = "1"
y = "2"
[[samples]]
x = "3"
y = "1"
[training]
learning_rate = "0.1"
batch = 1
epochs = 2
"""


def test_epochs_are_updates_times_samples():
    derivations = derive(read_example(FILE, name="mine"))
    two = reached(derivations, epochs=2)
    four = reached(derivations, steps=4)
    own = reached(derivations)
    values = {p.exact(Name("w")) or p.rounded(Name("w"), 30) for p in (two, four, own)}
    assert len(values) == 1
    w, b = Rational(1, 2), Rational(0)
    for x, y in ((1, 2), (3, 1)) * 2:
        error = w * x + b - y
        w, b = w - error * x / 10, b - error / 10
    assert two.rounded(Name("w"), 30) == four.rounded(Name("w"), 30)
    assert abs(float(w) - float(two.rounded(Name("w"), 17))) < 1e-15
    assert abs(float(b) - float(two.rounded(Name("b"), 17))) < 1e-15


def test_a_bias_that_the_samples_give_is_kept_fixed():
    """The lecture's network with its biases as data ends where the weights alone do."""
    rows = "".join(f'{k} = "{v}"\n' for k, v in {**SAMPLES[0], **BIASES}.items())
    text = (
        'title.en = "t"\n[network]\ninputs = 2\nlayers = ['
        '{ units = 2, activation = "sigmoid" }, { units = 2, activation = "sigmoid" }]'
        '\nloss = "half_squared_error"\nbiases = "layer"\n[values]\n'
        + "".join(f'{k} = "{v}"\n' for k, v in START.items())
        + f'[[samples]]\n{rows}[training]\nlearning_rate = "0.5"\n'
    )
    derivations = derive(read_example(text, name="fixed"))
    assert reached(derivations, steps=1).rounded(Name("J"), 12) == "0.291027773694"
    (run,) = train(derivations.example, iterations=1).runs
    assert set(run.parameters) == set(START)


def test_floats_and_balls_agree_on_a_file():
    for extra in (
        "",
        'method = "adam"\n',
        'method = "momentum"\nshuffle = true\nseed = 4',
    ):
        example = read_example(FILE + extra, name="mine")
        (run,) = train(example, iterations=25).runs
        end = reached(derive(example), steps=25)
        for name, value in run.parameters.items():
            assert abs(value - float(end.value(Name(name)).mid())) < 1e-12


def test_of_several_learning_rates_that_of_update_counts():
    """4·0.2³ after three steps of 0.4; without [update] the first of the list."""
    found = reached(derive("gradient-descent"), steps=3)
    assert found.rounded(Name("x"), 12).rstrip("0") == "0.032"
    text = load_example("gradient-descent").text
    text = text.replace('[update]\nlearning_rate = "0.4"', "")
    text = text.replace("after = { steps = 3 }", "").replace(
        "after = { steps = 20 }", ""
    )
    found = reached(derive(read_example(text, name="first")), steps=3)
    assert found.rounded(Name("x"), 12).rstrip("0") == "2.916"


def test_what_is_missing_is_named():
    example = read_example(FILE.replace('w = "0.5"\n', ""), name="mine")
    with pytest.raises(InputError, match="no value for w"):
        reached(derive(example), steps=1)
    example = read_example(FILE, name="mine")
    with pytest.raises(InputError, match="from 1 to 2"):
        reached(derive(example), steps=1, sample=3)
    with pytest.raises(InputError, match="one of epochs and iterations"):
        reached(derive(example), steps=1, epochs=1)
    with pytest.raises(InputError, match="only a worked example"):
        reached(derive(NETWORK), steps=1)


def test_too_much_work_is_refused_at_once():
    example = read_example(FILE, name="mine")
    with pytest.raises(TooLarge, match="too many"):
        reached(derive(example), steps=10_000_000)
    derivations = derive(read_example(LOGISTIC, name="logistic"))
    with pytest.raises(TooLarge, match="bits"):
        reached(derivations, steps=150_000).rounded(Name("x"), 5)
