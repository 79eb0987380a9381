// Draws the graph that graph.py laid out: pan, zoom, search, open, tooltips, pictures. Text only ever becomes textContent.

const SVG = "http://www.w3.org/2000/svg";
const CLOSEST = 3, FARTHEST = 0.05, LEGIBLE = 0.8, MARGIN = 20;

function make(name, attributes = {}, parent = null, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function html(name, className, parent, text = null) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

// One outline per kind, so that colour is never the only difference.
const cut = (points) => `M${points.map(([x, y]) => `${x},${y}`).join("L")}Z`;
const round = (w, h, r) => `M${r},0H${w - r}A${r},${r} 0 0 1 ${w},${r}V${h - r}A${r},${r} 0 0 1 ${w - r},${h}H${r}A${r},${r} 0 0 1 0,${h - r}V${r}A${r},${r} 0 0 1 ${r},0Z`;
const OUTLINES = {
  "input": (w, h) => [round(w, h, h / 2)],
  "output": (w, h) => [round(w, h, h / 2), round(w, h, h / 2)],
  "constant": (w, h) => [round(w, h, 3)],
  "elementwise": (w, h) => [round(w, h, 8)],
  "reduction": (w, h) => [cut([[0, 0], [w, 0], [w - 10, h], [10, h]])],
  "matrix product": (w, h) => [cut([[0, 0], [w, 0], [w, h], [0, h]])],
  "shape": (w, h) => [cut([[9, 0], [w, 0], [w - 9, h], [0, h]])],
  "index": (w, h) => [cut([[9, 0], [w - 9, 0], [w, h / 2], [w - 9, h], [9, h], [0, h / 2]])],
  "scan": (w, h) => [round(w, h, 3), `M6,0V${h}M${w - 6},0V${h}`],
  "kernel": (w, h) => [round(w, h, 8), `M4,7A5,5 0 0 1 9,4H${w - 9}A5,5 0 0 1 ${w - 4},9V${h - 9}A5,5 0 0 1 ${w - 9},${h - 4}H9A5,5 0 0 1 4,${h - 9}Z`],
  "random": (w, h) => [cut([[10, 0], [w - 10, 0], [w, 10], [w, h - 10], [w - 10, h], [10, h], [0, h - 10], [0, 10]])],
  "other": (w, h) => [round(w, h, 14)],
};

function outline(parent, kind, width, height, isFrame) {
  const [body, ...lines] = isFrame ? [round(width, height, 8)] : (OUTLINES[kind] ?? OUTLINES.other)(width, height);
  make("path", { class: isFrame ? "frame" : "shape", d: body }, parent);
  for (const line of lines) make("path", { class: "line", d: line }, parent);
}

// Curves leave and arrive along the flow of the graph.
function curve(points, flow) {
  let path = `M${points[0][0]},${points[0][1]}`;
  for (let i = 1; i < points.length; i++) {
    const [x0, y0] = points[i - 1], [x1, y1] = points[i];
    const mx = (x0 + x1) / 2, my = (y0 + y1) / 2;
    if (x0 === x1 || y0 === y1) path += `L${x1},${y1}`;
    else path += flow === "right" ? `C${mx},${y0} ${mx},${y1} ${x1},${y1}` : `C${x0},${my} ${x1},${my} ${x1},${y1}`;
  }
  return path;
}

// Jupyter's keys (0 0 restarts a kernel) are not ours; it asks the element that has the focus first, then those around it.
const keepKeys = (element) => element.setAttribute("data-lm-suppress-shortcuts", "true");

function render({ model, el }) {
  const root = html("div", "genolab-graph", el);
  root.tabIndex = 0;
  keepKeys(root);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Compute graph. Arrows move, plus and minus zoom, 0 fits, Tab goes from node to node, Enter opens.");
  const about = html("div", "genolab-graph-about", root);
  const bar = html("div", "genolab-graph-bar", root);
  const svg = make("svg", { class: "genolab-graph-stage" }, root);
  const legend = html("div", "genolab-graph-legend", root);
  const tip = html("div", "genolab-graph-tip", root);
  tip.hidden = true;

  let graph = model.get("graph");
  let box = { x: 0, y: 0, scale: 1 }; // left top corner in the graph's pixels, and screen pixels for one of them
  let isFitted = true; // until a person moves or zooms, a new layout is fitted again
  let anchor = null; // the node that was opened, and where it was on the screen
  let groups = new Map();

  const size = () => ({ width: svg.clientWidth || 800, height: svg.clientHeight || model.get("height") });
  const look = () => {
    const { width, height } = size();
    svg.setAttribute("viewBox", `${box.x} ${box.y} ${width / box.scale} ${height / box.scale}`);
  };
  const whole = () => {
    const { width, height } = size();
    return Math.min((width - 2 * MARGIN) / graph.width, (height - 2 * MARGIN) / graph.height, 1.15);
  };
  const show = (scale) => {
    const { width, height } = size();
    const place = (length, room) => (length * scale > room - MARGIN ? -MARGIN / scale : (length - room / scale) / 2);
    box = { scale, x: place(graph.width, width), y: place(graph.height, height) };
    look();
  };
  const fit = () => { isFitted = true; show(whole()); };
  const start = () => { isFitted = true; show(Math.max(whole(), LEGIBLE)); }; // a large graph begins at its inputs, readable
  const zoom = (factor, px, py) => {
    const scale = Math.min(CLOSEST, Math.max(Math.min(FARTHEST, whole()), box.scale * factor));
    box.x += px / box.scale - px / scale;
    box.y += py / box.scale - py / scale;
    box.scale = scale;
    isFitted = false;
    look();
  };
  const zoomMiddle = (factor) => { const { width, height } = size(); zoom(factor, width / 2, height / 2); };
  const move = (dx, dy) => { box.x += dx / box.scale; box.y += dy / box.scale; isFitted = false; look(); };
  const reveal = (node) => {
    const { width, height } = size();
    const left = (node.x - box.x) * box.scale, top = (node.y - box.y) * box.scale;
    if (left < 0 || top < 0 || left + node.width * box.scale > width || top + Math.min(node.height, 60) * box.scale > height) {
      box.x = node.x + node.width / 2 - width / box.scale / 2;
      box.y = node.y + node.height / 2 - height / box.scale / 2;
      isFitted = false;
      look();
    }
  };

  // --- the bar

  const search = html("input", "", bar);
  search.type = "search";
  keepKeys(search);
  search.placeholder = "search nodes";
  search.setAttribute("aria-label", "search nodes");
  const found = html("span", "genolab-graph-found", bar);
  html("span", "genolab-graph-space", bar);
  const button = (text, title, act) => {
    const made = html("button", "", bar, text);
    made.type = "button";
    made.title = title;
    keepKeys(made);
    made.addEventListener("click", act);
  };
  button("⤢", "let the graph run down or to the right", () => {
    isFitted = true;
    model.set("flow", model.get("flow") === "down" ? "right" : "down");
    model.save_changes();
  });
  button("−", "zoom out (−)", () => zoomMiddle(1 / 1.25));
  button("+", "zoom in (+)", () => zoomMiddle(1.25));
  button("fit", "show the whole graph (0)", fit);
  const background = () => getComputedStyle(root).backgroundColor;
  const name = () => model.get("name") || "graph";
  button("SVG", "save the picture as SVG", () => download(`${name()}.svg`, new Blob([standalone(svg, graph, background()).text], { type: "image/svg+xml" })));
  button("PNG", "save the picture as PNG", async () => download(`${name()}.png`, await toPng(standalone(svg, graph, background()))));
  button("JSON", "save nodes and edges as JSON", () => download(`${name()}.json`, new Blob([JSON.stringify(graph, null, 1)], { type: "application/json" })));

  // --- the tooltip

  const describe = (node) => {
    const names = { source: new Set(), target: new Set() };
    const label = new Map(graph.nodes.map((other) => [other.id, other.label]));
    for (const edge of graph.edges) {
      if (edge.target === node.id) names.source.add(label.get(edge.source));
      if (edge.source === node.id) names.target.add(label.get(edge.target));
    }
    const marks = [node.in_place && "in place: overwrites its input", node.view && "a view: shares its input's memory"];
    return [
      ["kind", node.kind], ["name", node.name], ["op", node.op], ["measured", node.measured], ["dtype", node.dtype], ["shape", node.shape],
      ["from", [...names.source].join(", ")], ["to", [...names.target].join(", ")], ["memory", marks.filter(Boolean).join("; ")],
      ["inside", node.openable ? `${node.inside} nodes; click to ${node.open ? "close" : "open"}` : ""],
    ].filter(([, value]) => value);
  };
  const showTip = (node, x, y) => {
    tip.replaceChildren();
    html("b", "", tip, node.label);
    for (const [key, value] of describe(node)) {
      const row = html("div", "", tip);
      html("span", "", row, key);
      html("span", "", row, value);
    }
    tip.hidden = false;
    const room = root.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, room.width - tip.offsetWidth - 6))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > room.height ? Math.max(4, y - tip.offsetHeight - 10) : y + 18}px`;
  };
  const near = (node) => {
    for (const edge of svg.querySelectorAll(".edge")) {
      edge.classList.toggle("near", !!node && (edge.dataset.source === node.id || edge.dataset.target === node.id));
    }
  };
  const leave = () => { tip.hidden = true; near(null); };

  // --- drawing

  const toggle = (node) => {
    const opened = model.get("opened");
    anchor = { id: node.id, x: (node.x - box.x) * box.scale, y: (node.y - box.y) * box.scale };
    model.set("opened", node.open ? opened.filter((id) => id !== node.id && !id.startsWith(`${node.id}/`)) : [...opened, node.id]);
    model.save_changes();
  };
  const choose = (node) => {
    model.set("selected", node.id);
    model.save_changes();
    if (node.openable) toggle(node);
  };

  function drawNode(layer, node) {
    const classes = ["node", `kind-${node.kind.replace(" ", "-")}`];
    for (const [name, holds] of [["openable", node.openable], ["marked", node.marked], ["measured", node.share !== null]]) if (holds) classes.push(name);
    const group = make("g", { class: classes.join(" "), "data-id": node.id, tabindex: 0, transform: `translate(${node.x},${node.y})` }, layer);
    keepKeys(group);
    group.setAttribute("role", node.openable ? "button" : "img");
    group.setAttribute("aria-label", `${node.label}, ${node.kind}, ${node.type}`);
    if (node.openable) group.setAttribute("aria-expanded", node.open);
    outline(group, node.kind, node.width, node.height, node.open);
    if (node.share !== null) {
      group.style.setProperty("--share", `${Math.round(15 + 75 * node.share ** 0.5)}%`);
      make("rect", { class: "bar", x: 3, y: node.height - 5, width: Math.max(1, (node.width - 6) * node.share), height: 4 }, group);
    }
    const sign = node.openable ? (node.open ? "▾ " : "▸ ") : "";
    if (node.open) {
      make("text", { class: "label", x: 14, y: 24 }, group, sign + node.label);
      make("text", { class: "type", x: node.width - 14, y: 23, "text-anchor": "end" }, group, node.type);
    } else if (node.kind === "constant") {
      make("text", { class: "label", x: node.width / 2, y: node.height / 2 + 4.5, "text-anchor": "middle" }, group, node.label);
    } else {
      make("text", { class: "label", x: node.width / 2, y: 18, "text-anchor": "middle" }, group, sign + node.label);
      make("text", { class: "type", x: node.width / 2, y: 33, "text-anchor": "middle" }, group, node.measured || node.type);
    }
    if (node.in_place) make("circle", { class: "shape", cx: node.width - 12, cy: 0, r: 4 }, group);
    const at = (event) => { const r = root.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
    group.addEventListener("pointermove", (event) => { if (!drag?.moved) { showTip(node, ...at(event)); near(node); } });
    group.addEventListener("pointerleave", leave);
    group.addEventListener("focus", () => {
      if (!group.matches(":focus-visible")) return;
      reveal(node);
      const r = group.getBoundingClientRect(), outer = root.getBoundingClientRect();
      showTip(node, r.left - outer.left, Math.min(r.bottom - outer.top, outer.height / 2));
      near(node);
    });
    group.addEventListener("blur", leave);
    group.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(node); }
    });
    groups.set(node.id, { group, node });
  }

  function draw() {
    graph = model.get("graph");
    const focused = document.activeElement?.dataset?.id ?? root.getRootNode().activeElement?.dataset?.id;
    leave();
    svg.replaceChildren();
    groups = new Map();
    const arrow = `genolab-arrow-${Math.random().toString(36).slice(2)}`;
    const marker = make("marker", { id: arrow, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto", markerUnits: "userSpaceOnUse" }, make("defs", {}, svg));
    make("path", { class: "tip-of-edge", d: "M0,0.5L8,4L0,7.5Z" }, marker);
    // frames under the edges inside them, all other nodes over every edge
    const frames = make("g", {}, svg), edges = make("g", {}, svg), nodes = make("g", {}, svg);
    for (const node of graph.nodes) drawNode(node.open ? frames : nodes, node);
    for (const edge of graph.edges) {
      make("path", { class: "edge", d: curve(edge.points, graph.flow), "marker-end": `url(#${arrow})`, "data-source": edge.source, "data-target": edge.target }, edges);
    }
    drawLegend();
    mark();
    const back = anchor && groups.get(anchor.id)?.node;
    if (isFitted) (whole() >= LEGIBLE ? fit : start)();
    else if (back) { box.x = back.x - anchor.x / box.scale; box.y = back.y - anchor.y / box.scale; look(); }
    else look();
    anchor = null;
    const put = graph.nodes.find((node) => node.marked);
    if (put) reveal(put);
    if (focused) groups.get(focused)?.group.focus({ preventScroll: true });
  }

  function drawLegend() {
    legend.replaceChildren();
    const kinds = new Set(graph.nodes.map((node) => node.kind));
    for (const kind of Object.keys(OUTLINES).filter((kind) => kinds.has(kind))) {
      const entry = html("span", "", legend);
      const icon = make("svg", { width: 30, height: 16, viewBox: "-1 -1 44 24", "aria-hidden": "true" }, entry);
      outline(make("g", { class: `kind-${kind.replace(" ", "-")}` }, icon), kind, 42, 22, false);
      html("span", "", entry, kind);
    }
    if (graph.nodes.some((node) => node.in_place)) html("span", "", legend, "○ on the edge: works in place");
    if (graph.nodes.some((node) => node.openable)) html("span", "", legend, "▸ click to open");
    if (graph.nodes.some((node) => node.marked)) html("span", "", legend, "┅ dashed: put in by this rewrite");
    if (graph.nodes.some((node) => node.share !== null)) html("span", "", legend, "▂ bar and depth of colour: share of the whole");
  }

  function mark() {
    const query = search.value.trim().toLowerCase(), selected = model.get("selected");
    let hits = 0;
    for (const { group, node } of groups.values()) {
      const isHit = !query || [node.label, node.op, node.name, node.kind, node.type].some((text) => text.toLowerCase().includes(query));
      hits += isHit;
      group.classList.toggle("dim", !isHit);
      group.classList.toggle("selected", node.id === selected);
    }
    found.textContent = query ? `${hits} of ${groups.size}` : "";
  }

  // --- hands

  let drag = null;
  svg.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, moved: false, node: event.target.closest(".node")?.dataset.id };
  });
  svg.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const dx = event.clientX - drag.x, dy = event.clientY - drag.y;
    if (!drag.moved && Math.hypot(dx, dy) < 4) return;
    if (!drag.moved) { svg.setPointerCapture(event.pointerId); leave(); svg.classList.add("moving"); }
    Object.assign(drag, { x: event.clientX, y: event.clientY, moved: true });
    move(-dx, -dy);
  });
  const release = (event) => {
    svg.classList.remove("moving");
    const node = drag && !drag.moved && event.type === "pointerup" ? groups.get(drag.node)?.node : null;
    drag = null;
    if (node) choose(node);
  };
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    const { left, top } = svg.getBoundingClientRect();
    const lines = event.deltaMode === 1 ? 16 : 1;
    zoom(Math.exp(-event.deltaY * lines * 0.0015), event.clientX - left, event.clientY - top);
  }, { passive: false });
  root.addEventListener("keydown", (event) => {
    if (event.target === search || event.ctrlKey || event.metaKey || event.altKey) return;
    const acts = {
      ArrowLeft: () => move(-60, 0), ArrowRight: () => move(60, 0), ArrowUp: () => move(0, -60), ArrowDown: () => move(0, 60),
      "+": () => zoomMiddle(1.25), "=": () => zoomMiddle(1.25), "-": () => zoomMiddle(1 / 1.25), "0": fit, Escape: leave,
    };
    if (!acts[event.key]) return;
    acts[event.key]();
    event.preventDefault();
    event.stopPropagation();
  });
  search.addEventListener("input", mark);
  search.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") {
      const first = [...groups.values()].find(({ group }) => !group.classList.contains("dim"));
      if (first) reveal(first.node);
    }
  });

  // --- what is said above the drawing; names and symbols of nodes lead to them

  const named = (name) => {
    const all = [...groups.values()], called = all.filter(({ node }) => node.label === name);
    return called.length ? called : all.filter(({ node }) => node.name === name);
  };
  const hint = (element, name) => {
    element.classList.add("genolab-graph-name");
    element.addEventListener("pointerenter", () => { for (const { group } of named(name)) group.classList.add("named"); });
    element.addEventListener("pointerleave", () => { for (const { group } of groups.values()) group.classList.remove("named"); });
    element.addEventListener("click", () => {
      const first = named(name)[0];
      if (!first) return;
      model.set("selected", first.node.id);
      model.save_changes();
      reveal(first.node);
    });
  };
  const words = (parent, text) => {
    for (const word of text.split(/(\w+)/)) {
      if (word && named(word).length) hint(html("span", "", parent, word), word);
      else parent.append(word);
    }
  };
  const tell = () => {
    about.replaceChildren();
    about.hidden = !model.get("heading") && !model.get("about").length;
    words(html("code", "", about), model.get("heading"));
    const said = html("div", "", about);
    for (const part of model.get("about")) {
      if (part.math) said.append(formula(part.math, hint));
      else if (part.code !== undefined) words(html("code", "", said), part.code);
      else said.append(part.text);
    }
  };
  const resize = () => { svg.style.height = `${model.get("height")}px`; };
  const selected = () => { mark(); const hit = groups.get(model.get("selected")); if (hit) reveal(hit.node); };
  const answers = { "change:graph": () => { draw(); tell(); }, "change:selected": selected, "change:height": resize, "change:heading change:about": tell };
  for (const [event, answer] of Object.entries(answers)) model.on(event, answer);
  resize();
  draw();
  tell();
  // the first size is known when the widget is on the page, and changes with it
  const watch = new ResizeObserver(() => { if (!svg.clientWidth) return; isFitted ? (whole() >= LEGIBLE ? fit : start)() : look(); });
  watch.observe(svg);
  return () => {
    watch.disconnect();
    for (const [event, answer] of Object.entries(answers)) model.off(event, answer);
  };
}

export default { render };
