"""Judged claims as text, JSON, JUnit, GitHub annotations and an erratum to send."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from xml.etree import ElementTree as ET

from symbackprop.renderers.text import width
from symbackprop.renderers.verdicts import (
    MARKS,
    Judged,
    Sheet,
    cause_said,
    counted,
    kind_word,
    plain,
    why,
)
from symbackprop.renderers.words import word

SCHEMA = 1
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(sheets: Sequence[Sheet], language: str) -> str:
    """Each example's claims, the first error on top; the last line counts."""
    parts = [_sheet_text(sheet, language) for sheet in sheets]
    rows = [row for sheet in sheets for row in sheet.rows]
    return "\n\n".join([*parts, counted(rows, language)]) + "\n"


def _sheet_text(sheet: Sheet, language: str) -> str:
    """One example."""
    lines = [f"{sheet.name}: {sheet.title}"]
    if sheet.source:
        lines.append(f"{word('page', 'source', language)}: {sheet.source}")
    lines += ["", *_first_error(sheet, language), ""]
    cells = [
        [
            MARKS[row.outcome],
            row.quantity,
            row.printed,
            kind_word(row, language),
            row.where,
        ]
        for row in sheet.rows
    ]
    sizes = [min(max(map(width, column)), 40) for column in zip(*cells, strict=True)]
    for row, line in zip(sheet.rows, cells, strict=True):
        padded = [
            cell + " " * (size - width(cell))
            for cell, size in zip(line, sizes, strict=True)
        ]
        lines.append("  " + "  ".join(padded).rstrip())
        said = [plain(part) for part in why(row, language)] + _expectation(
            row, language
        )
        lines += [f"      {part}" for part in said]
    return "\n".join(lines)


def _first_error(sheet: Sheet, language: str) -> list[str]:
    """The first error in reading order, and what follows from it under it."""
    first = sheet.first
    if first is None:
        return [word("claims", "no_error", language)]
    lines = [f"{word('claims', 'first_error', language)} {_placed(first)}"]
    following = sheet.following(first)
    if following:
        lines.append(f"  {word('claims', 'follows', language)}")
        lines += [f"    {_placed(row)}" for row in following]
    return lines


def _placed(row: Judged) -> str:
    """A claim with its place in the book."""
    return row.said + (f" ({row.where})" if row.where else "")


def _expectation(row: Judged, language: str) -> list[str]:
    """What the file says of a claim, where that matters."""
    if not row.expect:
        return []
    return [word("claims", "as_expected" if row.met else "not_expected", language)]


def json_text(sheets: Sequence[Sheet], language: str) -> str:
    """Every claim with its verdict, in file order."""
    claims = [
        {
            "quantity": row.quantity,
            "printed": row.printed,
            "where": row.where,
            "outcome": row.outcome,
            "kind": row.kind,
            "closer": row.closer or None,
            "expected": row.expected or None,
            "exact": row.exact or None,
            "root": row.root_quantity or None,
            "causes": [
                {
                    "operator": cause.operator,
                    "certain": cause.certain,
                    "text": plain(cause_said(cause, language)),
                }
                for cause in row.causes
            ],
        }
        for sheet in sheets
        for row in sheet.rows
    ]
    data = {"schema": SCHEMA, "claims": claims}
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def junit(sheets: Sequence[Sheet], language: str) -> str:
    """One test case a claim: what differs unexpectedly fails, undecided is skipped."""
    top = ET.Element("testsuites", name="symbackprop verify")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for sheet in sheets:
        failures = sum(not r.met and r.outcome != "undecided" for r in sheet.rows)
        skipped = sum(not r.met and r.outcome == "undecided" for r in sheet.rows)
        counts = {
            "tests": len(sheet.rows),
            "failures": failures,
            "errors": 0,
            "skipped": skipped,
        }
        totals = {key: totals[key] + counts[key] for key in totals}
        suite = ET.SubElement(top, "testsuite", name=sheet.name, time="0")
        suite.attrib |= {key: str(count) for key, count in counts.items()}
        for row in sheet.rows:
            _case(suite, sheet, row, language)
    top.attrib |= {key: str(count) for key, count in totals.items()}
    ET.indent(top)
    return ET.tostring(top, "unicode", xml_declaration=True) + "\n"


def _case(suite: ET.Element, sheet: Sheet, row: Judged, language: str) -> None:
    """One claim as a test case."""
    case = ET.SubElement(
        suite,
        "testcase",
        name=_clean(f"{row.number}. {_placed(row)}"),
        classname=_clean(sheet.name),
        file=_clean(row.file),
        line=str(row.line),
        time="0",
    )
    said = _clean("; ".join(map(plain, why(row, language))))
    if row.outcome == "undecided" and not row.met:
        ET.SubElement(case, "skipped", message=said)
    elif not row.met:
        kind = kind_word(row, language)
        failure = ET.SubElement(case, "failure", message=f"{kind}: {said}", type=kind)
        failure.text = f"{_clean(row.said)}\n{said}"
    else:
        output = ET.SubElement(case, "system-out")
        output.text = f"{kind_word(row, language)}: {said}".rstrip(": ")


def _clean(text_: str) -> str:
    """Without the characters that XML cannot carry."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text_)


def github(sheets: Sequence[Sheet], language: str) -> str:
    """One annotation a claim that differs or is undecided, then the count."""
    lines: list[str] = []
    for sheet in sheets:
        for row in sheet.rows:
            if row.outcome == "agrees" and row.met:
                continue
            level = "warning" if row.outcome == "undecided" else "error"
            level = "notice" if row.met else level
            said = [plain(part) for part in why(row, language)]
            message = "; ".join([row.said, *said, *_expectation(row, language)])
            title = f"{kind_word(row, language)}: {row.quantity}"
            lines.append(
                f"::{level} file={_property(row.file)},line={row.line},"
                f"title={_property(title)}::{_data(message)}"
            )
    rows = [row for sheet in sheets for row in sheet.rows]
    return "\n".join([*lines, counted(rows, language)]) + "\n"


def _data(text_: str) -> str:
    """A message as a workflow command carries it."""
    return text_.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text_: str) -> str:
    """A property's value as a workflow command carries it."""
    return _data(text_).replace(":", "%3A").replace(",", "%2C")


def erratum(sheets: Sequence[Sheet], language: str) -> str:
    """What to send to the author: where, as printed, should read, why."""
    parts: list[str] = []
    for sheet in sheets:
        wrong = [row for row in sheet.rows if row.outcome == "differs"]
        title = f"{word('claims', 'errata', language)}: {sheet.source or sheet.title}"
        lines = [title, "=" * width(title)]
        if not wrong:
            lines += ["", word("claims", "no_errata", language)]
        for number, row in enumerate(wrong, 1):
            lines += ["", f"{number}.", *_entry(row, language)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _entry(row: Judged, language: str) -> list[str]:
    """One erratum."""

    def say(key: str, text_: str) -> str:
        return "   " + word("claims", key, language).replace("{" + key[8:] + "}", text_)

    lines: list[str] = []
    if row.where:
        lines.append(say("erratum_where", row.where))
    lines.append(say("erratum_printed", row.said))
    lines.append(say("erratum_right", row.valued(row.expected)))
    reasons = [plain(part) for part in why(row, language)[1:]]
    if row.exact:
        reasons.insert(0, row.valued(row.exact))
    if reasons:
        lines.append(say("erratum_why", "; ".join(reasons)))
    return lines


FORMATS: Mapping[str, Callable[[Sequence[Sheet], str], str]] = MappingProxyType(
    {
        "text": text,
        "json": json_text,
        "junit": junit,
        "github": github,
        "erratum": erratum,
    }
)
"""The formats that need no derivation."""
