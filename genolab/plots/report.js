// A report's own script: draws the figures from their data, light or dark as the page is, and sorts a table by the
// column whose head is clicked.
(() => {
  const data = document.getElementById("genolab-figures");
  const asked = matchMedia("screen and (prefers-color-scheme: dark)"); // as in the style sheet
  const figures = [];

  // Sets what differs between the themes; what was light is kept, to go back.
  function dye(figure, dark) {
    if (figure.dark === dark) return;
    figure.dark = dark;
    for (const { model, values } of figure.changes) {
      const before = Object.fromEntries(Object.keys(values).map((name) => [name, model[name]]));
      figure.light.set(model, figure.light.get(model) ?? before);
      model.setv(dark ? values : figure.light.get(model));
    }
  }
  const dyeAll = (dark) => figures.forEach((figure) => dye(figure, dark));
  asked.addEventListener("change", () => dyeAll(asked.matches));
  addEventListener("beforeprint", () => {
    dyeAll(false);
    for (const { views } of figures) { // the page is taken before the next frame, so they are painted now
      for (const view of views?.query((each) => typeof each.repaint === "function") ?? []) view.repaint();
    }
  });
  addEventListener("afterprint", () => dyeAll(asked.matches));

  for (const { id, content, dark } of data ? JSON.parse(data.textContent) : []) {
    const place = document.getElementById(id);
    const made = Bokeh.require("document").Document.from_json(content);
    const changes = dark.map(({ id: name, values }) => ({ model: made.get_model_by_id(name), values }));
    const figure = { changes, dark: false, light: new Map(), views: null };
    figures.push(figure);
    dye(figure, asked.matches);
    Bokeh.require("embed/standalone").add_document_standalone(made, place)
      .then((views) => { figure.views = views; place.dataset.drawn = "yes"; })
      .catch((error) => { place.textContent = `This plot could not be drawn: ${error.message}`; });
  }
  for (const table of document.querySelectorAll("table")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => head.querySelector("button").addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const key = (row) => {
        const cell = row.cells[column];
        return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
      };
      const order = (a, b) => (typeof a === "number" ? (a < b ? -1 : a > b ? 1 : 0) : a.localeCompare(b));
      const rows = [...table.tBodies[0].rows].sort((a, b) => (up ? 1 : -1) * order(key(a), key(b)));
      table.tBodies[0].append(...rows);
    }));
  }
})();
