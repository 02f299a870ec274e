"""Words with formulas between dollar signs: what LaTeX and Markdown share."""

from collections.abc import Callable
from types import MappingProxyType

from symbackprop.numeric.worked import Link
from symbackprop.renderers.document import Inline
from symbackprop.renderers.typeset import Typesetter

SIGNS = MappingProxyType({"=": "=", ":=": ":=", "≈": r"\approx"})
"""Relation signs in LaTeX."""


def linked(link: Link, typeset: Typesetter) -> str:
    """A relation sign and what stands behind it."""
    return f"{SIGNS[link.relation]} {typeset(link.form)}"


def between_dollars(
    parts: Inline, typeset: Typesetter, escaped: Callable[[str], str]
) -> str:
    """One run of words and formulas; the words escaped as the format needs."""
    return "".join(
        escaped(part) if isinstance(part, str) else f"${typeset(part)}$"
        for part in parts
    )
