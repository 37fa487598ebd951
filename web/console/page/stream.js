// Following a stream of events: with fetch, as EventSource cannot send a token.
//
// - Nothing is told twice and nothing is missed: a new connection goes on behind the last id.
// - A connection from which nothing has come for longer than the service is ever silent is dead,
//   as after a sleep, and is replaced.
// - A page that nobody sees holds no connection: a browser has six of them for a service, over
//   HTTP/1.1, for all its tabs.

import { answerTo, Problem } from "./api.js";
import { valueOf } from "./json.js";

const SILENCE = 40_000; // milliseconds: the service says `alive` after 15 s
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

export class Stream {
  #segments;
  #query;
  #last;
  #take;
  #told;
  #ending = new AbortController();

  // `take(event, data)` is called for each event, in order; `told(state)` with `live`, `cut`, or
  // `gone`, when the service has no such stream any more.
  constructor(segments, { query, after, take, told = () => {} }) {
    this.#segments = segments;
    this.#query = query;
    this.#last = after;
    this.#take = take;
    this.#told = told;
    this.#run();
  }

  close() {
    this.#ending.abort();
  }

  get #isOver() {
    return this.#ending.signal.aborted;
  }

  async #run() {
    let wait = FIRST_WAIT;
    while (!this.#isOver) {
      await seen(this.#ending.signal);
      if (this.#isOver) return;
      try {
        await this.#connection(() => {
          wait = FIRST_WAIT;
          this.#told("live");
        });
      } catch (error) {
        if (this.#isOver) return;
        if (error instanceof Problem && error.status === 404) {
          this.#told("gone");
          return;
        }
      }
      if (this.#isOver || document.hidden) continue;
      this.#told("cut");
      await pause(wait, this.#ending.signal);
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
  }

  async #connection(isOpen) {
    const cut = new AbortController();
    const stop = () => cut.abort();
    const hide = () => document.hidden && cut.abort();
    let silence = setTimeout(stop, SILENCE);
    this.#ending.signal.addEventListener("abort", stop);
    document.addEventListener("visibilitychange", hide);
    try {
      const answer = await answerTo("GET", this.#segments, {
        query: this.#query,
        headers: this.#last === undefined ? {} : { "Last-Event-ID": this.#last },
        signal: cut.signal,
      });
      isOpen();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      const frames = new Frames();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE);
        for (const frame of frames.of(value)) {
          if (this.#isOver) return;
          if (frame.id !== undefined) this.#last = frame.id;
          if (frame.event !== undefined) this.#take(frame.event, valueOf(frame.data), frame.id);
        }
      }
    } finally {
      clearTimeout(silence);
      this.#ending.signal.removeEventListener("abort", stop);
      document.removeEventListener("visibilitychange", hide);
    }
  }
}

// Takes a stream's text apart. What is not whole yet is kept in pieces, so that an event of some
// megabytes is looked through once, and not again with each piece that comes.
export class Frames {
  #pieces = [];
  #endsInBreak = false;

  *of(text) {
    if (text === "") return;
    let rest = text;
    if (this.#endsInBreak && rest.startsWith("\n")) {
      rest = rest.slice(1);
      yield* this.#whole("");
    }
    for (let end = rest.indexOf("\n\n"); end !== -1; end = rest.indexOf("\n\n")) {
      const front = rest.slice(0, end);
      rest = rest.slice(end + 2);
      yield* this.#whole(front);
    }
    if (rest !== "") this.#pieces.push(rest);
    this.#endsInBreak = rest.endsWith("\n");
  }

  *#whole(last) {
    const text = this.#pieces.join("") + last;
    this.#pieces = [];
    this.#endsInBreak = false;
    const frame = {};
    for (const one of text.split("\n")) {
      const colon = one.indexOf(": ");
      if (colon > 0) frame[one.slice(0, colon)] = one.slice(colon + 2);
    }
    yield frame;
  }
}

// Waits until somebody sees the page.
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden && !signal.aborted) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    signal.addEventListener("abort", look);
  });
}

function pause(time, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, time);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
