"""Formulas in letters: metrics against the font itself, places against what is read."""

import json
from importlib.resources import files

import pytest

from symbackprop.drawing.font import covered, foreign_width, glyphs, italic
from symbackprop.drawing.setting import Setting, set_latex, set_text

FORMULAS = [
    "w_{11}^{(1)}",
    r"\frac{\partial J}{\partial w_{11}^{(1)}}",
    r"z_1^{(2)}=-0.0123",
    r"\frac{1}{2}\left(y_1-o_1\right)^2",
    r"\hat{y}",
    r"\sqrt{x+1}",
    r"-y_1\ln o_1",
    r"1.2\cdot 10^{-5}",
    r"\operatorname{ReLU}(x)",
    r"a_3'",
    r"\text{apple price}",
]


def placed(setting: Setting, letter: str):
    """The first mark of a letter."""
    return next(mark for mark in setting.marks if mark.text == letter)


def ink(setting: Setting):
    """The box of the marks, from the table."""
    xs, ys = [], []
    for mark in setting.marks:
        if mark.kind != "glyph":
            continue
        glyph = glyphs()[mark.text]
        if glyph.outline:
            xs += [mark.x + glyph.left * mark.size, mark.x + glyph.right * mark.size]
            ys += [
                mark.y + end * mark.size * mark.stretch
                for end in (glyph.bottom, glyph.top)
            ]
    return min(xs), min(ys), max(xs), max(ys)


@pytest.mark.parametrize("latex", FORMULAS)
def test_the_ink_stays_in_its_box(latex):
    setting = set_latex(latex)
    left, bottom, right, top = ink(setting)
    assert left >= -0.06
    assert right <= setting.width + 0.02
    assert -setting.descent - 0.01 <= bottom
    assert top <= setting.ascent + 0.01


def test_an_index_stands_below_and_a_layer_above():
    setting = set_latex("h_{2}^{(1)}")
    base, index, layer = (placed(setting, letter) for letter in ("ℎ", "2", "1"))
    assert index.y < base.y < layer.y
    assert index.size < base.size > layer.size
    assert index.x >= base.x + 0.9 * base.width


def test_scripts_above_and_below_do_not_meet():
    setting = set_latex("h_{2}^{(1)}")
    index, layer = placed(setting, "2"), placed(setting, "(")
    top = index.y + glyphs()["2"].top * index.size
    bottom = layer.y + glyphs()["("].bottom * layer.size
    assert bottom > top


def test_a_fraction_has_its_bar_between():
    setting = set_latex(r"\frac{a}{b}")
    rule = next(mark for mark in setting.marks if mark.kind == "rule")
    above, below = placed(setting, "𝑎"), placed(setting, "𝑏")
    assert above.y + glyphs()["𝑎"].bottom * above.size > rule.y + rule.size
    assert below.y + glyphs()["𝑏"].top * below.size < rule.y
    assert rule.width >= max(above.width, below.width)


def test_a_root_covers_what_stands_under_it():
    setting = set_latex(r"\sqrt{x+1}")
    rule = next(mark for mark in setting.marks if mark.kind == "rule")
    last = placed(setting, "1")
    assert rule.x <= placed(setting, "𝑥").x
    assert rule.x + rule.width >= last.x + last.width
    assert rule.y > last.y + glyphs()["1"].top * last.size


def test_letters_are_slanted_and_words_upright():
    assert [mark.text for mark in set_latex("xh").marks] == ["𝑥", "ℎ"]
    assert [mark.text for mark in set_latex(r"\tanh").marks] == list("tanh")
    assert italic("σ") == "𝜎"
    assert italic("∂") == "𝜕"
    assert italic("7") == "7"


def test_signs_between_things_have_space_and_signs_before_have_none():
    plus, minus = set_latex("a-b"), set_latex("-b")
    assert plus.width > set_latex("a").width + minus.width + 0.2
    assert set_latex("a=-b").width > set_latex("a").width + minus.width + 0.4


def test_brackets_grow_with_what_they_hold():
    flat, tall = set_latex(r"\left(x\right)"), set_latex(r"\left(\frac{x}{y}\right)")
    assert placed(flat, "(").stretch == 1
    assert placed(tall, "(").stretch > 1.3
    assert tall.ascent >= set_latex(r"\frac{x}{y}").ascent - 0.05


def test_hangul_is_text_with_a_measured_width():
    setting = set_latex(r"\text{사과 가격}")
    (mark,) = setting.marks
    assert mark.kind == "text"
    assert mark.text == "사과 가격"
    assert setting.width == mark.width == pytest.approx(foreign_width("사과 가격"))
    assert 4 * 0.85 < setting.width < 5.2


@pytest.mark.parametrize(
    "text", ["a\x00b", "\u202eabc", "a\ud800b", "\x1b[31m", "<script>"]
)
def test_no_unprintable_character_gets_through(text):
    setting = set_text(text)
    assert all(mark.text.isprintable() for mark in setting.marks)


@pytest.mark.parametrize("latex", [r"\evil{x}", "x_", "\\", r"\class{a}{", "\x07"])
def test_what_cannot_be_read_stands_as_it_is(latex):
    setting = set_latex(latex)
    assert setting.width > 0
    assert setting.marks


def test_the_table_is_complete_and_says_whose_it_is():
    row = json.loads(
        files("symbackprop.drawing").joinpath("glyphs.json").read_text("utf-8")
    )
    licence = files("symbackprop.drawing").joinpath("OFL.txt").read_text("utf-8")
    assert "STIX" in row["copyright"]
    assert row["copyright"].split(" (")[0] in licence
    assert "SIL OPEN FONT LICENSE" in licence
    needed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert covered(needed + "0123456789()[]{}+−=×⋅/.,|≈≤≥≠′ˆ¯√∑∏Σ∞")
    assert covered("".join(map(italic, needed + "αβγδεζηθικλμνξοπρστυφχψω∂")))


def test_the_table_is_the_font():
    """Advances and extents against the font file that another package ships."""
    ziamath = pytest.importorskip("ziamath")
    ttf = pytest.importorskip("fontTools.ttLib")
    path = files(ziamath).joinpath("fonts").joinpath("STIXTwoMath-Regular.ttf")
    font = ttf.TTFont(str(path))
    letters, names = font["glyf"], font.getBestCmap()
    for character, glyph in glyphs().items():
        name = names[ord(character)]
        assert glyph.advance * 1000 == pytest.approx(font["hmtx"][name][0])
        outline = letters[name]
        if outline.numberOfContours:
            box = (outline.xMin, outline.yMin, outline.xMax, outline.yMax)
            own = (glyph.left, glyph.bottom, glyph.right, glyph.top)
            assert [1000 * n for n in own] == pytest.approx(box, abs=6)
