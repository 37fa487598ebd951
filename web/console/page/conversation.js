// A conversation on the screen: a window that moves over the log of a session.
//
// Never more than `MOST` rows are there, however long the session is: at an edge the next page is
// read, and rows far beyond the other edge are taken out. Rows come in a few at a time, so that no
// frame is long, and what somebody reads stays where it is while rows come and go above it.

import { get } from "./api.js";
import { KINDS, rowOf } from "./entry.js";

const PAGE = 50; // entries: with what tools say, they may be some megabytes to take apart
const MOST = 500;
const SLICE = 8; // rows in one frame
const NEAR = 3_000; // pixels from an edge at which the next page is read: some screens
const AT_END = 60; // pixels from the end that still are the end

export class Conversation {
  entries = new Map(); // by number: of the rows that are there
  #scroller;
  #rows;
  #id;
  #told;
  #before = null; // older entries are below this number; null: there are none
  #after = null; // newer ones are above it; null: all are there
  #isBusy = false;
  #isClosed = false;
  #arrived = []; // live entries that wait for the next frame
  #isBehind = false; // live entries came while the window was elsewhere
  #results = new Map(); // by the call's id: the number of its newest result
  #onScroll = () => this.#look();

  // `told({isAtEnd})` is called when that may have changed.
  constructor(scroller, rows, id, told) {
    this.#scroller = scroller;
    this.#rows = rows;
    this.#id = id;
    this.#told = told;
    rows.replaceChildren();
    scroller.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  close() {
    this.#isClosed = true;
    this.#scroller.removeEventListener("scroll", this.#onScroll);
  }

  // Shows the end of a session of this version, or the entry `at` with what is around it.
  async begin(version, at) {
    this.#isBusy = true;
    const end = at === undefined || at > version ? version : at;
    const page = await this.#read({ before: end + 1, limit: PAGE });
    if (this.#isClosed) return;
    this.#before = page.next_cursor ?? null;
    this.#after = end < version ? end : null;
    const rows = this.#made(page.entries);
    this.#rows.replaceChildren(...rows);
    this.#mark();
    this.#isBusy = false;
    if (at === undefined) this.toEnd();
    else this.#point(rows.at(-1));
    this.#look();
  }

  // A live entry.
  append(entry) {
    if (entry.seq <= this.#lastSeq) return;
    if (this.#arrived.push(entry) > 1) return;
    requestAnimationFrame(() => this.#takeArrived());
  }

  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    return this.#after === null && scrollHeight - scrollTop - clientHeight < AT_END;
  }

  // Runs what makes the end longer: who reads the end goes on reading the end.
  growing(change) {
    const wasAtEnd = this.isAtEnd;
    change();
    if (wasAtEnd) this.toEnd();
    this.#told({ isAtEnd: this.isAtEnd });
  }

  toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  get isWhole() {
    return this.#after === null;
  }

  // Moves the focus by one row; from nowhere, to the first one in view.
  move(by) {
    const at = document.activeElement?.closest?.(".entry");
    const place = this.#rows.contains(at) ? at : null;
    const next =
      place === null
        ? this.#firstInView()
        : by > 0
          ? place.nextElementSibling
          : place.previousElementSibling;
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }

  async #read(query) {
    return get(["sessions", this.#id, "log"], { ...query, kind: KINDS, counting: true });
  }

  get #lastSeq() {
    return Number(this.#rows.lastElementChild?.dataset.seq ?? 0);
  }

  #made(entries) {
    return entries.map((entry) => {
      this.entries.set(entry.seq, entry);
      const row = rowOf(entry);
      for (const { dataset } of row.querySelectorAll("[data-result]")) {
        const newest = this.#results.get(dataset.result) ?? 0;
        this.#results.set(dataset.result, Math.max(newest, entry.seq));
      }
      return row;
    });
  }

  #look() {
    this.#told({ isAtEnd: this.isAtEnd });
    if (this.#isBusy || this.#isClosed) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (this.#before !== null && scrollTop < NEAR) this.#grow(() => this.#older());
    else if (this.#after !== null && scrollHeight - scrollTop - clientHeight < NEAR) {
      this.#grow(() => this.#newer());
    }
  }

  async #grow(how) {
    this.#isBusy = true;
    try {
      await how();
    } catch (error) {
      if (this.#isClosed) return;
      this.#told({ isAtEnd: this.isAtEnd, failure: error });
      return; // the next scroll tries again
    } finally {
      this.#isBusy = false;
    }
    if (this.#isClosed) return;
    this.#mark();
    this.#look();
  }

  async #older() {
    const page = await this.#read({ before: this.#before, limit: PAGE });
    const { entries } = page;
    for (let end = entries.length; end > 0; end -= SLICE) {
      await frame();
      if (this.#isClosed) return;
      const rows = this.#made(entries.slice(Math.max(0, end - SLICE), end));
      this.#keeping(() => this.#rows.prepend(...rows));
    }
    this.#before = page.next_cursor ?? null;
    if (this.#rows.childElementCount <= MOST) return;
    while (this.#rows.childElementCount > MOST) this.#drop(this.#rows.lastElementChild);
    this.#after = this.#lastSeq;
  }

  async #newer() {
    const page = await this.#read({ after: this.#after, limit: PAGE });
    const { entries } = page;
    for (let start = 0; start < entries.length; start += SLICE) {
      await frame();
      if (this.#isClosed) return;
      this.#rows.append(...this.#made(entries.slice(start, start + SLICE)));
    }
    const isLast = page.next_cursor === undefined && !this.#isBehind;
    if (page.next_cursor === undefined) this.#isBehind = false;
    this.#after = isLast ? null : (entries.at(-1)?.seq ?? this.#after);
    this.#cut();
  }

  #takeArrived() {
    const arrived = this.#arrived.filter((entry) => entry.seq > this.#lastSeq);
    this.#arrived = [];
    if (this.#isClosed || arrived.length === 0) return;
    if (this.#after !== null) {
      this.#isBehind = true;
      this.#look();
      return;
    }
    this.growing(() => this.#rows.append(...this.#made(arrived)));
    if (!this.#isBusy) this.#cut();
    this.#mark();
  }

  // Takes out what is too much at the front.
  #cut() {
    if (this.#rows.childElementCount <= MOST) return;
    this.#keeping(() => {
      while (this.#rows.childElementCount > MOST) this.#drop(this.#rows.firstElementChild);
    });
    this.#before = Number(this.#rows.firstElementChild.dataset.seq);
  }

  #drop(row) {
    this.entries.delete(Number(row.dataset.seq));
    row.remove();
  }

  // Runs what changes rows above those in view, which stay where they are. (The browser's own way
  // of doing that is switched off in style.css: not all browsers have it, and none at the top.)
  #keeping(change) {
    const anchor = this.#firstInView();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) {
      this.#scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    }
  }

  #firstInView() {
    const rows = this.#rows.children;
    const top = this.#scroller.getBoundingClientRect().top;
    let low = 0;
    let high = rows.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (rows[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    return rows[low];
  }

  // A call without a result says so, once it is known that there is none.
  #mark() {
    for (const call of this.#rows.querySelectorAll("[data-call]:not([data-answered])")) {
      const seq = Number(call.closest(".entry").dataset.seq);
      // A result that names no call may be that of any before it.
      const ids = [call.dataset.call, ""];
      const isAnswered = ids.some((id) => (this.#results.get(id) ?? 0) > seq);
      if (isAnswered) call.dataset.answered = "";
      call.querySelector(".lacking").hidden = isAnswered || this.#after !== null;
    }
  }

  #point(row) {
    row?.scrollIntoView({ block: "center" });
    row?.classList.add("pointed");
    row?.focus({ preventScroll: true });
  }
}

function frame() {
  return new Promise((resolve) => requestAnimationFrame(resolve));
}
