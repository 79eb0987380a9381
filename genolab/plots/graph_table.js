// The nodes of a graph as a table: sorted by a click on a heading, chosen by a click on a row.

const COLUMNS = [["node", "label"], ["kind", "kind"], ["name", "name"], ["dtype", "dtype"], ["shape", "shape"], ["op", "op"]];
const MEASURED = ["measured", "measured"]; // a column only where something was

function make(name, parent, text = null) {
  const made = document.createElement(name);
  if (text !== null) made.textContent = text;
  parent?.append(made);
  return made;
}

function render({ model, el }) {
  const root = make("div", el);
  root.className = "genolab-graph-table";
  let order = null; // {key, down}
  let rows = new Map();

  function draw() {
    const table = make("table", null), rest = model.get("rest");
    const columns = model.get("nodes").some((node) => node.measured) ? [COLUMNS[0], MEASURED, ...COLUMNS.slice(1)] : COLUMNS;
    const head = make("tr", make("thead", table));
    for (const [title, key] of columns) {
      const cell = make("th", head);
      const arrow = order?.key === key ? (order.down ? " ▾" : " ▴") : "";
      if (arrow) cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      const sort = make("button", cell, title + arrow);
      sort.type = "button";
      sort.addEventListener("click", () => {
        order = { key, down: order?.key === key && !order.down };
        draw();
      });
    }
    const nodes = [...model.get("nodes")];
    if (order) {
      const sign = order.down ? -1 : 1;
      if (order.key === "measured") nodes.sort((a, b) => sign * ((a.share ?? -1) - (b.share ?? -1)));
      else nodes.sort((a, b) => sign * a[order.key].localeCompare(b[order.key], undefined, { numeric: true }));
    }
    const body = make("tbody", table);
    rows = new Map();
    for (const node of nodes) {
      const row = make("tr", body);
      for (const [, key] of columns) make("td", row, node[key]);
      row.addEventListener("click", () => {
        model.set("selected", node.id);
        model.save_changes();
      });
      rows.set(node.id, row);
    }
    if (rest.length) {
      const row = make("tr", make("tfoot", table));
      make("td", row, rest[0]);
      make("td", row, rest[1]).colSpan = columns.length - 1;
    }
    root.replaceChildren(table);
    mark();
  }

  function mark() {
    for (const [id, row] of rows) row.classList.toggle("selected", id === model.get("selected"));
  }

  function choose() {
    mark();
    const row = rows.get(model.get("selected"));
    if (!row) return;
    const above = row.offsetTop - 28 < root.scrollTop, below = row.offsetTop + row.offsetHeight > root.scrollTop + root.clientHeight;
    if (above || below) root.scrollTop = row.offsetTop - root.clientHeight / 2; // scrolls the table alone, never the page
  }

  model.on("change:nodes change:rest", draw);
  model.on("change:selected", choose);
  draw();
  return () => {
    model.off("change:nodes change:rest", draw);
    model.off("change:selected", choose);
  };
}

export default { render };
