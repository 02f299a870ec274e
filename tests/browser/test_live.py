"""The live page in Chromium: what it computes, and how it is moved and played."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from symbackprop import compiled, derive, load_example, render
from symbackprop.examples import read_example
from symbackprop.formula.tree import Call, Derivative, name_of
from symbackprop.graph.build import graph_of
from symbackprop.rendered import pictured
from symbackprop.renderers import html as html_module
from symbackprop.renderers.narrate import narrated

Opener = Callable[..., Page]

HOSTILE = """
title.en = "</title></style></script><script>alert(1)</script> ]]> <!--"
source = "<img src=x onerror=alert(1)> javascript:alert(1)"
[formulas]
y = "w*x + b"
[values]
w = "0.5"
x = "-2"
b = "0.25"
[update]
learning_rate = "1"
[notation.labels]
w = { en = "</span></svg></template><script>alert(1)</script>" }
x = { en = '"></text><img src=x onerror=alert(1)> ]]> <!--' }
b = { en = "' onmouseover='alert(1)" }
[derive]
wrt = ["w"]
"""


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Opens a page; fails afterwards if it complained or went online."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(text: str, width: int = 1280, **options: object) -> Page:
        file = tmp_path / f"{len(contexts)}.html"
        file.write_text(text, "utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            **{"reduced_motion": "reduce", **options},  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith("file:") else wrong.append(asked.url)
            ),
        )
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def page_of(name: str, **options: str) -> str:
    """The page of a shipped example."""
    return render(derive(name, **options), "html")


def moved(page: Page, seed: int) -> dict[int, float]:
    """Every value moved by its own slider or field; the values by place."""
    draw = random.Random(seed)
    places: dict[int, float] = {}
    for place, low, high in page.eval_on_selector_all(
        "input[type=range]", "all => all.map(e => [+e.dataset.k, +e.min, +e.max])"
    ):
        value = round(draw.uniform(low, high) * 0.9 + 0.05 * (low + high), 4)
        places[place] = value
        page.eval_on_selector(
            f"input[type=number][data-k='{place}']",
            "(e, value) => { e.value = value;"
            " e.dispatchEvent(new Event('input', { bubbles: true })); }",
            str(value),
        )
    return places


def read(page: Page) -> dict[str, float]:
    """What the page shows, in full: v:id, d:id, loss, line:id, new:id."""
    found: dict[str, str] = page.evaluate(
        """() => {
          const found = {};
          const number = (from, selector) => from.querySelector(selector);
          const put = (key, element) => {
            if (element) found[key] = element.dataset.value;
          };
          for (const group of document.querySelectorAll('.drawing-1 g[data-id]')) {
            const id = group.dataset.id;
            put('v:' + id, number(group, '.sbp-value .sbp-number'));
            put('d:' + id, number(group, '.sbp-gradient .sbp-number'));
          }
          put('loss', number(document, '.total [data-value]'));
          for (const chain of document.querySelectorAll('.chain[id^=d-]')) {
            const worth = number(chain, ':scope > .lines > .worth');
            put('line:' + chain.id.slice(2), worth);
          }
          const rows = '#update ~ .equations [data-value]';
          [...document.querySelectorAll(rows)].forEach((e, n) => put('new:' + n, e));
          return found;
        }"""
    )
    return {key: float(text) for key, text in found.items() if text is not None}


def disagreements(page: Page, name: str, values: dict[int, float]) -> list[str]:
    """Which numbers of a page differ from the NumPy function by more than 1e-12."""
    graph = graph_of(load_example(name))
    leaves = [node.id for node in graph.nodes if node.body is None]
    function = compiled(derive(graph, leaves))
    order = dict(zip(function.arguments, sorted(values), strict=False))
    given = {id_: values[place] for id_, place in order.items()}
    loss, *slopes = map(float, function.raw(*given.values()))
    gradient = dict(zip(function.parameters, slopes, strict=True))
    shown = read(page)
    expected = {"loss": loss, **{f"v:{id_}": x for id_, x in given.items()}}
    expected |= {f"d:{id_}": slope for id_, slope in gradient.items()}
    parameters = [n.id for n in derive(name).checked if n.id in gradient]
    expected |= {f"line:{id_}": gradient[id_] for id_ in parameters}
    if len(values) > len(given):
        rate = values[max(values)]
        expected |= {
            f"new:{place}": given[id_] - rate * gradient[id_]
            for place, id_ in enumerate(parameters)
        }
    missing = [key for key in expected if key not in shown]
    drawn = [key for key in missing if key[:2] not in ("v:", "d:")]
    assert not drawn, f"not on the page: {drawn}"
    assert sum(key[:2] == "d:" for key in shown) >= len(gradient) / 2
    return [
        key
        for key, value in expected.items()
        if key in shown and abs(shown[key] - value) > 1e-12 * max(1.0, abs(value))
    ]


@pytest.mark.parametrize(
    "name",
    [
        "single-neuron-mse",
        "mlp-2-2-2-mse",
        "mlp-2-2-2-cross-entropy-biases",
        "mlp-2-3-1-forward",
        "fruit-tax",
        "published-softmax-3-2-2",
    ],
)
def test_the_numbers_are_those_of_numpy(opened: Opener, name: str) -> None:
    page = opened(page_of(name))
    for seed in (1, 2):
        values = moved(page, seed)
        assert disagreements(page, name, values) == [], f"seed {seed}"


def test_a_wrong_statement_is_noticed(opened: Opener) -> None:
    name = "mlp-2-2-2-mse"
    derivations = derive(name)
    story = pictured(derivations, "html")
    assert story.live is not None
    loss, weight = name_of("J"), name_of("w1_1_1")
    for form in (loss, Derivative("D", loss, weight), Call("new", (weight,))):
        left = f"v[{story.live.places[form]}]="
        assert story.live.script.count(f"\n{left}") == 1
        wrong = story.live.script.replace(f"\n{left}", f"\n{left}1e-9+")
        live = replace(story.live, script=wrong)
        page = opened(html_module.html(narrated(replace(story, live=live))))
        assert disagreements(page, name, moved(page, 1)), left


def test_pointing_tells_slope_gradient_and_line(opened: Opener) -> None:
    page = opened(page_of("single-neuron-mse"))
    card = page.locator(".card")
    expect(card).to_contain_text("Move a value")
    page.locator(".drawing-1 g[data-id=o1] .sbp-node").hover()
    # o = σ(1.5); by hand: ∂J/∂o = -2(0 - o), ∂J/∂z = ∂J/∂o · o(1 - o)
    shown = card.locator("[data-value]").evaluate_all(
        "all => all.map(e => +e.dataset.value)"
    )
    assert shown == pytest.approx([0.8175744761936437, 1.6351489523872873, -1])
    expect(page.locator("#v-o1")).to_have_class(re.compile(r"\blit\b"))
    page.locator(".drawing-1 g[data-id=w1_1_1] .sbp-node").hover()
    slopes = card.locator("dd").all_inner_texts()
    assert len(slopes) == 3
    link = card.get_by_role("link")
    assert link.get_attribute("href") == "#d-w1_1_1"
    expect(page.locator("#d-w1_1_1")).to_have_class(re.compile(r"\blit\b"))
    expect(page.locator("#v-o1")).not_to_have_class(re.compile(r"\blit\b"))
    link.click()
    expect(page.locator("#d-w1_1_1")).to_be_in_viewport()


def test_the_keyboard_goes_through_the_picture(opened: Opener) -> None:
    page = opened(page_of("single-neuron-mse"))
    stops = page.locator(".drawing-1 g[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    seen = set()
    for _ in range(15):
        seen.add(page.evaluate("document.activeElement.dataset.id"))
        assert page.evaluate("document.activeElement.getAttribute('aria-label')")
        page.keyboard.press("ArrowRight")
    assert {"w1_1_1", "z1_1", "o1", "J"} <= seen
    assert page.locator(".drawing-1 g[tabindex='0']").count() == 1
    expect(page.locator(".card dd").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".card")).to_contain_text("Move a value")


def test_a_click_holds_what_is_seen(opened: Opener) -> None:
    page = opened(page_of("single-neuron-mse"))
    page.locator(".drawing-1 g[data-id=o1] .sbp-node").click()
    before = page.locator(".card").inner_text()
    page.locator(".drawing-1 g[data-id=y1] .sbp-node").hover()
    assert page.locator(".card").inner_text() == before


@pytest.mark.parametrize("start", ["click", "key", "button"])
def test_it_plays_forward_then_back(opened: Opener, start: str) -> None:
    page = opened(page_of("single-neuron-mse"))
    act = {
        "click": lambda: page.locator(".drawing-1 svg").click(
            position={"x": 5, "y": 5}
        ),
        "key": lambda: page.keyboard.press("p"),
        "button": lambda: page.locator("[data-live=play]").click(),
    }[start]
    told: list[tuple[int, int]] = []
    opacity = "e => getComputedStyle(e).opacity"
    back = page.locator(".drawing-1 g[data-id=w1_1_1] > .sbp-gradient")
    act()
    assert float(back.evaluate(opacity)) < 0.2
    while page.locator(".playing").count():
        told.append(
            (
                page.locator(".drawing-1 .valued").count(),
                page.locator(".drawing-1 .sloped").count(),
            )
        )
        assert len(told) < 60
        act()
    groups = page.locator(".drawing-1 g[data-id]:not([data-id=''])").count()
    # Reduced motion: nothing moves by itself, each press is one value.
    assert [b for _, b in told] == sorted(b for _, b in told)
    assert told[-1] == (groups, groups)
    first_back = next(n for n, (_, b) in enumerate(told) if b)
    assert told[first_back][0] == groups, "all values before the first gradient"
    assert float(back.evaluate(opacity)) == 1


def test_with_motion_it_plays_by_itself_and_stops(opened: Opener) -> None:
    page = opened(page_of("wx-plus-b"), reduced_motion="no-preference")
    page.locator("[data-live=play]").click()
    expect(page.locator(".valued").nth(4)).to_be_attached()
    page.keyboard.press("p")
    assert page.locator(".playing").count() == 0


def test_numbers_are_marked_exact_or_rounded(opened: Opener) -> None:
    page = opened(page_of("single-neuron-mse"))

    def shown(row: str) -> str:
        text = re.sub(r"\s+", " ", page.locator(f"{row} .value").inner_text())
        return text.strip().replace("− ", "−")

    assert shown("#v-z1_1") == "= 1.5"
    assert shown("#v-o1") == "≈ 0.81757448"
    field = page.locator("input[type=number]").first
    field.fill("2.123456789")
    assert shown("#v-z1_1") == "≈ 1.5617284"
    field.fill("-4")
    assert shown("#v-z1_1") == "= −1.5"
    drawn = page.locator(".drawing-1 g[data-id=z1_1] .sbp-value .sbp-number")
    assert drawn.text_content() == "−1.5"
    page.locator("[data-live=reset]").click()
    assert shown("#v-z1_1") == "= 1.5"
    assert field.input_value() == "2"
    assert drawn.text_content() == "1.5"


def test_a_step_downhill_lowers_the_loss(opened: Opener) -> None:
    page = opened(page_of("mlp-2-2-2-mse"))
    total = page.locator(".total [data-value]")
    losses = [float(total.get_attribute("data-value") or "nan")]
    for _ in range(3):
        page.locator("[data-live=step]").click()
        losses.append(float(total.get_attribute("data-value") or "nan"))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.5 * losses[0]
    target = page.get_by_label("Targets").locator("input[type=number]").first
    weight = page.get_by_label("Weights").locator("input[type=number]").first
    assert target.input_value() == "1"
    assert weight.input_value() != "0.4"
    row = page.locator("g[data-id=w1_1_1] .sbp-value .sbp-number").first
    shown = float(row.get_attribute("data-value") or "nan")
    assert float(weight.input_value()) == pytest.approx(shown, rel=1e-4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_overflows(opened: Opener, scheme: str) -> None:
    page = opened(page_of("mlp-2-2-2-mse", lang="ko"), 390, color_scheme=scheme)
    page.locator("input[value='2']").check()
    page.locator(".drawing-2 g[data-id=w1_1_1] .sbp-forward").first.hover(force=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    outside = page.evaluate(
        "[...document.querySelectorAll('.live *')].filter(e => e.checkVisibility())"
        ".filter(e => !e.closest('dd') && e.getBoundingClientRect().right > 391).length"
    )
    assert outside == 0
    slider = page.locator("input[type=range]").first.bounding_box()
    assert slider
    assert slider["width"] > 120


def test_without_script_the_page_is_whole_and_still(opened: Opener) -> None:
    page = opened(page_of("single-neuron-mse"), java_script_enabled=False)
    assert page.locator(".live").is_hidden()
    assert page.locator(".drawing-1 svg").is_visible()
    assert page.locator(".drawing-2 svg").is_hidden()
    page.locator("input[value='2']").check()
    assert page.locator(".drawing-2 svg").is_visible()
    assert "0.81757448" in page.locator("#v-o1").inner_text()


def test_on_paper_there_is_the_picture_without_its_controls(opened: Opener) -> None:
    page = opened(page_of("mlp-2-2-2-mse"))
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 664, "height": 900})
    assert page.locator(".live, .views").evaluate_all(
        "all => all.every(e => !e.checkVisibility())"
    )
    box = page.locator(".drawing-1 svg").bounding_box()
    assert box
    assert box["x"] + box["width"] <= 664


def test_what_is_written_once_is_written_out_again(
    opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page with its repetitions and the page that writes them out are one."""
    derivations = derive("mlp-2-2-2-cross-entropy-biases")
    lean = render(derivations, "html")
    monkeypatch.setattr(html_module, "steps_once", lambda page, _: page)
    monkeypatch.setattr(html_module, "chains_once", lambda entries, _: entries)
    whole = render(derivations, "html")
    assert len(lean) < len(whole) - 60_000
    tidy = (
        "() => { for (const e of document.querySelectorAll('[id^=steps-]'))"
        " e.removeAttribute('id');"
        " return [...document.querySelectorAll('main > :not(figure)')]"
        ".map(e => e.outerHTML.replace(/\\s+/g, ' ').replace(/> </g, '><')); }"
    )
    one, other = (opened(text).evaluate(tidy) for text in (lean, whole))
    assert len(one) == len(other) > 20
    for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
        assert mine == theirs, place


def test_hostile_words_stay_words(opened: Opener) -> None:
    text = render(derive(read_example(HOSTILE, name="hostile")), "html")
    assert text.count("<script") == 2  # the data and the script of the page itself
    assert text.count("</script") == 2
    page = opened(text)
    assert page.locator("img").count() == 0
    page.locator("g[data-id=w] .sbp-node").hover()
    expect(page.locator(".card")).to_contain_text("script alert(1) /script")
    label = page.locator("g[data-id=b]").get_attribute("aria-label")
    assert "' onmouseover='alert(1)" in (label or "")
    assert page.locator("[onmouseover], [onerror]").count() == 0
    field = page.locator("input[type=number]").first
    field.fill("3")
    assert page.locator(".total [data-value]").get_attribute("data-value") == "-5.75"
