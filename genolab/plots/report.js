// A report's own script: draws the figures from their data, and sorts a table by the column whose head is clicked.
(() => {
  const data = document.getElementById("genolab-figures");
  for (const { id, content } of data ? JSON.parse(data.textContent) : []) {
    const place = document.getElementById(id);
    const made = Bokeh.require("document").Document.from_json(content);
    Bokeh.require("embed/standalone").add_document_standalone(made, place)
      .then(() => { place.dataset.drawn = "yes"; })
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
