"""Positions, replacing, and index letters that are never captured."""

from fractions import Fraction as Rational
from itertools import product

import pytest

from symbackprop.errors import TooLarge
from symbackprop.formula.binding import (
    free_indices,
    fresh_index,
    instantiated,
    matched_indices,
    renamed_bound,
    substituted,
    written_out,
)
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Call,
    Delta,
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
    at,
    depth,
    name_of,
    names_in,
    number,
    positions,
    replaced,
    size,
    walk,
)

WORDS = Vocabulary(functions={"f": None}, indices="ijkm")
LINE = "-(y1 - o1)*h1_2 + exp(x/2)**2*f(x, z)"


def form(text: str) -> Formula:
    """A form with the letters i, j, k, m declared."""
    return read(text, WORDS)


def sigma(text: str) -> Sigma:
    """A Σ from its text."""
    result = form(text)
    assert isinstance(result, Sigma)
    return result


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), LINE),
        ((0,), "-(y1 - o1)*h1_2"),
        ((0, 0), "(y1 - o1)*h1_2"),
        ((0, 0, 0), "y1 - o1"),
        ((0, 0, 0, 1), "-o1"),
        ((0, 0, 0, 1, 0), "o1"),
        ((0, 0, 1), "h1_2"),
        ((1,), "exp(x/2)**2*f(x, z)"),
        ((1, 0, 0, 0, 1), "2"),
        ((1, 0, 1), "2"),
        ((1, 1, 0), "x"),
        ((1, 1, 1), "z"),
    ],
)
def test_a_position_is_a_tuple_of_child_numbers(
    path: tuple[int, ...], expected: str
) -> None:
    """Hand-counted children of one printed line."""
    assert at(form(LINE), path) == form(expected)


@pytest.mark.parametrize("path", [(2,), (0, 1), (0, 0, 1, 0), (1, 0, 0, 0, 0, 0)])
def test_there_is_no_position_below_a_leaf(path: tuple[int, ...]) -> None:
    """A path that leads nowhere is an IndexError, never a neighbour."""
    with pytest.raises(IndexError):
        at(form(LINE), path)


def test_equal_subterms_have_different_positions() -> None:
    """The two x of x/2 and f(x, z) are told apart."""
    places = [path for path, node in positions(form(LINE)) if node == Name("x")]
    assert places == [(1, 0, 0, 0, 0), (1, 1, 0)]


def test_positions_list_every_subtree_once_parents_first() -> None:
    """Every position leads to its subtree; walk goes in the same order."""
    line = form(LINE)
    listed = list(positions(line))
    assert len(listed) == size(line) == len({path for path, _ in listed})
    assert [node for _, node in listed] == list(walk(line))
    assert all(at(line, path) is node for path, node in listed)
    seen: set[tuple[int, ...]] = set()
    for path, _ in listed:
        assert not path or path[:-1] in seen
        seen.add(path)


@pytest.mark.parametrize("new", ["a + b", "a*b", "-a", "a/b", "a**b"])
def test_replacing_moves_no_other_position(new: str) -> None:
    """A sum put into a sum stays a sum in a sum, at every place of the line."""
    line, put = form(LINE), form(new)
    for path, _ in positions(line):
        result = replaced(line, path, put)
        assert at(result, path) == put
        for other, node in positions(line):
            apart = all(a != b for a, b in [(path[: len(other)], other)])
            if apart and other[: len(path)] != path:
                assert at(result, other) == node


def test_replacing_at_the_root_and_with_itself() -> None:
    """The root is the empty path; replacing a part with itself changes nothing."""
    line = form(LINE)
    assert replaced(line, (), Name("q")) == Name("q")
    for path, node in positions(line):
        assert replaced(line, path, node) == line


@pytest.mark.parametrize(
    "node",
    [
        Sum((Name("x"), Name("y"))),
        Product((Name("x"), Name("y"))),
        Minus(Name("x")),
        Fraction(Name("x"), Name("y")),
        Power(Name("x"), Name("y")),
        Call("f", (Name("x"), Name("y")), 1),
        Derivative("P", Name("x"), Name("y")),
        Sigma("k", Num("1"), Name("n"), Name("x")),
        Num("1.50"),
        Name("w", (1, Idx("k", 1))),
        Delta(1, Idx("k")),
    ],
    ids=lambda node: type(node).__name__,
)
def test_with_children_keeps_everything_but_the_parts(node: Formula) -> None:
    """A node rebuilt over its own parts is itself; no node can be changed."""
    assert node.with_children(node.children) == node
    moved = tuple(Name(f"q{n}") for n in range(len(node.children)))
    assert node.with_children(moved).children == moved
    assert hash(node) == hash(node.with_children(node.children))
    with pytest.raises((AttributeError, TypeError)):
        node.text = "2"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("identifier", "base", "indices"),
    [
        ("x", "x", ()),
        ("x1", "x", (1,)),
        ("w1_1_2", "w", (1, 1, 2)),
        ("delta1_2", "delta", (1, 2)),
        ("my_rate", "my_rate", ()),
        ("my_rate3", "my_rate", (3,)),
        ("x0", "x", (0,)),
        ("x01", "x01", ()),
        ("x1_", "x1_", ()),
        ("x1_02", "x1_02", ()),
        ("_x", "_x", ()),
        ("J", "J", ()),
    ],
)
def test_an_id_is_a_base_and_its_indices(
    identifier: str, base: str, indices: tuple[int, ...]
) -> None:
    """Ids read as files write them, and print as they were."""
    assert name_of(identifier) == Name(base, indices)
    assert name_of(identifier).id == identifier


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, "3"),
        (0, "0"),
        (-3, "-3"),
        (Rational(2, 3), "2/3"),
        (Rational(-2, 3), "-2/3"),
        (Rational(4, 2), "2"),
    ],
)
def test_a_rational_has_a_form(value: int | Rational, expected: str) -> None:
    """Digits, a fraction of digits, a minus before."""
    assert number(value) == form(expected)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Rational(1, 10)),
        ("1.50", Rational(3, 2)),
        (".5", Rational(1, 2)),
        ("2.", Rational(2)),
        ("1e-3", Rational(1, 1000)),
        ("12E2", Rational(1200)),
    ],
)
def test_a_number_keeps_its_digits_and_is_exact(text: str, value: Rational) -> None:
    """0.1 is one tenth, not the nearest double."""
    node = form(text)
    assert isinstance(node, Num)
    assert (node.text, node.value) == (text, value)


def test_names_are_listed_once_in_reading_order() -> None:
    """The name that is differentiated by counts too."""
    names = names_in(form("z*x + P(y, w1_1)*x + Sum(h[k], k, 1, 2)"))
    ids = [name.id for name in names]
    assert sorted(ids) == ["h[k]", "w1_1", "x", "y", "z"]
    assert ids[:2] == ["z", "x"]


def test_depth_is_counted_without_recursion() -> None:
    """A form ten thousand deep has a depth and a size."""
    deep: Formula = Name("x")
    for _ in range(9_999):
        deep = Minus(deep)
    assert depth(deep) == size(deep) == 10_000


def test_substitution_is_simultaneous() -> None:
    """Swapping x and y does not make them one."""
    swap = {Name("x"): Name("y"), Name("y"): Name("x")}
    assert substituted(form("x - 2*y + D(x, y)"), swap) == form("y - 2*x + D(y, x)")


@pytest.mark.parametrize(
    ("line", "value", "bound"),
    [
        ("Sum(x*h[k], k, 1, 3)", "w[k]", "k"),
        ("Sum(Sum(x*h[k]*g[i], k, 1, 3), i, 1, 2)", "w[i, k]", "ik"),
        ("Sum(x*h[k], k, 1, 3)", "w[k+1]", "k"),
        ("Sum(x*h[k], k, 1, 3)", "kronecker(k, m)", "k"),
        ("Sum(x*h[k], k, 1, 3)", "P(y, w[k])", "k"),
    ],
)
def test_substitution_captures_no_bound_index(
    line: str, value: str, bound: str
) -> None:
    """The Σ's letter moves aside; the free letter of the value stays free."""
    new = substituted(form(line), {Name("x"): form(value)})
    inside = {node.index for node in walk(new) if isinstance(node, Sigma)}
    assert not inside & set(bound)
    assert free_indices(form(value)) <= free_indices(new)


@pytest.mark.parametrize(
    ("line", "value", "expected"),
    [
        ("Sum(w[m, k], k, 1, 2)", 3, "w3_1 + w3_2"),
        ("Sum(w[m, k], k, 1, 2)", Idx("i"), "w[i, 1] + w[i, 2]"),
        ("Sum(w[m, k], k, 1, 2)", Idx("m", -2), "w[m-2, 1] + w[m-2, 2]"),
        ("Sum(w[m, k], k, 1, 2)", Idx("k"), "w[k, 1] + w[k, 2]"),
        ("Sum(w[m, k], k, 1, 2)", Idx("k", 1), "w[k+1, 1] + w[k+1, 2]"),
        ("Sum(w[m, j, k], k, 1, 2)", Idx("k"), "w[k, j, 1] + w[k, j, 2]"),
        ("Sum(w[i, k], k, 1, 2)", Idx("k"), "w[i, 1] + w[i, 2]"),
    ],
)
def test_instantiation_captures_no_letter(
    line: str, value: int | Idx, expected: str
) -> None:
    """m goes to a value in Σ_k w[m, k]: no letter becomes bound on the way.

    The Σ once took the first letter that the value lacked, m itself.
    """
    new = instantiated(sigma(line), {"m": value})
    assert isinstance(new, Sigma)
    assert written_out(new) == form(expected)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Sum(x*w[m, k], k, 1, 2)", "v[k]*w[m, 1] + v[k]*w[m, 2]"),
        ("Sum(x*w[i, k], k, 1, 2)", "v[k]*w[i, 1] + v[k]*w[i, 2]"),
    ],
)
def test_a_letter_that_moves_aside_hits_no_other(line: str, expected: str) -> None:
    """x goes to v[k]; the Σ's new letter is none that its body uses."""
    new = substituted(form(line), {Name("x"): form("v[k]")})
    assert isinstance(new, Sigma)
    assert written_out(new) == form(expected)


def test_a_bound_letter_is_not_instantiated() -> None:
    """k in Σ_k h[k] is not the k outside."""
    line = form("h[k] + Sum(h[k], k, 1, 2)")
    assert instantiated(line, {"k": 7}) == form("h[7] + Sum(h[k], k, 1, 2)")


def test_shifts_add_up() -> None:
    """w[k+1] at k = l-1 is w[l]; at k = 3 it is w4."""
    words = Vocabulary(indices="kl")
    line = read("w[k+1]", words)
    assert instantiated(line, {"k": Idx("l", -1)}) == read("w[l]", words)
    assert instantiated(line, {"k": 3}) == read("w4", words)


def test_free_indices_are_those_that_no_sum_binds() -> None:
    """Indices of names, deltas and derivatives count; bound ones do not."""
    line = form("Sum(w[i, k]*P(y[j], x[k]), k, 1, 2)*kronecker(m, 1)")
    assert free_indices(line) == {Idx("i"), Idx("j"), Idx("m")}


def test_renaming_changes_the_letter_alone() -> None:
    """Σ_k h[k] w[k, j] = Σ_m h[m] w[m, j]."""
    line = sigma("Sum(h[k]*w[k, j], k, 1, n)")
    assert renamed_bound(line, "m") == form("Sum(h[m]*w[m, j], m, 1, n)")


def test_a_fresh_index_is_not_taken() -> None:
    """The wanted letter first, then others, then numbered ones."""
    assert fresh_index("i", set()) == "i"
    taken: set[str] = set()
    for _ in range(30):
        letter = fresh_index("i", taken)
        assert letter not in taken
        taken.add(letter)


@pytest.mark.parametrize(
    ("pattern", "line", "expected"),
    [
        ("w[i, j]", "w[2, k]", {"i": 2, "j": Idx("k")}),
        ("w[i+1, j]", "w[3, 4]", {"i": 2, "j": 4}),
        ("w[i, i]", "w[2, 2]", {"i": 2}),
        ("w[i, i]", "w[2, 3]", None),
        ("w[i, j]", "w[2]", None),
        ("w[i, j]", "v[2, 3]", None),
        ("D(J, z[i])", "D(J, z4)", {"i": 4}),
        ("D(J, z[i])", "P(J, z4)", None),
        ("x[i] + y[i]", "x1 + y1", {"i": 1}),
        ("x[i] + y[i]", "x1 + y2", None),
        ("x[i]*y[i]", "x1 + y1", None),
        ("f(x[i])", "exp(x1)", None),
        ("w[1, j]", "w[2, k]", None),
    ],
)
def test_matching_solves_for_indices(
    pattern: str, line: str, expected: dict[str, object] | None
) -> None:
    """One value a letter, everything else literally the same."""
    values: dict[str, int | Idx] = {}
    found = matched_indices(form(pattern), form(line), frozenset("ij"), values)
    assert found == (expected is not None)
    if expected is not None:
        assert values == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Sum(h[k], k, 1, 3)", "h1 + h2 + h3"),
        ("Sum(h[k+1], k, 0, 1)", "h1 + h2"),
        ("Sum(h[k], k, 2, 2)", "h2"),
        ("Sum(h[k], k, 3, 2)", "0"),
        ("Sum(x, k, 1, 2)", "x + x"),
    ],
)
def test_a_sum_of_known_length_is_written_out(line: str, expected: str) -> None:
    """Both ends are included; one term is itself, none is 0."""
    assert written_out(sigma(line)) == form(expected)


@pytest.mark.parametrize(
    "line",
    ["Sum(h[k], k, 1, n)", "Sum(h[k], k, 1, 4097)", "Sum(h[k], k, 0, 9999999999)"],
)
def test_a_sum_without_a_bounded_length_is_refused(line: str) -> None:
    """Symbolic or too long: nothing is built."""
    with pytest.raises(TooLarge):
        written_out(sigma(line))


def test_nested_sums_of_one_letter_write_out_innermost_binding() -> None:
    """The inner k of Σ_k Σ_k w[k] belongs to the inner Σ."""
    line = sigma("Sum(Sum(w[k], k, 1, 2)*h[k], k, 3, 4)")
    inner = "Sum(w[k], k, 1, 2)"
    assert written_out(line) == form(f"{inner}*h3 + {inner}*h4")


def test_a_softmax_row_written_out_keeps_every_pair() -> None:
    """Σ_i Σ_k w[i, k] over 2 and 3 has the six products of an outside count."""
    outer = written_out(sigma("Sum(Sum(w[i, k], k, 1, 3), i, 1, 2)"))
    ids = [
        name.id
        for part in outer.children
        if isinstance(part, Sigma)
        for name in names_in(written_out(part))
    ]
    assert ids == [f"w{i}_{k}" for i, k in product((1, 2), (1, 2, 3))]
    assert "k" not in {text_of(part) for part in outer.children}
