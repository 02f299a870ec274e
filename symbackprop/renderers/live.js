// A page that computes: sliders in, every number out. Ids and words are data, never code.
(() => {
  "use strict";
  const box = document.getElementById("live");
  if (!box) return;
  const data = JSON.parse(box.textContent);
  const page = document.querySelector(".page");
  const figure = page.querySelector(".picture");
  const panel = figure.querySelector(".live");
  const card = panel.querySelector(".card");
  const forms = panel.querySelector("template").content.children;
  const all = (selector, from = page) => Array.from(from.querySelectorAll(selector));
  const rounded = new Set(data.rounded);
  const values = new Float64Array(data.size);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const [digits, few] = data.digits;

  // --- numbers: all of a short decimal behind =, a rounded one behind ≈
  function figures(place, count) {
    const x = values[place];
    if (!Number.isFinite(x)) return { sign: "=", text: Number.isNaN(x) ? "–" : x > 0 ? "∞" : "−∞", power: "" };
    let [text, power = ""] = x.toPrecision(count).split("e");
    const short = Number(x.toPrecision(count));
    const whole = x === 0 || (!rounded.has(place) && Math.abs(short - x) <= 1e-14 * Math.abs(x));
    if (whole && text.includes(".")) text = text.replace(/\.?0+$/, "");
    return { sign: whole ? "=" : "≈", text: text.replace("-", "−"), power: power.replace("+", "").replace("-", "−") };
  }

  const MATHML = "http://www.w3.org/1998/Math/MathML";
  function math(tag, ...inside) {
    const element = document.createElementNS(MATHML, tag);
    element.append(...inside);
    return element;
  }

  function numberMath({ text, power }) {
    const negative = text.startsWith("−");
    const parts = [math(/\d/.test(text) ? "mn" : "mi", negative ? text.slice(1) : text)];
    if (negative) {
      const minus = math("mo", "−");
      minus.setAttribute("form", "prefix");
      parts.unshift(minus);
    }
    if (power) {
      const exponent = power.startsWith("−")
        ? math("mrow", math("mo", "−"), math("mn", power.slice(1)))
        : math("mn", power);
      parts.push(math("mo", "⋅"), math("msup", math("mn", "10"), exponent));
    }
    const whole = math("math", math("mrow", ...parts));
    whole.setAttribute("alttext", power ? `${text} ⋅ 10^${power}` : text);
    return whole;
  }

  // --- where the numbers stand: beside lines, in the pictures, in the controls
  const beside = all("[data-v]").map((element) => {
    const sign = element.querySelector(":scope > .sign, :scope > .rel");
    const number = element.querySelector(":scope > math, :scope > .formula > math");
    return { element, place: Number(element.dataset.v), sign, number, first: [sign.textContent, number] };
  });

  const SVG = "http://www.w3.org/2000/svg";
  const groups = new Map(data.quantities.map((quantity) => [quantity.id, []]));
  for (const group of all("g[data-id]", figure)) groups.get(group.dataset.id)?.push(group);
  const drawn = [];
  for (const { id, v, d } of data.quantities) {
    for (const group of groups.get(id)) {
      const parts = [[":scope > .sbp-value", v], [":scope > .sbp-gradient", d]];
      for (const [selector, place] of parts) {
        for (const label of place === null ? [] : all(selector, group)) {
          const number = label.querySelector(".sbp-number");
          if (!number) continue;
          const sign = label.querySelector("use.sbp-relation");
          const first = [number.textContent, number.getAttribute("textLength"), sign?.getAttribute("href")];
          drawn.push({ place, number, sign, first });
        }
      }
    }
  }

  function widthOf(text) { // in ems of the picture's letters
    let total = 0;
    for (const letter of text) total += letter === "." ? 0.25 : letter === "−" ? 0.72 : 0.5;
    return total;
  }

  function drawNumber({ place, number, sign }) {
    const { sign: relation, text, power } = figures(place, few);
    number.textContent = power ? `${text}·10` : text;
    let width = widthOf(number.textContent);
    if (power) {
      const small = document.createElementNS(SVG, "tspan");
      small.setAttribute("dy", "-0.4em");
      small.setAttribute("font-size", "70%");
      small.textContent = power;
      number.append(small);
      width += 0.7 * widthOf(power);
    }
    const room = Number(number.dataset.room);
    const size = Number(number.getAttribute("font-size"));
    number.setAttribute("textLength", Math.min(width * size, room).toFixed(1));
    if (sign) sign.setAttribute("href", sign.getAttribute(relation === "=" ? "data-is" : "data-about"));
  }

  function exactly(element, place) { element.dataset.value = String(values[place]); }

  function write() {
    for (const item of beside) {
      exactly(item.element, item.place);
      const shown = figures(item.place, digits);
      item.sign.textContent = item.sign.textContent.replace(/[=≈]/, shown.sign);
      const fresh = numberMath(shown);
      item.number.replaceWith(fresh);
      item.number = fresh;
    }
    for (const item of drawn) {
      exactly(item.number, item.place);
      drawNumber(item);
    }
    if (seen !== null) tell(seen);
  }

  function writeFirst() { // the numbers of the file, exact ones exact
    write();
    for (const item of beside) {
      const own = !item.element.closest(".total");
      const source = own ? item : beside.find((other) => other !== item && other.place === item.place);
      if (!source) continue;
      const fresh = own ? item.first[1] : source.first[1].cloneNode(true);
      item.sign.textContent = source.first[0];
      item.number.replaceWith(fresh);
      item.number = fresh;
    }
    for (const { number, sign, first } of drawn) {
      number.textContent = first[0];
      if (first[1]) number.setAttribute("textLength", first[1]);
      else number.removeAttribute("textLength");
      if (sign) sign.setAttribute("href", first[2]);
    }
    if (seen !== null) tell(seen);
  }

  // --- moving values
  const inputs = all("input[data-k]", panel);
  const start = new Map(data.knobs);

  function moved() {
    compute(values, functions);
    write();
  }

  function set(place, value, from) {
    values[place] = value;
    for (const input of inputs) {
      if (Number(input.dataset.k) !== place || input === from) continue;
      input.value = input.type === "range" ? value : String(Number(value.toPrecision(5)));
    }
  }

  panel.addEventListener("input", (event) => {
    const input = event.target.closest("input[data-k]");
    if (!input) return;
    const value = input.valueAsNumber;
    if (Number.isFinite(value)) {
      set(Number(input.dataset.k), value, input);
      moved();
    }
  });

  function downhill() {
    for (const [place, next] of data.updates.map(([w, n]) => [w, values[n]])) {
      if (Number.isFinite(next)) set(place, next);
    }
    moved();
  }

  function reset() {
    for (const [place, value] of start) set(place, value);
    compute(values, functions);
    writeFirst();
  }

  // --- what is pointed at
  let seen = null; // the place of a quantity in the list
  let held = false;

  function piece(index) { return forms[index].cloneNode(true); }

  function slopeOf(upper, lower) { // ∂u/∂v
    const over = (index) => {
      const inner = Array.from(piece(index).childNodes);
      const plain = index >= data.quantities.length || data.quantities[index].plain;
      if (plain) return math("mrow", math("mo", data.head), ...inner);
      return math("mrow", math("mo", data.head), math("mo", "("), ...inner, math("mo", ")"));
    };
    return math("math", math("mfrac", over(upper), over(lower)));
  }

  function fact(name, ...inside) {
    const term = document.createElement("dt");
    term.textContent = name;
    const text = document.createElement("dd");
    text.append(...inside);
    return [term, text];
  }

  function behind(place) {
    const shown = figures(place, digits);
    const span = document.createElement("span");
    span.className = "shown";
    exactly(span, place);
    span.append(` ${shown.sign} `, numberMath(shown));
    return span;
  }

  function link(anchor) {
    const element = document.createElement("a");
    element.href = `#${encodeURIComponent(anchor)}`;
    element.textContent = data.say.line;
    return element;
  }

  function tell(index) {
    const { id, v, d, uses, line } = data.quantities[index];
    const list = document.createElement("dl");
    list.className = "facts";
    const own = document.getElementById(`v-${id}`)?.querySelector(".formula > math");
    const definition = own ? [" = ", own.cloneNode(true)] : [];
    list.append(...fact(data.say.value, piece(index), ...definition, behind(v)));
    const last = index === data.loss;
    if (d !== null && !last) {
      const chain = line ? document.getElementById(line) : null;
      const result = all(":scope > .lines > .line > .formula > math", chain || card).pop();
      const written = chain && result ? [" = ", result.cloneNode(true)] : [];
      const more = chain ? [link(line)] : [];
      list.append(...fact(data.say.gradient, slopeOf(data.loss, index), ...written, behind(d), ...more));
    }
    for (const [by, place, form] of uses) {
      const known = forms[form].textContent !== numberMath(figures(place, digits)).textContent;
      const formula = known ? [" = ", piece(form)] : [];
      list.append(...fact(data.say.local, slopeOf(by, index), ...formula, behind(place)));
    }
    card.replaceChildren(list);
  }

  function marked(index, on) {
    const { id, line } = data.quantities[index];
    for (const group of groups.get(id)) group.classList.toggle("seen", on);
    document.getElementById(`v-${id}`)?.classList.toggle("lit", on);
    if (line) document.getElementById(line)?.classList.toggle("lit", on);
  }

  function see(index) {
    if (index === seen) return;
    if (seen !== null) marked(seen, false);
    seen = index;
    if (index === null) return hint();
    marked(index, true);
    tell(index);
    if (playing) follow(index);
  }

  function follow(index) { // a wide picture scrolls along
    for (const group of groups.get(data.quantities[index].id)) {
      const frame = group.closest(".scroll");
      const [here, room] = [group.getBoundingClientRect(), frame.getBoundingClientRect()];
      if (here.width && (here.left < room.left || here.right > room.right)) {
        frame.scrollBy({ left: here.left - room.left - room.width / 3, behavior: still.matches ? "auto" : "smooth" });
      }
    }
  }

  function hint() {
    const text = document.createElement("p");
    text.textContent = data.say.alive;
    card.replaceChildren(text);
  }

  const indexOf = new Map(data.quantities.map((quantity, index) => [quantity.id, index]));
  const indexAt = (target) => {
    const group = target.closest?.("g[data-id]");
    return group && figure.contains(group) ? indexOf.get(group.dataset.id) ?? null : null;
  };

  figure.addEventListener("pointerover", (event) => {
    const index = indexAt(event.target);
    if (index !== null && !held && !playing) see(index);
  });
  figure.addEventListener("focusin", (event) => {
    const index = indexAt(event.target);
    if (index !== null && !playing) see(index);
  });
  figure.addEventListener("click", (event) => {
    const index = indexAt(event.target);
    if (!event.target.closest("svg")) return;
    if (index === null || playing) return play();
    held = !(held && index === seen);
    see(index);
  });

  // One stop of the tab key a picture; the arrow keys move inside it.
  for (const picture of all("svg", figure)) {
    picture.setAttribute("role", "group");
    const here = all("g[data-id]", picture);
    here.sort((a, b) => indexOf.get(a.dataset.id) - indexOf.get(b.dataset.id));
    here.forEach((group, place) => {
      const title = group.querySelector(":scope > title");
      group.setAttribute("role", "button");
      group.setAttribute("aria-label", title ? title.textContent : group.dataset.id);
      title?.remove();
      group.setAttribute("tabindex", place ? "-1" : "0");
    });
    picture.querySelector(":scope > title")?.remove();
    picture.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const place = here.indexOf(event.target.closest("g[data-id]"));
      if (!by || place < 0) return;
      const next = here[Math.min(Math.max(place + by, 0), here.length - 1)];
      here[place].setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
      event.preventDefault();
      event.stopPropagation();
    });
  }

  // --- forward, then back, value by value
  const button = panel.querySelector("[data-live=play]");
  let playing = false;
  let timer = 0;
  let queue = [];

  function frames() {
    const given = new Set(data.knobs.map(([place]) => place));
    const computed = data.quantities.map((_, index) => index);
    const back = [...computed].reverse();
    return [
      computed.filter((index) => given.has(data.quantities[index].v)).map((index) => [index, "valued"]),
      ...computed.filter((index) => !given.has(data.quantities[index].v)).map((index) => [[index, "valued"]]),
      ...back.filter((index) => data.quantities[index].d !== null || index === data.loss).map((index) => [[index, "sloped"]]),
    ];
  }

  function play() {
    if (playing) return still.matches ? next() : stop();
    see(null);
    held = false;
    playing = true;
    queue = frames();
    figure.classList.add("playing");
    next();
  }

  function next() {
    clearTimeout(timer);
    const frame = queue.shift();
    if (!frame) return stop();
    for (const [index, kind] of frame) {
      for (const group of groups.get(data.quantities[index].id)) group.classList.add(kind);
    }
    see(frame[frame.length - 1][0]);
    button.textContent = still.matches ? data.say.next : data.say.stop;
    if (!still.matches) timer = setTimeout(next, Math.max(320, 1100 - 25 * data.quantities.length));
  }

  function stop() {
    clearTimeout(timer);
    playing = false;
    figure.classList.remove("playing");
    for (const group of all(".valued, .sloped", figure)) group.classList.remove("valued", "sloped");
    button.textContent = data.say.play;
  }

  const acts = { play, step: downhill, reset };
  panel.addEventListener("click", (event) => {
    const act = event.target.closest("button")?.dataset.live;
    if (act) acts[act]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.closest("input, textarea, select")) return;
    const group = event.target.closest("g[data-id]");
    if (event.key === "p") play();
    else if (event.key === "Escape") {
      if (playing) stop();
      held = false;
      see(null);
    } else if (group && (event.key === "Enter" || event.key === " ")) {
      held = !held;
      see(indexOf.get(group.dataset.id));
      event.preventDefault();
    }
  });

  panel.hidden = false;
  reset();
  hint();
})();
