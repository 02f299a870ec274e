"""The message table: every key in every language, the same slots, nothing unused."""

import re
from pathlib import Path

import pytest

import symbackprop
from symbackprop.renderers.words import LANGUAGES, messages

ROOT = Path(symbackprop.__file__).parent
ROWS = [(group, key) for group, rows in messages().items() for key in rows]
SOURCE = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize(("group", "key"), ROWS)
def test_a_row_has_every_language_with_the_same_slots(group: str, key: str) -> None:
    row = messages()[group][key]
    assert set(row) == set(LANGUAGES)
    slots = {language: set(re.findall(r"\{(\w+)\}", row[language])) for language in row}
    assert len({frozenset(found) for found in slots.values()}) == 1
    assert all(text.strip() == text != "" for text in row.values())


@pytest.mark.parametrize("key", sorted({key for _, key in ROWS}))
def test_a_row_is_used(key: str) -> None:
    made = key.startswith("rule_") and key.removeprefix("rule_") in SOURCE
    assert made or f'"{key}"' in SOURCE or f"'{key}'" in SOURCE


def test_korean_puts_no_particle_after_a_slot() -> None:
    particles = "은는이가을를와과로"
    for group, key in ROWS:
        text = messages()[group][key]["ko"]
        assert not re.search(rf"\}}[{particles}](?:\s|$)", text), (group, key)
