// Messages that are still being written, as they grow.

import { make } from "./dom.js";
import { line, shown } from "./text.js";

const PIECE = 2_000; // characters of an element: only the last one is laid out anew when it grows
const LONGEST = 20_000; // of one without a line break

export class Drafts {
  #element;
  #growing;
  #drafts = new Map(); // by the message's id: the row, its parts, and what waits for the next frame
  #waiting = false;

  // `growing(change)` runs a change that makes the conversation longer.
  constructor(element, growing) {
    this.#element = element;
    this.#growing = growing;
    element.replaceChildren();
  }

  take({ message_id: id, role, part, offset, text, interrupted = false, dropped = false }) {
    if (dropped || offset === 0) this.#forget(id);
    if (dropped) return;
    const draft = this.#drafts.get(id) ?? this.#begin(id, role);
    draft.row.classList.toggle("interrupted", interrupted);
    draft.note.textContent = interrupted ? "interrupted" : "writing…";
    if (part === undefined || text === undefined) return;
    draft.waits.push([part, text]);
    // A thousand pieces a second are sixty changes a second on the screen.
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => this.#write());
  }

  #begin(id, role) {
    const note = make("span", { className: "note" });
    const head = make(
      "header",
      {},
      make("bdi", { className: "role" }, shown(line(role ?? "", 64))),
      note,
    );
    const row = make(
      "article",
      { className: "entry message draft", tabIndex: -1, data: { role: "assistant" } },
      head,
    );
    const draft = { row, note, parts: new Map(), waits: [] };
    this.#drafts.set(id, draft);
    this.#growing(() => this.#element.append(row));
    return draft;
  }

  #forget(id) {
    this.#drafts.get(id)?.row.remove();
    this.#drafts.delete(id);
  }

  #write() {
    this.#waiting = false;
    this.#growing(() => {
      for (const draft of this.#drafts.values()) {
        for (const [part, text] of draft.waits) write(partOf(draft, part), text);
        draft.waits = [];
      }
    });
  }
}

function partOf(draft, name) {
  let part = draft.parts.get(name);
  if (part === undefined) {
    part = make("div", { className: "prose" });
    draft.parts.set(name, part);
    if (name !== "content") draft.row.append(make("bdi", { className: "part" }, shown(name)));
    draft.row.append(part);
  }
  return part;
}

function write(part, text) {
  let last = part.lastElementChild;
  if (last === null) part.append((last = make("div")));
  if (last.firstChild === null) last.append(text);
  else last.firstChild.appendData(text);
  const whole = last.textContent;
  if (whole.length < PIECE) return;
  const end = whole.lastIndexOf("\n");
  if (end === -1 && whole.length < LONGEST) return;
  last.textContent = end === -1 ? whole : whole.slice(0, end);
  part.append(make("div", {}, ...(end === -1 ? [] : [whole.slice(end + 1)])));
}
