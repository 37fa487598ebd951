// What the list does not tell of a session, its state above all: asked for the rows in view.
//
// Not for all rows: to tell a session's state the service loads it. A turn is short, so a session
// that was not used for a day is idle, or waits, which is in the list of what is waiting.

import { get } from "./api.js";
import { rowOf } from "./sources.js";

const RECENT = 24 * 3_600_000; // milliseconds
const AT_ONCE = 3;
const AGAIN = 20_000; // milliseconds: a turn may expire, which nobody tells

export class States {
  #rows;
  #asked = new Map(); // by key: when, and for which moment of the session
  #inView = [];

  constructor(rows) {
    this.#rows = rows;
    setInterval(() => document.hidden || this.look(this.#inView), AGAIN);
  }

  async look(rows) {
    this.#inView = rows;
    const wanted = rows.filter((row) => this.#isWanted(row));
    for (const row of wanted) this.#asked.set(row.key, { at: row.at, when: Date.now() });
    const askNext = async () => {
      for (let row = wanted.pop(); row !== undefined; row = wanted.pop()) await this.#ask(row);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, askNext));
  }

  #isWanted(row) {
    if (row.key !== row.id || Date.now() - Date.parse(row.at) > RECENT) return false;
    const asked = this.#asked.get(row.key);
    if (asked === undefined || asked.at !== row.at) return true;
    const state = this.#rows.find(row.key)?.state;
    return state !== "idle" && Date.now() - asked.when >= AGAIN;
  }

  async #ask(row) {
    try {
      const { at: _, ...more } = rowOf(await get(["sessions", row.id]));
      this.#rows.refine(row.key, more);
    } catch {
      // It may be gone: the stream of changes tells.
    }
  }
}
