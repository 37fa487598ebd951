// Calls of the service: with the token, and with what it says when it refuses.

import { valueOf } from "./json.js";
import * as token from "./token.js";

// From where this file is: so the page works wherever the service is mounted.
const BASE = new URL("../api/v1/", import.meta.url);

// What the service refused, or failed to do; the message is its own sentence.
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

// The URL of a call. Segments are encoded one by one: an id may have a slash. Of the query, what is
// undefined or empty is left out, and a list is given several times.
export function urlOf(segments, query = {}) {
  const url = new URL(segments.map(encodeURIComponent).join("/"), BASE);
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one !== undefined && one !== null && one !== "") url.searchParams.append(name, one);
    }
  }
  return url;
}

// The answer to a call, whose body is still to be read. Throws a Problem.
export async function answerTo(method, segments, { query, body, headers, signal } = {}) {
  const url = urlOf(segments, query);
  for (;;) {
    const shown = token.current();
    const head = new Headers(headers);
    if (shown !== null) head.set("Authorization", `Bearer ${shown}`);
    const asked = { method, headers: head, signal, cache: "no-store" };
    if (body !== undefined) {
      head.set("Content-Type", "application/json");
      asked.body = JSON.stringify(body);
    }
    const answer = await fetch(url, asked);
    if (answer.ok) return answer;
    if (answer.status !== 401) throw await problemOf(answer);
    await token.ask(shown);
  }
}

// What a call answers, as a value; null where there is nothing. Throws a Problem.
export async function call(method, segments, options) {
  const answer = await answerTo(method, segments, options);
  return answer.status === 204 ? null : valueOf(await answer.text());
}

export function get(segments, query, signal) {
  return call("GET", segments, { query, signal });
}

async function problemOf(answer) {
  let detail = `${answer.status} ${answer.statusText}`;
  try {
    const told = await answer.json();
    if (typeof told.detail === "string") detail = told.detail;
  } catch {
    // A proxy's own page: its status has to do.
  }
  return new Problem(answer.status, detail);
}
