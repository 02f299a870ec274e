"""What a tape needs besides + - * / and @: NumPy's functions, or a caller's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from symbackprop.errors import InputError
from symbackprop.ops import forward

Numbers: TypeAlias = Any
"""A number or an array: float, complex, or objects of another kind of number."""
Function: TypeAlias = Callable[..., Numbers]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Elementwise functions of one kind of number, and π as that kind."""

    exp: Function
    log: Function
    log1p: Function
    sqrt: Function
    erf: Function
    erfc: Function
    tanh: Function
    sigmoid: Function
    softplus: Function
    absolute: Function
    step: Function
    maximum: Function
    pi: Callable[[Numbers], Numbers]


def elementwise(functions: Mapping[str, Function], pi: object) -> Arithmetic:
    """The arithmetic of any number type, from its functions of one number.

    Values are object arrays. Needed: exp, log, sqrt, erf, erfc, absolute, step and
    maximum; log1p, tanh, sigmoid and softplus are made of them where they are missing.
    """
    exp, log, maximum = functions["exp"], functions["log"], functions["maximum"]
    absolute = functions["absolute"]

    def log1p(z: Numbers) -> Numbers:
        """log(1 + z)."""
        return log(1 + z)

    def tanh(z: Numbers) -> Numbers:
        """1 - 2/(1 + e^2z)."""
        return 1 - 2 / (1 + exp(2 * z))

    def sigmoid(z: Numbers) -> Numbers:
        """1/(1 + e^-z)."""
        return 1 / (1 + exp(-z))

    def softplus(z: Numbers) -> Numbers:
        """max(z, 0) + log(1 + e^-|z|)."""
        return maximum(z, z * 0) + made["log1p"](exp(-absolute(z)))

    made: dict[str, Function] = {
        "log1p": log1p,
        "tanh": tanh,
        "sigmoid": sigmoid,
        "softplus": softplus,
        **functions,
    }
    names = [name for name in Arithmetic.__dataclass_fields__ if name != "pi"]
    lifted = {
        name: np.frompyfunc(made[name], 2 if name == "maximum" else 1, 1)
        for name in names
    }
    return Arithmetic(**lifted, pi=lambda _: pi)


def _analytic(name: str) -> Function:
    """A function of ops/forward.py, by the kind of its argument."""
    of_real, of_complex = forward.ARRAY[name], forward.COMPLEX.get(name)

    def function(*z: Numbers) -> Numbers:
        """The function of real arrays, or of complex ones where there is one."""
        if not any(np.iscomplexobj(part) for part in z):
            return of_real(*z)
        if of_complex is None:
            raise InputError(
                f"{name} takes no complex number",
                hint="the complex step needs a loss without kinks and without erf",
            )
        return of_complex(*z)

    return function


def _real(function: Function, name: str) -> Function:
    """A function that complex numbers would pass through without a sound."""

    def guarded(*z: Numbers) -> Numbers:
        """The function of real numbers."""
        if any(np.iscomplexobj(part) for part in z):
            raise InputError(f"{name} takes no complex number")
        return function(*z)

    return guarded


def _log(z: Numbers) -> Numbers:
    """The natural logarithm; nan, without a warning, outside its domain."""
    return np.log(np.where(np.real(z) > 0.0, z, np.nan))


def _log1p(z: Numbers) -> Numbers:
    """log(1 + z)."""
    return forward.complex_log1p(z) if np.iscomplexobj(z) else np.log1p(z)


def _sqrt(z: Numbers) -> Numbers:
    """The square root; nan, without a warning, outside its domain."""
    return np.sqrt(np.where(np.real(z) >= 0.0, z, np.nan))


def _pi(z: Numbers) -> Numbers:
    """π in the type of z, all of its digits."""
    kind = np.result_type(np.real(z).dtype, np.float16).type
    return kind("3.14159265358979323846264338327950288")


NUMPY = Arithmetic(
    exp=np.exp,
    log=_log,
    log1p=_log1p,
    sqrt=_sqrt,
    erf=_analytic("erf"),
    erfc=_analytic("erfc"),
    tanh=_analytic("tanh"),
    sigmoid=_analytic("sigmoid"),
    softplus=_analytic("softplus"),
    absolute=_real(np.abs, "abs"),
    step=_analytic("step"),
    maximum=_real(np.maximum, "max"),
    pi=_pi,
)
