"""Text and form are each other's inverse: `read(text_of(f)) == f`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.text import text_of
from symbackprop.formula.tree import (
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Power,
    Product,
    Sigma,
    Sum,
)

LETTERS = ("i", "j", "k", "l")
WORDS = Vocabulary(functions={"f": None, "sigmoid": 1}, indices=LETTERS)

INDEX: st.SearchStrategy[Index] = st.one_of(
    st.integers(0, 12),
    st.builds(Idx, st.sampled_from(LETTERS), st.integers(-3, 3)),
)
BASES = st.sampled_from(["x", "w", "my_rate", "h", "J", "delta", "z"])
NAMES = st.builds(Name, BASES, st.lists(INDEX, max_size=3).map(tuple))
NUMBERS = st.builds(
    Num,
    st.one_of(
        st.integers(0, 10**12).map(str),
        st.sampled_from(["0.1", "1.50", ".5", "2.", "1e5", "1e-7", "3E+2", "0.000"]),
    ),
)
DELTAS = st.builds(Delta, INDEX, INDEX)
PI = st.just(Call("pi", ()))


def _grown(parts: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    """Every node kind over given parts."""
    bounds = st.one_of(st.sampled_from([Num("0"), Num("1"), Num("12")]), NAMES)
    several = st.lists(parts, min_size=2, max_size=4).map(tuple)
    one = st.tuples(parts)
    two = st.tuples(parts, parts)
    # The reader bounds powers: exponents are names or small numbers here.
    exponents = st.one_of(
        NAMES,
        st.integers(0, 3).map(lambda n: Num(str(n))),
        st.integers(1, 3).map(lambda n: Minus(Num(str(n)))),
        st.builds(Fraction, st.just(Num("1")), st.just(Num("2"))),
    )
    return st.one_of(
        st.builds(Sum, several),
        st.builds(Product, several),
        st.builds(Minus, parts),
        st.builds(Fraction, parts, parts),
        st.builds(Power, st.one_of(NAMES, PI), exponents),
        st.builds(lambda a: Call("log", a), one),
        st.builds(lambda a: Call("sigmoid", a), one),
        st.builds(lambda a: Call("Max", a), two),
        st.builds(lambda a: Call("f", a), several),
        st.builds(lambda a: Call("f", a, 1), two),
        st.builds(lambda a: Call("new", a), one),
        st.builds(Derivative, st.sampled_from(["D", "P"]), parts, NAMES),
        st.builds(Sigma, st.sampled_from(LETTERS), bounds, bounds, parts),
    )


FORMS = st.recursive(st.one_of(NUMBERS, NAMES, DELTAS, PI), _grown, max_leaves=14)


@settings(max_examples=600, deadline=None)
@given(FORMS)
def test_reading_the_text_gives_the_form_back(form: Formula) -> None:
    """Every nesting of every node kind survives, brackets included."""
    text = text_of(form)
    assert read(text, WORDS) == form
    assert text_of(read(text, WORDS)) == text


@settings(max_examples=200, deadline=None)
@given(FORMS, FORMS)
def test_different_forms_have_different_texts(one: Formula, other: Formula) -> None:
    """Fingerprints rest on this: no two forms share a text."""
    assert (text_of(one) == text_of(other)) == (one == other)


X, Y, Z = Name("x"), Name("y"), Name("z")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (Sum((X, Minus(Y))), "x - y"),
        (Sum((X, Sum((Y, Z)))), "x + (y + z)"),
        (Sum((X, Minus(Sum((Y, Z))))), "x - (y + z)"),
        (Sum((Minus(X), Y)), "-x + y"),
        (Product((X, Product((Y, Z)))), "x*(y*z)"),
        (Product((Product((X, Y)), Z)), "(x*y)*z"),
        (Product((X, Fraction(Y, Z))), "x*(y/z)"),
        (Fraction(Product((X, Y)), Z), "x*y/z"),
        (Fraction(X, Product((Y, Z))), "x/(y*z)"),
        (Fraction(Fraction(X, Y), Z), "x/y/z"),
        (Fraction(X, Fraction(Y, Z)), "x/(y/z)"),
        (Minus(Product((X, Y))), "-x*y"),
        (Product((Minus(X), Y)), "(-x)*y"),
        (Product((X, Minus(Y))), "x*(-y)"),
        (Minus(Minus(X)), "-(-x)"),
        (Minus(Power(X, Num("2"))), "-x**2"),
        (Power(Minus(X), Num("2")), "(-x)**2"),
        (Power(Power(X, Y), Z), "(x**y)**z"),
        (Power(X, Power(Y, Z)), "x**(y**z)"),
        (Call("f", (X, Y), 0), "slope(f(x, y), 1)"),
        (Derivative("D", Name("J"), Name("w", (1, 1, 2))), "D(J, w1_1_2)"),
        (
            Sigma("k", Num("1"), Name("n"), Name("h", (Idx("k", 1),))),
            "Sum(h[k+1], k, 1, n)",
        ),
        (Delta(Idx("i"), 2), "kronecker(i, 2)"),
        (Call("pi", ()), "pi"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_brackets_stand_where_the_text_alone_would_flatten(
    form: Formula, text: str
) -> None:
    """Hand-written texts, both ways."""
    assert text_of(form) == text
    assert read(text, WORDS) == form


def test_sums_can_be_written_out() -> None:
    """JSON speaks of known sums term by term."""
    form = read("2*Sum(h[k], k, 1, 3)", WORDS)
    assert text_of(form, write_sums_out=True) == "2*(h1 + h2 + h3)"


def test_a_derivative_may_get_a_name_of_its_own() -> None:
    """The error term's id stands for D(J, z1_2)."""
    form = read("D(J, z1_2)*x1", WORDS)
    text = text_of(form, derivative=lambda d: f"delta{d.by.id[1:]}")
    assert text == "delta1_2*x1"


def test_long_runs_do_not_nest() -> None:
    """A sum of a thousand terms is one node, there and back."""
    form = Sum(tuple(Name("x", (n,)) for n in range(1000)))
    assert read(text_of(form), WORDS) == form
