"""The wheel, built here and installed elsewhere, works outside the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a program prints; a failure shows both streams."""
    done = subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with nothing but the wheel's content."""
    work = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "build", "--wheel", "--no-isolation",
        "--outdir", work / "dist", ROOT, cwd=work,
    )  # fmt: skip
    wheels = list((work / "dist").glob("symbackprop-*.whl"))
    assert len(wheels) == 1
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--no-compile", "--target", work / "target", wheels[0], cwd=work,
    )  # fmt: skip
    return work / "target"


@pytest.fixture
def symbackprop(installed, tmp_path):
    """The installed command line, run in an empty folder."""

    def command(*arguments: str) -> str:
        return run(
            sys.executable, "-m", "symbackprop", *arguments,
            cwd=tmp_path, PYTHONPATH=str(installed), PYTHONIOENCODING="utf-8",
        )  # fmt: skip

    return command


def test_it_derives(symbackprop):
    text = symbackprop("derive", "mlp-2-2-2-mse")
    assert text.startswith("A 2-2-2 network with a squared error\n")
    assert "∂J/∂w₂₂⁽¹⁾ = " in text
    assert "−(y₁ − o₁)" in text
    assert "✓ chain rule" in text


def test_the_examples_are_those_of_the_wheel(installed, symbackprop, tmp_path):
    code = (
        "import symbackprop, symbackprop.examples\n"
        "print(symbackprop.__file__)\n"
        "print(*symbackprop.examples.shipped().values(), sep='\\n')\n"
    )
    shown = run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    package, *files = map(Path, shown.splitlines())
    assert package == installed / "symbackprop" / "__init__.py"
    assert {file.parent for file in files} == {
        installed / "symbackprop" / "worked_examples"
    }
    here = {file.name for file in (ROOT / "worked_examples").glob("*.toml")}
    assert {file.name for file in files} == here
    listed = symbackprop("examples").splitlines()
    assert {line.split()[0] + ".toml" for line in listed} == here


def test_it_builds_pages_and_rechecks(symbackprop, tmp_path):
    shown = symbackprop("build", "mlp-2-2-2-mse", "sigmoid-derivative")
    assert shown.strip() == f"2 pages in {Path('site') / 'index.html'}"
    page = (tmp_path / "site" / "mlp-2-2-2-mse.html").read_text("utf-8")
    assert "<math" in page
    assert "<style" in page
    assert "<script" in page
    index = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "sigmoid-derivative.html" in index
    symbackprop("derive", "mlp-2-2-2-mse", "-o", "derivation.json")
    assert symbackprop("recheck", "derivation.json").endswith("all accepted\n")


def test_nothing_is_shipped_that_should_not_be(installed):
    tops = {path.name for path in installed.iterdir() if path.suffix != ".dist-info"}
    assert tops <= {"symbackprop", "bin"}
    strangers = [
        path
        for path in (installed / "symbackprop").rglob("*")
        if path.is_file()
        and path.suffix not in (".py", ".toml", ".typed", ".css", ".js", ".md")
        and path.name not in ("glyphs.json", "OFL.txt")
    ]
    assert strangers == []
