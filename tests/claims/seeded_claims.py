"""Wrong and right claims by seed, with labels from plain mpmath arithmetic.

Nothing of symbackprop is imported here: networks, slopes, mistakes and rounding are
written a second time, number by number, so that a label never agrees with the package
by construction.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from mpmath import exp, floor, log, log10, mp, mpf, tanh

mp.dps = 50

Values = dict[str, mpf]
Site = tuple[object, ...]


@dataclass(frozen=True)
class Net:
    """Widths, activation by layer, loss, biases a unit or a layer, numbers as text."""

    name: str
    widths: tuple[int, ...]
    activations: tuple[str, ...]
    loss: str
    biases: str
    rate: str
    numbers: dict[str, str] = field(hash=False)

    @property
    def layers(self) -> range:
        return range(1, len(self.widths))

    def bias(self, layer: int, unit: int) -> str:
        return f"b{layer}" if self.biases == "layer" else f"b{layer}_{unit}"

    def unit(self, layer: int, unit: int) -> str:
        if layer == 0:
            return f"x{unit}"
        last = layer == len(self.widths) - 1
        return f"o{unit}" if last else f"h{layer}_{unit}"

    def toml(self) -> str:
        layers = ", ".join(
            f'{{ units = {n}, activation = "{a}" }}'
            for n, a in zip(self.widths[1:], self.activations, strict=True)
        )
        values = "\n".join(f'{name} = "{text}"' for name, text in self.numbers.items())
        return (
            f'title.en = "{self.name}"\n[network]\ninputs = {self.widths[0]}\n'
            f'layers = [{layers}]\nloss = "{self.loss}"\nbiases = "{self.biases}"\n'
            f'[values]\n{values}\n[update]\nlearning_rate = "{self.rate}"\n'
        )


def net(
    name: str, widths: tuple[int, ...], acts: tuple[str, ...], loss: str, biases: str
) -> Net:
    """A network with seeded numbers of two or three decimals, no two alike."""
    random = Random(f"symbackprop {name}")
    taken: set[str] = set()

    def number(low: int, high: int) -> str:
        while True:
            text = f"0.{random.randint(low, high):03d}"
            if text not in taken:
                taken.add(text)
                sign = "-" if random.random() < 0.25 and low > 20 else ""
                return sign + text

    numbers = {f"x{i}": number(110, 980) for i in range(1, widths[0] + 1)}
    for layer in range(1, len(widths)):
        for j in range(1, widths[layer] + 1):
            for i in range(1, widths[layer - 1] + 1):
                numbers[f"w{layer}_{i}_{j}"] = number(105, 985)
        units = 1 if biases == "layer" else widths[layer]
        for j in range(1, units + 1):
            key = f"b{layer}" if biases == "layer" else f"b{layer}_{j}"
            numbers[key] = number(105, 705)
    outputs = widths[-1]
    if "cross" in loss:
        for k in range(1, outputs + 1):
            numbers[f"y{k}"] = "1" if k == 1 else "0"
    else:
        for k in range(1, outputs + 1):
            numbers[f"y{k}"] = number(12, 95)
    rate = f"0.{random.randint(13, 87)}"
    return Net(name, widths, acts, loss, biases, rate, numbers)


def nets() -> tuple[Net, ...]:
    """The right examples that mistakes are made in."""
    two = ("sigmoid", "sigmoid")
    return (
        net("two layers", (2, 2, 2), two, "half_squared_error", "layer"),
        net("three classes", (2, 3, 3), ("tanh", "softmax"), CLASSES, "unit"),
        net("yes or no", (3, 2, 1), two, "binary_cross_entropy", "unit"),
        net("a mean", (2, 2, 3), ("sigmoid", "identity"), "mean_squared_error", "unit"),
    )


CLASSES = "categorical_cross_entropy"

ACTS: dict[str, Callable[[mpf], mpf]] = {
    "sigmoid": lambda z: 1 / (1 + exp(-z)),
    "tanh": tanh,
    "identity": lambda z: z,
    "relu": lambda z: max(z, mpf(0)),
}
SLOPES: dict[str, Callable[[mpf, mpf], mpf]] = {
    "sigmoid": lambda h, _: h * (1 - h),
    "tanh": lambda h, _: 1 - h * h,
    "identity": lambda _h, _z: mpf(1),
    "relu": lambda _, z: mpf(1 if z > 0 else 0),
}


def loss_part(kind: str, y: mpf, o: mpf, n: int) -> mpf:
    if kind == "half_squared_error":
        return (y - o) ** 2 / 2
    if kind == "squared_error":
        return (y - o) ** 2
    if kind == "mean_squared_error":
        return (y - o) ** 2 / n
    if kind == "binary_cross_entropy":
        return -(y * log(o) + (1 - y) * log(1 - o))
    return -y * log(o)


def loss_slope(kind: str, y: mpf, o: mpf, n: int) -> mpf:
    if kind == "half_squared_error":
        return o - y
    if kind == "squared_error":
        return 2 * (o - y)
    if kind == "mean_squared_error":
        return 2 * (o - y) / n
    if kind == "binary_cross_entropy":
        return (o - y) / (o * (1 - o))
    return -y / o


def without_log(kind: str, y: mpf) -> mpf:
    """The slope of the loss as if ln u were u."""
    return 1 - 2 * y if kind == "binary_cross_entropy" else -y


class Board:
    """One working of a network, with one mistake, from exact or printed operands."""

    def __init__(
        self, of: Net, mistake: str = "", site: Site = (), printed: Values | None = None
    ) -> None:
        self.net = of
        self.mistake = mistake
        self.site = site
        self.printed = printed or {}
        self.own: Values = {name: mpf(text) for name, text in of.numbers.items()}
        self.rate = mpf(of.rate)
        self.values: Values = {}
        self.forward()
        self.backward()
        self.update()

    def made(self, mistake: str, *site: object) -> bool:
        """Whether this mistake is made here; `all` stands for everywhere."""
        if self.mistake != mistake:
            return False
        return self.site[: len(site)] == site or self.site == ("all",)

    def get(self, name: str) -> mpf:
        if name in self.own:
            return self.own[name]
        return self.printed.get(name, self.values[name])

    def put(self, name: str, value: mpf) -> None:
        """Keep a value; mistakes that can be made of any value are made here."""
        if self.made("sign", name):
            value = -value
        for factor in ("2", "1/2", "n", "1/n"):
            if self.mistake == "factor" and self.site == (name, factor):
                n = mpf(self.net.widths[-1]) if "n" in factor else mpf(2)
                value = value / n if "/" in factor else value * n
        if self.made("learning rate extra", name) and name.startswith("dJ"):
            value = value * self.rate
        if self.made("rounded on the way", name):
            value = rounded(value, int(str(self.site[1])))
        if self.made("cut off on the way", name):
            value = cut(value, int(str(self.site[1])))
        self.values[name] = value
        if self.mistake == "rounded to decimals throughout":
            self.printed[name] = rounded(value, int(str(self.site[0])))
        if self.mistake == "every value used as printed":
            decimals = decimals_for(value, int(str(self.site[0])))
            self.printed[name] = rounded(value, decimals)

    def forward(self) -> None:
        net = self.net
        for layer in net.layers:
            act = net.activations[layer - 1]
            units = range(1, net.widths[layer] + 1)
            for j in units:
                self.put(f"z{layer}_{j}", self.weighted(layer, j))
            for j in units:
                z = self.get(f"z{layer}_{j}")
                name = net.unit(layer, j)
                if act == "softmax":
                    total = sum(exp(self.get(f"z{layer}_{k}")) for k in units)
                    value = exp(z) / total
                elif self.made("activation left out", name):
                    value = z
                elif self.made("other activation", name):
                    value = ACTS["tanh" if act == "sigmoid" else "sigmoid"](z)
                else:
                    value = ACTS[act](z)
                self.put(name, value)
        kind = net.loss
        if self.made("other loss"):
            kind = str(self.site[0])
        n = net.widths[-1]
        parts: list[mpf] = []
        for k in range(1, n + 1):
            y, o = self.get(f"y{k}"), self.get(f"o{k}")
            part = loss_part(kind, y, o, n)
            if self.made("base of the logarithm"):
                part = part / log(mpf(10))
            if self.made("square left out", f"L{k}") and "squared" in kind:
                part = part / (y - o)
            if n > 1:
                self.put(f"L{k}", part)
                part = self.get(f"L{k}")
            parts.append(part)
        if self.made("term left out", "J"):
            parts.pop(int(str(self.site[1])) - 1)
        self.put("J", sum(parts))

    def weighted(self, layer: int, j: int) -> mpf:
        """z: the weights times what comes in, and the bias."""
        net = self.net
        total = mpf(0)
        for i in range(1, net.widths[layer - 1] + 1):
            weight, enters = f"w{layer}_{i}_{j}", net.unit(layer - 1, i)
            if self.made("weight transposed", "forward", layer):
                weight = f"w{layer}_{j}_{i}"
            if self.made("weight swapped", weight):
                weight = str(self.site[1])
            if self.made("wrong quantity", f"z{layer}_{j}", enters):
                enters = str(self.site[2])
            if self.made("term left out", f"z{layer}_{j}", i):
                continue
            total += self.get(weight) * self.get(enters)
        if self.made("bias left out", f"z{layer}_{j}"):
            return total
        if self.made("bias shared", layer):
            return total + self.get(net.bias(layer, 1))
        return total + self.get(net.bias(layer, j))

    def backward(self) -> None:
        net, top = self.net, len(self.net.widths) - 1
        n = net.widths[top]
        kind = str(self.site[0]) if self.made("other loss") else net.loss
        for k in range(1, n + 1):
            y, o = self.get(f"y{k}"), self.get(f"o{k}")
            slope = loss_slope(kind, y, o, n)
            if self.made("logarithm left out"):
                slope = without_log(kind, y)
            if self.made("sum for mean"):
                slope = slope * n
            if self.made("loss sign"):
                slope = -slope
            self.put(f"dJ/do{k}", slope)
        for layer in reversed(net.layers):
            units = range(1, net.widths[layer] + 1)
            if layer < top:
                for j in units:
                    self.put(f"dJ/dh{layer}_{j}", self.collected(layer, j))
            for j in units:
                self.put(f"dJ/dz{layer}_{j}", self.before(layer, j))
            for j in units:
                delta = self.get(f"dJ/dz{layer}_{j}")
                for i in range(1, net.widths[layer - 1] + 1):
                    weight, enters = f"w{layer}_{i}_{j}", net.unit(layer - 1, i)
                    if self.made("wrong quantity", f"dJ/d{weight}", enters):
                        enters = str(self.site[2])
                    gone = self.made("factor left out", f"dJ/d{weight}", enters)
                    value = delta if gone else delta * self.get(enters)
                    self.put(f"dJ/d{weight}", value)
                if net.biases == "unit":
                    self.put(f"dJ/db{layer}_{j}", delta)
            if net.biases == "layer":
                deltas = [self.get(f"dJ/dz{layer}_{j}") for j in units]
                self.put(f"dJ/db{layer}", sum(deltas))

    def collected(self, layer: int, j: int) -> mpf:
        """∂J/∂h: what comes back from every unit above."""
        total = mpf(0)
        for k in range(1, self.net.widths[layer + 1] + 1):
            weight = f"w{layer + 1}_{j}_{k}"
            if self.made("weight transposed", "backward", layer + 1):
                weight = f"w{layer + 1}_{k}_{j}"
            if self.made("term left out", f"dJ/dh{layer}_{j}", k):
                continue
            factor = self.get(weight)
            if self.made("updated weight", layer + 1):
                factor -= self.rate * self.get(f"dJ/d{weight}")
            total += self.get(f"dJ/dz{layer + 1}_{k}") * factor
        return total

    def before(self, layer: int, j: int) -> mpf:
        """∂J/∂z: ∂J/∂h times the slope; of a softmax, over all outputs."""
        net = self.net
        act, name = net.activations[layer - 1], net.unit(layer, j)
        above, h = self.get(f"dJ/d{name}"), self.get(name)
        z = self.get(f"z{layer}_{j}")
        if act == "softmax":
            if self.made("softmax elementwise", name):
                return above * h * (1 - h)
            units = range(1, net.widths[layer] + 1)
            over = sum(self.get(f"dJ/do{k}") * self.get(f"o{k}") for k in units)
            return h * (above - over)
        slope = SLOPES[act](h, z)
        if self.made("slope left out", name):
            slope = mpf(1)
        if self.made("slope twice", name):
            slope = slope * slope
        if self.made("slope at z", name):
            slope = SLOPES[act](z, z)
        if self.made("slope at h", name):
            slope = SLOPES[act](ACTS[act](h), h)
        if self.made("slope of another unit", name):
            other, at = str(self.site[1]), str(self.site[2])
            level = int(str(self.site[3]))
            slope = SLOPES[net.activations[level - 1]](self.get(other), self.get(at))
        if self.made("slope of another activation", name):
            other = "tanh" if act == "sigmoid" else "sigmoid"
            slope = SLOPES[other](h, z)
        return above * slope

    def update(self) -> None:
        for name in self.net.numbers:
            if name[0] not in "wb":
                continue
            rate = self.rate
            if self.made("learning rate left out", name):
                rate = mpf(1)
            if self.made("uphill", name):
                rate = -rate
            moved = self.own[name] - rate * self.get(f"dJ/d{name}")
            kind = "bias not updated" if name[0] == "b" else "not updated"
            self.put(f"{name}'", self.own[name] if self.made(kind, name) else moved)


# ---- digits


def rounded(value: mpf, decimals: int) -> mpf:
    """Half away from zero."""
    scale = mpf(10) ** decimals
    size = floor(abs(value) * scale + mpf(1) / 2) / scale
    return -size if value < 0 else size


def cut(value: mpf, decimals: int) -> mpf:
    """Cut off toward zero; what is short of the next digit by 1e-40 is that digit."""
    scale = mpf(10) ** decimals
    size = floor(abs(value) * scale + mpf("1e-40")) / scale
    return -size if value < 0 else size


def decimals_for(value: mpf, digits: int) -> int:
    """After how many decimals a value has so many digits."""
    return max(digits - 1 - int(floor(log10(abs(value)))), 0) if value else digits


def text_of(value: mpf, decimals: int) -> str:
    """Rounded digits as a book prints them."""
    return spelt(rounded(value, decimals), decimals)


def spelt(value: mpf, decimals: int) -> str:
    """A decimal written out."""
    whole = str(int(floor(abs(value) * mpf(10) ** decimals + mpf(1) / 4)))
    digits = whole.zfill(decimals + 1)
    if decimals:
        digits = f"{digits[:-decimals]}.{digits[-decimals:]}"
    return ("-" if value < 0 else "") + digits
