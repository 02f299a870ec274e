"""The formats: one row each; the command line and the tests iterate them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbackprop.renderers import html, jsontext, latex, markdown, mathml_text, text
from symbackprop.renderers.chains import Detail
from symbackprop.renderers.document import Document
from symbackprop.renderers.narrate import Story


def _no_fragment(_: Document) -> str:
    """A format that has no form inside another page."""
    return ""


def _no_story(_story: Story, _name: str, _detail: Detail) -> str:
    """A format that is written from a document."""
    return ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A format's name, suffix, and the pure function that writes it."""

    name: str
    suffix: str
    write: Callable[[Document], str]
    fragment: Callable[[Document], str] = _no_fragment
    page: Callable[[Story, str, Detail], str] = _no_story
    of_story: bool = False


_ROWS = (
    Renderer("text", ".txt", text.text, text.fragment),
    Renderer("latex", ".tex", latex.latex, latex.fragment),
    Renderer("mathml", ".xhtml", mathml_text.mathml_page),
    Renderer("markdown", ".md", markdown.markdown),
    Renderer("html", ".html", html.html, html.fragment),
    Renderer("json", ".json", text.text, page=jsontext.json_text, of_story=True),
)

RENDERERS: Mapping[str, Renderer] = MappingProxyType({row.name: row for row in _ROWS})
