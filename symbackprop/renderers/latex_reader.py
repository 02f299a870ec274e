r"""The strict LaTeX reader: a whitelist of commands, and refusals that say what to do.

latex2mathml accepts nearly anything and is sometimes wrong without saying so.  So the
LaTeX is read here first (commands, braces, scripts, cells) and written out again in
its safest form.  Whatever it gets wrong (text, names, fonts, accents, spaces, single
brackets) is built here as a finished leaf, and passes through as `\text{number}`.
"""

import contextlib
import difflib
import re
import unicodedata
from typing import NamedTuple, NoReturn
from xml.etree import ElementTree as ET

from latex2mathml.symbols_parser import convert_symbol

from symbackprop.errors import SymbackpropError

MAX_CHARACTERS = 100_000
MAX_DEPTH = 40  # latex2mathml recurses several frames a level; Python allows 1000

# The whitelist: what a command is decides how it is read and how it is spaced.
_GROUPS = {
    "ord": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi"
    " rho sigma tau upsilon phi chi psi omega varepsilon vartheta varphi varpi varrho"
    " varsigma Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega partial nabla"
    " infty ell top",
    "op": "cdot times pm mp odot le ge ne approx in to gets leftarrow rightarrow"
    " Rightarrow dots ldots cdots vdots ddots colon",
    "big": "sum prod",
    "fn": "ln exp log sin cos tan sinh cosh tanh max min lim",
    "frac": "frac dfrac tfrac",
    "accent": "hat bar tilde vec overbrace underbrace",
    "font": "mathrm mathbf boldsymbol mathbb mathcal",
    "open": "lvert {",
    "close": "rvert }",
    "space": "quad , ;",
    "one": "sqrt left prime begin text operatorname class",
    "after": "right end \\",
}
_COMMANDS = {f"\\{n}": kind for kind, ns in _GROUPS.items() for n in ns.split()}
COMMANDS = tuple(sorted(_COMMANDS))
_KINDS = {
    **_COMMANDS,
    **dict.fromkeys("([", "open"),
    **dict.fromkeys(")]", "close"),
    **dict.fromkeys("+-*/=<>,:;.!?", "op"),
    **dict.fromkeys("}&_^'|", "after"),
    "{": "group",
}
_LIMITED = {r"\max", r"\min", r"\lim", r"\sum", r"\prod"}
_SPACES = {r"\,": "0.1667em", r"\;": "0.2778em", r"\quad": "1em"}
_ACCENTS = dict(zip(_GROUPS["accent"].split(), "ˆ¯˜→⏞⏟", strict=True))
_FONTS = {
    "mathrm": "UPRIGHT", "mathbf": "BOLD", "boldsymbol": "BOLD ITALIC",
    "mathbb": "DOUBLE-STRUCK", "mathcal": "SCRIPT",
}  # fmt: skip
_TABLES = ("pmatrix", "bmatrix", "cases", "aligned", "align*")
_STOPS = {"", "}", "&", "\\\\", r"\end", r"\right"}
_REFUSED = {
    r"\boxed \fbox \cancel \bcancel \xcancel \sout": "it needs menclose, which browsers"
    r" do not draw; mark it with \class{name}{..}",
    r"\color \textcolor \colorbox": "colour belongs to the style sheet; mark it with"
    r" \class{name}{..}",
}

_ESCAPED = r"\\[%&_#${} ,]"
_TOKEN = re.compile(
    r"(?P<gap>[ \t\n]+)|(?P<braced>\\(?:text|operatorname|class|begin|end)"
    rf"\s*\{{(?:[^{{}}\\]|{_ESCAPED})*\}})|\\(?:[A-Za-z]+|[\x20-\x7e])"
    r"|\d+(?:\.\d+)?|\.\d+|[A-Za-z{}&^_'+\-*/=<>,:;.!?()\[\]|]|(?P<alien>.)",
    re.ASCII | re.DOTALL,
)


class MathMLError(SymbackpropError):
    """A formula that cannot be shown as MathML Core; says what to write instead."""


class _Style(NamedTuple):
    font: str = ""
    display: bool = False


def is_upright(text: str) -> bool:
    """Say whether TeX sets this letter upright where Core would slant it."""
    return text == "∇" or (len(text) == 1 and "Α" <= text <= "Ω")


class Reader:
    """Reads one formula; `leaves` and `accents` say what the numbers stand for."""

    def __init__(self, latex: str) -> None:
        """Cut the LaTeX into tokens, each with its place in the text."""
        if len(latex) > MAX_CHARACTERS:
            came, advice = f"{len(latex)} characters", "split the formula into lines"
            _refuse(1, f"at most {MAX_CHARACTERS}", came, advice)
        self.leaves: list[ET.Element] = []
        self.accents: set[str | None] = set()
        self._place = self._depth = 0
        self._tokens: list[tuple[str, int]] = []
        for found in _TOKEN.finditer(latex):
            at = found.start() + 1
            if found["alien"]:
                _refuse_alien(found["alien"], at)
            if found["braced"]:  # split, so that the name looks like any other command
                name, brace, content = found[0].partition("{")
                self._tokens += [(name.rstrip(), at), (brace + content, at)]
            elif not found["gap"]:
                self._tokens.append((found[0], at))
        self._tokens += [("", len(latex) + 1)] * 2

    def formula(self, *, display: bool) -> str:
        """Return the whole formula, which must be visible and must end here."""
        source = self._row(_Style(display=display))
        self._expect("")
        if not source:
            _refuse(1, "a formula", "nothing to show", r"write an expression, e.g. x_1")
        return source

    def _peek(self) -> str:
        return self._tokens[self._place][0]

    def _take(self) -> str:
        token = self._peek()
        self._place += 1
        return token

    def _refuse(self, expected: str, advice: str) -> NoReturn:
        token, at = self._tokens[self._place]
        _refuse(at, expected, token or "end of formula", advice)

    def _expect(self, token: str) -> None:
        if self._peek() != token:
            advice = "balance braces and environments"
            if self._peek() == "&":
                advice = "put & inside an environment such as aligned"
            self._refuse(token or "the end of the formula", advice)
        self._place += bool(token)

    def _leaf(self, tag: str, text: str, **attributes: str) -> str:
        element = ET.Element(tag, attributes)
        element.text = text or None
        self.leaves.append(element)
        return rf"\text{{{len(self.leaves) - 1}}}"

    def _name(self, text: str) -> str:
        """Return an upright name; Core slants single letters unless told not to."""
        one = {"mathvariant": "normal"} if len(text) == 1 else {}
        return self._leaf("mi", text, **one)

    def _row(self, style: _Style) -> str:
        """Read formulas up to a closing token; add the space TeX puts at names."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"at most {MAX_DEPTH} levels of nesting", "flatten it")
        parts: list[str] = []
        before = ""
        while (token := self._peek()) not in _STOPS:
            if style.font == "UPRIGHT":
                self._join_letters()
            if token in {"+", "-", r"\pm", r"\mp"} and before in {"op", "open"}:
                self._take()  # a sign; Core would space it as a sum
                sign = "−" if token == "-" else _character(token)
                parts.append(self._leaf("mo", sign, form="prefix"))
                continue
            part, kind = self._scripted(style)
            if before == "fn" and kind in {"fn", "ord", "open", "inner", "big"}:
                parts.append(self._leaf("mo", "\u2061"))
            if {before, kind} <= {"fn", "ord", "close"} and "fn" in {before, kind}:
                parts.append(self._leaf("mspace", "", width="0.1667em"))
            if part:
                parts.append(part)
                before = {"inner": "close"}.get(kind, kind)
        self._depth -= 1
        return " ".join(parts)

    def _join_letters(self) -> None:
        r"""Make one token of the letters that follow: \mathrm{ReLU} is one name."""
        text, at = self._tokens[self._place]
        while text.isalpha() and (more := self._tokens[self._place + 1][0]).isalpha():
            self._place += 1
            text += more
            self._tokens[self._place] = text, at

    def _scripted(self, style: _Style) -> tuple[str, str]:
        """Read an atom with its scripts and primes."""
        token = self._peek()
        base, kind = self._atom(style)
        limits = token in {r"\overbrace", r"\underbrace"}
        limits |= style.display and token in _LIMITED
        scripts = {"_": "", "^": ""}
        primes = 0
        while (mark := self._peek()) in {"_", "^", "'"}:
            if not base or kind == "space":
                self._refuse("something before a script", "put the base before it")
            if mark == "'":
                if scripts["^"]:
                    self._refuse("primes before the superscript", "write x'^{2}")
                primes += 1
                self._take()
                continue
            if scripts[mark]:
                self._refuse(f"one {mark} a base", "use braces: {x_1}_2")
            self._take()
            scripts[mark] = self._argument(_Style(style.font), f"script {mark}")
        if primes:
            text = {1: "′", 2: "″", 3: "‴"}.get(primes, "′" * primes)
            scripts["^"] = f"{{{self._leaf('mo', text)} {scripts['^']}}}"
        marks = "".join(f" {mark} {text}" for mark, text in scripts.items() if text)
        return base + (r"\limits" if limits and marks else "") + marks, kind

    def _argument(self, style: _Style, what: str) -> str:
        """Read one required operand: a braced group or a single atom."""
        token = self._peek()
        if token == "{":
            self._take()
            content = self._row(style)
            if not content:
                self._refuse(f"something in {what}", "fill the braces")
            self._expect("}")
        elif token in _STOPS or (len(token) > 1 and token[0] in "0123456789."):
            self._refuse(f"braces for {what}", f"write {{{token}}}")
        else:
            content = self._atom(style)[0]
        plain = " " not in content and (len(content) == 1 or content[0] == "\\")
        return content if plain else f"{{{content}}}"

    def _atom(self, style: _Style) -> tuple[str, str]:
        """Read one atom; return its source and its kind, which decides the spacing."""
        token, at = self._tokens[self._place]
        kind = _KINDS.get(token, "")
        name = token.removeprefix("\\")
        if name != token and not kind:
            _refuse_unknown(token, at)
        if kind == "after":
            advice = "put a base before it, or remove it"
            advice = r"write \lvert or \rvert" if token == "|" else advice
            self._refuse("an expression here", advice)
        self._take()
        match kind:
            case "" | "ord":
                return self._letter(token, style.font, at), "ord"
            case "op" | "big":
                source = token
            case "fn":
                source = self._leaf("mi", name)
            case "open" | "close":
                form = "prefix" if kind == "open" else "postfix"
                sign = _character(token)
                source = self._leaf("mo", sign, stretchy="false", form=form)
            case "space":
                source = self._leaf("mspace", "", width=_SPACES[token])
            case "frac":
                inner = _Style(style.font)
                first = self._argument(inner, f"{token}, first part")
                second = self._argument(inner, f"{token}, second part")
                return f"{token} {first} {second}", "ord"
            case "font":
                return self._argument(style._replace(font=_FONTS[name]), token), "ord"
            case "accent":
                content = self._argument(style, token)
                self.accents.add(str(len(self.leaves)))
                stretchy = "true" if "brace" in name else "false"
                mark = self._leaf("mo", _ACCENTS[name], stretchy=stretchy)
                side = "under" if name == "underbrace" else "over"
                return f"\\{side}set {mark} {content}", "ord"
            case "group":
                kind = "inner" if self._peek() == r"\left" else "ord"
                content = self._row(style)
                self._expect("}")
                source = f"{{{content}}}" if content else ""
            case _:
                return self._special(token, style, at)
        return source, kind

    def _letter(self, token: str, font: str, at: int) -> str:
        """Read a letter or number in the present font."""
        text = _character(token)
        if font == "UPRIGHT" and text[0].isalpha():
            return self._name(text)
        if font not in {"", "UPRIGHT"}:
            text = "".join(_styled(c, font, at) for c in text)
            return self._leaf("mn" if token.isdecimal() else "mi", text)
        return self._leaf("mn", token) if token[0] == "." else token

    def _special(self, token: str, style: _Style, at: int) -> tuple[str, str]:
        """Read a command with a shape of its own."""
        match token:
            case r"\prime":
                return self._leaf("mo", "′"), "ord"
            case r"\sqrt":
                if self._peek() == "[":
                    self._refuse("the radicand", "write a power, e.g. x^{1/3}")
                return rf"\sqrt {self._argument(style, token)}", "ord"
            case r"\left":
                content = rf"\left{self._fence()} {self._row(style)}"
                self._expect(r"\right")
                return rf"{content} \right{self._fence()}", "inner"
            case r"\begin":
                return self._table(style), "ord"
            case r"\text":
                raw = self._braces(token)
                if wrong := re.search(r"[$&#%_^~]", re.sub(_ESCAPED, "", raw)):
                    advice = rf"close the braces or write \{wrong[0]}"
                    _refuse(at, "plain text", f"{wrong[0]} in {token}", advice)
                text = raw.replace("\\,", "\u2009").replace("\\", "")
                return self._leaf("mtext", re.sub(r"[ \t\n]", "\xa0", text)), "ord"
            case r"\class":
                raw = self._braces(token)
                if not re.fullmatch(r"[a-z][a-z0-9-]*", raw):
                    advice = r"write \class{changed}{..}"
                    _refuse(at, "a class name of a-z, 0-9, -", raw, advice)
                body = self._argument(style, token)
                body = body if body[0] == "{" else f"{{{body}}}"
                return rf"\class{{{raw}}}{body}", "ord"
            case _:
                raw = self._braces(token)
                if not re.fullmatch(r"[A-Za-z]([A-Za-z0-9 -]|\\,)*", raw):
                    advice = r"write \operatorname{softmax}"
                    _refuse(at, "a name of letters", raw, advice)
                return self._name(raw.replace(" ", "").replace("\\,", "\u2009")), "fn"

    def _braces(self, token: str) -> str:
        """Read braces that hold plain text, not a formula."""
        if not re.match(r"\{[^}]", self._peek()):
            self._refuse(f"plain text in braces after {token}", r"write \text{words}")
        return self._take()[1:-1]

    def _fence(self) -> str:
        if _KINDS.get(self._peek()) in {"open", "close"} or self._peek() in {".", "|"}:
            return self._take()
        self._refuse("a bracket after \\left or \\right", "use . for none")

    def _table(self, style: _Style) -> str:
        """Read the rows; cells get double braces, else `{c}` would be an alignment."""
        name = self._peek()[1:-1]
        if name not in _TABLES:
            known = ", ".join(_TABLES)
            self._refuse("a known environment", f"one of {known}")
        self._take()
        target = name.replace("aligned", "align*")
        style = _Style(style.font, display=target == "align*")
        rows: list[list[str]] = [[self._row(style)]]
        while self._peek() in {"&", "\\\\"}:
            if self._take() == "\\\\":
                rows.append([])
                if self._peek() == "[":
                    self._refuse("a cell", "leave out the row spacing")
            rows[-1].append(self._row(style))
        rows = rows[: -1 if rows[-1] == [""] else None]
        if not any(map(any, rows)):
            self._refuse(f"a filled cell in {name}", "fill it or remove it")
        self._expect(r"\end")
        self._expect(f"{{{name}}}")
        body = r" \\ ".join(" & ".join(f"{{{{{c}}}}}" for c in row) for row in rows)
        return rf"{{\begin{{{target}}} {body} \end{{{target}}}}}"


def _character(token: str) -> str:
    """Return the character a command stands for; a letter or number is itself."""
    code = convert_symbol(token) if token[0] == "\\" else None
    return chr(int(code, 16)) if code else token


def _styled(letter: str, font: str, at: int) -> str:
    """Return a mathematical alphanumeric: Core has no bold but these."""
    name = unicodedata.name(letter)
    for part in ("LATIN ", "GREEK ", "LUNATE ", " LETTER"):
        name = name.replace(part, "")
    plain = font.removesuffix(" ITALIC")
    font = plain if is_upright(letter) else font
    for candidate in (f"MATHEMATICAL {font}", font, f"MATHEMATICAL {plain}"):
        with contextlib.suppress(KeyError):
            return unicodedata.lookup(f"{candidate} {name}")
    form = f"a letter that has a {font.lower()} form"
    _refuse(at, form, letter, "leave out the font")


def _refuse(at: int, expected: str, came: str, advice: str) -> NoReturn:
    message = f"{came} at character {at}: expected {expected}; try: {advice}"
    raise MathMLError(message)


def _refuse_alien(character: str, at: int) -> NoReturn:
    advice = rf"write \text{{{character}}}"
    hangul = unicodedata.name(character, "").startswith("HANGUL")
    if not hangul and not character.isascii():
        advice = rf"use its command, such as \alpha or \le, or {advice}"
    _refuse(at, "ASCII LaTeX", f"{character!r} outside \\text{{}}", advice)


def _refuse_unknown(token: str, at: int) -> NoReturn:
    near = difflib.get_close_matches(token, COMMANDS, n=3, cutoff=0.5)
    known = f"known: {len(COMMANDS)} commands, nearest {', '.join(near) or 'none'}"
    why = (why for names, why in _REFUSED.items() if token in names.split())
    reason = next(why, known)
    message = f"unknown command {token} at character {at}; {reason}"
    raise MathMLError(message)
