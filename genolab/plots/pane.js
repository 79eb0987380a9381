// The browser's half of pane.py: loads BokehJS from the kernel, draws snapshots, applies patches, reports what a person does.

// BokehJS lives in an object of its own, one per version, so another Bokeh on the page is neither used nor disturbed.
const PAGE = (globalThis[Symbol.for("genolab.bokeh")] ??= new Map());

async function library(model) {
  const manager = model.widget_manager;
  const bundles = await Promise.all(
    model.get("libraries").map((reference) =>
      typeof reference === "string" ? manager.get_model(reference.replace("IPY_MODEL_", "")) : reference,
    ),
  );
  const version = bundles[0].get("version");
  if (!PAGE.has(version)) PAGE.set(version, { root: {}, loaded: new Map() });
  const page = PAGE.get(version);
  for (const bundle of bundles) {
    const name = bundle.get("name");
    if (!page.loaded.has(name)) {
      page.loaded.set(name, unpack(bundle.get("code")).then((code) => {
        new Function(code).call(page.root); // a bundle hangs itself onto `this`
      }));
    }
    await page.loaded.get(name);
  }
  return page.root.Bokeh;
}

async function unpack(code) {
  const stream = new Blob([code]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

function decode(message, buffers) {
  // a copy, because typed arrays need aligned memory
  const bytes = new Map(message.buffers.map((id, i) => {
    const { buffer, byteOffset, byteLength } = buffers[i];
    return [id, buffer.slice(byteOffset, byteOffset + byteLength)];
  }));
  return JSON.parse(message.content, (_key, value) =>
    value?.type === "bytes" && value.data?.id !== undefined ? { type: "bytes", data: { buffer: bytes.get(value.data.id) } } : value,
  );
}

const ARRAYS = {
  uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
  uint32: Uint32Array, int32: Int32Array, float32: Float32Array, float64: Float64Array,
};

function plain(patch) {
  return JSON.parse(JSON.stringify(patch, (_key, value) => {
    const buffer = value?.array?.data?.buffer;
    return buffer instanceof ArrayBuffer && ARRAYS[value.dtype] ? Array.from(new ARRAYS[value.dtype](buffer)) : value;
  }));
}

// Two animation frames: the first may be before the paint. A hidden page gets no frames, so a timer stands in.
function painted() {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, 250);
    requestAnimationFrame(() => requestAnimationFrame(() => { clearTimeout(timer); resolve(); }));
  });
}

function background(element) {
  for (let at = element; at; at = at.parentElement ?? at.getRootNode()?.host) {
    const colour = getComputedStyle(at).backgroundColor;
    const parts = colour.match(/[\d.]+/g)?.map(Number);
    if (parts && (parts.length < 4 || parts[3] > 0.5)) return { colour, light: 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] > 128 };
  }
  return { colour: "rgb(255, 255, 255)", light: true };
}

function isDark(element) {
  const said = document.body.dataset.jpThemeLight;
  return said === undefined ? !background(element).light : said === "false";
}

async function draw(Bokeh, content, element) {
  const drawn = Bokeh.require("document").Document.from_json(content);
  return { document: drawn, views: await Bokeh.require("embed/standalone").add_document_standalone(drawn, element) };
}

function erase(Bokeh, { document: drawn, views }) {
  views.clear();
  drawn.clear({ sync: false });
  const all = Bokeh.require("document").documents;
  if (all.includes(drawn)) all.splice(all.indexOf(drawn), 1);
}

// Draws the plot once more out of sight, with vectors for an SVG, on the colour of the page.
async function picture(Bokeh, message, buffers, shown) {
  const { width, height } = shown.getBoundingClientRect();
  const { colour } = background(shown);
  const stage = document.createElement("div");
  stage.style.cssText = `position: fixed; left: -20000px; top: 0; width: ${width}px; height: ${height}px; background: ${colour}`;
  shown.getRootNode().host ? shown.parentElement.append(stage) : document.body.append(stage);
  const content = decode(message, buffers);
  const copy = Bokeh.require("document").Document.from_json(content);
  for (const model of copy.all_models) {
    if (!("output_backend" in model.properties)) continue;
    model.output_backend = message.picture === "svg" ? "svg" : "canvas";
    model.background_fill_color ??= colour;
    model.border_fill_color ??= colour;
  }
  const views = await Bokeh.require("embed/standalone").add_document_standalone(copy, stage);
  try {
    if (!copy.is_idle) {
      await new Promise((resolve, reject) => {
        copy.idle.connect(resolve);
        setTimeout(() => reject(new Error("the plot was not drawn within 10 seconds")), 10000);
      });
    }
    const layer = views.get(copy.roots()[0]).export(message.picture, true);
    if (message.picture === "svg") return new Blob([layer.ctx.get_serialized_svg(true)], { type: "image/svg+xml" });
    return await new Promise((resolve) => layer.canvas.toBlob(resolve, "image/png"));
  } finally {
    erase(Bokeh, { document: copy, views });
    stage.remove();
  }
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The frame of a change that is not on the screen yet. Frames of other panes wait for it, so that what was changed first
// is seen first; those that waited are applied together. It hangs on the page: each pane runs a copy of this file.
const TURN = (globalThis[Symbol.for("genolab.turn")] ??= { ahead: null }); // {view, done}

function precede(view, painted) {
  const done = painted.then(() => new Promise((resolve) => setTimeout(resolve))); // what else waits for the paint goes first
  const mine = (TURN.ahead = { view, done });
  done.then(() => { if (TURN.ahead === mine) TURN.ahead = null; });
}

const FORWARD = new Set(["ModelChanged", "MessageSent"]);
const NEWEST_ONLY = new Set(["mousemove", "pan", "pinch", "wheel", "rangesupdate"]);

function render({ model, el }) {
  const view = Math.random().toString(36).slice(2);
  let Bokeh = null;
  let shown = null; // {document, views}
  let sequence = -1;
  let quiet = false; // while a patch from the kernel is applied
  let closed = false;
  let outbox = new Map();
  let waiting = false; // for the kernel to have heard the last message
  let scheduled = false;
  let work = Promise.resolve(); // messages are handled strictly one after another

  const say = (message, buffers) => { if (!closed) model.send({ view, ...message }, undefined, buffers); };
  const hello = () => say({ kind: "hello", dark: isDark(el) });
  el.classList.add("genolab-pane");

  const report = () => {
    scheduled = false;
    if (waiting || closed || outbox.size === 0 || !shown) return;
    const events = [...outbox.values()].filter((event) => event.document === shown.document);
    outbox = new Map();
    if (!events.length) return;
    waiting = true;
    say({ kind: "patch", events: plain(shown.document.create_json_patch(events)).events });
  };
  const schedule = () => {
    if (scheduled || waiting) return;
    scheduled = true;
    document.hidden ? setTimeout(report, 50) : requestAnimationFrame(report);
  };
  const notice = (event) => {
    if (quiet || event.sync === false || !FORWARD.has(event.kind)) return;
    let key = Symbol();
    if (event.kind === "ModelChanged") key = `${event.model.id}.${event.attr}`;
    else if (NEWEST_ONLY.has(event.msg_data?.event_name)) key = `${event.msg_data.event_name}.${event.msg_data.origin?.id}`;
    outbox.delete(key);
    outbox.set(key, event);
    schedule();
  };

  async function snapshot(message, buffers) {
    Bokeh = await library(model);
    if (closed) return;
    const content = decode(message, buffers);
    const old = shown;
    const target = document.createElement("div");
    target.style.width = "100%";
    outbox = new Map();
    if (old) erase(Bokeh, old);
    el.replaceChildren(target);
    shown = await draw(Bokeh, content, target);
    shown.document.on_change(notice);
    sequence = message.sequence;
    if (closed) return erase(Bokeh, shown);
    await painted();
    el.dataset.sequence = sequence;
    say({ kind: "painted", sequence });
  }

  async function patch(message, buffers) {
    if (!shown || message.sequence <= sequence) return; // the snapshot that is coming, or came, is newer
    if (message.sequence !== sequence + 1) return hello();
    await library(model); // a new kind of model may need another bundle
    const follows = TURN.ahead !== null && TURN.ahead.view !== view;
    if (follows) await TURN.ahead.done;
    if (closed) return;
    const content = decode(message, buffers);
    content.events = content.events.filter((_event, i) => message.authors[i] !== view);
    quiet = true;
    try {
      shown.document.apply_json_patch(content);
    } finally {
      quiet = false;
    }
    sequence = message.sequence;
    // not awaited: the next frame may be applied before this one is on the screen
    const done = painted();
    if (!follows) precede(view, done);
    done.then(() => {
      if (!closed) el.dataset.sequence = message.sequence;
      say({ kind: "painted", sequence: message.sequence });
    });
  }

  async function exported(message, buffers) {
    try {
      const blob = await picture(Bokeh, message, buffers, el.firstElementChild);
      if (message.name) save(blob, message.name);
      else say({ kind: "exported", id: message.id }, [await blob.arrayBuffer()]);
    } catch (error) {
      console.error("genolab: picture", error);
      if (message.id) say({ kind: "exported", id: message.id, error: String(error) });
    }
  }

  function complain(error) {
    console.error("genolab: plot", error);
    const text = document.createElement("div");
    text.setAttribute("role", "alert");
    text.textContent = `The plot could not be drawn: ${error.message}. Reload the page; if it stays, run the cell again.`;
    el.replaceChildren(text);
    shown = null;
  }

  async function handle(message, buffers) {
    if (closed) return;
    if (message.kind === "snapshot" && message.view === view) await snapshot(message, buffers).catch(complain);
    else if (message.kind === "export" && message.view === view) await exported(message, buffers);
    else if (message.kind === "heard" && message.view === view) { waiting = false; schedule(); }
    else if (message.kind === "patch") {
      await patch(message, buffers).catch((error) => { console.error("genolab: patch", error); hello(); });
    }
  }
  const listen = (message, buffers) => { work = work.then(() => handle(message, buffers)); };

  const watch = new MutationObserver(() => say({ kind: "theme", dark: isDark(el) }));
  watch.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light"] });
  const leave = () => say({ kind: "bye" }); // so that nobody waits for a page that was closed
  globalThis.addEventListener("pagehide", leave);
  let pause = null;
  const ruler = new ResizeObserver(([{ contentRect }]) => {
    clearTimeout(pause);
    const [width, height] = [Math.round(contentRect.width), Math.round(contentRect.height)];
    pause = setTimeout(() => { if (width && height) say({ kind: "size", width, height }); }, 50);
  });
  ruler.observe(el);
  model.on("msg:custom", listen);
  hello();

  return () => {
    leave();
    globalThis.removeEventListener("pagehide", leave);
    closed = true;
    watch.disconnect();
    ruler.disconnect();
    model.off("msg:custom", listen);
    work.then(() => { if (shown) erase(Bokeh, shown); });
  };
}

export default { render };
