"""The common shape of forms that count 1, 2, …, n: what a Σ or "for each k" stands for.

Found here, trusted nowhere: the kernel compares term by term.
"""

from collections.abc import Sequence

from symbackprop.formula.binding import fresh_index
from symbackprop.formula.tree import (
    ONE,
    ZERO,
    Derivative,
    Formula,
    Idx,
    Name,
    Num,
    Sigma,
    names_in,
    walk,
)


def free_letter(form: Formula) -> str:
    """An index letter that a form does not use: k if it can be."""
    taken = {
        index.name
        for name in names_in(form)
        for index in name.indices
        if isinstance(index, Idx)
    } | {node.index for node in walk(form) if isinstance(node, Sigma)}
    return fresh_index("k", taken)


def gathered(terms: Sequence[Formula]) -> Sigma | None:
    """Σ_k T(k), if the terms are T(1), T(2), … T(n) for one shape T."""
    if len(terms) <= 1:
        return None
    letter = free_letter(terms[0])
    body = common_shape(terms, letter)
    if body is None or body == terms[0]:
        return None
    return Sigma(letter, ONE, Num(str(len(terms))), body)


def common_shape(forms: Sequence[Formula], letter: str) -> Formula | None:
    """The common shape with `letter` where the forms count 1, 2, …, n."""
    first = forms[0]
    if all(form == first for form in forms):
        return first
    if any(type(form) is not type(first) for form in forms):
        return None
    if isinstance(first, Name):
        names = [form for form in forms if isinstance(form, Name)]
        return _counting(names, letter)
    children = [form.children for form in forms]
    if len({len(parts) for parts in children}) != 1:
        return None
    parts: list[Formula] = []
    for place in range(len(children[0])):
        part = common_shape([row[place] for row in children], letter)
        if part is None:
            return None
        parts.append(part)
    blank = tuple(ZERO for _ in parts)
    if not parts:
        return None
    if isinstance(first, Derivative):
        derivatives = [form for form in forms if isinstance(form, Derivative)]
        by = common_shape([form.by for form in derivatives], letter)
        same = all(form.head == first.head for form in derivatives)
        if not isinstance(by, Name) or not same:
            return None
        return Derivative(first.head, parts[0], by)
    if any(form.with_children(blank) != first.with_children(blank) for form in forms):
        return None
    return first.with_children(tuple(parts))


def _counting(names: Sequence[Name], letter: str) -> Formula | None:
    """The name with `letter` in the slots that run 1, 2, …, n."""
    first = names[0]
    if any(
        name.base != first.base or len(name.indices) != len(first.indices)
        for name in names
    ):
        return None
    indices = list(first.indices)
    for slot in range(len(indices)):
        column = [name.indices[slot] for name in names]
        if column == list(range(1, len(names) + 1)):
            indices[slot] = Idx(letter)
        elif any(index != column[0] for index in column):
            return None
    return Name(first.base, tuple(indices))
