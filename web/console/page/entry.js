// An entry of a session's log, as a row of the conversation.

import { code, elementOf } from "./blocks.js";
import { button, make } from "./dom.js";
import { blocksOf } from "./message.js";
import { isObject, isText, line, pretty, shown } from "./text.js";
import { exactly, moment } from "./time.js";

// Those that are shown: turns, usage, settings and records are in the panel, or nobody's to read.
export const KINDS = ["message", "switch", "compaction", "rewind", "approval", "decision"];

// Of others, the style is that of no role: a role is anybody's text.
const ROLES = new Set(["user", "assistant", "system", "developer", "tool", "function", "model"]);

export function rowOf(entry) {
  const body = isObject(entry.body) ? entry.body : {};
  switch (entry.kind) {
    case "message":
      return messageRow(entry, body);
    case "switch":
      return divider(entry, "switch", `${shown(body.from)} → ${shown(body.to)}`, body.reason);
    case "rewind":
      return divider(entry, "rewind", `Went back to #${body.to}`, "", [
        button("Undo", "rewind", { to: entry.seq - 1 }, `Go to what counted at #${entry.seq - 1}`),
      ]);
    case "compaction":
      return compactionRow(entry, body);
    case "approval":
      return divider(entry, "approval", "Asked", body.title);
    case "decision":
      return divider(
        entry,
        "decision",
        body.by === undefined ? body.decision : `${body.decision} by ${shown(body.by)}`,
        body.note,
      );
    default:
      return divider(entry, "other", entry.kind, "");
  }
}

// The entry as JSON, member for member: what a row shows of it is what its looks are known for.
export function sourceOf(entry) {
  const source = code(pretty(entry));
  source.classList.add("source");
  return source;
}

function messageRow(entry, body) {
  const role = isText(body.role) ? body.role : "";
  const head = make(
    "header",
    {},
    make("bdi", { className: "role" }, shown(line(role, 64))),
    isText(body.name) && role !== "tool"
      ? make("bdi", { className: "name" }, shown(line(body.name, 64)))
      : null,
    ...place(entry),
    make(
      "span",
      { className: "tools" },
      button(
        "Rewind",
        "rewind",
        { to: entry.seq },
        "Go back to here: what came later does not count any more",
      ),
      button(
        "Fork",
        "fork",
        { at: entry.seq },
        "A new session that begins with everything up to here",
      ),
      button("Source", "source", {}, "The entry as JSON"),
    ),
  );
  return make(
    "article",
    {
      className: "entry message",
      tabIndex: -1,
      data: { seq: entry.seq, role: ROLES.has(role) ? role : "other" },
    },
    head,
    ...blocksOf(body).map(elementOf),
  );
}

function compactionRow(entry, body) {
  const row = divider(
    entry,
    "compaction",
    `A model is told a summary of everything up to #${body.through}`,
    "",
  );
  const summary = make("details", { className: "block" }, make("summary", {}, "The summary"));
  summary.append(
    ...blocksOf(isObject(body.summary) ? body.summary : { content: body.summary }).map(elementOf),
  );
  row.append(summary);
  return row;
}

function divider(entry, kind, text, note, buttons = []) {
  return make(
    "article",
    { className: `entry divider ${kind}`, tabIndex: -1, data: { seq: entry.seq } },
    make(
      "header",
      {},
      make("bdi", { className: "what" }, text),
      isText(note) && note !== "" ? make("bdi", { className: "note" }, shown(note)) : null,
      ...place(entry),
      make(
        "span",
        { className: "tools" },
        ...buttons,
        button("Source", "source", {}, "The entry as JSON"),
      ),
    ),
  );
}

function place(entry) {
  return [
    make("time", { title: exactly(entry.at) }, moment(entry.at)),
    make("span", { className: "seq", title: "Its number in the session's log" }, `#${entry.seq}`),
  ];
}
