"""A compiled gradient as a Python module that runs alone."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction as Rational
from types import FunctionType
from typing import Any

from symbackprop.formula.tree import Name
from symbackprop.numeric.codegen import Code, plain
from symbackprop.numeric.columns import float_of
from symbackprop.numeric.program import Program
from symbackprop.ops.forward import ARRAY

_ELEMENTARY = ("exp", "log", "sqrt", "power")
_USE = """\
gradient(*values) takes floats or columns in the order of ARGUMENTS and returns what
OUTPUTS names: the loss, then its derivative by each parameter."""


def module_of(program: Program, title: str, values: Mapping[Name, Rational]) -> str:
    """The text: helpers, ids, the function, and an example if there are values."""
    code = Code(program, (program.loss, *program.gradient.values()))
    called = set(code.function.__code__.co_names)
    helpers_text = helper_source([ARRAY[name] for name in ARRAY if name in called])
    said = plain(title).replace('"', "").replace("\\", "")
    lines = [f'"""{said}', "", _USE, '"""', ""]
    if "math." in helpers_text:
        lines += ["import math", ""]
    if "Any" in helpers_text:
        lines += ["from typing import Any", ""]
    lines += ["import numpy as np", ""]
    lines += [f"{name} = np.{name}" for name in _ELEMENTARY if name in called]
    if helpers_text:
        lines += ["", helpers_text]
    for name, meaning in code.functions.items():
        stub = f"    raise NotImplementedError({'put in ' + meaning!a})"
        lines += ["", f"def {name}(*arguments):", stub, ""]
    names = ["loss", *(name.id for name in program.gradient)]
    lines += [
        "",
        f"ARGUMENTS = {_tuple([name.id for name in program.arguments])}",
        f"OUTPUTS = {_tuple(names)}",
        "",
        "",
        code.source,
    ]
    if all(name in values for name in program.arguments):
        given = [repr(float_of(values[name])) for name in program.arguments]
        lines += [
            "",
            'if __name__ == "__main__":',
            f"    values = {_tuple(given, '        ', str)[:-1]}    )",
            "    for name, value in zip(OUTPUTS, gradient(*values), strict=True):",
            "        print(name, '=', float(value))",
        ]
    return "\n".join(lines).rstrip() + "\n"


def helper_source(functions: Sequence[Callable[..., Any]]) -> str:
    """The text of helper functions, each after those that it calls."""
    found: dict[str, str] = {}
    begun: set[str] = set()

    def add(function: Callable[..., Any]) -> None:
        """A function after the ones that it uses."""
        if not isinstance(function, FunctionType) or function.__name__ in begun:
            return
        begun.add(function.__name__)
        for name in function.__code__.co_names:
            inner = function.__globals__.get(name)
            local = isinstance(inner, FunctionType)
            if local and inner.__module__ == function.__module__:
                add(inner)
        found[function.__name__] = inspect.getsource(function)

    for function in functions:
        add(function)
    return "\n\n".join(found.values())


def _tuple(
    names: Sequence[str],
    indent: str = "    ",
    shown: Callable[[str], str] = ascii,
) -> str:
    """Names as the text of a tuple, a few a line."""
    rows = [names[start : start + 6] for start in range(0, len(names), 6)]
    inside = "\n".join(indent + " ".join(f"{shown(n)}," for n in row) for row in rows)
    return f"(\n{inside}\n)" if names else "()"
