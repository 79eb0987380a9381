// One array in words and as a histogram: what value.py says of it. Text only ever becomes textContent.

const SVG = "http://www.w3.org/2000/svg";

function make(name, parent, className = "", text = null) {
  const made = document.createElement(name);
  made.className = className;
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function shape(name, attributes, parent, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  parent.append(made);
  return made;
}

const WIDTH = 300, HEIGHT = 96, BASE = 74;

function histogram(value, parent) {
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: "img" }, parent);
  const most = Math.max(...value.counts), step = WIDTH / value.counts.length;
  value.counts.forEach((count, i) => {
    const height = count ? Math.max(1.5, (BASE - 4) * count / most) : 0;
    const bar = shape("rect", { class: "bar", x: i * step + 0.5, y: BASE - height, width: step - 1, height }, svg);
    shape("title", {}, bar, `${count.toLocaleString("en")} values from ${value.edges[i].toPrecision(4)} to ${value.edges[i + 1].toPrecision(4)}`);
  });
  shape("line", { class: "axis", x1: 0, x2: WIDTH, y1: BASE, y2: BASE }, svg);
  shape("text", { x: 0, y: HEIGHT - 6 }, svg, value.low);
  shape("text", { x: WIDTH, y: HEIGHT - 6, "text-anchor": "end" }, svg, value.high);
}

function render({ model, el }) {
  const root = make("div", el, "genolab-value");
  const draw = () => {
    const value = model.get("value");
    root.replaceChildren();
    make("b", root, "", value.title ?? "");
    if (value.note) make("div", root, "note", value.note);
    if (!value.rows) return;
    const table = make("dl", root);
    for (const [name, text] of value.rows) {
      make("dt", table, "", name);
      make("dd", table, "", text);
    }
    if (value.counts.length) histogram(value, root);
    if (value.first) make("code", root, "", value.first);
  };
  model.on("change:value", draw);
  draw();
  return () => model.off("change:value", draw);
}

export default { render };
