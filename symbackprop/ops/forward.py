"""Activations in plain arithmetic, stable for |z| up to 1000: arrays, floats, complex.

Every function here uses NumPy, math and other functions of this file alone, so that its
source can be printed into a module that runs by itself. No slope stands here.
"""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np

# ---- real arrays; float32, float64 and longdouble keep their type


def identity(z: np.ndarray) -> np.ndarray:
    """z."""
    return z


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1/(1 + e^-z), as e^z/(1 + e^z): the lower tail underflows gradually."""
    e = np.exp(np.minimum(z, 80.0))  # beside e^80 the 1 is lost in every float type
    return e / (1.0 + e)


def tanh(z: np.ndarray) -> np.ndarray:
    """(e^z - e^-z)/(e^z + e^-z)."""
    return np.tanh(z)


def relu(z: np.ndarray) -> np.ndarray:
    """max(0, z)."""
    return np.maximum(z, 0.0)


def leaky_relu(z: np.ndarray) -> np.ndarray:
    """max(z, z/100): a division, because 0.01 is not a hundredth."""
    return np.maximum(z, z / 100.0)


def softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + e^z), as max(z, 0) + log(1 + e^-|z|)."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def silu(z: np.ndarray) -> np.ndarray:
    """z sigmoid(z)."""
    return z * sigmoid(z)


def gelu(z: np.ndarray) -> np.ndarray:
    """z/2 (1 + erf(z/√2)), as z/2 erfc(-z/√2), which keeps the lower tail."""
    half = np.asarray(z)
    half = half.astype(np.result_type(half.dtype, np.float16)) / 2.0
    return half * erfc(-half * np.sqrt(half.dtype.type(2.0)))


def step(z: np.ndarray) -> np.ndarray:
    """1 where z > 0, else 0."""
    return np.heaviside(z, 0.0)


def erf(z: np.ndarray) -> np.ndarray:
    """2/√π times the integral of e^-t² from 0 to z."""
    z = np.asarray(z)
    if z.dtype.itemsize > 8:
        small = np.minimum(np.abs(z), 1.0)
        tail = erfc_of_large(np.maximum(np.abs(z), 1.0))
        value = np.where(np.abs(z) < 1.0, erf_of_small(small), 1.0 - tail)
        return np.copysign(value, z)[()]
    flat = np.fromiter(map(math.erf, z.ravel().tolist()), float, z.size)
    return flat.reshape(z.shape).astype(np.result_type(z.dtype, np.float16))[()]


def erfc(z: np.ndarray) -> np.ndarray:
    """1 - erf(z), to full relative accuracy where it is small."""
    z = np.asarray(z)
    if z.dtype.itemsize > 8:
        small = np.minimum(np.abs(z), 1.0)
        tail = erfc_of_large(np.maximum(np.abs(z), 1.0))
        value = np.where(np.abs(z) < 1.0, 1.0 - erf_of_small(small), tail)
        return np.where(z < 0.0, 2.0 - value, value)[()]
    flat = np.fromiter(map(math.erfc, z.ravel().tolist()), float, z.size)
    return flat.reshape(z.shape).astype(np.result_type(z.dtype, np.float16))[()]


def erf_of_small(x: np.ndarray) -> np.ndarray:
    """2/√π e^-x² Σ 2^n x^(2n+1)/(2n+1)!!, all terms positive, for 0 <= x <= 1."""
    term, total = x, x
    for n in range(1, 32):
        term = term * (2.0 * x * x) / (2.0 * n + 1.0)
        total = total + term
    pi = x.dtype.type("3.14159265358979323846264338327950288")
    return total * np.exp(-x * x) * 2.0 / np.sqrt(pi)


def erfc_of_large(x: np.ndarray) -> np.ndarray:
    """x e^-x²/π times the integral of e^-t²/(t² + x²), by trapezoids, for x >= 1.

    The rule's error falls as e^-(π/h)²; up to x = π/h the pole at t = ix is taken out.
    """
    x = np.minimum(x, 200.0)  # e^-40000 is 0 in every type, and x² stays exact below
    h = x.dtype.type(0.34375)
    total = 1.0 / (x * x)
    for k in range(1, 28):
        node = (k * h) ** 2
        total = total + 2.0 * np.exp(-node) / (node + x * x)
    pi = x.dtype.type("3.14159265358979323846264338327950288")
    pole = np.where(x < 9.0, 2.0 / np.expm1(2.0 * pi / h * np.minimum(x, 9.0)), 0.0)
    # x² in two parts: the exponential would magnify the rounding of a plain square.
    head = np.rint(x * 65536.0) / 65536.0
    gauss = np.exp(-head * head) * np.exp((head - x) * (head + x))
    return x * h / pi * gauss * total - pole


def highest(*z: np.ndarray) -> np.ndarray:
    """The largest of several columns: the shift of softmax and log-sum-exp."""
    most = z[0]
    for other in z[1:]:
        most = np.maximum(most, other)
    return most


def logsumexp(*z: np.ndarray) -> np.ndarray:
    """log Σ e^z over several columns."""
    shift = highest(*z)
    total = np.exp(z[0] - shift)
    for other in z[1:]:
        total = total + np.exp(other - shift)
    return shift + np.log(total)


def log_share(z: np.ndarray, *others: np.ndarray) -> np.ndarray:
    """log of e^z/(e^z + Σ e^others) over columns; accurate for a share near 1."""
    return -softplus(logsumexp(*others) - z) if others else z * 0.0


def softmax(z: np.ndarray) -> np.ndarray:
    """e^z/Σ e^z over the last axis."""
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def log_softmax(z: np.ndarray) -> np.ndarray:
    """log softmax over the last axis; accurate where the share is near 1."""
    ordered = np.sort(z, axis=-1)
    most = ordered[..., -1:]
    rest = np.sum(np.exp(ordered[..., :-1] - most), axis=-1, keepdims=True)
    return (z - most) - np.log1p(rest)


ARRAY: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "identity": identity,
        "sigmoid": sigmoid,
        "tanh": tanh,
        "relu": relu,
        "leaky_relu": leaky_relu,
        "softplus": softplus,
        "silu": silu,
        "gelu": gelu,
        "step": step,
        "erf": erf,
        "erfc": erfc,
        "highest": highest,
        "logsumexp": logsumexp,
        "log_share": log_share,
        "softmax": softmax,
        "log_softmax": log_softmax,
    }
)


# ---- one Python float, without NumPy


def scalar_identity(z: float) -> float:
    """z."""
    return z


def scalar_sigmoid(z: float) -> float:
    """1/(1 + e^-z), from the side that cannot overflow."""
    if z >= 0.0:
        return 1.0 / (1.0 + math.exp(-z))
    e = math.exp(z)
    return e / (1.0 + e)


def scalar_tanh(z: float) -> float:
    """(e^z - e^-z)/(e^z + e^-z)."""
    return math.tanh(z)


def scalar_relu(z: float) -> float:
    """max(0, z); nan stays nan."""
    return 0.0 if z <= 0.0 else z  # noqa: FURB136 - max would swallow nan


def scalar_leaky_relu(z: float) -> float:
    """max(z, z/100)."""
    return z / 100.0 if z < 0.0 else z


def scalar_softplus(z: float) -> float:
    """log(1 + e^z), as max(z, 0) + log(1 + e^-|z|)."""
    tail = math.log1p(math.exp(-abs(z)))
    return tail if z < 0.0 else z + tail


def scalar_silu(z: float) -> float:
    """z sigmoid(z)."""
    return z * scalar_sigmoid(z)


def scalar_gelu(z: float) -> float:
    """z/2 (1 + erf(z/√2)), as z/2 erfc(-z/√2)."""
    return z / 2.0 * math.erfc(-z / math.sqrt(2.0))


def scalar_step(z: float) -> float:
    """1 where z > 0, else 0; nan stays nan."""
    if z > 0.0:
        return 1.0
    return 0.0 if z <= 0.0 else z  # noqa: FURB136 - max would swallow nan


def scalar_erf(z: float) -> float:
    """2/√π times the integral of e^-t² from 0 to z."""
    return math.erf(z)


def scalar_erfc(z: float) -> float:
    """1 - erf(z)."""
    return math.erfc(z)


def scalar_highest(*z: float) -> float:
    """The largest of several numbers."""
    return max(z)


def scalar_logsumexp(*z: float) -> float:
    """log Σ e^z."""
    shift = max(z)
    return shift + math.log(sum([math.exp(other - shift) for other in z]))


def scalar_log_share(z: float, *others: float) -> float:
    """log of e^z/(e^z + Σ e^others)."""
    return -scalar_softplus(scalar_logsumexp(*others) - z) if others else z * 0.0


def scalar_softmax(z: list[float]) -> list[float]:
    """e^z/Σ e^z."""
    shift = max(z)
    e = [math.exp(other - shift) for other in z]
    total = sum(e)
    return [part / total for part in e]


def scalar_log_softmax(z: list[float]) -> list[float]:
    """log softmax."""
    return [scalar_log_share(u, *z[:k], *z[k + 1 :]) for k, u in enumerate(z)]


SCALAR: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "identity": scalar_identity,
        "sigmoid": scalar_sigmoid,
        "tanh": scalar_tanh,
        "relu": scalar_relu,
        "leaky_relu": scalar_leaky_relu,
        "softplus": scalar_softplus,
        "silu": scalar_silu,
        "gelu": scalar_gelu,
        "step": scalar_step,
        "erf": scalar_erf,
        "erfc": scalar_erfc,
        "highest": scalar_highest,
        "logsumexp": scalar_logsumexp,
        "log_share": scalar_log_share,
        "softmax": scalar_softmax,
        "log_softmax": scalar_log_softmax,
    }
)


# ---- complex arrays, for the complex step: what has no kink, and no erf


def complex_log1p(z: np.ndarray) -> np.ndarray:
    """log(1 + z), its real part accurate where z is small."""
    u, v = np.real(z), np.imag(z)
    return 0.5 * np.log1p(u * (2.0 + u) + v * v) + 1j * np.arctan2(v, 1.0 + u)


def complex_sigmoid(z: np.ndarray) -> np.ndarray:
    """1/(1 + e^-z), from the side that cannot overflow."""
    right = np.real(z) > 0.0
    e = np.exp(np.where(right, -z, z))
    return np.where(right, 1.0, e) / (1.0 + e)


def complex_softplus(z: np.ndarray) -> np.ndarray:
    """log(1 + e^z), from the side that cannot overflow."""
    right = np.real(z) > 0.0
    return np.where(right, z, 0.0) + complex_log1p(np.exp(np.where(right, -z, z)))


def complex_silu(z: np.ndarray) -> np.ndarray:
    """z sigmoid(z)."""
    return z * complex_sigmoid(z)


def complex_softmax(z: np.ndarray) -> np.ndarray:
    """e^z/Σ e^z over the last axis."""
    e = np.exp(z - np.max(np.real(z), axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


COMPLEX: MappingProxyType[str, Callable[..., Any]] = MappingProxyType(
    {
        "identity": identity,
        "sigmoid": complex_sigmoid,
        "tanh": tanh,
        "softplus": complex_softplus,
        "silu": complex_silu,
        "log1p": complex_log1p,
        "softmax": complex_softmax,
    }
)
"""Missing on purpose: relu, leaky_relu, step, highest (kinks), gelu, erf, erfc."""
