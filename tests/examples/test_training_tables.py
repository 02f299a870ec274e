"""[[samples]], [training], [[networks]]: what is read, what is refused and where."""

from fractions import Fraction as Rational

import pytest

from symbackprop.errors import InputError
from symbackprop.examples import Example, load_example, read_example
from symbackprop.examples.training_tables import Init
from symbackprop.formula.tree import Name, name_of
from symbackprop.network import Layer, Network

HEAD = 'title.en = "t"\n'
FORMULAS = HEAD + '[formulas]\nz = "w*x + b"\nJ = "1/2*(y - z)**2"\n'
NETWORK = HEAD + (
    "[network]\ninputs = 2\n"
    'layers = [{ units = 2, activation = "tanh" }, '
    '{ units = 1, activation = "identity" }]\n'
    'loss = "half_squared_error"\nbiases = "layer"\n'
)
SAMPLE = '[[samples]]\nx = ["0.05", "-1e-1"]\ny = ["0.990"]\n'
TRAINING = '[training]\nlearning_rate = "0.5"\n'


def of(text: str) -> Example:
    """The example of a text."""
    return read_example(text, name="mine", file="mine.toml")


# ---- what is read


def test_a_sample_by_family_and_by_id() -> None:
    example = of(
        NETWORK + SAMPLE + '[[samples]]\nx1 = "1"\ny1 = "2"\nx2 = "3"\n'
        'split = "validation"\n[[samples]]\nx = ["1", "2"]\ny1 = "3"\n'
        'split = "training"\n'
    )
    first, second, third = example.samples
    assert first.values == {
        name_of("x1"): Rational(1, 20),
        name_of("x2"): Rational(-1, 10),
        name_of("y1"): Rational(99, 100),
    }
    assert second.values == {
        name_of("x1"): 1,
        name_of("x2"): 3,
        name_of("y1"): 2,
    }
    splits = [sample.split for sample in (first, second, third)]
    assert splits == ["training", "validation", "training"]
    assert second.place.line > first.place.line


def test_samples_of_formulas() -> None:
    example = of(FORMULAS + '[[samples]]\nx = "1"\ny = "2"\n')
    assert example.samples[0].values == {Name("x"): 1, Name("y"): 2}


def test_defaults() -> None:
    example = of(NETWORK)
    assert (example.samples, example.training, example.networks) == ((), None, ())
    training = of(NETWORK + TRAINING).training
    assert training is not None
    assert training.method == "gradient descent"
    assert training.learning_rates == (Rational(1, 2),)
    assert training.settings == {}
    assert (training.epochs, training.iterations, training.batch) == (1, None, None)
    assert (training.shuffle, training.seed, training.init) == (False, 0, None)


def test_everything_about_training() -> None:
    training = of(
        NETWORK + '[training]\nmethod = "adam"\nlearning_rate = ["0.1", "0.01"]\n'
        'beta1 = "0.8"\nepsilon = "1e-7"\niterations = 300\nbatch = 10\n'
        "shuffle = true\nseed = 7\n"
        'init = { distribution = "normal", scale = "0.5" }\n'
    ).training
    assert training is not None
    assert training.method == "adam"
    assert training.learning_rates == (Rational(1, 10), Rational(1, 100))
    assert training.settings == {
        "beta1": Rational(4, 5),
        "beta2": Rational(999, 1000),
        "epsilon": Rational(1, 10**7),
    }
    assert (training.epochs, training.iterations, training.batch) == (None, 300, 10)
    assert (training.shuffle, training.seed) == (True, 7)
    assert training.init == Init("normal", Rational(1, 2))
    assert training.place.line == 7


def test_the_learning_rate_of_update_stands_in() -> None:
    text = NETWORK + '[training]\nbatch = "full"\n[update]\nlearning_rate = "0.3"\n'
    training = of(text).training
    assert training is not None
    assert training.learning_rates == (Rational(3, 10),)
    assert training.batch is None


def test_other_networks_keep_inputs_loss_and_biases() -> None:
    rows = '[{ units = 9, activation = "relu" }, { units = 1, activation = "tanh" }]'
    text = f'{NETWORK}[[networks]]\ntitle.en = "large"\nlayers = {rows}\n'
    first, second = of(f"{text}[[networks]]\nlayers = {rows}\n").networks
    assert first.title == {"en": "large", "ko": "large"}
    assert second.title == {}
    expected = Network(
        2, (Layer(9, "relu"), Layer(1, "tanh")), "half_squared_error", "layer"
    )
    assert first.network == second.network == expected


# ---- what is refused, and where

INIT = 'init = {{ distribution = "{}", scale = "{}" }}\nseed = 1\n'

REFUSED = [
    # after the network, what stands at the place, message
    ('[[samples]]\nx = ["1"]\nz1_1 = "2"\n', "z1_1", "computed from the others"),
    ('[[samples]]\nx = ["1", "2", "3"]\n', '"3"', "unknown id 'x3'"),
    ('[[samples]]\nq = "3"\n', "q =", "unknown id 'q'"),
    ('[[samples]]\nx = ["1"]\nx1 = "2"\n', "x1", "x1 is given twice"),
    ("[[samples]]\nx = [1]\n", "1]\n", "in quotes"),
    ('[[samples]]\nx = ["one"]\n', "one", "expected a decimal number"),
    ("[[samples]]\nx1 = true\n", "true", "a decimal number in quotes"),
    ("[[samples]]\nx = []\n", "[]\n", "expected 1 to 64 decimals"),
    ('[[samples]]\nsplit = "training"\n', "[[samples]]", "found none"),
    (
        '[[samples]]\nx1 = "1"\nsplit = "test"\n',
        '"test"',
        "expected a split, found 'test'",
    ),
    (
        '[[samples]]\nx1 = "1"\nsplit = "validation"\n',
        "[[samples]]",
        "a sample to train on",
    ),
    (SAMPLE + '[[samples]]\nx1 = "1"\n', '[[samples]]\nx1 = "1"', "the same ids"),
    ("[samples]\nx1 = 1\n", "[samples]", "expected a list of [[samples]] tables"),
    ("[training]\n", "[training]", "learning_rate is missing"),
    ("[training]\nlearning_rate = 0.5\n", "0.5", "in quotes"),
    ('[training]\nlearning_rate = "0"\n', "0", "a number above 0"),
    ('[training]\nlearning_rate = ["1", "-1"]\n', '"-1"', "a number above 0"),
    ("[training]\nlearning_rate = []\n", "[]\n", "1 to 8 learning rates"),
    (TRAINING + 'method = "sgd"\n', "sgd", "expected a method"),
    (TRAINING + 'momentum = "0.9"\n', "momentum", "belongs to momentum"),
    (TRAINING + 'method = "momentum"\nmomentum = "1"\n', '"1"', "from 0 to below 1"),
    (TRAINING + 'method = "adam"\nbeta2 = "-0.1"\n', '"-0.1"', "from 0 to below 1"),
    (TRAINING + "epochs = 0\n", "0\n", "from 1 to"),
    (TRAINING + "epochs = 2.5\n", "2.5", "a whole number of epochs"),
    (TRAINING + "iterations = 99999999\n", "99999999", "from 1 to"),
    (TRAINING + "epochs = 1\niterations = 1\n", "1\n", "one of epochs and iter"),
    (TRAINING + "batch = 0\n", "0\n", "from 1 to"),
    (TRAINING + 'batch = "half"\n', '"half"', 'or "full"'),
    (TRAINING + "shuffle = 1\nseed = 1\n", "1\nseed", "true or false"),
    (TRAINING + "shuffle = true\n", "[training]", "seed is missing"),
    (TRAINING + INIT.format("uniform", 1)[:-9], "[training]", "seed is missing"),
    (TRAINING + "seed = -1\n", "-1", "from 0 to"),
    (TRAINING + INIT.format("laplace", 1), '"laplace"', "expected a distribution"),
    (TRAINING + INIT.format("normal", -1), '"-1"', "a number from 0"),
    (TRAINING + "init = 3\nseed = 1\n", "3\n", "expected a table"),
    (TRAINING + "rate = 3\n", "rate = 3", "unknown key 'rate'"),
    (
        '[[networks]]\nlayers = [{ units = 2, activation = "tanh" }]\n',
        '[{ units = 2, activation = "tanh" }]\n',
        "expected 1 outputs",
    ),
    ('[[networks]]\nloss = "squared_error"\n', "loss = ", "unknown key 'loss'"),
]


def line_of(text: str, marked: str) -> int:
    """The line of the last place where a piece of the text stands."""
    return text[: text.rindex(marked)].count("\n") + 1


@pytest.mark.parametrize(("more", "marked", "message"), REFUSED)
def test_a_refusal_names_its_line(more: str, marked: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        of(NETWORK + more)
    error = caught.value
    assert message in error.message
    assert error.place is not None
    assert error.place.file == "mine.toml"
    assert error.place.line == line_of(NETWORK + more, marked)


def test_networks_go_with_a_network() -> None:
    row = '[[networks]]\nlayers = [{ units = 2, activation = "tanh" }]\n'
    with pytest.raises(InputError, match=r"\[\[networks\]\] goes with \[network\]"):
        of(FORMULAS + row)


def test_samples_and_their_numbers_are_bounded() -> None:
    rows = "".join(f'[[samples]]\nx = "{n}"\ny = "1"\n' for n in range(5001))
    with pytest.raises(InputError, match="1 to 5000"):
        of(FORMULAS + rows)
    with pytest.raises(InputError, match="400 digits"):
        of(FORMULAS + f'[[samples]]\nx = "{"9" * 401}"\n')


def test_a_wide_network_among_the_compared_is_refused() -> None:
    layers = ", ".join(['{ units = 64, activation = "tanh" }'] * 9)
    layers += ', { units = 1, activation = "tanh" }'
    text = f"{NETWORK}[[networks]]\nlayers = [{layers}]\n"
    with pytest.raises(InputError, match="more than 20,000 weights"):
        of(text)


def test_the_shipped_examples_train() -> None:
    assert len(load_example("overfitting").samples) == 16
    descent = load_example("gradient-descent").training
    assert descent is not None
    assert len(descent.learning_rates) == 3
