// Keeps the list up to date: what the service tells of all sessions goes into the rows.

import { get } from "./api.js";
import { rowOf, sourceOf } from "./sources.js";
import { Stream } from "./stream.js";

const GATHERED = 300; // milliseconds: a busy service tells of hundreds of changes a second
const TOO_MANY = 20; // sessions that would have to be asked for, one by one
const FAR_TOO_MANY = 150; // of which one page of the list might not have all

export class Changes {
  #rows;
  #reload;
  #happened;
  #filter;
  #changed = new Map();
  #timer = null;

  // `filter()` is the present one, or null while the list shows something else than sessions;
  // `reload()` reads the list again; `happened()` is called after changes of any session.
  constructor(rows, { filter, reload, happened, told }) {
    this.#rows = rows;
    this.#filter = filter;
    this.#reload = reload;
    this.#happened = happened;
    new Stream(["events"], { take: (event, data) => this.#take(event, data), told });
  }

  #take(event, data) {
    if (event === "reset") {
      this.#changed.clear();
      this.#reload();
    } else if (event === "session") {
      this.#changed.set(data.session_id, data);
      this.#timer ??= setTimeout(() => this.#next(), GATHERED);
    }
  }

  // One lot after the other: a slow answer must not undo a newer one.
  async #next() {
    await this.#apply();
    this.#timer = this.#changed.size === 0 ? null : setTimeout(() => this.#next(), GATHERED);
  }

  async #apply() {
    const changed = this.#changed;
    this.#changed = new Map();
    this.#happened();
    const filter = this.#filter();
    if (filter === null) return;
    if (changed.size > FAR_TOO_MANY) {
      this.#reload();
      return;
    }
    const taken = new Map();
    const open = [];
    for (const { session_id: id, change, title, last_activity: at } of changed.values()) {
      const row = this.#rows.find(id);
      if (change === "deleted") taken.set(id, null);
      // What is no activity changes the settings: then the session may belong elsewhere.
      else if (row === undefined || row.at === at) open.push(id);
      else taken.set(id, { ...row, title: title ?? null, at, state: undefined });
    }
    if (open.length > TOO_MANY) await this.#front(taken, filter);
    else await Promise.all(open.map(async (id) => taken.set(id, await this.#fitting(id, filter))));
    // Another filter may have been chosen while the service was asked.
    if (filter === this.#filter()) this.#rows.take(taken);
  }

  // What was used last stands at the front of the service's list, so one page has most of it.
  async #front(taken, filter) {
    try {
      const { value = [] } = await sourceOf(filter).next();
      for (const row of value) taken.set(row.key, row);
    } catch {
      // The next change tries again.
    }
  }

  // The row of a session, if it belongs into the list, or null.
  async #fitting(id, { view, project }) {
    try {
      const row = rowOf(await get(["sessions", id]));
      const isOfView = row.archived === (view === "archived");
      return isOfView && (project === "" || row.cwd === project) ? row : null;
    } catch {
      return null;
    }
  }
}
