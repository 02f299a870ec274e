"""A reverse tape over plain arithmetic; its slopes are written here, from no table.

A Var is a value with, for each part that it was made from, the pull that carries an
adjoint back to it. Nothing is recorded elsewhere: the tape is the chain of Vars.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from symbackprop.reference.arithmetic import NUMPY, Arithmetic, Numbers

Pull: TypeAlias = Callable[[Numbers], Numbers]
"""From the adjoint of a result to its share for one part."""


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """A value on the tape: a number, or an array whose last axis counts units."""

    value: Numbers
    arithmetic: Arithmetic = NUMPY
    parts: tuple[tuple["Var", Pull], ...] = ()

    __array_ufunc__ = None  # an array on the left leaves the operation to the Var

    def made(self, value: Numbers, *parts: tuple["Var", Pull]) -> "Var":
        """A result of the same arithmetic."""
        return Var(value, self.arithmetic, parts)

    def lifted(self, other: object) -> "Var":
        """A constant beside this Var."""
        return other if isinstance(other, Var) else Var(other, self.arithmetic)

    def __add__(self, other: object) -> "Var":
        b = self.lifted(other)
        return self.made(self.value + b.value, (self, _same), (b, _same))

    def __neg__(self) -> "Var":
        return self.made(-self.value, (self, lambda g: -g))

    def __sub__(self, other: object) -> "Var":
        b = self.lifted(other)
        return self.made(self.value - b.value, (self, _same), (b, lambda g: -g))

    def __mul__(self, other: object) -> "Var":
        a, b = self.value, self.lifted(other)
        return self.made(
            a * b.value, (self, lambda g: g * b.value), (b, lambda g: g * a)
        )

    def __truediv__(self, other: object) -> "Var":
        b = self.lifted(other)
        value = self.value / b.value
        return self.made(
            value, (self, lambda g: g / b.value), (b, lambda g: -g * value / b.value)
        )

    def __pow__(self, power: object) -> "Var":
        if isinstance(power, Var):
            return FUNCTIONS["exp"](FUNCTIONS["log"](self) * power)
        if isinstance(power, Fraction) and power.denominator == 1:
            power = power.numerator
        a, number = self.value, _number(power, self.value)
        return self.made(a**number, (self, lambda g: g * _power_slope(a, number)))

    def __abs__(self) -> "Var":
        return FUNCTIONS["abs"](self)

    def __radd__(self, other: object) -> "Var":
        return self + other

    def __rmul__(self, other: object) -> "Var":
        return self * other

    def __rsub__(self, other: object) -> "Var":
        return self.lifted(other) - self

    def __rtruediv__(self, other: object) -> "Var":
        return self.lifted(other) / self

    def __rpow__(self, other: object) -> "Var":
        return self.lifted(self.value * 0 + other) ** self  # in the exponent's type

    def __getitem__(self, unit: int) -> "Var":
        """One unit of the last axis."""

        def pull(g: Numbers) -> Numbers:
            """The adjoint at this unit, 0 at the others."""
            share = self.value * 0
            share[..., unit] = g
            return share

        return self.made(self.value[..., unit], (self, pull))

    def sum(self) -> "Var":
        """The sum over the units."""
        ones = self.value * 0 + 1
        total = np.sum(self.value, axis=-1)
        return self.made(total, (self, lambda g: np.asarray(g)[..., None] * ones))

    def times(self, matrix: "Var") -> "Var":
        """A row of units by a matrix: Σ_i v_i W_ij."""
        v, w = self.value, matrix.value
        return self.made(
            np.matmul(v[..., None, :], w)[..., 0, :],
            (self, lambda g: np.matmul(w, g[..., None])[..., 0]),
            (matrix, lambda g: v[..., :, None] * g[..., None, :]),
        )


def applied(value: Numbers, parts: Sequence[tuple[Var, Numbers]]) -> Var:
    """A function of one's own: its value, and for each argument the slope by it."""
    pulls = tuple((part, _scaled(slope)) for part, slope in parts)
    return Var(value, parts[0][0].arithmetic, pulls)


def derivatives(of: Var, by: Sequence[Var]) -> list[Numbers]:
    """The derivatives of one result, in one sweep backward; 0 where it has no part."""
    adjoints: dict[int, Numbers] = {id(of): of.value * 0 + 1}
    for var in reversed(_in_order(of)):
        adjoint = adjoints[id(var)]
        for part, pull in var.parts:
            share = _reduced(pull(adjoint), np.shape(part.value))
            known = adjoints.get(id(part))
            adjoints[id(part)] = share if known is None else known + share
    return [adjoints[id(var)] if id(var) in adjoints else var.value * 0 for var in by]


def _in_order(of: Var) -> list[Var]:
    """Everything that a result was made from, parts first; any depth."""
    order: list[Var] = []
    entered: set[int] = set()
    stack = [(of, False)]
    while stack:
        var, done = stack.pop()
        if done:
            order.append(var)
        elif id(var) not in entered:
            entered.add(id(var))
            stack.append((var, True))
            stack += [(part, False) for part, _ in var.parts]
    return order


def _same(adjoint: Numbers) -> Numbers:
    """A sum hands its adjoint on unchanged."""
    return adjoint


def _scaled(slope: Numbers) -> Pull:
    """The adjoint times a slope."""
    return lambda adjoint: adjoint * slope


def _reduced(share: Numbers, shape: tuple[int, ...]) -> Numbers:
    """A share summed over the axes along which its part was broadcast."""
    found = np.shape(share)
    if found == shape:
        return share
    share = np.asarray(share)
    added = len(found) - len(shape)
    stretched = tuple(
        n for n, size in enumerate(found) if n < added or shape[n - added] < size
    )
    return np.sum(share, axis=stretched, keepdims=True).reshape(shape)[()]


def _number(power: object, like: Numbers) -> Numbers:
    """An exponent in the number type of the base; whole ones stay whole."""
    if isinstance(power, Fraction):
        one = like * 0 + 1
        return one * power.numerator / power.denominator
    return power


def _power_slope(a: Numbers, n: Numbers) -> Numbers:
    """d a^n = n a^(n-1)."""
    if isinstance(n, int) and n in (0, 1):
        return a * 0 + n
    return n * a ** (n - 1)


# ---- functions of one argument: value and slope, each by arithmetic and argument


@dataclass(frozen=True, slots=True)
class Row:
    """A function y = f(z): its value, and its slope from z and y."""

    value: Callable[[Arithmetic, Numbers], Numbers]
    slope: Callable[[Arithmetic, Numbers, Numbers], Numbers]


def _bell(a: Arithmetic, z: Numbers) -> Numbers:
    """σ'(z) = e/(1 + e)² with e = e^-|z|: nothing cancels in either tail."""
    e = a.exp(-a.absolute(z))
    return e / (1 + e) ** 2


def _root_two(a: Arithmetic, z: Numbers) -> Numbers:
    """√2 in the number type of z."""
    return a.sqrt(a.pi(z) * 0 + 2)


def _gelu(a: Arithmetic, z: Numbers) -> Numbers:
    """z Φ(z)."""
    return z / 2 * a.erfc(-z / _root_two(a, z))


def _gelu_slope(a: Arithmetic, z: Numbers, _: Numbers) -> Numbers:
    """Φ(z) + z φ(z)."""
    density = a.exp(-z * z / 2) / a.sqrt(2 * a.pi(z))
    return a.erfc(-z / _root_two(a, z)) / 2 + z * density


def _erf_slope(a: Arithmetic, z: Numbers, _: Numbers) -> Numbers:
    """2/√π e^-z²."""
    return 2 * a.exp(-z * z) / a.sqrt(a.pi(z))


ROWS: Mapping[str, Row] = MappingProxyType(
    {
        "exp": Row(lambda a, z: a.exp(z), lambda _, __, y: y),
        "log": Row(lambda a, z: a.log(z), lambda _, z, __: 1 / z),
        "sqrt": Row(lambda a, z: a.sqrt(z), lambda _, __, y: 1 / (2 * y)),
        "erf": Row(lambda a, z: a.erf(z), _erf_slope),
        "abs": Row(lambda a, z: a.absolute(z), lambda a, z, _: a.step(z) - a.step(-z)),
        "step": Row(lambda a, z: a.step(z), lambda _, z, __: z * 0),
        "identity": Row(lambda _, z: z, lambda _, z, __: z * 0 + 1),
        "sigmoid": Row(lambda a, z: a.sigmoid(z), lambda a, z, _: _bell(a, z)),
        "tanh": Row(lambda a, z: a.tanh(z), lambda a, z, _: 4 * _bell(a, 2 * z)),
        "relu": Row(lambda a, z: a.maximum(z, z * 0), lambda a, z, _: a.step(z)),
        "leaky_relu": Row(
            lambda a, z: a.maximum(z, z / 100),
            lambda a, z, _: (1 + 99 * a.step(z)) / 100,
        ),
        "softplus": Row(lambda a, z: a.softplus(z), lambda a, z, _: a.sigmoid(z)),
        "silu": Row(
            lambda a, z: z * a.sigmoid(z),
            lambda a, z, _: a.sigmoid(z) * (1 + z * a.sigmoid(-z)),
        ),
        "gelu": Row(_gelu, _gelu_slope),
    }
)


def called(name: str, z: Var) -> Var:
    """A function of one argument, by name."""
    a, row, u = z.arithmetic, ROWS[name], z.value
    y = row.value(a, u)
    return z.made(y, (z, lambda g: g * row.slope(a, u, y)))


def maximum(first: Var, second: object) -> Var:
    """The larger of two; where they are equal the slope is the second's."""
    a, b = first.value, first.lifted(second)
    left = first.arithmetic.step(a - b.value)
    value = first.arithmetic.maximum(a, b.value)
    return applied(value, [(first, left), (b, 1 - left)])


def _named(name: str) -> Callable[[Var], Var]:
    """The function of one argument of that name."""
    return lambda z: called(name, z)


FUNCTIONS: Mapping[str, Callable[..., Var]] = MappingProxyType(
    {name: _named(name) for name in ROWS} | {"max": maximum, "Max": maximum}
)
"""The functions that formulas may name."""


# ---- functions of all units of a layer


def softmax(z: Var) -> Var:
    """o_k = e^z_k/Σ_j e^z_j over the units."""
    a, u = z.arithmetic, z.value
    e = a.exp(u - _shift(u))
    o = e / np.sum(e, axis=-1, keepdims=True)

    def pull(g: Numbers) -> Numbers:
        """Σ_j g_j o_j (δ_jk - o_k) = o_k Σ_j o_j (g_k - g_j): no 1 - o cancels."""
        spread = g[..., :, None] - g[..., None, :]
        return o * np.sum(o[..., None, :] * spread, axis=-1)

    return z.made(o, (z, pull))


def log_odds(z: Var) -> Var:
    """d_k = z_k - log Σ_{j≠k} e^z_j, for which softmax is σ(d_k); two units or more."""
    a, u = z.arithmetic, z.value
    others = 1 - np.eye(u.shape[-1], dtype=int)
    top, first, second = _two_shifts(u)
    # Seen from the top unit the others are small: they have a shift of their own.
    large, small = a.exp(u - first), a.exp(np.where(top, second, u) - second)
    of_top = np.sum(np.where(top, 0, small), axis=-1, keepdims=True)
    total = np.where(top, of_top, np.matmul(large, others))

    def pull(g: Numbers) -> Numbers:
        """g_j - Σ_{k≠j} g_k e^z_j/Σ_{i≠k} e^z_i."""
        seen = np.where(top[..., :, None], small[..., None, :], large[..., None, :])
        share = seen * others / total[..., :, None]
        return g - np.matmul(g[..., None, :], share)[..., 0, :]

    return z.made(u - (np.where(top, second, first) + a.log(total)), (z, pull))


def _two_shifts(z: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Where the largest unit is, its real part, and that of the next.

    Numbers of another kind have wide exponents, and balls no largest: nowhere, 0, 0.
    """
    if z.dtype == object:
        return np.zeros(z.shape, bool), 0, 0
    real = np.real(z)
    top = np.arange(z.shape[-1]) == np.argmax(real, axis=-1, keepdims=True)
    pair = np.sort(real, axis=-1)[..., -2:]
    return top, pair[..., 1:], pair[..., :1]


def _shift(z: Numbers) -> Numbers:
    """What is taken off before exponentials of the last axis: the largest real part.

    Numbers of another kind have wide exponents, and balls have no largest: 0 there.
    """
    if z.dtype == object:
        return 0
    return np.max(np.real(z), axis=-1, keepdims=True)
