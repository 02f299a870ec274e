"""The rows of the optimizers: one adds a way to update, with its rule as text.

A rule is a list of lines over the step t: theta the parameter, g the gradient of the
loss at theta[t-1], eta the learning rate. Every state is 0 at t = 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Setting:
    """A number of a rule: its key in a file, its letter in the rule, its default."""

    key: str
    letter: str
    default: str


@dataclass(frozen=True, slots=True)
class Fact:
    """What follows from a rule: a chain, each line of which has to be proved.

    From a quantity at a numbered step, such as v3, whose lines are written out from
    step 1 on; from a line's left side, such as v[t], whose right side it starts at,
    with `given` relations and the gradient `constant`; or from any form.
    """

    key: str
    start: str
    chain: tuple[str, ...]
    given: tuple[str, ...] = ()
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Optimizer:
    """One rule: `lines` in order, each an indexed letter and its form; `states` kept.

    The last line is theta[t].
    """

    name: str
    gloss: Mapping[str, str]
    lines: tuple[tuple[str, str], ...]
    states: tuple[str, ...] = ()
    settings: tuple[Setting, ...] = ()
    facts: tuple[Fact, ...] = ()
    source: str = ""


_ROWS = (
    Optimizer(
        "gradient descent",
        {"en": "gradient descent", "ko": "경사하강법"},
        (("theta[t]", "theta[t-1] - eta*g[t]"),),
        source="Goodfellow, Bengio, Courville, Deep Learning (2016), 8.3.1",
    ),
    Optimizer(
        "momentum",
        {"en": "momentum", "ko": "모멘텀"},
        (
            ("v[t]", "mu*v[t-1] - eta*g[t]"),
            ("theta[t]", "theta[t-1] + v[t]"),
        ),
        states=("v",),
        settings=(Setting("momentum", "mu", "0.9"),),
        facts=(
            Fact(
                "past_gradients",
                "v3",
                (
                    "mu*v2 - eta*g3",
                    "mu*(mu*(mu*v0 - eta*g1) - eta*g2) - eta*g3",
                    "-eta*(g3 + mu*g2 + mu**2*g1)",
                ),
            ),
            Fact(
                "terminal_velocity",
                "v[t]",
                (
                    "mu*(-(eta*g/(1 - mu))) - eta*g",
                    "-(eta*g/(1 - mu))",
                ),
                given=("v[t-1] = -(eta*g/(1 - mu))",),
                constant=True,
            ),
        ),
        source="Sutskever, Martens, Dahl, Hinton, ICML 2013, section 2",
    ),
    Optimizer(
        "adam",
        {"en": "Adam", "ko": "Adam"},
        (
            ("m[t]", "beta1*m[t-1] + (1 - beta1)*g[t]"),
            ("v[t]", "beta2*v[t-1] + (1 - beta2)*g[t]**2"),
            ("mhat[t]", "m[t]/(1 - beta1**t)"),
            ("vhat[t]", "v[t]/(1 - beta2**t)"),
            ("theta[t]", "theta[t-1] - eta*mhat[t]/(sqrt(vhat[t]) + epsilon)"),
        ),
        states=("m", "v"),
        settings=(
            Setting("beta1", "beta1", "0.9"),
            Setting("beta2", "beta2", "0.999"),
            Setting("epsilon", "epsilon", "1e-8"),
        ),
        facts=(
            Fact(
                "average",
                "m3",
                (
                    "beta1*m2 + (1 - beta1)*g3",
                    (
                        "beta1*(beta1*(beta1*m0 + (1 - beta1)*g1) + (1 - beta1)*g2)"
                        " + (1 - beta1)*g3"
                    ),
                    "(1 - beta1)*(g3 + beta1*g2 + beta1**2*g1)",
                ),
            ),
            Fact("weights_base", "(1 - beta1**0)*g", ("(1 - 1)*g", "0")),
            Fact(
                "weights_step",
                "m[t]",
                (
                    "beta1*((1 - beta1**(t - 1))*g) + (1 - beta1)*g",
                    "(1 - beta1**t)*g",
                ),
                given=("m[t-1] = (1 - beta1**(t - 1))*g", "beta1 > 0"),
                constant=True,
            ),
            Fact(
                "first_step",
                "mhat1",
                ("m1/(1 - beta1**1)", "(1 - beta1)*g1/(1 - beta1)", "g1"),
            ),
        ),
        source="Kingma, Ba, ICLR 2015, algorithm 1",
    ),
)

OPTIMIZERS = MappingProxyType({row.name: row for row in _ROWS})
