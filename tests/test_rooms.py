"""Who imports whom, how long files are, and what is written nowhere: read with `ast`.

A room is a folder of the package or a file at its top. The table here and the one in
docs/design.md are the same.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "symbackprop"
FILES = sorted(
    file
    for file in PACKAGE.rglob("*.py")
    if PACKAGE / "worked_examples" not in file.parents
)
MAX_LINES = 400
MAX_STEP_CODE = 150
MAX_KERNEL_README = 35

ROOMS: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "network": {"errors"},
    "notation": {"errors"},
    "ops": {"errors"},
    "formula": {"errors"},
    "examples": {"errors", "network", "notation", "ops", "formula"},
    "graph": {"errors", "network", "notation", "ops", "formula", "examples"},
    "kernel": {"errors", "formula"},
    "strategies": {"errors", "ops", "formula", "examples", "graph", "kernel"},
    "checks": {
        "errors",
        "network",
        "notation",
        "ops",
        "examples",
        "formula",
        "graph",
        "kernel",
        "numeric",
        "reference",
    },
    "numeric": {"errors", "ops", "formula", "graph", "kernel"},
    "reference": {"errors", "network", "ops"},
    "renderers": {"errors", "notation", "ops", "formula", "graph", "kernel", "numeric"},
    "drawing": {"errors", "notation", "ops", "formula", "graph", "kernel", "renderers"},
    "derived": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "checks",
        "renderers",
    },
    "claims": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "checks",
    },
    "computed": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "derived",
    },
    "worked": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "derived",
        "computed",
    },
    "trained": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "derived",
        "computed",
    },
    "examined": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "reference",
        "checks",
        "renderers",
        "derived",
        "computed",
    },
    "judged": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "checks",
        "claims",
        "renderers",
        "derived",
        "computed",
        "worked",
        "trained",
    },
    "plotted": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "drawing",
        "derived",
        "computed",
        "worked",
        "trained",
    },
    "drawn": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "drawing",
        "derived",
        "computed",
        "worked",
        "trained",
        "plotted",
    },
    "rendered": {
        "errors",
        "network",
        "notation",
        "ops",
        "formula",
        "examples",
        "graph",
        "kernel",
        "strategies",
        "numeric",
        "renderers",
        "drawing",
        "derived",
        "computed",
        "worked",
        "trained",
        "drawn",
        "plotted",
    },
    "commands": {
        "errors",
        "examples",
        "checks",
        "renderers",
        "derived",
        "computed",
        "worked",
        "trained",
        "examined",
        "judged",
        "drawn",
        "rendered",
    },
    "cli": {"errors", "version", "commands"},
    "__init__": {
        "version",
        "errors",
        "network",
        "examples",
        "graph",
        "derived",
        "computed",
        "worked",
        "trained",
        "examined",
        "judged",
        "drawn",
        "rendered",
    },
    "__main__": {"cli"},
}
"""Room: the rooms that it may import, besides itself."""

OUTSIDE: dict[str, set[str]] = {
    "sympy": {"formula/door.py", "numeric/codegen.py", "numeric/reduction.py"},
    "numpy": {"ops/forward.py", "numeric", "reference", "checks"},
    "flint": {"kernel", "numeric", "checks", "claims"},
    "latex2mathml": {"renderers/mathml.py", "renderers/latex_reader.py"},
}
"""Package from outside: the rooms or files that may import it."""

FOR_TYPES_ALONE = {("derived.py", "sympy"), ("graph/graph.py", "sympy")}
"""Imported under TYPE_CHECKING, so never when the code runs."""

LAZY: dict[tuple[str, str], str] = {
    ("derived.py", "symbackprop.formula.door"): "SymPy is loaded when first asked for",
    ("graph/graph.py", "symbackprop.formula.door"): "the same",
}
"""Imports inside a function: the file, what it imports, why.

A command imports what computes when it runs, so that --help loads none of it.
"""

FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "sympify",
    "parse_expr",
    "simplify",
    "evaluate",
}


@dataclass(frozen=True)
class Import:
    """One imported module, with the names taken from it."""

    module: str
    names: tuple[str, ...]
    line: int
    inside: bool
    typing: bool


def imports(tree: ast.Module) -> Iterator[Import]:
    """Every import of a file, wherever it stands."""
    pending: list[tuple[ast.AST, bool, bool]] = [(tree, False, False)]
    while pending:
        node, inside, typing = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, (), node.lineno, inside, typing)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            module = "." * node.level + (node.module or "")
            yield Import(module, names, node.lineno, inside, typing)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guard = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        pending += [
            (child, inside or function, typing or guard)
            for child in ast.iter_child_nodes(node)
        ]


def room_of(file: str) -> str:
    """The room of a file, given by its path in the package."""
    first, _, rest = file.partition("/")
    return first if rest else first.removesuffix(".py")


def violations(file: str, source: str) -> list[str]:
    """What a file's imports do that the tables do not allow."""
    found: list[str] = []
    for item in imports(ast.parse(source)):
        top, *below = item.module.split(".")
        where = f"{file}:{item.line}: {item.module}"
        if top == "":
            found.append(f"{where}: a relative import")
            continue
        lazy = (file, item.module) in LAZY or room_of(file) == "commands"
        if item.inside and not lazy:
            found.append(f"{where}: an import inside a function")
        if top == "symbackprop":
            rooms = {below[0]} if below else set(item.names) or {"__init__"}
            allowed = ROOMS[room_of(file)] | {room_of(file)}
            found += [
                f"{where}: {room_of(file)} may not import {room}"
                for room in sorted(rooms - allowed)
            ]
            private = [n for n in item.names if n[0] == "_" and not n.endswith("__")]
            found += [f"{where}: {name} is private" for name in private]
        elif top in OUTSIDE:
            typed = item.typing and (file, top) in FOR_TYPES_ALONE
            if not {file, room_of(file)} & OUTSIDE[top] and not typed:
                found.append(f"{where}: {top} is imported elsewhere")
        elif top not in sys.stdlib_module_names:
            found.append(f"{where}: {top} is no dependency of this room")
    return found


def name_of_call(node: ast.Call) -> str:
    """The last part of what is called."""
    called = node.func
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""


def dangerous(file: str, source: str) -> list[str]:
    """Calls that run text as code, guess at it, or rewrite without a named reason."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = name_of_call(node)
        method = isinstance(node.func, ast.Attribute)
        safe = method and ast.unparse(node.func) == "re.compile"
        if name in FORBIDDEN_CALLS and not safe:
            found.append(f"{file}:{node.lineno}: {name}(…)")
    return found


def steps_made(file: str, source: str) -> list[str]:
    """Ways to a Step that are open to the kernel's rules alone."""
    if room_of(file) == "kernel":
        return []
    found: list[str] = []
    tree = ast.parse(source)
    for item in imports(tree):
        if item.module == "symbackprop.kernel.step" and "made" in item.names:
            found.append(f"{file}:{item.line}: imports made")
        if item.module == "symbackprop.kernel" and "step" in item.names:
            found.append(f"{file}:{item.line}: imports the module of made")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of_call(node) == "Step":
            found.append(f"{file}:{node.lineno}: calls Step")
        if not isinstance(node, ast.Name | ast.Attribute):
            continue
        whole = ast.unparse(node)
        if whole.split(".")[-1] == "_MAKER":
            found.append(f"{file}:{node.lineno}: names the maker key")
        if whole in ("Step.__new__", "object.__new__"):
            found.append(f"{file}:{node.lineno}: goes around the constructor")
    return found


def code_lines(source: str) -> int:
    """Lines that are neither blank, comment nor docstring."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                skipped |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    return sum(
        1
        for number, line in enumerate(source.splitlines(), 1)
        if number not in skipped and line.strip() and not line.strip().startswith("#")
    )


def named(file: Path) -> str:
    """A file's path in the package."""
    return file.relative_to(PACKAGE).as_posix()


every_file = pytest.mark.parametrize("file", FILES, ids=named)


@every_file
def test_a_file_imports_only_what_its_room_may(file):
    assert violations(named(file), file.read_text("utf-8")) == []


@every_file
def test_a_file_stays_within_its_budget(file):
    lines = file.read_text("utf-8").count("\n")
    assert lines <= MAX_LINES


@every_file
def test_no_file_runs_text_or_simplifies(file):
    assert dangerous(named(file), file.read_text("utf-8")) == []


@every_file
def test_only_the_kernels_rules_make_steps(file):
    assert steps_made(named(file), file.read_text("utf-8")) == []


def test_every_room_has_a_row_and_every_row_a_room():
    assert {room_of(named(file)) for file in FILES} == set(ROOMS)


def test_the_table_has_no_cycle():
    done: set[str] = set()
    while len(done) < len(ROOMS):
        ready = {room for room, needs in ROOMS.items() if needs <= done} - done
        assert ready, f"a cycle among {sorted(set(ROOMS) - done)}"
        done |= ready


def test_the_lists_of_exceptions_have_no_row_to_spare():
    found = {
        named(file): list(imports(ast.parse(file.read_text("utf-8")))) for file in FILES
    }
    inside = {(file, i.module) for file, row in found.items() for i in row if i.inside}
    typed = {
        (file, i.module) for file, row in found.items() for i in row if i.typing
    } - {(file, i.module) for file, row in found.items() for i in row if not i.typing}
    outside = {
        (i.module.split(".")[0], place)
        for file, row in found.items()
        for i in row
        for place in (file, room_of(file))
    }
    assert set(LAZY) <= inside
    assert typed >= FOR_TYPES_ALONE
    assert {(top, file) for top, files in OUTSIDE.items() for file in files} <= outside


def test_the_design_page_shows_this_table():
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    shown = {
        row[1]: set(re.findall(r"`(\w+)`", row[2]))
        for row in re.finditer(r"^\| `(\w+)` \| ([^|]*) \|", page, re.MULTILINE)
    }
    assert shown == ROOMS


def test_the_kernels_heart_is_small():
    source = (PACKAGE / "kernel" / "step.py").read_text("utf-8")
    assert 50 < code_lines(source) <= MAX_STEP_CODE


def test_the_kernel_says_why_in_a_few_lines():
    text = (PACKAGE / "kernel" / "README.md").read_text("utf-8")
    assert 0 < len(text.splitlines()) <= MAX_KERNEL_README


def test_help_and_version_load_neither_sympy_nor_numpy():
    code = (
        "import sys\n"
        "from symbackprop.cli import main\n"
        "try:\n"
        "    main([sys.argv[1]])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print({'sympy', 'numpy', 'flint'} & set(sys.modules), file=sys.stderr)\n"
    )
    for option in ("--help", "--version"):
        done = subprocess.run(
            [sys.executable, "-c", code, option],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        assert "symbackprop" in done.stdout
        assert done.stderr.strip() == "set()"


MUTANTS = [
    ("kernel/rules.py", "from symbackprop.graph.graph import Graph", "may not import"),
    ("kernel/rules.py", "import symbackprop.ops.table", "may not import ops"),
    ("kernel/rules.py", "from symbackprop import graph_of", "may not import graph_of"),
    ("formula/tree.py", "import sympy", "sympy is imported elsewhere"),
    ("kernel/rules.py", "from sympy.core import Expr", "sympy is imported elsewhere"),
    (
        "ops/op.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import sympy",
        "sympy is imported elsewhere",
    ),
    ("renderers/text.py", "from symbackprop.strategies import paths", "may not import"),
    ("strategies/paths.py", "import numpy as np", "numpy is imported elsewhere"),
    ("strategies/paths.py", "import scipy", "scipy is no dependency"),
    ("strategies/paths.py", "from ..graph import graph", "a relative import"),
    ("computed.py", "from symbackprop.derived import _Work", "_Work is private"),
    ("ops/table.py", "def f():\n    import json", "an import inside a function"),
    ("ops/table.py", "class A:\n  def f(self):\n    import re", "inside a function"),
]


@pytest.mark.parametrize(("file", "source", "what"), MUTANTS)
def test_a_forbidden_import_is_flagged(file, source, what):
    found = violations(file, source)
    assert len(found) == 1
    assert what in found[0]


@pytest.mark.parametrize(
    "source",
    [
        "eval('1 + 1')",
        "exec(text)",
        "compile(text, '', 'eval')",
        "import sympy\nsympy.sympify('x')",
        "from sympy.parsing.sympy_parser import parse_expr\nparse_expr('x')",
        "import sympy\nwith sympy.evaluate(False):\n    pass",
        "form.simplify()",
    ],
)
def test_a_dangerous_call_is_flagged(source):
    assert len(dangerous("formula/door.py", source)) == 1


def test_a_compiled_pattern_is_not_flagged():
    assert dangerous("ops/table.py", "import re\nWORD = re.compile('[a-z]')") == []


@pytest.mark.parametrize(
    "source",
    [
        "from symbackprop.kernel.step import made",
        "from symbackprop.kernel import step",
        "from symbackprop.kernel.step import Step\nStep(1)",
        "from symbackprop.kernel import rules\nrules.Step(1)",
        "x = rules._MAKER",
        "Step.__new__(Step)",
        "object.__new__(Step)",
    ],
)
def test_a_step_from_elsewhere_is_flagged(source):
    assert len(steps_made("strategies/paths.py", source)) == 1


def test_lines_of_code_are_counted_without_words():
    source = '"""Words.\n\nMore."""\n\n# a note\nx = 1  # one\n\n\ndef f():\n'
    assert code_lines(source + '    """More words."""\n    return x\n') == 3
