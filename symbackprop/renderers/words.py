"""The one table of messages, a column a language, and how templates are filled."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from symbackprop.errors import InputError
from symbackprop.formula.tree import Formula
from symbackprop.renderers.document import Inline

LANGUAGES = ("en", "ko")
_SLOT = re.compile(r"\{(\w+)\}")


@cache  # a shipped file, read once
def messages() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The table: group, key, language."""
    text = files("symbackprop.renderers").joinpath("messages.toml").read_text("utf-8")
    return tomllib.loads(text)


def word(group: str, key: str, language: str) -> str:
    """One message without slots. InputError for an unknown language."""
    if language not in LANGUAGES:
        raise InputError(
            f"unknown language {language!r}", hint="known: " + ", ".join(LANGUAGES)
        )
    return messages()[group][key][language]


def phrase(
    group: str, key: str, language: str, arguments: Mapping[str, str | Formula | Inline]
) -> Inline:
    """One message with its slots filled by words and formulas."""
    parts: list[str | Formula] = []
    template = word(group, key, language)
    for place, piece in enumerate(_SLOT.split(template)):
        if place % 2 == 0:
            if piece:
                parts.append(piece)
            continue
        value = arguments[piece]
        parts += value if isinstance(value, tuple) else (value,)
    return tuple(parts)
