"""symbackprop derives, checks and presents backpropagation, one reasoned line a time.

The public names are loaded on first use, so that the command line's help stays quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from symbackprop.version import __version__

if TYPE_CHECKING:
    from symbackprop.computed import compiled
    from symbackprop.derived import Derivation, Derivations, derive
    from symbackprop.drawn import draw
    from symbackprop.errors import InputError, Refused, SymbackpropError, TooLarge
    from symbackprop.examined import Report, Verdict, check, check_function
    from symbackprop.examples import load_example
    from symbackprop.graph.build import graph_of
    from symbackprop.judged import verify
    from symbackprop.network import Layer, Network
    from symbackprop.rendered import render
    from symbackprop.trained import Trained, train
    from symbackprop.worked import Numbers, numbers

_HOMES = {
    "compiled": "symbackprop.computed",
    "Derivation": "symbackprop.derived",
    "Derivations": "symbackprop.derived",
    "derive": "symbackprop.derived",
    "render": "symbackprop.rendered",
    "draw": "symbackprop.drawn",
    "InputError": "symbackprop.errors",
    "Refused": "symbackprop.errors",
    "SymbackpropError": "symbackprop.errors",
    "TooLarge": "symbackprop.errors",
    "Report": "symbackprop.examined",
    "Verdict": "symbackprop.examined",
    "check": "symbackprop.examined",
    "check_function": "symbackprop.examined",
    "load_example": "symbackprop.examples",
    "graph_of": "symbackprop.graph.build",
    "verify": "symbackprop.judged",
    "Layer": "symbackprop.network",
    "Network": "symbackprop.network",
    "Numbers": "symbackprop.worked",
    "numbers": "symbackprop.worked",
    "Trained": "symbackprop.trained",
    "train": "symbackprop.trained",
}

__all__ = [
    "Derivation",
    "Derivations",
    "InputError",
    "Layer",
    "Network",
    "Numbers",
    "Refused",
    "Report",
    "SymbackpropError",
    "TooLarge",
    "Trained",
    "Verdict",
    "__version__",
    "check",
    "check_function",
    "compiled",
    "derive",
    "draw",
    "graph_of",
    "load_example",
    "numbers",
    "render",
    "train",
    "verify",
]


def __getattr__(name: str) -> object:
    """A public name, imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'symbackprop' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
