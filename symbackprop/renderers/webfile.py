"""An HTML file around a page's content, and the index of a folder of such files.

A file may load nothing and run only its own script.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from urllib.parse import quote

from symbackprop.renderers.slim import unindented


def web_file(
    title: str,
    language: str,
    content: str,
    kind: str = "",
    script: str = "",
    style: str = "",
) -> str:
    """A whole file; it may load nothing and run only its own script.

    `style` comes after the style of every page.
    """
    style = unindented(shipped_text("page.css") + style)
    script = unindented(script)
    policy = (
        f"default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {_hash(style)}; style-src-attr 'unsafe-inline'; "
        f"script-src {_hash(script)}"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(language)}">\n<head>\n'
        f'<meta charset="utf-8"/>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n"
        f'<body>\n<div class="symbackprop page {kind}">\n{content}</div>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


@cache  # shipped files, read once
def shipped_text(name: str) -> str:
    """The style sheet or the script."""
    return files("symbackprop.renderers").joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """What a content security policy knows an inline text by."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def index_page(
    title: str, language: str, entries: Sequence[tuple[str, str, str]]
) -> str:
    """The index of a folder of pages: (file, title, note) each."""
    rows = "".join(
        f'<li><a href="{_relative(href)}">{escape(name)}</a>'
        f"<p>{escape(note)}</p></li>\n"
        for href, name, note in entries
    )
    content = (
        f"<header>\n<h1>{escape(title)}</h1>\n</header>\n"
        f'<main>\n<ul class="index">\n{rows}</ul>\n</main>\n'
    )
    return web_file(title, language, content)


def _relative(href: str) -> str:
    """A file's name as a link that cannot leave for another scheme or host."""
    path, mark, anchor = href.partition("#")
    return escape("./" * path.startswith("/") + quote(path) + mark + quote(anchor))
