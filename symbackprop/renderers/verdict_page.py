"""The page of an example with the book's numbers beside the true ones.

What is judged goes into the margin of the line that yields it, the first error and
what follows from it on top, and all of it into one table.
"""

from collections.abc import Sequence
from dataclasses import replace

from symbackprop.formula.text import text_of
from symbackprop.formula.tree import Call, Derivative, Formula, Name
from symbackprop.renderers.document import (
    Block,
    Chain,
    Document,
    Equations,
    Heading,
    Inline,
    Items,
    Note,
    Prose,
    Table,
)
from symbackprop.renderers.verdicts import (
    MARKS,
    Judged,
    Sheet,
    counted,
    kind_word,
    printed_form,
    right_form,
    why,
)
from symbackprop.renderers.words import word

COLUMNS = ("verdict", "quantity", "printed", "true", "where")


def verdict_page(document: Document, sheet: Sheet) -> Document:
    """The derivation page with verdicts on top, in its margins and at its end."""
    language, rows = document.language, sheet.rows
    blocks = tuple(_noted(block, rows, language) for block in document.blocks)
    appendix = tuple(_noted(block, rows, language) for block in document.appendix)
    blocks = (*errors(sheet, language), *blocks, *every_claim(sheet, language))
    return replace(document, blocks=blocks, appendix=appendix)


def errors(sheet: Sheet, language: str) -> tuple[Block, ...]:
    """The first error and what follows from it, then the others; the count."""

    def say(key: str) -> str:
        return word("claims", key, language)

    blocks: list[Block] = [Heading((say("heading"),), 2, "verdicts")]
    roots = [r for r in sheet.rows if r.outcome == "differs" and not r.root]
    if not roots:
        blocks.append(Prose((say("no_error"),)))
    for place, row in enumerate(roots):
        if place == 0:
            blocks.append(Prose((say("first_error"),)))
        elif place == 1:
            blocks.append(Prose((say("other_errors"),)))
        blocks.append(Items((_told(row, language),)))
        following = sheet.following(row)
        if following:
            blocks.append(Prose((say("follows"),)))
            blocks.append(Items(tuple(_claimed(other) for other in following)))
    open_ = [row for row in sheet.rows if row.outcome == "undecided"]
    if open_:
        blocks.append(Prose((say("left_open"),)))
        blocks.append(Items(tuple(_told(row, language) for row in open_)))
    blocks.append(Prose((counted(sheet.rows, language),)))
    return tuple(blocks)


def _told(row: Judged, language: str) -> Inline:
    """A claim with its sign and all that there is to say of it."""
    said = _joined(why(row, language), "; ", " — ")
    return (f"{MARKS[row.outcome]} ", *_claimed(row), *said)


def every_claim(sheet: Sheet, language: str) -> tuple[Block, ...]:
    """All claims in one table, in the order of the book."""
    rows = tuple(
        (
            (f"{MARKS[row.outcome]} {kind_word(row, language)}",),
            (row.of,),
            (printed_form(row),),
            () if row.kind == "exact" and row.formula is not None else _true(row),
            (row.where,),
        )
        for row in sheet.rows
    )
    header = tuple((word("claims", column, language),) for column in COLUMNS)
    heading = Heading((word("claims", "every_claim", language),), 2, "claims")
    return (heading, Table(header, rows, tuple(row.outcome for row in sheet.rows)))


def _claimed(row: Judged) -> Inline:
    """A claim as an equation with its place."""
    where = f" ({row.where})" if row.where else ""
    return (row.of, " = ", printed_form(row), where)


def _true(row: Judged) -> Inline:
    """What is true, at the printed precision; nothing where that is not known."""
    right = right_form(row)
    return () if right is None else (right,)


def _joined(parts: Sequence[Inline], between: str, before: str = "") -> Inline:
    """Statements in a row."""
    found: list[str | Formula] = []
    for part in parts:
        found += [between if found else before, *part]
    return tuple(found)


def _noted(block: Block, rows: Sequence[Judged], language: str) -> Block:
    """A block with what is printed of its lines in their margin."""
    match block:
        case Chain():
            return _noted_chain(block, rows, language)
        case Equations(lines, relation):
            notes = tuple(
                tuple(
                    _note(row, language)
                    for row in rows
                    if row.here and _is_of(row, left, updates=relation == ":=")
                )
                for left, _, _ in lines
            )
            return replace(block, notes=notes) if any(notes) else block
        case _:
            return block


def _is_of(row: Judged, left: Formula, *, updates: bool) -> bool:
    """Whether a claim is about the left side of a definition or an update."""
    if updates:
        return row.of == Call("new", (left,))
    return isinstance(left, Name) and row.of == left


def _noted_chain(chain: Chain, rows: Sequence[Judged], language: str) -> Chain:
    """A chain: a formula beside the line that is it, all else beside the last line."""
    aside = tuple(_noted_chain(part, rows, language) for part in chain.aside)
    chain = replace(chain, aside=aside)
    mine = [row for row in rows if row.here and _same(row.of, chain.left)]
    if not mine or not chain.lines:
        return chain
    lines = list(chain.lines)
    for row in mine:
        texts = [_letters(line.form) for line in lines]
        said = "" if row.formula is None else _letters(row.formula)
        place = texts.index(said) if said in texts else len(lines) - 1
        notes = (*lines[place].notes, _note(row, language))
        lines[place] = replace(lines[place], notes=notes)
    return replace(chain, lines=tuple(lines))


def _letters(form: Formula) -> str:
    """A form as text; ∂ and d alike."""
    return text_of(form).replace("P(", "D(")


def _same(quantity: Formula, left: Formula) -> bool:
    """Whether a claim's quantity is what a chain derives; ∂ and d alike."""
    if isinstance(quantity, Derivative) and isinstance(left, Derivative):
        return (quantity.of, quantity.by) == (left.of, left.by)
    return quantity == left


def _note(row: Judged, language: str) -> Note:
    """A claim in the margin: what is printed, the verdict, what it should read."""
    said = kind_word(row, language)
    text: Inline = (printed_form(row), f": {said}")
    if row.outcome == "differs":
        text += ("; ", *why(row, language)[0])
    return Note(row.outcome, MARKS[row.outcome], text)
