// Beside the conversation: who worked when, what was used, and what else is known of the session.

import { get } from "./api.js";
import { byId, make } from "./dom.js";
import { code } from "./blocks.js";
import { pretty, shown } from "./text.js";
import { exactly, moment } from "./time.js";

const PAGES = 10; // of 100: of more stretches of work, the rest is told by a number
const RESTED = 1_000; // milliseconds behind a change before it is read again

export class Panel {
  #id;
  #element = byId("panel-body");
  #tab = "timeline";
  #timer = null;

  constructor(id) {
    this.#id = id;
    byId("panel-tabs").onclick = ({ target }) => {
      if (target.dataset.tab === undefined) return;
      this.#tab = target.dataset.tab;
      this.show();
    };
  }

  close() {
    clearTimeout(this.#timer);
  }

  toggle() {
    byId("panel").hidden = !byId("panel").hidden;
    return this.show();
  }

  // Something has changed: what is shown is read again, but not at each of a hundred changes.
  renew() {
    if (byId("panel").hidden) return;
    this.#timer ??= setTimeout(() => this.show(), RESTED);
  }

  async show() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (byId("panel").hidden) return;
    const tab = this.#tab;
    for (const one of byId("panel-tabs").children)
      one.ariaSelected = String(one.dataset.tab === tab);
    let made;
    try {
      made = await { timeline, usage, details }[tab](this.#id);
    } catch (error) {
      made = [make("p", {}, error.message)];
    }
    if (tab === this.#tab) this.#element.replaceChildren(...made);
  }
}

async function timeline(id) {
  const made = [];
  const query = {};
  for (let page = 0; page < PAGES; page += 1) {
    const { work, next_cursor: next } = await get(["sessions", id, "timeline"], query);
    made.push(...work.map(stretch));
    query.cursor = next;
    if (next === undefined) return made;
  }
  return [...made, make("p", {}, "… and more.")];
}

function stretch(work) {
  const count = work.message_count === 1 ? "1 message" : `${work.message_count} messages`;
  const range =
    work.first_message === undefined ? "" : ` (#${work.first_message} to #${work.last_message})`;
  const made = make(
    "section",
    { className: "stretch" },
    make(
      "header",
      {},
      make("strong", {}, shown(work.agent)),
      make("time", { title: exactly(work.began_at) }, moment(work.began_at)),
    ),
    make("p", {}, `${count}${range}`),
  );
  if (work.reason) made.append(make("p", { className: "note" }, shown(work.reason)));
  if (work.rewound_count !== undefined)
    made.append(make("p", { className: "note" }, `${work.rewound_count} taken back`));
  for (const { model, numbers } of work.usage) made.append(...table(numbers, model));
  return made;
}

async function usage(id) {
  const {
    totals,
    usage: used,
    next_cursor: next,
  } = await get(["sessions", id, "usage"], { limit: 200 });
  if (used.length === 0) return [make("p", {}, "Nothing was reported.")];
  const made = table(totals, "In all");
  for (const { day, agent, model, numbers } of used) {
    made.push(...table(numbers, [day, agent, model].filter(Boolean).join(" · ")));
  }
  if (next !== undefined) made.push(make("p", {}, "… and more."));
  return made;
}

function table(numbers, caption) {
  const rows = Object.entries(numbers).map(([name, number]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, shown(name)),
      make("td", {}, number.toLocaleString(undefined, { maximumFractionDigits: 6 })),
    ),
  );
  if (rows.length === 0) return [];
  const head = caption === undefined ? null : make("caption", {}, shown(caption));
  return [make("table", {}, head, make("tbody", {}, ...rows))];
}

async function details(id) {
  const session = await get(["sessions", id]);
  const origin = session.forked_from;
  const facts = [
    ["Id", session.session_id],
    ["Title", session.title ?? "none"],
    ["Agent", session.current_agent],
    ["State", session.state],
    ["Messages", session.message_count.toLocaleString()],
    ["Version", `${session.version} (${session.durable_seq} on disk)`],
    ["Created", exactly(session.created_at)],
    ["Last used", exactly(session.last_activity)],
    ["Archived", session.archived ? "yes" : "no"],
  ];
  if (origin !== undefined) facts.push(["Forked from", `${origin.session_id} at #${origin.at}`]);
  const rows = facts.map(([name, text]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, shown(text))),
  );
  return [
    make("table", {}, make("tbody", {}, ...rows)),
    make("h3", {}, "Metadata"),
    code(pretty(session.metadata)),
  ];
}
