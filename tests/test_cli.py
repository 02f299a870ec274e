"""The command line: every command and option, exit codes, files, streams."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from symbackprop import __version__, load_example
from symbackprop.cli import main
from symbackprop.commands import derive as derive_command
from symbackprop.errors import SymbackpropError
from symbackprop.examples import shipped
from symbackprop.notation import NOTATIONS
from symbackprop.renderers.chains import DETAILS

ROOT = Path(__file__).resolve().parents[1]
NAME = "mlp-2-2-2-mse"
COMMAND = [sys.executable, "-m", "symbackprop"]
SUFFIXES = {
    ".txt": "∂J/∂w₁₁⁽²⁾",
    ".tex": r"\begin{align*}",
    ".xhtml": "<math",
    ".md": r"\begin{aligned}",
    ".html": "<!doctype html",
    ".json": '"schema": 1',
}


def run(
    *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, its streams as bytes."""
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        check=False,
        cwd=cwd or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        timeout=60,
    )


class Streams:
    """Exit code and streams of a command run in this process."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]):
    def call(*arguments: object) -> Streams:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return Streams(code, out, err)

    return call


# ---- derive and its options


def test_derive_prints_text(command) -> None:
    found = command("derive", NAME)
    assert (found.code, found.err) == (0, "")
    assert "= −(y₁ − o₁) h₁⁽¹⁾" in found.out
    assert found.out.endswith("\n")
    assert not found.out.endswith("\n\n")


@pytest.mark.parametrize("to", ["text", "latex", "mathml", "markdown", "html", "json"])
def test_derive_to_every_format(command, to: str) -> None:
    found = command("derive", NAME, "--to", to)
    assert (found.code, found.err) == (0, "")
    formats = ("text", "latex", "mathml", "markdown", "html", "json")
    sign = dict(zip(formats, SUFFIXES.values(), strict=True))[to]
    assert sign.lower() in found.out.lower()


def test_derive_by_chosen_ids(command) -> None:
    found = command("derive", NAME, "--wrt", "w2_1_2", "--wrt", "w1_1_1")
    assert "∂J/∂w₁₂⁽²⁾ =" in found.out
    assert "∂J/∂w₁₁⁽¹⁾ =" in found.out
    assert "∂J/∂w₁₁⁽²⁾ =" not in found.out


def test_derive_in_three_details(command) -> None:
    sizes = {
        detail: command("derive", NAME, "--detail", detail).out.count("✓")
        for detail in ("brief", "standard", "full")
    }
    assert sizes["brief"] < sizes["standard"] < sizes["full"]


@pytest.mark.parametrize(
    ("notation", "shown"),
    [
        ("sources", r"w_{21}^{(1)}"),
        ("nielsen", r"w_{12}^2"),
        ("delta", r"w_{21}^{(1)}"),
        ("strict", r"\mathrm{d}J"),
    ],
)
def test_derive_in_each_notation(command, notation: str, shown: str) -> None:
    found = command("derive", NAME, "--notation", notation, "--to", "latex")
    assert found.code == 0
    assert shown in found.out


def test_derive_by_each_strategy(command) -> None:
    paths = command("derive", NAME, "--by", "paths", "--wrt", "w1_1_1")
    assert "∂J/∂L₁·∂L₁/∂o₁" in paths.out
    assert "∂J/∂L₁" not in command("derive", NAME, "--by", "backprop").out
    sigmoid = command("derive", "sigmoid-derivative", "--by", "authored")
    assert "add and subtract the same" in sigmoid.out
    assert command("derive", "sigmoid-derivative", "--by", "calculus").code == 0


def test_derive_in_korean(command) -> None:
    found = command("derive", NAME, "--lang", "ko")
    assert found.code == 0
    assert load_example(NAME).title["ko"] in found.out
    assert "연쇄법칙" in found.out
    assert "chain rule" not in found.out
    assert "은(는)" not in found.out


def test_a_file_of_one_s_own(command, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('title.en = "T"\n[formulas]\nz = "w*x"\n', "utf-8")
    found = command("derive", file)
    assert found.code == 0
    assert "∂z/∂w = x" in found.out


# ---- exit codes


def authored(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "mine.toml"
    chain = ", ".join(f'"{line}"' for line in lines)
    file.write_text(
        'title.en = "T"\n[formulas]\nz = "x**2"\n[derive]\nby = "authored"\n'
        f'wrt = ["x"]\n[[lines]]\nof = "dz/dx"\nchain = [{chain}]\n',
        "utf-8",
    )
    return file


def test_exit_0_where_every_line_follows(command, tmp_path: Path) -> None:
    assert command("derive", authored(tmp_path, "2*x")).code == 0


def test_exit_1_where_a_line_is_refuted(command, tmp_path: Path) -> None:
    found = command("derive", authored(tmp_path, "2*x", "3*x"))
    assert found.code == 1
    assert "line 2:" in found.err
    assert "refuted at" in found.err
    assert found.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["derive"],
        ["derive", "no-such-example"],
        ["derive", "missing.toml"],
        ["derive", NAME, "--wrt", "w9_9_9"],
        ["derive", NAME, "--to", "docx"],
        ["derive", NAME, "--notation", "bishop"],
        ["derive", NAME, "--lang", "fr"],
        ["derive", NAME, "--by", "magic"],
        ["derive", NAME, "--by", "authored"],
        ["derive", NAME, "--detail", "huge"],
        ["derive", NAME, "-o", "out.docx"],
        ["derive", NAME, "-o", "out"],
        ["derive", NAME, "extra"],
        ["derive", ""],
        ["derive", "."],
        ["build", "no-such-example", "--out", "x"],
        ["recheck"],
        ["recheck", "missing.json"],
        ["guess"],
        ["--guess"],
    ],
    ids=" ".join,
)
def test_exit_2_where_input_is_unusable(command, arguments: list[str]) -> None:
    found = command(*arguments)
    assert found.code == 2
    assert found.out == ""
    assert "Traceback" not in found.err
    assert found.err.strip()


@pytest.mark.parametrize(
    ("option", "value", "known"),
    [
        ("--to", "docx", "markdown"),
        ("--notation", "bishop", "nielsen"),
        ("--lang", "fr", "ko"),
        ("--by", "magic", "backprop"),
    ],
)
def test_a_wrong_choice_lists_the_right_ones(
    command, option: str, value: str, known: str
) -> None:
    found = command("derive", NAME, option, value)
    assert value in found.err
    assert known in found.err


def test_exit_3_where_a_line_is_undecided(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An identity that fails only beyond the digits that are tried is not judged."""
    line = "2*x + (exp(1/10**90) - 1 - 1/10**90)*(x - x + 1)"
    found = command("derive", authored(tmp_path, "2*x", line))
    assert found.code in {1, 3}  # refuted by more digits, or left undecided: never 0
    assert "line 2:" in found.err

    class Undecided(SymbackpropError):
        decided = False

    def refuse(_: object) -> int:
        raise Undecided("line 1: undecided")

    monkeypatch.setattr(derive_command, "run", refuse)
    found = command("derive", NAME)
    assert found.code == 3
    assert found.err == "symbackprop: line 1: undecided\n"


def test_no_command_prints_the_help(command) -> None:
    found = command()
    assert found.code == 0
    for word in ("derive", "examples", "build", "recheck"):
        assert word in found.out


# ---- -o


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_suffix_chooses_the_format(command, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"page{suffix}"
    found = command("derive", NAME, "-o", file)
    assert (found.code, found.out, found.err) == (0, "", "")
    text = file.read_text("utf-8")
    assert SUFFIXES[suffix].lower() in text.lower()
    assert os.listdir(tmp_path) == [file.name]  # noqa: PTH208 - names


def test_to_wins_over_the_suffix(command, tmp_path: Path) -> None:
    file = tmp_path / "page.txt"
    assert command("derive", NAME, "-o", file, "--to", "json").code == 0
    assert json.loads(file.read_text("utf-8"))["schema"] == 1


def test_a_file_and_stdout_hold_the_same(command, tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    command("derive", NAME, "-o", file)
    shown = command("derive", NAME, "--to", "markdown").out
    assert file.read_text("utf-8").rstrip("\n") == shown.rstrip("\n")
    mode = stat.S_IMODE(file.stat().st_mode)
    assert mode & 0o044, "others can read the page"


def test_a_missing_folder_is_named(command, tmp_path: Path) -> None:
    file = tmp_path / "none" / "page.html"
    found = command("derive", NAME, "-o", file)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert str(file.parent) in found.err
    assert ".symbackprop-" not in found.err, "the temporary name means nothing"


@pytest.mark.parametrize("failing", ["replace", "fsync"])
def test_a_failing_write_leaves_the_old_file(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    file = tmp_path / "page.html"
    file.write_text("old", "utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(file))

    if failing == "replace":
        monkeypatch.setattr(Path, "replace", full)
        monkeypatch.setattr(os, "replace", full)
    else:
        monkeypatch.setattr(os, "fsync", full)
    found = command("derive", NAME, "-o", file)
    monkeypatch.undo()
    assert found.code == 2
    assert "No space left" in found.err
    assert file.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_an_interrupted_write_leaves_the_old_file(
    command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "page.html"
    file.write_text("old", "utf-8")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    found = command("derive", NAME, "-o", file)
    assert found.code == 130
    assert "Traceback" not in found.err
    assert file.read_text("utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_refused_example_leaves_the_old_file(command, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("old", "utf-8")
    assert command("derive", authored(tmp_path, "3*x"), "-o", file).code == 1
    assert file.read_text("utf-8") == "old"


def test_ctrl_c_in_a_process_of_its_own(tmp_path: Path) -> None:
    """Every page that stands is whole, nothing else stands, no traceback."""
    out = tmp_path / "site"
    process = subprocess.Popen(
        [*COMMAND, "build", "--out", str(out)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(500):
        if out.is_dir() and any(out.glob("*.html")):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert b"Traceback" not in err
    assert process.returncode in {0, 130}  # 0 if it was done before
    for page in out.iterdir():
        assert page.suffix == ".html"
        assert page.read_text("utf-8").rstrip().endswith("</html>")


# ---- help without SymPy


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["derive", "--help"],
        ["build", "--help"],
        ["examples", "--help"],
        ["recheck", "--help"],
        [],
    ],
    ids=" ".join,
)
def test_help_and_version_load_neither_sympy_nor_numpy(arguments: list[str]) -> None:
    code = (
        "import sys, symbackprop.cli as c\n"
        "try:\n    c.main(sys.argv[1:])\nexcept SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        "print([m for m in ('sympy', 'numpy', 'flint', 'latex2mathml')"
        " if m in sys.modules], file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
    )
    assert found.stderr.strip() == "[]"
    assert found.stdout.strip()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("derive", ["--notation", "--detail", "--by"]),
        ("numbers", ["--notation", "--exact", "--learning-rate"]),
        ("train", ["--epochs", "--iterations"]),
    ],
)
def test_help_says_what_can_be_chosen_and_how_a_command_ends(
    command, name: str, said: list[str]
) -> None:
    text = " ".join(command(name, "--help").out.split())
    for option in said:
        described = text.rpartition(f" {option} ")[2]
        assert len(described.partition(" --")[0].split()) > 5, option
    if "--notation" in said:
        for row in NOTATIONS:
            assert f"{row}: " in text.partition("--notation {")[2]
    if "--detail" in said:
        for detail in DETAILS:
            assert f"{detail}: " in text
    assert text.endswith(
        "Exit codes: 0 all is well, 1 something is wrong, 2 the input is unusable, "
        "3 something could not be decided, 130 interrupted."
    )


def test_importing_the_package_loads_no_sympy() -> None:
    code = "import sys, symbackprop; print('sympy' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, cwd=ROOT
    )
    assert found.stdout.strip() == b"False"


def test_the_version(command) -> None:
    found = command("--version")
    assert found.code == 0
    assert found.out.strip() == f"symbackprop {__version__}"


# ---- examples and build


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_examples_lists_every_one(command, lang: str) -> None:
    found = command("examples", "--lang", lang)
    assert (found.code, found.err) == (0, "")
    rows = found.out.splitlines()
    assert [row.split()[0] for row in rows] == list(shipped())
    for row, name in zip(rows, shipped(), strict=True):
        assert row.endswith(load_example(name).title[lang])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("build") / "deep" / "site"
    assert main(["build", "--out", str(out)]) == 0
    return out


def test_build_writes_a_page_for_each_example(site: Path) -> None:
    names = {path.name for path in site.iterdir()}
    assert names == {f"{name}.html" for name in shipped()} | {"index.html"}


def test_every_link_of_every_page_resolves(site: Path) -> None:
    for page in site.iterdir():
        text = page.read_text("utf-8")
        anchors = set(re.findall(r'\sid="([^"]+)"', text))
        for link in re.findall(r'\shref="([^"]+)"', text):
            if link.startswith("#"):
                assert link[1:] in anchors, (page.name, link)
            elif not link.startswith("data:"):
                assert (site / link.partition("#")[0]).is_file(), (page.name, link)


def test_the_index_links_every_page_once_with_its_title(site: Path) -> None:
    index = (site / "index.html").read_text("utf-8")
    for name in shipped():
        assert index.count(f'href="{name}.html"') == 1
        assert load_example(name).title["en"].replace("'", "&#x27;") in index


def test_build_of_chosen_files(command, tmp_path: Path) -> None:
    own = authored(tmp_path, "2*x")
    out = tmp_path / "site"
    found = command("build", "gates", own, "--out", out, "--lang", "ko")
    assert found.code == 0
    assert found.err == "", "no counter where stderr is no terminal"
    names = sorted(path.name for path in out.iterdir())
    assert names == ["gates.html", "index.html", "mine.html"]
    assert 'lang="ko"' in (out / "index.html").read_text("utf-8")
    assert load_example("gates").title["ko"] in (out / "index.html").read_text("utf-8")


def test_build_goes_on_after_a_bad_example_and_says_so(command, tmp_path: Path) -> None:
    bad = authored(tmp_path, "3*x")
    out = tmp_path / "site"
    found = command("build", bad, "gates", "--out", out)
    assert found.code == 1
    assert "mine" in found.err
    assert sorted(p.name for p in out.iterdir()) == ["gates.html", "index.html"]
    assert "mine.html" not in (out / "index.html").read_text("utf-8")


def test_build_refuses_two_pages_of_one_name(command, tmp_path: Path) -> None:
    found = command("build", "gates", "gates", "--out", tmp_path / "site")
    assert found.code == 2
    assert "gates" in found.err


def test_an_example_named_index_does_not_lose_its_page(command, tmp_path: Path) -> None:
    own = authored(tmp_path, "2*x").rename(tmp_path / "index.toml")
    found = command("build", own, "--out", tmp_path / "site")
    pages = list((tmp_path / "site").glob("*.html"))
    assert found.code == 2 or len(pages) == 2


def test_build_into_a_file_is_refused(command, tmp_path: Path) -> None:
    file = tmp_path / "site"
    file.write_text("mine", "utf-8")
    found = command("build", "gates", "--out", file)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert file.read_text("utf-8") == "mine"


def test_build_twice_overwrites(command, tmp_path: Path) -> None:
    out = tmp_path / "site"
    for lang in ("ko", "en"):
        assert command("build", "gates", "--out", out, "--lang", lang).code == 0
    assert 'lang="en"' in (out / "gates.html").read_text("utf-8")
    assert len(list(out.iterdir())) == 2


# ---- recheck


def test_recheck_judges_what_derive_wrote(command, tmp_path: Path) -> None:
    file = tmp_path / "mse.json"
    command("derive", NAME, "-o", file)
    found = command("recheck", file)
    assert (found.code, found.err) == (0, "")
    assert "all accepted" in found.out
    text = file.read_text("utf-8")
    assert '"result": "-(y1 - o1)*h1_1"' in text
    file.write_text(
        text.replace('"result": "-(y1 - o1)*h1_1"', '"result": "(y1 - o1)*h1_1"'),
        "utf-8",
    )
    found = command("recheck", file)
    assert found.code == 1
    assert found.out == ""


# ---- streams and locales


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
        {"PYTHONUTF8": "1"},
    ],
    ids=["C", "ascii", "utf8"],
)
def test_formulas_print_in_any_locale(env: dict[str, str]) -> None:
    found = run("derive", "sigmoid-derivative", "--lang", "ko", env=env)
    assert found.returncode == 0, found.stderr
    text = found.stdout.decode("utf-8")
    assert "σ(x) (1 − σ(x))" in text
    assert "정의" in text


def test_an_error_prints_in_any_locale(tmp_path: Path) -> None:
    env = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    found = run("derive", str(tmp_path / "없는파일.toml"), env=env)
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr
    assert found.stderr.count(b"\n") == 1


def test_a_broken_pipe_is_no_error() -> None:
    process = subprocess.Popen(
        [*COMMAND, "derive", NAME, "--detail", "full", "--to", "html"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert err == b""


def test_a_full_disk_behind_stdout_is_said() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [*COMMAND, "derive", "gates"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=60,
        )
    assert found.returncode == 2
    assert b"Traceback" not in found.stderr
    assert b"No space left" in found.stderr


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    found = run("derive", "gates", "-o", "gates.xhtml", cwd=tmp_path)
    assert found.returncode == 0, found.stderr
    ET.parse(tmp_path / "gates.xhtml")
