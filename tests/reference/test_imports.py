"""The witnesses share nothing with what they judge: their imports say so."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symbackprop

PACKAGE = Path(symbackprop.__file__).parent
FILES = sorted((PACKAGE / "reference").glob("*.py"))
ALLOWED = ("symbackprop.errors", "symbackprop.network", "symbackprop.reference")


def shared(source: str) -> list[str]:
    """What a file imports that a witness may not know."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            own = module.startswith(("symbackprop.ops.forward", *ALLOWED))
            top = module.split(".", maxsplit=1)[0]
            if not own and top != "numpy" and top not in sys.stdlib_module_names:
                found.append(module)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_witness_imports_forwards_and_no_slope(file):
    assert shared(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "from symbackprop.ops.table import OPS",
        "from symbackprop.ops import table",
        "import symbackprop.kernel.rules",
        "from symbackprop.graph.build import graph_of",
        "from symbackprop import derive",
        "import sympy",
        "from flint import arb",
    ],
)
def test_a_shared_import_would_be_seen(source):
    assert len(shared(source)) == 1


def test_loading_the_witnesses_loads_nothing_else():
    code = (
        "import sys\n"
        "import symbackprop.reference.engine, symbackprop.reference.difference\n"
        "print(*sorted(m for m in sys.modules if m.startswith('symbackprop.')))\n"
        "print({'sympy', 'flint', 'autograd'} & set(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    modules, others = done.stdout.splitlines()
    rooms = {name.split(".")[1] for name in modules.split()}
    assert rooms - {"version"} == {"errors", "network", "ops", "reference"}
    ops = {name for name in modules.split() if name.startswith("symbackprop.ops.")}
    assert ops == {"symbackprop.ops.forward"}
    assert others == "set()"
