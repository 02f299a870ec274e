"""Mutants: each operator at each place of a right example, one wrong number apiece."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from mpmath import mpf
from seeded_claims import (
    Board,
    Net,
    Site,
    Values,
    cut,
    decimals_for,
    nets,
    rounded,
    spelt,
    text_of,
)

UNITS = ("do", "dz", "dh")
DIGIT_ROWS = ("digits swapped", "digit left out", "digit inserted", "point slipped")
ROUNDING = ("rounded on the way", "cut off on the way", "cut off", "rounded early")


@dataclass(frozen=True)
class Mutant:
    """A right example with one wrong number, and the mistake that made it."""

    net: Net
    label: str
    quantity: str
    printed: str
    digits: int
    right: dict[str, str]
    carried: bool = False

    def toml(self, *, short: bool = False) -> str:
        """The example's file: what is printed beside it, rightly, and the wrong number.

        `short` leaves out the weights, except for what the wrong number needs.
        """
        own = {self.quantity, f"dJ/d{self.quantity[:-1]}"}
        rows = [
            (name, text)
            for name, text in self.right.items()
            if not short or name in own or name[0] in "zhoLJ" or name[3:5] in UNITS
        ]
        at = [name for name, _ in rows].index(self.quantity)
        rows = [*rows[:at], (self.quantity, self.printed), *rows[at + 1 :]]
        return self.net.toml() + "".join(
            f'[[claims]]\nquantity = "{name}"\nprinted = "{text}"\n'
            for name, text in rows
        )


@dataclass(frozen=True)
class Plan:
    """A mistake, where, by which name it goes, and the line that it is made in."""

    net: Net
    mistake: str
    site: Site
    label: str
    line: str = ""


def quantities(of: Net) -> list[str]:
    return list(Board(of).values)


def printed_right(of: Net, digits: int) -> dict[str, str]:
    """Every quantity rounded to so many digits."""
    values = Board(of).values
    return {
        name: text_of(value, decimals_for(value, digits))
        for name, value in values.items()
    }


def plans(of: Net) -> Iterator[Plan]:
    """Each operator at each place of a network."""
    top = len(of.widths) - 1

    def plan(mistake: str, *site: object, line: str = "", label: str = "") -> Plan:
        return Plan(of, mistake, site, label or mistake, line)

    names = quantities(of)
    factors = ("2", "1/2", "n", "1/n") if of.widths[-1] > 2 else ("2", "1/2")
    for name in names:
        yield plan("sign", name, line=name)
        for factor in factors:
            yield plan("factor", name, factor, line=name)
        if name.startswith("dJ"):
            yield plan("learning rate extra", name, line=name)
        if name.endswith("'"):
            old = name[:-1]
            yield plan("learning rate left out", old, line=name)
            yield plan("uphill", old, line=name, label="sign")
            kind = "bias not updated" if old[0] == "b" else "not updated"
            yield plan(kind, old, line=name)
    yield plan("learning rate left out", "all")
    yield plan("uphill", "all", label="sign")
    yield plan("bias not updated", "all")
    for layer in of.layers:
        yield from _forward(of, layer, plan)
        yield from _slopes(of, layer, plan)
        below, units = of.widths[layer - 1], of.widths[layer]
        if below == units:
            yield plan("weight transposed", "forward", layer)
            if layer > 1:
                yield plan("weight transposed", "backward", layer)
        if layer > 1:
            yield plan("updated weight", layer)
        if of.biases == "unit" and units > 1:
            yield plan("bias shared", layer)
        for j in range(1, units + 1):
            for i in range(1, below + 1):
                line = f"dJ/dw{layer}_{i}_{j}"
                enters = of.unit(layer - 1, i)
                yield plan("factor left out", line, enters, line=line)
                for other in _others(of, layer, i):
                    yield plan("wrong quantity", line, enters, other, line=line)
            for k in range(1, of.widths[layer + 1] + 1) if layer < top else ():
                line = f"dJ/dh{layer}_{j}"
                if of.widths[layer + 1] > 1:
                    yield plan("term left out", line, k, line=line)
    yield plan("slope left out", "all")
    yield plan("slope at z", "all")
    yield plan("bias left out", "all")
    yield from _losses(of, plan)


def _others(of: Net, layer: int, i: int) -> list[str]:
    """What may be taken for what enters a unit: a neighbour, z for h, x for h."""
    found = [
        of.unit(layer - 1, k) for k in range(1, of.widths[layer - 1] + 1) if k != i
    ]
    if layer > 1:
        found.append(f"z{layer - 1}_{i}")
        if i <= of.widths[0]:
            found.append(f"x{i}")
    return found


def _forward(of: Net, layer: int, plan) -> Iterator[Plan]:
    below, units = of.widths[layer - 1], of.widths[layer]
    for j in range(1, units + 1):
        z = f"z{layer}_{j}"
        yield plan("bias left out", z, line=z)
        for i in range(1, below + 1):
            yield plan("term left out", z, i, line=z)
            enters, weight = of.unit(layer - 1, i), f"w{layer}_{i}_{j}"
            for other in _others(of, layer, i):
                yield plan("wrong quantity", z, enters, other, line=z)
            for k in range(1, units + 1):
                if k != j and (layer, i, k) != (layer, j, i):
                    yield plan("weight swapped", weight, f"w{layer}_{i}_{k}", line=z)
        if of.activations[layer - 1] in ("sigmoid", "tanh"):
            unit = of.unit(layer, j)
            yield plan("activation left out", unit, line=unit)
            yield plan("other activation", unit, line=unit)


def _slopes(of: Net, layer: int, plan) -> Iterator[Plan]:
    act = of.activations[layer - 1]
    for j in range(1, of.widths[layer] + 1):
        unit, line = of.unit(layer, j), f"dJ/dz{layer}_{j}"
        if act == "softmax":
            yield plan("softmax elementwise", unit, line=line)
        if act not in ("sigmoid", "tanh"):
            continue
        for kind in ("left out", "twice", "at z", "at h", "of another activation"):
            yield plan(f"slope {kind}", unit, line=line)
        for level in of.layers:
            for k in range(1, of.widths[level] + 1):
                other = of.unit(level, k)
                if of.activations[level - 1] in ("sigmoid", "tanh") and other != unit:
                    at = (unit, other, f"z{level}_{k}", level)
                    yield plan("slope of another unit", *at, line=line)
    if act == "softmax":
        yield plan("softmax elementwise", "all")


def _losses(of: Net, plan) -> Iterator[Plan]:
    n = of.widths[-1]
    yield plan("loss sign", label="sign")
    if of.loss == "mean_squared_error":
        yield plan("sum for mean", label="factor")
    if "cross" in of.loss:
        yield plan("base of the logarithm")
        yield plan("logarithm left out")
    else:
        for k in range(1, n + 1):
            yield plan("square left out", f"L{k}", line=f"L{k}")
    if n > 1:
        for k in range(1, n + 1):
            yield plan("term left out", "J", k, line="J")
    kinds = ("half_squared_error", "squared_error", "mean_squared_error")
    for kind in (*kinds, "binary_cross_entropy", "categorical_cross_entropy"):
        if kind != of.loss and ("cross" not in kind or "cross" in of.loss):
            yield plan("other loss", kind)


class Drawn:
    """Mutants drawn by seed, as many of each operator as there are; drops counted."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.dropped = 0
        self.nets = nets()
        self.right = {
            (of, digits): printed_right(of, digits)
            for of in self.nets
            for digits in range(3, 10)
        }

    def mutants(self, count: int, rounding: bool = False) -> list[Mutant]:
        """So many of them, every operator in turn."""
        groups: dict[str, list[Plan]] = {}
        for of in self.nets:
            for plan in self._plans(of, rounding):
                groups.setdefault(plan.label, []).append(plan)
        for group in groups.values():
            self.random.shuffle(group)
        found: list[Mutant] = []
        turn = 0
        while len(found) < count and any(groups.values()):
            labels = [label for label, group in groups.items() if group]
            plan = groups[labels[turn % len(labels)]].pop()
            turn += 1
            mutant = self.mutant(plan)
            if mutant is None:
                self.dropped += 1
            else:
                found.append(mutant)
        return found

    def _plans(self, of: Net, rounding: bool) -> Iterator[Plan]:
        names = quantities(of)
        if rounding:
            for name in names:
                yield Plan(of, "cut off", (name,), "cut off", name)
                yield Plan(of, "rounded early", (name,), "rounded early", name)
                for places in (2, 3, 4):
                    if not name.endswith("'"):
                        for kind in ("rounded on the way", "cut off on the way"):
                            yield Plan(of, kind, (name, places), kind)
            for places in (2, 3, 4):
                kind = "rounded to decimals throughout"
                yield Plan(of, kind, (places,), kind)
            return
        yield from plans(of)
        for name in names:
            for kind in DIGIT_ROWS:
                yield Plan(of, kind, (name,), kind, name)
        for plan in plans(of):
            if plan.label in ("slope left out", "slope at z", "bias left out"):
                for end in ("sign", "factor"):
                    both = f"{plan.label} & {end}"
                    yield Plan(of, plan.mistake, plan.site, both, plan.line)

    def mutant(self, plan: Plan) -> Mutant | None:
        """A wrong number by a plan; None where its digits are right all the same."""
        of, random = plan.net, self.random
        digits = random.randint(3, 9)
        right = self.right[of, digits]
        true = Board(of).values
        if plan.label in (*DIGIT_ROWS, "cut off", "rounded early"):
            name = plan.line
            text = self._misprinted(plan.label, true[name], digits)
            return self._kept(plan, name, text, digits, carried=False)
        carried = bool(plan.line) and random.random() < 0.5
        if carried:
            operands = {n: mpf(t) for n, t in right.items() if n != plan.line}
            name = plan.line
            value = Board(of, plan.mistake, plan.site, operands).values[name]
        else:
            values = Board(of, plan.mistake, plan.site).values
            differ = [n for n in values if abs(values[n] - true[n]) > 1e-30]
            if "on the way" in plan.label:
                differ = [n for n in differ if n != plan.site[0]]
            if not differ:
                return None
            name = random.choice([n for n in differ if n == plan.line] or differ)
            value = values[name]
        label = plan.label
        if plan.mistake == "cut off on the way":
            place, of_line = int(str(plan.site[1])), true[str(plan.site[0])]
            if cut(of_line, place) == rounded(of_line, place):
                label = "rounded on the way"  # the same digits
        if plan.label.endswith("& sign"):
            value = -value
        elif plan.label.endswith("& factor"):
            value = value / 2
        text = text_of(value, decimals_for(value, digits))
        plan = replace(plan, label=label)
        return self._kept(plan, name, text, digits, carried=carried)

    def _kept(
        self, plan: Plan, name: str, text: str, digits: int, *, carried: bool
    ) -> Mutant | None:
        """The mutant, unless its digits are those of a right or a carried value."""
        of = plan.net
        if not text or not any(c in "123456789" for c in text):
            return None
        decimals = len(text.partition(".")[2])
        for value in self.right_values(of, name, digits):
            if abs(value - mpf(text)) <= mpf(10) ** -decimals / 2:
                return None
        right = self.right[of, digits]
        return Mutant(of, plan.label, name, text, digits, right, carried)

    def right_values(self, of: Net, name: str, digits: int) -> list[mpf]:
        """The true value, and the right formula on what is printed, in several ways."""
        printed = {n: mpf(t) for n, t in self.right[of, digits].items() if n != name}
        found = [Board(of).values[name]]
        back = ("dJ/do", "dJ/dz", "dJ/dh", "dJ/dw", "dJ/db")
        for drop in range(1 << len(back)):
            gone = [b for n, b in enumerate(back) if drop >> n & 1]
            kept: Values = {
                n: v
                for n, v in printed.items()
                if not any(n.startswith(b) for b in gone)
            }
            found.append(Board(of, printed=kept).values[name])
        names = {n[0] for n in printed if n[0] in "zhoL"}
        for letter in names:
            kept = {n: v for n, v in printed.items() if n[0] != letter}
            found.append(Board(of, printed=kept).values[name])
        return found

    def _misprinted(self, label: str, value: mpf, digits: int) -> str:
        """The right digits with one edit."""
        random = self.random
        decimals = decimals_for(value, digits)
        if label == "cut off":
            return spelt(cut(value, decimals), decimals)
        if label == "rounded early":
            fewer = max(decimals - random.randint(1, 2), 0)
            text = text_of(value, fewer)
            point = "" if "." in text or decimals == fewer else "."
            return text + point + "0" * (decimals - fewer)
        if label == "point slipped":
            places = random.choice((-2, -1, 1, 2))
            value = value * mpf(10) ** places
            return text_of(value, decimals_for(value, digits))
        finer = {"digit left out": 1, "digit inserted": -1}.get(label, 0)
        if decimals + finer < 0:
            return ""
        text = text_of(value, decimals + finer)
        places = [n for n, c in enumerate(text) if c.isdecimal()]
        first = next((n for n in places if text[n] != "0"), 0)
        after = [n for n in places if n > max(first, text.find("."))]
        if len(after) < 2:
            return ""
        if label == "digit left out":
            place = random.choice(after[:-1])
            return text[:place] + text[place + 1 :]
        place = random.choice(after[:-1])
        if label == "digit inserted":
            digit = random.choice([d for d in "123456789" if d != text[place]])
            return text[:place] + digit + text[place:]
        return text[:place] + text[place + 1] + text[place] + text[place + 2 :]


def right_books(count: int) -> Iterator[tuple[str, int]]:
    """Files of right claims and how many each has, until there are so many.

    Half of them compute with full precision and round to print, half use each number
    as it was printed, to 2 to 9 digits.
    """
    made = 0
    for digits in range(2, 10):
        for of in nets():
            for carried in (False, True):
                if made >= count:
                    return
                if carried:
                    site = (digits,)
                    board = Board(of, "every value used as printed", site)
                    rows = {n: (v, digits) for n, v in board.values.items()}
                else:
                    rows = {n: (v, digits) for n, v in Board(of).values.items()}
                claims = "".join(
                    f'[[claims]]\nquantity = "{name}"\n'
                    f'printed = "{text_of(value, decimals_for(value, places))}"\n'
                    for name, (value, places) in rows.items()
                )
                made += len(rows)
                yield of.toml() + claims, len(rows)


def replaced_numbers(of: Net, numbers: dict[str, str]) -> Net:
    """The same network with other parameters."""
    return replace(of, numbers={**of.numbers, **numbers})
