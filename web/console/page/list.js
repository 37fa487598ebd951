// The list on the screen: only the rows in view are there, however many sessions there are.

import { button, make } from "./dom.js";
import { shown } from "./text.js";
import { ago, exactly } from "./time.js";

const HEIGHT = 62; // pixels of a row: the same as in style.css
const SPARE = 10; // rows beyond each edge, so that a fast scroll does not show the ground
const AHEAD = 60; // rows before the end at which the next page is wanted
const SETTLED = 200; // milliseconds without scrolling, after which what is in view will be looked at

export class List {
  #scroller;
  #ground;
  #rows = [];
  #drawn = new Map(); // by place: the row, and its element
  #open = null;
  #place = -1; // of the row that the keys are at
  #on;
  #settling;
  #drawing = false;

  // `on` has `open(row)`, `end()`: more rows are wanted, and `inView(rows)`.
  constructor(scroller, on) {
    this.#scroller = scroller;
    this.#on = on;
    this.#ground = make("div", { className: "ground" });
    scroller.append(this.#ground);
    scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#soon()).observe(scroller);
    scroller.addEventListener("click", (event) => this.#clicked(event));
  }

  show(rows) {
    const top = this.#rows[this.#first];
    const offset = this.#scroller.scrollTop - this.#first * HEIGHT;
    const at = this.#rows[this.#place];
    this.#rows = rows;
    this.#ground.style.height = `${rows.length * HEIGHT}px`;
    if (at !== undefined) this.#place = rows.findIndex((row) => row.key === at.key);
    // What somebody looks at stays where it is when rows come in above. At the top, the new is seen.
    if (top !== undefined && this.#scroller.scrollTop > HEIGHT) {
      const place = rows.findIndex((row) => row.key === top.key);
      if (place !== -1) this.#scroller.scrollTop = place * HEIGHT + offset;
    }
    this.#draw();
    this.#settle();
  }

  // Times grow old while nothing else changes.
  redraw() {
    this.#clear();
    this.#draw();
  }

  // Marks the session that is open.
  mark(id) {
    this.#open = id;
    if (this.#rows[this.#place]?.id !== id)
      this.#place = this.#rows.findIndex((row) => row.id === id);
    this.redraw();
  }

  toTop() {
    this.#scroller.scrollTop = 0;
    this.#place = -1;
  }

  // Moves by so many rows; the row is then what Enter opens.
  move(by) {
    if (this.#rows.length === 0) return;
    this.#place = Math.max(0, Math.min(this.#place + by, this.#rows.length - 1));
    const top = this.#place * HEIGHT;
    const low = top + HEIGHT - this.#scroller.clientHeight;
    this.#scroller.scrollTop = Math.min(top, Math.max(low, this.#scroller.scrollTop));
    this.redraw();
    this.#scroller.focus({ preventScroll: true });
  }

  enter() {
    const row = this.#rows[Math.max(this.#place, 0)];
    if (row !== undefined) this.#on.open(row);
  }

  get #first() {
    return Math.floor(this.#scroller.scrollTop / HEIGHT);
  }

  get #last() {
    return Math.ceil((this.#scroller.scrollTop + this.#scroller.clientHeight) / HEIGHT);
  }

  #soon() {
    this.#settle();
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #settle() {
    clearTimeout(this.#settling);
    this.#settling = setTimeout(
      () => this.#on.inView(this.#rows.slice(this.#first, this.#last)),
      SETTLED,
    );
  }

  #clear() {
    for (const { element } of this.#drawn.values()) element.remove();
    this.#drawn.clear();
  }

  #draw() {
    const from = Math.max(0, this.#first - SPARE);
    const to = Math.min(this.#rows.length, this.#last + SPARE);
    for (const [place, { row, element }] of this.#drawn) {
      if (place < from || place >= to || this.#rows[place] !== row) {
        element.remove();
        this.#drawn.delete(place);
      }
    }
    for (let place = from; place < to; place += 1) {
      if (!this.#drawn.has(place)) this.#drawOne(place);
    }
    const at = this.#drawn.get(this.#place)?.element;
    if (at === undefined) this.#scroller.removeAttribute("aria-activedescendant");
    else this.#scroller.setAttribute("aria-activedescendant", at.id);
    if (to + AHEAD >= this.#rows.length) this.#on.end();
  }

  #drawOne(place) {
    const row = this.#rows[place];
    const element = make(
      "div",
      {
        id: `row-${place}`,
        className: place === this.#place ? "row here" : "row",
        data: { place },
        attributes: {
          role: "option",
          "aria-selected": String(row.id === this.#open && row.trashId === undefined),
          "aria-setsize": String(this.#rows.length),
          "aria-posinset": String(place + 1),
        },
      },
      head(row),
      row.trashId === undefined ? facts(row) : buried(),
    );
    element.style.transform = `translateY(${place * HEIGHT}px)`;
    this.#ground.append(element);
    this.#drawn.set(place, { row, element });
  }

  #clicked(event) {
    const element = event.target.closest(".row");
    if (element === null) return;
    const row = this.#rows[Number(element.dataset.place)];
    if (row === undefined) return;
    this.#place = Number(element.dataset.place);
    this.#on.open(row, event.target.dataset.action);
  }
}

function head(row) {
  const title = make(
    "bdi",
    { className: "title", title: shown(row.id) },
    shown(row.title ?? row.id),
  );
  if (row.title === null) title.classList.add("untitled");
  const time = make("time", { title: exactly(row.at) }, ago(row.at));
  return make("div", { className: "head" }, title, time);
}

function facts(row) {
  const made = make("div", { className: "facts" });
  if (row.state === "running" || row.state === "waiting") {
    made.append(make("span", { className: `state ${row.state}` }, row.state));
  }
  if (row.note !== undefined) {
    if (row.role !== undefined) made.append(make("bdi", { className: "agent" }, shown(row.role)));
    const pieces = row.pieces ?? [row.note];
    const told = pieces.map((piece, place) => (place % 2 === 0 ? piece : make("mark", {}, piece)));
    made.append(make("bdi", { className: "note", title: row.note }, ...told));
    return made;
  }
  made.append(make("bdi", { className: "agent" }, shown(row.agent)));
  made.append(make("span", {}, row.count === 1 ? "1 message" : `${row.count} messages`));
  if (row.cwd !== undefined) {
    const folder = row.cwd.split(/[\\/]/).filter(Boolean).pop() ?? row.cwd;
    made.append(make("bdi", { className: "project", title: shown(row.cwd) }, shown(folder)));
  }
  return made;
}

function buried() {
  return make(
    "div",
    { className: "facts" },
    button("Undelete", "undelete"),
    button("Delete for good", "purge"),
  );
}
