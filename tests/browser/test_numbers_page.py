"""Worked numbers in Chromium: results in sight at every width, nothing overflows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from symbackprop import derive, render
from symbackprop.worked import numbers


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("kind", ["numbers", "exact", "derive"])
def test_results_are_in_sight(
    browser: Browser, tmp_path: Path, kind: str, width: int
) -> None:
    name = "mlp-2-3-1-forward"
    page_text = (
        render(derive(name), "html")
        if kind == "derive"
        else numbers(name, exact=kind == "exact", lang="ko").render("html")
    )
    (tmp_path / "page.html").write_text(page_text, "utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((tmp_path / "page.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    shown = ".worth .formula, .value" if kind == "derive" else ".result"
    boxes = page.locator(shown).evaluate_all(
        "found => found.filter(e => e.checkVisibility()).map(e => {"
        " const b = e.getBoundingClientRect();"
        " return [b.left, b.right, b.height, e.scrollWidth - e.clientWidth]; })"
    )
    assert len(boxes) >= (18 if kind == "derive" else 25)
    for left, right, height, hidden in boxes:
        assert 0 <= left < right <= width
        assert height > 0
        assert hidden <= 1
    assert not wrong
    context.close()


def test_a_long_product_wraps_where_there_is_no_room(
    browser: Browser, tmp_path: Path
) -> None:
    page_text = numbers("mlp-2-3-1-forward").render("html")
    (tmp_path / "page.html").write_text(page_text, "utf-8")
    heights: dict[int, float] = {}
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 900})
        page = context.new_page()
        page.goto((tmp_path / "page.html").as_uri())
        longest = page.locator(".pieces").last
        heights[width] = longest.evaluate("e => e.getBoundingClientRect().height")
        hidden = page.locator(".pieces .formula").evaluate_all(
            "found => Math.max(...found.map(e => e.scrollWidth - e.clientWidth))"
        )
        assert hidden <= 1
        context.close()
    assert heights[390] > 1.5 * heights[1280]
