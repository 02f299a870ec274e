"""Values after steps and epochs, of batches and single samples; by hand in mpmath."""

import pytest
from mpmath import exp, mp, mpf

from symbackprop.examples import read_example
from symbackprop.judged import verify

HEAD = """title.en = "One neuron learns"
[network]
inputs = 1
layers = [{ units = 1, activation = "sigmoid" }]
loss = "squared_error"
[values]
w1_1_1 = "0.4"
b1_1 = "-0.2"
"""
SAMPLES = """[[samples]]
x = ["1.5"]
y = ["0.2"]
[[samples]]
x = ["-0.5"]
y = ["0.9"]
[training]
learning_rate = "0.7"
"""
ROWS = [("1.5", "0.2"), ("-0.5", "0.9")]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


def learned(steps: int, batches: list[list[int]], total: int = 1):
    """Weight and bias after so many updates on these batches, over and over."""
    w, b, rate = mpf("0.4"), mpf("-0.2"), mpf("0.7")
    for step in range(steps):
        slopes = [mpf(0), mpf(0)]
        batch = batches[step % len(batches)]
        for n in batch:
            x, y = map(mpf, ROWS[n])
            o = 1 / (1 + exp(-(w * x + b)))
            delta = 2 * (o - y) * o * (1 - o)
            slopes[0] += delta * x / len(batch) * total
            slopes[1] += delta / len(batch) * total
        w, b = w - rate * slopes[0], b - rate * slopes[1]
    return w, b


def output(w: mpf, b: mpf, n: int) -> mpf:
    return 1 / (1 + exp(-(w * mpf(ROWS[n][0]) + b)))


def loss(w: mpf, b: mpf) -> mpf:
    return sum((output(w, b, n) - mpf(ROWS[n][1])) ** 2 for n in (0, 1)) / 2


def digits(value: mpf, count: int = 8) -> str:
    return mp.nstr(value, count, min_fixed=-20, max_fixed=20, strip_zeros=False)


def claim(quantity: str, value: mpf | str, *rest: str) -> str:
    text = value if isinstance(value, str) else digits(value)
    lines = ["[[claims]]", f'quantity = "{quantity}"', f'printed = "{text}"', *rest]
    return "\n".join(lines) + "\n"


def kinds(*tables: str, head: str = HEAD + SAMPLES) -> list[str]:
    report = verify(read_example(head + "".join(tables), name="made"))
    return [verdict.kind for verdict in report.verdicts]


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 40])
def test_values_after_full_batch_steps(steps):
    w, b = learned(steps, [[0, 1]])
    after = f"after = {{ steps = {steps} }}"
    tables = [
        claim("w1_1_1", w, after),
        claim("b1_1", b, after),
        claim("J", loss(w, b), after),
        claim("o1", output(w, b, 1), after, "sample = 2"),
    ]
    assert kinds(*tables) == ["exact"] * 4
    off = learned(steps - 1, [[0, 1]])[0]
    assert kinds(claim("w1_1_1", off, after)) == ["wrong"]
    assert kinds(claim("o1", output(w, b, 0), after, "sample = 2")) == ["wrong"]


@pytest.mark.parametrize("epochs", [1, 3])
def test_epochs_of_single_samples_are_two_steps_each(epochs):
    head = HEAD + SAMPLES + "batch = 1\n"
    w, b = learned(2 * epochs, [[0], [1]])
    after = f"after = {{ epochs = {epochs} }}"
    steps = f"after = {{ steps = {2 * epochs} }}"
    assert (
        kinds(claim("w1_1_1", w, after), claim("b1_1", b, steps), head=head)
        == ["exact"] * 2
    )
    assert kinds(claim("w1_1_1", w, after)) == ["wrong"]


def test_the_update_and_the_weight_after_it_are_one_number():
    w, b = learned(1, [[0, 1]])
    tables = [claim("w1_1_1'", digits(w, 2)), claim("b1_1'", digits(b, 2))]
    rounded = [mpf(digits(w, 2)), mpf(digits(b, 2))]
    true, carried = output(w, b, 0), output(*rounded, 0)
    assert digits(true, 4) != digits(carried, 4)
    row = claim("o1", digits(carried, 4), "sample = 1", "after = { steps = 1 }")
    assert kinds(*tables, row) == ["exact", "exact", "carried"]
    assert kinds(row) == ["wrong"]


def test_a_second_step_is_carried_from_the_printed_first():
    w, b = learned(1, [[0, 1]])
    tables = [
        claim("w1_1_1", digits(w, 2), "after = { steps = 1 }"),
        claim("b1_1", digits(b, 2), "after = { steps = 1 }"),
    ]
    rounded = mpf(digits(w, 2)), mpf(digits(b, 2))
    slopes = [mpf(0), mpf(0)]
    for n in (0, 1):
        x, y = map(mpf, ROWS[n])
        o = output(*rounded, n)
        slopes[0] += (o - y) * o * (1 - o) * x
    second = rounded[0] - mpf("0.7") * slopes[0]
    row = claim("w1_1_1", digits(second, 5), "after = { steps = 2 }")
    assert kinds(*tables, row) == ["exact", "exact", "carried"]
    assert kinds(row) == ["wrong"]


def test_a_quantity_that_differs_by_sample_asks_which():
    report = verify(read_example(HEAD + SAMPLES + claim("o1", "0.5"), name="made"))
    (verdict,) = report.verdicts
    assert verdict.kind == "undecided"
    assert "sample = 1" in verdict.detail
    assert kinds(claim("o1", "0.5", "sample = 3")) == ["undecided"]


def test_ten_thousand_steps_are_proved():
    """Far beyond what printed slopes could be followed through."""
    w, b = learned(2000, [[0, 1]])
    after = "after = { steps = 2000 }"
    assert kinds(claim("J", digits(loss(w, b), 30), after)) == ["exact"]
    wrong = loss(w, b) + mpf(10) ** -31
    assert kinds(claim("J", digits(wrong, 31), after)) == ["wrong"]


def test_momentum_is_not_replayed_as_plain_descent():
    head = HEAD + SAMPLES + 'method = "momentum"\nmomentum = "0.9"\n'
    w, _ = learned(3, [[0, 1]])
    after = "after = { steps = 3 }"
    assert kinds(claim("w1_1_1", w, after), head=head) == ["wrong"]
    assert kinds(claim("w1_1_1", w, after)) == ["exact"]
