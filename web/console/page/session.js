// The session that is open: its conversation, live, and what can be done with it.

import { answerTo, call, get, Problem } from "./api.js";
import { Approvals } from "./approvals.js";
import { Conversation } from "./conversation.js";
import { byId, make } from "./dom.js";
import { Drafts } from "./drafts.js";
import { sourceOf } from "./entry.js";
import { ask, fail, say } from "./notices.js";
import { Panel } from "./panel.js";
import { Stream } from "./stream.js";
import { shown } from "./text.js";

const SHOWN = new Set(["message", "switch", "compaction", "approval", "decision"]);
const TOLD = [
  "message",
  "switch",
  "compaction",
  "rewind",
  "settings",
  "approval",
  "decision",
  "turn",
  "usage",
  "draft",
];
const BY = "the page";
const RESTED = 200; // milliseconds behind a change before the header is read again

export class SessionView {
  #id = null;
  #header = null;
  #version = 0;
  #visit = 0; // what an earlier one still brings is dropped
  #parts = []; // what has to be closed
  #conversation;
  #approvals;
  #drafts;
  #panel;
  #timer = null;

  constructor() {
    byId("session").addEventListener("click", ({ target }) => this.#clicked(target));
    byId("newest").onclick = () => this.#newest();
  }

  get id() {
    return this.#id;
  }

  close() {
    this.#visit += 1;
    clearTimeout(this.#timer);
    this.#timer = null;
    for (const part of this.#parts) part.close();
    this.#parts = [];
    this.#id = null;
    this.#header = null;
    for (const place of ["rows", "drafts", "approvals", "panel-body"])
      byId(place).replaceChildren();
    byId("session").hidden = true;
    byId("newest").hidden = true;
    byId("nothing").hidden = false;
    document.title = "agent-runtime";
  }

  // Shows a session, at its end, or at one of its entries.
  async open(id, at) {
    this.close();
    const visit = this.#visit;
    this.#id = id;
    byId("session").hidden = false;
    byId("nothing").hidden = true;
    byId("title").textContent = shown(id);
    byId("facts").replaceChildren();
    try {
      // All as at one moment, and the stream goes on from there.
      const resumed = await get(["sessions", id, "resume"], { last: 1 });
      if (visit !== this.#visit) return;
      await this.#begin(resumed, at, visit);
    } catch (error) {
      if (visit !== this.#visit) return;
      if (error instanceof Problem && error.status === 404) {
        byId("rows").replaceChildren(
          make("p", { className: "empty" }, "There is no such session."),
        );
      } else fail(error);
    }
  }

  move(by) {
    this.#conversation?.move(by);
  }

  toEnd() {
    this.#newest();
  }

  // The beginning, however far it is.
  toStart() {
    if (this.#id !== null) this.open(this.#id, 1);
  }

  togglePanel() {
    if (this.#id !== null) this.#panel?.toggle();
  }

  async #begin({ session, approvals, cursor, turn }, at, visit) {
    const id = this.#id;
    this.#version = session.version;
    this.#show({ ...session, holder: turn?.holder });
    const conversation = new Conversation(byId("scroller"), byId("rows"), id, ({ failure }) => {
      byId("newest").hidden = conversation.isAtEnd;
      if (failure !== undefined) fail(failure);
    });
    this.#conversation = conversation;
    this.#approvals = new Approvals(byId("approvals"), id);
    this.#drafts = new Drafts(byId("drafts"), (change) => conversation.growing(change));
    this.#panel = new Panel(id);
    this.#parts.push(conversation, this.#approvals, this.#panel);
    approvals.forEach((one) => this.#approvals.add(one));
    this.#panel.show();
    await conversation.begin(session.version, at);
    if (visit !== this.#visit) return;
    performance.mark("session shown");
    this.#parts.push(
      new Stream(["sessions", id, "events"], {
        query: { kind: TOLD },
        after: cursor,
        take: (event, data) => this.#take(event, data),
        told: (state) => (byId("connection").hidden = state === "live"),
      }),
    );
  }

  #take(event, data) {
    const isOld = data.seq !== undefined && data.seq <= this.#version;
    if (data.seq !== undefined) this.#version = Math.max(this.#version, data.seq);
    if (event === "draft") this.#drafts.take(data);
    else if (event === "reset" || (event === "rewind" && !isOld)) this.open(this.#id);
    else if (event === "deleted") this.#gone();
    else if (!isOld && data.seq !== undefined) {
      if (SHOWN.has(event)) this.#conversation.append(data);
      if (event === "approval" || event === "decision") this.#approvals.take(data);
      this.#timer ??= setTimeout(() => this.#renew(), RESTED);
      this.#panel.renew();
    }
  }

  #gone() {
    const id = this.#id;
    const text = make("p", { className: "empty" }, "This session was deleted. ");
    this.close();
    byId("session").hidden = false;
    byId("nothing").hidden = true;
    byId("title").textContent = shown(id);
    byId("rows").replaceChildren(text);
  }

  async #renew() {
    this.#timer = null;
    const visit = this.#visit;
    try {
      const [session, turn] = await Promise.all([
        get(["sessions", this.#id]),
        get(["sessions", this.#id, "turn"]),
      ]);
      if (visit === this.#visit) this.#show({ ...session, holder: turn?.holder });
    } catch {
      // The next change tries again, and the stream tells if it is gone.
    }
  }

  #show(session) {
    this.#header = session;
    byId("title").textContent = shown(session.title ?? session.session_id);
    byId("title").title = shown(session.session_id);
    document.title = shown(session.title ?? session.session_id);
    const count =
      session.message_count === 1
        ? "1 message"
        : `${session.message_count.toLocaleString()} messages`;
    const state =
      session.holder === undefined ? session.state : `${session.state}: ${shown(session.holder)}`;
    byId("facts").replaceChildren(
      make("span", { className: `state ${session.state}` }, state),
      make("bdi", { className: "agent" }, shown(session.current_agent)),
      make("span", {}, count),
    );
    byId("archive").textContent = session.archived ? "Unarchive" : "Archive";
    byId("stop").hidden = session.state !== "running";
  }

  #newest() {
    if (this.#conversation?.isWhole) this.#conversation.toEnd();
    else if (this.#id !== null) this.open(this.#id);
  }

  #clicked(target) {
    const { action, to, at } = target.dataset;
    const does = {
      rewind: () => this.#rewind(Number(to)),
      fork: () => this.#fork(Number(at)),
      source: () => this.#source(target.closest(".entry")),
      rename: () => this.#rename(),
      archive: () => this.#patch({ archived: !this.#header.archived }),
      delete: () => this.#delete(),
      export: () => this.#export(),
      stop: () => this.#post("turn", "cancel", { by: BY }),
      panel: () => this.togglePanel(),
    }[action];
    if (does !== undefined && this.#header !== null) Promise.resolve(does()).catch(fail);
  }

  #post(...segments) {
    const body = segments.pop();
    return call("POST", ["sessions", this.#id, ...segments], { body });
  }

  // Nothing is lost by going back, so it is done at once, and can be undone.
  async #rewind(to) {
    const { version } = await this.#post("rewind", { to });
    say(`Went back to #${to}.`, "Undo", () => this.#rewind(version - 1).catch(fail));
    if (version > this.#version) await this.open(this.#id);
  }

  async #fork(at) {
    const { session_id: id } = await this.#post("fork", { at });
    say(`This is the fork of #${at}.`);
    location.hash = hashOf(id);
  }

  #source(row) {
    const there = row.querySelector(":scope > .source");
    const entry = this.#conversation.entries.get(Number(row.dataset.seq));
    if (there !== null) there.remove();
    else if (entry !== undefined) row.append(sourceOf(entry));
  }

  async #rename() {
    const title = await ask(
      "What is the session to be called?",
      "Rename",
      this.#header.title ?? "",
    );
    if (title !== null) await this.#patch({ title: title.trim() === "" ? null : title.trim() });
  }

  async #patch(body) {
    const visit = this.#visit;
    const session = await call("PATCH", ["sessions", this.#id], { body });
    if (visit === this.#visit) this.#show({ ...session, holder: this.#header.holder });
  }

  async #delete() {
    const id = this.#id;
    await call("DELETE", ["sessions", id]);
    say("It is in the trash.", "Undo", () => undelete(id).catch(fail));
    location.hash = "#/";
  }

  // Not by a link: that could not send a token, nor say why it failed.
  async #export() {
    const answer = await answerTo("GET", ["sessions", this.#id, "export"]);
    const url = URL.createObjectURL(await answer.blob());
    const name = this.#id.replace(/[^\w.-]+/g, "_").slice(0, 100);
    make("a", { href: url, download: `${name}.jsonl` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}

export async function undelete(id, trashId) {
  const body = trashId === undefined ? {} : { trash_id: trashId };
  await call("POST", ["sessions", id, "undelete"], { body });
  location.hash = hashOf(id);
}

// What stands behind the page's address for a session, and an entry of it.
export function hashOf(id, seq) {
  return `#/${encodeURIComponent(id)}${seq === undefined ? "" : `/${seq}`}`;
}
