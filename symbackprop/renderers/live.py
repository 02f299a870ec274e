"""A figure in a web page, and what makes it alive: controls, data, the script.

Names, labels and ids reach the script as data alone; its statements hold indices and
numbers, so nothing that a file supplies is ever part of a program.
"""

import json
import re
from collections.abc import Callable, Mapping
from html import escape

from symbackprop.formula.tree import Formula, Name
from symbackprop.numeric.live import Knob, Live
from symbackprop.numeric.worked import DIGITS
from symbackprop.renderers.document import Figure, Inline
from symbackprop.renderers.lettering import Context
from symbackprop.renderers.spoken import spoken
from symbackprop.renderers.webfile import shipped_text
from symbackprop.renderers.words import phrase, word

FEW = 3
"""Significant digits of a number in a live picture."""

_GROUPS = {
    "input": "inputs",
    "target": "targets",
    "weight": "weights",
    "bias": "biases",
}

Math = Callable[[Formula], str]
"""A formula as MathML."""


def figure_html(figure: Figure, inline: Callable[[Inline], str], rest: str) -> str:
    """Pictures with their captions; several with a switch that needs no script."""
    drawings = figure.drawings
    name = escape(figure.anchor)
    switch = ""
    if len(drawings) > 1:
        checked = ' checked="checked"'
        options = "".join(
            f'<label><input type="radio" name="{name}-view" value="{place}"'
            f"{checked if place == 1 else ''}/> {inline(drawing.label)}</label>\n"
            for place, drawing in enumerate(drawings, 1)
        )
        switch = f'<div class="views">\n{options}</div>\n'
    shown = "".join(
        f'<div class="drawing drawing-{place}"><div class="scroll" '
        f'style="--natural:{_width(drawing.svg)}px">\n{drawing.svg}</div></div>\n'
        for place, drawing in enumerate(drawings, 1)
    )
    labels = " · ".join(inline(drawing.label) for drawing in drawings[:1])
    caption = f"<figcaption>{labels}</figcaption>\n" if not switch else ""
    inside = f"{switch}{shown}{caption}{rest}"
    return f'<figure class="picture" id="{name}">\n{inside}</figure>\n'


class Controls:
    """What stands under a live picture: buttons, a card, a slider for each value."""

    def __init__(self, live: Live, context: Context, math: Math) -> None:
        self.live = live
        self.context = context
        self.math = math

    def say(self, key: str, **slots: str) -> str:
        """A word of the live page, escaped."""
        parts = phrase("live", key, self.context.language, {**slots})
        return escape("".join(map(str, parts)))

    def html(self) -> str:
        """The controls; they show once the script runs."""
        buttons = [("play", self.say("play"))]
        if self.live.updates:
            buttons.append(("step", self.say("step")))
        buttons.append(("reset", self.say("reset")))
        row = "".join(
            f'<button type="button" data-live="{act}">{text}</button>\n'
            for act, text in buttons
        )
        loss = self.live.loss
        total = (
            f'<output class="total">{self.math(loss)} '
            f'<span data-v="{self.live.places[loss]}"><span class="sign">=</span> '
            f"<math><mn>0</mn></math></span></output>\n"
        )
        keys = self.say("keys")
        for part in ("p", "←", "→", "Esc"):
            keys = keys.replace(f"`{part}`", f"<kbd>{part}</kbd>")
        digits = self.say("digits", digits=str(DIGITS), few=str(FEW))
        return (
            f'<div class="live" hidden="hidden">\n'
            f'<div class="acts">\n{row}{total}</div>\n'
            f'<div class="card" aria-live="polite"></div>\n'
            f"{self.knobs()}"
            f'<p class="help">{keys}. {digits}</p>\n'
            f"{self.names()}</div>\n"
        )

    def knobs(self) -> str:
        """The sliders in groups by role."""
        groups: dict[str, list[str]] = {}
        for knob in self.live.knobs:
            key = "rate" if knob.role is None else _GROUPS.get(knob.role, "values")
            groups.setdefault(key, []).append(self.knob(knob))
        shown = ""
        for key, rows in groups.items():
            name = self.say(key)
            legend = f"<legend>{name}</legend>\n" if len(groups) > 1 else ""
            inside = legend + "".join(rows)
            shown += f'<fieldset aria-label="{name}">{inside}</fieldset>\n'
        return f'<div class="knobs">\n{shown}</div>\n'

    def knob(self, knob: Knob) -> str:
        """One value: its name, a slider, its digits."""
        said = spoken(knob.name, self.context)
        value = _double(knob)
        span = f'min="{knob.low!r}" max="{knob.high!r}" step="{knob.step!r}"'
        return (
            f'<div class="knob">{self.math(knob.name)}'
            f'<input type="range" data-k="{knob.place}" {span} value="{value!r}" '
            f'aria-label="{self.say("slider", name=said)}"/>'
            f'<input type="number" data-k="{knob.place}" step="any" value="{value!r}" '
            f'aria-label="{self.say("number", name=said)}"/></div>\n'
        )

    def names(self) -> str:
        """Each quantity and each local slope that is no name, for cards."""
        forms = [quantity.form for quantity in self.live.quantities]
        shown = "".join(map(self.math, [*forms, *self.slopes()]))
        return f"<template>{shown}</template>\n"

    def slopes(self) -> list[Formula]:
        """The local slopes, each once."""
        uses = [use for quantity in self.live.quantities for use in quantity.uses]
        return list(dict.fromkeys(use.slope for use in uses))

    def data(self, lines: Mapping[Name, str]) -> str:
        """What the script needs to know, as JSON in an element that is never run.

        `lines` are the anchors of the chains that derive a quantity's gradient.
        """
        live, slopes = self.live, self.slopes()
        count = len(live.quantities)
        head = word("live", "local", self.context.language)
        record = {
            "size": live.size,
            "loss": next(
                n for n, q in enumerate(live.quantities) if q.form == live.loss
            ),
            "knobs": [[knob.place, _double(knob)] for knob in live.knobs],
            "updates": live.updates,
            "rounded": sorted(live.rounded),
            "digits": [DIGITS, FEW],
            "head": "d" if self.context.one_variable else "∂",
            "say": {
                key: word("live", key, self.context.language)
                for key in (
                    "value",
                    "gradient",
                    "line",
                    "play",
                    "next",
                    "stop",
                    "alive",
                )
            }
            | {"local": head},
            "quantities": [
                {
                    "id": quantity.id,
                    "said": spoken(quantity.form, self.context),
                    "plain": isinstance(quantity.form, Name),
                    "v": quantity.value,
                    "d": quantity.gradient,
                    "uses": [
                        [use.by, use.place, count + slopes.index(use.slope)]
                        for use in quantity.uses
                    ],
                    "line": _at(quantity.form, lines),
                }
                for quantity in live.quantities
            ],
        }
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        return f'<script type="application/json" id="live">{harmless(text)}</script>\n'


def harmless(text: str) -> str:
    """JSON that no parser of HTML takes for markup."""
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def live_script(live: Live) -> str:
    """The functions, the statements, and what moves the page."""
    return (
        f"{shipped_text('functions.js')}"
        f"const compute = (v, f) => {{\n{live.script}\n}};\n{shipped_text('live.js')}"
    )


def _width(svg: str) -> str:
    """How wide a picture would like to be."""
    found = re.search(r' width="(\d+)"', svg)
    return found[1] if found else "0"


def _at(form: Formula, anchors: Mapping[Name, str]) -> str:
    """Where something about a quantity stands; nowhere for one without a name."""
    return anchors.get(form, "") if isinstance(form, Name) else ""


def _double(knob: Knob) -> float:
    """A value as the double next to it."""
    return knob.value.numerator / knob.value.denominator
