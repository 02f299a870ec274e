"""The page: well-formed, harmless whatever it is told, complete without a network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from symbackprop.formula.reader import Vocabulary, read
from symbackprop.formula.tree import Formula, name_of
from symbackprop.graph.build import graph_of
from symbackprop.network import Layer, Network
from symbackprop.notation import NOTATIONS
from symbackprop.ops.table import OPS
from symbackprop.renderers.document import (
    Chain,
    Document,
    Equations,
    Heading,
    Inline,
    Items,
    Line,
    Prose,
    Row,
    Table,
)
from symbackprop.renderers.html import fragment, html
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.webfile import index_page
from symbackprop.strategies.backprop import Backprop

VOID = {"meta"}
HOSTILE = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "\"' onmouseover='alert(1)' x=\"",
    "javascript:alert(1)",
    "<!--",
    "]]>",
    "&lt;b&gt;&amp;",
)


def form(text: str) -> Formula:
    return read(text, Vocabulary(dict.fromkeys(OPS, 1), indices="k"))


def row(text: str, reason: str = "cancel", **more: object) -> Row:
    return replace(Row(form(text), (reason,), "algebra", "proved"), **more)


def line(text: str, *rows: Row, **more: object) -> Line:
    made = Line(form(text), ("chain rule",), ("total",), "by the rule itself")
    return replace(made, rows=rows, **more)


def chain(*lines: Line, anchor: str = "c", **more: object) -> Chain:
    return replace(Chain(anchor, form("D(J, w1_1_1)"), lines), **more)


def document(*blocks: object, language: str = "en", title: str = "A page") -> Document:
    context = Context(depth=2, language=language)
    return Document(title, language, context, tuple(blocks))  # type: ignore[arg-type]


def full(language: str = "en", words: str = "some words") -> Document:
    """Every kind of block, every field in use, one text everywhere."""
    told: Inline = (words, form("x/2"), words)
    inner = chain(line("y1 - o1"), anchor="inner")
    one = row("o1*h1_1", conditions=((form("o1"), " ≠ ", form("0")),), opens=inner)
    lines = (
        line("o1*h1_1*2", one, row("2*o1*h1_1", see="inner"), reason=told),
        line("2*o1*h1_1", changed=((0,),), rules=(words,), evidence=words),
    )
    aside = chain(line("y1/o1"), anchor="aside", note=told)
    made = document(
        Heading(told, 2, "one"),
        Prose(told),
        Equations(((form("x"), form("y1 + y2"), told),), ":="),
        Heading(told, 3, "two"),
        chain(*lines, note=told, aside=(aside,)),
        Heading((words,), 2, "three"),
        Table((told, told), ((told, told),)),
        Items((told, (words,))),
        language=language,
        title=words,
    )
    shared = chain(line("x", reason=told), anchor="shared")
    return replace(made, appendix=(shared,), source=words)


def body_of(page: str) -> ET.Element:
    """The page as XML without what XML cannot hold."""
    page = re.sub(r"(?s)<(script|style)>.*?</\1>", "", page)
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>"))


class Tags(HTMLParser):
    """What a browser would see: tags in balance, attributes, text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        assert len(dict(attrs)) == len(attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("language", ["en", "ko"])
def test_page_is_well_formed_twice_over(language: str) -> None:
    page = html(full(language))
    body_of(page)
    assert f'<html lang="{language}">' in page
    assert sum(tag == "script" for tag, _ in Tags(page).seen) == 1


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_words_stay_words(words: str) -> None:
    page = html(full(words=words))
    harmless = Tags(html(full())).seen
    assert [tag for tag, _ in Tags(page).seen] == [tag for tag, _ in harmless]
    assert [sorted(at) for _, at in Tags(page).seen] == [
        sorted(at) for _, at in harmless
    ]
    assert body_of(page).findtext(".//h1") == words
    for tag, attributes in Tags(page).seen:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "a":
            assert (attributes["href"] or "").startswith("#")


@pytest.mark.parametrize("words", HOSTILE)
def test_hostile_labels_and_anchors(words: str) -> None:
    context = Context(labels={"x": {"en": words}, "y": {"en": words}})
    lines = (line("x*y", row("x*y", see=words), row("y*x", see=words)),)
    page = html(
        replace(
            document(
                Heading((form("x"),), 2, words), chain(*lines, anchor=words + "x")
            ),
            context=context,
        )
    )
    tags = Tags(page).seen
    assert sum(tag == "script" for tag, _ in tags) == 1
    assert all((at["href"] or "").startswith("#") for tag, at in tags if tag == "a")
    body_of(page)


@pytest.mark.parametrize(
    "href",
    ["javascript:alert(1)", "//evil.example/x", "http://evil.example", 'a"b.html'],
)
def test_index_links_stay_in_the_folder(href: str) -> None:
    page = index_page("<b>", "en", [(href, "<i>one", "<u>note")])
    (link,) = body_of(page).iter("a")
    target = link.attrib["href"]
    assert not re.match(r"[a-z]+:|//", target)
    assert link.text == "<i>one"


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = html(full())
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert not re.search(r"url\(|@import|https?://", page)


def test_policy_names_exactly_what_is_inlined() -> None:
    page = html(full())
    policy = next(
        at["content"] for _, at in Tags(page).seen
        if at.get("http-equiv") == "Content-Security-Policy"
    )  # fmt: skip
    assert "default-src 'none'" in (policy or "")
    for kind in ("style", "script"):
        (text,) = re.findall(rf"(?s)<{kind}>(.*?)</{kind}>", page)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in (policy or "")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_formula_has_words(language: str) -> None:
    for math in body_of(html(full(language))).iter("math"):
        assert math.attrib["alttext"]
        assert not set(math.attrib["alttext"]) & set("\\{}$^")


def test_a_step_that_says_no_more_than_its_line_has_no_fold() -> None:
    conditions = ((form("o1"), " ≠ 0"),)
    bare = line("o1", row("o1", conditions=conditions))
    bare = replace(bare, reason=(), rules=(), evidence="")
    page = body_of(html(document(chain(bare))))
    assert not list(page.iter("details"))
    text = "".join(page.itertext())
    assert "cancel" in text
    assert "valid where" in text
    assert page.find(".//*[@class='tick']").attrib["title"] == "checked: proved"


def test_folds() -> None:
    inner = chain(line("x"), anchor="inner")
    two = line("o1", row("y1", opens=inner), row("o1", see="inner"), open=True)
    page = body_of(html(document(chain(line("y1"), two))))
    outer, because = page.iter("details")
    assert "open" in outer.attrib
    assert "open" not in because.attrib
    assert "".join(outer.find("summary").itertext()) == "small steps (2)"
    assert [a.attrib["href"] for a in page.iter("a")] == ["#inner"]


def test_links_to_nowhere_are_left_out() -> None:
    page = html(document(chain(line("o1", row("y1", see="lost"), row("o1")))))
    assert 'href="#lost"' not in page


def test_ids_are_unique() -> None:
    twice = chain(line("x"), anchor="same")
    ids = [at["id"] for _, at in Tags(html(document(twice, twice))).seen if "id" in at]
    assert ids == ["same"]


def test_changed_parts_are_marked_unless_all_is_new() -> None:
    part = html(document(chain(line("x*y", changed=((0,),)))))
    whole = html(
        document(chain(line("x*y", changed=((0,), (1,))), line("x", changed=((),))))
    )
    assert part.count('<mrow class="changed">') == 1
    assert '<mrow class="changed">' not in whole


def test_unchecked_chain_has_no_tick() -> None:
    page = html(document(chain(line("x", row("y"), row("x")), checked=False)))
    assert "✓" not in page


def test_latex_of_a_chain_is_plain() -> None:
    page = html(document(chain(line("x*y", changed=((0,),)), line("y*x"))))
    (latex,) = (at["data-latex"] for _, at in Tags(page).seen if "data-latex" in at)
    assert latex == (
        "\\begin{align*}\n"
        "  \\frac{\\partial J}{\\partial w_{11}^{(1)}} &=xy \\\\\n  &=yx\n"
        "\\end{align*}\n"
    )


def test_same_document_same_bytes() -> None:
    assert html(full()) == html(full())
    assert fragment(full("ko")) == fragment(full("ko"))


def test_fragment_has_neither_script_nor_page() -> None:
    text = fragment(full())
    root = ET.fromstring(re.sub(r"(?s)<style>.*?</style>", "", text))
    assert root.attrib["class"] == "symbackprop"
    assert not re.search(r"<script|<button|<html|tabindex|\bbody \{|:root", text)


def test_korean_words() -> None:
    text = "".join(body_of(html(full("ko", "낱말"))).itertext())
    for word in (
        "모두 펼치기",
        "세부 단계 (2)",
        "조건",
        "여기서",
        "LaTeX 복사",
        "단축키",
    ):
        assert word in text


def test_real_derivations_in_every_notation() -> None:
    network = Network(
        2, (Layer(2, "sigmoid"), Layer(2, "identity")), "half_squared_error"
    )
    backprop = Backprop(graph_of(network))
    blocks = []
    for weight in ("w2_1_1", "w1_1_1", "b1_1"):
        derivation = backprop.derive(name_of(weight))
        lines = tuple(map(Line, derivation.printed[1:]))
        blocks.append(Chain(weight, derivation.goal, lines))
    for notation in NOTATIONS.values():
        page = html(replace(document(*blocks), context=Context(notation, depth=2)))
        assert len(page) < 60_000
        body_of(page)


SAID = {
    "D(J, w1_1_1)": (
        "partial J over partial w 1 1 layer 1",
        "J의 w 1 1 1층에 대한 편미분",
    ),
    "1/2*(y1 - o1)**2": (
        "one half times open bracket y 1 minus o 1 close bracket squared",
        "2분의 1 곱하기 괄호 열고 y 1 빼기 o 1 괄호 닫고 제곱",
    ),
    "x/y": ("x over y", "y 분의 x"),
    "1/(1 + exp(-x))": (
        "open fraction 1 over 1 plus e to the power minus x end fraction",
        "분수 시작 분자 1 분모 1 더하기 e의 마이너스 x 제곱 분수 끝",
    ),
    "-Sum(y[k]*log(o[k]), k, 1, 2)*x": (
        "minus sum over k from 1 to 2 of y k times natural log of o k end sum times x",
        "마이너스 시그마 k 1부터 2까지 y k 곱하기 자연로그 o k 시그마 끝 곱하기 x",
    ),
    "sqrt(2*pi)*sigmoid(x)": (
        "square root of 2 times pi end root times sigmoid of x",
        "루트 2 곱하기 파이 루트 끝 곱하기 시그모이드 x",
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_spoken(text: str) -> None:
    for language, words in zip(("en", "ko"), SAID[text], strict=True):
        assert spoken(form(text), Context(depth=2, language=language)) == words


def test_spoken_follows_the_notation() -> None:
    error = form("D(J, z1_2)")
    nielsen = Context(NOTATIONS["nielsen"], depth=2)
    assert spoken(error, nielsen) == "delta 2 layer 2"
    assert (
        spoken(error, Context(NOTATIONS["strict"], depth=2)) == "d J over d z 2 layer 1"
    )
