"""Published worked examples against 50 digits of mpmath; no code of the package.

`published.csv` says of each printed number what it is: exact; carried (the arithmetic
in `reproduced` gives it, on numbers printed before); inherited (the same, but one of
those numbers, taken with one more digit, or the formula printed for it is wrong); or
wrong (then `reproduced` is the slip that gives it, where one is known, and `right` the
arithmetic that should have been done and does not give it).
"""

import ast
import csv
import random
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from mpmath import exp, log, mp, mpf, tanh

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "worked_examples"
DIGITS = 50
AGREES = {"exact", "carried"}


@pytest.fixture(autouse=True)
def fifty_digits():
    """50 digits in every test of this file, whatever ran before."""
    with mp.workdps(DIGITS):
        yield


def table():
    """The verdicts, one dict a claim, by example in file order."""
    found = {}
    with (HERE / "published.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(row["example"], []).append(row)
    return found


VERDICTS = table()
ALL = [(name, n) for name, rows in VERDICTS.items() for n in range(len(rows))]


# A small tape: a value and its slopes by the values that it was made of.


class V:
    """A number that remembers its parents and the slope by each."""

    def __init__(self, value, parents=()):
        self.value, self.parents = mpf(value), parents

    def __add__(self, other):
        other = lifted(other)
        return V(self.value + other.value, ((self, 1), (other, 1)))

    def __mul__(self, other):
        other = lifted(other)
        parts = ((self, other.value), (other, self.value))
        return V(self.value * other.value, parts)

    def __pow__(self, n):
        n = int(lifted(n).value)
        return V(self.value**n, ((self, n * self.value ** (n - 1)),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -lifted(other)

    def __rsub__(self, other):
        return lifted(other) - self

    def __truediv__(self, other):
        return self * lifted(other) ** -1

    __radd__, __rmul__ = __add__, __mul__


def lifted(value):
    return value if isinstance(value, V) else V(value)


def of(function, slope):
    """A function of one V, with the slope by value and result."""

    def applied(v):
        result = function(v.value)
        return V(result, ((v, slope(v.value, result)),))

    return applied


FUNCTIONS = {
    "exp": of(exp, lambda _, y: y),
    "log": of(log, lambda x, _: 1 / x),
    "tanh": of(tanh, lambda _, y: 1 - y * y),
    "sigmoid": of(lambda x: 1 / (1 + exp(-x)), lambda _, y: y * (1 - y)),
    "identity": of(lambda x: x, lambda *_: 1),
    "max": lambda *parts: max(parts, key=lambda v: v.value) * 1,
}


def slopes(top, stops=()):
    """Derivatives of `top` by everything below it, never through a stop."""
    order, seen = [], set()

    def visit(v):
        if id(v) not in seen:
            seen.add(id(v))
            for parent, _ in v.parents if v is top or id(v) not in stops else ():
                visit(parent)
            order.append(v)

    visit(top)
    found = {id(top): mpf(1)}
    for v in reversed(order):
        if v is top or id(v) not in stops:
            for parent, slope in v.parents:
                found[id(parent)] = found.get(id(parent), 0) + found[id(v)] * slope
    return found


def arithmetic(text, numbers=None):
    """An expression read exactly: its decimals are the numbers that one sees."""

    def read(node):
        match node:
            case ast.Constant():
                return V(ast.get_source_segment(text, node))
            case ast.Name(id=name):
                return numbers.v[name]
            case ast.UnaryOp(operand=inner):
                return -read(inner)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return read(left) + read(right)
            case ast.BinOp(left=left, op=ast.Sub(), right=right):
                return read(left) - read(right)
            case ast.BinOp(left=left, op=ast.Mult(), right=right):
                return read(left) * read(right)
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return read(left) / read(right)
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return read(left) ** read(right)
            case ast.Call(func=ast.Name(id="D" | "P" as kind), args=[top, by]):
                return V(numbers.derivative(kind, top.id, by.id))
            case ast.Call(func=ast.Name(id="new"), args=[weight]):
                return V(numbers.new(weight.id))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return FUNCTIONS[name](*map(read, arguments))
        raise AssertionError(ast.dump(node))

    return read(ast.parse(text, mode="eval").body)


# Every named quantity of an example, as a V.


@cache
def document(name):
    return tomllib.loads((EXAMPLES / f"{name}.toml").read_text(encoding="utf-8"))


def given(name, sample=0):
    """The numbers that the file gives: values, and those of one sample."""
    found = {key: mpf(text) for key, text in document(name).get("values", {}).items()}
    samples = document(name).get("samples") or [{}]
    for key, value in samples[max(sample - 1, 0)].items():
        if isinstance(value, list):
            found |= {f"{key}{n}": mpf(text) for n, text in enumerate(value, 1)}
        else:
            found[key] = mpf(value)
    return found


def network(spec, v):
    """A fully connected network, from unit i to unit j by w{layer}_{i}_{j}."""
    row = [v[f"x{i + 1}"] for i in range(spec["inputs"])]
    for number, layer in enumerate(spec["layers"], 1):
        sums = []
        for j in range(1, layer["units"] + 1):
            z = sum(v[f"w{number}_{i}_{j}"] * x for i, x in enumerate(row, 1))
            if spec["biases"]:
                unit = f"_{j}" if spec["biases"] == "unit" else ""
                z += v[f"b{number}{unit}"]
            v[f"z{number}_{j}"] = z
            sums.append(z)
        if layer["activation"] == "softmax":
            parts = [FUNCTIONS["exp"](z) for z in sums]
            row = [part / sum(parts) for part in parts]
        else:
            row = [FUNCTIONS[layer["activation"]](z) for z in sums]
        letter = "o" if number == len(spec["layers"]) else f"h{number}_"
        v.update((f"{letter}{j}", h) for j, h in enumerate(row, 1))
    parts = [lost(spec["loss"], v[f"y{k}"], o) for k, o in enumerate(row, 1)]
    if len(parts) > 1:
        v.update((f"L{k}", part) for k, part in enumerate(parts, 1))
    v["J"] = sum(parts)


def lost(loss, y, o):
    """What one output adds to the loss."""
    ln = FUNCTIONS["log"]
    if loss == "binary_cross_entropy":
        return -(y * ln(o) + (1 - y) * ln(1 - o))
    if loss == "categorical_cross_entropy":
        return -(y * ln(o))
    return (y - o) ** 2 * (mpf(1) / 2 if loss.startswith("half") else 1)


class Numbers:
    """Every quantity of an example at given values, from the tape."""

    def __init__(self, name, values):
        self.v = {key: V(value) for key, value in values.items()}
        self.loss = "J"
        if "network" in document(name):
            network(document(name)["network"], self.v)
        for self.loss, text in document(name).get("formulas", {}).items():
            self.v[self.loss] = arithmetic(text, self)
        self.rate = mpf(document(name).get("update", {}).get("learning_rate", 0))
        self.stops = {id(node) for node in self.v.values()}

    def derivative(self, kind, top, by):
        stops = self.stops if kind == "P" else ()
        return slopes(self.v[top], stops).get(id(self.v[by]), mpf(0))

    def new(self, weight):
        slope = self.derivative("D", self.loss, weight)
        return self.v[weight].value - self.rate * slope

    def at(self, text):
        """The value of an expression over the names, D(…), P(…) and new(…)."""
        if whole := re.fullmatch(r"d([A-Za-z]\w*)/d(\w+)", text):
            return self.derivative("D", *whole.groups())
        if text.endswith("'"):
            return self.new(text[:-1])
        return arithmetic(text, self).value


# Training: plain loops, and the slip of one source.


@cache
def steps_of_mazur(sequential):
    """J, o1, o2 after each of 10,000 updates of the 2-2-2 network; biases stay.

    `sequential` sends the error back through weights that are updated already.
    """
    with mp.workdps(DIGITS):
        v = given("published-2-2-2-mazur")
        x, y, rate = (v["x1"], v["x2"]), (v["y1"], v["y2"]), mpf("0.5")
        w = [[v[f"w1_{i}_{j}"] for i in (1, 2)] for j in (1, 2)]
        u = [[v[f"w2_{i}_{j}"] for i in (1, 2)] for j in (1, 2)]
        found, two = [], (0, 1)
        for _ in range(10_001):
            h = [1 / (1 + exp(-(r[0] * x[0] + r[1] * x[1] + v["b1"]))) for r in w]
            o = [1 / (1 + exp(-(r[0] * h[0] + r[1] * h[1] + v["b2"]))) for r in u]
            found.append((((y[0] - o[0]) ** 2 + (y[1] - o[1]) ** 2) / 2, *o))
            d = [(o[k] - y[k]) * o[k] * (1 - o[k]) for k in two]
            old = u
            u = [[u[k][j] - rate * d[k] * h[j] for j in two] for k in two]
            b = u if sequential else old
            e = [(d[0] * b[0][j] + d[1] * b[1][j]) * h[j] * (1 - h[j]) for j in two]
            w = [[w[j][i] - rate * e[j] * x[i] for i in two] for j in two]
        return found


@cache
def batch_weights(steps):
    """The weights of the two-sample network after updates by the SUM of gradients."""
    name = "published-two-sample-batch"
    with mp.workdps(DIGITS):
        if not steps:
            return {key: value for key, value in given(name).items() if key[0] == "w"}
        w = batch_weights(steps - 1)
        found = dict(w)
        for sample in (1, 2):
            numbers = Numbers(name, given(name, sample) | w)
            down = slopes(numbers.v["J"])
            for key in w:
                found[key] -= mpf("0.5") * down[id(numbers.v[key])]
        return found


def truth(name, row):
    """The true value of a claimed quantity."""
    steps, sample = int(row["after"] or 0), int(row["sample"] or 0)
    if name.startswith("published-2-2-2") and steps:
        part = ("J", "o1", "o2").index(row["quantity"])
        return steps_of_mazur(sequential=False)[steps][part]
    values = given(name, sample)
    if name == "published-two-sample-batch":
        values |= batch_weights(steps)
    elif steps:
        numbers = Numbers(name, values)
        values |= {w: numbers.new(w) for w in values if w.startswith("w")}
    return Numbers(name, values).at(row["quantity"])


def slip(row):
    """The number that the arithmetic, or the slip in training, gives."""
    if found := re.fullmatch(r"(sequential|earlier)\((\w+)\)", row["reproduced"]):
        kind, steps = found[1], int(row["after"])
        run = steps_of_mazur(sequential=kind == "sequential")
        return run[steps - (kind == "earlier")][("J", "o1", "o2").index(found[2])]
    return arithmetic(row["reproduced"]).value


def unit(text):
    """One in the last printed digit."""
    digits, _, exponent = text.lower().partition("e")
    return mpf(10) ** (int(exponent or 0) - len(digits.partition(".")[2]))


def rounds_to(value, text):
    return abs(value - mpf(text)) <= unit(text) / 2


def agrees_everywhere(name, row):
    """Whether a printed formula equals its quantity, there and at three points near."""
    chance = random.Random(412)
    for turn in range(4):
        values = given(name)
        for key in values if turn else ():
            values[key] += (key[0] != "y") * mpf(chance.uniform(-1, 1)) / 8
        numbers = Numbers(name, values)
        claimed = numbers.at(row["claimed"].removeprefix("= "))
        if abs(numbers.at(row["quantity"]) - claimed) > mpf(10) ** -40:
            return False
    return True


def printed(number, texts):
    """Whether a number was printed, or is one more digit of what was."""
    return any(
        mpf(number) == mpf(text)
        or (rounds_to(mpf(number), text) and unit(number) * 10 == unit(text))
        for text in texts
    )


@pytest.mark.parametrize("name", VERDICTS)
def test_every_claim_of_a_file_has_its_verdict(name):
    claims, rows = document(name)["claims"], VERDICTS[name]
    assert [
        (
            claim["quantity"],
            claim.get("printed") or f"= {claim['formula']}",
            str(claim.get("after", {}).get("steps", "")),
            str(claim.get("sample", "")),
            claim.get("expect") == "wrong",
        )
        for claim in claims
    ] == [
        (r["quantity"], r["claimed"], r["after"], r["sample"], r["kind"] not in AGREES)
        for r in rows
    ]


@pytest.mark.parametrize(("name", "number"), ALL)
def test_the_verdict_holds_at_fifty_digits(name, number):
    row = VERDICTS[name][number]
    kind, text = row["kind"], row["claimed"]
    if text.startswith("="):
        assert kind in {"exact", "wrong"}
        assert agrees_everywhere(name, row) == (kind == "exact")
        return
    assert rounds_to(truth(name, row), text) == (kind == "exact")
    assert bool(row["reproduced"]) >= (kind in {"carried", "inherited"})
    assert not row["reproduced"] or rounds_to(slip(row), text)
    assert not row["right"] or not rounds_to(arithmetic(row["right"]).value, text)


def test_what_is_carried_or_inherited_rests_on_numbers_printed_before():
    for name, rows in VERDICTS.items():
        free = {abs(value) for value in given(name).values()} | {mpf(1), mpf(2)}
        free.add(mpf(document(name).get("update", {}).get("learning_rate", 1)))
        sound, unsound, misread = [], [], set()
        for row in rows:
            if row["kind"] in {"carried", "inherited"}:
                numbers = re.findall(r"[\d.]+", row["reproduced"])
                used = [number for number in numbers if mpf(number) not in free]
                assert all(printed(number, sound + unsound) for number in used), row
                carried = all(printed(number, sound) for number in used)
                carried &= row["quantity"] not in misread
                assert carried == (row["kind"] == "carried"), row
            if not row["claimed"].startswith("="):
                texts = sound if row["kind"] in AGREES else unsound
                texts.append(row["claimed"].lstrip("-"))
            elif row["kind"] == "wrong":
                misread.add(row["quantity"])


def test_a_nudged_digit_is_never_exact():
    for name, rows in VERDICTS.items():
        for row in rows:
            if row["kind"] == "exact" and not row["claimed"].startswith("="):
                nudged = mpf(row["claimed"]) + 2 * unit(row["claimed"])
                assert abs(truth(name, row) - nudged) > unit(row["claimed"])


def test_the_tape_finds_the_slopes_of_differences():
    name, h = "published-xor-2-3-1", mpf(10) ** -20
    values = given(name)
    for weight in (key for key in values if key.startswith("w")):
        up, down = (
            Numbers(name, values | {weight: values[weight] + sign * h}).v["J"].value
            for sign in (1, -1)
        )
        slope = Numbers(name, values).at(f"dJ/d{weight}")
        assert abs((up - down) / (2 * h) - slope) < mpf(10) ** -25


def test_there_are_enough_examples_with_errors_among_them():
    wrong = [n for n, rows in VERDICTS.items() if {r["kind"] for r in rows} - AGREES]
    assert len(VERDICTS) >= 8
    assert len(wrong) >= 3
    assert set(VERDICTS) == {p.stem for p in EXAMPLES.glob("published-*.toml")}
