// The page: the list of sessions beside the one that is open, whose id stands in the address.

import { call, get } from "./api.js";
import { Changes } from "./changes.js";
import { byId, make } from "./dom.js";
import { listen } from "./keys.js";
import { List } from "./list.js";
import { ask, fail, say } from "./notices.js";
import { Rows } from "./rows.js";
import { hashOf, SessionView, undelete } from "./session.js";
import { sourceOf } from "./sources.js";
import { States } from "./states.js";
import { shown } from "./text.js";
import * as token from "./token.js";

const TYPED = 200; // milliseconds without a key, after which it is searched
const MINUTE = 60_000;
const COUNTED = 2_000; // milliseconds between two looks at all that waits

// What is chosen, and written, also before this was loaded.
let filter = {
  view: byId("view").value,
  project: byId("project").value,
  text: byId("search").value.trim(),
};
let typing;

const session = new SessionView();
const rows = new Rows(changed);
const states = new States(rows);
const list = new List(byId("list"), {
  open: opened,
  end: () => rows.more(),
  inView: (inView) => states.look(inView),
});

function changed() {
  list.show(rows.all);
  const { isWhole, failure } = rows;
  byId("count").textContent = `${rows.all.length.toLocaleString()}${isWhole ? "" : "+"}`;
  byId("empty").hidden = failure === null && (rows.all.length > 0 || !isWhole);
  byId("empty").textContent = failure === null ? "There is nothing." : failure.message;
  suggest();
  if (performance.getEntriesByName("list shown").length === 0) performance.mark("list shown");
}

// Projects that are seen are suggested; any other may be typed.
const suggested = new Set();
function suggest() {
  for (const { cwd } of rows.all) {
    if (cwd === undefined || suggested.has(cwd) || suggested.size >= 200) continue;
    suggested.add(cwd);
    byId("projects").append(make("option", { value: cwd }));
  }
}

function read() {
  return rows.begin(sourceOf(filter));
}

function choose(change) {
  filter = { ...filter, ...change };
  list.toTop();
  read().catch(fail);
}

function opened(row, action) {
  if (action === "undelete") {
    undelete(row.id, row.trashId).then(read).catch(fail);
  } else if (action === "purge") {
    purge(row).catch(fail);
  } else if (row.trashId !== undefined) {
    say("It is in the trash: to read it, bring it back.", "Undelete", () =>
      undelete(row.id, row.trashId).then(read).catch(fail),
    );
  } else {
    const hash = hashOf(row.id, row.seq);
    if (location.hash === hash) route();
    else location.hash = hash;
  }
}

async function purge(row) {
  const name = shown(row.title ?? row.id);
  if ((await ask(`Delete “${name}” for good? Nothing brings it back.`, "Delete")) === null) return;
  await call("DELETE", ["trash", row.trashId]);
  await read();
}

// The address says which session is open: so it can be kept, and the browser's way back works.
function route() {
  let id = "";
  let at;
  try {
    [id = "", at] = location.hash.slice(2).split("/").map(decodeURIComponent);
  } catch {
    // No address of ours.
  }
  document.body.dataset.open = id === "" ? "list" : "session";
  list.mark(id === "" ? null : id);
  if (id === "") {
    session.close();
    return;
  }
  session.open(id, /^[0-9]{1,15}$/.test(at ?? "") ? Number(at) : undefined);
  byId("scroller").focus({ preventScroll: true });
}

// How many sessions wait for somebody, wherever one looks.
let counting = false;
let hasHappened = false;
async function countWaiting() {
  hasHappened = true;
  if (counting) return;
  counting = true;
  hasHappened = false;
  try {
    const { approvals, next_cursor: next } = await get(["approvals"], { limit: 100 });
    const count = new Set(approvals.map((one) => one.session_id)).size;
    const text = next === undefined ? `${count}` : `${count}+`;
    byId("waiting").textContent = count === 0 ? "Waiting" : `Waiting (${text})`;
  } catch {
    // The list itself says what is wrong.
  }
  setTimeout(() => {
    counting = false;
    if (hasHappened) countWaiting();
  }, COUNTED);
}

byId("view").onchange = ({ target }) => choose({ view: target.value });
byId("project").onchange = ({ target }) => choose({ project: target.value });
byId("search").oninput = ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(() => choose({ text: target.value.trim() }), TYPED);
};
byId("help-button").onclick = () => byId("help").showModal();
byId("back").onclick = () => (location.hash = "#/");
addEventListener("hashchange", route);
setInterval(() => document.hidden || list.redraw(), MINUTE);

listen(list, session, {
  clear() {
    byId("search").value = "";
    choose({ text: "" });
  },
  back() {
    if (!byId("panel").hidden) session.togglePanel();
    else location.hash = "#/";
    byId("list").focus({ preventScroll: true });
  },
});

// The stream is opened first, and the list read then: so no change is missed in between.
let isRead = false;
new Changes(rows, {
  filter: () =>
    filter.text === "" && ["sessions", "archived"].includes(filter.view) ? filter : null,
  reload: () => read().catch(fail),
  happened: countWaiting,
  told(state) {
    byId("offline").hidden = state === "live";
    // A browser cannot send a token with a link.
    byId("api").hidden = token.current() !== null;
    if (isRead && (rows.failure === null || state !== "live")) return;
    isRead = true;
    read().catch(fail);
    countWaiting();
  },
});
route();
