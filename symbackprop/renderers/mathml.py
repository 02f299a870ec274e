"""LaTeX to one MathML Core element: the only place that calls latex2mathml.

latex2mathml accepts nearly anything and is sometimes wrong without saying so.  So the
LaTeX is read strictly here (a whitelist, braces, scripts, cells), handed over in an
unmistakable form, and what comes back is repaired and then checked against Core.
It refuses colours, boxes, strikes, macros and whatever else is not in the table.
"""

from __future__ import annotations

import contextlib
import difflib
import html
import re
import unicodedata
from typing import NoReturn
from xml.etree import ElementTree as ET

from latex2mathml.converter import Converter
from latex2mathml.symbols_parser import convert_symbol

from symbackprop.errors import SymbackpropError

MAX_CHARACTERS = 100_000
MAX_DEPTH = 40  # latex2mathml recurses several frames a level; Python allows 1000

# The whitelist: what a command is decides how it is read and how it is spaced.
_GROUPS = {
    "ord": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi"
    " rho sigma tau upsilon phi chi psi omega varepsilon vartheta varphi varpi varrho"
    " varsigma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega partial nabla"
    " infty emptyset ell hbar top",
    "op": "cdot times div pm mp odot otimes oplus ominus circ ast star bullet wedge vee"
    " neg le leq ge geq ne neq equiv approx sim simeq cong propto ll gg lt gt in notin"
    " ni subset subseteq supset cup cap setminus forall exists to gets rightarrow"
    " leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto"
    " longrightarrow implies iff ldots cdots vdots ddots dots mid parallel perp"
    " therefore because colon",
    "big": "sum prod int bigcup bigcap bigoplus bigotimes",
    "fn": "ln exp log lg sin cos tan sec csc cot sinh cosh tanh coth arcsin arccos"
    " arctan max min sup inf lim det gcd arg deg dim ker Pr",
    "two": "frac dfrac tfrac binom overset underset stackrel",
    "accent": "hat widehat bar tilde vec dot ddot overline underline overbrace"
    " underbrace",
    "font": "mathrm mathbf boldsymbol mathbb mathcal mathsf mathtt mathit",
    "open": "lbrace langle lvert lVert lfloor lceil lbrack",
    "close": "rbrace rangle rvert rVert rfloor rceil rbrack",
    "bar": "vert Vert",
    "space": "quad qquad",
    "read": "sqrt phantom substack left prime begin",
    "after": "right middle limits nolimits end",
    "braced": "text textrm operatorname operatorname* class",
}
_COMMANDS = {
    **{f"\\{n}": kind for kind, names in _GROUPS.items() for n in names.split()},
    **dict.fromkeys([r"\,", r"\:", r"\;", r"\!", "\\ "], "space"),
    **dict.fromkeys([r"\%", r"\&", r"\#", r"\$", r"\_"], "literal"),
    r"\{": "open",
    r"\}": "close",
    r"\|": "bar",
    "\\\\": "after",
}
COMMANDS = tuple(sorted(_COMMANDS))
_KINDS = {
    **_COMMANDS,
    "(": "open",
    "[": "open",
    ")": "close",
    "]": "close",
    "|": "bar",
    **dict.fromkeys("+-*/=<>,:;.!?", "op"),
    **dict.fromkeys("}&_^'", "after"),
    "{": "group",
}

_REFUSED = {
    **dict.fromkeys(
        [r"\boxed", r"\fbox", r"\cancel", r"\bcancel", r"\xcancel", r"\sout"],
        r"it needs menclose, which browsers do not draw; mark it with \class{name}{..}",
    ),
    **dict.fromkeys(
        [r"\color", r"\textcolor", r"\colorbox"],
        r"colour belongs to the style sheet; mark it with \class{name}{..}",
    ),
}
_LIMITED = frozenset(
    [
        r"\max",
        r"\min",
        r"\sup",
        r"\inf",
        r"\lim",
        r"\det",
        r"\gcd",
        r"\Pr",
        r"\sum",
        r"\prod",
        r"\bigcup",
        r"\bigcap",
        r"\bigoplus",
        r"\bigotimes",
    ]
)
_SPACES = {
    r"\,": "0.1667em", r"\:": "0.2222em", r"\;": "0.2778em", "\\ ": "0.25em",
    r"\quad": "1em", r"\qquad": "2em",
}  # fmt: skip
# Wide marks: of the candidates, only these combining ones stretch in Chromium.
_ACCENTS = {
    "hat": "ˆ", "widehat": "\u0302", "bar": "¯", "tilde": "˜", "vec": "→", "dot": "˙",
    "ddot": "¨", "overline": "\u0332", "underline": "\u0332", "overbrace": "⏞",
    "underbrace": "⏟",
}  # fmt: skip
_STYLES = {
    "mathbf": "BOLD", "boldsymbol": "BOLD ITALIC", "mathbb": "DOUBLE-STRUCK",
    "mathcal": "SCRIPT", "mathsf": "SANS-SERIF", "mathtt": "MONOSPACE",
    "mathrm": "UPRIGHT", "mathit": "",
}  # fmt: skip
_ALIGNED = dict.fromkeys(("aligned", "align*", "split"), "align*")
_PLAIN = "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix cases array"
_ENVIRONMENTS = {**_ALIGNED, **{name: name for name in _PLAIN.split(" ")}}
_ORDINARY = "∂∇∞∅⊤"  # signs that are letters of the notation, not operators
# Signs where unicode-math, hence every font, has a better character.
_SIGNS = str.maketrans("*·~⧵", "∗⋅∼∖")
_STOPS = {"", "}", "&", "\\\\", r"\end", r"\right", r"\middle"}

_ESCAPED = r"\\[%&_#${} ,]"
_TOKEN = re.compile(
    r"(?P<gap>[ \t\n]+)|(?P<braced>\\(?:text|textrm|operatorname\*?|class|begin|end)"
    rf"\s*\{{(?:[^{{}}\\]|{_ESCAPED})*\}})|\\(?:[A-Za-z]+|[\x20-\x7e])"
    r"|\d+(?:\.\d+)?|\.\d+|[A-Za-z{}&^_'+\-*/=<>,:;.!?()\[\]|]|(?P<alien>.)",
    re.ASCII | re.DOTALL,
)
# Characters that XML forbids, or that make text show otherwise than it reads.
_UNPRINTABLE = re.compile(
    "[^\t\n -~\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


class MathMLError(SymbackpropError):
    """A formula that cannot be shown as MathML Core; says what to write instead."""


def mathml(latex: str, *, display: bool = False, alttext: str | None = None) -> str:
    """One `<math>` element for the LaTeX, or a MathMLError that says what to change."""
    for text in (latex, alttext or ""):
        if found := _UNPRINTABLE.search(text):
            code = f"U+{ord(found[0]):04X}"
            at = found.start() + 1
            _refuse(at, "printable text", f"control character {code}", "remove it")
    reader = _Reader(latex)
    source = reader.formula(display=display)
    try:
        tree = Converter().convert_to_element(source)
    except Exception as problem:  # latex2mathml has no common base error
        fault = f"latex2mathml failed: {problem!r}"
        raise _broken(fault, latex) from problem
    used: set[int] = set()
    attributes = {"xmlns": "http://www.w3.org/1998/Math/MathML"}
    attributes |= {"display": "block"} if display else {}
    attributes |= {"alttext": alttext} if alttext is not None else {}
    tree.attrib.clear()
    tree.attrib.update(attributes)
    _repair(tree, reader, used)
    if len(used) != len(reader.leaves):
        fault = "latex2mathml lost a part"
        raise _broken(fault, latex)
    if fault := _fault(tree):
        raise _broken(fault, latex)
    return ET.tostring(tree, encoding="unicode")


def _refuse(at: int, expected: str, came: str, advice: str) -> NoReturn:
    message = f"{came} at character {at}: expected {expected}; try: {advice}"
    raise MathMLError(message)


def _broken(fault: str, latex: str) -> MathMLError:
    return MathMLError(
        f"expected MathML Core, but {fault}; this is a fault of symbackprop, not of the"
        f" formula; try a simpler form and report this one: {latex[:200]!r}"
    )


class _Reader:
    r"""Reads LaTeX strictly and writes the same formula in latex2mathml's safest form.

    Whatever latex2mathml gets wrong (text, names, fonts, accents, spaces, fences) is
    built here as a finished leaf, and travels through it as `\text{number}`.
    """

    def __init__(self, latex: str) -> None:
        if len(latex) > MAX_CHARACTERS:
            advice = "split the formula into lines"
            came = f"{len(latex)} characters of LaTeX"
            _refuse(1, f"at most {MAX_CHARACTERS}", came, advice)
        self.leaves: list[ET.Element] = []
        self.accents: set[str | None] = set()
        self.place = self.depth = 0
        self.tokens: list[tuple[str, int]] = []
        for found in _TOKEN.finditer(latex):
            if found["alien"]:
                _refuse_alien(found["alien"], found.start() + 1)
            if found["braced"]:  # split, so that the name looks like any other command
                name, brace, content = found[0].partition("{")
                at = found.start() + 1
                self.tokens += [(name.rstrip(), at), (brace + content, at)]
            elif not found["gap"]:
                self.tokens.append((found[0], found.start() + 1))
        end = len(latex) + 1
        self.tokens += [("", end), ("", end)]

    def formula(self, *, display: bool) -> str:
        """Return the whole formula, which must be visible and must end here."""
        source = self.row("", display=display)
        self.expect("")
        if not source:
            _refuse(1, "a formula", "nothing to show", r"write an expression, e.g. x_1")
        return source

    def peek(self) -> str:
        return self.tokens[self.place][0]

    def take(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def refuse(self, expected: str, advice: str) -> NoReturn:
        token, at = self.tokens[self.place]
        _refuse(at, expected, token or "end of formula", advice)

    def expect(
        self, token: str, advice: str = "balance braces and environments"
    ) -> None:
        if self.peek() != token:
            stray = r"put & inside an environment such as aligned, or write \&"
            advice = stray if self.peek() == "&" else advice
            self.refuse(token or "the end of the formula", advice)
        self.place += bool(token)

    def leaf(self, tag: str, text: str, **attributes: str) -> str:
        element = ET.Element(tag, attributes)
        element.text = text or None
        self.leaves.append(element)
        return rf"\text{{{len(self.leaves) - 1}}}"

    def row(self, font: str, *, display: bool, until: str = "") -> str:
        """Read formulas up to a closing token; add the space TeX puts at names."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse(f"at most {MAX_DEPTH} levels of nesting", "flatten the formula")
        parts: list[str] = []
        before = ""
        while (token := self.peek()) not in _STOPS and token != until:
            while (
                font == "UPRIGHT" and (token + self.tokens[self.place + 1][0]).isalpha()
            ):
                token += self.tokens[self.place + 1][0]  # ReLU is one name
                self.place += 1
                self.tokens[self.place] = (token, self.tokens[self.place][1])
            if token in {"+", "-", r"\pm", r"\mp"} and before in {"op", "open"}:
                self.take()  # a sign; Core would space it as a sum
                sign = "−" if token == "-" else _character(token)
                parts.append(self.leaf("mo", sign, form="prefix"))
                continue
            part, kind = self.scripted(font, display=display)
            if before == "fn" and kind in {"fn", "ord", "open", "inner", "big"}:
                parts.append(self.leaf("mo", "\u2061"))
            if {before, kind} <= {"fn", "ord", "close"} and "fn" in {before, kind}:
                parts.append(self.leaf("mspace", "", width="0.1667em"))
            parts += [part] if part else []
            before = {"inner": "close"}.get(kind, kind) if part else before
        self.depth -= 1
        return " ".join(parts)

    def scripted(self, font: str, *, display: bool) -> tuple[str, str]:
        """Read an atom with its limits, scripts and primes."""
        token = self.peek()
        base, kind = self.atom(font, display=display)
        limits = (display and token in _LIMITED) or kind == "limited"
        kind = {"limited": "ord", "star": "fn"}.get(kind, kind)
        if token == r"\operatorname*":
            limits = display
        if self.peek() in {r"\limits", r"\nolimits"}:
            if kind not in {"big", "fn"}:
                self.refuse("it after an operator such as \\sum", "remove it")
            limits = self.take() == r"\limits"
        scripts = {"_": "", "^": ""}
        primes = 0
        while (mark := self.peek()) in {"_", "^", "'"}:
            if not base or kind == "space":
                self.refuse("something before a script", "put the base before it")
            if mark == "'":
                if scripts["^"]:
                    self.refuse("primes before the superscript", "write x'^{2}")
                primes += 1
                self.take()
                continue
            if scripts[mark]:
                self.refuse(f"one {mark} a base", "use braces: {x_1}_2")
            self.take()
            scripts[mark] = self.argument(font, f"script {mark}")
        if primes:
            text = {1: "′", 2: "″", 3: "‴"}.get(primes, "′" * primes)
            both = f"{self.leaf('mo', text)} {scripts['^']}".strip()
            scripts["^"] = f"{{{both}}}"
        marks = "".join(f" {mark} {text}" for mark, text in scripts.items() if text)
        return base + (r"\limits" if limits and marks else "") + marks, kind

    def argument(self, font: str, what: str, *, display: bool = False) -> str:
        """Read one required operand: a braced group or a single atom."""
        if self.peek() == "{":
            self.take()
            content = self.row(font, display=display)
            if not content:
                self.refuse(f"something in {what}", "fill the braces")
            self.expect("}")
        else:
            number = self.peek()
            if self.peek() in _STOPS or (
                len(number) > 1 and number[0] in "0123456789."
            ):
                self.refuse(f"braces for {what}", f"write {{{number}}}")
            content = self.atom(font, display=display)[0]
        return content if " " not in content else f"{{{content}}}"

    def atom(  # noqa: C901, PLR0911, PLR0912  one case a kind reads best
        self, font: str, *, display: bool
    ) -> tuple[str, str]:
        """Read one atom; return its source and its kind, which decides the spacing."""
        token, at = self.tokens[self.place]
        kind = _KINDS.get(token, "")
        if token[:1] == "\\" and not kind:
            _refuse_unknown(token, at)
        if kind == "after":
            self.refuse("an expression here", "put a base before it, or remove it")
        self.take()
        name = token.removeprefix("\\")
        match kind:
            case "" | "ord":
                return self.letter(token, font, at), "ord"
            case "op" | "big":
                return token, kind
            case "fn":
                return self.leaf("mi", name), "fn"
            case "open" | "close" | "bar":
                form = {"open": "prefix", "close": "postfix"}.get(kind)
                extra = {"form": form} if form else {}
                return self.leaf(
                    "mo", _character(token), stretchy="false", **extra
                ), kind
            case "space":
                if token == r"\!":
                    style = "margin-left:-0.1667em"  # Core ignores negative widths
                    return self.leaf("mspace", "", style=style), "space"
                return self.leaf("mspace", "", width=_SPACES[token]), "space"
            case "literal":
                return self.leaf("mi", name), "ord"
            case "font":
                return self.argument(_STYLES[name], token, display=display), "ord"
            case "two":
                first = self.argument(font, f"{token}, first part")
                inner = display and "frac" not in name and name != "binom"
                second = self.argument(font, f"{token}, second part", display=inner)
                source = f"{token} {first} {second}"
                return f"{{{source}}}" if name == "binom" else source, "ord"
            case "accent":
                return self.accent(name, font, display=display)
            case "group":
                kind = "inner" if self.peek() == r"\left" else "ord"
                content = self.row(font, display=display)
                self.expect("}")
                return f"{{{content}}}" if content else "", kind
            case "braced":
                return self.braced(token, font, at, display=display)
            case _:
                return self.special(token, font, display=display)

    def letter(self, token: str, font: str, at: int) -> str:
        """Read a letter or number in the present font."""
        text = _character(token)
        if text[0].isalpha() and font == "UPRIGHT":
            return self.name(text)
        if font not in {"", "UPRIGHT"}:
            text = "".join(_styled(c, font, at) for c in text)
            return self.leaf("mn" if token.isdecimal() else "mi", text)
        return self.leaf("mn", token) if token[0] == "." else token

    def name(self, text: str) -> str:
        """Return an upright name; Core slants single letters unless told not to."""
        return self.leaf(
            "mi", text, **({"mathvariant": "normal"} if len(text) == 1 else {})
        )

    def accent(self, name: str, font: str, *, display: bool) -> tuple[str, str]:
        content = self.argument(font, f"\\{name}", display=display)
        self.accents.add(str(len(self.leaves)))
        mark = self.leaf("mo", _ACCENTS[name], stretchy=str(len(name) > 5).lower())
        side = "under" if name.startswith("under") else "over"
        kind = "limited" if name.endswith("brace") else "ord"
        return f"\\{side}set {mark} {content}", kind

    def braced(
        self, token: str, font: str, at: int, *, display: bool
    ) -> tuple[str, str]:
        """Read a command whose braces hold plain text, not a formula."""
        raw = self.peek()[1:-1]
        if len(self.peek()) < 3:
            self.refuse(f"plain text in braces after {token}", r"write \text{words}")
        self.take()
        content = raw.replace("\\,", "\u2009").replace("\\", "")
        if token in {r"\text", r"\textrm"}:
            if wrong := re.search(r"[$&#%_^~]", re.sub(_ESCAPED, "", raw)):
                came = f"{wrong[0]} in {token}"
                _refuse(
                    at, "plain text", came, rf"close the braces or write \{wrong[0]}"
                )
            return self.leaf("mtext", re.sub(r"\s", "\xa0", content)), "ord"
        if token == r"\class":
            if not re.fullmatch(r"[A-Za-z][\w-]*( [A-Za-z][\w-]*)*", content, re.ASCII):
                _refuse(at, "a class name", content, r"write \class{changed}{..}")
            body = self.argument(font, token, display=display)
            body = body if body[0] == "{" else f"{{{body}}}"
            return rf"\class{{{content}}}{body}", "ord"
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9 \u2009-]*", content):
            _refuse(at, "a name of letters", content, r"write \operatorname{softmax}")
        kind = "star" if token.endswith("*") else "fn"
        return self.name(content.replace(" ", "")), kind

    def special(self, token: str, font: str, *, display: bool) -> tuple[str, str]:
        if token == r"\prime":
            return self.leaf("mo", "′"), "ord"
        if token == r"\left":
            content = rf"\left{self.fence()} {self.row(font, display=display)}"
            while self.peek() == r"\middle":
                self.take()
                content += rf" \middle{self.fence()} {self.row(font, display=display)}"
            self.expect(r"\right")
            return rf"{content} \right{self.fence()}", "inner"
        if token == r"\begin":
            return self.environment(font), "ord"
        if token == r"\substack":
            self.expect("{")
            source = self.table(font, "matrix", "matrix")
            self.expect("}")
            return source, "ord"
        degree = ""
        if token == r"\sqrt" and self.peek() == "[":
            self.take()
            degree = self.row(font, display=False, until="]")
            if not degree:
                self.refuse("a degree in the brackets", r"write \sqrt[3]{x}")
            self.expect("]")
            degree = f"[{{{degree}}}]"
        return f"{token}{degree} {self.argument(font, token, display=display)}", "ord"

    def fence(self) -> str:
        if _KINDS.get(self.peek()) not in {
            "open",
            "close",
            "bar",
        } and self.peek() not in {*"./"}:
            self.refuse("a bracket after \\left, \\middle or \\right", "use . for none")
        return self.take()

    def environment(self, font: str) -> str:
        name = self.peek()[1:-1]
        if name not in _ENVIRONMENTS:
            known = ", ".join(_ENVIRONMENTS)
            self.refuse("a known environment", f"one of {known}")
        self.take()
        columns = ""
        if name == "array":
            self.expect("{")
            while self.peek() in {*"lcr"}:
                columns += self.take()
            self.expect("}", "columns are letters l, c, r; rules are not drawn")
        source = self.table(
            font, name, _ENVIRONMENTS[name], f"{{{columns}}}" if columns else ""
        )
        self.expect(r"\end")
        self.expect(f"{{{name}}}")
        return source

    def table(self, font: str, name: str, target: str, columns: str = "") -> str:
        """Read the rows; cells get double braces, else `{c}` would be an alignment."""
        rows: list[list[str]] = [[]]
        while True:
            rows[-1].append(self.row(font, display=name in _ALIGNED))
            if self.peek() == "\\\\":
                self.take()
                rows.append([])
                if self.peek() == "[":
                    self.refuse("a cell", "leave out the row spacing")
            elif self.peek() == "&":
                self.take()
            else:
                break
        rows = rows[: -1 if rows[-1] == [""] else None]
        if not any(map(any, rows)):
            self.refuse(f"a filled cell in {name}", "fill it or remove it")
        body = r" \\ ".join(" & ".join(f"{{{{{c}}}}}" for c in row) for row in rows)
        return rf"{{\begin{{{target}}}{columns} {body} \end{{{target}}}}}"


def _character(token: str) -> str:
    """Return the character a command stands for; a letter or number is itself."""
    code = convert_symbol(token) if token[0] == "\\" else None
    return chr(int(code, 16)) if code else token


def _is_upright(text: str) -> bool:
    """Say whether TeX sets this letter upright where Core would slant it."""
    return text == "∇" or (len(text) == 1 and "Α" <= text <= "Ω")


def _styled(letter: str, font: str, at: int) -> str:
    """Return a mathematical alphanumeric: Core has no bold but these."""
    name = unicodedata.name(letter)
    for part in ("LATIN ", "GREEK ", "LUNATE ", " LETTER"):
        name = name.replace(part, "")
    plain = font.split(maxsplit=1)[0]
    font = plain if _is_upright(letter) else font
    for candidate in (f"MATHEMATICAL {font}", font, f"MATHEMATICAL {plain}"):
        with contextlib.suppress(KeyError):
            return unicodedata.lookup(f"{candidate} {name}")
    _refuse(
        at, f"a letter that has a {font.lower()} form", letter, "leave out the font"
    )


def _refuse_alien(character: str, at: int) -> NoReturn:
    hangul = unicodedata.name(character, "").startswith("HANGUL")
    advice = rf"write \text{{{character}}}"
    if not hangul and not character.isascii():
        advice = (
            rf"use its command, such as \alpha or \le, or write \text{{{character}}}"
        )
    _refuse(at, "ASCII LaTeX", f"{character!r} outside \\text{{}}", advice)


def _refuse_unknown(token: str, at: int) -> NoReturn:
    reason = _REFUSED.get(token, "")
    near = difflib.get_close_matches(token, COMMANDS, n=3, cutoff=0.5)
    known = f"known: {len(COMMANDS)} commands, nearest {', '.join(near) or 'none'}"
    message = f"unknown command {token} at character {at}; {reason or known}"
    raise MathMLError(message)


def _repair(node: ET.Element, reader: _Reader, used: set[int]) -> ET.Element | None:
    """Put the leaves in, set signs and tables right; None means leave the node out."""
    if node.tag == "mtext":
        index = int(node.text or "-1")
        used.add(index)
        return reader.leaves[index]
    attribute = {"mover": "accent", "munder": "accentunder"}.get(node.tag)
    if attribute and {c.text for c in node if c.tag == "mtext"} & reader.accents:
        node.set(attribute, "true")
    if node.tag in {"mi", "mo", "mn"}:
        text = node.text = html.unescape(node.text or "").translate(_SIGNS)
        if node.tag != "mn":
            node.tag = "mi" if text.isalpha() or text in _ORDINARY else "mo"
        if node.tag == "mi" and _is_upright(text):
            node.set("mathvariant", "normal")
        return node if text else None
    node[:] = [kept for c in node if (kept := _repair(c, reader, used)) is not None]
    if node.tag == "mtable":
        _align(node)
    if node.tag == "mrow" and len(node) < 2 and not node.attrib:
        return node[0] if len(node) else None
    return node


def _align(table: ET.Element) -> None:
    """Say alignment in styles: browsers ignore the MathML 3 attributes."""
    aligned = "columnspacing" in table.attrib
    for ignored in ("columnspacing", "rowspacing"):
        table.attrib.pop(ignored, None)
    for row in table:
        for column, cell in enumerate(row):
            side = cell.attrib.pop("columnalign", "center")
            edge = "end" if side == "right" else "start"  # Chromium obeys only this
            style = (
                "" if side == "center" else f"text-align:{side};justify-items:{edge}"
            )
            if aligned and column % 2:
                style += ";padding-left:0"
                first = cell
                while len(first) and first.tag in {"mtd", "mrow"}:
                    first = first[0]
                if first.text in {*"+−±∓"}:  # a sum goes on, this is not a sign
                    first.set("form", "infix")
            elif aligned:
                style += f";padding-right:0;padding-left:{'2em' if column else '0'}"
            if style:
                cell.set("style", style)


_ARITY = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2,
    "msubsup": 3, "munderover": 3,
}  # fmt: skip
_ALLOWED = {
    **dict.fromkeys([*_ARITY, "msqrt", "mphantom", "mtr", "mtext", "mn"], ""),
    "math": "xmlns display alttext", "mrow": "class", "mtd": "style",
    "mstyle": "displaystyle scriptlevel", "mtable": "displaystyle",
    "mspace": "width style", "mi": "mathvariant", "mfrac": "linethickness",
    "mover": "accent", "munder": "accentunder",
    "mo": "form fence stretchy lspace rspace minsize maxsize",
}  # fmt: skip


def _fault(node: ET.Element) -> str:
    """Say what is outside MathML Core, or nothing: the guard on every output."""
    tag = node.tag
    if tag not in _ALLOWED:
        return f"the element {tag} came"
    if alien := set(node.attrib) - set(_ALLOWED[tag].split()):
        return f"{tag} came with {sorted(alien)}"
    if tag in {"mi", "mn", "mo", "mtext"}:
        bad = not node.text or len(node) or ("\\" in node.text and tag != "mtext")
        return f"{tag} came with {node.text!r}" if bad else ""
    inside = {"mtable": {"mtr"}, "mtr": {"mtd"}}.get(tag)
    wrong = inside is not None and any(child.tag not in inside for child in node)
    least = 0 if tag in {"mspace", "mtd"} else 1
    count = _ARITY.get(tag, len(node))
    if wrong or node.text or len(node) < least or len(node) != count:
        return f"{tag} came with {[child.tag for child in node]}"
    faults = (_fault(child) for child in node)
    return next((fault for fault in faults if fault), "")
