"""What the reader accepts, and that it refuses the rest with message and place."""

import resource
import warnings
from pathlib import Path

import pytest

from symbackprop.errors import FormulaError
from symbackprop.formula.limits import decimal, tower
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import (
    Call,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
)

IDS = ("x", "y", "w1_1_2", "z1_2", "J")
WORDS = Vocabulary(functions={"sigmoid": 1, "f": None}, names=IDS, loss=Name("J"))
X, Y = Name("x"), Name("y")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("x", X),
        (" x\n", X),
        ("x - y + 2", Sum((X, Minus(Y), Num("2")))),
        ("x - (y + 2)", Sum((X, Minus(Sum((Y, Num("2"))))))),
        ("x*y/2", Fraction(Product((X, Y)), Num("2"))),
        ("x/y*2", Product((Fraction(X, Y), Num("2")))),
        ("-x*y", Minus(Product((X, Y)))),
        ("(-x)*y", Product((Minus(X), Y))),
        ("-x**2", Minus(Power(X, Num("2")))),
        ("x**-2", Power(X, Minus(Num("2")))),
        ("x**y**2", Power(X, Power(Y, Num("2")))),
        ("+x", X),
        ("w1_1_2*x", Product((Name("w", (1, 1, 2)), X))),
        ("max(0, x)", Call("Max", (Num("0"), X))),
        ("Max(0, x, y)", Call("Max", (Num("0"), X, Y))),
        ("sigmoid(x)", Call("sigmoid", (X,))),
        ("f(x, y)", Call("f", (X, Y))),
        ("pi*x", Product((Call("pi", ()), X))),
        ("D(J, x)", Derivative("D", Name("J"), X)),
        ("P(z1_2, x)", Derivative("P", Name("z", (1, 2)), X)),
        ("delta1_2", Derivative("D", Name("J"), Name("z", (1, 2)))),
        ("new(x)", Call("new", (X,))),
        ("slope(f(x, y), 2)", Call("f", (X, Y), 1)),
        ("0.50", Num("0.50")),
        ("1e-5", Num("1e-5")),
    ],
)
def test_the_form_keeps_the_author_s_order(text: str, form: Formula) -> None:
    """Hand-built forms."""
    assert read(text, WORDS) == form


def test_index_letters_are_read_where_they_are_bound_or_declared() -> None:
    """Σ binds its own; others come from the vocabulary."""
    words = Vocabulary(indices=("j",))
    expected = Sigma("k", Num("1"), Name("n"), Name("w", (Idx("k", -1), Idx("j"), 2)))
    assert read("Sum(w[k-1, j, 2], k, 1, n)", words) == expected
    with pytest.raises(FormulaError, match="expected an index"):
        read("w[k, j]", words)
    with pytest.raises(FormulaError, match="expected an index"):
        read("Sum(w[k], k, 1, 2) + w[k]", words)


HOSTILE: list[tuple[str, str, str, int]] = [
    ("attribute call", "__import__('os').system('true')", "has no place", 11),
    ("import", "__import__('os')", "has no place", 11),
    ("open", "x + open('/etc/passwd')", "has no place", 9),
    ("eval", "eval('x')", "has no place", 5),
    ("exec", "exec('x')", "has no place", 5),
    ("import of a name", "__import__(x)", "unknown function '__import__'", 0),
    ("open of a name", "x + open(y)", "unknown function 'open'", 4),
    ("eval of a name", "eval(x)", "unknown function 'eval'", 0),
    ("method", "x.real()", "name of a function", 0),
    ("comment", "x # + y", "has no place", 2),
    ("dunder", "().__class__", "found attribute", 0),
    ("attribute", "x.real", "found attribute", 0),
    ("attribute later", "y + x.real", "found attribute", 4),
    ("tower of powers", "9**9**9**9", "exponent is too large", 6),
    ("huge exponent", "1e999999999", "out of range", 0),
    ("huge exponent later", "x + 1e999999999", "out of range", 4),
    ("tiny exponent", "1e-999999999", "out of range", 0),
    ("many digits", "1" * 500, "out of range", 0),
    ("digits beyond int", "1" * 5000, "expected an expression", 0),
    ("large power", "2**5000", "exponent is too large", 3),
    ("large negative power", "2**-5000", "exponent is too large", 3),
    ("power of a power", "(2**1000)**1000", "too large to write out", 0),
    ("bracketed power", "10**(10**10)", "exponent is too large", 5),
    ("10,000 brackets", "(" * 10_000 + "x" + ")" * 10_000, "20,001 characters", 0),
    ("4,000 brackets", "(" * 4_000 + "x" + ")" * 4_000, "brackets are nested", 100),
    ("200 brackets", "x+" + "(" * 200 + "x" + ")" * 200, "brackets are nested", 102),
    ("square brackets", "[" * 200 + "]" * 200, "brackets are nested", 100),
    ("tower of exp", "exp(exp(exp(exp(exp(x)))))", "more than 4 exponentials", 0),
    ("tower of exp later", "x+exp(exp(exp(exp(exp(x)))))", "more than 4", 0),
    ("tower of powers of x", "x**x**x**x**x**x", "more than 4", 0),
    ("full-width letter", "x + \uff58", "fullwidth latin small letter x", 4),
    ("full-width digit", "x\uff11", "fullwidth digit one", 1),
    ("zero-width space", "x\u200b + 1", "zero width space", 1),
    ("zero-width joiner", "x +\u200d y", "zero width joiner", 3),
    ("byte order mark", "\ufeffx", "zero width no-break space", 0),
    ("right-to-left mark", "x\u202e+y", "right-to-left override", 1),
    ("accent", "x\u0301", "combining acute accent", 1),
    ("no-break space", "x\u00a0+y", "no-break space", 1),
    ("nul", "x\x00", "u\\+0000", 1),
    ("form feed", "x\x0c+y", "u\\+000c", 1),
    ("Greek letter", "\u03c3(x)", "greek small letter sigma", 0),
    ("keyword lambda", "lambda", "expected an expression", 0),
    ("keyword import", "import", "expected an expression", 0),
    ("keyword None", "None", "expected a decimal number", 0),
    ("keyword True", "x + True", "expected a decimal number", 4),
    ("conditional", "x if y else 1", "found ifexp", 0),
    ("comparison", "x < y", "has no place", 2),
    ("equation", "x == 1", "has no place", 2),
    ("assignment", "x = 1", "has no place", 2),
    ("string", "'x'", "has no place", 0),
    ("bytes", "b'x'", "has no place", 1),
    ("string in a sum", "x + 'a'", "has no place", 4),
    ("open string", "'''", "has no place", 0),
    ("walrus", "(x := 1)", "has no place", 3),
    ("lambda", "lambda: 1", "has no place", 6),
    ("f-string", "f'{x}'", "has no place", 1),
    ("f-string in a sum", "x + f'{x}'", "has no place", 5),
    ("await", "await x", "found await", 0),
    ("yield", "yield x", "expected an expression", 0),
    ("list", "[x]", "found list", 0),
    ("set", "{x}", "has no place", 0),
    ("dictionary", "{x: 1}", "has no place", 0),
    ("tuple", "x, y", "found tuple", 0),
    ("comprehension", "[x for x in y]", "found listcomp", 0),
    ("and", "x and y", "found boolop", 0),
    ("not", "not x", "found unaryop", 0),
    ("tilde", "~x", "has no place", 0),
    ("matrix product", "x @ y", "has no place", 2),
    ("floor division", "x // y", "found binop", 0),
    ("remainder", "x % y", "has no place", 2),
    ("shift", "1 << 9999", "has no place", 2),
    ("ellipsis", "...", "expected a decimal number", 0),
    ("imaginary", "1j", "expected a decimal number", 0),
    ("hexadecimal", "0x10", "expected a decimal number", 0),
    ("underscored", "1_000", "expected a decimal number", 0),
    ("octal", "0777", "expected an expression", 0),
    ("long minus chain", "-" * 9_999 + "x", "nested", 0),
    ("long plus chain", "+" * 9_999 + "x", "nested", 0),
    ("minus chain", "-" * 150 + "x", "nested more than 100 deep", 101),
    ("not chain", "not " * 2_000 + "x", "found unaryop", 0),
    ("long sum", "x+" * 4_999 + "x", "nested", 0),
    ("long power", "x**" * 3_000 + "x", "nested", 0),
    ("slice", "x[1:2]", "has no place", 3),
    ("undeclared letter", "x[k]", "expected an index", 2),
    ("index of a call", "exp(x)[0]", "expected a name before", 0),
    ("call of a call", "exp(x)(y)", "name of a function", 0),
    ("call of a number", "2(x)", "name of a function", 0),
    ("keyword argument", "exp(x=1)", "has no place", 5),
    ("starred", "exp(*x)", "plain arguments", 0),
    ("double starred", "exp(**x)", "plain arguments", 0),
    ("no argument", "exp()", "takes 1 argument", 0),
    ("two arguments", "x*exp(x, y)", "takes 1 argument", 2),
    ("Max of one", "Max(x)", "takes 2 argument", 0),
    ("D of one", "D(J)", "D takes 2 argument", 0),
    ("D by a number", "D(J, 2)", "expected an id", 5),
    ("Sum by a number", "Sum(x, 1, 1, 2)", "expected an index letter", 7),
    ("slope of a name", "slope(x, 1)", "expected slope", 0),
    ("slope by too much", "slope(exp(x), 2)", "expected slope", 0),
    ("slope by zero", "slope(exp(x), 0)", "expected slope", 0),
    ("empty", "", "found nothing", 0),
    ("blank", " \t\n", "found nothing", 0),
    ("half a sum", "x +", "expected an expression", 0),
    ("two names", "x y", "found 'y'", 2),
    ("semicolon", "x; y", "has no place", 1),
    ("backslash", "x\\", "has no place", 1),
    ("dollar", "x + $y", "has no place", 4),
    ("10,001 characters", "x" * 10_001, "10,001 characters", 0),
    ("function as id", "exp", "unknown id 'exp'", 0),
    ("unknown id", "x + w1_1_3", "unknown id 'w1_1_3'", 4),
    ("unknown delta", "delta9_9", "unknown id 'delta9_9'", 0),
    ("unknown function", "y*foo(x)", "unknown function 'foo'", 2),
    ("leading space", "   x.y", "found attribute", 3),
]


@pytest.mark.parametrize(
    ("text", "message", "offset"),
    [pytest.param(*case[1:], id=case[0]) for case in HOSTILE],
)
def test_unusable_text_is_refused_at_its_place(
    text: str, message: str, offset: int
) -> None:
    """One clear error with a message and the offset of what is wrong."""
    with pytest.raises(FormulaError, match=message) as caught:
        read(text, WORDS)
    assert caught.value.offset == offset
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("text", [case[1] for case in HOSTILE[:60]])
def test_hostile_text_warns_of_nothing_and_keeps_memory(text: str) -> None:
    """No syntax warning reaches the terminal; the peak grows by under 200 MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(FormulaError):
            read(text, WORDS)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 200_000


def test_no_code_runs(tmp_path: Path) -> None:
    """A formula that would touch a file leaves no file."""
    target = tmp_path / "touched"
    for text in (
        f"open('{target}', 'w')",
        f"__import__('pathlib').Path('{target}').touch()",
        f"f(open('{target}', 'w'))",
        f"[x for x in [open('{target}', 'w')]]",
        f"(lambda: open('{target}', 'w'))()",
    ):
        with pytest.raises(FormulaError):
            read(text, WORDS)
    assert not target.exists()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sigmoi(x)", "did you mean sigmoid?"),
        ("w1_1_3", "did you mean w1_1_2?"),
        ("z12", "did you mean z1_2?"),
        ("2 \u2212 x", "write -"),
        ("2 \u2013 x", "write -"),
        ("2\u00d7x", "write *"),
        ("\u00e4", "ids are ASCII; put letters of other scripts into [notation]"),
    ],
)
def test_the_nearest_valid_name_is_offered(text: str, hint: str) -> None:
    """Typing errors get a suggestion."""
    with pytest.raises(FormulaError) as caught:
        read(text, WORDS)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "height"),
    [
        ("x", 0),
        ("x**2", 0),
        ("x**y", 1),
        ("exp(x)", 1),
        ("exp(exp(x) + 1)*2", 2),
        ("exp(x) + exp(y)", 1),
        ("exp(x)**y", 2),
    ],
)
def test_the_height_of_a_tower(text: str, height: int) -> None:
    """Exponentials inside each other count, beside each other do not."""
    assert tower(read(text)) == height


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("0.25", Fraction(Num("1"), Num("4"))),
        ("-0.5", Minus(Fraction(Num("1"), Num("2")))),
        (" 3 ", Num("3")),
        ("+1e2", Num("100")),
    ],
)
def test_a_decimal_is_an_exact_rational(text: str, form: Formula) -> None:
    """Values in files."""
    assert decimal(text) == form


@pytest.mark.parametrize("text", ["", "x", "1/2", "1e99999", "1_0", "nan", "inf", "１"])
def test_what_is_no_decimal_is_refused(text: str) -> None:
    """Only ASCII decimals of bounded size."""
    with pytest.raises(FormulaError, match="expected a decimal number"):
        decimal(text)


@pytest.mark.parametrize("text", ["q[0]", "exp[0]", "delta[1]"])
def test_the_base_of_an_indexed_id_is_held_against_the_names(text: str) -> None:
    """No name of the vocabulary has that base."""
    with pytest.raises(FormulaError, match="unknown id"):
        read(text, WORDS)


# What follows was wrong in the package once.


@pytest.mark.parametrize("text", ["w[1, 1, 3]", "x[7]", "w[1]"])
def test_an_indexed_id_is_held_against_the_names(text: str) -> None:
    """w[1, 1, 3] is the id w1_1_3, which is unknown."""
    with pytest.raises(FormulaError, match="unknown id"):
        read(text, WORDS)


def test_an_index_does_not_run_into_the_base() -> None:
    """Two different quantities never share an id."""
    with pytest.raises(FormulaError, match="expected letters"):
        read("w1[2]")


def test_a_bound_letter_is_no_quantity() -> None:
    """Σ_k k is 6 for k to 3; read as a quantity k it would be 3 k."""
    with pytest.raises(FormulaError):
        read("Sum(k, k, 1, 3)")


def test_the_bounds_of_a_sum_are_whole() -> None:
    """Σ from 1.5 means nothing."""
    with pytest.raises(FormulaError):
        read("Sum(h[k], k, 1.5, 3)")


def test_a_truth_value_is_no_shift() -> None:
    """True is an int to Python, not to a reader."""
    with pytest.raises(FormulaError):
        read("w[k+True]", Vocabulary(indices=("k",)))
