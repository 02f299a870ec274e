"""A convention excuses all that depends on it, or nothing."""

import pytest
from mpmath import exp, mp, mpf

from symbackprop.examples import read_example
from symbackprop.judged import verify

HEAD = """title.en = "A network"
[network]
inputs = 2
layers = [
    {{ units = 2, activation = "sigmoid" }},
    {{ units = 2, activation = "identity" }},
]
loss = "{loss}"
biases = false
[values]
x1 = "0.3"
x2 = "-0.7"
y1 = "1"
y2 = "0.25"
w1_1_1 = "0.1"
w1_2_1 = "0.2"
w1_1_2 = "-0.3"
w1_2_2 = "0.4"
w2_1_1 = "0.5"
w2_2_1 = "-0.6"
w2_1_2 = "0.7"
w2_2_2 = "0.8"
"""


def truth(factor: str = "1") -> dict[str, mpf]:
    """The network by hand; the loss is factor times the sum of squares."""
    x, y = (mpf("0.3"), mpf("-0.7")), (mpf(1), mpf("0.25"))
    u = ((mpf("0.1"), mpf("-0.3")), (mpf("0.2"), mpf("0.4")))
    v = ((mpf("0.5"), mpf("0.7")), (mpf("-0.6"), mpf("0.8")))
    h = [1 / (1 + exp(-(x[0] * u[0][j] + x[1] * u[1][j]))) for j in (0, 1)]
    o = [h[0] * v[0][k] + h[1] * v[1][k] for k in (0, 1)]
    c = mpf(factor)
    found = {"J": c * sum((y[k] - o[k]) ** 2 for k in (0, 1))}
    error = [-2 * c * (y[k] - o[k]) for k in (0, 1)]
    back = [sum(error[k] * v[j][k] for k in (0, 1)) for j in (0, 1)]
    for a in (0, 1):
        for b in (0, 1):
            found[f"dJ/dw2_{a + 1}_{b + 1}"] = error[b] * h[a]
            slope = back[b] * h[b] * (1 - h[b]) * x[a]
            found[f"dJ/dw1_{a + 1}_{b + 1}"] = slope
    for k in (0, 1):
        found[f"o{k + 1}"] = o[k]
    return found


def digits(value: mpf) -> str:
    return mp.nstr(value, 7, min_fixed=-20, max_fixed=20, strip_zeros=False)


def judged(loss: str, numbers: dict[str, mpf], extra: str = ""):
    tables = "".join(
        f'[[claims]]\nquantity = "{q}"\nprinted = "{digits(n)}"\n'
        for q, n in numbers.items()
    )
    text = HEAD.format(loss=loss) + extra + tables
    return verify(read_example(text, name="made")).verdicts


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


@pytest.mark.parametrize(
    ("loss", "factor", "convention"),
    [
        ("half_squared_error", "1", "without half"),
        ("squared_error", "0.5", "half"),
        ("mean_squared_error", "1", "sum"),
        ("categorical_cross_entropy", "1", ""),
    ],
)
def test_another_factor_is_a_convention(loss, factor, convention):
    kinds = {(v.kind, v.convention) for v in judged(loss, truth(factor))}
    if convention:
        expected = {("exact", ""), ("right under convention", convention)}
        assert kinds == expected
    else:
        assert ("wrong", "") in kinds
        assert not any(kind == "right under convention" for kind, _ in kinds)


def test_the_mean_over_outputs_is_a_convention_too():
    """Three outputs 1, 2, 3 for the target 0: 14 in all, 14/3 in the mean."""
    head = """title.en = "Three outputs"
[network]
inputs = 1
layers = [{ units = 3, activation = "identity" }]
loss = "squared_error"
biases = false
[values]
x1 = "1"
w1_1_1 = "1"
w1_1_2 = "2"
w1_1_3 = "3"
y1 = "0"
y2 = "0"
y3 = "0"
[[claims]]
quantity = "J"
printed = "4.667"
[[claims]]
quantity = "dJ/do3"
printed = "2"
"""
    verdicts = verify(read_example(head, name="made")).verdicts
    found = {(v.kind, v.convention) for v in verdicts}
    assert found == {("right under convention", "mean")}


@pytest.mark.parametrize("odd", ["J", "dJ/dw2_1_2", "dJ/dw1_2_1"])
def test_one_claim_that_does_not_fit_spoils_the_excuse(odd):
    """Everything has another factor but one: nothing is excused."""
    numbers = truth("1") | {odd: truth("0.5")[odd]}
    verdicts = judged("half_squared_error", numbers)
    by_name = {v.claim.quantity: v.kind for v in verdicts}
    assert by_name.pop(odd) == "exact"
    own = {kind for name, kind in by_name.items() if not name.startswith("o")}
    assert "right under convention" not in own
    assert "wrong" in own


def test_two_conventions_do_not_add_up():
    """A loss without ½ and slopes with indices exchanged: no single convention."""
    numbers = swapped(truth("1"))
    kinds = {v.kind for v in judged("half_squared_error", numbers)}
    assert "right under convention" not in kinds


def swapped(numbers: dict[str, mpf]) -> dict[str, mpf]:
    """The same with the indices of every weight exchanged."""
    found = {}
    for name, value in numbers.items():
        head, *indices = name.split("_")
        other = "_".join([head, *reversed(indices)]) if indices else name
        found[other] = value
    return {name: found[name] for name in numbers}


def test_indices_from_target_to_source_are_a_convention():
    verdicts = judged("squared_error", swapped(truth("1")))
    kinds = {v.claim.quantity: (v.kind, v.convention) for v in verdicts}
    assert kinds["dJ/dw1_1_2"] == ("right under convention", "to-from")
    assert kinds["dJ/dw2_2_1"] == ("right under convention", "to-from")
    assert kinds["dJ/dw1_1_1"] == ("exact", "")
    assert kinds["J"] == ("exact", "")


def test_one_exchanged_pair_is_an_error():
    numbers = truth("1")
    pair = ("dJ/dw1_1_2", "dJ/dw1_2_1")
    numbers |= {pair[0]: numbers[pair[1]], pair[1]: numbers[pair[0]]}
    kinds = {v.claim.quantity: v.kind for v in judged("squared_error", numbers)}
    assert kinds[pair[0]] == kinds[pair[1]] == "wrong"


def test_a_label_says_how_the_book_numbers_its_weights():
    label = '[notation.labels]\nw1_1_2 = "w_3"\n'
    verdicts = judged("squared_error", swapped(truth("1")), label)
    assert "right under convention" not in {v.kind for v in verdicts}


SUMS = """[[claims]]
quantity = "z1_1"
formula = "w1_1_1*x1 + w1_1_2*x2"
"""


def test_one_name_for_two_weights_is_right_under_neither_order():
    """One sum to-from, the other from-to: the second spoils the excuse."""
    head = HEAD.format(loss="squared_error").partition("[values]")[0]
    other = SUMS.replace("z1_1", "z1_2").replace("w1_1_1*x1 + w1_1_2", "{}")
    from_to = other.format("w1_1_2*x1 + w1_2_2")
    to_from = other.format("w1_2_1*x1 + w1_2_2")
    mixed = verify(read_example(head + SUMS + from_to, name="made")).verdicts
    assert [v.kind for v in mixed] == ["wrong", "exact"]
    alike = verify(read_example(head + SUMS + to_from, name="made")).verdicts
    assert [v.kind for v in alike] == ["right under convention"] * 2


EPOCHS = """title.en = "Counting"
loss = "iterations"
[formulas]
per_epoch = "N/B"
iterations = "epochs*per_epoch"
[values]
N = "1000"
B = "10"
epochs = "3"
[[claims]]
quantity = "N"
formula = "B*iterations"
"""
THREE_HUNDRED = '[[claims]]\nquantity = "iterations"\nprinted = "300"\n'


def test_per_epoch_is_a_convention_until_all_epochs_are_counted():
    alone = verify(read_example(EPOCHS, name="made")).verdicts[0]
    assert (alone.kind, alone.convention) == ("right under convention", "per epoch")
    beside = verify(read_example(EPOCHS + THREE_HUNDRED, name="made")).verdicts
    assert [v.kind for v in beside] == ["wrong", "exact"]


def test_a_stated_convention_is_taken_at_its_word():
    stated = EPOCHS + 'convention = "per epoch"\n' + THREE_HUNDRED
    verdicts = verify(read_example(stated, name="made")).verdicts
    assert [v.kind for v in verdicts] == ["right under convention", "exact"]
    wrong = stated.replace('"B*iterations"', '"2*B*iterations"')
    assert verify(read_example(wrong, name="made")).verdicts[0].kind == "wrong"


BATCH = """title.en = "A batch"
[network]
inputs = 1
layers = [{ units = 1, activation = "identity" }]
loss = "squared_error"
biases = false
[values]
w1_1_1 = "2"
[[samples]]
x = ["1"]
y = ["1"]
[[samples]]
x = ["3"]
y = ["4"]
[training]
learning_rate = "0.1"
"""


def batch(*rows: tuple[str, str]):
    tables = "".join(
        f'[[claims]]\nquantity = "{q}"\nprinted = "{p}"\n' for q, p in rows
    )
    return [
        (v.kind, v.convention)
        for v in verify(read_example(BATCH + tables, name="made")).verdicts
    ]


def test_a_sum_over_the_batch_is_a_convention():
    """Losses 1 and 4, slopes 2 and 12: means 2.5 and 7, sums 5 and 14."""
    assert batch(("J", "2.5"), ("dJ/dw1_1_1", "7")) == [("exact", "")] * 2
    summed = batch(("J", "5"), ("dJ/dw1_1_1", "14"))
    assert summed == [("right under convention", "sum")] * 2
    mixed = [kind for kind, _ in batch(("J", "2.5"), ("dJ/dw1_1_1", "14"))]
    assert mixed == ["exact", "wrong"]
