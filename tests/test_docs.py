"""The documents do what they say: each command, file and program in them is run.

Console blocks: `$ symbackprop …` is run and the lines below it are its output, with …
for anything. Files marked `# example: NAME` are read, and stand beside as NAME.toml.
"""

import ast
import doctest
import io
import re
import shlex
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from symbackprop.cli import main
from symbackprop.examples import read_example, shipped
from symbackprop.kernel.one_variable import SHAPES
from symbackprop.network import ACTIVATIONS, LOSSES
from symbackprop.notation import NOTATIONS
from symbackprop.renderers.chains import DETAILS
from symbackprop.renderers.table import RENDERERS

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ROOT / "symbackprop" / "kernel"
PAGES = [
    ROOT / "README.md",
    KERNEL / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
LANGUAGES = {"", "bash", "console", "python", "text", "toml"}
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_MARK = re.compile(r"# example: ([\w-]+)\n")


@dataclass(frozen=True)
class Fence:
    """One fenced block."""

    language: str
    text: str
    line: int


def fences(page: Path) -> list[Fence]:
    """The fenced blocks of a page in order."""
    text = page.read_text("utf-8")
    return [
        Fence(m[1], m[2], text.count("\n", 0, m.start()) + 1)
        for m in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def title(page: Path) -> str:
    """A page's path, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=title)


def commands(text: str) -> list[tuple[str, str]]:
    """A console block as commands with the output that is shown, if any."""
    first, *rest = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not first.strip(), "a console block starts with a command"
    pairs = [part.partition("\n") for part in rest]
    return [(command, output) for command, _, output in pairs]


def output_of(command: str) -> str:
    """What a symbackprop command writes, to both streams; its exit code after it."""
    program, *arguments = shlex.split(command)
    assert program == "symbackprop"
    stream = io.StringIO()
    with redirect_stdout(stream), redirect_stderr(stream):
        try:
            code = main(arguments)
        except SystemExit as leave:
            code = leave.code
    return stream.getvalue() + (f"[exit {code}]\n" if code else "")


def pattern(shown: str) -> re.Pattern[str]:
    """The shown output as a pattern: … is anything, ends of lines are trimmed."""
    lines = "\n".join(line.rstrip() for line in shown.strip().splitlines())
    return re.compile(".*?".join(map(re.escape, lines.split("…"))), re.DOTALL)


def run_console(fence: Fence) -> None:
    """Run a console block and hold what is shown against what comes."""
    for command, shown in commands(fence.text):
        came = "\n".join(
            line.rstrip() for line in output_of(command).strip().splitlines()
        )
        if shown.strip():
            assert pattern(shown).fullmatch(came), f"$ {command}\n{came}"
        else:
            assert "[exit" not in came, f"$ {command}\n{came}"


def run_python(page: Path, fence: Fence, names: dict[str, object]) -> None:
    """Run a Python block: as a session where it has prompts, else as a program."""
    if ">>> " not in fence.text:
        code = compile("\n" * fence.line + fence.text, str(page), "exec")
        with redirect_stdout(io.StringIO()):
            exec(code, names)
        return
    test = doctest.DocTestParser().get_doctest(
        fence.text, {}, f"{title(page)}:{fence.line}", str(page), fence.line
    )
    test.globs = names
    report = io.StringIO()
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    runner = doctest.DocTestRunner(optionflags=options)
    runner.run(test, out=report.write, clear_globs=False)
    assert not runner.failures, report.getvalue()
    assert runner.tries > 0


@every_page
def test_everything_in_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for fence in fences(page):
        mark = _MARK.match(fence.text)
        if fence.language == "toml" and mark:
            read_example(fence.text, name=mark[1], file=f"{mark[1]}.toml")
            Path(f"{mark[1]}.toml").write_text(fence.text, encoding="utf-8")
        elif fence.language == "console":
            run_console(fence)
        elif fence.language == "python":
            run_python(page, fence, names)


@every_page
def test_a_page_has_only_blocks_that_are_checked(page):
    assert {fence.language for fence in fences(page)} <= LANGUAGES
    assert page.read_text("utf-8").count("```") == 2 * len(fences(page))


@every_page
def test_links_lead_somewhere(page):
    for link in _LINK.findall(prose(page)):
        if not re.match(r"https?://", link):
            assert (page.parent / link.partition("#")[0]).exists(), link


@every_page
def test_pages_speak_of_files_that_exist(page):
    for name in re.findall(r"`([\w./-]+/[\w.-]*\.(?:py|md|toml))`", prose(page)):
        places = (ROOT, ROOT / "symbackprop", page.parent, page.parent.parent)
        assert any((place / name).exists() for place in places), name


def test_the_kernel_lists_its_files():
    text = (KERNEL / "README.md").read_text("utf-8")
    files = {file.name for file in KERNEL.glob("*.py")} - {"__init__.py"}
    assert {name for name in files if f"`{name}`" not in text} == set()


def test_each_rule_of_the_kernel_has_its_entry():
    rules = [
        node.name
        for file in sorted(KERNEL.glob("*.py"))
        if file.name != "step.py"
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and node.name[0] != "_"
        and node.returns is not None
        and ast.unparse(node.returns) == "Step"
    ]
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    entries = re.findall(r"^### `(\w+)`", page, re.MULTILINE)
    assert sorted(entries) == sorted(rules)
    assert "total" in rules
    assert "differentiate" in rules
    for entry, text in zip(
        entries, re.split(r"^### ", page, flags=re.MULTILINE)[1:], strict=True
    ):
        assert "Refuses" in text, f"{entry} does not say when it refuses"
        assert "symbackprop.errors.Refused: " in text, f"{entry} shows no refusal"


def test_each_shape_of_differentiation_has_its_row():
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(SHAPES)


def test_every_choice_is_explained():
    page = (ROOT / "docs" / "choosing.md").read_text("utf-8")
    shown = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    strategies = {"backprop", "paths", "authored", "calculus"}
    assert shown == {*strategies, *NOTATIONS, *DETAILS, *RENDERERS, "numpy"}


def test_the_file_format_names_every_activation_and_loss():
    page = (ROOT / "docs" / "file-format.md").read_text("utf-8")
    assert [name for name in (*ACTIVATIONS, *LOSSES) if f"`{name}`" not in page] == []


def test_the_readme_has_two_commands_and_ci_runs_the_second():
    bash = [f.text for f in fences(ROOT / "README.md") if f.language == "bash"]
    assert len(bash) == 2
    for block in bash:
        assert len(block.splitlines()) == 1
        assert block.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert bash[0].rstrip().endswith(".venv/bin/symbackprop build")
    assert bash[1].rstrip().endswith(".venv/bin/python -m pytest -n 2")
    shown = subprocess.run(
        [ROOT / ".ci" / "run", "--print"], check=True, capture_output=True, text=True
    )
    assert shown.stdout == bash[1]
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    assert 'bash -euo pipefail -c "$command"' in script
    assert "pytest" not in script
    for tool in ("ruff check", "ruff format --check", "pyright"):
        assert f".venv/bin/{tool}" in script
    assert "SYMBACKPROP_REQUIRE_BROWSER=1" in script


def test_shipped_examples_are_where_the_file_format_says():
    folder = ROOT / "worked_examples"
    assert {path.parent for path in shipped().values()} == {folder}


def test_the_picture_is_small_enough_to_load():
    picture = ROOT / "docs" / "mlp-2-2-2-mse.png"
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.stat().st_size < 200_000


@pytest.mark.parametrize(
    ("shown", "came", "same"),
    [
        ("a\n…\nd", "a\nb\nc\nd", True),
        ("a … c", "a b c", True),
        ("a\nb", "a\nc", False),
        ("a", "a\nb", False),
        ("a.c", "abc", False),
    ],
)
def test_what_is_shown_is_held_against_what_comes(shown, came, same):
    assert (pattern(shown).fullmatch(came) is not None) == same


def test_a_wrong_block_would_be_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError):
        run_console(Fence("console", "$ symbackprop examples\nnothing\n", 1))
    with pytest.raises(AssertionError):
        run_console(Fence("console", "$ symbackprop derive no-such-example\n", 1))
    with pytest.raises(AssertionError):
        run_python(ROOT / "README.md", Fence("python", ">>> 1 + 1\n3\n", 1), {})
    with pytest.raises(ZeroDivisionError):
        run_python(ROOT / "README.md", Fence("python", "1/0\n", 1), {})
