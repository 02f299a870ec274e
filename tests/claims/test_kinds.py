"""Each kind of verdict, and for each rule a claim that breaks it by a hair.

Expected digits are worked out here with mpmath, or stand in a published table.
"""

from fractions import Fraction

import pytest
from mpmath import exp, mp, mpf

from symbackprop.examples import read_example
from symbackprop.judged import Report, verify

NEURON = """title.en = "One neuron"
[network]
inputs = 2
layers = [{ units = 1, activation = "sigmoid" }]
loss = "mean_squared_error"
biases = false
[values]
x1 = "2"
x2 = "5"
w1_1_1 = "0.5"
w1_2_1 = "0.1"
y1 = "0"
[update]
learning_rate = "1"
"""


def claims(*rows: str) -> str:
    """`quantity = digits` lines as tables; what follows ; is taken as it is."""
    tables = []
    for row in rows:
        claim, *rest = row.split(";")
        quantity, said = claim.split(" = ")
        digits = said.strip().lstrip("-").replace(".", "").replace("e", "")
        digits = digits.replace("-", "").isdigit()
        key = "printed" if digits else "formula"
        tables.append(
            "\n".join(
                ["[[claims]]", f'quantity = "{quantity}"', f'{key} = "{said.strip()}"']
                + [part.strip() for part in rest]
            )
        )
    return "\n".join(tables) + "\n"


def judged(*rows: str, head: str = NEURON) -> Report:
    return verify(read_example(head + claims(*rows), name="made"))


def kinds(*rows: str, head: str = NEURON) -> list[str]:
    return [verdict.kind for verdict in judged(*rows, head=head).verdicts]


def last(*rows: str, head: str = NEURON):
    return judged(*rows, head=head).verdicts[-1]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


def neuron() -> dict[str, mpf]:
    """The neuron's numbers by hand."""
    o = 1 / (1 + exp(-mpf("1.5")))
    slope = 2 * o * o * (1 - o)
    return {"o1": o, "J": o**2, "dJ/do1": 2 * o, "dJ/dz1_1": slope}


# ---- the table of the source (its own digits, its own verdicts)


def test_the_single_neuron_comes_out_as_published():
    """Verdicts by hand from the source's page and 50 digits."""
    table = [
        ("z1_1", "1.5", "exact", "1.5"),
        ("o1", "0.8180", "wrong", "0.8176"),
        ("o1", "0.818", "exact", "0.818"),
        ("J", "0.670", "wrong", "0.668"),
        ("dJ/do1", "1.636", "carried", "1.635"),
        ("dJ/dz1_1", "0.244", "exact", "0.244"),
        ("dJ/dw1_1_1", "0.488", "exact", "0.488"),
        ("dJ/dw1_2_1", "1.22", "exact", "1.22"),
        ("w1_1_1'", "0.0122", "exact", "0.0122"),
        ("w1_1_1'", "0.136", "wrong", "0.012"),
        ("w1_2_1'", "-1.12", "exact", "-1.12"),
    ]
    found = [
        (v.claim.quantity, v.claim.printed, v.kind, v.expected)
        for v in verify("single-neuron-mse").verdicts
        if v.claim.printed is not None
        and v.claim.quantity in dict.fromkeys(row[0] for row in table)
    ]
    assert found == table


def test_what_is_said_more_closely_of_that_table():
    verdicts = verify("single-neuron-mse").verdicts
    by_claim = {(v.claim.quantity, v.claim.printed): v for v in verdicts}
    sigmoid = by_claim["o1", "0.8180"]
    assert (sigmoid.right_to, sigmoid.closer) == (3, "other")
    loss = by_claim["J", "0.670"]
    assert (loss.carried, loss.closer, loss.right_to) == ("0.669", "last digit", 2)
    slope = by_claim["dJ/do1", "1.636"]
    assert [o.claim.printed for o in slope.operands] == ["0.818"]
    true = neuron()
    for quantity, value in true.items():
        printed = [v for v in verdicts if v.claim.quantity == quantity and v.exact]
        assert all(abs(mpf(v.exact) - value) < mpf(10) ** -19 for v in printed)


# ---- exact


def test_an_exact_value_has_all_its_digits():
    assert last("z1_1 = 1.5").exact == "1.5"
    assert last("z1_1 = 1.5").rational == Fraction(3, 2)
    assert last("o1 = 0.818").rational is None
    assert last("z1_1 = 2").expected == "2"
    assert last("z1_1 = 1").kind == "exact"
    assert last("z1_1 = 1.4").kind == "wrong"


# ---- carried


def test_carried_needs_the_authors_own_number():
    assert kinds("dJ/do1 = 1.636") == ["wrong"]
    assert kinds("o1 = 0.818", "dJ/do1 = 1.636") == ["exact", "carried"]
    assert kinds("dJ/do1 = 1.636", "o1 = 0.818") == ["wrong", "exact"]


def test_carried_needs_the_right_formula():
    assert kinds("o1 = 0.818", "dJ/do1 = 1.637") == ["exact", "wrong"]
    assert kinds("o1 = 0.818", "dJ/do1 = -1.636") == ["exact", "wrong"]
    assert kinds("J = 0.668", "o1 = 0.818", "dJ/do1 = 0.818")[-1] == "wrong"


def test_operands_may_be_stated():
    assert kinds('dJ/do1 = 1.636; operands = { o1 = "0.818" }') == ["carried"]
    rounded = last('dJ/do1 = 1.640; operands = { o1 = "0.82" }')
    assert rounded.kind == "carried"
    off = last('dJ/do1 = 1.66; operands = { o1 = "0.83" }')
    assert off.kind == "inherited"
    assert off.root is not None
    assert (off.root.quantity, off.root.printed) == ("o1", "0.83")


def test_stated_operands_go_before_printed_ones():
    rows = ["o1 = 0.8", 'dJ/do1 = 1.636; operands = { o1 = "0.818" }']
    assert kinds(*rows) == ["exact", "carried"]
    assert kinds(rows[0], "dJ/do1 = 1.636") == ["exact", "wrong"]


def test_the_latest_right_number_counts():
    assert kinds("o1 = 0.82", "o1 = 0.818", "dJ/do1 = 1.636")[-1] == "carried"
    assert kinds("o1 = 0.818", "o1 = 0.82", "dJ/do1 = 1.636")[-1] == "wrong"


def test_a_line_with_chain_rule_factors_carries_too():
    rows = ["o1 = 0.818", "dJ/do1 = 1.636", "P(o1, z1_1) = 0.149"]
    assert kinds(*rows)[-1] == "exact"
    product = mpf("1.636") * mpf("0.149")
    assert mp.nstr(product, 4) == "0.2438"
    assert kinds(*rows, "dJ/dz1_1 = 0.2438")[-1] == "carried"
    assert kinds(*rows, "dJ/dz1_1 = 0.2437")[-1] == "wrong"
    assert kinds(rows[2], "dJ/dz1_1 = 0.2438")[-1] == "wrong"


def test_an_update_is_carried_from_a_printed_slope():
    assert kinds("dJ/dw1_1_1 = 0.488", "w1_1_1' = 0.0120") == ["exact", "carried"]
    assert kinds("w1_1_1' = 0.0120") == ["wrong"]


def test_a_printed_part_of_an_expression_carries():
    rows = ["x1*w1_1_1 = 1", "o1 - y1 = 0.82", "2*(o1 - y1) = 1.640"]
    assert kinds(*rows) == ["exact", "exact", "carried"]
    assert kinds(rows[2]) == ["wrong"]


def test_a_number_printed_with_the_other_sign_carries():
    """Books that print -dJ/dz as the error: -1.636 times 0.149 is -0.2438."""
    rows = ["o1 = 0.818", "-D(J, o1) = -1.636", "P(o1, z1_1) = 0.149"]
    assert kinds(*rows, "dJ/dz1_1 = 0.2438") == ["exact", "carried", "exact", "carried"]
    assert kinds(*rows, "-D(J, z1_1) = -0.2438")[-1] == "carried"
    assert kinds(*rows, "-D(J, z1_1) = 0.2438")[-1] == "wrong"
    wrong = ["-D(J, o1) = -1.656", "P(o1, z1_1) = 0.149", "dJ/dz1_1 = 0.24674"]
    assert kinds(*wrong) == ["wrong", "exact", "inherited"]


# ---- inherited


def test_inherited_names_the_root():
    rows = ["o1 = 0.828", "dJ/do1 = 1.656", "P(o1, z1_1) = 0.1424"]
    report = judged(*rows)
    first, second, third = report.verdicts
    assert [v.kind for v in report.verdicts] == ["wrong", "inherited", "inherited"]
    assert second.root is first.claim
    assert third.root is first.claim
    chain = judged(*rows, "dJ/dz1_1 = 0.2358").verdicts[-1]
    assert chain.kind == "inherited"
    assert chain.root is not None
    assert chain.root.quantity == "o1"


def test_wrong_arithmetic_on_a_wrong_number_is_not_inherited():
    assert kinds("o1 = 0.828", "dJ/do1 = 1.660") == ["wrong", "wrong"]


def test_what_follows_with_more_digits_is_inherited():
    """0.828 stands for 0.82834: the slope printed from that has its digits."""
    more = 2 * mpf("0.82834")
    assert mp.nstr(more, 6) == "1.65668"
    assert kinds("o1 = 0.828", "dJ/do1 = 1.6567") == ["wrong", "wrong"]
    assert kinds("o1 = 0.8283", "dJ/do1 = 1.6567") == ["wrong", "inherited"]


# ---- wrong, said more closely


@pytest.mark.parametrize(
    ("digits", "closer"),
    [
        ("0.8175", "truncated"),
        ("0.8177", "last digit"),
        ("0.8178", "last digit"),
        ("0.8179", "other"),
        ("0.8174", "last digit"),
        ("0.8173", "other"),
        ("-0.8176", "sign"),
        ("-0.8177", "other"),
    ],
)
def test_wrong_is_said_more_closely(digits, closer):
    verdict = last(f"o1 = {digits}")
    assert (verdict.kind, verdict.closer, verdict.expected) == (
        "wrong",
        closer,
        "0.8176",
    )


@pytest.mark.parametrize(
    ("quantity", "digits", "closer"),
    [
        ("o1", "1e300", "other"),
        ("o1", "1e1", "other"),
        ("o1", "2", "other"),
        ("o1", "0.9", "last digit"),
        ("o1", "0.6", "last digit"),
        ("o1", "-1", "sign"),
        ("o1", "0", "truncated"),
        ("dJ/dz1_1", "0.4", "last digit"),
        ("w1_1_1'", "0.02", "last digit"),
        ("w1_1_1'", "0.03", "other"),
        ("w1_1_1'", "-0.01", "sign"),
        ("w1_2_1'", "-1", "exact"),
        ("w1_2_1'", "-1e3", "other"),
    ],
)
def test_a_digit_that_says_the_size_is_not_just_the_last(quantity, digits, closer):
    """By hand: o1 0.818, dJ/dz1_1 0.244, w1_1_1' 0.0122, w1_2_1' -1.12."""
    verdict = last(f"{quantity} = {digits}")
    assert (verdict.closer or verdict.kind) == closer


def test_digits_that_round_to_nothing_show_the_value():
    assert last("dJ/dz1_1 = 9").expected == "0.2"


# ---- undecided


def test_a_value_that_is_missing_leaves_it_undecided():
    head = NEURON.replace('y1 = "0"\n', "")
    report = judged("z1_1 = 1.5", "J = 0.668", head=head)
    assert [v.kind for v in report.verdicts] == ["exact", "undecided"]
    assert "y1" in report.verdicts[1].detail
    assert report.outcome == "undecided"


def test_a_tie_that_no_precision_decides_is_undecided():
    """sigmoid(log(3)) is 3/4, and no ball ever shows that."""
    head = """title.en = "A tie"
[formulas]
y = "sigmoid(log(x))"
[values]
x = "3"
"""
    assert kinds("y = 0.75", head=head) == ["exact"]
    assert kinds("y = 0.8", head=head) == ["undecided"]


def test_an_update_without_a_rate_is_undecided():
    head = NEURON.replace('[update]\nlearning_rate = "1"\n', "")
    assert kinds("w1_1_1' = 0.0122", head=head) == ["undecided"]
    assert kinds("w1_1_1' = w1_1_1 - eta*D(J, w1_1_1)", head=head) == ["exact"]


def test_one_claim_in_doubt_does_not_touch_the_next():
    rows = ['o1\' = 3; expect = "wrong"', "o1 = 0.818"]
    with pytest.raises(Exception, match="expected a parameter"):
        judged(*rows)
    assert kinds("J = 0.668; sample = 1", "o1 = 0.818") == ["exact", "exact"]


# ---- what the file expects


def test_expectations_are_met_or_missed():
    assert judged('o1 = 0.8180; expect = "wrong"').outcome == "agrees"
    assert judged("o1 = 0.8180").outcome == "differs"
    assert judged('o1 = 0.818; expect = "wrong"').outcome == "differs"
