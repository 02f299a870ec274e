"""The pages in Chromium: they show, fold, copy and print, and ask for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

WIDTHS = (1280, 390)
PAGES = ("en", "ko", "index")
Opener = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, folder: Path) -> Iterator[Opener]:
    """Opens a page by name; fails afterwards if it complained or went online."""
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_page(name: str = "en", width: int = 1280, **options: object) -> Page:
        size = {"width": width, "height": 900}
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            reduced_motion="reduce",
            **options,  # type: ignore[arg-type]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith("file:") else wrong.append(asked.url)
            ),
        )
        page.goto((folder / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def opened_details(page: Page) -> int:
    return page.locator("main details[open]").count()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_everything_shows_and_nothing_overflows(
    opened: Opener, name: str, width: int
) -> None:
    page = opened(name, width)
    for unfold in (False, True):
        if unfold and name != "index":
            page.get_by_role("button").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        flat = page.evaluate(
            "Array.from(document.querySelectorAll('math'))"
            ".filter(m => m.checkVisibility() && m.getBoundingClientRect().height <= 0)"
            ".length"
        )
        assert flat == 0
        outside = page.evaluate(
            """width => Array.from(document.querySelectorAll('.page *'))
            .filter(e => e.checkVisibility() && !e.closest('math, .status'))
            .filter(e => e.getBoundingClientRect().right > width + 1)
            .map(e => e.outerHTML.slice(0, 80))""",
            width,
        )
        assert outside == []


def test_math_is_drawn_by_the_browser(opened: Opener) -> None:
    page = opened()
    tall = page.locator("mfrac").first.evaluate(
        "f => f.firstElementChild.getBoundingClientRect().bottom"
        " <= f.lastElementChild.getBoundingClientRect().top + 2"
    )
    assert tall


def test_relations_stand_in_one_column(opened: Opener) -> None:
    edges = opened().evaluate(
        "Array.from(document.querySelectorAll('#w1_1_1 > .lines > .line > .rel'))"
        ".map(e => Math.round(e.getBoundingClientRect().left))"
    )
    assert len(edges) > 1
    assert len(set(edges)) == 1


def test_reason_stands_beside_or_below(opened: Opener) -> None:
    for width, beside in zip(WIDTHS, (True, False), strict=True):
        line = opened("en", width).locator("#w1_1_1 .line").first
        formula = line.locator(".formula").first.bounding_box()
        why = line.locator(".why").first.bounding_box()
        assert formula
        assert why
        assert (why["x"] >= formula["x"] + formula["width"]) is beside
        assert (why["y"] >= formula["y"] + formula["height"] - 2) is not beside


def test_folding_by_click(opened: Opener) -> None:
    page = opened()
    details = page.locator("#w1_1_1 details").first
    details.locator("summary").first.click()
    assert details.get_attribute("open") is not None
    page.get_by_role("button", name="unfold all").click()
    assert opened_details(page) == page.locator("main details").count()
    page.get_by_role("button", name="fold all", exact=True).click()
    assert opened_details(page) == 0


def test_keys(opened: Opener) -> None:
    page = opened()
    first = page.locator("#w2_1_1 > .lines > .line").nth(0)
    second = page.locator("#w2_1_1 > .lines > .line").nth(1)
    first.focus()
    page.keyboard.press("j")
    expect(second).to_be_focused()
    page.keyboard.press("Enter")
    assert second.locator("details").first.get_attribute("open") is not None
    page.keyboard.press("ArrowDown")
    expect(second.locator(".row").first).to_be_focused()
    page.keyboard.press("f")
    expect(second).to_be_focused()
    assert opened_details(page) == 0
    page.keyboard.press("ArrowUp")
    expect(first).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(first).to_be_focused()
    page.keyboard.press("e")
    assert opened_details(page) == page.locator("main details").count()
    page.keyboard.press("Control+f")
    assert opened_details(page) > 0
    page.keyboard.press("f")
    lines = page.locator(".line[tabindex]").count()
    for _ in range(lines):  # j walks what is shown to the end, and stays there
        page.keyboard.press("j")
    assert opened_details(page) == 0
    assert page.evaluate("document.activeElement.checkVisibility()")
    assert page.evaluate("document.activeElement.matches('.line:last-child')")


def test_tab_reaches_lines_folds_and_buttons(opened: Opener) -> None:
    page = opened()
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.localName + '.' +"
                "document.activeElement.className.split(' ')[0]"
            )
        )
    assert {"button.", "a.", "li.line", "summary.", "button.copy"} <= reached
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring == "solid"


def test_a_focused_line_shows_its_changes_more_strongly(opened: Opener) -> None:
    page = opened()
    line = page.locator(".line:has(> .formula .changed) >> visible=true").first
    read = "e => getComputedStyle(e.querySelector('.changed')).backgroundColor"
    before = line.evaluate(read)
    line.evaluate("e => { e.tabIndex = 0; e.focus(); }")
    assert line.evaluate(read) != before
    under = line.evaluate(
        "e => getComputedStyle(e.querySelector('.changed')).borderBottomStyle"
    )
    assert under == "solid"  # not by colour alone


def test_links_open_what_they_point_to(opened: Opener) -> None:
    page = opened()
    page.get_by_role("button", name="unfold all").click()
    link = page.locator("a.see").first
    target = page.locator("#" + (link.get_attribute("href") or "")[1:])
    link.evaluate("e => { for (const d of document.querySelectorAll('main details'))"
                  " if (!d.contains(e)) d.open = false; }")  # fmt: skip
    link.click()
    expect(target).to_be_in_viewport()
    page.evaluate("location.hash = 'w1_1_1'")
    opened_there = page.locator("#w1_1_1 > .lines > .line > details[open]")
    expect(opened_there.first).to_be_visible()


@pytest.mark.parametrize("clipboard", [True, False])
def test_copy_latex(opened: Opener, clipboard: bool) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    if not clipboard:
        page.evaluate(
            "() => { navigator.clipboard.writeText = () => Promise.reject(); }"
        )
    button = page.locator("#w1_1_1 > .copy")
    button.click()
    expect(page.get_by_role("status")).to_have_text("copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith("\\begin{align*}")
    assert text.count("&=") == page.locator("#w1_1_1 > .lines > .line").count()
    assert "\\class" not in text
    assert page.locator("textarea").count() == 0


def contrast(page: Page, selector: str) -> float:
    """The contrast of an element's text with the page."""
    return page.locator(selector).first.evaluate(
        """e => {
          const light = text => {
            const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number)
              .map(c => c / 255)
              .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          const [a, b] = [getComputedStyle(e).color,
            getComputedStyle(document.body).backgroundColor]
            .map(light).sort((x, y) => y - x);
          return (a + 0.05) / (b + 0.05);
        }"""
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_themes_are_readable_and_turn(opened: Opener, scheme: str) -> None:
    page = opened(color_scheme=scheme)
    background = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(background)
    for _ in range(2):
        for selector in (
            "h1",
            "math",
            ".reason",
            ".rules",
            ".tick",
            "summary",
            ".copy",
        ):
            assert contrast(page, selector) >= 4.5
        page.get_by_role("button", name="light or dark").click()
    assert page.evaluate(background) == before
    page.get_by_role("button", name="light or dark").click()
    assert page.evaluate(background) != before


def test_long_formulas_scroll_inside_and_can_be_reached(opened: Opener) -> None:
    page = opened("en", 390)
    cell = page.locator("#w1_1_1 > .lines > .line > .formula").first
    cell.evaluate("e => { e.firstElementChild.style.paddingRight = '60rem'; }")
    page.set_viewport_size({"width": 380, "height": 900})
    expect(cell).to_have_attribute("tabindex", "0")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    cell.evaluate("e => { e.firstElementChild.style.paddingRight = ''; }")
    page.set_viewport_size({"width": 390, "height": 900})
    expect(cell).not_to_have_attribute("tabindex", "0")


def test_prints(opened: Opener, tmp_path: Path) -> None:
    page = opened()
    page.locator("#w1_1_1 details summary").first.click()
    made = page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    assert made.startswith(b"%PDF")
    assert b"/MediaBox [0 0 594.9" in made or b"/MediaBox [0 0 595" in made
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 664, "height": 900})
    assert page.locator("button:visible, nav:visible, .help:visible").count() == 0
    closed = page.locator("main details:not([open]) > summary")
    assert closed.count() > 0
    assert not any(summary.is_visible() for summary in closed.all())
    assert page.locator("#w1_1_1 .row math").first.is_visible()
    assert page.locator("#w2_1_1 .formula math").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 664


def test_on_paper_wide_formulas_shrink(opened: Opener) -> None:
    page = opened()
    cells = page.locator("#w1_1_1 > .lines > .line > .formula")
    cells.first.evaluate(
        "e => { for (let n = 0; n < 2; n += 1)"
        " for (const part of [...e.firstElementChild.children])"
        " e.firstElementChild.append(part.cloneNode(true)); }"
    )
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 664, "height": 900})
    edges = page.evaluate(
        "Array.from(document.querySelectorAll('.formula'))"
        ".filter(e => e.checkVisibility())"
        ".map(e => e.firstElementChild.getBoundingClientRect().right"
        " - e.getBoundingClientRect().right)"
    )
    assert max(edges) <= 2


def test_without_script_all_is_there(opened: Opener) -> None:
    page = opened(java_script_enabled=False)
    assert page.locator("button:visible").count() == 0
    details = page.locator("#w1_1_1 details").first
    details.locator("summary").first.click()
    assert details.locator(".row math").first.is_visible()


@pytest.mark.parametrize("width", [390, 600, 800, 1280])
def test_no_window_prints_a_formula_away(opened: Opener, width: int) -> None:
    """In a narrow window a cell spans the row; its formula must not be shrunk to 0."""
    page = opened()
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    fits = page.evaluate(
        "[...document.querySelectorAll('.formula math')]"
        ".map(m => parseFloat(m.style.getPropertyValue('--fit') || 1))"
    )
    assert len(fits) > 10
    assert all(0.5 <= fit <= 1 for fit in fits)
    page.emulate_media(media="print")
    widths = page.evaluate(
        "[...document.querySelectorAll('.line > .formula > math')]"
        ".filter(m => m.checkVisibility()).map(m => m.getBoundingClientRect().width)"
    )
    assert min(widths) > 3
