// A client of agent-runtime. Made of its OpenAPI document: see `make typescript` there.
//
// Rules, as the Python client has them:
// - A call is sent again if it only reads, or has an id; a call that can have one gets one.
// - Events are asked for again behind the last one that came whole. What was deleted meanwhile is
//   an event as well.

const PAUSES = [100, 400, 1_600];
const LONGEST = 5_000;
const SILENCE = 60_000;
const STREAM_SILENCE = 45_000; // the service says something every fifteen seconds
const PATIENCE = 60_000;

export class AgentRuntimeError extends Error {}

export class ServiceUnreachable extends AgentRuntimeError {}

export class Unchanged extends AgentRuntimeError {}

export class Refused extends AgentRuntimeError {
  constructor(status, problem) {
    super(problem.detail ?? problem.error ?? `The service answered ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

function segment(value) {
  // To a URL, `%2E` is a dot as well: it would be the path of another call.
  if (value === "." || value === "..") throw new AgentRuntimeError(`No URL can name ${JSON.stringify(value)}`);
  return encodeURIComponent(value);
}

// Not `randomUUID`: a page that came over plain HTTP does not have it.
const new_id = () => Array.from(globalThis.crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

const identified = (body) => ({ id: new_id(), ...body });

const spread = (pause) => pause * (0.5 + Math.random());

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const give_up = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", give_up);
      resolve();
    }, milliseconds);
    if (signal?.aborted) give_up();
    else signal?.addEventListener("abort", give_up, { once: true });
  });
}

// Gives a request up when the caller does, or when nothing comes for so long.
class Watch {
  #controller = new AbortController();
  #timer;
  #outer;
  #give_up = () => this.#controller.abort();

  constructor(silence, outer) {
    this.silence = silence;
    this.#outer = outer;
    if (outer?.aborted) this.#give_up();
    outer?.addEventListener("abort", this.#give_up, { once: true });
    this.renew();
  }

  get signal() {
    return this.#controller.signal;
  }

  renew() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#give_up, this.silence);
  }

  end() {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#give_up);
  }

  // What a failure means: the caller's own end of it, or a service that is away.
  of(error, url) {
    if (this.#outer?.aborted) return this.#outer.reason;
    const why = this.signal.aborted ? "it says nothing" : error.cause?.message ?? error.message;
    const away = new ServiceUnreachable(`The service at ${url} is not reached: ${why}`, { cause: error });
    away.was_refused = error.cause?.code === "ECONNREFUSED"; // so it was surely not sent
    return away;
  }
}

function search(names, options) {
  const found = new URLSearchParams();
  for (const name of names) {
    const value = options[name];
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) value.forEach((one) => found.append(name, one));
    else if (typeof value === "object") for (const [key, one] of Object.entries(value)) found.append(`${name}.${key}`, one);
    else found.append(name, value);
  }
  const text = found.toString();
  return text === "" ? "" : `?${text}`;
}

function refusal(status, text) {
  if (status === 304) return new Unchanged("The session is as it was");
  let problem;
  try {
    problem = JSON.parse(text);
  } catch {
    problem = {}; // something in between, a proxy say, answers in its own words
  }
  return new Refused(status, typeof problem === "object" && problem !== null ? problem : {});
}

// Server-Sent Events, as the HTML standard has them.
class Events {
  #rest = "";
  #event = "";
  #data = [];
  #place;

  constructor(place) {
    this.place = this.#place = place; // behind the last block that came whole
  }

  *feed(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) {
      const [, name, value] = /^([^:]*)(?:: ?)?(.*)$/s.exec(line.replace(/\r$/, ""));
      if (line.replace(/\r$/, "") === "") {
        this.place = this.#place;
        if (this.#data.length) yield { event: this.#event || "message", id: this.place, data: JSON.parse(this.#data.join("\n")) };
        this.#event = "";
        this.#data = [];
      } else if (name === "id") this.#place = value;
      else if (name === "event") this.#event = value;
      else if (name === "data") this.#data.push(value);
      else if (name === "retry" && /^[0-9]+$/.test(value)) this.retry = Number(value);
    }
  }
}

class Base {
  #url;
  #token;
  #fetch;

  constructor({ url = "http://127.0.0.1:8001", token, fetch = globalThis.fetch } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#token = token;
    this.#fetch = (...request) => fetch(...request); // a browser's asks for its own `this`
  }

  async #open({ verb, path, query = [], options, body, type = "application/json" }, silence, more = {}) {
    const headers = { ...more };
    for (const [name, head] of Object.entries(HEADS)) if (options[name] !== undefined) headers[head] = String(options[name]);
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers["Content-Type"] = type;
    const watch = new Watch(silence, options.signal);
    try {
      const url = this.#url + path + search(query, options);
      // No cookie, and no answer of before: an ETag is the caller's business.
      const response = await this.#fetch(url, { method: verb, headers, body, signal: watch.signal, credentials: "omit", cache: "no-store" });
      return { response, watch };
    } catch (error) {
      watch.end();
      throw watch.of(error, this.#url);
    }
  }

  async *#pieces({ response, watch }) {
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    try {
      for (;;) {
        let piece;
        try {
          piece = await reader.read();
        } catch (error) {
          throw watch.of(error, this.#url);
        }
        watch.renew();
        yield decoder.decode(piece.value, { stream: !piece.done });
        if (piece.done) return;
      }
    } finally {
      watch.end();
      reader.cancel().catch(() => {});
    }
  }

  async #whole(opened) {
    let text = "";
    if (opened.response.body === null) opened.watch.end();
    else for await (const piece of this.#pieces(opened)) text += piece;
    return text;
  }

  async ask_(request) {
    const silence = SILENCE + 1_000 * (request.options.wait ?? 0);
    for (let tries = 0; ; tries += 1) {
      let outcome;
      let asked;
      try {
        const opened = await this.#open(request, silence);
        const { status, headers } = opened.response;
        const text = await this.#whole(opened);
        if (status < 300 || request.answers?.includes(status)) return text === "" ? undefined : JSON.parse(text);
        outcome = refusal(status, text);
        asked = headers.get("Retry-After");
      } catch (error) {
        if (!(error instanceof ServiceUnreachable)) throw error;
        outcome = error;
      }
      await this.#again(request, tries, outcome, asked);
    }
  }

  // Waits before a call is sent once more, or throws its outcome.
  async #again({ repeatable, options }, tries, outcome, asked) {
    const is_fault = outcome instanceof ServiceUnreachable ? repeatable || outcome.was_refused : repeatable && outcome.status >= 500;
    if (!is_fault || tries >= PAUSES.length) throw outcome;
    await sleep(asked ? Math.min(Number(asked) * 1_000 || 0, LONGEST) : spread(PAUSES[tries]), options.signal);
  }

  async *lines_(request) {
    for (let tries = 0; ; tries += 1) {
      let rest = "";
      let has_begun = false;
      try {
        const opened = await this.#open(request, SILENCE);
        const { status } = opened.response;
        if (status >= 300) throw refusal(status, await this.#whole(opened));
        for await (const piece of this.#pieces(opened)) {
          has_begun = true;
          const lines = (rest + piece).split("\n");
          rest = lines.pop();
          for (const line of lines) yield `${line}\n`;
        }
        if (rest !== "") yield rest;
        return;
      } catch (error) {
        // Lines have no places: what breaks off in the middle is an error.
        if (has_begun || !(error instanceof AgentRuntimeError)) throw error;
        await this.#again(request, tries, error);
      }
    }
  }

  async *follow_(request) {
    const { patience = PATIENCE, alive = false, signal } = request.options;
    let events = new Events();
    let has_begun = false;
    let waited = 0;
    let breaks = 0;
    for (let tries = 0; ; tries += 1) {
      let outcome;
      try {
        const more = events.place === undefined ? {} : { "Last-Event-ID": events.place };
        const opened = await this.#open(request, STREAM_SILENCE, more);
        const { status } = opened.response;
        if (status >= 300) throw refusal(status, await this.#whole(opened));
        for await (const piece of this.#pieces(opened)) {
          has_begun = true;
          waited = breaks = 0;
          for (const event of events.feed(piece)) {
            if (event.event !== "alive" || alive) yield event;
            if (event.event === "deleted") return;
          }
        }
      } catch (error) {
        if (!(error instanceof AgentRuntimeError)) throw error;
        outcome = error;
      }
      if (!has_begun && outcome) {
        await this.#again({ ...request, repeatable: true }, tries, outcome);
        continue;
      }
      if (outcome?.status === 404 && request.path.includes("/sessions/")) {
        yield { event: "deleted", id: events.place, data: {} };
        return;
      }
      const pause = spread(Math.min((events.retry ?? 1_000) * 2 ** breaks, LONGEST));
      if (outcome && (!(outcome instanceof ServiceUnreachable || outcome.status >= 500) || waited + pause > patience)) throw outcome;
      // What had begun to come and has no end is lost: it is sent again behind the same place.
      const { place, retry } = events;
      events = new Events(place);
      events.retry = retry;
      breaks += 1;
      waited += pause;
      await sleep(pause, signal);
    }
  }
}

