"""Formulas in words, as a screen reader says them; brackets only where ears need them.

Whether a derivative is said with ∂, d or δ is the typesetter's decision, not made here.
"""

from collections.abc import Mapping

from symbackprop.formula.tree import (
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
    Power,
    Product,
    Sigma,
    Sum,
    name_of,
)
from symbackprop.ops.table import OPS
from symbackprop.renderers.lettering import Context, lettered
from symbackprop.renderers.typeset import Typesetter

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "plus": "{0} plus {1}",
        "minus": "{0} minus {1}",
        "negative": "minus {0}",
        "times": "{0} times {1}",
        "bracket": "open bracket {0} close bracket",
        "over": "{0} over {1}",
        "fraction": "open fraction {0} over {1} end fraction",
        "half": "one half",
        "squared": "{0} squared",
        "power": "{0} to the power {1}",
        "power_long": "{0} to the power {1} end power",
        "partial": "partial {0} over partial {1}",
        "total": "d {0} over d {1}",
        "partial_of": "partial over partial {1} of {0}",
        "total_of": "d over d {1} of {0}",
        "sum": "sum over {0} from {1} to {2} of {3}",
        "sum_long": "sum over {0} from {1} to {2} of {3} end sum",
        "delta": "Kronecker delta {0} {1}",
        "sqrt": "square root of {0}",
        "sqrt_long": "square root of {0} end root",
        "abs": "absolute value of {0}",
        "abs_long": "absolute value of {0} end absolute value",
        "log": "natural log of {0}",
        "step": "indicator that {0} is greater than 0",
        "new": "new {0}",
        "Max": "maximum of {0}",
        "erf": "error function",
        "of": "{0} of {1}",
        "and": "{0} and {1}",
        "prime": "{0} prime",
        "slot": "derivative of {0} by argument {1}",
        "ten": "{0} times 10 to the power {1}",
        "shift_up": "{0} plus {1}",
        "shift_down": "{0} minus {1}",
        "pi": "pi",
    },
    "ko": {
        "plus": "{0} 더하기 {1}",
        "minus": "{0} 빼기 {1}",
        "negative": "마이너스 {0}",
        "times": "{0} 곱하기 {1}",
        "bracket": "괄호 열고 {0} 괄호 닫고",
        "over": "{1} 분의 {0}",
        "fraction": "분수 시작 분자 {0} 분모 {1} 분수 끝",
        "half": "2분의 1",
        "squared": "{0} 제곱",
        "power": "{0}의 {1} 제곱",
        "power_long": "{0}의 지수 {1} 지수 끝",
        "partial": "{0}의 {1}에 대한 편미분",
        "total": "{0}의 {1}에 대한 미분",
        "partial_of": "{1}에 대한 편미분, 대상 {0}",
        "total_of": "{1}에 대한 미분, 대상 {0}",
        "sum": "시그마 {0} {1}부터 {2}까지 {3}",
        "sum_long": "시그마 {0} {1}부터 {2}까지 {3} 시그마 끝",
        "delta": "크로네커 델타 {0} {1}",
        "sqrt": "루트 {0}",
        "sqrt_long": "루트 {0} 루트 끝",
        "abs": "절댓값 {0}",
        "abs_long": "절댓값 {0} 절댓값 끝",
        "log": "자연로그 {0}",
        "step": "조건 {0} 초과 0 의 지시함수",
        "new": "갱신된 {0}",
        "Max": "최댓값 {0}",
        "erf": "오차함수",
        "of": "{0} {1}",
        "and": "{0}, {1}",
        "prime": "{0} 프라임",
        "slot": "{0}의 {1}번째 인수에 대한 미분",
        "ten": "{0} 곱하기 10의 {1} 제곱",
        "shift_up": "{0} 더하기 {1}",
        "shift_down": "{0} 빼기 {1}",
        "pi": "파이",
    },
}
_ATOMS = (Num, Name)


def spoken(form: Formula, context: Context) -> str:
    """The form as it is read aloud in the context's language."""
    return _Voice(context).form(form)


class _Voice:
    """One context's way to say formulas."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.words = _WORDS.get(context.language, _WORDS["en"])
        self.sign_of = Typesetter(context, "text")

    def say(self, key: str, *parts: str) -> str:
        """One row of the table with its slots filled."""
        return self.words[key].format(*parts)

    def form(self, form: Formula, *, outer: bool = True) -> str:
        """A form by its kind; `outer` where nothing is said after it."""
        match form:
            case Num(digits):
                return self.number(digits)
            case Name():
                return lettered(form, self.context, "words")
            case Sum(terms):
                return self.sum(terms, outer=outer)
            case Product(factors):
                last = len(factors) - 1
                text = self.factor(factors[0], outer=False)
                for place, factor in enumerate(factors[1:], 1):
                    closing = self.factor(factor, outer=outer and place == last)
                    text = self.say("times", text, closing)
                return text
            case Minus(body):
                return self.say("negative", self.factor(body, outer=outer))
            case Fraction():
                return self.fraction(form)
            case Power(base, exponent):
                return self.power(base, exponent)
            case Derivative():
                return self.derivative(form)
            case Sigma():
                return self.sigma(form, outer=outer)
            case Call():
                return self.call(form)
            case Delta(left, right):
                return self.say("delta", self.index(left), self.index(right))
            case _:
                raise TypeError(type(form).__name__)

    def number(self, digits: str) -> str:
        """A number; an exponent as a power of ten."""
        mantissa, _, exponent = digits.lower().partition("e")
        if not exponent:
            return digits
        power = int(exponent)
        size = str(abs(power))
        return self.say(
            "ten", mantissa, self.say("negative", size) if power < 0 else size
        )

    def index(self, index: Index) -> str:
        """An index."""
        if not isinstance(index, Idx):
            return str(index)
        if not index.shift:
            return index.name
        key = "shift_up" if index.shift > 0 else "shift_down"
        return self.say(key, index.name, str(abs(index.shift)))

    def sum(self, terms: tuple[Formula, ...], *, outer: bool) -> str:
        """Terms with their signs."""
        text = self.form(terms[0], outer=False)
        last = len(terms) - 1
        for place, term in enumerate(terms[1:], 1):
            key, body = ("minus", term.body) if isinstance(term, Minus) else (
                "plus", term
            )  # fmt: skip
            text = self.say(key, text, self.factor(body, outer=outer and place == last))
        return text

    def factor(self, form: Formula, *, outer: bool) -> str:
        """A form, in brackets if it is a sum or has a sign."""
        if isinstance(form, Sum | Minus):
            return self.say("bracket", self.form(form))
        return self.form(form, outer=outer)

    def atom(self, form: Formula, also: tuple[type[Formula], ...] = ()) -> str:
        """A form, in brackets unless it is a single thing or says its own end."""
        plain = (*_ATOMS, Call, Derivative, *also)
        closed = isinstance(form, Fraction) and not _short(form)
        text = self.form(form)
        alone = closed or isinstance(form, plain)
        return text if alone else self.say("bracket", text)

    def fraction(self, form: Fraction) -> str:
        """A fraction; its ends are said where its parts are not single names."""
        if (form.top, form.bottom) == (Num("1"), Num("2")):
            return self.words["half"]
        key = "over" if _short(form) else "fraction"
        return self.say(key, self.form(form.top), self.form(form.bottom))

    def power(self, base: Formula, exponent: Formula) -> str:
        """A power."""
        below = self.atom(base)
        if exponent == Num("2"):
            return self.say("squared", below)
        return self.raised(below, exponent)

    def raised(self, below: str, exponent: Formula) -> str:
        """Something to a power; the power's end is said unless it is a single name."""
        single = exponent.body if isinstance(exponent, Minus) else exponent
        key = "power" if isinstance(single, _ATOMS) else "power_long"
        return self.say(key, below, self.form(exponent))

    def derivative(self, form: Derivative) -> str:
        """∂J by ∂w, d by dx of a form, or the error term's own letter."""
        sign = self.sign_of(form)[:1]
        if sign == "δ":
            return lettered(Name("delta", form.by.indices), self.context, "words")
        key = "partial" if sign == "∂" else "total"
        by = lettered(form.by, self.context, "words")
        if isinstance(form.of, Name):
            return self.say(key, self.form(form.of), by)
        return self.say(f"{key}_of", self.atom(form.of, also=(Power,)), by)

    def sigma(self, form: Sigma, *, outer: bool) -> str:
        """Σ with its range; its end is said where more follows."""
        key = "sum" if outer or isinstance(form.body, _ATOMS) else "sum_long"
        start, stop = self.form(form.start), self.form(form.stop)
        return self.say(
            key, form.index, start, stop, self.factor(form.body, outer=outer)
        )

    def call(self, form: Call) -> str:
        """A function's value in the words that its name calls for."""
        if form.slope is not None:
            head = self.head(form)
            if len(form.arguments) == 1:
                return self.say("prime", head)
            return self.say("slot", head, str(form.slope + 1))
        name, arguments = form.function, form.arguments
        match name:
            case "pi":
                return self.words["pi"]
            case "exp":
                return self.raised("e", arguments[0])
            case "sqrt" | "abs":
                key = name if isinstance(arguments[0], _ATOMS) else f"{name}_long"
                return self.say(key, self.form(arguments[0]))
            case "log" | "step" | "new":
                return self.say(name, self.atom(arguments[0]))
            case _:
                parts = [self.atom(argument) for argument in arguments]
                text = parts[0] if parts else ""
                for part in parts[1:]:
                    text = self.say("and", text, part)
                if name == "Max":
                    return self.say("Max", text)
                return (
                    self.say("of", self.head(form), text) if text else self.head(form)
                )

    def head(self, form: Call) -> str:
        """A function's own name."""
        if form.function in OPS:
            if self.context.language == "en":
                return form.function.replace("_", " ")
            gloss = OPS[form.function].gloss
            return gloss.get(self.context.language, gloss["en"])
        if form.function in self.words:
            return self.words[form.function]
        return lettered(name_of(form.function), self.context, "words")


def _short(form: Fraction) -> bool:
    """Whether both parts of a fraction are single names or numbers."""
    return isinstance(form.top, _ATOMS) and isinstance(form.bottom, _ATOMS)
