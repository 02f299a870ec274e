"""What is named as the cause of a wrong claim, what is not, and how sure it is.

The wrong numbers come from mpmath (seeded_mutants.py, and the Board of seeded_claims.py
beside it); the package is never asked for a label.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from mpmath import mp, mpf

from symbackprop.claims.diagnosis import MAX_CAUSES
from symbackprop.claims.verdict import Cause, Verdict
from symbackprop.examples import read_example
from symbackprop.judged import verify

SEED = 20
MUTANTS = 34
KEPT = ("decimals throughout", "digits throughout")


@pytest.fixture(scope="module")
def seeded() -> ModuleType:
    """The mutants' own arithmetic, a file beside this one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(Path(__file__).parent))
        return import_module("seeded_mutants")


@pytest.fixture(scope="module")
def two(seeded: ModuleType) -> object:
    """Two inputs, two sigmoid units, two sigmoid outputs, one bias a layer."""
    return seeded.nets()[0]


def claims(rows: list[tuple[str, str]], more: str = "") -> str:
    return "".join(
        f'[[claims]]\nquantity = "{quantity}"\nprinted = "{text}"\n{more}'
        for quantity, text in rows
    )


def judged(text: str) -> tuple[Verdict, ...]:
    return verify(read_example(text, name="seeded")).verdicts


def plain(operator: str) -> str:
    """A mistake's name, whether made in one line or in several."""
    return " & ".join(
        part if part.endswith(KEPT) else part.removesuffix(" throughout")
        for part in operator.split(" & ")
    )


def names(causes: tuple[Cause, ...]) -> list[str]:
    return [plain(cause.operator) for cause in causes]


# ---- the true mistake is named


def test_seeded_mutants_are_wrong_and_nearly_all_named(seeded: ModuleType) -> None:
    mutants = seeded.Drawn(SEED).mutants(MUTANTS)
    missed: list[str] = []
    for mutant in mutants:
        for verdict in judged(mutant.toml(short=True)):
            if verdict.claim.quantity != mutant.quantity:
                assert verdict.outcome == "agrees", verdict
                assert verdict.causes == ()
                continue
            assert verdict.kind not in ("exact", "carried"), mutant
            if mutant.digits >= 5 and mutant.label not in names(verdict.causes):
                missed.append(f"{mutant.label} {mutant.quantity} {mutant.printed}")
    assert len({mutant.label for mutant in mutants}) >= 30
    assert len(missed) <= MUTANTS * 0.05, f"seed {SEED}: {missed}"


def test_rounding_on_the_way_is_named_and_never_for_certain(seeded: ModuleType) -> None:
    for mutant in seeded.Drawn(SEED).mutants(6, rounding=True):
        for verdict in judged(mutant.toml(short=True)):
            if verdict.claim.quantity == mutant.quantity:
                assert mutant.label in names(verdict.causes), mutant


# ---- one mistake behind many numbers


def habit(seeded: ModuleType, net, mistake: str, digits: int = 7) -> str:
    """A book that prints every number with one mistake made throughout."""
    wrong = seeded.Board(net, mistake, ("all",)).values
    rows = [
        (name, seeded.text_of(value, seeded.decimals_for(value, digits)))
        for name, value in wrong.items()
        if value
    ]
    return net.toml() + claims(rows)


def test_one_habit_explains_every_number_that_it_made_wrong(seeded, two) -> None:
    verdicts = judged(habit(seeded, two, "slope left out"))
    first = [
        v for v in verdicts if v.kind == "wrong" and v.claim.quantity == "dJ/dz2_1"
    ]
    assert names(first[0].causes)[0] == "slope left out"
    for verdict in verdicts:
        quantity = verdict.claim.quantity
        right = quantity[0] in "zhoLJ" or quantity.startswith("dJ/do")
        assert (verdict.outcome == "agrees") == right, verdict
        if verdict.kind == "wrong":
            assert "slope left out" in names(verdict.causes), verdict


def test_the_mistake_that_explains_most_comes_first_and_says_how_many(
    seeded, two
) -> None:
    true = seeded.Board(two).values
    uphill = seeded.Board(two, "uphill", ("all",)).values
    moved = [name for name in true if name.endswith("'")]
    rows = [(n, seeded.text_of(uphill[n], 8)) for n in moved]
    for verdict in judged(two.toml() + claims(rows)):
        assert verdict.kind == "wrong"
        first = verdict.causes[0]
        assert plain(first.operator).startswith("sign")
        assert first.count == len(moved)
        assert first.certain


def test_a_mistake_that_spoils_right_numbers_comes_after_one_that_does_not(
    seeded, two
) -> None:
    """-dJ/dw2_1_1 alone: a flipped dJ/dz2_1 would have spoilt dJ/dw2_2_1 too."""
    true = seeded.Board(two).values
    right = [(n, seeded.text_of(true[n], 8)) for n in ("dJ/dz2_1", "dJ/dw2_2_1")]
    wrong = ("dJ/dw2_1_1", seeded.text_of(-true["dJ/dw2_1_1"], 8))
    last = judged(two.toml() + claims([*right, wrong]))[-1]
    place = last.causes[0].arguments["at"]
    assert last.causes[0].operator == "sign"
    assert getattr(place, "by", None) is not None
    assert place.by.id == "w2_1_1"


# ---- nothing is named without reproduction


def test_right_claims_have_no_causes(seeded, two) -> None:
    rows = list(seeded.printed_right(two, 6).items())
    for verdict in judged(two.toml() + claims(rows)):
        assert verdict.outcome == "agrees"
        assert verdict.causes == ()


def test_an_arbitrary_number_has_no_certain_cause(two) -> None:
    for text in ("0.31415926", "0.27182818", "0.57721566"):
        (verdict,) = judged(two.toml() + claims([("dJ/dw1_1_1", text)]))
        assert verdict.kind == "wrong"
        assert not any(" & " not in c.operator and c.certain for c in verdict.causes)


@pytest.mark.parametrize("last", [-2, 2])
def test_a_cause_must_give_the_last_digit(seeded, two, last: int) -> None:
    true = -seeded.Board(two).values["dJ/dw2_1_1"]
    places = seeded.decimals_for(true, 8)
    (good,) = judged(
        two.toml() + claims([("dJ/dw2_1_1", seeded.text_of(true, places))])
    )
    near = true + last * mpf(10) ** -places
    text = seeded.text_of(near, places)
    (bad,) = judged(two.toml() + claims([("dJ/dw2_1_1", text)]))
    assert "sign" in names(good.causes)
    assert "sign" not in names(bad.causes)


def test_few_digits_make_no_cause_certain_and_many_do(seeded, two) -> None:
    wrong = seeded.Board(two, "slope left out", ("h1_1",)).values["dJ/dw1_1_1"]
    sure: dict[int, bool] = {}
    for digits in (2, 9):
        text = seeded.text_of(wrong, seeded.decimals_for(wrong, digits))
        (verdict,) = judged(two.toml() + claims([("dJ/dw1_1_1", text)]))
        cause = next(c for c in verdict.causes if plain(c.operator) == "slope left out")
        sure[digits] = cause.certain
    assert sure == {2: False, 9: True}


def test_two_at_once_are_tried_only_where_one_explains_nothing(seeded, two) -> None:
    slope = seeded.Board(two, "slope at z", ("h1_1",)).values["dJ/dw1_1_1"]
    for value, pairs in ((slope, False), (-slope, True)):
        text = seeded.text_of(value, seeded.decimals_for(value, 9))
        (verdict,) = judged(two.toml() + claims([("dJ/dw1_1_1", text)]))
        found = names(verdict.causes)
        assert all((" & " in name) == pairs for name in found)
        assert ("slope at z & sign" if pairs else "slope at z") in found


def test_a_wrong_formula_on_printed_operands_is_still_that_mistake(seeded, two) -> None:
    """The printed operands have three digits, so the exact ones give other digits."""
    rows = seeded.printed_right(two, 3)
    delta, h = mpf(rows["dJ/dz2_1"]), mpf(rows["h1_1"])
    wrong = delta * h * h
    text = seeded.text_of(wrong, seeded.decimals_for(wrong, 7))
    exact = seeded.Board(two).values
    other = exact["dJ/dz2_1"] * exact["h1_1"] ** 2
    assert seeded.text_of(other, seeded.decimals_for(other, 7)) != text
    some = [(n, rows[n]) for n in ("h1_1", "dJ/dz2_1")]
    verdict = judged(two.toml() + claims([*some, ("dJ/dw2_1_1", text)]))[-1]
    assert "factor twice" in names(verdict.causes)


def test_the_same_file_gives_the_same_causes_twice(seeded) -> None:
    (mutant,) = seeded.Drawn(SEED + 1).mutants(1)
    assert judged(mutant.toml(short=True)) == judged(mutant.toml(short=True))


# ---- formulas


FORMULAS = """
[[claims]]
quantity = "dJ/dw2_1_1"
formula = "{formula}"
"""


@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("(y1 - o1)*o1*(1 - o1)*h1_1", "sign"),
        ("(o1 - y1)*h1_1", "slope left out"),
        ("(o1 - y1)*o1*(1 - o1)*h1_2", "wrong quantity"),
        ("(o1 - y1)*o1*(1 - o1)", "factor left out"),
        ("2*(o1 - y1)*o1*(1 - o1)*h1_1", "factor"),
        ("(o1 - y1)*o1*(1 - o1)*o1*(1 - o1)*h1_1", "slope twice"),
        ("(o1 - y1)*(1 - o1**2)*h1_1", "slope of another activation"),
        ("(y1 - o1)*h1_1", "slope left out & sign"),
    ],
)
def test_a_wrong_formula_is_explained_by_proof(two, formula: str, name: str) -> None:
    (verdict,) = judged(two.toml() + FORMULAS.format(formula=formula))
    assert verdict.kind in ("wrong", "right under convention")
    if verdict.kind == "wrong":
        assert name in names(verdict.causes), verdict.causes
        assert all(cause.certain for cause in verdict.causes)


def test_a_formula_that_no_mistake_gives_has_no_cause(two) -> None:
    text = FORMULAS.format(formula="(o1 - y1)*o1*(1 - o1)*h1_1 + x1**3")
    (verdict,) = judged(two.toml() + text)
    assert verdict.kind == "wrong"
    assert verdict.causes == ()


# ---- learning


def trained(seeded, net, steps: int, mistake: str = "", site: tuple = ()) -> dict:
    """The values after some updates, by the labels' own arithmetic."""
    board = seeded.Board(net, mistake, site)
    for _ in range(steps):
        new = {
            n: mp.nstr(board.values[f"{n}'"], 45) for n in net.numbers if n[0] in "wb"
        }
        net = seeded.replaced_numbers(net, new)
        board = seeded.Board(net, mistake, site)
    return board.values


@pytest.mark.parametrize(
    ("steps", "mistake", "site", "name"),
    [
        (1, "updated weight", (2,), "updated weight"),
        (3, "updated weight", (2,), "updated weight"),
        (2, "bias not updated", ("all",), "bias not updated"),
        (40, "updated weight", (2,), "updated weight"),
    ],
)
def test_a_mistake_at_every_update_is_found(
    seeded, two, steps: int, mistake: str, site: tuple, name: str
) -> None:
    wrong = trained(seeded, two, steps, mistake, site)
    after = f"after = {{ steps = {steps} }}\n"
    rows = [(q, seeded.text_of(wrong[q], 9)) for q in ("J", "o1", "o2")]
    for verdict in judged(two.toml() + claims(rows, after)):
        assert verdict.kind == "wrong", verdict
        assert name in names(verdict.causes), verdict.causes
        assert verdict.causes[0].count >= 2


def test_the_value_after_another_number_of_updates_is_named(seeded, two) -> None:
    wrong = trained(seeded, two, 2)["J"]
    text = claims([("J", seeded.text_of(wrong, 9))], "after = { steps = 3 }\n")
    (verdict,) = judged(two.toml() + text)
    (cause,) = (c for c in verdict.causes if c.operator == "other number of updates")
    assert cause.arguments == {"steps": "2"}


# ---- nothing stops the verdict


@pytest.mark.parametrize("printed", ["0", "1e300", "1e-300", "-7", "0." + "3" * 40])
@pytest.mark.parametrize(
    "numbers", [{}, {"x1": "0", "x2": "0"}, {"b1": "-800"}, {"x1": "1e200"}]
)
def test_far_numbers_are_diagnosed_without_an_error(
    seeded, two, printed: str, numbers: dict[str, str]
) -> None:
    net = seeded.replaced_numbers(two, numbers)
    rows = [(quantity, printed) for quantity in ("z1_1", "o1", "w2_1_1'")]
    for verdict in judged(net.toml() + claims(rows)):
        assert verdict.kind in ("wrong", "exact", "inherited", "carried", "undecided")
        assert len(verdict.causes) <= MAX_CAUSES


def test_a_claim_under_its_own_convention_gets_no_cause_from_another(two) -> None:
    text = claims([("J", "0.7654321")], 'convention = "mean"\n')
    (verdict,) = judged(two.toml() + text)
    assert verdict.causes == ()
