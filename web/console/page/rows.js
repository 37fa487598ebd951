// The rows of the list: read page by page from a source, and kept up to date.

export class Rows {
  all = [];
  isWhole = false;
  failure = null;
  #source = null;
  #reading = null;
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  // Begins anew with another source; what an older one still brings is dropped.
  begin(source) {
    this.#source = source;
    this.#reading = null;
    this.isWhole = false;
    return this.more(true);
  }

  // Reads the next page, unless that is under way. With `isFirst`, its rows replace all others: the
  // old ones stay until then, so that the list does not blink.
  more(isFirst = false) {
    if (this.isWhole || this.#source === null) return Promise.resolve();
    this.#reading ??= this.#read(this.#source, isFirst);
    return this.#reading;
  }

  async #read(source, isFirst) {
    let page = { done: true };
    let failure = null;
    try {
      page = await source.next();
    } catch (error) {
      failure = error;
    }
    if (source !== this.#source) return;
    this.#reading = null;
    this.failure = failure;
    if (isFirst) this.all = [];
    if (failure !== null || page.done) {
      // What has failed is not tried again by itself, but when the list is read anew.
      this.isWhole = true;
    } else {
      // A session that is used while the list is read moves to its front, and may come twice.
      const known = new Set(this.all.map((row) => row.key));
      this.all = this.all.concat(page.value.filter((row) => !known.has(row.key)));
    }
    this.#changed();
  }

  find(key) {
    return this.all.find((row) => row.key === key);
  }

  // Takes in what is new of some sessions, by their keys: a row, or null for one that is gone. Rows
  // that are new, or were used, go to the front.
  take(changes) {
    const front = [];
    const kept = this.all.flatMap((row) => {
      if (!changes.has(row.key)) return [row];
      const change = changes.get(row.key);
      if (change === null) return [];
      if (change.at === row.at) return [change];
      front.push(change);
      return [];
    });
    const known = new Set(this.all.map((row) => row.key));
    for (const [key, row] of changes) if (row !== null && !known.has(key)) front.push(row);
    front.sort((one, other) => (one.at < other.at ? 1 : -1));
    this.all = front.concat(kept);
    this.#changed();
  }

  // The same row with more known of it; it stays where it is.
  refine(key, more) {
    const place = this.all.findIndex((row) => row.key === key);
    if (place === -1) return;
    this.all[place] = { ...this.all[place], ...more };
    this.#changed();
  }
}
