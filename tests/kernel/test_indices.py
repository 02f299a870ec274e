"""Layer form with symbolic sizes: the affine layer, the induction, and mutants.

Expected results are the textbook's: ∂L/∂W = Xᵀ ∂L/∂Y, ∂L/∂b = Σ_i ∂L/∂Y_i,
∂L/∂X = ∂L/∂Y Wᵀ (Goodfellow, Bengio, Courville, Deep Learning, 6.5.6).
"""

from collections.abc import Callable

import pytest

from symbackprop.errors import Refused, SymbackpropError
from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.relation import Assumption
from symbackprop.formula.tree import Formula, Name
from symbackprop.kernel.definitions import Definition, Definitions, Function
from symbackprop.kernel.derivation import Derivation
from symbackprop.kernel.indices import (
    index_algebra,
    induction,
    local_family,
    total_family,
)
from symbackprop.kernel.rules import assume, fold, independent, local, unfold
from symbackprop.strategies.writer import Writer

WORDS = Vocabulary(functions={"L": None, "J": None, "a": 1, "f": 1}, indices="ijklpqM")
GENERAL = {name: Function(("u",)) for name in "LJaf"}


def form(text: str) -> Formula:
    """A form with this file's letters."""
    return read(text, WORDS)


def family(text: str, body: str = "", **sizes: str) -> Definition:
    """A family from its text, its body and the sizes of its letters."""
    name = form(text)
    assert isinstance(name, Name)
    ranges = tuple((letter, form(size)) for letter, size in sizes.items())
    return Definition(name, form(body) if body else None, ranges)


AFFINE = Definitions(
    (
        family("x[i, k]", i="N", k="n"),
        family("w[k, j]", k="n", j="m"),
        family("b[j]", j="m"),
        family("y[i, j]", "Sum(x[i, k]*w[k, j], k, 1, n) + b[j]", i="N", j="m"),
        Definition(Name("L"), form("L(y[i, j])")),
    ),
    GENERAL,
)

LAYER = [
    (
        "w[p, q]",
        "Sum(D(L, y[i, q])*P(y[i, q], w[p, q]), i, 1, N)",
        "x[i, p]",
        "Sum(x[i, p]*D(L, y[i, q]), i, 1, N)",
    ),
    (
        "b[q]",
        "Sum(D(L, y[i, q])*P(y[i, q], b[q]), i, 1, N)",
        "1",
        "Sum(D(L, y[i, q]), i, 1, N)",
    ),
    (
        "x[p, q]",
        "Sum(D(L, y[p, j])*P(y[p, j], x[p, q]), j, 1, m)",
        "w[q, j]",
        "Sum(D(L, y[p, j])*w[q, j], j, 1, m)",
    ),
]


def layer_line(by: str) -> Writer:
    """D(L, by) with the chain rule over the ranges applied."""
    writer = Writer(AFFINE, form(f"D(L, {by})"))
    writer.apply(total_family, ())
    return writer


@pytest.mark.parametrize(("by", "chain", "slope", "result"), LAYER)
def test_the_affine_layer_with_symbolic_sizes(
    by: str, chain: str, slope: str, result: str
) -> None:
    """Chain rule, slope, reordering: the textbook's matrix products, entry by entry."""
    writer = layer_line(by)
    assert writer.line == form(chain)
    writer.apply(local_family, (0, 1), form(slope))
    writer.apply(index_algebra, (), form(result), "reorder")
    derivation = writer.derivation()
    assert derivation.result == form(result)
    assert derivation.goal == form(f"D(L, {by})")
    assert not derivation.conditions


@pytest.mark.parametrize(
    ("by", "wrong"),
    [
        ("w[p, q]", "x[p, i]"),
        ("w[p, q]", "x[i, q]"),
        ("w[p, q]", "w[p, q]"),
        ("w[p, q]", "2*x[i, p]"),
        ("w[p, q]", "-x[i, p]"),
        ("w[p, q]", "0"),
        ("w[p, q]", "Sum(x[i, k], k, 1, n)"),
        ("b[q]", "0"),
        ("b[q]", "2"),
        ("b[q]", "b[q]"),
        ("x[p, q]", "w[j, q]"),
        ("x[p, q]", "w[p, j]"),
        ("x[p, q]", "Sum(w[k, j], k, 1, n)"),
    ],
)
def test_a_wrong_slope_of_the_layer_is_refused(by: str, wrong: str) -> None:
    """Transposed or summed where it must not be."""
    writer = layer_line(by)
    with pytest.raises(Refused, match="local"):
        writer.apply(local_family, (0, 1), form(wrong))


@pytest.mark.parametrize(
    ("by", "wrong"),
    [
        ("w[p, q]", "Sum(x[i, p]*D(L, y[i, q]), i, 1, n)"),
        ("w[p, q]", "Sum(x[i, p]*D(L, y[i, q]), i, 1, m)"),
        ("w[p, q]", "Sum(x[i, q]*D(L, y[i, p]), i, 1, N)"),
        ("w[p, q]", "Sum(x[p, i]*D(L, y[i, q]), i, 1, N)"),
        ("w[p, q]", "x[i, p]*D(L, y[i, q])"),
        ("w[p, q]", "2*Sum(x[i, p]*D(L, y[i, q]), i, 1, N)"),
        ("w[p, q]", "-Sum(x[i, p]*D(L, y[i, q]), i, 1, N)"),
        ("w[p, q]", "Sum(D(L, y[i, q]), i, 1, N)"),
        ("w[p, q]", "Sum(x[i, p], i, 1, N)*Sum(D(L, y[i, q]), i, 1, N)"),
        ("b[q]", "D(L, y[p, q])"),
        ("b[q]", "D(L, y[i, q])"),
        ("b[q]", "Sum(D(L, y[q, i]), i, 1, N)"),
        ("b[q]", "Sum(D(L, y[i, q]), i, 1, m)"),
        ("b[q]", "N*Sum(D(L, y[i, q]), i, 1, N)"),
        ("x[p, q]", "Sum(D(L, y[p, j])*w[j, q], j, 1, m)"),
        ("x[p, q]", "Sum(D(L, y[j, p])*w[q, j], j, 1, m)"),
        ("x[p, q]", "Sum(D(L, y[p, j])*w[q, j], j, 1, n)"),
    ],
)
def test_a_wrong_result_of_the_layer_is_refused(by: str, wrong: str) -> None:
    """Wrong summation range, transposed index, un-summed bias, lost factor."""
    slope = {row[0]: row[2] for row in LAYER}[by]
    writer = layer_line(by)
    writer.apply(local_family, (0, 1), form(slope))
    with pytest.raises(Refused, match="index algebra"):
        writer.apply(index_algebra, (), form(wrong), "reorder")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Sum(x[i, k], k, 1, n)", "Sum(x[i, p], p, 1, n)"),
        ("Sum(2*x[i, k] + 3, k, 1, n)", "2*Sum(x[i, k], k, 1, n) + Sum(3, k, 1, n)"),
        ("Sum(Sum(x[i, k], k, 1, n), i, 1, N)", "Sum(Sum(x[i, k], i, 1, N), k, 1, n)"),
        ("Sum(kronecker(k, q)*w[k, j], k, 1, n)*x[i, q]", "w[q, j]*x[i, q]"),
        (
            "Sum(x[i, k], k, 1, n)*Sum(x[i, k], k, 1, n)",
            "Sum(Sum(x[i, k]*x[i, p], k, 1, n), p, 1, n)",
        ),
        ("kronecker(p, p)", "1"),
        ("kronecker(1, 2)", "0"),
        ("x[i, k]*(w[k, j] - w[k, j])", "0"),
    ],
)
def test_identities_of_finite_sums(left: str, right: str) -> None:
    """Linearity, renaming, exchange of order, collapse of a delta; both ways."""
    for one, other in ((left, right), (right, left)):
        step = index_algebra(AFFINE, form(one), (), form(other), "reorder")
        assert step.after == form(other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Sum(x[i, k], k, 1, n)", "Sum(x[i, k], k, 1, m)"),
        ("Sum(x[i, k], k, 1, n)", "x[i, k]"),
        ("Sum(x[i, k]**2, k, 1, n)", "Sum(x[i, k], k, 1, n)**2"),
        (
            "Sum(x[i, k]*x[i, k], k, 1, n)",
            "Sum(x[i, k], k, 1, n)*Sum(x[i, k], k, 1, n)",
        ),
        ("Sum(1, k, 1, n)", "1"),
        ("kronecker(p, q)", "1"),
        ("kronecker(p, q)", "0"),
        ("Sum(kronecker(k, q)*w[k, j], k, 1, m)*x[i, q]", "w[q, j]*x[i, q]"),
        ("Sum(kronecker(k, q), k, 1, n)", "1"),
        ("Sum(x[i, k], k, 2, n)", "Sum(x[i, k], k, 1, n)"),
        ("x[i, k]", "x[k, i]"),
    ],
)
def test_what_is_no_identity_of_sums_is_refused(left: str, right: str) -> None:
    """A delta collapses only where the other index lies in the range of the Σ."""
    with pytest.raises(Refused, match="index algebra"):
        index_algebra(AFFINE, form(left), (), form(right), "reorder")


@pytest.mark.parametrize(
    ("goal", "message"),
    [
        ("P(L, w[p, q])", "expected D"),
        ("D(L, y[p, q])", "may or may not be"),
        ("D(b[j], x[p, q])", "nothing uses"),
        ("x[p, q]", "expected D"),
    ],
)
def test_the_family_chain_rule_refuses_by_name(goal: str, message: str) -> None:
    """A mention that can neither be matched nor told apart is no term."""
    with pytest.raises(Refused, match=f"total: .*{message}"):
        total_family(AFFINE, form(goal), ())


# A network of M layers of n units: backpropagation as an induction over the layers.

CHAIN = "Sum(w[l+1, j, k]*e[l+1, k], k, 1, n)*slope(a(z[l, j]), 1)"
TOP = "P(J, h[M, j])*slope(a(z[M, j]), 1)"


def deep(below: str = CHAIN, *facts: Assumption) -> Definitions:
    """The network and its error terms e, the last layer's and the others'."""
    return Definitions(
        (
            family("w[l, i, j]", l="M", i="n", j="n"),
            family("z[l, j]", "Sum(w[l, i, j]*h[l-1, i], i, 1, n)", l="M", j="n"),
            family("h[l, j]", "a(z[l, j])", l="M", j="n"),
            Definition(Name("J"), form("J(h[M, j])")),
            family("e[M, j]", TOP, j="n"),
            family("e[l, j]", below, l="M - 1", j="n"),
        ),
        GENERAL,
        facts,
    )


DEEP = deep()
BELOW_TOP = Assumption(">", Name("M"), Name("l"))
HYPOTHESIS = Assumption("=", form("D(J, z[l+1, j])"), form("e[l+1, j]"), ("j",))


def base(definitions: Definitions = DEEP) -> Derivation:
    """D(J, z[M, j]) = e[M, j]."""
    writer = Writer(definitions, form("D(J, z[M, j])"))
    writer.apply(total_family, ())
    writer.apply(total_family, (0,))
    writer.apply(local_family, (1,), form("slope(a(z[M, j]), 1)"))
    writer.apply(fold, (), form("e[M, j]"))
    return writer.derivation()


def step_down(*facts: Assumption, last: str = "e[l, j]") -> Derivation:
    """D(J, z[l, j]) = e[l, j] from the facts given."""
    writer = Writer(deep(CHAIN, *facts), form("D(J, z[l, j])"))
    writer.apply(total_family, ())
    writer.apply(total_family, (0,))
    writer.apply(local_family, (1,), form("slope(a(z[l, j]), 1)"))
    writer.apply(local_family, (0, 0, 1), form("w[l+1, j, k]"))
    writer.apply(assume, (0, 0, 0), form("e[l+1, k]"))
    reordered = form("Sum(w[l+1, j, k]*e[l+1, k], k, 1, n)")
    writer.apply(index_algebra, (0,), reordered, "reorder")
    if last:
        writer.apply(fold, (), form(last))
    return writer.derivation()


def claimed(
    first: Derivation, second: Derivation, before: str = "D(J, z[l, j])"
) -> Formula:
    """What the induction from `first` and `second` ends on."""
    step = induction(DEEP, form(before), (), "l", "M", first, second)
    assert step.because == (first, second)
    return step.after


def test_backpropagation_by_induction_over_the_layers() -> None:
    """δ[l, j] = Σ_k w[l+1, j, k] δ[l+1, k] · a'(z[l, j]), for every layer."""
    assert claimed(base(), step_down(HYPOTHESIS, BELOW_TOP)) == form("e[l, j]")


def test_the_induction_needs_its_hypothesis() -> None:
    """Without it the step's own line has nothing to stand on."""
    with pytest.raises(Refused, match="assume"):
        step_down(BELOW_TOP)


def test_the_hypothesis_at_the_same_layer_is_circular() -> None:
    """The claim at l, assumed for l, proves nothing."""
    circular = Assumption("=", form("D(J, z[l, j])"), form("e[l, j]"), ("j",))
    writer = Writer(deep(CHAIN, circular, BELOW_TOP), form("D(J, z[l, j])"))
    writer.apply(assume, (), form("e[l, j]"))
    with pytest.raises(Refused, match="induction: the step assumes more"):
        claimed(base(), writer.derivation())


@pytest.mark.parametrize(
    "extra",
    [
        Assumption("=", form("w[l, i, j]"), form("0"), ("i", "j")),
        Assumption(">", Name("n"), form("1")),
        Assumption(">", Name("l"), Name("M")),
        Assumption("=", form("D(J, z[l+2, j])"), form("e[l+2, j]"), ("j",)),
        Assumption("=", form("D(J, z[l+1, j])"), form("e[l+1, j]"), ("j", "l")),
    ],
    ids=str,
)
def test_the_step_may_assume_nothing_more(extra: Assumption) -> None:
    """Only the claim one layer up and l < M."""
    with pytest.raises(Refused, match="induction: the step assumes more"):
        claimed(base(), step_down(HYPOTHESIS, BELOW_TOP, extra))


def test_the_base_has_to_be_the_claim_at_the_top() -> None:
    """A base that stops early, or speaks of a weight, is another claim."""
    writer = Writer(DEEP, form("D(J, z[M, j])"))
    writer.apply(total_family, ())
    good = step_down(HYPOTHESIS, BELOW_TOP)
    for wrong in (
        writer.derivation(),
        Writer(DEEP, form("D(J, h[M, j])")).derivation(),
    ):
        with pytest.raises(Refused, match="induction: the base"):
            claimed(wrong, good)


def test_the_base_is_judged_under_the_same_definitions() -> None:
    """A base that rests on an assumption of its own is refused."""
    other = deep(CHAIN, Assumption(">", Name("n"), form("1")))
    with pytest.raises(Refused, match="induction: the base"):
        claimed(base(other), step_down(HYPOTHESIS, BELOW_TOP))


def test_the_step_speaks_of_the_same_network() -> None:
    """Another definition of e below the top is another network."""
    good = step_down(HYPOTHESIS, BELOW_TOP)
    wrong = deep(CHAIN.replace("w[l+1, j, k]", "w[l+1, k, j]"))
    with pytest.raises(Refused, match="induction"):
        induction(wrong, form("D(J, z[l, j])"), (), "l", "M", base(wrong), good)


def test_the_step_has_to_start_and_end_at_the_claim() -> None:
    """A step that ends elsewhere claims something else at the top."""
    unfinished = step_down(HYPOTHESIS, BELOW_TOP, last="")
    with pytest.raises(Refused, match="induction"):
        claimed(base(), unfinished)
    with pytest.raises(Refused, match="induction"):
        claimed(base(), base())
    good = step_down(HYPOTHESIS, BELOW_TOP)
    with pytest.raises(Refused, match="induction"):
        claimed(base(), good, before="D(J, h[l, j])")


@pytest.mark.parametrize(
    "below",
    [
        CHAIN.replace("w[l+1, j, k]", "w[l+1, k, j]"),
        CHAIN.replace("w[l+1, j, k]", "w[l, j, k]"),
        CHAIN.replace("1, n", "1, m"),
        CHAIN.replace("*slope(a(z[l, j]), 1)", ""),
        CHAIN.replace("a(z[l, j])", "a(z[l+1, j])"),
        f"-{CHAIN}",
    ],
)
def test_a_wrong_error_term_is_not_folded(below: str) -> None:
    """Transposed weights, a layer off, a wrong range, a lost slope, a sign."""
    definitions = deep(below, HYPOTHESIS, BELOW_TOP)
    good = step_down(HYPOTHESIS, BELOW_TOP, last="").result
    with pytest.raises(Refused, match="fold"):
        fold(definitions, good, (), form("e[l, j]"))


# What follows was wrong in the package once.

VECTOR = family("x[i]", i="n")


def over(*entries: Definition) -> Definitions:
    """Definitions over the vector x, with a general loss."""
    loss = Definition(Name("L"), form("L(y[i])"))
    return Definitions((VECTOR, *entries, loss), GENERAL)


@pytest.mark.parametrize(
    ("body", "sizes"),
    [
        ("x[i] + Sum(x[k], k, 1, n)", {"i": "n"}),
        ("exp(x[i])/Sum(exp(x[k]), k, 1, n)", {"i": "n"}),
    ],
)
def test_a_definition_with_two_mentions_has_one_term(
    body: str, sizes: dict[str, str]
) -> None:
    """P(y[i], x[p]) holds both mentions already: Σ_i D(L, y[i]) P(y[i], x[p])."""
    step = total_family(over(family("y[i]", body, **sizes)), form("D(L, x[p])"), ())
    assert step.after == form("Sum(D(L, y[i])*P(y[i], x[p]), i, 1, n)")


def test_a_gram_matrix_counts_its_diagonal_once() -> None:
    """y[i, j] = x[i] x[j]: one double sum, whose slope holds both mentions."""
    gram = family("y[i, j]", "x[i]*x[j]", i="n", j="n")
    loss = Definition(Name("L"), form("L(y[i, j])"))
    definitions = Definitions((VECTOR, gram, loss), GENERAL)
    step = total_family(definitions, form("D(L, x[p])"), ())
    inner = "Sum(D(L, y[i, j])*P(y[i, j], x[p]), j, 1, n)"
    assert step.after == form(f"Sum({inner}, i, 1, n)")


def test_a_bound_letter_is_not_the_family_s() -> None:
    """y[i] = Σ_i x[i]: every y uses x[p], not y[p] alone."""
    with pytest.raises(SymbackpropError):  # noqa: PT012 - either may refuse
        shadowed = over(family("y[i]", "Sum(x[i], i, 1, n)", i="n"))
        total_family(shadowed, form("D(L, x[p])"), ())


def test_an_index_below_one_is_no_member() -> None:
    """z[l] = x[l+1] never uses x1; z[p-1] uses x[p] for p > 1 alone."""
    shifted = Definitions(
        (
            family("x[i]", i="m"),
            family("z[l]", "x[l+1]", l="n"),
            Definition(Name("L"), form("L(z[l])")),
        ),
        GENERAL,
    )
    with pytest.raises(Refused, match="total"):
        total_family(shifted, form("D(L, x1)"), ())


def test_a_product_captures_no_free_letter() -> None:
    """(Σ_k x[k]) y[k] is not Σ_k x[k] y[k]."""
    definitions = Definitions((VECTOR, family("y[i]", i="n")), GENERAL)
    with pytest.raises(Refused, match="index algebra"):
        index_algebra(
            definitions,
            form("Sum(x[k], k, 1, n)*y[k]"),
            (),
            form("Sum(x[k]*y[k], k, 1, n)"),
            "reorder",
        )


def test_a_product_captures_no_free_letter_in_the_other_order() -> None:
    """y[k] Σ_k x[k] is not Σ_k x[k] y[k] either."""
    definitions = Definitions((VECTOR, family("y[i]", i="n")), GENERAL)
    with pytest.raises(Refused, match="index algebra"):
        index_algebra(
            definitions,
            form("y[k]*Sum(x[k], k, 1, n)"),
            (),
            form("Sum(x[k]*y[k], k, 1, n)"),
            "reorder",
        )


@pytest.mark.parametrize(
    ("rule", "before", "given"),
    [
        (independent, "P(x[i], x[j])", ()),
        (independent, "P(y[i], x[j])", ()),
        (local, "P(y[i], x[j])", ("0",)),
    ],
)
def test_members_of_a_family_may_coincide(
    rule: Callable[..., object], before: str, given: tuple[str, ...]
) -> None:
    """∂x_i/∂x_j is δ_ij, and ∂(2 x_i)/∂x_j is 2 δ_ij: not 0."""
    definitions = over(family("y[i]", "2*x[i]", i="n"))
    with pytest.raises(Refused):
        rule(definitions, form(before), (), *map(form, given))


def test_a_replacement_brings_no_range() -> None:
    """Σ_k δ_kp is 1 for p in the range alone; 0 x[p] does not put p there."""
    line, wanted = form("Sum(kronecker(k, p), k, 1, n)"), form("1 + 0*x[p]")
    with pytest.raises(Refused, match="index algebra"):
        index_algebra(Definitions((VECTOR,), GENERAL), line, (), wanted, "reorder")


def test_a_family_has_no_member_outside_its_range() -> None:
    """h[l] for l from 1: h0 is the input and has no definition."""
    layers = Definitions((family("h[l]", "a(h[l-1])", l="M"),), GENERAL)
    with pytest.raises(Refused, match="unfold"):
        unfold(layers, form("h0"), ())


@pytest.mark.parametrize(
    "entries",
    [
        (VECTOR, family("x[j]", "1", j="n")),
        (VECTOR, family("x1", "1")),
        (family("y[i]", "y[i] + 1", i="n"),),
    ],
    ids=["twice", "member", "itself"],
)
def test_families_are_assigned_once(entries: tuple[Definition, ...]) -> None:
    """x[j] after x[i], x1 beside x[i], y[i] := y[i] + 1."""
    with pytest.raises(SymbackpropError):
        Definitions(entries, GENERAL)


def test_an_induction_discharges_its_hypothesis() -> None:
    """What was assumed of l+1 and of l < M is no condition of the result."""
    writer = Writer(DEEP, form("D(J, z[l, j])"))
    good = step_down(HYPOTHESIS, BELOW_TOP)
    writer.apply(induction, (), "l", "M", base(), good)
    stated = {str(condition) for condition in writer.derivation().conditions}
    assert str(HYPOTHESIS) not in stated
