"""One wrong document for every mistake of the table, its number from mpmath alone.

Each case writes the mistake out by hand on one small network; the digits that come of
it must be explained by that row, and by digits one unit off it must not be.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from mpmath import exp, floor, log, log10, mp, mpf, tanh

from symbackprop.claims.mistakes import MISPRINTS, MISTAKES, NAMES
from symbackprop.examples import read_example
from symbackprop.judged import verify
from symbackprop.renderers.words import LANGUAGES, messages

NUMBERS = {
    "x1": "0.317",
    "x2": "0.742",
    "w1_1_1": "0.153",
    "w1_2_1": "0.271",
    "w1_1_2": "0.426",
    "w1_2_2": "0.389",
    "b1_1": "0.117",
    "b1_2": "0.203",
    "w2_1_1": "0.634",
    "w2_2_1": "0.582",
    "w2_1_2": "0.477",
    "w2_2_2": "0.711",
    "b2_1": "0.338",
    "b2_2": "0.526",
    "y1": "0.15",
    "y2": "0.91",
}
RATE = "0.37"
DIGITS = 8


def file_of(loss: str, last: str, numbers: dict[str, str], more: str = "") -> str:
    values = "\n".join(f'{name} = "{text}"' for name, text in numbers.items())
    return f"""
title.en = "A network"
[network]
inputs = 2
layers = [
    {{ units = 2, activation = "sigmoid" }}, {{ units = 2, activation = "{last}" }},
]
loss = "{loss}"
[values]
{values}
[update]
learning_rate = "{RATE}"
{more}
"""


SQUARES = file_of("half_squared_error", "sigmoid", NUMBERS)
CLASSES = file_of(
    "categorical_cross_entropy", "softmax", {**NUMBERS, "y1": "0.7", "y2": "0.3"}
)
PARAMETERS = {n: t for n, t in NUMBERS.items() if n[0] in "wb"}
BATCH = file_of(
    "half_squared_error",
    "sigmoid",
    PARAMETERS,
    """
[[samples]]
x = ["0.317", "0.742"]
y = ["0.15", "0.91"]
[[samples]]
x = ["0.821", "0.256"]
y = ["0.64", "0.33"]
""",
)
FORMULAS = """
title.en = "Formulas"
[formulas]
u = "a**2 + exp(b)*c"
L = "u/d"
[values]
a = "1.317"
b = "0.274"
c = "2.851"
d = "1.639"
"""


def s(z: mpf) -> mpf:
    return 1 / (1 + exp(-z))


def numbers(changed: dict[str, mpf] | None = None) -> SimpleNamespace:
    """Forward and backward by hand, without any loop that could hide an index."""
    v = SimpleNamespace(**{name: mpf(text) for name, text in NUMBERS.items()})
    v.__dict__.update(changed or {})
    v.eta = mpf(RATE)
    v.z1 = v.w1_1_1 * v.x1 + v.w1_2_1 * v.x2 + v.b1_1
    v.z2 = v.w1_1_2 * v.x1 + v.w1_2_2 * v.x2 + v.b1_2
    v.h1, v.h2 = s(v.z1), s(v.z2)
    v.a1 = v.w2_1_1 * v.h1 + v.w2_2_1 * v.h2 + v.b2_1
    v.a2 = v.w2_1_2 * v.h1 + v.w2_2_2 * v.h2 + v.b2_2
    v.o1, v.o2 = s(v.a1), s(v.a2)
    v.L1, v.L2 = (v.y1 - v.o1) ** 2 / 2, (v.y2 - v.o2) ** 2 / 2
    v.J = v.L1 + v.L2
    v.q1, v.q2 = v.o1 * (1 - v.o1), v.o2 * (1 - v.o2)
    v.p1, v.p2 = v.h1 * (1 - v.h1), v.h2 * (1 - v.h2)
    v.d1, v.d2 = (v.o1 - v.y1) * v.q1, (v.o2 - v.y2) * v.q2
    v.g1 = v.d1 * v.w2_1_1 + v.d2 * v.w2_1_2
    v.g2 = v.d1 * v.w2_2_1 + v.d2 * v.w2_2_2
    v.e1, v.e2 = v.g1 * v.p1, v.g2 * v.p2
    return v


def softmax() -> SimpleNamespace:
    """The same network with softmax and its cross-entropy."""
    v = numbers({"y1": mpf("0.7"), "y2": mpf("0.3")})
    total = exp(v.a1) + exp(v.a2)
    v.o1, v.o2 = exp(v.a1) / total, exp(v.a2) / total
    v.J = -v.y1 * log(v.o1) - v.y2 * log(v.o2)
    return v


def of_samples(made: Callable[[SimpleNamespace], mpf]) -> list[mpf]:
    second = {"x1": "0.821", "x2": "0.256", "y1": "0.64", "y2": "0.33"}
    return [
        made(numbers()),
        made(numbers({name: mpf(text) for name, text in second.items()})),
    ]


def stepped(v: SimpleNamespace, hidden: tuple[mpf, mpf]) -> SimpleNamespace:
    """After one update, with some slopes for the two hidden units."""
    e1, e2 = hidden
    eta = v.eta
    return numbers(
        {
            "w2_1_1": v.w2_1_1 - eta * v.d1 * v.h1,
            "w2_2_1": v.w2_2_1 - eta * v.d1 * v.h2,
            "b2_1": v.b2_1 - eta * v.d1,
            "w2_1_2": v.w2_1_2 - eta * v.d2 * v.h1,
            "w2_2_2": v.w2_2_2 - eta * v.d2 * v.h2,
            "b2_2": v.b2_2 - eta * v.d2,
            "w1_1_1": v.w1_1_1 - eta * e1 * v.x1,
            "w1_2_1": v.w1_2_1 - eta * e1 * v.x2,
            "b1_1": v.b1_1 - eta * e1,
            "w1_1_2": v.w1_1_2 - eta * e2 * v.x1,
            "w1_2_2": v.w1_2_2 - eta * e2 * v.x2,
            "b1_2": v.b1_2 - eta * e2,
        }
    )


def text_of(value: mpf, digits: int = DIGITS) -> str:
    """A value rounded to so many digits, half away from zero."""
    places = max(digits - 1 - int(floor(log10(abs(value)))), 0)
    whole = str(int(floor(abs(value) * mpf(10) ** places + mpf(1) / 2)))
    whole = whole.zfill(places + 1)
    text = f"{whole[:-places]}.{whole[-places:]}" if places else whole
    return ("-" if value < 0 else "") + text


def cut(value: mpf, places: int) -> mpf:
    return floor(value * mpf(10) ** places) / mpf(10) ** places


def rounded(value: mpf, places: int) -> mpf:
    return floor(value * mpf(10) ** places + mpf(1) / 2) / mpf(10) ** places


@dataclass(frozen=True)
class Case:
    """A file, the quantity claimed, the wrong number or its digits."""

    quantity: str
    wrong: Callable[[], mpf | str]
    file: str = SQUARES
    also: str = ""

    def toml(self, printed: str) -> str:
        claim = f'[[claims]]\nquantity = "{self.quantity}"\nprinted = "{printed}"\n'
        return self.file + claim + self.also

    def printed(self) -> str:
        with mp.workdps(50):
            wrong = self.wrong()
            return wrong if isinstance(wrong, str) else text_of(wrong)


def at(made: Callable[[SimpleNamespace], mpf | str]) -> Callable[[], mpf | str]:
    """The case's number over the squares' values."""
    return lambda: made(numbers())


def over(made: Callable[[SimpleNamespace], mpf | str]) -> Callable[[], mpf | str]:
    """The case's number over the softmax's values."""
    return lambda: made(softmax())


def rounded_throughout(keep: Callable[[mpf], mpf]) -> mpf:
    """o1, with every value before it rounded or cut off."""
    v = numbers()
    h1, h2 = keep(s(keep(v.z1))), keep(s(keep(v.z2)))
    return s(keep(v.w2_1_1 * h1 + v.w2_2_1 * h2 + v.b2_1))


A, B, C, D = (mpf(t) for t in ("1.317", "0.274", "2.851", "1.639"))

CASES = {
    "sign": Case("dJ/dw2_1_1", at(lambda v: -v.d1 * v.h1)),
    "sign of a term": Case(
        "z1_1", at(lambda v: v.w1_1_1 * v.x1 - v.w1_2_1 * v.x2 + v.b1_1)
    ),
    "factor": Case("z1_1", at(lambda v: 2 * v.z1)),
    "learning rate extra": Case("dJ/dw1_1_2", at(lambda v: v.eta * v.e2 * v.x1)),
    "learning rate left out": Case("w2_1_1'", at(lambda v: v.w2_1_1 - v.d1 * v.h1)),
    "other learning rate": Case(
        "w2_1_1'", at(lambda v: v.w2_1_1 - mpf("0.65") * v.d1 * v.h1)
    ),
    "factor left out": Case("dJ/dw2_1_1", at(lambda v: v.d1)),
    "factor twice": Case("dJ/dw2_1_1", at(lambda v: v.d1 * v.h1**2)),
    "turned over": Case("dJ/dw2_1_1", at(lambda v: v.d1 / v.h1)),
    "square left out": Case("L2", at(lambda v: (v.y2 - v.o2) / 2)),
    "term left out": Case("dJ/dh1_1", at(lambda v: v.d1 * v.w2_1_1)),
    "bias left out": Case("o1", at(lambda v: s(v.a1 - v.b2_1))),
    "bias not updated": Case("b2_1'", at(lambda v: v.b2_1)),
    "bias shared": Case("z1_2", at(lambda v: v.z2 - v.b1_2 + v.b1_1)),
    "not updated": Case("w2_1_1'", at(lambda v: v.w2_1_1)),
    "weight transposed": Case(
        "dJ/dh1_1", at(lambda v: v.d1 * v.w2_1_1 + v.d2 * v.w2_2_1)
    ),
    "weight swapped": Case(
        "z2_1", at(lambda v: v.w2_1_1 * v.h1 + v.w2_2_2 * v.h2 + v.b2_1)
    ),
    "index swapped": Case("dJ/dw1_2_2", at(lambda v: v.e1 * v.x1)),
    "updated weight": Case(
        "dJ/dh1_1",
        at(
            lambda v: (
                v.d1 * (v.w2_1_1 - v.eta * v.d1 * v.h1)
                + v.d2 * (v.w2_1_2 - v.eta * v.d2 * v.h1)
            )
        ),
    ),
    "wrong quantity": Case("dJ/dw1_1_1", at(lambda v: v.e1 * v.x2)),
    "activation left out": Case(
        "z2_1", at(lambda v: v.w2_1_1 * v.z1 + v.w2_2_1 * v.h2 + v.b2_1)
    ),
    "function left out": Case("u", lambda: A**2 + B * C, FORMULAS),
    "other activation": Case("h1_1", at(lambda v: tanh(v.z1))),
    "base of the logarithm": Case("J", over(lambda v: v.J / log(10)), CLASSES),
    "slope left out": Case("dJ/dw1_1_1", at(lambda v: v.g1 * v.x1)),
    "slope twice": Case("dJ/dw1_1_1", at(lambda v: v.g1 * v.p1**2 * v.x1)),
    "slope at z": Case("dJ/dw1_1_1", at(lambda v: v.g1 * v.z1 * (1 - v.z1) * v.x1)),
    "slope at h": Case(
        "dJ/dw1_1_1", at(lambda v: v.g1 * s(v.h1) * (1 - s(v.h1)) * v.x1)
    ),
    "slope at another value": Case(
        "dJ/dz2_1",
        at(lambda v: (v.o1 - v.y1) * (v.o1 - v.y1) * (1 - (v.o1 - v.y1))),
    ),
    "slope of another unit": Case("dJ/dz1_1", at(lambda v: v.g1 * v.q1)),
    "slope of another activation": Case("dJ/dz1_1", at(lambda v: v.g1 * (1 - v.h1**2))),
    "softmax elementwise": Case(
        "dJ/dz2_1", over(lambda v: -v.y1 / v.o1 * v.o1 * (1 - v.o1)), CLASSES
    ),
    "logarithm left out": Case(
        "dJ/dz2_1", over(lambda v: v.o1 * (v.y1 * v.o1 + v.y2 * v.o2 - v.y1)), CLASSES
    ),
    "other loss": Case("J", at(lambda v: -(v.y1 * log(v.o1) + v.y2 * log(v.o2)))),
    "cut off": Case("h1_1", lambda: "0.590"),
    "rounded early": Case("o2", lambda: "0.780"),
    "point slipped": Case("dJ/dw1_1_1", at(lambda v: v.e1 * v.x1 * 10)),
    "digits swapped": Case("o1", lambda: "0.748175"),
    "digit left out": Case("o1", lambda: "0.747152"),
    "digit inserted": Case("o1", lambda: "0.748372"),
    "digit miswritten": Case("o1", lambda: "0.746715"),
    "value of another": Case("L1", at(lambda v: v.J)),
    "one sample alone": Case("J", lambda: of_samples(lambda v: v.J)[1], BATCH),
    "other number of updates": Case(
        "J",
        lambda: stepped(numbers(), (numbers().e1, numbers().e2)).J,
        also="after = { steps = 2 }\n",
    ),
    "rounded on the way": Case(
        "z2_1",
        at(lambda v: v.w2_1_1 * rounded(v.h1, 3) + v.w2_2_1 * v.h2 + v.b2_1),
    ),
    "cut off on the way": Case(
        "z2_1", at(lambda v: v.w2_1_1 * cut(v.h1, 3) + v.w2_2_1 * v.h2 + v.b2_1)
    ),
    "rounded to decimals throughout": Case(
        "o1", lambda: rounded_throughout(lambda v: rounded(v, 3))
    ),
    "rounded to digits throughout": Case(
        "o1", lambda: rounded_throughout(lambda v: mpf(text_of(v, 4)))
    ),
    "cut off to decimals throughout": Case(
        "o1", lambda: rounded_throughout(lambda v: cut(v, 3))
    ),
    "cut off to digits throughout": Case(
        "o1", lambda: rounded_throughout(lambda v: cut_digits(v, 4))
    ),
}


def cut_digits(value: mpf, digits: int) -> mpf:
    """So many digits of a positive value, the rest cut off."""
    return cut(value, digits - 1 - int(floor(log10(value))))


def causes(case: Case, printed: str) -> list[str]:
    """What is named as the cause of the number, whether in one line or in several."""
    example = read_example(case.toml(printed), name="case")
    verdicts = verify(example).verdicts
    (verdict,) = (v for v in verdicts if v.claim.printed == printed)
    if verdict.kind != "wrong":
        return [verdict.kind]
    found = [cause.operator for cause in verdict.causes]
    return [*found, *(name.removesuffix(" throughout") for name in found)]


def test_every_mistake_of_the_table_has_a_wrong_document() -> None:
    assert set(CASES) == set(NAMES)


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_named_where_it_was_made(name: str) -> None:
    printed = CASES[name].printed()
    assert name in causes(CASES[name], printed), printed


def one_off(printed: str) -> str:
    """The same digits with the last one changed by two."""
    return printed[:-1] + str((int(printed[-1]) + 2) % 10 or 4)


EXACT = [name for name in CASES if name in MISTAKES]


@pytest.mark.parametrize("name", EXACT)
def test_a_mistake_is_not_named_if_the_last_digit_is_another(name: str) -> None:
    printed = one_off(CASES[name].printed())
    assert name not in causes(CASES[name], printed), printed


@pytest.mark.parametrize("name", MISPRINTS)
def test_a_misprint_is_not_named_for_digits_that_it_does_not_give(name: str) -> None:
    assert name not in causes(Case("o1", lambda: ""), "0.132978")


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_has_words_in_every_language(name: str) -> None:
    assert set(messages()["causes"][name]) == set(LANGUAGES)
