"""Formulas as LaTeX and as Unicode text: brackets, dots and derivative signs.

This file alone decides where a bracket, a multiplication dot or a d stands. A product
inside a product is set without brackets; a dot stands where two factors would run
together: before and after a number, after a Σ, between words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from symbackprop.formula.tree import (
    ONE,
    Call,
    Delta,
    Derivative,
    Formula,
    Fraction,
    Idx,
    Index,
    Minus,
    Name,
    Num,
    Path,
    Power,
    Product,
    Sigma,
    Sum,
    names_in,
)
from symbackprop.renderers.lettering import (
    Context,
    Target,
    function_symbol,
    is_word,
    lettered,
    superscript,
)
from symbackprop.renderers.spacing import (
    digits_meet,
    ends_with_sigma,
    factor_gap,
    leads_with_minus,
    numeric,
    primed,
    reaches_on,
    runs_into,
    scientific,
    square,
    tall,
)


@dataclass(frozen=True, slots=True)
class Typesetter:
    """One context's way to write formulas, for one target (latex or text)."""

    context: Context = field(default_factory=Context)
    target: Target = "latex"

    def __call__(self, form: Formula, marks: Mapping[Path, str] | None = None) -> str:
        r"""The form as text; each marked position becomes a \class{…}{…} in LaTeX."""
        return _Run(self.context, self.target, marks or {}).form(form, ())


class _Run:
    """One formula on its way to text."""

    def __init__(
        self, context: Context, target: Target, marks: Mapping[Path, str]
    ) -> None:
        self.context = context
        self.latex = target == "latex"
        self.target: Target = target
        self.marks = marks

    def form(self, form: Formula, path: Path) -> str:
        """A form without brackets of its own, marked if it is to be."""
        text = self.bare(form, path)
        if path in self.marks and self.latex:
            return rf"\class{{{self.marks[path]}}}{{{text}}}"
        return text

    def bare(self, form: Formula, path: Path) -> str:
        """A form by its kind."""
        match form:
            case Num(digits):
                return self.number(digits)
            case Name():
                return lettered(form, self.context, self.target)
            case Sum():
                return self.sum(form, path)
            case Product():
                return self.product(form, path)
            case Minus(body):
                return self.minus + self.term(body, (*path, 0))
            case Fraction():
                return self.fraction(form, path)
            case Power(base, exponent):
                return self.power(base, exponent, path)
            case Call():
                return self.call(form, path)
            case Derivative():
                return self.derivative(form, path)
            case Sigma():
                return self.sigma(form, path)
            case Delta(left, right):
                pair = f"{self.index(left)}{self.index(right)}"
                return rf"\delta_{{{pair}}}" if self.latex else f"δ[{pair}]"
            case _:
                raise TypeError(type(form).__name__)

    @property
    def minus(self) -> str:
        """The minus sign."""
        return "-" if self.latex else "−"

    def number(self, digits: str) -> str:
        """A number; an exponent as a power of ten."""
        mantissa, _, exponent = digits.lower().partition("e")
        if not exponent:
            return digits
        power = str(int(exponent))
        if self.latex:
            return rf"{mantissa}\cdot 10^{{{power}}}"
        return f"{mantissa}·10{superscript(power)}"

    def index(self, index: Index) -> str:
        """An index."""
        if isinstance(index, Idx):
            return index.name + (f"{index.shift:+d}" if index.shift else "")
        return str(index)

    def bracketed(self, form: Formula, path: Path) -> str:
        """A form in brackets: square ones around derivatives and squared brackets."""
        inner = self.form(form, path)
        left, right = ("[", "]") if square(form) else ("(", ")")
        if self.latex and (tall(form) or left == "["):
            return rf"\left{left}{inner}\right{right}"
        return f"{left}{inner}{right}"

    def term(self, form: Formula, path: Path) -> str:
        """A form behind a sign."""
        if isinstance(form, Sum | Minus) or leads_with_minus(form):
            return self.bracketed(form, path)
        return self.form(form, path)

    def sum(self, form: Sum, path: Path) -> str:
        """Terms with their signs; a Σ before the last term stands in brackets."""
        parts: list[str] = []
        gap = "" if self.latex else " "
        last = len(form.terms) - 1
        for place, term in enumerate(form.terms):
            here = (*path, place)
            body, inner, sign = term, here, "+"
            if isinstance(term, Minus) and here not in self.marks:
                body, inner, sign = term.body, (*here, 0), self.minus
            elif isinstance(term, Minus):
                text = self.form(term, here)
                parts.append(text if place == 0 else f"{gap}+{gap}({text})")
                continue
            needs = isinstance(body, Sum) or (place > 0 and leads_with_minus(body))
            needs = needs or (sign != "+" and isinstance(body, Minus))
            needs = needs or (place < last and ends_with_sigma(body))
            text = self.bracketed(body, inner) if needs else self.form(body, inner)
            if place == 0:
                parts.append(text if sign == "+" else sign + text)
            else:
                parts.append(f"{gap}{sign}{gap}{text}")
        return "".join(parts)

    def product(self, form: Product, path: Path) -> str:
        """Factors side by side, nested products without brackets."""
        factors = list(self.factors(form, path))
        pieces: list[str] = []
        for place, (factor, here) in enumerate(factors):
            text = self.factor(factor, here, first=place == 0)
            if place < len(factors) - 1 and reaches_on(factor):
                text = self.bracketed(factor, here)
            pieces.append(text)
        result = pieces[0]
        for place in range(1, len(factors)):
            before, after = factors[place - 1][0], factors[place][0]
            dot = self.dot(before, after, first=place == 1)
            result += self.joint(result, dot, pieces[place]) + pieces[place]
        return result

    def joint(self, before: str, dot: bool, text: str) -> str:
        """What stands between two factors."""
        if not self.latex:
            return "·" if dot else " "
        return factor_gap(before, text, dot=dot)

    def factors(self, form: Formula, path: Path) -> list[tuple[Formula, Path]]:
        """The factors of a product with nested, unmarked products opened."""
        found: list[tuple[Formula, Path]] = []
        for place, factor in enumerate(form.children):
            here = (*path, place)
            if isinstance(factor, Product) and here not in self.marks:
                found += self.factors(factor, here)
            else:
                found.append((factor, here))
        return found

    def factor(self, form: Formula, path: Path, *, first: bool) -> str:
        """One factor; a leading -(…) keeps its sign open, a leading -1 does not."""
        if isinstance(form, Sum):
            return self.bracketed(form, path)
        if isinstance(form, Minus):
            if first and not isinstance(form.body, Num | Minus):
                body = form.body
                text = self.minus + (
                    self.bracketed(body, (*path, 0))
                    if isinstance(body, Sum)
                    else self.form(body, (*path, 0))
                )
                if path in self.marks and self.latex:
                    return rf"\class{{{self.marks[path]}}}{{{text}}}"
                return text
            return self.bracketed(form, path)
        if not first and leads_with_minus(form):
            return self.bracketed(form, path)
        if not self.latex and isinstance(form, Fraction) and not first:
            return f"({self.form(form, path)})"
        return self.form(form, path)

    def dot(self, before: Formula, after: Formula, *, first: bool) -> bool:
        """Whether a multiplication dot stands between two factors."""
        if isinstance(before, Minus):
            if isinstance(before.body, Num) or not first:  # it stands in brackets
                return digits_meet(ONE, after)
            before = before.body
        before = before.factors[-1] if isinstance(before, Product) else before
        if not self.latex and (
            isinstance(before, Derivative | Fraction)
            or isinstance(after, Derivative | Fraction)
        ):
            return True
        if digits_meet(before, after) or runs_into(before, after):
            return True
        if numeric(before):
            kinds = Fraction if isinstance(before, Num) else Fraction | Derivative
            return not (first and before != ONE and not isinstance(after, kinds))
        words = [
            isinstance(f, Name) and is_word(f, self.context) for f in (before, after)
        ]
        if any(words):
            return True
        slope = isinstance(before, Call) and before.slope is not None
        return slope and isinstance(after, Sum | Minus)

    def fraction(self, form: Fraction, path: Path) -> str:
        """A fraction with a bar; in text with a slash and brackets."""
        top, bottom = (*path, 0), (*path, 1)
        if self.latex:
            over, under = self.form(form.top, top), self.form(form.bottom, bottom)
            return rf"\frac{{{over}}}{{{under}}}"
        above = self.tight(form.top, top, also=(Product, Power, Fraction))
        below = self.tight(form.bottom, bottom, also=(Power,))
        return f"{above}/{below}"

    def tight(
        self, form: Formula, path: Path, also: tuple[type[Formula], ...] = ()
    ) -> str:
        """A form, in brackets unless it is an atom or one of the given kinds."""
        simple = (Num, Name, Call, *also)
        text = self.form(form, path)
        plain = isinstance(form, simple) and not scientific(form)
        return text if plain else f"({text})"

    def power(self, base: Formula, exponent: Formula, path: Path) -> str:
        """A power; a base that already has an exponent stands in brackets."""
        here, above = (*path, 0), (*path, 1)
        text = self.form(base, here)
        plain = isinstance(base, Num | Name) or (
            isinstance(base, Call) and base.function not in ("exp", "log")
        )
        raised = "^" in text or (isinstance(base, Name) and is_word(base, self.context))
        if not self.latex:
            layered = isinstance(base, Name) and self.context.layered(base)
            raised = layered or scientific(base)
        if not plain or raised:
            scripted = isinstance(base, Name) and self.latex and "^" in text
            text = rf"\left({text}\right)" if scripted else self.bracketed(base, here)
        up = self.form(exponent, above)
        if self.latex:
            return f"{text}^{up}" if len(up) == 1 else f"{text}^{{{up}}}"
        raised_text = superscript(up)
        if raised_text is not None:
            return text + raised_text
        return f"{text}^{up}" if len(up) == 1 else f"{text}^({up})"

    def derivative(self, form: Derivative, path: Path) -> str:
        """∂J/∂w, d/dx of a form, or the error term's own letter."""
        row = self.context.notation
        if (
            row.error_term == "delta"
            and form.head == "D"
            and form.by.base == "z"
            and isinstance(form.of, Name)
            and form.of.base == "J"
        ):
            return lettered(Name("delta", form.by.indices), self.context, self.target)
        sign = self.sign(form)
        by = lettered(form.by, self.context, self.target)
        if not self.latex:
            if isinstance(form.of, Name):
                return f"{sign}{self.form(form.of, (*path, 0))}/{sign}{by}"
            return f"{sign}/{sign}{by} {self.operand(form, path)}"
        gap = " " if sign.startswith("\\") and not sign.endswith("}") else ""
        bottom = f"{sign}{gap if by[:1].isalpha() else ''}{by}"
        if isinstance(form.of, Name):
            of = self.form(form.of, (*path, 0))
            return rf"\frac{{{sign}{gap if of[:1].isalpha() else ''}{of}}}{{{bottom}}}"
        return rf"\frac{{{sign}}}{{{bottom}}}{self.operand(form, path)}"

    def operand(self, form: Derivative, path: Path) -> str:
        """What d/dx stands in front of."""
        here = (*path, 0)
        if isinstance(form.of, Power | Call | Num):
            return self.form(form.of, here)
        return self.bracketed(form.of, here)

    def sign(self, form: Derivative) -> str:
        """d or ∂: as the notation says, d where there is one variable only."""
        row = self.context.notation
        sign = row.total if form.head == "D" else row.partial
        alone = not isinstance(form.of, Name) and names_in(form.of) in ((form.by,), ())
        if self.context.one_variable or alone:
            sign = "d"
        if not self.latex:
            return sign
        if sign == "∂":
            return r"\partial"
        return r"\mathrm{d}" if row.total == "d" else "d"

    def sigma(self, form: Sigma, path: Path) -> str:
        """Σ with its range; a sum as its body stands in brackets."""
        body = self.term(form.body, (*path, 0))
        start = _Run(self.context, self.target, {}).form(form.start, ())
        stop = _Run(self.context, self.target, {}).form(form.stop, ())
        if self.latex:
            return rf"\sum_{{{form.index}={start}}}^{{{stop}}}{body}"
        return f"Σ[{form.index}={start}..{stop}] {body}"

    def call(self, form: Call, path: Path) -> str:
        """A function's value, in the shape that its name calls for."""
        parts = [(*path, place) for place in range(len(form.arguments))]
        if form.slope is not None:
            return self.slope_of(form)
        match form.function:
            case "pi":
                return r"\pi" if self.latex else "π"
            case "exp":
                up = self.form(form.arguments[0], parts[0])
                if self.latex:
                    return f"e^{{{up}}}"
                raised = superscript(up)
                return f"e{raised}" if raised else f"e^({up})"
            case "sqrt":
                inner = self.form(form.arguments[0], parts[0])
                return rf"\sqrt{{{inner}}}" if self.latex else f"√({inner})"
            case "abs":
                inner = self.form(form.arguments[0], parts[0])
                return rf"\lvert {inner}\rvert" if self.latex else f"|{inner}|"
            case "step":
                inner = self.form(form.arguments[0], parts[0])
                return (
                    rf"\mathbf{{1}}_{{{inner}>0}}" if self.latex else f"[{inner} > 0]"
                )
            case "log":
                return self.log(form, parts[0])
            case "new":
                inner = self.form(form.arguments[0], parts[0])
                return primed(inner) if self.latex else f"{inner}′"
            case _:
                texts = [
                    self.form(argument, part)
                    for argument, part in zip(form.arguments, parts, strict=True)
                ]
                high = self.latex and any(map(tall, form.arguments))
                left, right = (r"\left(", r"\right)") if high else ("(", ")")
                separator = "," if self.latex else ", "
                head = function_symbol(form.function, self.context, self.target)
                return f"{head}{left}{separator.join(texts)}{right}"

    def log(self, form: Call, path: Path) -> str:
        """ln of a name without brackets, of anything else with them."""
        argument = form.arguments[0]
        head = r"\ln" if self.latex else "ln"
        if isinstance(argument, Name | Num) and not scientific(argument):
            return f"{head} {self.form(argument, path)}"
        return head + self.bracketed(argument, path)

    def slope_of(self, form: Call) -> str:
        """f' for one argument, ∂ with the argument's number for several."""
        head = function_symbol(form.function, self.context, self.target)
        if len(form.arguments) == 1:
            return f"{head}'" if self.latex else f"{head}′"
        number = (form.slope or 0) + 1
        return rf"\partial_{number}{head}" if self.latex else f"∂{number}{head}"
