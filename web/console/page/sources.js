// Where the rows of the list come from: each source is a generator of pages, read when wanted.
//
// A page is a list of rows: {key, id, title, at, agent, count, …}; `key` tells rows apart.

import { get, Problem } from "./api.js";
import { piecesOf } from "./hits.js";
import { isText, line } from "./text.js";

const PAGE = 200;
const SCANNED = 1_000; // as many as the service gives at once
const INCLUDE = "title,archived,metadata";

// The source of a filter: {view, project, text}.
export function sourceOf(filter) {
  if (filter.view === "trash") return trash(filter.text);
  if (filter.text !== "") return found(filter.text);
  return filter.view === "waiting" ? waiting() : sessions(filter);
}

export function rowOf(session) {
  const cwd = session.metadata?.cwd;
  return {
    key: session.session_id,
    id: session.session_id,
    title: session.title ?? null,
    at: session.last_activity,
    agent: session.current_agent,
    count: session.message_count,
    archived: session.archived === true,
    cwd: isText(cwd) ? cwd : undefined,
    state: session.state, // only a session's own header has it
  };
}

async function* sessions({ view, project }) {
  const archived = view === "archived";
  const query = { limit: PAGE, include: INCLUDE, archived, "metadata.cwd": project };
  do {
    const page = await get(["sessions"], query);
    yield page.sessions.map(rowOf);
    query.cursor = page.next_cursor;
  } while (query.cursor !== undefined);
}

async function* trash(text) {
  const query = { limit: PAGE };
  do {
    const page = await get(["trash"], query);
    const rows = page.sessions.map((one) => ({
      ...rowOf(one),
      key: one.trash_id,
      trashId: one.trash_id,
      at: one.deleted_at,
    }));
    yield rows.filter((row) => isNamed(row, text));
    query.cursor = page.next_cursor;
  } while (query.cursor !== undefined);
}

async function* waiting() {
  const seen = new Set();
  const query = { limit: PAGE };
  do {
    const page = await get(["approvals"], query);
    const asked = page.approvals.filter(({ session_id: id }) => !seen.has(id) && seen.add(id));
    yield asked.map((one) => ({
      ...hit({ ...one, title: null }, one.title),
      at: one.asked_at,
      state: "waiting",
    }));
    query.cursor = page.next_cursor;
  } while (query.cursor !== undefined);
}

// Sessions whose id begins so, and then what the search finds.
async function* found(text) {
  const page = await get(["sessions"], { prefix: text, limit: 20, include: INCLUDE });
  yield page.sessions.map(rowOf);
  // While somebody types, the last word may not be whole.
  const query = { q: /[\p{L}\p{N}]$/u.test(text) ? `${text}*` : text, limit: 50 };
  do {
    let hits;
    try {
      hits = await get(["search"], query);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404) throw error;
      yield* titled(text);
      return;
    }
    yield hits.hits.map((one) => {
      // What is found in a title is the session, and no place in it.
      if (one.role === undefined) return { ...hit(one, "in the title"), seq: undefined };
      return { ...hit(one, one.snippet), pieces: piecesOf(one.snippet, text) };
    });
    query.cursor = hits.next_cursor;
  } while (query.cursor !== undefined);
}

function hit(one, note) {
  return {
    key: `${one.session_id} ${one.seq}`,
    id: one.session_id,
    title: one.title ?? null,
    at: one.at,
    role: one.role,
    note: line(note, 200),
    seq: one.seq,
  };
}

// Where the service has no search: all titles are looked through here.
async function* titled(text) {
  const query = { limit: SCANNED, include: "title" };
  do {
    const page = await get(["sessions"], query);
    const rows = page.sessions.map(rowOf);
    yield rows.filter((row) => !row.id.startsWith(text) && isNamed(row, text));
    query.cursor = page.next_cursor;
  } while (query.cursor !== undefined);
}

function isNamed(row, text) {
  const wanted = text.toLowerCase();
  return [row.title ?? "", row.id].some((name) => name.toLowerCase().includes(wanted));
}
