"""Hostile files, through the command line in a process with little memory.

Each gives one line on stderr that names the file, exit 2, in time, and runs no code.
"""

import os
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WATCHDOG = 10
MEMORY = 2_000_000_000
HEAD = 'title.en = "t"\n'
CANARY = "canary"


def formulas(*lines: str, rest: str = "") -> str:
    return HEAD + "[formulas]\n" + "\n".join(lines) + "\n" + rest


def formula(text: str) -> str:
    return formulas(f'z = "{text}"')


def network(layers: str, inputs: object = 2) -> str:
    return (
        HEAD
        + f"[network]\ninputs = {inputs}\nlayers = {layers}\n"
        + ('loss = "squared_error"\n')
    )


def values(text: str) -> str:
    return formulas('z = "w*x"', rest=f'[values]\nx = "{text}"\n')


ESCAPE = f"open('{CANARY}', 'w')"
TOWER = "exp(" * 60 + "x" + ")" * 60
HOSTILE: dict[str, str | bytes] = {
    "empty": "",
    "no TOML": "\x00\x01\x02",
    "half a TOML": HEAD + '[formulas]\nz = "x',
    "code in a formula": formula(f"__import__('os').system('touch {CANARY}')"),
    "code by attribute": formula("x.__class__.__mro__[1].__subclasses__()"),
    "code by lambda": formula("(lambda: 1)()"),
    "code by comprehension": formula("[x for x in (1,)][0]"),
    "code by f-string": formula("f'{x}'"),
    "code by walrus": formula("(y := 1)"),
    "an open call": formula(ESCAPE),
    "an eval": formula(f'eval(\\"{ESCAPE}\\")'),
    "code in an id": formulas(f"\"{ESCAPE}\" = '1'"),
    "code in wrt": formulas('z = "x"', rest=f'[derive]\nwrt = ["{ESCAPE}"]\n'),
    "code in a claim": formulas(
        'z = "x"', rest=f'[[claims]]\nquantity = "{ESCAPE}"\nprinted = "1"\n'
    ),
    "code in a value": values("__import__('os').getpid()"),
    "code in a line": formulas(
        'z = "x"', rest=f'[[lines]]\nof = "D(z, x)"\nchain = ["{ESCAPE}"]\n'
    ),
    "code in a fact": formulas(
        'z = "x"', rest=f'[assumptions]\nfacts = ["{ESCAPE} > 0"]\n'
    ),
    "a label that leaves": formulas(
        'z = "x"', rest='[notation.labels]\nx = "\\\\input{/etc/passwd}}{"\n'
    ),
    "a tower of powers": formula("9**9**9**9"),
    "a tower of powers of x": formula("x**9**9**9"),
    "a tower in a value": values("9**9**9**9"),
    "a huge exponent": formula("x + 1e999999999"),
    "a huge exponent in a value": values("1e999999999"),
    "a tiny exponent in a value": values("1e-999999999"),
    "a long number": formula("x + " + "9" * 5000),
    "a long number in a value": values("9" * 100_000),
    "infinity": values("inf"),
    "not a number": values("nan"),
    "10,000 brackets": formula("(" * 10_000 + "x" + ")" * 10_000),
    "10,000 open brackets": formula("(" * 10_000),
    "10,000 signs": formula("-" * 10_000 + "x"),
    "10,000 powers": formula("x" + "**x" * 5_000),
    "10,000 TOML brackets": HEAD + "a = " + "[" * 10_000 + "]" * 10_000,
    "a deep dotted key": HEAD + ".".join("a" * 5_000) + " = 1\n",
    "a tower of exp, evaluated": formulas(
        f'z = "{TOWER}"',
        rest='[values]\nx = "9"\n[derive]\nby = "authored"\n'
        f'[[lines]]\nof = "D(z, x)"\nchain = ["{TOWER}*2"]\n',
    ),
    "a cycle": formulas('a = "b + 1"', 'b = "c + 1"', 'c = "a + 1"'),
    "itself": formulas('a = "a + 1"'),
    "a later one": formulas('a = "b + x"', 'b = "x"'),
    "a duplicate id": formulas('z = "x"', 'z = "x + 1"'),
    "a duplicate id, spelt apart": formulas('z = "x"', '"z" = "x + 1"'),
    "a full-width letter": formula("ｘ + 1"),
    "a full-width digit": formula("x + １"),
    "a full-width id": formulas('ｚ = "x"'),
    "a full-width quoted id": formulas('"ｚ" = "x"'),
    "a full-width value": values("１２"),
    "a Cyrillic letter": formula("х + x"),
    "an Arabic digit": formula("x + ٣"),
    "a zero-width space": formula("x\u200b + 1"),
    "a zero-width joiner in an id": formulas('"z\u200d" = "x"'),
    "a right-to-left override": formula("x \u202e+ y"),
    "a byte order mark inside": formula("x\ufeff + 1"),
    "a soft hyphen": formula("x\u00ad1"),
    "a keyword as id": formulas('lambda = "x"'),
    "a keyword inside": formula("x + class"),
    "None": formula("x + None"),
    "True": formula("x + True"),
    "a function's name as id": formulas('exp = "x"'),
    "a dunder": formula("__builtins__"),
    "a table as a formula": formulas("z = { a = 1 }"),
    "a number as a formula": formulas("z = 1"),
    "an empty formula": formula(""),
    "division by zero": formula("x/0"),
    "a logarithm of nothing": formula("log()"),
    "an argument too many": formula("exp(x, x)"),
    "500,000 terms": formula("+".join("x" * 500_000)),
    "5,000 formulas": formulas(*(f'z{n} = "x"' for n in range(5_000))),
    "doubling": formulas(
        'a0 = "x"',
        *(f'a{n} = "(a{n - 1} + 1)*(a{n - 1} + 2)"' for n in range(1, 900)),
    ),
    "a layer of a billion units": network(
        '[{ units = 1000000000, activation = "sigmoid" }]'
    ),
    "a network of a billion inputs": network(
        '[{ units = 1, activation = "sigmoid" }]', 10**9
    ),
    "too many layers": network(
        "[" + '{ units = 1, activation = "relu" },' * 2000 + "]"
    ),
    "too many weights": network(
        "[" + '{ units = 64, activation = "relu" },' * 900 + "]"
    ),
    "a negative width": network('[{ units = -1, activation = "sigmoid" }]'),
    "a width of true": network('[{ units = true, activation = "sigmoid" }]'),
    "a bad indices range": formulas(
        'z = "x"',
        rest='[[lines]]\nfor = { k = [1, 1000000000] }\nchain = ["x", "x + k"]\n',
    ),
    "a sum over a billion": formulas(
        'z = "x"', rest='[[lines]]\nchain = ["x", "Sum(x, k, 1, 1000000000)"]\n'
    ),
    "10 MB": formula("x") + "#" * 10_000_000,
    "10 MB of keys": formulas(*(f'k{n} = "x"' for n in range(800_000))),
    "not UTF-8": HEAD.encode() + b'[formulas]\nz = "x + \xff"\n',
    "UTF-16": (HEAD + '[formulas]\nz = "x"\n').encode("utf-16"),
    "Latin-1": 'title.en = "é"\n[formulas]\nz = "x"\n'.encode("latin-1"),
    "a lone surrogate": HEAD.encode() + b'[formulas]\nz = "x\xed\xa0\x80"\n',
    "a null character": HEAD.encode() + b'[formulas]\nz = "x\x00"\n',
    "an escaped null": formula("x\\u0000"),
    "escapes for the terminal": formula("x\\u001b[31m + $"),
}


LIMITED = (
    "import resource, runpy, sys; "
    f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); "
    "sys.argv[0] = 'symbackprop'; "
    "runpy.run_module('symbackprop', run_name='__main__')"
)


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """The command with little memory, in a folder of its own."""
    return subprocess.run(
        [sys.executable, "-c", LIMITED, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=WATCHDOG,
    )


def derived(folder: Path, name: str) -> subprocess.CompletedProcess[bytes]:
    """The command on a hostile file, written into a folder of its own."""
    text = HOSTILE[name]
    (folder / "bad.toml").write_bytes(
        text if isinstance(text, bytes) else text.encode("utf-8")
    )
    return command(folder, "derive", "bad.toml")


@pytest.fixture(scope="module")
def answers(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[Path, "Future[subprocess.CompletedProcess[bytes]]"]]:
    """Every hostile file given to the command, several at a time."""
    folders = {name: tmp_path_factory.mktemp("hostile") for name in HOSTILE}
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return {
            name: (folder, pool.submit(derived, folder, name))
            for name, folder in folders.items()
        }


def test_the_limits_hold(tmp_path: Path) -> None:
    """The memory limit of these tests is a limit: asking for more fails."""
    code = LIMITED.split("sys.argv", maxsplit=1)[0] + f"bytearray({MEMORY})"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, cwd=tmp_path
    )
    assert b"MemoryError" in found.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file(name: str, answers: dict[str, tuple[Path, "Future"]]) -> None:
    folder, future = answers[name]
    found = future.result()
    err = found.stderr.decode("utf-8")
    assert found.returncode == 2, err[-400:]
    assert found.stdout == b""
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert len(err) < 1000
    assert "bad.toml" in err
    assert not any(ord(c) < 32 for c in err.rstrip("\n")), "no terminal codes"
    assert [path.name for path in folder.iterdir()] == ["bad.toml"]


@pytest.mark.parametrize(
    "argument",
    [
        "w9_9_9",
        "__import__('os')",
        "w1_1_1; rm",
        "ｗ1_1_1",
        "w1_1_1\u200b",
        "9" * 5000,
        "(" * 10_000,
        "lambda",
        "",
        "w1_1_" + "9" * 100,
    ],
    ids=lambda argument: argument[:12] or "empty",
)
def test_a_hostile_id_on_the_command_line(argument: str, tmp_path: Path) -> None:
    found = command(tmp_path, "derive", "mlp-2-2-2-mse", "--wrt", argument)
    err = found.stderr.decode("utf-8")
    assert found.returncode == 2
    assert found.stdout == b""
    assert "Traceback" not in err
    assert err.count("\n") == 1
    assert len(err) < 1000


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop", "unreadable"])
def test_what_is_no_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path)
        case "unreadable":
            path.write_text(formula("x"), "utf-8")
            path.chmod(0)
            if os.access(path, os.R_OK):
                return  # root reads everything
    found = command(tmp_path, "derive", "bad.toml")
    err = found.stderr.decode("utf-8")
    assert found.returncode == 2
    assert "Traceback" not in err
    assert err.count("\n") == 1


def test_a_small_tower_of_exp_derives_and_is_not_evaluated(tmp_path: Path) -> None:
    """Not hostile in itself: the chain rule is all that it takes."""
    (tmp_path / "tower.toml").write_text(formula("exp(exp(exp(x)))"), "utf-8")
    found = command(tmp_path, "derive", "tower.toml")
    assert found.returncode == 0, found.stderr.decode("utf-8")[-400:]
    assert "∂z/∂x".encode() in found.stdout or b"dz/dx" in found.stdout


def test_labels_are_no_markup(tmp_path: Path) -> None:
    """Words from a file stay words in every format."""
    text = formulas(
        'z = "w*x"',
        rest='[notation.labels]\nx = { en = "<script>alert(1)</script>" }\n',
    ).replace('"t"', '"<img src=x onerror=alert(1)> $x$ \\\\input{/etc/passwd}"')
    (tmp_path / "page.toml").write_text(text, "utf-8")
    for to in ("html", "mathml"):
        found = command(tmp_path, "derive", "page.toml", "--to", to)
        assert found.returncode == 0, found.stderr
        assert b"<script>alert" not in found.stdout
        assert b"<img" not in found.stdout
    found = command(tmp_path, "derive", "page.toml", "--to", "latex")
    assert found.returncode == 0, found.stderr
    assert rb"\input{/etc" not in found.stdout
    found = command(tmp_path, "derive", "page.toml", "--to", "markdown")
    assert b"<img" not in found.stdout.replace(b"\\<", b"")
