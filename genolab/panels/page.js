// What panels say in words: sentences, code, steps of a decision, downloads. Text only ever becomes textContent.

function make(name, className, parent, text = null) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function says(model, el) {
  el.replaceChildren();
  const { text, tone, details } = model.get("content");
  el.dataset.tone = tone || "plain";
  el.setAttribute("role", tone === "error" ? "alert" : "status");
  make("span", "genolab-text", el, text || "");
  if (!details?.length) return;
  const folded = make("details", "", el);
  make("summary", "", folded, model.get("content").summary || "details");
  const list = make("ul", "", folded);
  for (const line of details) make("li", "", list, line);
}

function code(model, el) {
  el.replaceChildren();
  const text = model.get("content").text || "";
  const bar = make("div", "genolab-code-bar", el);
  make("span", "", bar, model.get("content").title);
  const button = make("button", "", bar, "copy");
  button.type = "button";
  const shown = make("pre", "", el);
  let at = 0;
  for (const [length, kind] of model.get("content").marks || []) {
    const part = text.slice(at, at += length);
    kind ? make("span", `genolab-code-${kind}`, shown, part) : shown.append(part);
  }
  shown.append(text.slice(at));
  shown.tabIndex = 0;
  shown.dataset.lmSuppressShortcuts = "true"; // Jupyter's own keys are not ours
  const select = () => {
    const range = document.createRange();
    range.selectNodeContents(shown);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };
  button.addEventListener("click", async () => {
    let copied = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch { // no permission, or not a secure page
      select();
      copied = document.execCommand("copy");
    }
    button.textContent = copied ? "copied" : "press Ctrl-C";
    setTimeout(() => { button.textContent = "copy"; }, 1500);
  });
}

function why(model, el) {
  el.replaceChildren();
  const { place, verdict, sentence, flip, steps, excluded } = model.get("content");
  if (!place) {
    if (sentence !== undefined) make("p", "genolab-soft", el, sentence || "Click a position in the plot or a row of the table to see why it was or was not called.");
    return;
  }
  const head = make("div", "genolab-why-head", el);
  make("strong", "", head, place);
  make("span", "genolab-verdict", head, verdict).dataset.verdict = verdict;
  make("p", "genolab-sentence", el, sentence);
  make("p", "genolab-flip", el, flip);
  const table = make("table", "", el);
  // the one that decides stands on top, where it is seen without scrolling
  const ordered = [...steps.filter((step) => step.decides), ...steps.filter((step) => !step.decides)];
  for (const { mark, name, text, decides, quiet } of ordered) {
    const row = make("tr", decides ? "genolab-decides" : "", table);
    make("td", mark === "✓" ? "genolab-yes" : "genolab-no", row, mark);
    make("th", "", row, name).scope = "row";
    make("td", "", row, decides && !quiet ? `${text}  ← decides` : text);
  }
  if (excluded) make("p", "genolab-soft", el, excluded);
}

function facts(model, el) {
  el.replaceChildren();
  const { title, rows } = model.get("content");
  if (title) make("strong", "", el, title);
  const table = make("table", "", el);
  for (const [name, value] of rows ?? []) {
    const row = make("tr", "", table);
    make("th", "", row, name).scope = "row";
    make("td", "", row, value);
  }
}

// shapes of markers in a box of 12 x 12, as Bokeh draws them
const SHAPES = {
  circle: "M1.5 6a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0z",
  square: "M2 2h8v8h-8z",
  triangle: "M6 1.5L11 10.2H1z",
  diamond: "M6 .8L10.2 6L6 11.2L1.8 6z",
  inverted_triangle: "M6 10.5L11 1.8H1z",
  hex: "M6 1L10.3 3.5V8.5L6 11L1.7 8.5V3.5z",
  plus: "M4.6 1h2.8v3.6H11v2.8H7.4V11H4.6V7.4H1V4.6h3.6z",
  star: "M6 .8L7.5 4.3L11.3 4.6L8.4 7.1L9.3 10.8L6 8.8L2.7 10.8L3.6 7.1L.7 4.6L4.5 4.3z",
};

function legend(model, el) {
  el.replaceChildren();
  const { items, ramp, ends } = model.get("content");
  if (ramp?.length) {
    make("span", "", el, ends[0]);
    const bar = make("span", "genolab-ramp", el);
    bar.style.backgroundImage = `linear-gradient(to right, ${ramp.join(",")})`;
    make("span", "", el, ends[1]);
  }
  (items ?? []).forEach(({ text, colour, marker, number }, place) => {
    const item = make("button", "genolab-level", el);
    item.type = "button";
    item.title = `${text}: ${number} samples; click to choose them`;
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 12 12");
    const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
    shape.setAttribute("d", SHAPES[marker] ?? SHAPES.circle);
    shape.setAttribute("fill", colour);
    drawing.append(shape);
    item.append(drawing);
    make("span", "", item, text);
    item.addEventListener("click", () => model.send({ kind: "pick", number: place }));
  });
}

function downloads(model, el) {
  el.style.display = "none";
  model.on("msg:custom", (message, buffers) => {
    if (message.kind !== "download" || !buffers?.length) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([buffers[0]], { type: "application/octet-stream" }));
    link.download = message.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// Help on every control of every panel, once per page: the tooltip's lines, laid out, beside the control's name.
function help() {
  const card = make("div", "genolab-help", null);
  card.setAttribute("role", "tooltip");
  card.id = "genolab-help";
  let shown = null, pause = null, pinned = false;
  const label = (target) => target.closest?.(".genolab-panel .widget-label, .genolab-panel .widget-label-basic, .genolab-panel .widget-checkbox label");
  function words(at) {
    if (at.title && at.matches(".widget-label:not(.genolab-unit)")) { at.dataset.help = at.title; at.removeAttribute("title"); }
    if (!at.dataset.help) { // boxes and lists do not pass their tooltip on; the lab knows it
      const said = globalThis[Symbol.for("genolab.help.words")]?.(at);
      if (said) at.dataset.help = said;
    }
    return at.dataset.help ?? "";
  }
  function open(at) {
    const lines = words(at).split("\n").filter(Boolean);
    if (!lines.length) return close();
    card.replaceChildren();
    make("strong", "", card, at.textContent);
    for (const line of lines) {
      const [, name, rest] = line.match(/^(Too low|Too high|Formula|Usual|Range|Off|On): ?(.*)$/) ?? [null, "", line];
      const one = make("div", name ? "genolab-help-part" : "", card);
      if (name) { make("b", "", one, name); one.dataset.part = name; }
      make("span", "", one, rest);
    }
    document.body.append(card);
    const box = at.getBoundingClientRect(), size = card.getBoundingClientRect();
    const beside = box.right + 10 + size.width < innerWidth && at.closest(".genolab-column");
    const column = at.closest(".genolab-column")?.getBoundingClientRect();
    const left = beside ? Math.min((column ?? box).right + 4, innerWidth - size.width - 8) : Math.min(box.left, innerWidth - size.width - 8);
    const top = beside ? box.top - 6 : box.bottom + 6 + size.height > innerHeight ? box.top - size.height - 6 : box.bottom + 6;
    card.style.left = `${Math.max(left, 8)}px`;
    card.style.top = `${Math.max(Math.min(top, innerHeight - size.height - 8), 8)}px`;
    shown = at;
    at.setAttribute("aria-describedby", card.id);
  }
  function close() {
    clearTimeout(pause);
    shown?.removeAttribute("aria-describedby");
    shown = null;
    pinned = false;
    card.remove();
  }
  document.addEventListener("pointerover", (event) => {
    const at = label(event.target);
    if (at) words(at);
    if (pinned || at === shown) return;
    close();
    if (at) pause = setTimeout(() => open(at), 350);
  });
  document.addEventListener("click", (event) => {
    if (shown && event.target === shown.control) return; // a click on a label is one on its box, too
    const at = label(event.target);
    if (!at || (pinned && at === shown)) { if (!card.contains(event.target)) close(); return; }
    if (at.closest(".widget-checkbox")) return; // a click there ticks the box
    close();
    open(at);
    pinned = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "F1") return;
    const control = event.target.closest?.(".genolab-panel .jupyter-widgets:has(.widget-label)");
    const at = control?.querySelector(".widget-label");
    if (!at) return;
    event.preventDefault();
    open(at);
    pinned = true;
  }, true);
  document.addEventListener("scroll", () => { if (!pinned) close(); }, true);
}
if (!globalThis[Symbol.for("genolab.help")]) {
  globalThis[Symbol.for("genolab.help")] = true;
  help();
}

const KINDS = { says, code, why, facts, legend };

function render({ model, el }) {
  const kind = model.get("kind");
  el.classList.add(`genolab-${kind}`);
  if (kind === "downloads") return downloads(model, el);
  const draw = () => KINDS[kind](model, el);
  draw();
  model.on("change:content", draw);
  return () => model.off("change:content", draw);
}

export default { render };
