// Folding, keys, copying, theme. Without this script the page is complete, only still.
(() => {
  "use strict";
  const root = document.documentElement;
  const page = document.querySelector(".page");
  const status = page.querySelector(".status");
  if (!status) return; // an index page has nothing to move
  const all = (selector, from = page) => Array.from(from.querySelectorAll(selector));
  const shown = (element) => element.checkVisibility(); // false inside a closed fold

  // --- what the page has but once, for indices that differ: written out again
  function renumbered(list) {
    const changes = new Map();
    let place = 0;
    for (const pair of list.split(" ").filter(Boolean)) {
      const [by, number] = pair.split(":");
      place += Number(by);
      changes.set(place, number);
    }
    let seen = 0;
    return (text) => text.replace(/[0-9]+/g, (old) => changes.get(seen++) ?? old);
  }

  function rewrite(node, change) {
    if (node.nodeType === Node.TEXT_NODE) node.data = change(node.data);
    for (const attribute of node.attributes || []) attribute.value = change(attribute.value);
    for (const child of node.childNodes) rewrite(child, change);
  }

  function copied(place, nodes) {
    const copy = document.createDocumentFragment();
    copy.append(...Array.from(nodes, (node) => node.cloneNode(true)));
    for (const steps of all("[id^='steps-']", copy)) steps.removeAttribute("id");
    rewrite(copy, renumbered(place.dataset.with));
    return copy;
  }

  for (const place of all("p[data-like]")) {
    place.replaceWith(copied(place, [document.getElementById(place.dataset.like)]));
  }
  const buttons = all("button[data-latex]");
  for (const button of buttons.filter((button) => button.dataset.like)) {
    const model = buttons[Number(button.dataset.like)].dataset.latex;
    button.dataset.latex = renumbered(button.dataset.with)(model);
    delete button.dataset.like;
    delete button.dataset.with;
  }
  for (const place of all("div[data-like]")) {
    const model = document.getElementById(place.dataset.like);
    const without = Array.from(model.childNodes, (node) => node.cloneNode(true));
    for (const node of without) node.querySelector?.(":scope > .worth")?.remove();
    const own = place.querySelector(".worth");
    place.replaceChildren(copied(place, without));
    if (own) place.querySelector(":scope > .lines").append(own, "\n");
    delete place.dataset.like;
    delete place.dataset.with;
  }
  for (const list of all("ol.lines, ol.rows")) {
    // Tab stops at a chain's first line; the keys move on from there.
    const first = list.matches(".lines") && list.querySelector(":scope > .line");
    for (const line of all(":scope > .line", list)) line.tabIndex = line === first ? 0 : -1;
  }

  // --- folding
  function foldAll(open) {
    const focus = document.activeElement;
    for (const details of all("main details")) details.open = open;
    if (focus && focus !== document.body && !shown(focus)) {
      let line = focus.closest(".line");
      while (line && !shown(line)) line = line.parentElement.closest(".line");
      if (line) visit(line);
    }
  }

  function openAround(target) {
    for (let at = target; at; at = at.parentElement) {
      if (at.localName === "details") at.open = true;
    }
    for (const line of all(":scope > .lines > .line > details", target)) line.open = true;
    if (target.localName === "details") target.open = true;
  }

  function follow() {
    let anchor = location.hash.slice(1);
    try { anchor = decodeURIComponent(anchor); } catch { return; }
    const target = anchor && document.getElementById(anchor);
    if (!target) return;
    openAround(target);
    target.scrollIntoView({ block: "start" });
    const line = target.matches(".chain") && target.querySelector(".line");
    if (line) visit(line, true);
  }

  // --- lines
  function visit(line, still) {
    const chain = line.closest(".lines, .rows");
    for (const other of all(":scope > .line", chain)) other.tabIndex = -1;
    line.tabIndex = 0;
    line.focus({ preventScroll: Boolean(still) });
    if (!still) line.scrollIntoView({ block: "nearest" });
  }

  function move(by) {
    const lines = all(".line[tabindex]").filter(shown);
    const here = document.activeElement && document.activeElement.closest(".line");
    const next = here ? lines[lines.indexOf(here) + by] : lines[0];
    if (next) visit(next);
    return Boolean(next);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    const inside = Boolean(target.closest(".chain"));
    let done = true;
    if (event.key === "j") done = move(1);
    else if (event.key === "k") done = move(-1);
    else if (event.key === "ArrowDown") done = inside && move(1);
    else if (event.key === "ArrowUp") done = inside && move(-1);
    else if (event.key === "e") foldAll(true);
    else if (event.key === "f") foldAll(false);
    else if (event.key === "Enter" && target.matches(".line")) {
      const details = target.querySelector(":scope > details");
      if (details) details.open = !details.open;
    } else done = false;
    if (done) event.preventDefault();
  });

  // --- copying
  function copiedByHand(text, beside) {
    const box = document.createElement("textarea");
    box.value = text;
    box.className = "by-hand";
    box.readOnly = true;
    beside.after(box);
    box.select();
    let done = false;
    try { done = document.execCommand("copy"); } catch { done = false; }
    if (done) box.remove();
    return done;
  }

  async function copy(button) {
    const text = button.dataset.latex;
    let done = false;
    try {
      await navigator.clipboard.writeText(text);
      done = true;
    } catch {
      done = copiedByHand(text, button);
      if (done) button.focus();
    }
    say(done ? status.dataset.copied : status.dataset.failed);
  }

  let timer = 0;
  function say(text) {
    clearTimeout(timer);
    status.textContent = "";
    requestAnimationFrame(() => { status.textContent = text; });
    timer = setTimeout(() => { status.textContent = ""; }, 2500);
  }

  // --- theme
  function turnTheme() {
    const dark = root.style.colorScheme
      ? root.style.colorScheme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.style.colorScheme = dark ? "light" : "dark";
  }

  const acts = { open_all: () => foldAll(true), close_all: () => foldAll(false), theme: turnTheme };
  page.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.dataset.do) acts[button.dataset.do]();
    else if (button && button.dataset.latex) copy(button);
    const link = event.target.closest("a[href^='#']");
    if (link && link.getAttribute("href") === location.hash) follow();
  });

  // --- long formulas: a stop for the keyboard while they scroll, smaller on paper
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const long = target.scrollWidth > target.clientWidth + 1;
      if (long) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  for (const cell of all(".formula, .left, .scroll")) sizes.observe(cell);

  const PAPER = { width: 640, why: 190, inset: 50, scale: 0.84 }; // A4 at 10 pt, in px
  addEventListener("beforeprint", () => {
    for (const cell of all(".formula")) {
      const formula = cell.firstElementChild;
      const left = cell.closest(".lines, .rows").querySelector(":scope > .line > .left");
      const inset = cell.closest("details, .aside") ? PAPER.inset : 0;
      // The cell may span a whole row of a narrow window; its formula does not.
      const beside = left?.firstElementChild
        ? left.firstElementChild.getBoundingClientRect().width * PAPER.scale
        : 0;
      const room = PAPER.width - PAPER.why - inset - beside;
      const width = formula.getBoundingClientRect().width * PAPER.scale;
      const fit = Math.max(0.5, room / width);
      if (room > 0 && fit < 1) formula.style.setProperty("--fit", fit.toFixed(3));
    }
  });

  for (const element of all("button[hidden], .tools[hidden]")) element.hidden = false;
  addEventListener("hashchange", follow);
  if (location.hash) follow();
})();
