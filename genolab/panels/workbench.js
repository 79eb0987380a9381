// The parts of the lab around its panels: the data shelf, the drawer with jobs and notices, keys, and help on every control.
// Words from files and from the kernel only ever become textContent.

function make(name, className, parent, text = null) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function action(parent, className, text, title, act) {
  const made = make("button", className, parent, text);
  made.type = "button";
  if (title) made.title = title;
  made.addEventListener("click", act);
  return made;
}

const root = (el) => el.closest(".genolab-lab") ?? el.parentElement;
const tell = (el, name, detail) => root(el)?.dispatchEvent(new CustomEvent(`genolab-${name}`, { detail }));

// --- shelf

const KIND_MARKS = {
  reads: "≡", "raw reads": "≈", variants: "◆", counts: "▦", samples: "☰", sequences: "A", reference: "A", model: "ƒ",
  calls: "◆", table: "▦", alignment: "∥", result: "∎",
};

function shelf({ model, el }) {
  const body = make("div", "genolab-shelf-body", el);
  const rail = action(el, "genolab-shelf-rail", "", "show the data shelf (s)", () => toggle(true));
  make("span", "", rail, "data");
  const head = make("div", "genolab-shelf-head", body);
  make("span", "", head, "Data");
  action(head, "genolab-flat", "«", "hide the shelf (s)", () => toggle(false));
  const form = make("form", "genolab-shelf-add", body);
  const box = make("input", "", form);
  box.placeholder = "add a path or example";
  box.title = "BAM, CRAM, VCF, FASTA, FASTQ, tables of counts, or an example of genolab";
  box.setAttribute("aria-label", box.title);
  box.spellcheck = false;
  const offered = make("datalist", "", form);
  offered.id = `genolab-offered-${Math.random().toString(36).slice(2)}`;
  box.setAttribute("list", offered.id);
  const add = make("button", "genolab-flat", form, "+");
  add.type = "submit";
  add.title = "add it to the shelf";
  let pause = null;
  box.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => model.send({ kind: "complete", text: box.value }), 120);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (box.value.trim()) model.send({ kind: "add", text: box.value });
    box.value = "";
  });
  const list = make("div", "genolab-shelf-list", body);
  list.setAttribute("role", "list");

  function toggle(open) {
    const was = getComputedStyle(body).display !== "none";
    el.dataset.shown = (open ?? !was) ? "yes" : "no";
  }

  function draw() {
    const { groups, offers, said } = model.get("content");
    offered.replaceChildren(...(offers ?? []).map((text) => { const o = document.createElement("option"); o.value = text; return o; }));
    const at = list.scrollTop;
    list.replaceChildren();
    if (said) make("p", "genolab-shelf-said", list, said).setAttribute("role", "alert");
    for (const { title, items } of groups ?? []) {
      make("div", "genolab-shelf-group", list, title);
      for (const item of items) entry(item);
    }
    if (!(groups ?? []).length) make("p", "genolab-shelf-none", list, "Nothing is loaded yet.");
    list.scrollTop = at;
  }

  function entry({ number, kind, name, about, origin, digest, trouble, opens }) {
    const item = make("div", "genolab-shelf-item", list);
    item.setAttribute("role", "listitem");
    if (trouble) item.dataset.trouble = "yes";
    const line = make("div", "genolab-shelf-line", item);
    make("span", "genolab-shelf-mark", line, KIND_MARKS[kind] ?? "·").dataset.kind = kind;
    make("span", "genolab-shelf-name", line, name).title = `${kind}: ${name}`;
    if (about) make("div", "genolab-shelf-about", item, about).title = about;
    if (origin) make("div", "genolab-shelf-origin", item, origin).title = origin;
    const last = make("div", "genolab-shelf-last", null);
    if (trouble || digest || opens?.length) item.append(last);
    if (trouble) make("span", "genolab-shelf-trouble", last, trouble);
    else if (digest) {
      const [, value] = digest.split(":");
      make("code", "", last, value.slice(0, 8)).title = `${digest} (what identifies the content)`;
    } else make("span", "", last, "");
    const ways = make("span", "genolab-shelf-ways", last);
    for (const { tab, word } of opens ?? []) {
      action(ways, "genolab-flat", word, `open it in ${tab}`, () => model.send({ kind: "open", number, tab }));
    }
  }

  const shown = () => toggle();
  draw();
  model.on("change:content", draw);
  const holder = root(el);
  holder?.addEventListener("genolab-shelf", shown);
  return () => { model.off("change:content", draw); holder?.removeEventListener("genolab-shelf", shown); };
}

// --- drawer

function drawer({ model, el }) {
  const panel = make("div", "genolab-drawer-panel", el);
  panel.hidden = true;
  const head = make("div", "genolab-drawer-head", panel);
  const tabs = {};
  for (const name of ["jobs", "notices"]) tabs[name] = action(head, "genolab-drawer-tab", name, "", () => open(name));
  make("span", "genolab-drawer-space", head);
  const clear = action(head, "genolab-flat", "clear", "forget what has ended", () => model.send({ kind: "clear", what: which }));
  action(head, "genolab-flat", "×", "close (Escape)", () => open(null));
  const list = make("div", "genolab-drawer-list", panel);
  const buttons = make("div", "genolab-drawer-buttons", el);
  const jobs = action(buttons, "genolab-flat genolab-jobs-button", "jobs", "what runs and what ran (j)", () => open(which === "jobs" ? null : "jobs"));
  const notes = action(buttons, "genolab-flat genolab-notices-button", "notices", "what was decided for you, and warnings (n)", () => open(which === "notices" ? null : "notices"));
  let which = null;
  const unfolded = new Set();

  function open(name) {
    which = name;
    panel.hidden = name === null;
    for (const [each, tab] of Object.entries(tabs)) tab.classList.toggle("genolab-open", each === name);
    draw();
  }

  function draw() {
    const content = model.get("content");
    const all = content.jobs ?? [], said = content.notices ?? [];
    const running = all.filter((job) => job.live);
    const first = running[0];
    const words = first ? [first.name, first.fraction === null ? "" : `${Math.round(100 * first.fraction)} %`, first.left ? `${first.left} left` : ""] : [];
    jobs.textContent = first ? `${words.filter(Boolean).join(" ")}${running.length > 1 ? ` +${running.length - 1}` : ""}` : `jobs (${all.length})`;
    jobs.dataset.live = first ? "yes" : "no";
    notes.textContent = `notices (${said.length})`;
    notes.dataset.level = said.some((each) => each.level !== "note") ? "warning" : said.length ? "note" : "none";
    tabs.jobs.textContent = `Jobs (${all.length})`;
    tabs.notices.textContent = `Notices (${said.length})`;
    clear.style.visibility = (which === "jobs" ? all.length > running.length : said.length) ? "visible" : "hidden";
    if (which === null) return;
    const at = list.scrollTop;
    list.replaceChildren();
    if (which === "jobs") {
      if (!all.length) make("p", "genolab-drawer-none", list, "Nothing runs. Work that takes longer than a moment is listed here, with its log.");
      all.forEach(row);
    } else {
      if (!said.length) make("p", "genolab-drawer-none", list, "No notices. What is decided for you, and warnings of the libraries, are listed here.");
      said.forEach(note);
    }
    list.scrollTop = at;
  }

  function row({ id, panel: of, name, state, text, fraction, left, elapsed, live, log }) {
    const item = make("details", "genolab-job", list);
    item.dataset.state = state;
    item.open = unfolded.has(id);
    item.addEventListener("toggle", () => { item.open ? unfolded.add(id) : unfolded.delete(id); });
    const line = make("summary", "", item);
    make("span", "genolab-job-panel", line, of);
    make("span", "genolab-job-name", line, name);
    const bar = make("span", "genolab-job-bar", line);
    const fill = make("span", fraction === null && live ? "genolab-job-fill genolab-job-unknown" : "genolab-job-fill", bar);
    if (fraction !== null) fill.style.width = `${Math.round(100 * fraction)}%`;
    make("span", "genolab-job-text", line, text).title = text;
    make("span", "genolab-job-time", line, live && left ? `${left} left` : elapsed);
    const stop = action(line, "genolab-flat", "Cancel", "stop the work; what is on screen stays", (event) => {
      event.preventDefault();
      model.send({ kind: "cancel", id });
    });
    stop.style.visibility = live ? "visible" : "hidden";
    const lines = make("ol", "genolab-job-log", item);
    for (const [when, what] of log) {
      const one = make("li", "", lines);
      make("span", "genolab-job-when", one, when);
      make("span", "", one, what);
    }
  }

  function note({ source, text, level, count, when }) {
    const item = make("div", "genolab-note", list);
    item.dataset.level = level;
    make("span", "genolab-note-mark", item, { note: "i", warning: "!", error: "×" }[level] ?? "i");
    make("span", "genolab-job-panel", item, source);
    make("span", "genolab-note-text", item, count > 1 ? `${text} (${count} times)` : text);
    make("span", "genolab-job-time", item, when);
  }

  const heard = ({ detail }) => open(detail === which ? null : detail);
  draw();
  model.on("change:content", draw);
  const holder = root(el);
  holder?.addEventListener("genolab-drawer", heard);
  return () => { model.off("change:content", draw); holder?.removeEventListener("genolab-drawer", heard); };
}

// --- keys

const KEYS = [
  ["Ctrl Z", "undo the last change of a parameter"], ["Ctrl Shift Z", "redo it"], ["1 … 5", "the tabs"],
  ["/", "go to the region box"], ["s", "data shelf"], ["j", "jobs"], ["n", "notices"], ["F1", "help on the control in focus"],
  ["← →", "move the slider in focus"], ["Ctrl S", "save the session"], ["?", "these keys"], ["Esc", "close what is open"],
];
const TYPED = "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]";

function keys({ model, el }) {
  el.style.display = "none";
  let holder = null, sheet = null;
  const send = (what) => model.send({ kind: "key", what });

  function pressed(event) {
    const typed = event.target.matches?.(TYPED);
    const control = (event.ctrlKey || event.metaKey) && !event.altKey;
    const letter = event.key.toLowerCase();
    let act = null;
    if (event.key === "Escape") { close(); tell(el, "drawer", null); act = () => {}; }
    else if (control && letter === "s" && !event.shiftKey) act = () => send("save");
    else if (!typed && control && (letter === "y" || (letter === "z" && event.shiftKey))) act = () => send("redo");
    else if (!typed && control && letter === "z") act = () => send("undo");
    else if (!typed && !control && !event.altKey) {
      if (/^[1-9]$/.test(event.key)) act = () => send(`tab ${event.key}`);
      else if (event.key === "/") act = () => holder.querySelector(".genolab-region input")?.select();
      else if (letter === "s") act = () => tell(el, "shelf");
      else if (letter === "j") act = () => tell(el, "drawer", "jobs");
      else if (letter === "n") act = () => tell(el, "drawer", "notices");
      else if (event.key === "?") act = show;
    }
    if (!act) return;
    event.stopPropagation();
    event.preventDefault();
    act();
  }

  // a slider's last move leaves when the answer to the one before has come, which is before this question
  const asked = (message) => {
    if (message?.kind === "settle") setTimeout(() => model.send({ kind: "settled", number: message.number }));
  };
  model.on("msg:custom", asked);

  function show() {
    if (sheet) return close();
    sheet = make("div", "genolab-keys-sheet", holder);
    sheet.setAttribute("role", "dialog");
    make("strong", "", sheet, "Keys");
    const table = make("table", "", sheet);
    for (const [key, what] of KEYS) {
      const line = make("tr", "", table);
      make("kbd", "", make("td", "", line), key);
      make("td", "", line, what);
    }
    action(sheet, "genolab-flat", "close", "", close);
  }
  function close() { sheet?.remove(); sheet = null; }

  // a click beside the controls brings the keys here and not to the notebook
  const clicked = (event) => {
    if (!event.target.closest("button, a, input, textarea, select, [tabindex], summary, canvas")) holder.focus({ preventScroll: true });
  };
  globalThis[Symbol.for("genolab.help.words")] = (at) => {
    const body = at.closest(".genolab-lab [class*=genolab-of-]");
    const name = [...(body?.classList ?? [])].find((each) => each.startsWith("genolab-of-"))?.slice(11);
    return model.get("content").help?.[name]?.[at.textContent];
  };
  const start = requestAnimationFrame(() => {
    holder = el.closest(".genolab-lab");
    if (!holder) return;
    holder.tabIndex = -1;
    holder.dataset.lmSuppressShortcuts = "true"; // Jupyter's own keys are not ours
    holder.addEventListener("keydown", pressed);
    holder.addEventListener("pointerdown", clicked);
    holder.addEventListener("genolab-keys", show);
  });
  return () => {
    cancelAnimationFrame(start);
    model.off("msg:custom", asked);
    close();
    holder?.removeEventListener("keydown", pressed);
    holder?.removeEventListener("pointerdown", clicked);
    holder?.removeEventListener("genolab-keys", show);
  };
}

const KINDS = { shelf, drawer, keys };

function render({ model, el }) {
  const kind = model.get("kind");
  el.classList.add(`genolab-${kind}`);
  // its place on the page is known one frame later
  let end = null, gone = false;
  requestAnimationFrame(() => { if (!gone) end = KINDS[kind]({ model, el }); });
  return () => { gone = true; end?.(); };
}

export default { render };
