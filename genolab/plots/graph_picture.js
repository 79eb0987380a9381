// The graph as a file: SVG and PNG on their own. `graph.py` puts this before graph.js, into one module.

function download(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The picture on its own: what the page's style sheets say is written into every element.
const STYLES = ["fill", "stroke", "stroke-width", "stroke-linejoin", "opacity", "font-family", "font-size", "font-weight", "text-anchor"];
function standalone(svg, graph, background) {
  const copy = svg.cloneNode(true);
  const [from, to] = [svg.querySelectorAll("*"), copy.querySelectorAll("*")];
  to.forEach((element, i) => {
    const style = getComputedStyle(from[i]);
    element.setAttribute("style", STYLES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(";"));
  });
  const width = graph.width + 2 * MARGIN, height = graph.height + 2 * MARGIN;
  copy.setAttribute("xmlns", SVG);
  copy.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  copy.removeAttribute("style");
  copy.prepend(make("rect", { x: -MARGIN, y: -MARGIN, width, height, fill: background }));
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

async function toPng({ text, width, height }) {
  const image = new Image();
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    image.src = url;
    await image.decode();
    const scale = Math.min(2, 8000 / Math.max(width, height));
    const canvas = document.createElement("canvas");
    canvas.width = width * scale;
    canvas.height = height * scale;
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}
