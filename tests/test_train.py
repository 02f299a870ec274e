"""The verb and the command: what they print, what they write, how they end."""

import argparse
import csv
import io
import json
import math
import re
import sys
from itertools import pairwise

import numpy as np
import pytest

from symbackprop import InputError
from symbackprop.commands import train as command
from symbackprop.examples import read_example
from symbackprop.formula.text import text_of
from symbackprop.renderers.learning import number
from symbackprop.renderers.words import LANGUAGES
from symbackprop.trained import FORMATS, train

LINE = """
title.en = "A line through three points"
title.ko = "세 점을 지나는 직선"

[formulas]
yhat = "w*x + b"
L = "1/2*(y - yhat)**2"

[values]
w = "0.1"
b = "0"

[[samples]]
x = "1"
y = "3"

[[samples]]
x = "2"
y = "5"

[[samples]]
x = "3"
y = "7"

[[samples]]
x = "4"
y = "10"
split = "validation"

[training]
learning_rate = "0.1"
batch = 2
epochs = 5
"""


def line(more: str = ""):
    """The example above, with more lines of [training]."""
    return read_example(LINE + more, name="line")


@pytest.fixture
def file(tmp_path):
    """The example in a file."""
    path = tmp_path / "line.toml"
    path.write_text(LINE, encoding="utf-8")
    return path


def run(*arguments: str) -> int:
    """The command, as the command line calls it."""
    parser = argparse.ArgumentParser()
    command.add(parser)
    return command.run(parser.parse_args(arguments))


# ---- what is learned


def test_a_line_is_learned_as_by_hand():
    x, y = np.array([1.0, 2, 3]), np.array([3.0, 5, 7])
    w, b = 0.1, 0.0
    losses = []
    for _ in range(5):
        losses.append(float((0.5 * (w * x + b - y) ** 2).mean()))
        for rows in (slice(0, 2), slice(2, 3)):
            error = w * x[rows] + b - y[rows]
            w, b = w - 0.1 * (error * x[rows]).mean(), b - 0.1 * error.mean()
    (result,) = train(line()).runs
    assert result.parameters == pytest.approx({"w": w, "b": b}, rel=1e-12)
    records = result.history.records
    assert [r.loss for r in records[:-1]] == pytest.approx(losses, rel=1e-12)
    assert records[-1].validation == pytest.approx(0.5 * (4 * w + b - 10) ** 2)
    assert result.schedule.per_epoch == 2
    assert not result.grew


def test_the_arguments_replace_what_the_file_says():
    assert train(line(), epochs=2).runs[0].history.iterations == 4
    assert train(line(), iterations=3).runs[0].history.iterations == 3
    assert train(line(), iterations=0).runs[0].parameters == {"w": 0.1, "b": 0}
    shuffled = line("shuffle = true\nseed = 1\n")
    ends = [train(shuffled, seed=seed).runs[0].parameters["w"] for seed in (1, 1, 2)]
    assert ends[0] == ends[1]
    assert ends[0] != ends[2]


def test_a_seed_draws_the_weights_that_have_no_value():
    text = LINE.replace('w = "0.1"\n', "")
    text += 'seed = 5\ninit = { distribution = "uniform", scale = "2" }\n'
    example = read_example(text, name="line")
    starts = [train(example, seed=seed).runs[0].start for seed in (5, 5, 6)]
    assert (starts[0] == starts[1]).all()
    assert starts[0][0] != starts[2][0]
    assert starts[0][1] == starts[2][1] == 0


def test_gradient_descent_shows_small_good_and_large_steps():
    """x after k steps is (1 - 2α)^k times 4."""
    small, good, large = train("gradient-descent").runs
    for result, factor in ((small, 0.9), (good, 0.2), (large, -1.2)):
        path = [record.parameters[0] for record in result.history.records]
        assert path == pytest.approx([4 * factor**k for k in range(21)], rel=1e-9)
    assert (small.grew, good.grew, large.grew) == (False, False, True)
    assert good.history.records[-1].loss < small.history.records[-1].loss


def test_the_large_network_overfits_and_the_small_one_does_not():
    """With 37 parameters on 8 points the validation loss turns round."""
    small, large = train("overfitting", epochs=1500).runs
    assert (len(small.names), len(large.names)) == (7, 37)
    ends = [result.history.records[-1] for result in (small, large)]
    assert ends[1].loss < ends[0].loss / 10
    assert ends[1].validation > 2 * ends[0].validation
    held = [record.validation for record in large.history.records]
    assert held[-1] > 1.5 * min(held)
    assert all(later > earlier for earlier, later in pairwise(held[400::100]))


def test_without_a_table_the_learning_rate_of_update_is_used():
    """One step of the neuron: w - 1·2(o - y) o(1 - o) x, with y = 0."""
    o = 1 / (1 + math.exp(-(2 * 0.5 + 5 * 0.1)))
    slope = 2 * o * o * (1 - o)
    (result,) = train("single-neuron-mse").runs
    assert result.history.iterations == 1
    expected = {"w1_1_1": 0.5 - slope * 2, "w1_2_1": 0.1 - slope * 5}
    assert result.parameters == pytest.approx(expected, rel=1e-12)


def test_what_is_missing_is_named():
    for old, missing in (('w = "0.1"\n', "w"), ('y = "', "y")):
        text = LINE.replace(old, "" if missing == "w" else '#"')
        with pytest.raises(InputError, match=f"no value for {missing}"):
            train(read_example(text, name="line"))


def test_unusable_requests_are_refused():
    with pytest.raises(InputError, match="no learning rate"):
        train("mlp-2-2-2-mse")
    with pytest.raises(InputError, match="no value for x1"):
        train(read_example(_network(), name="net"))
    with pytest.raises(InputError, match="one of epochs and iterations"):
        train(line(), epochs=1, iterations=1)
    with pytest.raises(InputError, match="found -1"):
        train(line(), epochs=-1)
    with pytest.raises(InputError, match="nothing to train"):
        train(read_example(_all_data(), name="data"))
    with pytest.raises(InputError, match="unknown format 'pdf'"):
        train(line()).render("pdf")


def _network() -> str:
    """A network without data."""
    return (
        'title.en = "t"\n[network]\ninputs = 1\n'
        'layers = [{ units = 1, activation = "tanh" }]\nloss = "squared_error"\n'
        '[training]\nlearning_rate = "1"\nseed = 1\n'
        'init = { distribution = "normal", scale = "1" }\n'
    )


def _all_data() -> str:
    """Formulas of which every leaf is given by samples."""
    return (
        'title.en = "t"\n[formulas]\nL = "x**2"\n[[samples]]\nx = "1"\n'
        '[training]\nlearning_rate = "1"\n'
    )


# ---- what is shown


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("to", FORMATS)
def test_every_format_in_every_language(to, lang):
    for method in ("gradient descent", "momentum", "adam"):
        text = train(line(f'method = "{method}"\n'), epochs=2).render(to, lang)
        assert len(text) > 100
        assert "{" not in text or to in ("json", "latex", "html", "markdown")


def test_the_text_has_the_rule_and_a_few_lines_of_losses():
    text = str(train(line('method = "adam"\n'), epochs=500))
    assert "m̂ₜ = mₜ/(1 − β₁^t)" in text
    assert "θₜ = θₜ₋₁ − η m̂ₜ/(√(v̂ₜ) + ε)" in text
    assert "m₃ = β₁ m₂ + (1 − β₁) g₃" in text
    table = text.partition("The loss by epoch")[2].partition("went")[0]
    rows = [row.split() for row in table.splitlines() if row.split()]
    epochs = [row[0] for row in rows if row[0].isdigit()]
    assert epochs == [str(50 * n) for n in range(11)]
    assert "Training samples: 3; in a batch: 2; updates in one epoch: 2" in text
    assert "Validation samples, never trained on: 1" in text


FAR = """
title.en = "far from 0, and near it"

[formulas]
L = "(a + 1000000*b)**2"

[values]
a = "-0.0000012"
b = "0"

[derive]
wrt = ["a"]

[training]
method = "adam"
learning_rate = "0.00000025"
iterations = 1
"""


def test_numbers_are_written_as_numbers_writes_them():
    """a is -1.2e-6, L 1.44e-12; Adam's first step is the learning rate."""
    trained = train(read_example(FAR, name="far"))
    text = trained.render("text").replace("\xa0", " ")
    for shown in ("2.5·10⁻⁷", "1·10⁻⁸", "−1.2·10⁻⁶", "1.44·10⁻¹²", "2.4·10⁻⁶"):
        assert shown in text, shown
    assert "  a  −1.2·10⁻⁶ " in text
    for to, shown in (
        ("markdown", r"$-1.2\cdot 10^{-6}$"),
        ("latex", r"$-1.2\cdot 10^{-6}$"),
        ("html", "<mn>1.44</mn>"),
    ):
        assert shown in trained.render(to), to
    for to in ("text", "markdown", "latex"):
        assert not re.search(r"\de[-+]?\d", trained.render(to)), to
    data = json.loads(trained.render("json"))
    assert data["runs"][0]["learning_rate"] == 2.5e-7
    assert data["runs"][0]["start"] == {"a": -1.2e-6}
    (first, _) = csv.DictReader(io.StringIO(trained.render("csv"), newline=""))
    assert float(first["learning_rate"]) == 2.5e-7
    assert float(first["loss"]) == pytest.approx(1.44e-12)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [  # rounded by hand
        (0.00001, 6, "0.00001"),
        (-0.000001, 6, "-1e-6"),
        (2 / 3, 6, "0.666667"),
        (23516.3, 6, "23516.3"),
        (0.5, 6, "0.5"),
        (0.0, 6, "0"),
        (1e20, 6, "1e20"),
        (-1.0000004, 6, "-1"),
        (1.0000005, 7, "1.000001"),
    ],
)
def test_a_number_of_the_table_is_rounded_without_idle_zeros(value, digits, shown):
    assert text_of(number(value, digits)) == shown


def test_what_is_not_finite_is_a_dash():
    assert number(math.inf) == number(math.nan) == "–"


def test_a_power_with_exponent_0_is_1_and_says_so():
    text = str(train(line('method = "adam"\n'), epochs=1))
    (row,) = (row for row in text.splitlines() if row.startswith("(1 − β₁⁰) g = "))
    assert "(1 − 1) g  " in row
    assert "a power with exponent 0 is 1" in row
    korean = train(line('method = "adam"\n'), epochs=1).render("text", "ko")
    assert "지수가 0인 거듭제곱은 1" in korean


def test_a_rule_without_a_fact_would_be_missed():
    """The page is made from the same rule that is run."""
    text = str(train(line('method = "momentum"\nmomentum = "0.25"\n')))
    assert "vₜ = μ vₜ₋₁ − η gₜ" in text
    assert "θₜ = θₜ₋₁ + vₜ" in text
    assert "μ = 0.25" in text


def test_letters_do_not_run_into_a_commands_name():
    r"""In LaTeX \eta before g needs a blank: \etag is no command."""
    page = train(line('method = "momentum"\n')).render("markdown")
    assert r"v_t &= \mu v_{t-1}-\eta g_t" in page


def test_json_is_complete_and_finite():
    found = json.loads(train(line()).render("json"))
    assert found["schema"] == "symbackprop/training"
    assert found["updates_per_epoch"] == 2
    (result,) = found["runs"]
    assert [row["update"] for row in result["history"]] == [0, 2, 4, 6, 8, 10]
    assert result["start"] == {"w": 0.1, "b": 0.0}
    assert set(result["end"]) == {"w", "b"}
    assert result["outcome"] == "finished"


def test_csv_has_a_row_a_record():
    text = train("gradient-descent").render("csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert "\r\n" in text
    assert len(rows) == 3 * 21
    last = rows[-1]
    assert last["run"] == "3"
    assert float(last["loss"]) == pytest.approx(16 * 1.2**40, rel=1e-9)
    assert last["validation_loss"] == ""


def test_divergence_is_said_in_a_clear_word():
    example = read_example(
        LINE.replace("1/2*(y - yhat)**2", "(y - yhat)**4").replace(
            '"0.1"\nb', '"9"\nb'
        ),
        name="steep",
    )
    trained = train(example, epochs=50)
    assert trained.runs[0].history.outcome == "diverged"
    assert "diverged: the loss is no longer a finite number" in str(trained)
    assert "발산" in trained.render("text", "ko")
    json.loads(trained.render("json"))


# ---- the command


def test_the_command_prints_and_writes(file, tmp_path, capsys):
    assert run(str(file), "--epochs", "3") == 0
    out, err = capsys.readouterr()
    assert "The loss by epoch" in out
    assert err == ""  # no bar where there is no terminal
    target = tmp_path / "history.csv"
    assert run(str(file), "-o", str(target), "--iterations", "4") == 0
    assert target.read_bytes().count(b"\r\n") == 4
    assert run(str(file), "--to", "json", "--seed", "3") == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 3


def test_the_bar_is_drawn_on_a_terminal(file, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command, "SECONDS", 0)
    assert run(str(file)) == 0
    out, err = capsys.readouterr()
    assert "10/10" in err
    assert "█" * 30 in err
    assert "█" not in out


def test_ctrl_c_keeps_what_was_reached(file, capsys, monkeypatch):
    class Interrupting:
        """A bar that is interrupted after three updates."""

        def __call__(self, done, total):
            if total == 10 and done == 3:
                raise KeyboardInterrupt

        def clear(self):
            pass

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(command, "_Bar", Interrupting)
    assert run(str(file)) == command.INTERRUPTED == 130
    out, err = capsys.readouterr()
    assert "interrupted; updates: 3;" in out
    assert "this is what was reached" in err
