"""Words with formulas between dollar signs: what LaTeX and Markdown share."""

from collections.abc import Callable

from symbackprop.renderers.document import Inline
from symbackprop.renderers.typeset import Typesetter


def between_dollars(
    parts: Inline, typeset: Typesetter, escaped: Callable[[str], str]
) -> str:
    """One run of words and formulas; the words escaped as the format needs."""
    return "".join(
        escaped(part) if isinstance(part, str) else f"${typeset(part)}$"
        for part in parts
    )
