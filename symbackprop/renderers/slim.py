"""A page without its repetitions: leaner MathML, steps that differ by indices once.

Nothing is lost: what is left out is a default, or is put back when the page opens.
"""

import re
from collections.abc import Sequence

_SPARE = re.compile(  # the namespace, the form of the ends of an mrow, defaults
    r' xmlns="[^"]*"| display="block"|(?<=<mrow><mo stretchy="false") form="prefix"'
    r'| form="postfix"(?=>[^<]*</mo></mrow>)'
    r'|(?<=<mo) stretchy="true" fence="true"(?=[^>]*>[\[\]()]<)'
)
_LAYER = re.compile(
    r'<mrow><mo stretchy="false">\(</mo><m[ni]>(\w+)</m[ni]>'
    r'<mo stretchy="false">\)</mo></mrow>(?=</msubsup>|</msup>)'
)
_TAG = re.compile(r"<(/?)(\w+)[^>]*?(/?)>")
_ROWS = '<ol class="rows" role="list">'
_NUMBER = re.compile(r"[0-9]+")
_CHAIN = re.compile(
    r'(<details><summary>.*?</summary>\n<div class="chain" id="([^"]*)")>\n'
    r"(.*)</div>\n</details>\n",
    re.DOTALL,
)
_WORTH = re.compile(r'<li class="worth".*?</li>\n', re.DOTALL)
_LATEX = re.compile(r' data-latex="([^"]*)"')


def slim(mathml: str) -> str:
    """A formula's MathML without what says nothing; a page's style displays it."""
    text = _LAYER.sub(r"<mtext>(\1)</mtext>", _SPARE.sub("", mathml))
    head, _, rest = text.partition("><mrow>")
    if rest and "<" not in head[1:] and _closes_last(rest):
        return f"{head}>{rest.removesuffix('</mrow></math>')}</math>"
    return text


def _closes_last(rest: str) -> bool:
    """Whether an mrow that was opened is closed at the very end."""
    if not rest.endswith("</mrow></math>"):
        return False
    depth = 1
    for tag in _TAG.finditer(rest):
        if tag[2] == "mrow" and not tag[3]:
            depth += -1 if tag[1] else 1
        if depth == 0:
            return tag.end() == len(rest) - len("</math>")
    return False


def unindented(text: str) -> str:
    """A style or script without indents and without lines of remarks."""
    lines = (line.lstrip() for line in text.splitlines())
    return "".join(f"{line}\n" for line in lines if line and line[:3] != "// ")


def chains_once(entries: Sequence[str], alike: str) -> list[str]:
    """Folded chains, each whole one once for all that differ by numbers alone.

    `alike` are the words of the link that stands there until the page's script writes
    the lines out.
    """
    models: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    out: list[str] = []
    for entry in entries:
        chain = _CHAIN.fullmatch(entry)
        worth = _WORTH.search(entry)
        if chain is None or "&#" in entry:
            out.append(entry)
            continue
        head, anchor, body = chain.groups()
        own = worth[0] if worth else ""
        body = body.replace(own, "")
        key, numbers = tuple(_NUMBER.split(body)), _NUMBER.findall(body)
        if key not in models:
            models[key] = anchor, numbers
            out.append(entry)
            continue
        first, model = models[key]
        value = f'<ol class="lines" role="list">\n{own}</ol>\n' if own else ""
        out.append(
            f'{head} data-like="{first}" data-with="{_difference(model, numbers)}">\n'
            f'<p class="alike">{_link(first, alike)}</p>\n{value}</div>\n</details>\n'
        )
    return out


def steps_once(page: str, alike: str) -> str:
    """The page with each group of small steps once; those that differ refer to it."""
    head, *pieces = page.split(f"\n{_ROWS}\n")
    models: dict[tuple[str, ...], tuple[int, list[str]]] = {}
    used: set[int] = set()
    out: list[str] = []
    for place, piece in enumerate(pieces):
        rows, end, rest = piece.partition("</ol>")
        key, numbers = tuple(_NUMBER.split(rows)), _NUMBER.findall(rows)
        plain = not any(mark in rows for mark in ("<ol", " id=", "&#"))
        if plain and key in models:
            first, model = models[key]
            used.add(first)
            out.append(
                f'\n<p class="alike" data-like="steps-{first}" '
                f'data-with="{_difference(model, numbers)}">'
                f"{_link(f'steps-{first}', alike)}</p>{rest}"
            )
            continue
        if plain:
            models[key] = place, numbers
        out.append(f"\n{_ROWS}\n{rows}{end}{rest}")
    for place in used:
        out[place] = out[place].replace("<ol", f'<ol id="steps-{place}"', 1)
    return _latex_once("".join([head, *out]))


def _link(anchor: str, words: str) -> str:
    """A link inside the page."""
    return f'<a href="#{anchor}">{words}</a>'


def _difference(model: Sequence[str], own: Sequence[str]) -> str:
    """Which numbers differ, as place:number, each place counted from the last one."""
    found: list[str] = []
    last = 0
    for place, (old, new) in enumerate(zip(model, own, strict=True)):
        if old != new:
            found.append(f"{place - last}:{new}")
            last = place
    return " ".join(found)


def _latex_once(page: str) -> str:
    """The same for what the buttons copy; they show once the script runs."""
    models: dict[tuple[str, ...], tuple[int, list[str]]] = {}
    count = -1

    def once(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        if "&#" in match[1]:
            return match[0]
        key = tuple(_NUMBER.split(match[1]))
        if key not in models:
            models[key] = count, _NUMBER.findall(match[1])
            return match[0]
        place, numbers = models[key]
        own = _NUMBER.findall(match[1])
        differs = _difference(numbers, own)
        return f' data-latex="" data-like="{place}" data-with="{differs}"'

    return _LATEX.sub(once, page)
